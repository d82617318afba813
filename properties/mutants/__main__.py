"""The command line: break the library in every known way, and see what catches it.

Exits with 0 when nothing survives unexpectedly, 1 when something does, 2 when the question cannot be asked (a mutant
that no longer fits, checks that fail without one).
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from pathlib import Path

from properties.mutants._catalogue import ACCEPTED, MUTANTS
from properties.mutants._checks import ROOT, NotGreen, Verdict, copy_of, hold_steady, judge, recorded
from properties.mutants._law_mutants import LAWS
from properties.mutants._mutant import Mutant, Stale

CAUGHT, SURVIVED, UNASKABLE = 0, 1, 2
PROCESSES = 2
MANY = 6
"""Of so many mutants of a part it pays to record first which tests concern them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the mutants and return the exit code."""
    parser = argparse.ArgumentParser("python -m properties.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", metavar="NAME", nargs="+", help="these mutants only")
    parser.add_argument("--laws", action="store_true", help="those that laws alone must catch")
    parser.add_argument("--list", action="store_true", help="say what each mutant does, and run none")
    options = parser.parse_args(argv)
    try:
        mutants = _chosen(options.only, LAWS if options.laws else MUTANTS)
        return _list(mutants) if options.list else _judge(mutants)
    except (Stale, NotGreen, LookupError) as error:
        print(f"python -m properties.mutants: {error.args[0]}", file=sys.stderr)
        return UNASKABLE


def _chosen(names: Sequence[str] | None, mutants: tuple[Mutant, ...]) -> tuple[Mutant, ...]:
    known = {mutant.name: mutant for mutant in mutants}
    for name in names or ():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise LookupError(f"no mutant {name!r}" + (f"; did you mean {near[0]!r}?" if near else "; see --list"))
    return tuple(known[name] for name in names) if names else mutants


def _list(mutants: Sequence[Mutant]) -> int:
    for mutant in mutants:
        print(f"{mutant.name:<44} {mutant.does}")
    return CAUGHT


def _judge(mutants: Sequence[Mutant]) -> int:
    with copy_of(ROOT) as sound:  # whoever works on the project meanwhile may go on
        for mutant in mutants:  # all of them before the first is run
            mutant.applied(sound)
        verdicts = []
        for verdict in _verdicts(mutants, sound):
            print(_line(verdict), flush=True)
            verdicts.append(verdict)
        hold_steady({verdict.test for verdict in verdicts if verdict.test is not None}, sound)
    return _conclude(len(mutants), [verdict.mutant for verdict in verdicts if verdict.caught_by is None])


def _verdicts(mutants: Sequence[Mutant], sound: Path) -> Iterator[Verdict]:
    counts = Counter(mutant.part for mutant in mutants if not mutant.judges)
    parts = [part for part in counts if counts[part] >= MANY]
    with ThreadPoolExecutor(PROCESSES) as pool:
        recordings = dict(zip(parts, pool.map(lambda part: recorded(part, sound), parts), strict=True))
        yield from pool.map(lambda mutant: judge(mutant, recordings.get(mutant.part), sound), mutants)


def _line(verdict: Verdict) -> str:
    return f"{verdict.mutant.name:<44} {verdict.seconds:6.1f} s  {verdict.caught_by or 'SURVIVED'}"


def _conclude(count: int, survivors: Sequence[Mutant]) -> int:
    print(f"\n{count} mutants, {count - len(survivors)} caught, {len(survivors)} survived")
    for mutant in survivors:
        print(f"  {mutant.name}: {mutant.does} {_excuse(mutant)}")
    return SURVIVED if any(mutant.name not in ACCEPTED for mutant in survivors) else CAUGHT


def _excuse(mutant: Mutant) -> str:
    return f"Accepted: {ACCEPTED[mutant.name]}" if mutant.name in ACCEPTED else "NO TEST KNOWS."


if __name__ == "__main__":
    # A shell starts what it puts into the background with SIGINT ignored; the tests of Control-C would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())

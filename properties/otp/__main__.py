"""The command line: replay recordings, compare with the installed Erlang/OTP, generate and record scenarios.

Exits with 0 when all agree, 1 on a difference, 2 when the question cannot be asked (no Erlang, a file that is none).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from properties.otp._codec import (
    BadLine,
    Recording,
    read_recordings,
    read_scenarios,
    recording_line,
    scenario_line,
    write_lines,
)
from properties.otp._compare import Mismatch, mismatch, shrunk
from properties.otp._engine import Engine
from properties.otp._engines import ENGINES, chosen
from properties.otp._generate import scenarios, slow_start
from properties.otp._oracle import OracleError, open_oracle, run, version
from properties.otp._scenario import Scenario
from properties.otp._show import show_mismatch, show_recording

AGREED, DIFFERED, UNASKABLE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(argv)
    try:
        return int(options.command(options))
    except (BadLine, OracleError, OSError) as error:
        print(f"python -m properties.otp: {error}", file=sys.stderr)
        return UNASKABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m properties.otp", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    replay = commands.add_parser("replay", help="hold engines against recordings")
    replay.add_argument("file", type=Path, help="recordings, one a line")
    replay.add_argument("--limit", type=int, help="replay no more than that many")
    replay.add_argument("--only", metavar="ID", help="replay that scenario only")
    replay.set_defaults(command=_replay)

    live = commands.add_parser("live", help="hold engines against the installed Erlang/OTP, on new scenarios")
    live.add_argument("--save", type=Path, metavar="FILE", help="write the shrunk differences there, as recordings")
    live.set_defaults(command=_live)

    generate = commands.add_parser("generate", help="print scenarios")
    generate.set_defaults(command=_generate)
    for with_seed in (live, generate):
        with_seed.add_argument("--seed", type=int, required=True, help="of the first scenario")
        with_seed.add_argument("--count", type=int, required=True, help="how many; each takes the next seed")
        with_seed.add_argument("--slow-starts", action="store_true", help="those whose restarts are slow")
    for with_engine in (replay, live):
        choices = sorted({*ENGINES, "both"})
        with_engine.add_argument("--engine", choices=choices, default="both", help="both: every engine of ours")

    record = commands.add_parser("run", help="let the installed Erlang/OTP record scenarios")
    record.add_argument("file", type=Path, help="scenarios or recordings, one a line")
    record.set_defaults(command=_record)

    show = commands.add_parser("show", help="print one recording for people")
    show.add_argument("file", type=Path, help="recordings, one a line")
    show.add_argument("id")
    show.set_defaults(command=_show)
    return parser


def _replay(options: argparse.Namespace) -> int:
    recordings = [each for each in read_recordings(options.file) if options.only in {None, each.scenario.id}]
    if not recordings:
        asked = f"no scenario {options.only!r}" if options.only else "no recordings"
        raise BadLine(f"{options.file}: {asked} in it")
    recordings = recordings[: options.limit]
    with ExitStack() as stack:
        engines = _opened(options.engine, stack)
        found = list(_mismatches(engines, recordings))
    return _conclude(len(recordings), engines, found)


def _live(options: argparse.Namespace) -> int:
    fresh = list(_drawn(options))
    print(f"on {version()}")
    with ExitStack() as stack:
        recordings = [Recording(*pair) for pair in zip(fresh, run(fresh), strict=True)]
        engines = _opened(options.engine, stack)
        oracle = stack.enter_context(open_oracle())
        found = list(_mismatches(engines, recordings))
        small = [_shrunk(each, engines, oracle) for each in found]
    if options.save and small:
        write_lines(options.save, (recording_line(each.recording) for each in small))
        print(f"wrote {len(small)} shrunk recordings: python -m properties.otp replay {options.save}")
    return _conclude(len(recordings), engines, found)


def _drawn(options: argparse.Namespace) -> Iterable[Scenario]:
    seeds = options.seed, options.count
    return scenarios(*seeds, slow_start) if options.slow_starts else scenarios(*seeds)


def _opened(name: str, stack: ExitStack) -> dict[str, Engine]:
    return {each: stack.enter_context(open_engine()) for each, open_engine in chosen(name).items()}


def _mismatches(engines: dict[str, Engine], recordings: Iterable[Recording]) -> Iterable[Mismatch]:
    for recording in recordings:
        for name, engine in engines.items():
            if found := mismatch(name, engine, recording):
                print(show_mismatch(found), end="\n\n")
                yield found


def _shrunk(found: Mismatch, engines: dict[str, Engine], oracle: Engine) -> Mismatch:
    small = shrunk(found.engine, engines[found.engine], oracle, found.recording.scenario)
    print(f"shrunk: {show_mismatch(small)}\n{recording_line(small.recording)}\n")
    return small


def _conclude(count: int, engines: Iterable[str], found: Sequence[Mismatch]) -> int:
    verdict = f"{len(found)} differ" if found else "all agree"
    print(f"{count} scenarios on {', '.join(engines)}: {verdict}")
    return DIFFERED if found else AGREED


def _generate(options: argparse.Namespace) -> int:
    for each in _drawn(options):
        print(scenario_line(each))
    return AGREED


def _record(options: argparse.Namespace) -> int:
    given = list(read_scenarios(options.file))
    for scenario, trace in zip(given, run(given), strict=True):
        print(recording_line(Recording(scenario, trace)))
    return AGREED


def _show(options: argparse.Namespace) -> int:
    for recording in read_recordings(options.file):
        if recording.scenario.id == options.id:
            print(show_recording(recording))
            return AGREED
    raise BadLine(f"{options.file}: no scenario {options.id!r} in it")


if __name__ == "__main__":
    sys.exit(main())

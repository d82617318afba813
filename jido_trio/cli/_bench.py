"""`jido-trio bench`: what agents cost on this machine, beside bare Trio in the same run."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import asdict

from jido_trio import checks
from jido_trio.bench import _noise
from jido_trio.bench._catalog import BENCHMARKS, ROUNDS, SUBJECTS, run
from jido_trio.bench._measure import Benchmark, Comparison
from jido_trio.bench._own import own_benchmarks
from jido_trio.bench._picture import picture
from jido_trio.bench._stopwatch import go_by_processor_time
from jido_trio.bench._table import Run, as_json, as_text, read
from jido_trio.cli._output import say
from jido_trio.cli._target import agent_at
from jido_trio.core import Signal
from jido_trio.errors import InvalidDefinition, JidoError
from jido_trio.redact import said, shown

CODES = (
    "exit code: 0 it was measured, or nothing has become slower; 1 compare: something has; 2 wrong usage, or it can't "
    "be measured; 130 ended by Ctrl-C"
)
SLOWER, USAGE = 1, 2
COMPARE = "compare"


def add_bench(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.epilog = CODES
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"{', '.join(SUBJECTS)} (default: all of these), or a benchmark by name; or: compare A.json B.json",
    )
    parser.add_argument("--agent", metavar="TARGET", help="measure this agent instead: module:Agent")
    parser.add_argument(
        "--signal",
        action="append",
        default=[],
        metavar="TYPE[=JSON]",
        help="what the agent is told; may be repeated (default: the signals of its routes that need no data)",
    )
    parser.add_argument("--rounds", type=_rounds, default=ROUNDS, metavar="N", help=f"rounds (default: {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that it runs")
    parser.add_argument("--cpu", action="store_true", help="count the processor's time, on a busy machine")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="write the ratios there as an SVG picture")
    parser.set_defaults(fail=parser.error, run=_bench)


def _rounds(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def _bench(options: argparse.Namespace) -> int:
    try:
        if options.what[:1] == [COMPARE]:
            return _compare(options)
        benchmarks = _chosen(options)
        if options.cpu:
            go_by_processor_time()
        tell = (lambda _: None) if options.json else _progress
        result = run(benchmarks, rounds=options.rounds, quick=options.quick, cpu=options.cpu, tell=tell)
        if options.plot is not None:
            options.plot.write_text(picture(result), encoding="utf-8")
    except (JidoError, OSError) as error:
        print(f"jido-trio: {error}", file=sys.stderr)
        return USAGE
    say(as_json(result) if options.json else as_text(result))
    return 0


def _chosen(options: argparse.Namespace) -> Iterable[Benchmark]:
    """Return the benchmarks that are asked for."""
    if options.agent is not None:
        if options.what:
            raise InvalidDefinition(f"{said(options.what[0])} isn't about --agent: leave one of them out", field="what")
        return own_benchmarks(agent_at(options.agent), [_signal(text) for text in options.signal])
    if options.signal:
        raise InvalidDefinition("--signal is what an agent is told: give --agent, too", field="signal")
    names = [name for word in options.what or SUBJECTS for name in _named(word)]
    return [BENCHMARKS[name] for name in dict.fromkeys(names)]


def _named(word: str) -> Sequence[str]:
    if word in SUBJECTS:
        return SUBJECTS[word]
    if word in BENCHMARKS:
        return (word,)
    meant = checks.nearest(word, (*SUBJECTS, *BENCHMARKS, COMPARE))
    hint = f"; did you mean {meant}?" if meant else "."
    known = ", ".join(dict.fromkeys((*SUBJECTS, *BENCHMARKS)))
    raise InvalidDefinition(f"there is no benchmark {shown(word)}{hint} There are: {known}", field="what", value=word)


def _signal(text: str) -> Signal:
    kind, _, data = text.partition("=")
    try:
        return Signal(kind, json.loads(data) if data else None)
    except ValueError as error:
        raise InvalidDefinition(
            f"--signal {shown(text)} is neither TYPE nor TYPE=JSON: {said(error)}", field="signal", value=text
        ) from None


def _progress(comparison: Comparison) -> None:
    ratios = ", ".join(f"{ratio.ratio:.2f}x {ratio.to}" for ratio in comparison.ratios)
    print(f"{comparison.name}: {ratios}", file=sys.stderr, flush=True)


def _compare(options: argparse.Namespace) -> int:
    if len(options.what) != 3:
        raise InvalidDefinition("compare takes two files: jido-trio bench compare BEFORE.json AFTER.json", field="what")
    before, after = (_read(path) for path in options.what[1:])
    changes = _noise.changes(before, after)
    if not changes:
        raise InvalidDefinition("the two runs have no benchmark in common", field="what")
    if options.json:
        say(json.dumps([{**asdict(change), "part": change.part} for change in changes]))
    else:
        say(_noise.as_text(before, after, changes))
    return SLOWER if any(change.verdict == "slower" for change in changes) else 0


def _read(path: str) -> Run:
    try:
        return read(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidDefinition(f"{said(path)} can't be read: {said(error.strerror or error)}", field="what") from None
    except Exception as error:  # noqa: BLE001  # whatever such a file holds
        raise InvalidDefinition(
            f"{said(path)} isn't what `jido-trio bench --json` prints: {said(error)}", field="what"
        ) from None

"""`python -m benchmarks`: run the benchmarks, and print what each costs beside bare Trio."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from benchmarks._catalog import BENCHMARKS, SHORT, run
from benchmarks.plot import publish
from jido_trio.bench._catalog import ROUNDS
from jido_trio.bench._measure import Comparison
from jido_trio.bench._stopwatch import go_by_processor_time
from jido_trio.bench._table import as_json, as_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says."""
    options = _options(arguments)
    if options.cpu:
        go_by_processor_time()
    result = run(options.only or (), rounds=options.rounds, quick=options.quick, cpu=options.cpu, tell=_progress)
    print(as_text(result))
    if options.publish:
        publish(result)
    if options.json is not None:
        options.json.write_text(as_json(result) + "\n", encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks", description="What agents and supervision cost.")
    parser.add_argument(
        "--only",
        action="append",
        choices=sorted(BENCHMARKS),
        metavar="NAME",
        help=f"one benchmark; may be repeated; long ones run only so: {', '.join(set(BENCHMARKS) - set(SHORT))}",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds to take medians of ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that it runs")
    parser.add_argument(
        "--cpu", action="store_true", help="count the processor's time, on a busy machine; Erlang's stays real time"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--publish", action="store_true", help="write the page and the picture of docs/benchmarks")
    options = parser.parse_args(arguments)
    if options.publish and (options.only or options.quick):
        parser.error("--publish shows a whole run: leave out --only and --quick, or use python -m benchmarks.plot")
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds} must be 1 or more")
    return options


def _progress(comparison: Comparison) -> None:
    ratios = ", ".join(f"{ratio.ratio:.2f}x {ratio.to}" for ratio in comparison.ratios)
    print(f"{comparison.name}: {ratios}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

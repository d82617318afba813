"""`python -m benchmarks.before COMMIT`: what the messages and lives of agents cost at a commit, and what they cost now.

The commit is checked out into a folder that is thrown away. Its own benchmarks run there and those of today run here,
in turns, each in a process of its own and each beside bare Trio in that process. So the two are compared by their
ratios to bare Trio, of which the medians over the turns are taken; the times stand beside them.

A second table has the calls of functions that each takes. They are nearly the same whatever else the machine does: only
which turn of the run queue is cut short differs.
"""

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

from jido_trio.bench._machine import load, this_machine

ROOT = Path(__file__).resolve().parent.parent
SHAPE = (
    "call",
    "call-100",
    "cast",
    "cast-nowait",
    "hop",
    "start-10000",
    "stop-10000",
    "restart-agent",
    "restart-child",
)
"""What is compared, unless something else is asked for."""
TURNS = 3


@frozen
class Figure:
    """One benchmark, in one turn or as the median of several."""

    title: str
    time: float
    """The p50 of ours, in microseconds."""
    beside: str
    """What the ratio is to."""
    ratio: float
    must: float | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, and print the table."""
    parser = ArgumentParser(prog="python -m benchmarks.before", description="What agents cost, before and after.")
    parser.add_argument("commit", help="what is compared with what is here")
    parser.add_argument("--only", action="append", metavar="NAME", help=f"may be repeated ({', '.join(SHAPE)})")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of each of the two ({TURNS})")
    parser.add_argument("--calls", action="store_true", help="count calls of functions, and measure no time")
    parser.add_argument("--cpu", action="store_true", help="count the processor's time, on a busy machine")
    options = parser.parse_args(arguments)
    with _checked_out(options.commit) as folder:
        if not options.calls:
            _compare_times(folder, options)
        print(table_of_calls(_calls(folder), _calls(ROOT)))


def _compare_times(folder: Path, options: Namespace) -> None:
    names, at_first = options.only or SHAPE, load()
    before: list[Mapping[str, Figure]] = []
    after: list[Mapping[str, Figure]] = []
    for turn in range(options.turns):
        for where, figures in ((folder, before), (ROOT, after))[:: 1 if turn % 2 == 0 else -1]:
            figures.append(_figures(where, names, cpu=options.cpu))
            print(f"{'before' if figures is before else 'after'}: turn {turn + 1} is done", file=sys.stderr)
    loads = " before and ".join("unknown" if each is None else f"{each:.1f}" for each in (at_first, load()))
    clock = ", the processor's time" if options.cpu else ""
    print(f"{this_machine()}; load {loads} after; medians of {options.turns} turns{clock}\n")
    print(table(medians(before), medians(after)) + "\n")


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="jido-trio-before-") as temporary:
        folder = Path(temporary, "before")
        _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)


def _figures(where: Path, names: Sequence[str], *, cpu: bool) -> Mapping[str, Figure]:
    """Run the benchmarks of a checkout: what is imported is what is there, as it is the working directory."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "run.json")
        chosen = [word for name in names for word in ("--only", name)]
        command = [sys.executable, "-m", "benchmarks", "--rounds", "2", "--json", str(result), *chosen]
        quiet = subprocess.DEVNULL
        subprocess.run([*command, *(["--cpu"] if cpu else [])], cwd=where, check=True, stdout=quiet, stderr=quiet)
        return {each["name"]: _figure(each) for each in json.loads(result.read_text())["comparisons"]}


def _figure(comparison: Any) -> Figure:
    # Erlang's time is real time whatever is asked for, and not there on every machine.
    ratio = next(each for each in comparison["ratios"] if "Erlang" not in each["to"])
    bounded = comparison["must"] if ratio is comparison["ratios"][0] else None
    return Figure(comparison["title"], comparison["ours"]["p50"], ratio["to"], ratio["ratio"], bounded)


def medians(turns: Sequence[Mapping[str, Figure]]) -> dict[str, Figure]:
    """Return the medians of the times, and those of the ratios, of each benchmark."""
    return {
        name: Figure(
            figure.title,
            median(turn[name].time for turn in turns),
            figure.beside,
            median(turn[name].ratio for turn in turns),
            figure.must,
        )
        for name, figure in turns[-1].items()
    }


def table(before: Mapping[str, Figure], after: Mapping[str, Figure]) -> str:
    """Return the two as a table in Markdown; "after : before" is of the ratios, so less than 1 is quicker."""
    lines = [
        "| | beside | before | ratio | after | ratio | after : before | must |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, now in after.items():
        old = before[name]
        must = "" if now.must is None else f"{now.must:g}x: {'reached' if now.ratio <= now.must else 'missed'}"
        cells = [
            now.title,
            now.beside,
            f"{old.time:.1f} µs",
            f"{old.ratio:.2f}x",
            f"{now.time:.1f} µs",
            f"{now.ratio:.2f}x",
            f"{now.ratio / old.ratio:.2f}",
            must,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


Calls = Mapping[str, Mapping[str, float]]


def _calls(where: Path) -> Calls:
    """Run our program that counts, with the package of a checkout."""
    command = [sys.executable, str(ROOT / "benchmarks" / "_calls.py")]
    environment = os.environ | {"PYTHONPATH": str(where)}
    ran = subprocess.run(command, cwd=where, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    counts: Calls = json.loads(ran.stdout)
    return counts


def table_of_calls(before: Calls, after: Calls) -> str:
    """Return the calls of functions as a table in Markdown."""
    lines = ["| calls of functions | Python, before | after | C, before | after |", "|---|--:|--:|--:|--:|"]
    for name in after:
        cells = [f"{each[name][kind]:.0f}" for kind in ("Python", "C") for each in (before, after)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

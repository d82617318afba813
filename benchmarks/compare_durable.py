"""`python -m benchmarks.compare_durable`: durable steps here and with other libraries, and how soon one goes on.

A counter is brought to a number, each step committed before the next, by one caller, on SQLite. Then the process kills
itself with -9, and another is started that goes on and does one step more. All are given the same SQLite, with a
write-ahead log, in two ways: each commit reaches the disk (`synchronous=FULL`), or the operating system (`NORMAL`).
What is committed with a step is what the library commits: see `LIBRARIES`. Times are of the wall, the rounds in turns.
Each library, of the version that stands here, is installed from the package index into an environment of its own, that
is thrown away afterwards, beside the same Python.
"""

import json
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from attrs import frozen

from benchmarks._machine import load, this_machine
from benchmarks._outside import ROOT, SECONDS, Skipped, output

ROUNDS = 5
STEPS = 1000


@frozen
class Library:
    """A library to compare with, and what it commits with a step."""

    name: str
    commits: str
    module: str
    packages: tuple[str, ...] = ()


OURS = Library("jido_trio", "the input, the state, the mark of it; then the caller is answered", "_steps_jido_trio")
LIBRARIES = (
    Library("eventsourcing", "an event; a snapshot each 100", "_steps_eventsourcing", ("eventsourcing==9.5.6",)),
    Library("Burr", "the state", "_steps_burr", ("apache-burr==0.43.0",)),
    Library(
        "LangGraph",
        'a checkpoint and its writes, `durability="sync"`',
        "_steps_langgraph",
        ("langgraph==1.2.24", "langgraph-checkpoint-sqlite==3.1.2"),
    ),
    Library("DBOS", "the outcome of the step", "_steps_dbos", ("dbos==3.4.0",)),
)


@frozen
class Figures:
    """What was measured in one round, in seconds."""

    step: float
    going_on: float
    """From the start of the process to the end of its first step."""
    opening: float
    """The part of that in which the library is imported already."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, and print the table."""
    parser = ArgumentParser(
        prog="python -m benchmarks.compare_durable", description="Durable steps, here and elsewhere."
    )
    parser.add_argument("--steps", type=int, default=STEPS, help=f"before the process dies ({STEPS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"to take medians of ({ROUNDS})")
    options = parser.parse_args(arguments)
    before = load()
    with tempfile.TemporaryDirectory(prefix="jido-trio-durable-") as name:
        programs = {OURS: sys.executable, **dict(_installed(Path(name)))}
        found: dict[tuple[str, str], list[Figures]] = defaultdict(list)
        for number in range(options.rounds):
            for safe in ("disk", "system"):
                for library, python in programs.items():
                    try:
                        file = Path(name) / f"{library.module}-{number}-{safe}.db"
                        found[safe, library.name].append(measured(library, python, file, options.steps, safe))
                    except Skipped as reason:
                        print(f"SKIPPED {library.name}: {reason}", file=sys.stderr)
    print(
        this_machine(), f"load {before:.1f} before, {load():.1f} after; {options.rounds} rounds of {options.steps}", ""
    )
    for safe, title in (("disk", "each commit on the disk"), ("system", "each commit with the operating system")):
        figures = {library: found[safe, library.name] for library in programs if found[safe, library.name]}
        print(table(title, figures), "", sep="\n")


def measured(library: Library, python: str, file: Path, steps: int, safe: str) -> Figures:
    """Have a program do so many steps, kill itself, and go on."""
    command = [python, "-m", f"benchmarks.peers.{library.module}", str(file)]
    first, _ = _told([*command, str(steps), safe, "killed"])
    again, seconds = _told([*command, str(steps + 1), safe])
    return Figures(first["rest"] / (steps - 1), seconds, again["first"])


def _told(command: Sequence[str]) -> tuple[Mapping[str, float], float]:
    """Return what a program says in its last line, and the seconds until it has said so."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        line, taken = program.stdout.readline(), time.perf_counter()
        while line and not line.startswith("{"):
            line, taken = program.stdout.readline(), time.perf_counter()
        _, said = program.communicate(timeout=SECONDS)
    if not line:
        raise Skipped(f"`{' '.join(command)}` failed: {(said.strip().splitlines() or ['it said nothing'])[-1]}")
    figures: Mapping[str, float] = json.loads(line)
    return figures, taken - began


def table(title: str, figures: Mapping[Library, Sequence[Figures]]) -> str:
    """Return medians as a table in Markdown, with what they are beside ours."""
    lines = [
        f"| {title} | a step | | after kill -9: to the next step | | of that, imports aside | commits with a step |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    ours = figures[OURS]
    for library, found in figures.items():
        step, own = (median(each.step for each in some) for some in (found, ours))
        on, own_on = (median(each.going_on for each in some) for some in (found, ours))
        name = f"{library.name} {library.packages[0].partition('==')[2]}".strip() if library.packages else library.name
        opening = median(each.opening for each in found)
        lines.append(
            f"| {name} | {step * 1e6:.0f} µs | {step / own:.2f}x | {on * 1e3:.0f} ms | {on / own_on:.2f}x "
            f"| {opening * 1e3:.0f} ms | {library.commits} |"
        )
    return "\n".join(lines)


def _installed(folder: Path) -> Iterator[tuple[Library, str]]:
    """Install each library, and give it with its Python; name those that can't be had."""
    for library in LIBRARIES:
        try:
            environment = folder / library.module
            output([sys.executable, "-m", "venv", str(environment)])
            python = str(environment / "bin" / "python")
            output([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *library.packages])
            yield library, python
        except Skipped as reason:
            print(f"SKIPPED {library.name}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()

"""`python -m benchmarks.compare_durable`: durable steps here and with other libraries, and how soon one goes on.

A counter is brought to a number, each step committed before the next, by one caller, on SQLite. Then the process kills
itself with -9, and another is started that goes on and does one step more. All are given the same SQLite, with a
write-ahead log, in two ways: each commit reaches the disk (`synchronous=FULL`), or the operating system (`NORMAL`).
What is committed with a step is what the library commits: see `LIBRARIES`. The rounds are in turns, the first isn't
counted. Beside the clock stand seconds of the processor, which hold on a busy machine, and leave out waits for a disk.
Each library, of the version that stands here, is installed from the package index into an environment of its own, that
is thrown away afterwards, beside the same Python.
"""

import json
import os
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

from benchmarks._outside import ROOT, SECONDS, Skipped, output
from jido_trio.bench._machine import load, this_machine

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
    step_busy: float
    """Of the processor, as the others that are called so."""
    going_on: float
    """From the start of the process to the end of its first step."""
    going_on_busy: float
    opening_busy: float
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
        for number in range(options.rounds + 1):
            for safe in ("disk", "system"):
                for library, python in programs.items():
                    try:
                        file = Path(name) / f"{library.module}-{number}-{safe}.db"
                        figures = measured(library, python, file, options.steps, safe)
                        if number:
                            found[safe, library.name].append(figures)
                    except Skipped as reason:
                        print(f"SKIPPED {library.name}: {reason}", file=sys.stderr)
    loads = f"load {before or 0:.1f} before, {load() or 0:.1f} after"
    print(this_machine(), f"{loads}; {options.rounds} rounds of {options.steps} steps", "", sep="\n")
    for safe, title in (("disk", "each commit on the disk"), ("system", "each commit with the operating system")):
        there = {library: found[safe, library.name] for library in programs if found[safe, library.name]}
        print(table(title, there), "\n")


def measured(library: Library, python: str, file: Path, steps: int, safe: str) -> Figures:
    """Have a program do so many steps, kill itself, and go on."""
    command = [python, "-m", f"benchmarks.peers.{library.module}", str(file)]
    first, _ = _told([*command, str(steps), safe, "killed"])
    again, seconds = _told([*command, str(steps + 1), safe])
    rest = steps - 1
    return Figures(first["rest"] / rest, first["rest_busy"] / rest, seconds, again["first_busy"], again["opening"])


def _told(command: Sequence[str]) -> tuple[Mapping[str, float], float]:
    """Return what a program says in its last line, and the seconds until it has said so."""
    began = time.perf_counter()
    # Packages that were installed are compiled already; so shall ours be.
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=compiled, text=True, **pipes) as program:  # type: ignore[call-overload]
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
        f"| {title} | a step | | processor | kill -9 to next step | processor | imports aside | commits with a step |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    own = median(each.step for each in figures[OURS])
    for library, found in figures.items():
        name = f"{library.name} {library.packages[0].partition('==')[2]}" if library.packages else library.name
        step, busy = median(each.step for each in found), median(each.step_busy for each in found)
        on, on_busy = median(each.going_on for each in found), median(each.going_on_busy for each in found)
        opening = median(each.opening_busy for each in found)
        lines.append(
            f"| {name} | {step * 1e6:.0f} µs | {step / own:.2f}x | {busy * 1e6:.0f} µs | {on * 1e3:.0f} ms "
            f"| {on_busy * 1e3:.0f} ms | {opening * 1e3:.0f} ms | {library.commits} |"
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

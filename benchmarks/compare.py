"""`python -m benchmarks.compare`: the same work here, in bare Trio, in Erlang/OTP, and with other libraries.

Two tables. The rows of a counter: a call, a hundred callers, casts, starts and memory. And one supervised restart: a
child under one_for_one, timed from the line before it raises to the first line of its next life; a report of each crash
is made and written nowhere. Each library, of the version that stands here, is installed from the package index into an
environment that is thrown away afterwards. What this machine doesn't have is skipped, and the table's notes say so.
"""

import json
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from attrs import frozen

from benchmarks._outside import Skipped, erlang, laps_of, output
from jido_trio.bench._machine import load, this_machine
from jido_trio.bench._measure import Benchmark, Comparison, Contender, Measured, compare
from jido_trio.bench._restarts import LOOP, NURSERY, TASK, agent_in_place, child
from jido_trio.bench._table import Run, conditions

ROUNDS = 3
LAPS = 2000
COLUMNS = {"call": "call", "call-100": "call, 100 callers", "cast": "cast", "start": "start", "KiB": "memory"}


@frozen
class Library:
    """A library to compare with, and what it needs."""

    name: str
    version: str
    python: str
    """The interpreter, by the name it has on PATH."""
    does: str
    rows: str | None = None
    """The module with the rows of its counter."""
    restart: str | None = None
    """The module that times its restart."""


LIBRARIES = (
    Library("casty", "0.30.2", "python3.12", "asyncio, with a core in Rust", "_casty"),
    Library("everything-is-an-actor", "0.1.6", "python3.12", "asyncio", "_everything_is_an_actor"),
    Library("mindmesh", "0.1.1", "python3.12", "asyncio", "_mindmesh"),
    Library("domo-actors", "1.0.1", "python3.12", "asyncio", "_domo_actors"),
    Library("pykka", "4.5.0", "python3.12", "a thread for each actor", "_pykka"),
    Library("triotp", "0.3.1", "python3.13", "Trio, a nursery for each life", "_triotp_rows", "_triotp"),
    Library("otpylib", "0.5.18", "python3.12", "asyncio, a gen_server", "_otpylib_rows", "_otpylib"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, and print both tables."""
    parser = ArgumentParser(prog="python -m benchmarks.compare", description="The same work, here and elsewhere.")
    parser.add_argument("--laps", type=int, default=LAPS, help=f"restarts in a round ({LAPS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds to take medians of ({ROUNDS})")
    options = parser.parse_args(arguments)
    before = load()
    with tempfile.TemporaryDirectory(prefix="jido-trio-compare-") as folder:
        installed = dict(_installed(Path(folder)))
        programs = {
            "jido_trio": [sys.executable, "-m", "benchmarks.peers._jido_trio"],
            "bare Trio": [sys.executable, "-m", "benchmarks.peers._bare_trio"],
            **{title: [python, "-m", f"benchmarks.peers.{it.rows}"] for title, (python, it) in installed.items()},
        }
        counters = table_of_rows(_rows(programs, options.rounds))
        restarts = _restarts(installed, options.rounds, options.laps)
    run = Run(this_machine(), (before, load()), options.rounds, quick=False, comparisons=(restarts,))
    print(run.machine, conditions(run), "", counters, "", table(restarts), sep="\n")


Figures = Mapping[str, float]


def _rows(programs: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Figures]:
    """Run each program so many times, in turns, and take the medians."""
    told: dict[str, list[Figures]] = {title: [] for title in programs}
    for _ in range(rounds):
        for title, command in programs.items():
            try:
                told[title].append(_figures(output(command)))
            except Skipped as reason:
                print(f"SKIPPED {title}: {reason}", file=sys.stderr)
    return {
        title: {column: median(each[column] for each in figures) for column in COLUMNS}
        for title, figures in told.items()
        if figures
    }


def _figures(printed: str) -> Figures:
    (line,) = (line for line in printed.splitlines() if line.startswith("{"))
    figures: Figures = json.loads(line)
    return figures


def table_of_rows(figures: Mapping[str, Figures]) -> str:
    """Return the rows as a table in Markdown: microseconds of the processor's time for each, and KiB."""
    lines = [f"| | {' | '.join(COLUMNS.values())} |", "|---|" + "--:|" * len(COLUMNS)]
    for title, found in figures.items():
        cells = [f"{found[column]:.1f} {'KiB' if column == 'KiB' else 'µs'}" for column in COLUMNS]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _restarts(installed: Mapping[str, tuple[str, Library]], rounds: int, laps: int) -> Comparison:
    ours = Contender("jido_trio, child", "a fresh task in a cancel scope of its own", child)
    in_place = Contender("jido_trio, agent", "its value is replaced, as it has no tasks", agent_in_place)
    otp = erlang("restart.escript", does="a fresh process, under `supervisor`")
    others = [
        Contender(title, library.does, laps_of([python, "-m", f"benchmarks.peers.{library.restart}"]), outside=True)
        for title, (python, library) in installed.items()
        if library.restart is not None
    ]
    benchmark = Benchmark("compare", "restart, one_for_one", ours, (in_place, LOOP, TASK, NURSERY, otp, *others))
    comparison = compare(benchmark, rounds=rounds, size=laps)
    for missing in comparison.missing:
        print(f"SKIPPED {missing}", file=sys.stderr)
    return comparison


def table(comparison: Comparison) -> str:
    """Return the comparison as a table in Markdown: each beside ours, and beside the cheapest bare Trio."""
    loop = next(measured for measured in comparison.bare if measured.name == LOOP.name)
    lines = ["| restart | p50 | p99 | beside our child | beside bare Trio's loop | how |", "|---|--:|--:|--:|--:|---|"]
    for measured in (comparison.ours, *comparison.bare):
        cells = (
            measured.name,
            f"{measured.p50:.1f} µs",
            f"{measured.p99:.1f} µs" if measured.p99 is not None else "",
            _beside(measured, comparison.ours),
            _beside(measured, loop),
            measured.does,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _beside(one: Measured, other: Measured) -> str:
    return f"{one.p50 / other.p50:.2f}x"


def _installed(folder: Path) -> Iterator[tuple[str, tuple[str, Library]]]:
    """Install each library, and give its title, its interpreter and itself; name those that can't be had."""
    for library in LIBRARIES:
        yield from _unless_skipped(library.name, lambda it=library: _install(it, folder))  # type: ignore[misc]


def _unless_skipped(
    name: str, make: Callable[[], tuple[str, tuple[str, Library]]]
) -> Iterator[tuple[str, tuple[str, Library]]]:
    try:
        yield make()
    except Skipped as reason:
        print(f"SKIPPED {name}: {reason}", file=sys.stderr)


def _install(library: Library, folder: Path) -> tuple[str, tuple[str, Library]]:
    environment = folder / library.name
    output([_interpreter(library), "-m", "venv", str(environment)])
    python = str(environment / "bin" / "python")
    wanted = f"{library.name}=={library.version}"
    output([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted])
    release = output([python, "--version"]).strip()
    return f"{library.name} {library.version}, {library.does}; {release}", (python, library)


def _interpreter(library: Library) -> str:
    found = shutil.which(library.python)
    if found is None:
        raise Skipped(f"it needs {library.python}, which isn't on PATH")
    try:
        output([found, "--version"])
    except Skipped as error:  # a version manager's placeholder is on PATH, what it stands for isn't
        raise Skipped(f"it needs {library.python}, and the one on PATH doesn't run: {error}") from None
    return found


if __name__ == "__main__":
    main()

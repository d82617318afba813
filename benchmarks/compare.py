"""`python -m benchmarks.compare`: one supervised restart, here, in Erlang/OTP, and with other libraries.

Everywhere the same: one child under one_for_one, timed from the line before it raises to the first line of its next
life. A report of each crash is made and written nowhere. Each library is installed from the package index into an
environment that is thrown away afterwards; what can't be had is skipped, and said so.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks._machine import load, this_machine
from benchmarks._measure import Benchmark, Comparison, Contender, Measured, compare
from benchmarks._restarts import LOOP, NURSERY, TASK, agent_in_place, child
from benchmarks._table import Run, conditions

ROOT = Path(__file__).resolve().parent.parent
ESCRIPT = ROOT / "benchmarks" / "peers" / "restart.escript"
SECONDS = 300
"""For one program, an installation too."""
ROUNDS = 3
LAPS = 2000


class Skipped(Exception):
    """Something to compare with can't be had on this machine."""


@frozen
class Library:
    """A library to compare with, and what it needs."""

    name: str
    module: str
    python: str
    """The interpreter, by the name it has on PATH."""
    does: str


LIBRARIES = (
    Library("triotp", "benchmarks.peers._triotp", "python3.13", "a nursery for each life, on Trio"),
    Library("otpylib", "benchmarks.peers._otpylib", "python3", "a gen_server, on asyncio"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, and print a table."""
    parser = ArgumentParser(prog="python -m benchmarks.compare", description="Restarts, here and elsewhere.")
    parser.add_argument("--laps", type=int, default=LAPS, help=f"restarts in a round ({LAPS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds to take medians of ({ROUNDS})")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="jido-trio-compare-") as folder:
        others = list(_contenders(Path(folder)))
        ours = Contender("jido_trio, child", "a fresh task in a cancel scope of its own", child)
        in_place = Contender("jido_trio, agent", "its value is replaced, as it has no tasks", agent_in_place)
        benchmark = Benchmark("compare", "restart, one_for_one", ours, (in_place, LOOP, TASK, NURSERY, *others))
        before = load()
        comparison = compare(benchmark, rounds=options.rounds, size=options.laps)
    run = Run(this_machine(), (before, load()), options.rounds, quick=False, comparisons=(comparison,))
    print(run.machine, conditions(run), "", sep="\n")
    print(table(comparison))


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


def _contenders(folder: Path) -> Iterator[Contender]:
    yield from _unless_skipped("Erlang/OTP", _erlang)
    for library in LIBRARIES:
        yield from _unless_skipped(library.name, lambda it=library: _library(it, folder))  # type: ignore[misc]


def _unless_skipped(name: str, make: Callable[[], Contender]) -> Iterator[Contender]:
    try:
        yield make()
    except Skipped as reason:
        print(f"SKIPPED {name}: {reason}", file=sys.stderr)


# ---- Erlang


def _erlang() -> Contender:
    escript = shutil.which("escript")
    if escript is None:
        raise Skipped("no `escript` on PATH; install Erlang/OTP to compare with it")
    release = _output(["erl", "-noshell", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt()."])
    command = [escript, str(ESCRIPT)]
    return Contender(f"Erlang/OTP {release.strip()}", "a fresh process, under `supervisor`", _laps_of(command))


# ---- libraries


def _library(library: Library, folder: Path) -> Contender:
    interpreter = _interpreter(library)
    environment = folder / library.name
    _output([interpreter, "-m", "venv", str(environment)])
    python = str(environment / "bin" / "python")
    _output([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", library.name])
    version = _output([python, "-c", f"from importlib.metadata import version; print(version({library.name!r}))"])
    title = f"{library.name} {version.strip()}"
    does = f"{library.does}; {_output([python, '--version']).strip()}"
    return Contender(title, does, _laps_of([python, "-m", library.module]))


def _interpreter(library: Library) -> str:
    if library.python == "python3":
        return sys.executable
    found = shutil.which(library.python)
    if found is None:
        raise Skipped(f"it needs {library.python}, which isn't on PATH")
    try:
        _output([found, "--version"])
    except Skipped as error:  # a version manager's placeholder is on PATH, what it stands for isn't
        raise Skipped(f"it needs {library.python}, and the one on PATH doesn't run: {error}") from None
    return found


# ---- programs


def _laps_of(command: Sequence[str]) -> Callable[[int], list[float]]:
    def sample(laps: int) -> list[float]:
        printed = _output([*command, str(laps)]).strip().splitlines()
        times: list[float] = json.loads(printed[-1])
        return times

    return sample


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise Skipped(f"`{' '.join(command)}` failed: {said[0] if said else error.returncode}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"`{' '.join(command)}`: {error}") from None
    return done.stdout


if __name__ == "__main__":
    main()

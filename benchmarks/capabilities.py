"""`python -m benchmarks.capabilities COMMIT`: what an agent that uses no capability pays for them.

The same program runs at that commit and here. It counts the instructions of the interpreter on each common path, which
are the same however busy the machine is, and takes the processor's time beside.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.before import ROOT, _checked_out
from jido_trio.bench._machine import load, this_machine

PROGRAM = Path(__file__).parent / "_paths.py"
PATHS = {
    "cmd": "`cmd` with an action",
    "receive": "`receive` of a signal, which a route leads to that action",
    "call": "a call of an agent that waits for it",
    "start_and_stop": "an agent is started, and stopped",
    "with_effects": "a call, and the async action that follows, until its outcome is handled",
    "scope": "for comparison: a `trio.CancelScope` is entered and left",
}

Figures = Mapping[str, tuple[int, float]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, and print the table."""
    parser = ArgumentParser(prog="python -m benchmarks.capabilities", description="What capabilities cost unused.")
    parser.add_argument("commit", help="what is compared with what is here")
    options = parser.parse_args(arguments)
    at_first = load()
    with _checked_out(options.commit) as folder:
        before, after = figures(folder), figures(ROOT)
    loads = " before and ".join("unknown" if each is None else f"{each:.1f}" for each in (at_first, load()))
    print(f"{this_machine()}; load {loads} after\n")
    print(table(before, after))


def figures(folder: Path) -> Figures:
    """Return the instructions and microseconds of each path, with the package in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    ran = subprocess.run([sys.executable, PROGRAM], cwd=folder, env=environment, capture_output=True, check=True)
    return {path: (count, time) for path, (count, time) in json.loads(ran.stdout).items()}


def table(before: Figures, after: Figures) -> str:
    """Return the two side by side."""
    rows = ["| | instructions before | now | | µs before | now |", "|---|--:|--:|--:|--:|--:|"]
    for path, what in PATHS.items():
        (count, time), (count_now, time_now) = before[path], after[path]
        change = f"{count_now / count - 1:+.1%}" if count_now != count else "the same"
        rows.append(f"| {what} | {count:,} | {count_now:,} | {change} | {time:.2f} | {time_now:.2f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

"""The laws, at length: the properties again and again with other seeds, within a budget of time, and a report.

Each round takes one file after the other with the seed of the round. What fails is kept by Hypothesis as an example
(`.hypothesis`), which is tried first from then on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
MINUTES = 30.0
REPORT = Path("laws.md")
OF_THEIR_OWN = ("test_campaigns", "test_kills", "test_kills_postgres", "test_races", "test_soak")
"""Files whose tests have a campaign of their own, or a seed that is part of the test."""


@frozen
class Round:
    """A file that was run with a seed."""

    file: str
    seed: int
    seconds: float
    outcome: str
    """The last line of pytest."""
    output: str = ""
    """All of it, if something failed."""


def files() -> Sequence[Path]:
    """Return the files of laws."""
    return [path for path in sorted(ROOT.glob("properties/test_*.py")) if path.stem not in OF_THEIR_OWN]


def campaign(
    minutes: float, report: Path = REPORT, only: str = "", profile: str = "long"
) -> Iterator[tuple[str, str | None]]:
    """Run the laws until the time is over; generate what was run with what is wrong, and write the report after each.

    Args:
        minutes: The budget; a file that is under way then is cut off.
        report: Where the report goes, as Markdown.
        only: A part of the name of the files to take; all if empty.
        profile: Hypothesis', which says how many examples there are.
    """
    ends, done = time.monotonic() + minutes * 60, list[Round]()
    chosen = [path for path in files() if only in path.stem]
    for seed in count(1):
        for path in chosen:
            left = ends - time.monotonic()
            if left <= 0:
                return
            done.append(_run(path, seed, left, profile))
            report.write_text(told(done), encoding="utf-8")
            yield f"{path.stem} with seed {seed}", done[-1].output or None


def _run(path: Path, seed: int, left: float, profile: str) -> Round:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(path), "-m", "not long"]
    began = time.monotonic()
    try:
        ran = subprocess.run(
            [*command, f"--hypothesis-seed={seed}", "-o", "test_seconds=3600"],
            cwd=ROOT,
            env={**os.environ, "HYPOTHESIS_PROFILE": profile},
            capture_output=True,
            text=True,
            check=False,
            timeout=left,
        )
    except subprocess.TimeoutExpired:
        return Round(path.stem, seed, time.monotonic() - began, "cut off: the time was over")
    last = ran.stdout.strip().splitlines()[-1:] or ["no output"]
    failed = ran.returncode not in (0, 5)
    return Round(path.stem, seed, time.monotonic() - began, last[0], ran.stdout + ran.stderr if failed else "")


def told(rounds: Sequence[Round]) -> str:
    """Return the report."""
    failed = [one for one in rounds if one.output]
    rows = [f"| {one.file} | {one.seed} | {one.seconds:.0f} | {one.outcome} |" for one in rounds]
    what = [f"## {one.file}, seed {one.seed}\n\n```\n{one.output.strip()}\n```" for one in failed]
    head = (
        f"# Laws\n\n{len(rounds)} runs, {len(failed)} failed.\n\n| file | seed | seconds | outcome |\n|---|---|---|---|"
    )
    return "\n".join([head, *rows, "", *what]).rstrip() + "\n"

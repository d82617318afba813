"""kill -9 of a program that speaks with a model, once at each point that it comes to, until it has answered.

`tests/ai/chat_program.py` asks something that takes two tools, of which one must happen once. A request to the model
and an effect of a tool are lines in a file, which no kill takes back.
"""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "tests" / "ai" / "chat_program.py"
STARTS = 5
"""So often it is started again, until it has answered."""


@define
class Sweep:
    """What became of the request over all points."""

    name: str
    points: int = 0
    answered: int = 0
    paid_twice: int = 0
    """Calls of the model beside the two that it takes."""
    doubled: int = 0
    """Effects that must happen once, and happened again."""
    missing: int = 0
    """Those that didn't happen: the model was told that they may have."""
    invalid: int = 0
    paid_at: list[int] = field(factory=list)

    def row(self) -> str:
        """Return a row of the table in docs/ai/agents.md."""
        figures = (self.points, self.answered, self.paid_twice, self.doubled, self.missing, self.invalid)
        return f"| {self.name} | {' | '.join(map(str, figures))} |"


HEAD = (
    "| | points | answered | calls paid twice | effects doubled | effects missing | invalid transcripts |\n"
    "|---|--:|--:|--:|--:|--:|--:|"
)
SWEPT: list[Sweep] = []


def campaign(share: int) -> Iterator[tuple[str, str | None]]:
    """Sweep it, or one of so many points."""
    ours = Sweep("jido_trio")
    SWEPT[:] = [ours]
    yield from _swept(ours, sys.executable, OURS, share)


def lines() -> list[str]:
    """Return the table."""
    return [HEAD, *(sweep.row() for sweep in SWEPT)]


def _swept(sweep: Sweep, python: str, program: Path, share: int) -> Iterator[tuple[str, str | None]]:
    at = 1
    while True:
        folder = Path(tempfile.mkdtemp(prefix="jido-trio-chat-"))
        try:
            first = _ran(python, program, folder, at)
            if first.returncode != -9:
                break
            yield f"point {at}", _look(sweep, python, program, folder)
        finally:
            shutil.rmtree(folder)
        at += share


def _look(sweep: Sweep, python: str, program: Path, folder: Path) -> str | None:
    """Start it again until it has answered; return what was wrong."""
    runs = (_ran(python, program, folder, 0) for _ in range(STARTS))
    answered = any(run.stdout.startswith("done") for run in runs)
    notes = Counter(line.partition(" ")[0] for line in (folder / "notes").read_text().splitlines())
    more = max(notes["request"] - 2, 0)
    sweep.points += 1
    sweep.answered += answered
    sweep.paid_twice += more
    sweep.doubled += max(notes["pay"] - 1, 0)
    sweep.missing += notes["pay"] == 0
    sweep.invalid += notes["INVALID"]
    if not answered:
        return f"no answer after {STARTS} starts"
    if notes["pay"] > 1 or notes["INVALID"] or more > 1:
        return f"it came to {dict(notes)}"
    return None


def _ran(python: str, program: Path, folder: Path, at: int) -> "subprocess.CompletedProcess[str]":
    command = [python, "-W", "ignore", str(program), str(folder), str(at)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)

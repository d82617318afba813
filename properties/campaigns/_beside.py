"""kill -9 of the same request here and on LangGraph, over HTTP, once at each point, until it has answered.

A request that takes two calls of a model and two tools, of which one must happen once. What was paid is counted by
the provider, what the tools did are lines in a file: neither is taken back by a kill, and neither is what the program
says. The program kills itself at its own points: around each commit, request, tool, and the answer. At those of a reply
on its way the provider does. LangGraph is installed into an environment that is thrown away afterwards.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field, frozen

from properties.campaigns._provider import Provider, open_provider

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("langgraph==1.2.24", "langgraph-checkpoint-sqlite==3.1.2", "langchain==1.5.2", "langchain-openai==1.7.4")
STARTS = 5
"""So often it is started again, until it has answered."""


@frozen
class Died:
    """What came of one request that was killed once."""

    at: str
    answered: bool
    starts: int
    """After the death."""
    paid: int
    looked: int
    payments: int
    refused: int
    """Transcripts that the provider refused."""
    said: str = ""
    """The last words of a start that failed."""

    @property
    def wrong(self) -> str | None:
        """What must not be, if anything was."""
        if not self.answered:
            return f"{self.at}: no answer after {self.starts} starts: {self.said}"
        if self.refused or self.payments > 1 or self.paid > 3:
            return f"{self.at}: paid {self.paid}, effects {self.payments}, refused {self.refused}"
        return None


@define
class Swept:
    """All points of one program."""

    name: str
    deaths: list[Died] = field(factory=list)

    def row(self) -> str:
        """Return a row of the table in docs/ai/beside_langgraph.md."""
        deaths = self.deaths
        figures = (
            len(deaths),
            sum(died.answered for died in deaths),
            sum(died.paid - 2 for died in deaths),
            sum(max(died.payments - 1, 0) for died in deaths),
            sum(died.payments == 0 for died in deaths),
            sum(died.refused for died in deaths),
        )
        return f"| {self.name} | {' | '.join(map(str, figures))} |"

    def places(self) -> Iterator[str]:
        """Yield a row for each kind of point."""
        for at in dict.fromkeys(died.at for died in self.deaths):
            deaths = [died for died in self.deaths if died.at == at]
            twice = sum(died.paid > 2 for died in deaths)
            doubled = sum(died.payments > 1 for died in deaths)
            missing = sum(died.payments == 0 for died in deaths)
            yield f"| {self.name} | {at} | {len(deaths)} | {twice} | {doubled} | {missing} |"


HEAD = (
    "| | points | answered | calls paid twice | effects doubled | effects missing | invalid transcripts |\n"
    "|---|--:|--:|--:|--:|--:|--:|"
)
PLACES = "| | killed | points | paid twice | effect doubled | effect missing |\n|---|---|--:|--:|--:|--:|"
SWEPT: list[Swept] = []


def campaign(share: int, python: str | None = None) -> Iterator[tuple[str, str | None]]:
    """Sweep both, or one of so many points; `python` has LangGraph, if it is there already."""
    SWEPT.clear()
    with tempfile.TemporaryDirectory(prefix="jido-trio-beside-") as name, open_provider() as provider:
        theirs = python or _installed(Path(name))
        for label, command in (("jido_trio", sys.executable), ("LangGraph", theirs)):
            SWEPT.append(Swept(label))
            with _program(command, f"properties.campaigns._asks_by_{label.lower()}") as starts:
                for died in deaths(Trials(starts, provider, Path(name)), share):
                    SWEPT[-1].deaths.append(died)
                    yield f"{label}, {died.at}", died.wrong if label == "jido_trio" else None


def lines() -> list[str]:
    """Return the tables."""
    return [HEAD, *(swept.row() for swept in SWEPT), "", PLACES, *(row for swept in SWEPT for row in swept.places())]


def deaths(trials: "Trials", share: int) -> Iterator[Died]:
    """Kill it at each of its own points, then at each of the provider's, and yield what came of that."""
    trials.killed(0, 0)
    for own in (True, False):
        at = 1
        while (died := trials.killed(at if own else 0, 0 if own else at)) is not None:
            yield died
            at += share


@frozen
class Trials:
    """A program that is started again and again, who it asks, and where its files are."""

    starts: "subprocess.Popen[str]"
    provider: Provider
    within: Path

    def killed(self, own: int, theirs: int) -> Died | None:
        """Return what came of a request that was killed there; None if it never came to that point."""
        folder = Path(tempfile.mkdtemp(dir=self.within))
        self.provider.begin(folder, theirs)
        code, said = self._start(folder, own)
        if code != -signal.SIGKILL:
            if (code, said) == (0, "done") and self.provider.paid == 2 and _effects(folder) == {"look": 1, "pay": 1}:
                return None
            raise AssertionError(f"undisturbed it came to {code}, {self.provider.paid} calls: {said}")
        died = folder / "died"
        at = died.read_text().strip() if own else self.provider.killed_at
        self.provider.kill_at = 0
        starts, answered = 0, False
        while not answered and starts < STARTS:
            starts += 1
            code, said = self._start(folder, 0)
            answered = (code, said) == (0, "done")
        effects, paid, refused = _effects(folder), self.provider.paid, len(self.provider.refused)
        shutil.rmtree(folder)
        return Died(at, answered, starts, paid, effects["look"], effects["pay"], refused, said.rpartition("\n")[2])

    def _start(self, folder: Path, at: int) -> tuple[int, str]:
        """Start it, and return its exit code, and what it said."""
        assert self.starts.stdin is not None
        assert self.starts.stdout is not None
        self.starts.stdin.write(json.dumps([str(folder), at, self.provider.base_url]) + "\n")
        self.starts.stdin.flush()
        code = int(self.starts.stdout.readline())
        if code == -signal.SIGALRM:
            raise TimeoutError(f"it took too long, and that is no result: {(folder / 'said').read_text()[-2000:]}")
        return code, (folder / "said").read_text().strip()


def _effects(folder: Path) -> Counter[str]:
    effects = folder / "effects"
    return Counter(effects.read_text().splitlines() if effects.exists() else ())


@contextmanager
def _program(python: str, module: str) -> "Iterator[subprocess.Popen[str]]":
    """Have a program ready to be started."""
    command = [python, "-W", "ignore", "-m", "properties.campaigns._killed", module]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        yield program
        assert program.stdin is not None
        program.stdin.close()


def _installed(folder: Path) -> str:
    """Install LangGraph, and return the Python that has it."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PACKAGES], check=True)
    return python

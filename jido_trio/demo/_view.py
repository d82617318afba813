"""What is seen while the demo runs: lines, a live picture on a terminal, or nothing."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import define, field, frozen
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from jido_trio.demo._cluster import COORDINATOR
from jido_trio.demo._ledger import Entry
from jido_trio.demo._report import Crash, plural, short
from jido_trio.demo._work import Job, Settled, Work
from jido_trio.redact import said
from jido_trio.supervision import ChildView, SupervisorView

PER_SECOND = 4
"""So often is the picture drawn."""
ROWS = 12
NEWS = 6
"""So many workers are shown, and so many of the latest events."""
AGENTS = "agents"
"""What an instance calls the supervisor of its agents; of others only that they are there is shown."""


@frozen
class Progress:
    """What the run is at."""

    seconds: float
    work: Work
    done: int
    refused: int
    tree: SupervisorView
    """The supervision tree, as the instance tells it."""
    far: Mapping[str, str] = field(factory=dict[str, str])
    """How far which worker is with its document, if that has pages."""

    def __str__(self) -> str:
        return f"{self.done + self.refused}/{len(self.work.documents)}"


class View(Protocol):
    """Shows a run."""

    def __enter__(self) -> object:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End; what was drawn is cleared away."""

    def show(self, progress: Progress, news: Sequence[Entry] = (), *, last: bool = False) -> None:
        """Show what the run is at, and what has happened since the last call; called often, and once at the end."""


@define
class Silent:
    """Shows nothing: for `--json`, and for tests."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, progress: Progress, news: Sequence[Entry] = (), *, last: bool = False) -> None:
        """Ignore it."""


@define
class Lines:
    """A line for each crash and refusal, and now and then one for the progress: for logs and pipes."""

    folder: str
    print: Callable[[str], None]
    every: float = 2
    """Seconds between two lines of progress."""
    _told: float = 0

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, progress: Progress, news: Sequence[Entry] = (), *, last: bool = False) -> None:
        """Print the news, and the progress if it is time."""
        for line in filter(None, (told(entry, self.folder) for entry in news)):
            self.print(" ".join(line))
        if progress.seconds - self._told >= self.every:
            self._told = progress.seconds
            self.print(f"{progress.seconds:.0f} s: {progress} documents")


def told(entry: Entry, folder: str) -> tuple[str, str] | None:
    """Return what kind of thing has happened, and to what; None where that is not worth a line."""
    match entry:
        case Settled(path=path, refused=reason) if reason:
            return "refused", f"{short(path, folder)}: {said(reason)}"
        case Settled(path=path, careful=True):
            return "done", f"{short(path, folder)}, with care"
        case Crash(agent=agent, killed=True):
            return "killed", f"{agent} in incarnation {entry.incarnation}"
        case Crash(agent=agent, error=error):
            return "crashed", f"{agent} in incarnation {entry.incarnation}: {said(error)}"
    return None


_COLOURS = {"refused": "yellow", "done": "green", "killed": "magenta", "crashed": "red"}


@define
class Picture:
    """A picture on a terminal: how far it is, the supervision tree, and what happened last."""

    folder: str
    console: Console
    _live: Live = field(init=False)
    _news: deque[Text] = field(factory=lambda: deque(maxlen=NEWS))
    _drawn: float = -1

    def __enter__(self) -> None:
        # A screen of its own is drawn from the corner each time, so that a terminal may be resized meanwhile.
        self._live = Live(console=self.console, auto_refresh=False, screen=True)
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, progress: Progress, news: Sequence[Entry] = (), *, last: bool = False) -> None:
        """Draw it, if it is time."""
        for what, about in filter(None, (told(entry, self.folder) for entry in news)):
            self._news.append(Text.assemble((f"{what:<9}", _COLOURS[what]), about, no_wrap=True, overflow="ellipsis"))
        if last or progress.seconds - self._drawn >= 1 / PER_SECOND:
            self._drawn = progress.seconds
            self._live.update(picture(progress, self.folder, tuple(self._news), self._rows()), refresh=True)

    def _rows(self) -> int:
        return max(1, min(ROWS, self.console.height - NEWS - 9))


def picture(progress: Progress, folder: str, news: tuple[Text, ...], rows: int = ROWS) -> RenderableType:
    """Return the picture, with at most so many workers."""
    blank = Text("")
    # As many lines with news as without: what jumps can't be read.
    padding = [blank] * (NEWS - len(news))
    return Group(_bar(progress), blank, _tree(progress, folder, rows), blank, *news, *padding)


def _bar(progress: Progress) -> RenderableType:
    bar = Table.grid(padding=(0, 1), expand=True)
    bar.add_column(no_wrap=True)
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True, justify="right")
    counts = Text.assemble(
        (f"{progress.done} done", "green"),
        "  ",
        (f"{progress.refused} refused", "yellow"),
        f"  {progress.seconds:.1f} s",
    )
    bar.add_row(
        Text(str(progress), "bold"),
        ProgressBar(total=len(progress.work.documents), completed=progress.done + progress.refused),
        counts,
    )
    return bar


def _tree(progress: Progress, folder: str, rows: int) -> Tree:
    root = Tree(_supervisor(progress.tree), guide_style="dim")
    for child in progress.tree.children:
        if child.supervisor is None:
            root.add(Text(child.id, "dim"))
        else:
            branch = root.add(_supervisor(child.supervisor))
            if child.id == AGENTS:
                _add_agents(branch, child.supervisor, progress, folder, rows)
    return root


def _supervisor(view: SupervisorView) -> Text:
    # Of all time, as beside the agents; those that count now are beside those tolerated.
    total = plural(sum(child.incarnation - 1 for child in view.children), "restart")
    allowed = f"{view.restarts} of {view.max_restarts} tolerated in {view.max_seconds:g} s"
    counting = allowed if view.max_restarts else "none tolerated"
    return Text.assemble(
        (view.name, "bold"),
        (f"  {view.strategy}, {total}, {counting}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _add_agents(branch: Tree, view: SupervisorView, progress: Progress, folder: str, rows: int) -> None:
    # The coordinator, which is started last, comes first.
    agents = sorted(view.children, key=lambda child: child.id != COORDINATOR)
    at, far = progress.work.at, progress.far
    shown = [_agent(child, at.get(child.id), folder, far.get(child.id, "")) for child in agents[: rows + 1]]
    widths = [max(column) for column in zip(*([cell.cell_len for cell in row[:-1]] for row in shown), strict=True)]
    for row in shown:
        branch.add(_row(row, widths))
    if len(agents) > rows + 1:
        branch.add(Text(f"and {len(agents) - rows - 1} more", "dim"))


def _row(cells: Sequence[Text], widths: Sequence[int]) -> Table:
    """A row of a table whose rows are branches of a tree: its columns are as wide as the others'."""
    row = Table.grid(padding=(0, 2), expand=True)
    for width in widths:
        row.add_column(no_wrap=True, width=width)
    row.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    row.add_row(*cells)
    return row


def _agent(child: ChildView, job: Job | None, folder: str, far: str) -> tuple[Text, ...]:
    restarts = child.incarnation - 1
    what = Text("-", "dim")
    if job is not None:
        what = Text(f"{short(job.path, folder)}{far and f', {far}'}", "bold red" if job.careful else "")
    return (
        Text(child.id, "cyan"),
        Text(child.state, "green" if child.state == "running" else "red"),
        Text(f"incarnation {child.incarnation}"),
        Text(plural(restarts, "restart"), "magenta" if restarts else "dim"),
        Text("") if child.id == COORDINATOR else what,
    )

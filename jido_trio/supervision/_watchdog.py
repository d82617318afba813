"""A watchdog for the event loop: a thread that names whoever keeps it busy for too long, with the stack.

One call that blocks the event loop blocks every task, every timer and every supervisor; nothing in the loop can tell
of it. So a thread asks the loop for a sign of life, again and again, and looks at the loop's stack when none comes in
time. It tells at once, by the log, from its own thread; and once more in the loop when that runs again. It can't end
what blocks.

Who it is, the stack knows: of its methods the innermost whose object has a name by `whose`, else the task.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import singledispatch
from types import FrameType

import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.redact import shown
from jido_trio.supervision._report import Frame

logger = logging.getLogger("jido_trio.supervision")

PEACE = 4
"""The loop is asked so many times within the time that it may be silent."""


@frozen
class BlockedReport:
    """The event loop was kept busy by one call for longer than it may be."""

    seconds: float
    """How long it was silent when the watchdog looked."""
    stack: tuple[Frame, ...]
    """Where it was then, outermost first."""
    who: str = ""
    """The agent or the task that kept it busy; empty if that isn't known."""

    def __str__(self) -> str:
        own = [frame for frame in self.stack if "/trio/_core/" not in frame.file] or self.stack
        where = f"in {own[-1].function}, at {own[-1].file}:{own[-1].line}" if own else ""
        by = ", ".join(filter(None, (self.who, where)))
        return f"the event loop has been blocked for {self.seconds:g} s{by and f' by {by}'}"


@singledispatch
def whose(holder: object, names: Mapping[str, object]) -> str:
    """Name whoever runs in a method of `holder`, given its local names; "" where that says nothing.

    It is called in the watchdog's thread while that method runs, so it only reads.
    """
    return ""


async def watch_event_loop(seconds: float = 1.0, on_blocked: Callable[[BlockedReport], None] | None = None) -> None:
    """Watch the event loop for as long as this runs; for a child of a supervisor, or a service of an instance.

    Whoever blocks is written to the log `jido_trio.supervision`, with the stack, while it blocks.

    Args:
        seconds: How long the loop may be silent. It is real time, whatever Trio's clock says.
        on_blocked: Called in the event loop with each report, once the loop runs again.

    Raises:
        InvalidDefinition: The seconds are no time above 0.
    """
    checks.seconds("watch_event_loop", "seconds", seconds, above_zero=True)
    takes = "a report"
    checks.called_at_once("watch_event_loop", "on_blocked", on_blocked, takes=takes, or_none="None for the log")
    watch = _Watch(seconds, on_blocked, trio.lowlevel.current_trio_token(), threading.get_ident())
    thread = threading.Thread(target=watch.run, name="jido_trio watchdog", daemon=True)
    thread.start()
    try:
        await trio.sleep_forever()
    finally:
        watch.over.set()


@define(eq=False)
class _Watch:
    seconds: float
    on_blocked: Callable[[BlockedReport], None] | None
    loop: trio.lowlevel.TrioToken
    thread: int
    """The one that the loop runs in."""
    over: threading.Event = field(factory=threading.Event)

    def run(self) -> None:
        """Ask for signs of life, in a thread of its own, until it is over."""
        while not self.over.wait(self.seconds / PEACE):
            alive = threading.Event()
            try:
                self.loop.run_sync_soon(alive.set)
            except trio.RunFinishedError:
                return
            if not alive.wait(self.seconds) and not self.over.is_set():
                frames = list(_outwards(sys._current_frames().get(self.thread)))  # noqa: SLF001
                self._tell(BlockedReport(self.seconds, _stack(frames), _who(frames)))
                del frames
                while not (alive.wait(self.seconds) or self.over.is_set()):
                    pass

    def _tell(self, report: BlockedReport) -> None:
        lines = "\n".join(f'  File "{frame.file}", line {frame.line}, in {frame.function}' for frame in report.stack)
        logger.warning("%s\n%s", report, lines)
        if self.on_blocked is not None:
            try:
                self.loop.run_sync_soon(_told, self.on_blocked, report)
            except trio.RunFinishedError:
                return


def _told(on_blocked: Callable[[BlockedReport], None], report: BlockedReport) -> None:
    try:
        on_blocked(report)
    except Exception:  # what it raised would end the whole loop
        logger.exception("on_blocked raised for: %s", report)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _stack(frames: list[FrameType]) -> tuple[Frame, ...]:
    found = [Frame(each.f_code.co_filename, each.f_lineno, each.f_code.co_qualname) for each in frames]
    return tuple(reversed(found))


def _who(frames: list[FrameType]) -> str:
    for frame in frames:
        names = frame.f_locals
        if "self" in names:
            holder = names["self"]
            if who := whose.dispatch(type(holder))(holder, names):
                return who
        if "unrolled_run" in frame.f_code.co_qualname and isinstance(task := names.get("task"), trio.lowlevel.Task):
            return f"task {shown(task.name)}"
    return ""

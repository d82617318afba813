"""Crash reports: what ended a life, as plain values that keep no exception and no frame alive."""

from __future__ import annotations

import linecache
import logging
import sys
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import islice
from types import CodeType, TracebackType
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from jido_trio import checks
from jido_trio.errors import RestartIntensityExceeded, StartFailed
from jido_trio.redact import said, shown, shown_error, type_name
from jido_trio.terms import ExitKind

logger = logging.getLogger("jido_trio.supervision")

MAX_MESSAGE = 10_000
MAX_FRAMES = 100
MAX_DEPTH = 8
MAX_PARTS = 20
"""An exception is kept to this extent: characters of its message, frames, causes of causes, exceptions of a group."""


@frozen
class Frame:
    """One line of a traceback: file, line number, function."""

    file: str
    line: int
    function: str


class Path:
    """The frames of a traceback. A crash notes code and instruction of each; lines are looked up when asked for.

    The line of a frame is decoded from a table, which takes longer than all else that a crash report needs.
    """

    __slots__ = ("_frames", "_steps")

    def __init__(self, frames: tuple[Frame, ...] | None = (), steps: tuple[tuple[CodeType, int], ...] = ()) -> None:
        self._frames = frames
        self._steps = steps

    @classmethod
    def of(cls, traceback: TracebackType | None) -> Path:
        """Return the frames of `traceback`."""
        steps = []
        while traceback is not None:
            steps.append((traceback.tb_frame.f_code, traceback.tb_lasti))
            traceback = traceback.tb_next
        return cls(None, tuple(steps[-MAX_FRAMES:]))

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames, oldest first."""
        if self._frames is None:
            self._frames = tuple(Frame(code.co_filename, _line(code, at), code.co_qualname) for code, at in self._steps)
        return self._frames

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self.frames == other.frames

    def __hash__(self) -> int:
        return hash(self.frames)

    def __repr__(self) -> str:
        return f"Path({self.frames!r})"

    def __reduce__(self) -> tuple[type[Path], tuple[tuple[Frame, ...]]]:
        return Path, (self.frames,)


def _as_path(frames: Path | tuple[Frame, ...]) -> Path:
    return frames if isinstance(frames, Path) else Path(tuple(frames))


NOWHERE = Path()


def _line(code: CodeType, instruction: int) -> int:
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    return (position and position[0]) or code.co_firstlineno


@frozen(slots=False)
class Failure:
    """An exception as text: nothing of it keeps the exception, a frame or a local variable alive."""

    type: str
    """The qualified name of its class."""
    message: str
    _path: Path = field(default=NOWHERE, alias="frames", converter=_as_path)
    cause: Failure | None = None
    chained: Literal["cause", "context"] = "cause"
    parts: tuple[Failure, ...] = ()
    """The exceptions of a group."""
    notes: tuple[str, ...] = ()
    """What `add_note` added."""

    @classmethod
    def of(cls, error: BaseException, depth: int = MAX_DEPTH, *, hide: Collection[str] = ()) -> Failure:
        """Return `error` as text, without the texts to `hide`."""
        cause, chained = error.__cause__, "cause"
        if cause is None and not error.__suppress_context__:
            cause, chained = error.__context__, "context"
        parts = error.exceptions[:MAX_PARTS] if isinstance(error, BaseExceptionGroup) and depth else ()
        return cls(
            type_name(type(error)),
            said(error, MAX_MESSAGE, hide=hide),
            Path.of(error.__traceback__),
            cls.of(cause, depth - 1, hide=hide) if cause is not None and depth else None,
            chained,  # type: ignore[arg-type]  # one of the two words above
            tuple(cls.of(part, depth - 1, hide=hide) for part in parts),
            _notes(error, hide),
        )

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Where it came by, oldest first, as Python prints them; of a long traceback the newest."""
        return self._path.frames

    @property
    def fingerprint(self) -> tuple[str, Frame | None]:
        """What crashes of the same bug share: the class, and where it was raised."""
        return self.type, self.frames[-1] if self.frames else None

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type

    def render(self) -> str:
        """Return it as Python prints a traceback."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.cause is not None:
            yield from self.cause._lines()  # noqa: SLF001  # its own kind
            yield ""
            yield _CHAINED[self.chained]
            yield ""
        if self.frames:
            yield "Traceback (most recent call last):"
        for frame in self.frames:
            yield f'  File "{frame.file}", line {frame.line}, in {frame.function}'
            source = linecache.getline(frame.file, frame.line).strip()
            if source:
                yield f"    {source}"
        yield str(self)
        yield from self.notes
        for number, part in enumerate(self.parts, start=1):
            yield f"  +---- {number} ----"
            yield from (f"  | {line}" for line in part._lines())  # noqa: SLF001


_CHAINED = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


def _notes(error: BaseException, hide: Collection[str]) -> tuple[str, ...]:
    try:
        notes = getattr(error, "__notes__", None)
        return () if notes is None else tuple(said(note, hide=hide) for note in islice(notes, MAX_PARTS))
    except Exception:  # noqa: BLE001  # whatever it calls its notes, the crash must be told
        return ()


_ENDS = {"normal": "it returned, and is permanent"}


@frozen(slots=False)
class CrashReport:
    """The end of a life, or of a part of it, that its supervisor has to tell of; sent before anything is done."""

    supervisor: str
    child: str
    incarnation: int
    during: Literal["starting", "running", "stopping"]
    """What the life was at when it ended."""
    exit: ExitKind
    at: float
    """When, in seconds of the supervisor's clock."""
    failure: Failure | None = None
    """The exception, if one ended it."""
    detail: object = None
    """What the life was at, where its child can say: for an agent an `AgentCrash`.

    Texts in its `hidden`, if it has that, are left out of the failure.
    """
    ended: bool = field(default=True, kw_only=True)
    """Whether the life has ended; False where a part of it crashed by itself, and the life goes on."""

    @property
    def signal(self) -> Any:
        """The message that the life was at, if its child is an agent: a `Signal`; else None."""
        return getattr(self.detail, "signal", None)

    def __str__(self) -> str:
        how = str(self.failure) if self.failure is not None else _ENDS.get(self.exit, self.exit)
        if not self.ended:
            return f"a part of child {shown(self.child)} of supervisor {shown(self.supervisor)} crashed: {how}"
        return f"child {shown(self.child)} of supervisor {shown(self.supervisor)} ended while {self.during}: {how}"


@frozen
class OverrunReport:
    """A child still runs although its time to stop is over. Nothing can kill a Trio task, so it is waited for."""

    supervisor: str
    child: str
    incarnation: int
    seconds: float
    """How long ago it was asked to stop."""
    stack: tuple[Frame, ...]
    """Where it is, outermost first."""

    def __str__(self) -> str:
        own = [frame for frame in self.stack if "/trio/_core/" not in frame.file] or self.stack
        where = f" It is at {own[-1].file}:{own[-1].line}, in {own[-1].function}." if own else ""
        who = f"child {shown(self.child)} of supervisor {shown(self.supervisor)}"
        return f"{who} has ignored its stop for {self.seconds:g} s.{where}"


def secrets_in(detail: object) -> Collection[str]:
    """Return the texts that mustn't be in the text of a crash, as what the life was at says: its `hidden`."""
    try:
        hidden: Collection[object] = getattr(detail, "hidden", ())
        if not hidden:
            return ()
        return frozenset(text for text in hidden if isinstance(text, str) and text)
    except Exception as error:  # noqa: BLE001  # whatever a detail says, the crash must be told
        log_problem("the detail of a crash can't say what to hide", error)
        return ()


Report: TypeAlias = CrashReport | OverrunReport
Sink: TypeAlias = Callable[[Report], None]


def log_report(report: Report) -> None:
    """Write the report to the log `jido_trio.supervision`, in full."""
    if isinstance(report, OverrunReport):
        logger.warning("%s", report)
    elif report.failure is None:
        logger.log(_level(report), "%s", report)
    elif report.failure.type in RETOLD:
        logger.error("%s", report)
    else:
        logger.error("%s\n%s", report, report.failure.render())


RETOLD = {f"{each.__module__}.{each.__qualname__}" for each in (RestartIntensityExceeded, StartFailed)}
"""Errors of supervisors, whose causes were reported when they happened: in a tower of supervisors that give up each
would tell all that those below it have told."""


def _level(report: CrashReport) -> int:
    if report.failure is not None:
        return logging.ERROR
    return logging.WARNING if report.exit == "normal" else logging.INFO


_listener: ContextVar[Sink | None] = ContextVar("jido_trio.reports", default=None)


@contextmanager
def hearing_reports(listener: Sink) -> Generator[None]:
    """Have `listener` called with the reports of all supervisors that are made inside of the block.

    It comes before the sinks that they were given, and in the place of the log.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def sink_for(on_report: Sink | None) -> Sink:
    """Return where the reports of a supervisor go that was given this sink.

    Raises:
        InvalidDefinition: It can't be called, or is async.
    """
    checks.called_at_once("a supervisor", "on_report", on_report, takes="a report", or_none="None for the default")
    listener = _listener.get()
    if listener is None:
        return on_report or FoldedLog()
    return partial(_tell_both, listener, on_report) if on_report is not None else listener


def _tell_both(first: Sink, second: Sink, report: Report) -> None:
    first(report)
    second(report)


class FoldedLog:
    """Writes reports to the log, the first of a kind in full, of its repeats the second, fourth, eighth, ... in a line.

    What a supervisor does with its reports unless it is told otherwise. A loop of ten thousand crashes is fourteen
    lines, and the first one is not buried.
    """

    def __init__(self) -> None:
        self._seen: dict[object, tuple[int, float]] = {}

    def __call__(self, report: Report) -> None:
        """Log the report, or count it."""
        if isinstance(report, OverrunReport):
            log_report(report)
            return
        kind = (
            report.supervisor,
            report.child,
            report.during,
            report.exit,
            report.failure and report.failure.fingerprint,
        )
        count, first = self._seen.pop(kind, (0, report.at))
        self._seen[kind] = (count + 1, first)
        if len(self._seen) > MAX_KINDS:
            del self._seen[next(iter(self._seen))]
        if count == 0:
            log_report(report)
        elif (count + 1).bit_count() == 1:
            logger.log(_level(report), "%s (%d times in %g s)", report, count + 1, report.at - first)


def log_problem(what: str, error: BaseException) -> None:
    """Log that something of the user's raised that must not be able to stop us; whatever happens to the log."""
    try:
        logger.error("%s\n%s", what, Failure.of(error).render())
    except Exception:  # noqa: BLE001
        print(what, shown_error(error), sep="\n", file=sys.stderr)  # noqa: T201  # the last resort


MAX_KINDS = 1000
"""So many kinds of crashes are told apart; of more, the one that was seen longest ago is new again."""


def log_lost(report: Report, error: Exception) -> None:
    """Log a report whose sink raised, and what it raised, so that neither is lost."""
    try:
        log_report(report)
    except Exception:  # noqa: BLE001
        print(report, file=sys.stderr)  # noqa: T201  # the last resort
    log_problem("the sink of crash reports raised", error)

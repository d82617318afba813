"""Control-C at each line of the package's own code, just as the signal would arrive there."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import trio
from attrs import frozen

import jido_trio
from properties.campaigns._story import STORIES, Ended, played

PACKAGE = str(Path(jido_trio.__file__).parent)


@frozen
class Line:
    """A line of the package, in a story."""

    story: str
    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.story} {Path(self.file).relative_to(PACKAGE)}:{self.number}"


def lines(story: str) -> Sequence[Line]:
    """Return the lines that a story runs, in the order in which it comes to them first."""
    met: dict[Line, None] = {}

    def note(frame: FrameType) -> bool:
        met.setdefault(Line(story, frame.f_code.co_filename, frame.f_lineno))
        return False

    _traced(story, note)
    return list(met)


def interrupted(line: Line, visit: int = 1) -> Ended | None:
    """Run a story with a Control-C at the line, when it comes there for the n-th time; None if it never did."""
    came: list[bool] = []

    def at(frame: FrameType) -> bool:
        if (frame.f_lineno, frame.f_code.co_filename) == (line.number, line.file):
            came.append(True)
            return len(came) == visit
        return False

    ended = _traced(line.story, at)
    return ended if len(came) >= visit else None


def _traced(story: str, at: Callable[[FrameType], bool]) -> Ended:
    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line" and at(frame):
            sys.settrace(None)
            handler = signal.getsignal(signal.SIGINT)
            assert callable(handler)
            handler(signal.SIGINT, frame)  # Trio's: it raises here, or later where this code is protected
        return trace

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.settrace(trace)
    try:
        return played(story)
    finally:
        sys.settrace(None)
        signal.signal(signal.SIGINT, before)


def wrong(ended: Ended) -> str | None:
    """Return what is wrong with how an interrupted run ended."""
    if ended.hung:
        return "it hangs"
    if isinstance(ended.error, trio.TrioInternalError):
        return f"Trio's own code breaks: {ended.error.__cause__!r}"
    if not isinstance(ended.error, KeyboardInterrupt):
        return f"the interrupt is swallowed: {ended.error!r}"
    return None


def campaign(share: int = 1, visit: int = 1) -> Iterator[tuple[str, str | None]]:
    """Interrupt at the n-th visit of one of `share` lines; generate each line with what is wrong there."""
    for story in STORIES:
        for line in lines(story)[::share]:
            ended = interrupted(line, visit)
            if ended is not None:
                yield str(line), wrong(ended)

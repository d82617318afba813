"""A limit of real time for a test: one that hangs is a failure that tells who waits where, and the other tests go on.

A timer of real time ticks in the main thread while a test runs. It ends the test when its time is over, and earlier
when a Trio run in virtual time stands still: no task moves, and the clock has no deadline to jump to. A run that waits
is cancelled, through its shields. What that doesn't end gets an exception, wherever the main thread is.

The timer is set anew when a tick is done with: one that takes long, for there are many tasks and the machine is busy,
would be interrupted by the next one, and so on. After such a one the test has the processor for as long.

A run of Trio that ends closes what signals wake it by before it has Python let go of it. Python writes to standard
error about a tick that comes between, so while a test is watched, runs let go of it first.
"""

from __future__ import annotations

import gc
import math
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import trio
import trio.testing
from attrs import define, field

from jido_trio.testing._tasks import cancel_everything, stacks, tasks

WAKEUPS: Any = sys.modules.get("trio._core._wakeup_socketpair")
"""Trio's module of what signals wake a run by, as long as it is there."""
TICK = 0.25
"""Seconds from one look to the next, at least."""
AGAIN = 2.0
"""Seconds from one attempt to end a test to the next."""


class OutOfTime(BaseException):
    """A test took too long; its text tells where all tasks and threads are.

    No Exception, so that neither what is tested nor Hypothesis takes it for one of its own.
    """


@define(eq=False)
class Watch:
    """Looks at a running test, tick by tick."""

    seconds: float
    idle_seconds: float
    told: str | None = None
    """Why the test was ended, once it was."""
    _began: float = field(factory=lambda: os.times().elapsed)
    _ticks_idle: int = 0
    _seen: object = None
    _next: float = math.inf
    _is_over: bool = False

    def start(self) -> None:
        """Have it tick, by the alarm of this process."""
        signal.setitimer(signal.ITIMER_REAL, TICK)

    def stop(self) -> None:
        """Have it tick no more."""
        self._is_over = True  # first: a tick that comes right now doesn't set the timer after it was stopped
        signal.setitimer(signal.ITIMER_REAL, 0)

    def tick(self, _signal: int, frame: FrameType | None) -> None:
        """Look at the test, and set the timer for the next look."""
        if self._is_over:
            return
        began = os.times().elapsed
        try:
            self._look(frame)
        finally:
            if not self._is_over:
                signal.setitimer(signal.ITIMER_REAL, max(TICK, os.times().elapsed - began))

    def _look(self, frame: FrameType | None) -> None:
        """End the test when it has had its time, or stands still."""
        passed = os.times().elapsed - self._began
        self._note()
        if self.told is None:
            if self._ticks_idle * TICK >= self.idle_seconds:
                self._end(f"no task has moved for {self.idle_seconds:g} s, and no deadline is set", frame)
            elif passed >= self.seconds:
                self._end(f"the test has not ended after {self.seconds:g} s", frame)
        elif passed >= self._next:
            self._next = passed + AGAIN
            raise OutOfTime(self.told)

    def _end(self, why: str, frame: FrameType | None) -> None:
        self.told = f"{why}\n{_everywhere(frame)}"
        self._next = os.times().elapsed - self._began + AGAIN
        if not trio.lowlevel.in_trio_run() or trio.lowlevel.in_trio_task():
            raise OutOfTime(self.told)
        trio.lowlevel.current_trio_token().run_sync_soon(cancel_everything)

    def _note(self) -> None:
        seen = standstill()
        self._ticks_idle = self._ticks_idle + 1 if seen is not None and seen == self._seen else 0
        self._seen = seen


def standstill() -> object:
    """Return where every task of a run in virtual time is, if none runs just now; else None."""
    if not trio.lowlevel.in_trio_run() or trio.lowlevel.in_trio_task():
        return None
    clock = trio.lowlevel.current_clock()
    if not isinstance(clock, trio.testing.MockClock):
        return None
    places = [(id(task), *(inner.f_lasti for inner, _ in task.iter_await_frames())) for _, task in tasks()]
    return (clock.current_time(), places)


def _everywhere(frame: FrameType | None) -> str:
    """Tell where the tasks of the Trio run are, and the threads."""
    return "\n".join([stacks(), *_stacks_of_threads(frame)])


def _stacks_of_threads(frame: FrameType | None) -> Iterator[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, top in sys._current_frames().items():  # noqa: SLF001 - there is no other way
        here = ident == threading.get_ident()
        yield f"thread {names.get(ident, ident)}"
        yield "".join(traceback.format_stack(frame if here else top, limit=15)).rstrip()


@contextmanager
def watched(seconds: float, idle_seconds: float) -> Iterator[None]:
    """Hold what happens inside to its time. Only the main thread can be held."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = Watch(seconds, idle_seconds)
    before = signal.signal(signal.SIGALRM, watch.tick)
    watch.start()
    try:
        try:
            with _wakeups_let_go_of_first():
                yield
        finally:
            watch.stop()
    except BaseException as error:  # noqa: ASYNC103 - what ended the test is told below
        if watch.told is None:
            raise
        _let_go(error)
    finally:
        watch.stop()  # again: the last tick may have come just before
        signal.signal(signal.SIGALRM, before)
    if watch.told is not None:
        # A tick comes anywhere, also where code has no line; pytest could not show what it interrupted.
        raise OutOfTime(watch.told) from None


@contextmanager
def _wakeups_let_go_of_first() -> Iterator[None]:
    """Have runs of Trio let go of what signals wake them by before they close it."""
    pairs = getattr(WAKEUPS, "WakeupSocketpair", None)
    if pairs is None:
        yield
        return
    close = pairs.close

    def let_go_and_close(pair: Any) -> None:
        if pair.old_wakeup_fd is not None:
            signal.set_wakeup_fd(pair.old_wakeup_fd)
        close(pair)

    pairs.close = let_go_and_close
    try:
        yield
    finally:
        pairs.close = close


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it comes from, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _let_go(error: BaseException) -> None:
    """Free what is left of a run that was ended from outside: it would complain in the next test."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for each in _causes(error):
                traceback.clear_frames(each.__traceback__)
            signal.set_wakeup_fd(-1)  # it was that of the run
            for _ in range(3):  # a coroutine may wait once more while it is closed
                gc.collect()
    finally:
        sys.unraisablehook = before

"""Hypothesis state machines whose steps are async and share one Trio run, in virtual time.

Hypothesis calls rules synchronously, so Trio runs as a guest, on this same thread: a step hands its coroutine to a task
of the run and turns the crank until it is done. Between steps the run stands still; nothing happens unseen.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import outcome
import trio
import trio.testing
from attrs import define, field
from hypothesis.stateful import RuleBasedStateMachine

_P = ParamSpec("_P")
_T = TypeVar("_T")


@define(eq=False)
class _Job:
    """A coroutine function to run, and what came of it."""

    fn: Callable[[], Awaitable[Any]]
    result: outcome.Outcome[Any] | None = None


@define(eq=False)
class _Guest:
    """A Trio run that goes on only while `run` is called."""

    _clock: trio.abc.Clock
    nursery: trio.Nursery = field(init=False)
    _callbacks: deque[Callable[[], object]] = field(factory=deque)
    _send: trio.MemorySendChannel[_Job] = field(init=False)
    _done: outcome.Outcome[None] | None = None

    def start(self) -> None:
        """Begin the run."""
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=self._callbacks.append,
            done_callback=self._set_done,
            clock=self._clock,
        )
        self._crank(lambda: hasattr(self, "nursery"))

    def run(self, fn: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `fn` returns, run inside."""
        job = _Job(fn)
        self._send.send_nowait(job)
        self._crank(lambda: job.result is not None)
        if job.result is None:
            self._raise()
            raise RuntimeError("the Trio run has ended")
        result: _T = job.result.unwrap()
        return result

    def close(self) -> None:
        """End the run: everything in its nursery is cancelled. What it ended with is raised."""
        if self._done is None:
            self._send.close()
            self._crank(lambda: False)
        self._raise()

    def _set_done(self, done: outcome.Outcome[None]) -> None:
        self._done = done

    def _crank(self, until: Callable[[], bool]) -> None:
        while self._done is None and not until():
            if self._callbacks:  # else the thread that waits for I/O has not reported back yet
                self._callbacks.popleft()()

    def _raise(self) -> None:
        done, self._done = self._done, outcome.Value(None)
        if isinstance(done, outcome.Error):
            raise _innermost(done.error) from None

    async def _main(self) -> None:
        self._send, jobs = trio.open_memory_channel[_Job](1)
        async with trio.open_nursery() as self.nursery:
            async for job in jobs:
                job.result = await outcome.acapture(job.fn)
            self.nursery.cancel_scope.cancel()


def _innermost(error: BaseException) -> BaseException:
    """What a group of one holds: Hypothesis tells failures apart by their class and place."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


class TrioStateMachine(RuleBasedStateMachine):
    """A state machine whose rules and invariants may be async: decorate them with `step`, below `rule`.

    All steps of an example share one Trio run, and the nursery `self.nursery`, which is cancelled at the end. Time is
    virtual: it jumps to the next deadline when every task waits, so a step that sleeps costs nothing. `set_up` runs
    before the first step, and `tear_down` after the last one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._guest = _Guest(self.make_clock())
        self._guest.start()
        self._guest.run(self.set_up)

    def make_clock(self) -> trio.abc.Clock:
        """Return the clock of the run."""
        return trio.testing.MockClock(autojump_threshold=0)

    @property
    def nursery(self) -> trio.Nursery:
        """Where a machine starts what lives longer than a step."""
        return self._guest.nursery

    async def set_up(self) -> None:
        """Prepare an example."""

    async def tear_down(self) -> None:
        """End an example; its assertions count."""

    def run_step(self, fn: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the async function `fn` returns, run inside of the machine's Trio run."""
        return self._guest.run(fn)

    def teardown(self) -> None:
        """See `RuleBasedStateMachine.teardown`; override `tear_down` instead."""
        try:
            self._guest.run(self.tear_down)
        finally:
            self._guest.close()


_M = TypeVar("_M", bound=TrioStateMachine)


def step(fn: Callable[Concatenate[_M, _P], Awaitable[_T]]) -> Callable[Concatenate[_M, _P], _T]:
    """Make an async method one that Hypothesis can call: a step of the machine's Trio run."""

    def run(self: _M, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return self.run_step(lambda: fn(self, *args, **kwargs))

    functools.update_wrapper(run, fn)  # Hypothesis reads the names of the parameters
    return run

"""Hypothesis state machines whose steps are async and share one Trio run, in virtual time.

Hypothesis calls rules synchronously, so Trio runs as a guest, on this same thread: a step hands its coroutine to a task
of the run and turns the crank until it is done. Between steps the run stands still; nothing happens unseen.
A clock that jumps would turn for ever when nothing can happen: a step of many turns is watched for that.
"""

from __future__ import annotations

import functools
import math
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import outcome
import trio
import trio.testing
from attrs import define, field
from hypothesis.stateful import RuleBasedStateMachine

from jido_trio.testing._tasks import cancel_everything, stacks, waits_for_the_world

_P = ParamSpec("_P")
_T = TypeVar("_T")


class StepNeverEnds(AssertionError):
    """A step of a state machine can't end: no task can run, and no deadline is set.

    Its text names the tasks that wait, each with its stack.
    """


@define(eq=False)
class _Job:
    """A coroutine function to run, and what came of it."""

    fn: Callable[[], Awaitable[Any]]
    result: outcome.Outcome[Any] | None = None


@define(eq=False, slots=False)
class _Stillness(trio.abc.Instrument):
    """Knows whether a run stands still. It costs as much as most steps do, so it is asked of long ones only."""

    ticks: int = 0
    """So many turns in a row nothing could happen."""

    def after_io_wait(self, timeout: float) -> None:
        self.ticks = self.ticks + 1 if stands_still() else 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.ticks = 0


def stands_still() -> bool:
    """Tell whether no task of this thread's run can run, and no deadline is set."""
    statistics = trio.lowlevel.current_statistics()
    return statistics.tasks_runnable == 0 and statistics.seconds_to_next_deadline == math.inf


SHORT = 20
"""Turns of a step, before it is watched whether anything can happen in it."""
ENOUGH = 3
"""Turns in which nothing can happen, before it is told."""
PATIENCE = 10.0
"""Real seconds without a turn, of a clock that doesn't jump, before it is looked whether there can be another one."""
NAP = 0.002
"""Real seconds from one look to the next at what comes from outside."""


@define(eq=False)
class _Guest:
    """A Trio run that goes on only while `run` is called."""

    _clock: trio.abc.Clock
    nursery: trio.Nursery = field(init=False)
    _callbacks: queue.SimpleQueue[Callable[[], object]] = field(factory=queue.SimpleQueue)
    _send: trio.MemorySendChannel[_Job] = field(init=False)
    _done: outcome.Outcome[None] | None = None
    told: bool = False
    """Whether what the run ended with was raised."""
    _nap: threading.Event = field(factory=threading.Event)

    def start(self) -> None:
        """Begin the run."""
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=self._callbacks.put,
            done_callback=self._set_done,
            clock=self._clock,
            # A signal would be one more turn, and so another order of tasks than the example had before.
            host_uses_signal_set_wakeup_fd=True,
        )
        self._crank(lambda: hasattr(self, "nursery"))

    @property
    def over(self) -> bool:
        """Whether the run has ended, or is ending."""
        return self._done is not None or self.nursery.cancel_scope.cancel_called

    def run(self, fn: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `fn` returns, run inside.

        Raises:
            StepNeverEnds: It can't end.
            RuntimeError: It was called inside of another step.
        """
        if trio.lowlevel.in_trio_task():
            raise RuntimeError(
                "a step was called inside of another one, which waits for it: put what both do into an async method "
                "that is no step, and await that"
            )
        job = _Job(fn)
        if not self.over:
            self._send.send_nowait(job)
            self._crank_or_end(lambda: job.result is not None)
        if job.result is None or (self.over and _is_cancelled(job.result)):
            self.close()  # what crashed in the background is what went wrong
            raise RuntimeError("the Trio run of this state machine has ended")
        result: _T = job.result.unwrap()
        return result

    def close(self) -> None:
        """End the run: everything in its nursery is cancelled. What it ended with is raised, once."""
        if self._done is None:
            self.nursery.cancel_scope.cancel()
            self._crank_or_end(lambda: False)
        if isinstance(self._done, outcome.Error) and not self.told:
            self.told = True
            raise _innermost(self._done.error) from None

    def _set_done(self, done: outcome.Outcome[None]) -> None:
        self._done = done

    def _crank_or_end(self, until: Callable[[], bool]) -> None:
        try:
            self._crank(until)
        except StepNeverEnds:
            self.told = True
            cancel_everything()
            self._crank(lambda: False)
            raise

    def _crank(self, until: Callable[[], bool]) -> None:
        for _ in range(SHORT):
            if self._done is not None or until():
                return
            self._turn()
        if self._done is None:
            self._crank_watched(until)

    def _crank_watched(self, until: Callable[[], bool]) -> None:
        still = _Stillness()
        trio.lowlevel.add_instrument(still)
        try:
            while self._done is None and not until():
                self._turn()
                if still.ticks >= ENOUGH:
                    self._look()
        finally:
            if self._done is None:
                trio.lowlevel.remove_instrument(still)

    def _turn(self) -> None:
        try:
            callback = self._callbacks.get(timeout=PATIENCE)
        except queue.Empty:
            self._look()
        else:
            callback()

    def _look(self) -> None:
        if waits_for_the_world():
            self._nap.wait(NAP)
        elif stands_still():
            raise StepNeverEnds(f"no task can run, and no deadline is set; so they wait for ever:\n{stacks()}")

    async def _main(self) -> None:
        self._send, jobs = trio.open_memory_channel[_Job](1)
        async with trio.open_nursery() as self.nursery:
            async for job in jobs:
                job.result = await outcome.acapture(job.fn)


def _is_cancelled(result: outcome.Outcome[Any]) -> bool:
    return isinstance(result, outcome.Error) and isinstance(_innermost(result.error), trio.Cancelled)


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

    What crashes in the background is raised by the step in which it does. A step that can't end any more, as no task
    can run and no deadline is set, raises `StepNeverEnds`, which names the tasks that wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self._guest = _Guest(self.make_clock())
        self._guest.start()
        try:
            self._guest.run(self.set_up)
        except BaseException as error:
            # Hypothesis doesn't tear down what it could not set up.
            self._end(error)
            raise

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
        if self._guest.told:
            return  # a step has raised it, and nothing is left
        try:
            self._guest.run(self.tear_down)
        except BaseException as error:
            self._end(error)
            raise
        self._guest.close()

    def _end(self, error: BaseException) -> None:
        """End the run after `error`, which is what is told."""
        try:
            self._guest.close()
        except Exception as other:  # noqa: BLE001  # it is told of beside the first
            if other is not error:
                error.add_note(f"and then the run ended with {type(other).__name__}: {other}")


_M = TypeVar("_M", bound=TrioStateMachine)


def step(fn: Callable[Concatenate[_M, _P], Awaitable[_T]]) -> Callable[Concatenate[_M, _P], _T]:
    """Make an async method one that Hypothesis can call: a step of the machine's Trio run."""

    def run(self: _M, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return self.run_step(lambda: fn(self, *args, **kwargs))

    functools.update_wrapper(run, fn)  # Hypothesis reads the names of the parameters
    return run

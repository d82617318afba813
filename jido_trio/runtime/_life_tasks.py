"""The tasks of a life, while it has any: directives that take time, actions with effects.

A life needs a task of its own only while one of these runs. Then it has one, which opens a nursery for all of them and
ends with the last. What leaves one of them is a crash of the life: the others are cancelled, and the agent handles
nothing until they have ended.

Trio writes the `repr` of each error that leaves a task into the reason of the cancellation. One that raises there ends
the whole run as an internal error, so such an error is kept aside, and raised when the nursery is closed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from jido_trio.runtime._cell import Cell
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._deadlines import DEADLINE, deadline_of
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._recovery import is_in_vain
from jido_trio.supervision import PassiveLife


@define(eq=False)
class LifeTasks:
    """The tasks of one life of an agent."""

    _cell: Cell
    _life: PassiveLife
    waited_for: trio.lowlevel.Task | None = None
    """The one that carries out directives, for which the agent waits."""
    at: object = None
    """The directive that this task is at."""
    _nursery: trio.Nursery | None = None
    """Where they run; None before it is open, and when the last of them is done."""
    _unstarted: list[tuple[Runtime, Callable[..., Awaitable[object]], tuple[object, ...]]] = field(factory=list)
    _untold: list[BaseException] = field(factory=list)
    """Errors that were kept aside."""
    _running: int = 0
    _open: bool = False
    """Whether the life has its task."""

    def start(self, runtime: Runtime, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run `async_fn(*args)` in a task, on behalf of `runtime`; what leaves it is a crash of the life."""
        if self._nursery is None:
            self._unstarted.append((runtime, async_fn, args))
            if not self._open:
                self._open = True
                self._life.run(self._live)
        else:
            self._running += 1
            self._nursery.start_soon(self._run, runtime, async_fn, args, name=self._cell.id)

    def __len__(self) -> int:
        return self._running + len(self._unstarted)

    def is_waited_for(self) -> bool:
        """Whether the agent waits for the current task, or for one that this is a part of."""
        task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
        while self.waited_for is not None and task is not None:
            if task is self.waited_for:
                return True
            nursery = task.parent_nursery
            task = nursery.parent_task if nursery is not None else None
        return False

    @trio.lowlevel.enable_ki_protection
    async def _live(self) -> None:
        """Be the task of the life, as long as it needs one."""
        failed = None
        while self._unstarted and failed is None and not self._untold:
            try:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    waiting, self._unstarted = self._unstarted, []
                    self._running = len(waiting)
                    for each in waiting:
                        nursery.start_soon(self._run, *each, name=self._cell.id)
            except BaseExceptionGroup as group:
                failed = group
        self._open = False
        failed = _together(failed, self._untold)
        self._untold.clear()
        if failed is not None:
            try:
                raise plain(failed)
            finally:
                del failed

    @trio.lowlevel.enable_ki_protection
    async def _run(
        self, runtime: Runtime, async_fn: Callable[..., Awaitable[object]], args: tuple[object, ...]
    ) -> None:
        DEADLINE.set(None if self._cell.durable else deadline_of(runtime.signal))
        try:
            if self._cell.life is not self._life:  # it was killed before this began
                discard(*args)
                return
            await _called(async_fn, args)
        except BaseException as error:  # noqa: ASYNC103  # raised here, or when the nursery is closed
            if self._cell.life is self._life:
                self._cell.state = "down"  # it handles nothing while its other tasks are cancelled
            if self._life.detail is None and not isinstance(error, trio.Cancelled):
                self._life.detail = AgentCrash(runtime.agent, runtime.signal)
            if self._cell.life is self._life and not isinstance(error, trio.Cancelled):
                if isinstance(self._life.detail, AgentCrash):
                    self._cell.crashing(error, self._life.detail)
                self._life.in_vain = is_in_vain(self._cell, error, self._life.detail)
            if is_told(error) or self._nursery is None:
                raise
            self._untold.append(error)
            self._nursery.cancel_scope.cancel()
        finally:
            self._running -= 1
            if not self._running:
                self._nursery = None  # it is about to close; who comes now is in `_unstarted`


@trio.lowlevel.disable_ki_protection
async def _called(async_fn: Callable[..., Awaitable[object]], args: tuple[object, ...]) -> None:
    await async_fn(*args)


@define(eq=False)
class PlainNursery:
    """A nursery for tasks that may raise what can't be told."""

    _nursery: trio.Nursery
    _untold: list[BaseException]

    @property
    def cancel_scope(self) -> trio.CancelScope:
        """That of all tasks."""
        return self._nursery.cancel_scope

    def start_soon(self, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run `async_fn(*args)` in a task."""
        self._nursery.start_soon(self._run, async_fn, args, name=async_fn)

    async def _run(self, async_fn: Callable[..., Awaitable[object]], args: tuple[object, ...]) -> None:
        try:
            await async_fn(*args)
        except BaseException as error:  # noqa: ASYNC103  # it is raised when the nursery is closed
            if is_told(error):
                raise
            self._untold.append(error)
            self.cancel_scope.cancel()


@asynccontextmanager
async def open_plain_nursery() -> AsyncGenerator[PlainNursery]:
    """Open a nursery that raises the one error of its tasks as it is, where there is but one."""
    failed, untold = None, list[BaseException]()
    try:
        async with trio.open_nursery() as nursery:
            yield PlainNursery(nursery, untold)
    except BaseExceptionGroup as group:
        failed = group
    failed = _together(failed, untold)
    if failed is not None:
        try:
            raise plain(failed)
        finally:
            del failed, untold


def is_told(error: BaseException) -> bool:
    """Whether an error has a `repr`, as Trio will ask for it."""
    try:
        repr(error)
    except BaseException:  # noqa: ASYNC103, BLE001  # whatever it is, there it would end the run
        return False  # noqa: ASYNC104  # a repr awaits nothing
    return True


def _together(
    failed: BaseExceptionGroup[BaseException] | None, untold: list[BaseException]
) -> BaseExceptionGroup[BaseException] | None:
    """Return what has failed with what was kept aside."""
    if not untold:
        return failed
    return BaseExceptionGroup("tasks failed", [*(failed.exceptions if failed is not None else ()), *untold])


def discard(*args: object) -> None:
    """Close coroutines that are never awaited."""
    for each in args:
        close = getattr(each, "close", None)
        if close is not None and hasattr(each, "cr_frame"):
            close()


def plain(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one error of a group that has but one; or the group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        (error,) = error.exceptions
    return error

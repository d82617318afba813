"""Task supervisors: functions run on demand, none of which can take down another (Elixir's Task.Supervisor).

Theory of operation. A task is a temporary child of a pool, so its supervisor owns it: reports it when it crashes and
stops it at the end, whoever waits for it. The waiting is apart from the owning. `Task.wait` looks at a task and has no
power over it; a *linked* task is bound to a block of the caller's: neither outlives the other.

The joint case is a supervisor that stops while somebody waits. All open tasks are settled as stopped at that moment,
before they are asked to end, so that nobody waits through their clean-up, or for one that never began.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import define, field

from jido_trio import checks
from jido_trio.errors import ChildRefused, InvalidDefinition, SupervisorStopped, TaskStopped
from jido_trio.redact import shown
from jido_trio.supervision._block import Block
from jido_trio.supervision._child import WORKER_SHUTDOWN, Child, is_seconds
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._inspect import SupervisorView
from jido_trio.supervision._life import Life
from jido_trio.supervision._nested import Nested
from jido_trio.supervision._open import root
from jido_trio.supervision._report import Sink
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import Supervisor
from jido_trio.supervision._task import Task, check_timeout, end, uncancelled
from jido_trio.supervision._task_map import OnTimeout, Results
from jido_trio.terms import Restart, ShutdownLimit

A = TypeVar("A")
T = TypeVar("T")


@define(eq=False, repr=False)
class TaskSupervisor:
    """A running task supervisor; `open_task_supervisor` makes one.

    A function that has a parameter `life` is given the `Life` that it is, as any child's. Its context variables are
    those of the supervisor, not of the caller.
    """

    _pool: Supervisor
    task_shutdown: ShutdownLimit = WORKER_SHUTDOWN
    _tasks: dict[str, Task[Any]] = field(factory=dict)
    _number: int = 0
    _closed: bool = False

    def __repr__(self) -> str:
        return f"<TaskSupervisor {self.name!r} {'closed' if self._closed else 'open'}, {self.count} tasks>"

    @property
    def name(self) -> str:
        """What it is called in errors and reports."""
        return self._pool.name

    @property
    def count(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    def start_soon(self, fn: Callable[..., Awaitable[object]], *args: object, name: str | None = None) -> None:
        """Run `fn(*args)`, and forget it: a crash of it is reported, and touches nobody.

        Args:
            fn: Async function.
            *args: Passed to it.
            name: What it is called in reports, before a number. Default: the name of the function.

        Raises:
            ChildRefused: `max_children` tasks run (reason max_children).
            InvalidDefinition: `fn` is no function, or the name no text.
            SupervisorStopped: The supervisor isn't running.

        Source: Elixir `Task.Supervisor.start_child`.
        """
        self._begin(fn, args, name)

    def start(self, fn: Callable[..., Awaitable[T]], *args: object, name: str | None = None) -> Task[T]:
        """Run `fn(*args)`, and return the task to wait for. It isn't linked: what becomes of it is the waiter's choice.

        A crash is reported as by `start_soon`, and raised from `Task.wait`; who never waits never sees it. The task
        goes on when its caller ends, until its supervisor stops. Returns at once; arguments and errors are those of
        `start_soon`.

        Source: Elixir `Task.Supervisor.async_nolink`. Differs: this is the plain form, and the linked one, `open_task`,
        takes a block. A link ties two lives together; in Trio a life that can be ended from elsewhere is a block.
        """
        return self._begin(fn, args, name)

    def open_task(
        self, fn: Callable[..., Awaitable[T]], *args: object, name: str | None = None, timeout: float | None = None
    ) -> AbstractAsyncContextManager[Task[T]]:
        """Run `fn(*args)` linked to the block: neither outlives the other.

        When the task comes to an error the block is cancelled, and the error raised from it. Leaving the block, by
        whatever way, cancels the task and waits until it has ended; that is a checkpoint, entering is none. Ending
        the task by `Task.cancel` or `Task.shutdown` is no error.

        Args:
            fn: Async function.
            *args: Passed to it.
            name: What it is called in reports, before a number. Default: the name of the function.
            timeout: Seconds that it may run.

        Raises:
            TaskCrashed: Its function raised; the cause is what it raised.
            TaskStopped: The supervisor stopped, or the function raised `Shutdown`.
            TaskTimedOut: It ran longer than `timeout`.
            ChildRefused, InvalidDefinition, SupervisorStopped: As in `start_soon`.

        Source: Elixir `Task.Supervisor.async`. Differs: the link is the block, so it ends a block and not a whole task,
        and a caller that ends normally ends it too.
        """
        check_timeout(timeout)
        return self._linked(fn, args, name, timeout)

    async def run(
        self, fn: Callable[..., Awaitable[T]], *args: object, name: str | None = None, timeout: float | None = None
    ) -> T:
        """Run `fn(*args)` as a linked task, and return its value.

        As if it were awaited here, but that it is supervised: it is counted, reported when it crashes, and stopped with
        the supervisor. Cancelling this call cancels it. Arguments and errors are those of `open_task`.
        """
        async with self.open_task(fn, *args, name=name, timeout=timeout) as task:
            return await task.wait()

    def map(
        self,
        fn: Callable[[A], Awaitable[T]],
        items: Iterable[A],
        *,
        max_concurrency: int,
        ordered: bool = True,
        timeout: float | None = None,
        on_timeout: OnTimeout = "raise",
        name: str | None = None,
    ) -> Results[A, T]:
        """Run `fn(item)` for each item, some at once, and give the results to `async for`.

            async with tasks.map(fetch, urls, max_concurrency=8) as results:
                async for result in results: ...

        Each result is `Ok(value)` or `Failed(error)`: a crash concerns its own item only. Nothing runs ahead of the
        loop: items are taken when a result is asked for, and never more than `max_concurrency` of them run or wait to
        be collected, so `items` may be infinite. Leaving the block early cancels what runs.

        Args:
            fn: Async function of one item.
            items: Any iterable. What it raises is raised from the loop, after the results of the items before.
            max_concurrency: How many run at once.
            ordered: Whether results come in the order of the items, or as soon as they are there.
            timeout: Seconds for each item, from its start. Default: no limit.
            on_timeout: "raise" to raise `TaskTimedOut` from the loop, "kill" to give it as a `Failed`. The task is
                cancelled in both cases.
            name: What tasks are called in reports, before a number. Default: the name of the function.

        Raises:
            InvalidDefinition: An option is wrong. From the loop: TaskTimedOut; ChildRefused where the supervisor has
                max_children; SupervisorStopped, after the results of what was started.

        Source: Elixir `Task.Supervisor.async_stream_nolink`. Differs: `max_concurrency` has no default and bounds
        what was started and not yet collected, so results that wait for their turn count; no timeout unless one is
        given.
        """

        def start(item: A, told: Callable[[Task[T]], None]) -> Task[T]:
            return self._begin(fn, (item,), name, timeout, told)

        given: object = items
        if not isinstance(given, Iterable):
            raise checks.refused(f"map of {shown(self.name)}", "items", items, "must be several items, any iterable")
        return Results(start, iter(items), max_concurrency, ordered=ordered, timeout=timeout, on_timeout=on_timeout)

    def tree(self) -> SupervisorView:
        """Return what the supervisor and its tasks are at, as plain data."""
        return self._pool.tree()

    async def wait(self) -> None:
        """Wait until the supervisor has ended."""
        await self._pool.wait()

    def stop(self) -> None:
        """Begin to stop: who waits for a task is told, then all tasks are ended, together. Returns at once."""
        self.close()
        self._pool.stop()

    def close(self) -> None:
        """Start no more tasks, and settle those that run as stopped."""
        self._closed = True
        for task in list(self._tasks.values()):
            task.abandon("its supervisor stopped")

    def _begin(
        self,
        fn: Callable[..., Awaitable[T]],
        args: tuple[object, ...],
        name: str | None,
        timeout: float | None = None,
        told: Callable[[Task[T]], None] = lambda task: None,
    ) -> Task[T]:
        if name is not None:
            checks.text(f"a task of {shown(self.name)}", "name", name, blank=True)
        number = self._number + 1
        # The spec is checked as any child's: a coroutine instead of a function, for one, is refused by name.
        id = f"{name or _name(fn)}#{number}"
        spec = Child(id, fn, *args, restart="temporary", shutdown=self.task_shutdown)
        self._check_room(id)
        self._number = number
        task = Task(spec, self.name, timeout, told)
        self._tasks[id] = task
        self._pool.start_child_soon(Child(id, self._live, task, restart="temporary", shutdown=self.task_shutdown))
        return task

    def _check_room(self, id: str) -> None:
        if self._closed:
            raise SupervisorStopped(self.name)
        limit = self._pool.spec.flags.max_children
        if limit is not None and self.count >= limit:
            raise ChildRefused(self.name, id, "start", "max_children")

    async def _live(self, task: Task[object], life: Life) -> None:
        try:
            await task.live(life)
        except BaseException as error:
            rest = uncancelled(error)
            if rest is not None and not isinstance(rest, Exception):
                self.close()  # an interrupt takes the pool down, and what is started after it would never run
            raise
        finally:
            del self._tasks[task.id]

    @asynccontextmanager
    async def _linked(
        self, fn: Callable[..., Awaitable[T]], args: tuple[object, ...], name: str | None, timeout: float | None
    ) -> AsyncIterator[Task[T]]:
        block = trio.CancelScope()

        def unlink(task: Task[T]) -> None:
            if _breaks_link(task):
                block.cancel(f"task {task.id!r}, linked to this block, came to an error")

        task = self._begin(fn, args, name, timeout, unlink)
        try:
            with block:
                yield task
        finally:
            await end([task])  # noqa: ASYNC102  # bounded by the task's shutdown
        if _breaks_link(task):
            await task.wait()


def open_task_supervisor(
    *,
    max_children: int | None = None,
    task_shutdown: ShutdownLimit = WORKER_SHUTDOWN,
    name: str = "tasks",
    shutdown: float | None = None,
    on_report: Sink | None = None,
) -> AbstractAsyncContextManager[TaskSupervisor]:
    """Run a supervisor of tasks until the block is left, which ends those that run.

    Tasks are temporary: none is restarted, and no crash ends the supervisor. Leaving is a checkpoint, by whatever way:
    who waits for a task gets `TaskStopped` at once, then all tasks are ended together.

    Args:
        max_children: How many tasks may run at once; None sets no limit.
        task_shutdown: Seconds that each task has to end; "brutal" not to ask those that would be asked
            (`Life.trap_stop`); None to wait as long as it takes.
        name: What it is called in errors and reports.
        shutdown: Seconds for ending everything; what still runs then is cancelled. None sets no limit.
        on_report: Called with the `CrashReport` of each crash, and each `OverrunReport`. Default: they are logged, see
            `FoldedLog`.

    Raises:
        InvalidDefinition: An option is wrong; nothing was started.

    Source: Elixir `Task.Supervisor`. Differs: tasks are always temporary.
    """
    spec = _spec(name, max_children, task_shutdown, shutdown)
    return _block(task_shutdown, root(spec, on_report))


def task_supervisor_child(
    id: str,
    *,
    max_children: int | None = None,
    task_shutdown: ShutdownLimit = WORKER_SHUTDOWN,
    restart: Restart = "permanent",
    shutdown: ShutdownLimit = None,
    on_report: Sink | None = None,
) -> Child:
    """Return a child that is a task supervisor; the `value` of its ref is the `TaskSupervisor`.

    Its options are those of `open_task_supervisor` and `Child`. A restarted one is a new one: its tasks have ended with
    the old one.
    """
    spec = _spec(id, max_children, task_shutdown, None)
    return Nested(spec, on_report, block=partial(_block, task_shutdown)).child(restart, shutdown)


def _spec(name: str, max_children: int | None, task_shutdown: ShutdownLimit, shutdown: float | None) -> SupervisorSpec:
    if not (task_shutdown is None or task_shutdown == "brutal" or is_seconds(task_shutdown)):
        raise InvalidDefinition(
            f"task_shutdown={task_shutdown!r} of supervisor {name!r} must be seconds (0 or more), 'brutal', or None to "
            "wait without limit",
            field="task_shutdown",
            value=task_shutdown,
        )
    return SupervisorSpec((), Flags(kind="pool", max_children=max_children), name, shutdown)


def _block(task_shutdown: ShutdownLimit, pool: Supervisor) -> Block[TaskSupervisor]:
    tasks = TaskSupervisor(pool, task_shutdown)
    return Block(pool, tasks, tasks.close)


def _breaks_link(task: Task[T]) -> bool:
    """Whether it came to an error that wasn't asked for."""
    error = task.error
    return error is not None and not (isinstance(error, TaskStopped) and task.cancel_called)


def _name(fn: object) -> str:
    while isinstance(fn, partial):
        fn = fn.func
    return getattr(fn, "__name__", type(fn).__name__)

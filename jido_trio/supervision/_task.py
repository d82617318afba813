"""Task: a function that runs as a supervised child, and the value or the error that it comes to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Generic, Literal, NoReturn, TypeAlias, TypeVar

import trio
from attrs import define, field, frozen

from jido_trio.errors import InvalidDefinition, TaskCrashed, TaskError, TaskStopped, TaskTimedOut
from jido_trio.redact import shown
from jido_trio.supervision._child import Child, is_seconds
from jido_trio.supervision._exit import Shutdown, exit_kind
from jido_trio.supervision._life import Life, active
from jido_trio.supervision._report import Failure
from jido_trio.terms import ShutdownLimit

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen
class Ok(Generic[T_co]):
    """The value that a task came to."""

    value: T_co

    def unwrap(self) -> T_co:
        """Return the value."""
        return self.value


@frozen
class Failed:
    """Why a task came to no value."""

    error: TaskError

    def unwrap(self) -> NoReturn:
        """Raise the error."""
        raise self.error


@frozen
class _Crash:
    """What a task's function raised; each who asks gets an error of their own, for raising one changes it."""

    error: Exception


@frozen
class _Stop:
    reason: str


@frozen
class _Late:
    """It was cancelled for taking longer than its timeout."""


_End: TypeAlias = Ok[T] | _Crash | _Stop | _Late


@define(eq=False, repr=False)
class Task(Generic[T]):
    """A function that runs in a task supervisor; `TaskSupervisor.start` makes one.

    Its end is settled once: by its value, by what it raises, by its cancellation, or by the stop of its supervisor.
    Anyone may wait for that, any number of times.
    """

    spec: Child
    """The function and its arguments, as the child of a supervisor."""
    supervisor: str
    """The name of its supervisor."""
    timeout: float | None = None
    """Seconds that it may run."""
    _on_settled: Callable[[Task[T]], None] = lambda task: None
    _scope: trio.CancelScope = field(init=False)
    _life: Life | None = None
    _end: _End[T] | None = None
    _settled: trio.Event = field(factory=trio.Event)
    _ended: trio.Event = field(factory=trio.Event)
    cancel_called: bool = False
    """Whether it was cancelled by `cancel` or `shutdown`."""

    def __attrs_post_init__(self) -> None:
        self._scope = trio.CancelScope()
        if self.timeout is not None:
            self._scope.deadline = trio.current_time() + self.timeout

    def __repr__(self) -> str:
        state = "runs" if self._end is None else type(self._end).__name__.lstrip("_").lower()
        return f"<Task {self.id!r} of {self.supervisor!r}: {state}>"

    @property
    def id(self) -> str:
        """What it is called in reports."""
        return self.spec.id

    @property
    def done(self) -> bool:
        """Whether it is settled what it came to."""
        return self._end is not None

    @property
    def outcome(self) -> Ok[T] | Failed | None:
        """What it came to; None while that is open."""
        error = self.error
        if error is not None:
            return Failed(error)
        return self._end if isinstance(self._end, Ok) else None

    @property
    def error(self) -> TaskError | None:
        """Why it came to no value: a new exception each time; None while that is open, or if it has a value."""
        match self._end:
            case _Crash(error):
                crashed = TaskCrashed(self.supervisor, self.id, str(Failure.of(error, depth=0)))
                crashed.__cause__ = error
                return crashed
            case _Stop(reason):
                return TaskStopped(self.supervisor, self.id, reason)
            case _Late():
                return TaskTimedOut(self.supervisor, self.id, self.timeout or 0, stopped=True)
            case _:
                return None

    async def wait(self, timeout: float | None = None) -> T:
        """Return its value, once it has one.

        Cancelling this call, or its timeout, ends the waiting only: the task goes on.

        Raises:
            TaskCrashed: Its function raised; the cause is what it raised.
            TaskStopped: It was cancelled, its supervisor stopped, or its function raised `Shutdown`.
            TaskTimedOut: It has no value after `timeout` seconds, or ran longer than the timeout of its own.

        Source: Elixir `Task.await`, `Task.yield`. Differs: no timeout unless one is given; who waits needn't be who
        started it; and a timeout never ends the caller's task, it is an exception like any other.
        """
        check_timeout(timeout)
        with trio.move_on_after(float("inf") if timeout is None else timeout):
            await self._settled.wait()
        if self._end is None:
            raise TaskTimedOut(self.supervisor, self.id, timeout or 0, stopped=False)
        if isinstance(self._end, Ok):
            return self._end.value
        # `from` the cause that it has already, or the `except` that may surround this call would take its place.
        error = self._expect_error()
        raise error from error.__cause__

    def cancel(self) -> None:
        """Cancel its function, and return at once. What it comes to is settled when it has ended."""
        if self._end is None and not self._scope.cancel_called:  # or what ended it would pass for this
            self.cancel_called = True
            self._scope.cancel(f"task {self.id!r} is cancelled")

    async def shutdown(self, limit: ShutdownLimit | Literal["default"] = "default") -> Ok[T] | Failed:
        """End it as a supervisor ends a child, wait until it has ended, and return what it came to.

        A function that called `life.trap_stop` is asked, and cancelled when `limit` is over; any other is cancelled
        at once. It is then waited for, however long its clean-up takes: nothing can kill a Trio task.

        Args:
            limit: Seconds until it is cancelled; "brutal" to cancel it at once; None to let it end by itself. Default:
                the `task_shutdown` of its supervisor.

        Source: Elixir `Task.shutdown`.
        """
        self._ask(self.spec.shutdown if limit == "default" else limit)
        await self._ended.wait()
        return Ok(self._end.value) if isinstance(self._end, Ok) else Failed(self._expect_error())

    def _ask(self, limit: ShutdownLimit) -> None:
        on_stop = self._on_stop
        if limit == "brutal" or on_stop is None:
            self.cancel()
        elif self._end is None:
            if limit is not None:
                self._scope.deadline = min(self._scope.deadline, trio.current_time() + limit)
            if not self.cancel_called:
                self.cancel_called = True
                on_stop()

    @property
    def _on_stop(self) -> Callable[[], None] | None:
        return active(self._life).on_stop if self._life is not None else None

    def _expect_error(self) -> TaskError:
        assert self.error is not None  # noqa: S101  # it is settled, and has no value
        return self.error

    # ---- for the supervisor

    async def live(self, life: Life) -> None:
        """Run; what the function raises is raised again, for its supervisor to report."""
        self._life = life
        given = {"life": life} if "life" in self.spec.keywords else {}
        try:
            with self._scope:
                # The type of the value is known to whoever made the spec from a function that returns T.
                self._settle(Ok(await self.spec.function(*self.spec.args, **given)))  # type: ignore[arg-type]
            self._settle(_Stop("it was cancelled") if self.cancel_called else _Late())
        except BaseException as error:
            self._settle(_end_by(error))
            raise
        finally:
            self._ended.set()

    def abandon(self, reason: str) -> None:
        """Settle it as stopped for that reason, if it is open: nobody has to wait for its clean-up."""
        self._settle(_Stop(reason))

    async def settled(self) -> None:
        """Wait until it is settled."""
        await self._settled.wait()

    def _settle(self, end: _End[T]) -> None:
        if self._end is None:
            self._end = end
            self._settled.set()
            self._on_settled(self)


async def end(tasks: Collection[Task[T]]) -> None:
    """Cancel these tasks and wait until all are settled, whatever is cancelled meanwhile."""
    for task in tasks:
        task.cancel()
    # Without a limit, as a nursery waits for its tasks: whoever leaves a block may rely on what ran in it having ended.
    with trio.CancelScope(shield=True):
        for task in tasks:
            await task.settled()


def uncancelled(error: BaseException) -> BaseException | None:
    """Return `error` without its part that is cancellation: a cancelled nursery may have held a crash as well."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)[1]
    return None if isinstance(error, trio.Cancelled) else error


def _end_by(error: BaseException) -> _Crash | _Stop:
    """Return how a task ended that `error` left."""
    rest = uncancelled(error)
    if not isinstance(rest, Exception):
        return _Stop("its supervisor stopped")
    if exit_kind(rest) == "shutdown":
        return _Stop(rest.reason if isinstance(rest, Shutdown) and rest.reason else "it ended on purpose")
    return _Crash(rest)


def check_timeout(timeout: object) -> None:
    """Refuse a timeout that is no time."""
    if timeout is not None and not is_seconds(timeout):
        raise InvalidDefinition(
            f"timeout={shown(timeout)} must be seconds (0 or more), or None for no limit",
            field="timeout",
            value=timeout,
        )

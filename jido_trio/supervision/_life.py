"""Life: one incarnation of a child with a task, from its task's first step to its last."""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable
from types import CoroutineType

import trio
from attrs import define, field

from jido_trio.redact import shown
from jido_trio.supervision._child import Child
from jido_trio.supervision._ending import parted
from jido_trio.supervision._exit import exit_kind
from jido_trio.supervision._living import REPEAT, Owner
from jido_trio.terms import ExitKind, ShutdownLimit


class Life:
    """One incarnation of a child; a child's function that has a parameter `life` or `task_status` is given it."""

    __slots__ = ("_active",)

    def __init__(self, active: ActiveLife) -> None:
        self._active = active

    def __repr__(self) -> str:
        return f"<Life {self.incarnation} of child {shown(self.child.id)}>"

    @property
    def child(self) -> Child:
        """The spec that it is a life of."""
        return self._active.child

    @property
    def incarnation(self) -> int:
        """Counts the starts of the child, from 1."""
        return self._active.incarnation

    @property
    def stopping(self) -> bool:
        """Whether the child was asked to stop."""
        return self._active.stopping

    def started(self, value: object = None) -> None:
        """Say that the child is ready, once; `value` is given to whoever started it. See `trio.Nursery.start`."""
        self._active.started(value)

    def ignore(self) -> None:
        """Say that there is nothing to run, then return: the child counts as started and stopped (OTP's `ignore`)."""
        self._active.ignored = True

    def trap_stop(self, on_stop: Callable[[], None]) -> None:
        """Have `on_stop` called when the child is asked to stop, instead of being cancelled at once.

        From then on it has its `shutdown` seconds to return; after them it is cancelled. Like OTP's `trap_exit`.
        `on_stop` is called at most once, by the supervisor, and must not block; `trio.Event.set` is a good one.
        """
        self._active.on_stop = on_stop


def active(life: Life) -> ActiveLife:
    """Return the life as its supervisor's shell knows it."""
    return life._active  # noqa: SLF001  # the two sides of one thing


@define(eq=False)
class ActiveLife:
    """A life with a task, as its supervisor's shell knows it; see `Living`."""

    child: Child
    incarnation: int
    owner: Owner = field(repr=False)
    scope: trio.CancelScope = field(factory=lambda: trio.CancelScope(shield=True), repr=False)
    task: trio.lowlevel.Task | None = field(default=None, repr=False)
    began: float = 0.0
    value: object = None
    ready: bool = False
    ignored: bool = False
    on_stop: Callable[[], None] | None = field(default=None, repr=False)
    asked_at: float | None = None
    kill_at: float = math.inf
    """When its time to stop is over."""
    cancelled_to_stop: bool = False
    """Whether cancelling it was how it was asked to stop."""
    killed: bool = False
    done: bool = False
    error: BaseException | None = field(default=None, repr=False)
    exit: ExitKind = "normal"
    detail: object = field(default=None, repr=False)
    in_vain: bool = False

    def begin(self) -> None:
        """See `Living`."""
        if self.child.backoff is not None:
            self.began = trio.current_time()
        if self.child.start_timeout is not None and self.child.reports_ready and not self.stopping:
            self.scope.deadline = trio.current_time() + self.child.start_timeout
        self.owner.spawn(self, self._run)

    def started(self, value: object) -> None:
        """See `Life`."""
        if self.ready:
            raise RuntimeError(f"child {shown(self.child.id)} called task_status.started() twice in one life")
        self.ready = True
        self.value = value
        if not self.stopping:  # else the deadline is that of the stop
            self.scope.deadline = math.inf
        self.owner.started(self)

    @property
    def stopping(self) -> bool:
        """See `Living`."""
        return self.asked_at is not None

    @property
    def is_asked_by_call(self) -> bool:
        """See `Living`."""
        return self.on_stop is not None and self.child.shutdown != "brutal"

    def stop(self, now: float, limit: ShutdownLimit) -> None:
        """See `Living`."""
        self.asked_at = now
        self.kill_at = math.inf if limit is None else now if limit == "brutal" else now + limit
        if limit == "brutal":
            self.kill()
        elif self.on_stop is None:
            self.cancelled_to_stop = True
            self.scope.cancel(f"supervisor stops child {shown(self.child.id)}")
        else:
            self.scope.deadline = self.kill_at
            self.on_stop()

    def force(self) -> None:
        """See `Living`."""
        self.scope.cancel(f"on_stop of child {shown(self.child.id)} raised")

    def kill(self) -> None:
        """See `Living`."""
        self.killed = True
        self.scope.cancel(f"child {shown(self.child.id)} is killed")

    @property
    def first_look(self) -> float:
        """See `Living`: when its time is over, or long after it was cancelled for that."""
        return self.kill_at if self.cancelled_to_stop else self.kill_at + REPEAT

    def look(self) -> bool:
        """See `Living`: its scope has its deadline, so nothing can be done."""
        return True

    @trio.lowlevel.enable_ki_protection
    async def _run(self) -> None:
        self.task = trio.lowlevel.current_task()
        self.owner.step_taken()
        error: BaseException | None = None
        try:
            with self.scope:
                await _call(self)
        except BaseException as caught:  # noqa: ASYNC103, BLE001  # whatever it is, its supervisor decides
            error = caught
        # Outside of the except block, or the exceptions of all later lives would chain to this one.
        self.task, self.done = None, True
        try:
            self._end(error)
        except BaseException as bug:  # noqa: ASYNC103, BLE001  # the supervisor would wait for this life for ever
            self.owner.broke(bug)

    def _end(self, error: BaseException | None) -> None:
        """Tell that `error` left its function."""
        interrupt, self.error = parted(error)
        self.exit = self._exit()
        if interrupt is not None:
            self.owner.interrupted(interrupt)
        if self.ready or self.stopping or not self.child.reports_ready:
            self.owner.ended(self)
            return
        ignored = self.ignored and error is None
        if self.error is None and not ignored:
            self.error = interrupt or self._why_not_ready()
        self.owner.failed(self, ignored=ignored)

    def _exit(self) -> ExitKind:
        if isinstance(self.error, Exception):
            return exit_kind(self.error)
        if self.killed:
            return "killed"
        if not self.scope.cancelled_caught:
            return "normal"
        return "shutdown" if self.cancelled_to_stop and trio.current_time() <= self.kill_at else "killed"

    def _why_not_ready(self) -> Exception:
        if self.killed:
            return RuntimeError("it was killed before it was ready")
        if self.scope.cancelled_caught and self.child.start_timeout is not None:
            return TimeoutError(f"not ready within start_timeout={self.child.start_timeout:g} s")
        if self.scope.cancelled_caught:
            return RuntimeError("it was cancelled before it was ready")
        return RuntimeError("it returned without calling task_status.started()")


async def _call(life: ActiveLife) -> None:
    child = life.child
    keywords = dict.fromkeys(child.keywords, Life(life)) if child.keywords else {}
    running = child.function(*child.args, **keywords)
    if not isinstance(running, CoroutineType) and not inspect.isawaitable(running):
        raise TypeError(f"child {shown(child.id)} must be an async function; its function returned {shown(running)}")
    try:
        await _unprotected(running)
    finally:
        if isinstance(running, CoroutineType):  # an interrupt may have come before its first line
            running.close()


@trio.lowlevel.disable_ki_protection
async def _unprotected(running: Awaitable[object]) -> None:
    await running

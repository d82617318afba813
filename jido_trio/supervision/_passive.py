"""Passive lives: children that need no task. A life is a row of data; calls begin it, stop it and kill it.

Theory of operation. A passive life goes through stages:

    unborn ──begin──► beginning ──► up ──crashed, end, kill──► (ending) ──► over
                          └───────raises, crashed, end───────► (failing) ─► over

What is in parentheses is passed through only by a life that has a task of its own at that moment: the task is cancelled
first, and the end is told when the task has ended, so that lives never overlap. The first word about an end counts.
Without a task the end is told at once, so when the supervisor decides to restart the child, the next life has begun
before `crashed` returns.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal, Protocol, TypeAlias

import trio
from attrs import define

from jido_trio.redact import shown
from jido_trio.supervision._child import Child
from jido_trio.supervision._ending import parted
from jido_trio.supervision._exit import exit_kind
from jido_trio.supervision._living import Owner
from jido_trio.terms import ExitKind, ShutdownLimit

Stage: TypeAlias = Literal["unborn", "beginning", "up", "failing", "ending", "over"]


class Passive(Protocol):
    """A child that needs no task: its lives are begun, stopped and killed by calls.

    `Child(id, passive, restart=...)` takes one in place of an async function. The calls come from whatever task the
    cause happened in, and must not block. Args of the child are at `life.child.args`.
    """

    def begin(self, life: PassiveLife) -> None:
        """Begin a life: the child is up when this returns. What it raises is a failed start: nothing runs.

        It is called in the context in which the supervisor was made. A life that crashes before `begin` returns has
        failed to start, too; one that ends has nothing to run (OTP's `ignore`).
        """

    def stop(self, life: PassiveLife) -> None:
        """Take note that the life shall end: call `life.end()`, now or later.

        After the child's `shutdown` seconds it is killed.
        """

    def kill(self, life: PassiveLife) -> None:
        """Let go of everything at once. The life is over when this returns, or when its task has ended."""


@define(eq=False)
class _More:
    """What a life needs only if it has a task, backs off, or takes its time to stop."""

    scope: trio.CancelScope | None = None
    task: trio.lowlevel.Task | None = None
    began: float = 0.0
    asked_at: float | None = None
    kill_at: float = math.inf


class PassiveLife:
    """One incarnation of a passive child."""

    __slots__ = (
        "_more",
        "_owner",
        "_stage",
        "child",
        "detail",
        "error",
        "exit",
        "in_vain",
        "incarnation",
        "killed",
        "stopping",
    )

    child: Child
    incarnation: int
    """Counts the starts of the child, from 1."""
    stopping: bool
    """Whether the child was asked to stop."""
    detail: object
    """What it is at, for the report of its crash; the child may say, while the life is up."""
    in_vain: bool
    """Whether a further life would end likewise. If the child says so before the life crashes, it is parked, as if its
    budget were spent; unless it has a backoff."""

    value = None
    """Nothing was passed to `task_status.started`; see `ChildRef.value`."""

    def __init__(self, child: Child, incarnation: int, owner: Owner) -> None:
        self.child, self.incarnation, self.stopping = child, incarnation, False
        self._owner = owner
        self._stage: Stage = "unborn"
        self.killed = False
        self.error: BaseException | None = None
        self.detail = None
        self.in_vain = False
        self.exit: ExitKind = "normal"
        self._more: _More | None = None
        if child.backoff is not None:
            self._more = _More(began=trio.current_time())

    def __repr__(self) -> str:
        return f"<PassiveLife {self.incarnation} of child {shown(self.child.id)}: {self._stage}>"

    # ---- for the child

    @trio.lowlevel.enable_ki_protection
    def crashed(self, error: BaseException, detail: object = None) -> None:
        """End the life by `error`: it is reported, with `detail`, and the supervisor decides.

        KeyboardInterrupt, SystemExit and the like are no crash: the supervisor stops, and raises it.

        If that is to restart the child at once, the next life has begun before this returns. If the life has a task
        of its own the task is cancelled first, and the end is told when the task has ended. A life that has ended, or
        is about to, stays as it ended first.

        Args:
            error: What ended it.
            detail: What the life was at: a value that is safe to keep. Its `repr` is shown to people.
        """
        if detail is not None and self.detail is None:
            self.detail = detail
        self._end(error)

    @trio.lowlevel.enable_ki_protection
    def tell_of(self, error: Exception, detail: object = None) -> None:
        """Report a crash of a part of the life, which itself goes on: nothing else follows from it."""
        self._owner.tell_of(self, error, detail)

    @trio.lowlevel.enable_ki_protection
    def end(self) -> None:
        """End the life normally, or as asked. Its task, if it has one, is cancelled first."""
        self._end(None)

    @trio.lowlevel.enable_ki_protection
    def run(self, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Give the life a task that runs `async_fn(*args)`, in a cancel scope of its own, shielded as all lives are.

        What leaves `async_fn` is a crash of the life. When it returns the life is passive again; or over, if it was
        asked to stop.

        Raises:
            RuntimeError: The life is over, or has a task.
        """
        if self._stage in ("failing", "ending", "over"):
            raise RuntimeError(
                f"life {self.incarnation} of child {shown(self.child.id)} has ended and can't have a task"
            )
        more = self._extra()
        if more.scope is not None:
            raise RuntimeError(f"life {self.incarnation} of child {shown(self.child.id)} has a task already")
        more.scope = trio.CancelScope(shield=True)
        self._owner.spawn(self, partial(self._live, more, more.scope, async_fn, args))

    # ---- for the supervisor

    @property
    def done(self) -> bool:
        """Whether nothing of it is left."""
        return self._stage == "over"

    @property
    def began(self) -> float:
        """When it began, in seconds of Trio's clock; known for children with a backoff."""
        return self._more.began if self._more is not None else 0.0

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """Its task, if it has one."""
        return self._more.task if self._more is not None else None

    @property
    def is_asked_by_call(self) -> bool:
        """See `Living`."""
        return self.child.shutdown != "brutal"

    @property
    def asked_at(self) -> float | None:
        """When it was asked to stop, in seconds of Trio's clock; known for a life that takes its time."""
        return self._more.asked_at if self._more is not None else None

    @property
    def kill_at(self) -> float:
        """When its time to stop is over."""
        return self._more.kill_at if self._more is not None else math.inf

    def begin(self) -> None:
        """See `Living`."""
        if self._stage != "unborn":  # stopped before its turn came
            return
        self._stage = "beginning"
        error: BaseException | None = None
        try:
            # A copy of a saved context: what a life, or the task that happened to see its end, did to context
            # variables ends there.
            self._owner.context.copy().run(self.child.fn.begin, self)  # type: ignore[union-attr]
        except BaseException as caught:  # noqa: ASYNC103, BLE001  # whatever it is, the supervisor decides
            error = caught
        if error is None and self._stage == "beginning":
            self._stage = "up"
            self._owner.started(self)
            return
        if error is not None:
            self.error = error
        self._stage = "failing"
        self._end_task_or_tell()

    def stop(self, now: float, limit: ShutdownLimit) -> None:
        """Ask it to end within the limit."""
        self.stopping = True
        if limit == "brutal":
            self.kill()
        elif self._stage == "up":
            self.child.passive.stop(self)
        elif self._stage == "unborn":
            self._end(None)
        if not self.done:
            more = self._extra()
            more.asked_at = now
            more.kill_at = math.inf if limit is None else now if limit == "brutal" else now + limit

    def force(self) -> None:
        """Kill it, as the call that asked it to stop raised."""
        self.kill()

    @property
    def first_look(self) -> float:
        """When it is looked after first, if it still lives: when its time is over."""
        return self.kill_at

    def look(self) -> bool:
        """Kill it, its time being over; return whether that was done before, so that it can only be waited for."""
        before = self.killed
        if not before:
            self.kill()
        return before

    def kill(self) -> None:
        """End it at once."""
        if self._stage == "over":
            return
        self.killed = True
        if self._stage == "unborn":
            self._end(None)
            return
        try:
            self.child.passive.kill(self)
        except Exception as error:  # noqa: BLE001  # a life that is killed can't be kept by it
            self._owner.complain(self, error)
        except BaseException as interrupt:  # noqa: ASYNC103, BLE001  # it takes the tree down, in order
            self._owner.interrupted(interrupt)
        self._end(None)

    def _end(self, error: BaseException | None) -> None:
        match self._stage:
            case "beginning":
                self.error = error
                self._stage = "failing"
            case "unborn" | "up":
                self.error = error
                self._stage = "ending"
                self._end_task_or_tell()
            case _:
                pass

    def _end_task_or_tell(self) -> None:
        scope = self._more.scope if self._more is not None else None
        if scope is not None:
            scope.cancel(f"child {shown(self.child.id)} has ended")
        else:
            self._tell()

    def _tell(self) -> None:
        failed, error = self._stage == "failing", self.error
        self._stage = "over"
        if error is not None and not isinstance(error, Exception):
            interrupt, crash = parted(error)
            self.error = crash or (interrupt if failed else None)
            if interrupt is not None:
                self._owner.interrupted(interrupt)
        if failed:
            if error is not None:
                self.exit = "crash"
            self._owner.failed(self, ignored=error is None)
            return
        self.exit = exit_kind(self.error) if isinstance(self.error, Exception) else self._exit_without_crash()
        self._owner.ended(self)

    def _exit_without_crash(self) -> ExitKind:
        return "killed" if self.killed else "normal"

    # ---- with a task

    def _extra(self) -> _More:
        if self._more is None:
            self._more = _More()
        return self._more

    @trio.lowlevel.enable_ki_protection
    async def _live(
        self,
        more: _More,
        scope: trio.CancelScope,
        async_fn: Callable[..., Awaitable[object]],
        args: tuple[object, ...],
    ) -> None:
        more.task = trio.lowlevel.current_task()
        error: BaseException | None = None
        try:
            with scope:
                await _call(async_fn, args)
        except BaseException as caught:  # noqa: ASYNC103, BLE001  # whatever it is, its supervisor decides
            error = caught
        # Outside of the except block, or the exceptions of all later lives would chain to this one.
        more.scope = more.task = None
        try:
            self._task_ended(error)
        except BaseException as bug:  # noqa: ASYNC103, BLE001  # the supervisor would wait for this life for ever
            self._owner.broke(bug)

    def _task_ended(self, error: BaseException | None) -> None:
        if self._stage in ("failing", "ending"):
            self.error = _both(self.error, error)
            self._tell()
        elif error is not None or self.stopping:
            self._end(error)


def _both(first: BaseException | None, second: BaseException | None) -> BaseException | None:
    """Return what ended a life: its crash, and what its task came to when it was cancelled for that."""
    if first is None or second is None:
        return first if second is None else second
    return BaseExceptionGroup("a life crashed, and its task failed while it was cancelled", [first, second])


@trio.lowlevel.disable_ki_protection
async def _call(async_fn: Callable[..., Awaitable[object]], args: tuple[object, ...]) -> None:
    await async_fn(*args)

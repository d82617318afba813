"""Life: one incarnation of a child, from its task's first step to its last."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import trio
from attrs import define, field

from jido_trio.supervision._child import Child
from jido_trio.supervision._exit import exit_kind
from jido_trio.terms import ExitKind, ShutdownLimit

REPEAT = 5.0
"""Seconds between two looks at a child that ignores its stop."""


class Owner(Protocol):
    """What a life tells its supervisor."""

    def life_begins(self) -> None:
        """Its task takes its first step."""

    def life_started(self, life: Life) -> None:
        """Its function called `task_status.started`."""

    def life_ended(self, life: Life, error: BaseException | None) -> None:
        """Its function has ended; `error` left it."""

    def life_renewed(self, life: Life, error: Exception) -> bool:
        """It crashed and asks whether it may go on as the next incarnation."""
        ...


@define(eq=False)
class Life:
    """One incarnation of a child; a child's function that has a parameter `life` or `task_status` is given it."""

    child: Child
    incarnation: int
    """Counts the starts of the child, from 1."""
    _owner: Owner
    scope: trio.CancelScope = field(factory=lambda: trio.CancelScope(shield=True), repr=False)
    task: trio.lowlevel.Task | None = field(default=None, repr=False)
    began: float = 0.0
    """When it began, in seconds of Trio's clock."""
    value: object = None
    """What was passed to `task_status.started`."""
    ready: bool = False
    ignored: bool = False
    on_stop: Callable[[], None] | None = field(default=None, repr=False)
    asked_at: float | None = None
    """When it was asked to stop, in seconds of Trio's clock."""
    kill_at: float = math.inf
    """When its time to stop is over."""
    cancelled_to_stop: bool = False
    """Whether cancelling it was how it was asked to stop."""
    killed: bool = False
    renewing: bool = False
    done: bool = False
    """Its function has ended."""
    error: BaseException | None = field(default=None, repr=False)
    """What left its function, until that is reported."""
    exit: ExitKind = "normal"
    """How it ended, once it has."""
    over: bool = False
    """Its end is dealt with already; what leaves its function is of no interest."""

    # ---- for the child's function

    def started(self, value: object = None) -> None:
        """Say that the child is ready, once; `value` is given to whoever started it. See `trio.Nursery.start`."""
        if self.ready:
            raise RuntimeError(f"child {self.child.id!r} called task_status.started() twice in one life")
        self.ready = True
        self.value = value
        self.scope.deadline = math.inf
        self._owner.life_started(self)

    def ignore(self) -> None:
        """Say that there is nothing to run, then return: the child counts as started and stopped (OTP's `ignore`)."""
        self.ignored = True

    def trap_stop(self, on_stop: Callable[[], None]) -> None:
        """Have `on_stop` called when the child is asked to stop, instead of being cancelled at once.

        From then on it has its `shutdown` seconds to return; after them it is cancelled. Like OTP's `trap_exit`.
        `on_stop` is called at most once, by the supervisor, and must not block; `trio.Event.set` is a good one.
        """
        self.on_stop = on_stop

    @property
    def stopping(self) -> bool:
        """Whether the child was asked to stop."""
        return self.asked_at is not None

    def renew(self, error: Exception) -> bool:
        """Report the crash `error`, and return whether to go on, in this task, as the next incarnation.

        For a child that knows it has nothing to tear down: no task, no open block. Everything is as if its function
        had raised: the report, the count, the decision. On True the next incarnation has begun and the function goes
        on from clean state. On False it must end at once, with `error`, without a checkpoint.
        """
        return not self.stopping and self._owner.life_renewed(self, error)

    # ---- for the supervisor

    def end(self, error: BaseException | None) -> None:
        """Note that `error` left its function, and how it ended thereby."""
        self.error, self.exit = error, self._exit(error)

    def _exit(self, error: BaseException | None) -> ExitKind:
        if isinstance(error, Exception):
            return exit_kind(error)
        if self.killed:
            return "killed"
        if not self.scope.cancelled_caught:
            return "normal"
        return "shutdown" if self.cancelled_to_stop and trio.current_time() <= self.kill_at else "killed"

    def stop(self, now: float, limit: ShutdownLimit) -> None:
        """Ask it to end within the limit."""
        self.asked_at = now
        self.kill_at = math.inf if limit is None else now if limit == "brutal" else now + limit
        if limit == "brutal":
            self.kill()
        elif self.on_stop is None:
            self.cancelled_to_stop = True
            self.scope.cancel(f"supervisor stops child {self.child.id!r}")
        else:
            self.scope.deadline = self.kill_at
            self.on_stop()

    def force(self) -> None:
        """Cancel it, as the call that asked it to stop raised."""
        self.scope.cancel(f"on_stop of child {self.child.id!r} raised")

    @property
    def first_look(self) -> float:
        """When it is looked after first, if it still runs: when its time is over, or long after it was cancelled."""
        return self.kill_at if self.cancelled_to_stop else self.kill_at + REPEAT

    def look(self) -> bool:
        """Return whether it can only be waited for."""
        return True

    def kill(self) -> None:
        """Cancel it at once."""
        self.killed = True
        self.scope.cancel(f"child {self.child.id!r} is killed")

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Live."""
        self.task = trio.lowlevel.current_task()
        self._owner.life_begins()
        error: BaseException | None = None
        try:
            with self.scope:
                await _call(self.child, self)
        except BaseException as caught:  # noqa: ASYNC103, BLE001  # whatever it is, its supervisor decides
            error = caught
        # Outside of the except block, or the exceptions of all later lives would chain to this one.
        self.task, self.done = None, True
        if not self.over:
            self._owner.life_ended(self, error)


@trio.lowlevel.disable_ki_protection
async def _call(child: Child, life: Life) -> None:
    if child.keywords:
        await child.function(*child.args, **dict.fromkeys(child.keywords, life))
    else:
        await child.function(*child.args)

"""Supervisor: what users hold of a running supervisor, and refs to its children."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NoReturn, TypeVar
from weakref import WeakValueDictionary

import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.errors import ChildRefused, StartFailed, SupervisorStopped
from jido_trio.redact import shown
from jido_trio.supervision import _events as ev
from jido_trio.supervision._child import Child
from jido_trio.supervision._ending import conclude, is_interrupt, parted
from jido_trio.supervision._inspect import ChildView, SupervisorView, Viewable, view_of
from jido_trio.supervision._report import CrashReport
from jido_trio.supervision._shell import Shell
from jido_trio.supervision._slots import Slot
from jido_trio.supervision._spec import SupervisorSpec

_T = TypeVar("_T")


@define(eq=False, repr=False)
class Supervisor:
    """A running supervisor; `open_supervisor` makes one."""

    _shell: Shell
    _around: AbstractAsyncContextManager[trio.Nursery] = field(init=False)
    _stops: WeakValueDictionary[int, SupervisorStopped] = field(factory=WeakValueDictionary)
    """The errors by which callers were told that this very supervisor isn't running, by their ids."""

    def __repr__(self) -> str:
        tree = self._shell.pump.tree
        return f"<Supervisor {shown(self.name)} {tree.phase}, {len(tree.slots)} children>"

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self._shell.name

    @property
    def spec(self) -> SupervisorSpec:
        """What it was opened with."""
        return self._shell.spec

    async def start_child(self, child: Child) -> ChildRef:
        """Add `child`, start it, and return its ref once it is ready.

        Raises:
            ChildRefused: A child with that id is there (reason already_started or already_present), or the supervisor
                has max_children.
            StartFailed: It failed while starting; its spec isn't kept. The cause is its error.
            SupervisorStopped: The supervisor isn't running.
        """
        self._shell.spec.check(child)
        return self._child("start_child", child.id, await self._ask(lambda number: ev.StartChild(number, child)))

    async def terminate_child(self, id: str, *, incarnation: int | None = None) -> None:
        """Stop the child, and return when it has ended. It isn't restarted, whatever its restart type.

        Its spec stays, for `restart_child`; that of a temporary child is forgotten. With `incarnation`, only that life
        is meant.

        Raises:
            ChildRefused: There is no such child (reason not_found); or the call comes from within the child, whose stop
                doesn't cancel it, so that it would wait for itself (reason itself); see `terminate_child_soon`.
            InvalidDefinition: The id is no text, as for all that take one; or `incarnation` is no whole number.
            SupervisorStopped: The supervisor isn't running.
        """
        self._check_id(id)
        if incarnation is not None:
            checks.whole(f"supervisor {shown(self.name)}", "incarnation", incarnation, or_none="None for any")
        if self._shell.would_wait_for_itself(id):
            await trio.lowlevel.checkpoint()
            raise ChildRefused(self.name, id, "terminate_child", "itself")
        answer = await self._ask(lambda number: ev.TerminateChild(number, id, incarnation))
        self._refuse("terminate_child", id, answer)

    async def restart_child(self, id: str) -> ChildRef:
        """Start a stopped child again, and return its ref once it is ready. One that backs off needn't wait longer.

        Raises:
            ChildRefused: Reason not_found, running or restarting.
            StartFailed: It failed while starting, and stays stopped; or goes on backing off.
            SupervisorStopped: The supervisor isn't running.
        """
        self._check_id(id)
        return self._child("restart_child", id, await self._ask(lambda number: ev.RestartChild(number, id)))

    async def delete_child(self, id: str) -> None:
        """Forget a stopped child.

        Raises:
            ChildRefused: Reason not_found, running or restarting.
            SupervisorStopped: The supervisor isn't running.
        """
        self._check_id(id)
        self._refuse("delete_child", id, await self._ask(lambda number: ev.DeleteChild(number, id)))

    async def which_children(self) -> tuple[ev.ChildRow, ...]:
        """Return a row for each child, newest first, once what the supervisor is at is done."""
        rows: tuple[ev.ChildRow, ...] = _expect(await self._ask(ev.WhichChildren), tuple)
        return rows

    async def count_children(self) -> ev.Counts:
        """Return how many specs, active children, supervisors and workers there are."""
        return _expect(await self._ask(ev.CountChildren), ev.Counts)

    async def child_spec(self, id: str) -> Child:
        """Return the spec of a child.

        Raises:
            ChildRefused: There is no such child (reason not_found).
        """
        self._check_id(id)
        answer = await self._ask(lambda number: ev.GetChildSpec(number, id))
        self._refuse("child_spec", id, answer)
        return _expect(answer, Child)

    @trio.lowlevel.enable_ki_protection
    def start_child_nowait(self, child: Child) -> ChildRef:
        """Add a passive child, start it, and return its ref, all at once.

        Raises:
            trio.WouldBlock: The supervisor is at something that has to be waited for, or is about to be; or this was
                called from a call of a passive child, or from a sink. `start_child` and `start_child_soon` wait.
            InvalidDefinition: The child isn't passive.
            ChildRefused, StartFailed, SupervisorStopped: As by `start_child`.
        """
        shell = self._shell
        shell.spec.check(child)
        if not child.is_passive:
            raise checks.refused(
                f"child {shown(child.id)}",
                "fn",
                child.fn,
                "needs a task, and can't be started without waiting; use start_child or start_child_soon",
            )
        if not shell.takes_calls:
            raise self._stopped()
        if not shell.idle:
            raise trio.WouldBlock(f"supervisor {shown(self.name)} is busy")
        answer, failure = shell.start_now(child)
        self._refuse("start_child", child.id, answer)
        if failure is not None:
            raise StartFailed(self.name, child.id, shell.told_of(child.id, failure)) from failure
        return ChildRef(child.id, self)

    @trio.lowlevel.enable_ki_protection
    def start_child_soon(self, child: Child) -> None:
        """Have `start_child` done, and return at once; a refusal or a failure goes unanswered."""
        self._shell.spec.check(child)
        self._shell.post(ev.StartChild(0, child))

    @trio.lowlevel.enable_ki_protection
    def terminate_child_soon(self, id: str) -> None:
        """Have `terminate_child` done, and return at once; so a child may stop itself."""
        self._check_id(id)
        self._shell.post(ev.TerminateChild(0, id))

    def is_within(self, id: str) -> bool:
        """Tell whether the current task is that child's, or was begun below that: its end would wait for this task."""
        self._check_id(id)
        return self._shell.is_within(id)

    @trio.lowlevel.enable_ki_protection
    def kill_child(self, id: str) -> None:
        """Cancel the child's current life, as OTP's `exit(Pid, kill)`: a crash, answered by its restart type.

        Nothing happens if it isn't running.
        """
        self._check_id(id)
        life = self._shell.lives.get(id)
        if life is not None and not life.done and not life.stopping:
            life.kill()

    def tree(self) -> SupervisorView:
        """Return what the supervisor and those below it are at, as plain data; at any moment."""
        tree = self._shell.pump.tree
        return view_of(self.name, tree, self._now(), tuple(map(self._view, tree.slots)))

    def _view(self, slot: Slot) -> ChildView:
        id, shell = slot.child.id, self._shell
        life, due, crash = shell.lives.get(id), shell.pauses.get(id), shell.last_crash.get(id)
        value = life.value if life is not None else None
        return ChildView(
            id,
            slot.child.kind,
            slot.child.restart,
            slot.state,
            slot.incarnation,
            due - self._now() if due is not None and slot.state == "backing_off" else None,
            str(crash) if crash is not None else None,
            value.tree() if value is not None and isinstance(value, Viewable) else None,
        )

    def inspect(self) -> SupervisorView:
        """Return what the supervisor itself is at, as plain data: without its children. At any moment."""
        return view_of(self.name, self._shell.pump.tree, self._now(), ())

    def _now(self) -> float:
        try:
            return self._shell.clock()
        except RuntimeError:
            if self._shell.pump.tree.phase == "ended":
                return math.inf  # nothing counts any more
            raise RuntimeError(
                f"supervisor {shown(self.name)} belongs to a run of Trio; from another thread look at it by "
                "trio.from_thread.run_sync(supervisor.tree)"
            ) from None

    def history(self, child: str | None = None) -> tuple[CrashReport, ...]:
        """Return the last crash reports, oldest first: of one child, or of all; at most 100 are kept."""
        if child is not None:
            self._check_id(child)
        return tuple(report for report in self._shell.history if child in (None, report.child))

    def child(self, id: str) -> ChildRef:
        """Return a ref to the child of that id, there or not; it means the same child over all its lives."""
        self._check_id(id)
        return ChildRef(id, self)

    async def wait(self) -> None:
        """Wait until the supervisor has ended.

        Raises:
            ChildRefused: The call comes from within a child, for whose end the supervisor itself waits (reason itself).
        """
        child = self._shell.child_around()
        if child is not None:
            await trio.lowlevel.checkpoint()
            raise ChildRefused(self.name, child, "wait", "itself")
        await self._shell.finished.wait()

    @trio.lowlevel.enable_ki_protection
    def stop(self) -> None:
        """Begin to stop: all children, in reverse order. Returns at once; `wait` for the end."""
        self._shell.fact(ev.StopTree())

    async def suspend(self) -> None:
        """Handle neither ends nor calls until `resume`: they wait, and are then handled in order (`sys:suspend`).

        Returns once what the supervisor is at is done, and it handles nothing more.
        """
        await self._ask(ev.Suspend)

    @trio.lowlevel.enable_ki_protection
    def resume(self) -> None:
        """End what `suspend` began."""
        self._shell.fact(ev.Resume())

    # ---- requests

    def _check_id(self, id: object) -> None:
        """Refuse what no child can have, before the supervisor's own task looks for it."""
        if not isinstance(id, str):
            raise checks.refused(f"a child of supervisor {shown(self.name)}", "id", id, "must be a text")

    @trio.lowlevel.enable_ki_protection
    async def _ask(self, message: Callable[[int], ev.Request]) -> ev.CallResult:
        shell = self._shell
        if not shell.takes_calls:
            await trio.lowlevel.checkpoint()
            raise self._stopped()
        number, answer = shell.requests.open()
        try:
            shell.post(message(number))
            await answer.arrived.wait()
        finally:
            shell.requests.forget(number)
        match answer.result:
            case ev.Closed():
                # A block that is cancelled because its supervisor ended shall see that, not this.
                await trio.lowlevel.checkpoint_if_cancelled()
                raise self._stopped()
            case ev.NotStarted(child):
                cause = answer.cause
                raise StartFailed(self.name, child, shell.told_of(child, cause)) from cause
            case result:
                return result

    def _stopped(self) -> SupervisorStopped:
        error = SupervisorStopped(self.name)
        self._stops[id(error)] = error
        return error

    def _child(self, call: str, id: str, answer: ev.CallResult) -> ChildRef:
        self._refuse(call, id, answer)
        return ChildRef(id, self)

    def _refuse(self, call: str, id: str, answer: ev.CallResult | None) -> None:
        if isinstance(answer, ev.Refused):
            raise ChildRefused(self.name, id, call, answer.reason)

    # ---- the whole; see `Block`

    @trio.lowlevel.enable_ki_protection
    async def _enter(self) -> trio.CancelScope:
        """Start the children, and return the scope to run the block in."""
        self._around = trio.open_nursery()
        self._shell.boot(await self._around.__aenter__())
        try:
            await self._shell.births.booted.wait()
        except BaseException as left:  # noqa: ASYNC103, BLE001  # what `leave` returns is raised
            error = await self._leave(left)  # noqa: ASYNC102  # it shields itself
            raise_plainly(error or left)
        if self._shell.has_failed:
            error = await self._leave(None)
            if error is not None:
                raise_plainly(error)
        return self._shell.block

    @trio.lowlevel.enable_ki_protection
    async def _leave(self, left: BaseException | None) -> BaseException | None:
        """Stop the children, whatever is cancelled meanwhile; return what has to be raised.

        Args:
            left: What left the block.
        """
        shell = self._shell
        if left is not None and is_interrupt(left):
            shell.interrupts.append(left)
            left = None
        await self._close()
        shell.nursery.cancel_scope.cancel()
        try:
            await self._around.__aexit__(None, None, None)
        except BaseException as met:  # noqa: ASYNC103, BLE001  # an interrupt, which has waited until here; it is raised
            interrupt, bug = parted(met)
            shell.interrupts += [interrupt] if interrupt is not None else []
            shell.bug = shell.bug if shell.bug is not None else bug
        if isinstance(left, SupervisorStopped) and self._stops.get(id(left)) is left:
            left = None  # the block was told what everybody knows by now
        own, interrupts, ours = shell.take_errors()
        return conclude(self.name, interrupts, (ours, own, left))

    @trio.lowlevel.enable_ki_protection
    async def _close(self) -> None:
        shell = self._shell
        with trio.CancelScope(shield=True):
            shell.limit(shell.spec.shutdown)
            self.stop()
            while not shell.finished.is_set():
                try:
                    await shell.finished.wait()
                except KeyboardInterrupt as again:  # it is going down already
                    shell.interrupts.append(again)

    def _kill(self) -> None:
        """End it at once: what still runs is cancelled."""
        self._shell.fact(ev.KillTree())


def raise_plainly(error: BaseException) -> NoReturn:
    """Raise an error as it is, without the exception that is being handled as its context."""
    context = error.__context__
    try:
        raise error
    finally:
        error.__context__ = context
        del error, context


@frozen(eq=False)
class ChildRef:
    """A child of a supervisor: the same over all its lives."""

    id: str
    _supervisor: Supervisor = field(repr=False)

    @property
    def incarnation(self) -> int:
        """The number of its current or last life; 0 if there is no such child."""
        slot = self._slot
        return slot.incarnation if slot is not None else 0

    @property
    def running(self) -> bool:
        """Whether it runs."""
        slot = self._slot
        return slot is not None and slot.state == "running"

    def inspect(self) -> ChildView | None:
        """Return what the child is at, as plain data; None if there is no such child. At any moment."""
        slot = self._slot
        return self._supervisor._view(slot) if slot is not None else None  # noqa: SLF001

    @property
    def value(self) -> object:
        """What its current or last life passed to `task_status.started`."""
        life = self._supervisor._shell.lives.get(self.id)  # noqa: SLF001  # a ref is the supervisor's own
        return life.value if life is not None else None

    @property
    def _slot(self) -> Slot | None:
        return self._supervisor._shell.pump.tree.slots.get(self.id)  # noqa: SLF001


def _expect(answer: ev.CallResult, kind: type[_T]) -> _T:
    if not isinstance(answer, kind):
        raise TypeError(f"unexpected answer: {answer!r}")
    return answer

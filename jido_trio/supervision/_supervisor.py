"""Supervisor: the shell around `decide`. It performs commands in a Trio nursery, and has no opinion of its own.

Everything that happens becomes an event, handled at once in whatever task it happened in; no task of the supervisor's
stands between a crash and the restart. Facts go straight into `decide`, messages wait while the tree is busy.

A life runs in a task of its own, in a cancel scope that is shielded, so that cancelling the block around the supervisor
ends nothing but the block: the children are then stopped in order, each able to use those it depends on.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar, TypeVar

import trio
from attrs import Factory, define, field, frozen

from jido_trio.errors import (
    ChildRefused,
    InvalidDefinition,
    RestartIntensityExceeded,
    StartFailed,
    SupervisionError,
    SupervisorStopped,
)
from jido_trio.supervision import _events as ev
from jido_trio.supervision._child import Child
from jido_trio.supervision._decide import decide
from jido_trio.supervision._inspect import ChildView, SupervisorView, Viewable, view_of
from jido_trio.supervision._life import Life
from jido_trio.supervision._overrun import StopWatch, stack_of
from jido_trio.supervision._passive import PassiveLife
from jido_trio.supervision._report import CrashReport, Failure, FoldedLog, OverrunReport, Sink, send_report
from jido_trio.supervision._slots import Slot
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._tree import Tree
from jido_trio.terms import ExitKind
from jido_trio.world import current

_T = TypeVar("_T")


HISTORY = 100
"""So many crash reports a supervisor keeps."""


@define(eq=False)
class _Answer:
    """Where the caller of a request waits."""

    arrived: trio.Event = field(factory=trio.Event)
    result: ev.CallResult | None = None
    cause: BaseException | None = None


@define(eq=False, repr=False)
class Supervisor:
    """A running supervisor; `open_supervisor` makes one."""

    spec: SupervisorSpec
    _sink: Sink = Factory(FoldedLog)
    _clock: Callable[[], float] = trio.current_time
    _on_gone: Callable[[str, ExitKind], None] | None = None
    """Told when a child is forgotten: it has ended for good, and how."""
    _now: float = 0.0
    """The time of the event that is being handled."""
    _tree: Tree = Factory(lambda self: Tree(self.spec.flags), takes_self=True)
    _lives: dict[str, Life | PassiveLife] = field(factory=dict)
    _facts: deque[ev.Fact] = field(factory=deque)
    _messages: deque[ev.TreeMessage] = field(factory=deque)
    _handling: bool = False
    _answers: dict[int, _Answer] = field(factory=dict)
    _next_number: int = 1
    _pauses: dict[str, float] = field(factory=dict)
    """When the children that back off are due."""
    _random: Callable[[], float] = field(factory=lambda: current().random.random)
    """Draws the jitter of backoffs, from [0, 1)."""
    _context: contextvars.Context = field(factory=contextvars.copy_context)
    _nursery: trio.Nursery = field(init=False)
    _block: trio.CancelScope = field(factory=trio.CancelScope)
    _watch: StopWatch = Factory(lambda self: StopWatch(self._overran, self._kill), takes_self=True)
    _unborn: deque[Life | PassiveLife] = field(factory=deque)
    _next_to_run: Life | PassiveLife | None = None
    """The life whose first step is awaited; those in `_unborn` come after it."""
    _all_started: bool = False
    _booted: trio.Event = field(factory=trio.Event)
    _finished: trio.Event = field(factory=trio.Event)
    _outcome: ev.TreeOutcome | None = None
    _history: deque[CrashReport] = field(factory=lambda: deque(maxlen=HISTORY))
    _last_crash: dict[str, CrashReport] = field(factory=dict)
    _told: BaseException | None = None
    """The last error that was reported since `_handle` began."""
    _cause: BaseException | None = None
    """What ended the tree, if an exception did."""
    _refusal: ev.Refused | None = None
    """The last refusal of a request that nobody waits for."""
    _failed: BaseException | None = None
    """What the last passive life raised that failed to begin."""
    _interrupt: BaseException | None = None
    """A KeyboardInterrupt, SystemExit or the like that left a child: the tree goes down, and it is raised again."""

    def __repr__(self) -> str:
        return f"<Supervisor {self.spec.name!r} {self._tree.phase}, {len(self._tree.slots)} children>"

    # ---- for users

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return self.spec.name

    async def start_child(self, child: Child) -> ChildRef:
        """Add `child`, start it, and return its ref once it is ready.

        Raises:
            ChildRefused: A child with that id is there (reason already_started or already_present), or the supervisor
                has max_children.
            StartFailed: It failed while starting; its spec isn't kept. The cause is its error.
            SupervisorStopped: The supervisor isn't running.
        """
        self.spec.check(child)
        return self._child("start_child", child.id, await self._ask(lambda number: ev.StartChild(number, child)))

    async def terminate_child(self, id: str, *, incarnation: int | None = None) -> None:
        """Stop the child, and return when it has ended. It isn't restarted, whatever its restart type.

        Its spec stays, for `restart_child`; that of a temporary child is forgotten. With `incarnation`, only that life
        is meant.

        Raises:
            ChildRefused: There is no such child (reason not_found).
            SupervisorStopped: The supervisor isn't running.
        """
        answer = await self._ask(lambda number: ev.TerminateChild(number, id, incarnation))
        self._done("terminate_child", id, answer)

    async def restart_child(self, id: str) -> ChildRef:
        """Start a stopped child again, and return its ref once it is ready. One that backs off needn't wait longer.

        Raises:
            ChildRefused: Reason not_found, running or restarting.
            StartFailed: It failed while starting, and stays stopped; or goes on backing off.
            SupervisorStopped: The supervisor isn't running.
        """
        return self._child("restart_child", id, await self._ask(lambda number: ev.RestartChild(number, id)))

    async def delete_child(self, id: str) -> None:
        """Forget a stopped child.

        Raises:
            ChildRefused: Reason not_found, running or restarting.
            SupervisorStopped: The supervisor isn't running.
        """
        self._done("delete_child", id, await self._ask(lambda number: ev.DeleteChild(number, id)))

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
        answer = await self._ask(lambda number: ev.GetChildSpec(number, id))
        self._refuse("child_spec", id, answer)
        return _expect(answer, Child)

    def start_child_nowait(self, child: Child) -> ChildRef:
        """Add a passive child, start it, and return its ref, all at once.

        Raises:
            trio.WouldBlock: The supervisor is at something that has to be waited for, or is about to be; or this was
                called from a call of a passive child, or from a sink. `start_child` and `start_child_soon` wait.
            InvalidDefinition: The child isn't passive.
            ChildRefused, StartFailed, SupervisorStopped: As by `start_child`.
        """
        self.spec.check(child)
        if not child.is_passive:
            raise InvalidDefinition(
                f"child {child.id!r} has a task, and can't be started without waiting; use start_child or "
                "start_child_soon",
                field="fn",
                value=child.fn,
            )
        if self._tree.phase != "up":
            raise SupervisorStopped(self.name)
        if self._handling or self._tree.plan is not None or self._messages or self._next_to_run is not None:
            raise trio.WouldBlock(f"supervisor {self.name!r} is busy")
        self._take_unasked()
        self._post(ev.StartChild(0, child))
        refusal, failed = self._take_unasked()
        if refusal is not None:
            self._refuse("start_child", child.id, refusal)
        if failed is not None:
            raise StartFailed(self.name, child.id, _one_line(failed)) from failed
        return ChildRef(child.id, self)

    def _take_unasked(self) -> tuple[ev.Refused | None, BaseException | None]:
        unasked = self._refusal, self._failed
        self._refusal = self._failed = None
        return unasked

    def start_child_soon(self, child: Child) -> None:
        """Have `start_child` done, and return at once; a refusal or a failure goes unanswered."""
        self.spec.check(child)
        self._post(ev.StartChild(0, child))

    def terminate_child_soon(self, id: str) -> None:
        """Have `terminate_child` done, and return at once; so a child may stop itself."""
        self._post(ev.TerminateChild(0, id))

    def kill_child(self, id: str) -> None:
        """Cancel the child's current life, as OTP's `exit(Pid, kill)`: a crash, answered by its restart type.

        Nothing happens if it isn't running.
        """
        life = self._lives.get(id)
        if life is not None and not life.done and not life.stopping:
            life.kill()

    def tree(self) -> SupervisorView:
        """Return what the supervisor and those below it are at, as plain data; at any moment."""
        children = tuple(self._view(slot) for slot in self._tree.slots)
        return view_of(self.name, self._tree, self._clock(), children)

    def _view(self, slot: Slot) -> ChildView:
        id = slot.child.id
        life = self._lives.get(id)
        due = self._pauses.get(id) if slot.state == "backing_off" else None
        return ChildView(
            id,
            slot.child.kind,
            slot.child.restart,
            slot.state,
            slot.incarnation,
            due - trio.current_time() if due is not None else None,
            str(self._last_crash[id]) if id in self._last_crash else None,
            life.value.tree() if life is not None and isinstance(life.value, Viewable) else None,
        )

    def history(self, child: str | None = None) -> tuple[CrashReport, ...]:
        """Return the last crash reports, oldest first: of one child, or of all; at most 100 are kept."""
        return tuple(report for report in self._history if child in (None, report.child))

    def child(self, id: str) -> ChildRef:
        """Return a ref to the child of that id, there or not; it means the same child over all its lives."""
        return ChildRef(id, self)

    async def wait(self) -> None:
        """Wait until the supervisor has ended."""
        await self._finished.wait()

    def stop(self) -> None:
        """Begin to stop: all children, in reverse order. Returns at once; `wait` for the end."""
        self._fact(ev.StopTree())

    async def suspend(self) -> None:
        """Handle neither ends nor calls until `resume`: they wait, and are then handled in order (`sys:suspend`).

        Returns once what the supervisor is at is done, and it handles nothing more.
        """
        await self._ask(ev.Suspend)

    def resume(self) -> None:
        """End what `suspend` began."""
        self._fact(ev.Resume())

    # ---- events in

    def _fact(self, fact: ev.Fact) -> None:
        self._facts.append(fact)
        self._handle()

    def _post(self, message: ev.TreeMessage) -> None:
        self._messages.append(message)
        self._handle()

    @trio.lowlevel.enable_ki_protection
    def _handle(self) -> None:
        if self._handling:  # a command led to the event; it is handled when the command is done
            return
        self._handling = True
        try:
            while self._tree.phase != "ended":
                if self._facts:
                    self._decide(self._facts.popleft())
                elif self._messages and not self._tree.busy:
                    self._decide(self._messages.popleft())
                else:
                    break
        finally:
            self._handling = False
            self._told = None

    def _decide(self, event: ev.Event) -> None:
        was_up = self._tree.phase in ("new", "up")
        self._now = self._clock()
        self._tree, commands = decide(self._tree, event, self._now)
        for command in commands:
            self._how[type(command)](self, command)
        if was_up and self._tree.phase in ("ending", "ended"):
            self._cause = self._told

    def life_started(self, life: Life) -> None:
        """See `Owner`."""
        self._fact(ev.ChildStarted(life.child.id, life.incarnation))

    def life_ended(self, life: Life, error: BaseException | None) -> None:
        """See `Owner`."""
        self._watch.forget(life)
        if error is not None and not isinstance(error, Exception):
            self.interrupted(error)
        life.end(error)
        if life.ready or life.stopping or not life.child.reports_ready:
            self._fact(_exited(life))
        else:
            life.error = error or _why_not_ready(life)
            self._fact(ev.ChildStartFailed(life.child.id, life.incarnation, life.ignored and error is None))

    def life_renewed(self, life: Life, error: Exception) -> bool:
        """See `Owner`."""
        before = life.incarnation
        life.end(error)
        life.renewing = True
        self._fact(_exited(life))
        life.renewing = False
        life.over = life.incarnation == before
        return not life.over

    def passive_failed(self, life: PassiveLife, *, ignored: bool) -> None:
        """See `PassiveOwner`."""
        self._watch.forget(life)
        self._failed = life.error
        self._fact(ev.ChildStartFailed(life.child.id, life.incarnation, ignored))

    def passive_ended(self, life: PassiveLife) -> None:
        """See `PassiveOwner`."""
        self._watch.forget(life)
        self._fact(_exited(life))

    def passive_kill_raised(self, life: PassiveLife, error: Exception) -> None:
        """See `PassiveOwner`."""
        self._tell_of(life, error)

    def passive_task(self, life: PassiveLife, run: Callable[[], Awaitable[None]]) -> None:
        """See `PassiveOwner`."""
        self._context.run(partial(self._nursery.start_soon, run, name=life.child.id))

    def interrupted(self, error: BaseException) -> None:
        """See `PassiveOwner`."""
        self._interrupt = self._interrupt or error
        self._fact(ev.StopTree())
        self._block.cancel(f"{type(error).__name__} left a child of supervisor {self.name!r}")

    # ---- commands out

    def _boot_done(self, _: ev.Booted) -> None:
        self._all_started = True
        if self._next_to_run is None:
            self._booted.set()

    def _tell(self, report: ev.ReportEnd) -> None:
        life = self._lives[report.child]
        self._told, life.error = life.error, None
        failure = Failure.of(self._told) if self._told is not None else None
        crash = CrashReport(self.name, report.child, report.incarnation, report.during, report.exit, self._now, failure)
        self._history.append(crash)
        self._last_crash[report.child] = crash
        send_report(crash, self._sink)

    def _start(self, start: ev.StartLife) -> None:
        child, incarnation = start.child, start.incarnation
        if child.is_passive:
            self._lives[child.id] = passive = PassiveLife(child, incarnation, self)
            self._in_turn(passive)
            return
        life = self._lives.get(child.id)
        if isinstance(life, Life) and life.renewing:
            life.incarnation = incarnation
            if child.reports_ready:  # it is: it goes on where it crashed
                self._facts.append(ev.ChildStarted(child.id, incarnation))
            return
        life = Life(child, incarnation, self)
        self._lives[child.id] = life
        if child.backoff is not None:
            life.began = trio.current_time()
        if child.start_timeout is not None and child.reports_ready:
            life.scope.deadline = trio.current_time() + child.start_timeout
        self._in_turn(life)

    def _in_turn(self, life: Life | PassiveLife) -> None:
        if self._next_to_run is not None:
            self._unborn.append(life)
        elif isinstance(life, Life):
            self._spawn(life)
        else:
            self._begin(life)

    def _begin(self, life: PassiveLife) -> None:
        if life.begin(self._context.copy()) and self._tree.busy:
            self._fact(ev.ChildStarted(life.child.id, life.incarnation))

    def _spawn(self, life: Life | PassiveLife) -> None:
        # One at a time, as Trio runs the tasks of a batch in random order: first steps come in the order of starts.
        self._next_to_run = life
        # A saved context: what a life, or the task that happened to see its end, did to context variables ends there.
        self._context.run(self._start_soon, life)

    def _start_soon(self, life: Life | PassiveLife) -> None:
        run = life.run if isinstance(life, Life) else partial(self._begin_in_turn, life)
        self._nursery.start_soon(run, name=life.child.id)

    @trio.lowlevel.enable_ki_protection
    async def _begin_in_turn(self, life: PassiveLife) -> None:
        self.life_begins()
        self._begin(life)

    def life_begins(self) -> None:
        """See `Owner`."""
        self._next_to_run = None
        if self._unborn:
            self._spawn(self._unborn.popleft())
        elif self._all_started:
            self._booted.set()

    def _stop(self, stop: ev.StopLife) -> None:
        life = self._lives[stop.child]
        if not life.done:  # else it ended before its supervisor came to stop it
            try:
                life.stop(trio.current_time(), stop.limit)
            except Exception as error:  # noqa: BLE001  # its on_stop raised; it is asked the other way
                life.force()
                self._tell_of(life, error)
            self._watch_over(life)

    def _watch_over(self, life: Life | PassiveLife) -> None:
        if not life.done:
            self._ensure_watch()
            self._watch.watch(life)

    def _tell_of(self, life: Life | PassiveLife, error: Exception) -> None:
        """Tell of an error that was raised by a call to a life that stops, and is no end of it."""
        failure = Failure.of(error)
        report = CrashReport(self.name, life.child.id, life.incarnation, "stopping", "crash", self._now, failure)
        send_report(report, self._sink)

    def _ensure_watch(self) -> None:
        if not self._watch.running:
            self._watch.running = True
            self._nursery.start_soon(self._watch.run, name=f"stops of {self.name}")

    def _wait(self, wait: ev.Wait) -> None:
        due, seconds = wait.due, wait.seconds * (1 + wait.jitter * self._random())
        self._pauses[due.child] = trio.current_time() + seconds
        self._nursery.start_soon(self._pause, due, self._pauses[due.child], name=f"pause before {due.child}")

    async def _pause(self, due: ev.Due, until: float) -> None:
        await trio.sleep_until(until)
        if self._pauses.get(due.child) == until:
            del self._pauses[due.child]
        self._post(due)

    def _post_later(self, post: ev.Post) -> None:
        self._messages.append(post.message)

    def _forget(self, forget: ev.Forget) -> None:
        id = forget.child
        self._last_crash.pop(id, None)
        life = self._lives.pop(id, None)
        if life is not None and self._on_gone is not None:
            self._on_gone(id, life.exit)

    def _reply(self, reply: ev.AnswerCall) -> None:
        request, result = reply.request, reply.result
        if isinstance(result, ev.Refused) and not request:
            self._refusal = result
        answer = self._answers.pop(request, None)
        if answer is not None:
            answer.result = result
            answer.cause = self._told if isinstance(result, ev.NotStarted) else None
            answer.arrived.set()

    def _finish(self, finish: ev.Finish) -> None:
        self._outcome = finish.outcome
        for request in list(self._answers):
            self._reply(ev.AnswerCall(request, ev.Closed()))
        self._messages.clear()
        self._watch.end()
        self._booted.set()
        self._finished.set()
        self._block.cancel(f"supervisor {self.name!r} has ended")

    def _overran(self, life: Life | PassiveLife) -> None:
        asked = life.asked_at if life.asked_at is not None else trio.current_time()
        late = trio.current_time() - asked
        report = OverrunReport(self.name, life.child.id, life.incarnation, late, stack_of(life.task))
        send_report(report, self._sink)

    # ---- requests

    async def _ask(self, message: Callable[[int], ev.Request]) -> ev.CallResult:
        if self._finished.is_set() or not self._booted.is_set():
            await trio.lowlevel.checkpoint()
            raise SupervisorStopped(self.name)
        number, self._next_number = self._next_number, self._next_number + 1
        answer = self._answers[number] = _Answer()
        self._post(message(number))
        await answer.arrived.wait()
        match answer.result:
            case None | ev.Closed():
                # A block that is cancelled because its supervisor ended shall see that, not this.
                await trio.lowlevel.checkpoint_if_cancelled()
                raise SupervisorStopped(self.name)
            case ev.NotStarted(child):
                raise StartFailed(self.name, child, _one_line(answer.cause)) from answer.cause
            case result:
                return result

    def _child(self, call: str, id: str, answer: ev.CallResult) -> ChildRef:
        self._refuse(call, id, answer)
        return ChildRef(id, self)

    def _done(self, call: str, id: str, answer: ev.CallResult) -> None:
        self._refuse(call, id, answer)

    def _refuse(self, call: str, id: str, answer: ev.CallResult) -> None:
        if isinstance(answer, ev.Refused):
            raise ChildRefused(self.name, id, call, answer.reason)

    # ---- the whole

    @asynccontextmanager
    async def run(self, *, kill_if_cancelled: bool = False) -> AsyncIterator[Supervisor]:
        """Run from the first child's start to the last one's end."""
        left: BaseException | None = None
        async with trio.open_nursery() as self._nursery:
            self._post(ev.Boot(self.spec.children))
            try:
                with self._block:
                    await self._booted.wait()
                    if not isinstance(self._outcome, ev.TreeBootFailed):
                        yield self
            except BaseException as error:  # noqa: ASYNC103, BLE001  # raised again below, once the children have ended
                left = error
                if kill_if_cancelled and isinstance(error, trio.Cancelled):
                    self._kill()
            await self._close()
            self._nursery.cancel_scope.cancel()
        self._conclude(left)

    async def _close(self) -> None:
        with trio.CancelScope(shield=True):
            self._ensure_watch()
            if self.spec.shutdown is not None:
                self._watch.limit(trio.current_time() + self.spec.shutdown)
            self.stop()
            while not self._finished.is_set():
                try:
                    await self._finished.wait()
                except KeyboardInterrupt as again:  # it is going down already
                    self._interrupt = self._interrupt or again

    def _kill(self) -> None:
        self._fact(ev.KillTree())

    def _conclude(self, left: BaseException | None) -> None:
        """Raise what the block's caller has to see: one plain error, or a group if there are several."""
        own = self._error()
        # That the end came before the answer to a call of the block says nothing new; nor does a second Control-C.
        unanswered = isinstance(left, SupervisorStopped) and left.supervisor == self.name
        if unanswered or (self._interrupt is not None and type(left) is type(self._interrupt)):
            left = None
        errors = [error for error in (self._interrupt, own, left) if error is not None]
        if len(errors) > 1:
            raise BaseExceptionGroup(f"supervisor {self.name!r} and its block both ended with an error", errors)
        if own is not None:
            raise own from self._cause
        for error in errors:
            raise error

    def _error(self) -> SupervisionError | None:
        match self._outcome:
            case ev.TreeGaveUp(child, restarts, max_restarts, max_seconds):
                return RestartIntensityExceeded(self.name, child, restarts, max_restarts, max_seconds)
            case ev.TreeBootFailed(child):
                return StartFailed(self.name, child, _one_line(self._cause))
            case _:
                return None

    _how: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {
        ev.ReportEnd: _tell,
        ev.StartLife: _start,
        ev.StopLife: _stop,
        ev.Wait: _wait,
        ev.Forget: _forget,
        ev.AnswerCall: _reply,
        ev.Post: _post_later,
        ev.Booted: _boot_done,
        ev.Finish: _finish,
    }
    """How each command is performed."""


@frozen(eq=False)
class ChildRef:
    """A child of a supervisor: the same over all its lives."""

    id: str
    _supervisor: Supervisor = field(repr=False)

    @property
    def incarnation(self) -> int:
        """The number of its current or last life; 0 if there is no such child."""
        slot = self._supervisor._tree.slots.get(self.id)  # noqa: SLF001  # a ref is the supervisor's own
        return slot.incarnation if slot is not None else 0

    @property
    def running(self) -> bool:
        """Whether it runs."""
        slot = self._supervisor._tree.slots.get(self.id)  # noqa: SLF001
        return slot is not None and slot.state == "running"

    @property
    def value(self) -> object:
        """What its current or last life passed to `task_status.started`."""
        life = self._supervisor._lives.get(self.id)  # noqa: SLF001
        return life.value if life is not None else None


def _exited(life: Life | PassiveLife) -> ev.ChildExited:
    lasted = trio.current_time() - life.began if life.child.backoff is not None else 0.0
    return ev.ChildExited(life.child.id, life.incarnation, life.exit, lasted)


def _why_not_ready(life: Life) -> Exception:
    if life.scope.cancelled_caught and not life.stopping:
        return TimeoutError(f"not ready within start_timeout={life.child.start_timeout:g} s")
    return RuntimeError("it returned without calling task_status.started()")


def _one_line(error: BaseException | None) -> str:
    return str(Failure.of(error, depth=0)) if error is not None else "no reason given"


def _expect(answer: ev.CallResult, kind: type[_T]) -> _T:
    if not isinstance(answer, kind):
        raise TypeError(f"unexpected answer: {answer!r}")
    return answer

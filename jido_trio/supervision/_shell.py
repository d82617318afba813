"""Shell: carries out what `decide` commands, in a Trio nursery, and tells it what happens. It has no opinion.

Everything that happens becomes an event, handled at once in whatever task it happened in; no task of the supervisor's
stands between a crash and the restart.

A life with a task runs in a cancel scope that is shielded, so that cancelling the block around the supervisor ends
nothing but the block: the children are then stopped in order, each able to use those it depends on.

What is called on behalf of users (a sink, `on_gone`, the calls of passive children) may raise. An `Exception` is told
of and changes nothing; an interrupt takes the tree down, in order. Anything that raises besides is a bug of ours, and
the tree can't be trusted any more: then all lives are cancelled, and the block ends by that error.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import trio
from attrs import Factory, define, field

from jido_trio.redact import said, shown_error, type_name
from jido_trio.supervision import _events as ev
from jido_trio.supervision._alarms import Alarms
from jido_trio.supervision._asking import Requests
from jido_trio.supervision._births import Births
from jido_trio.supervision._child import Child
from jido_trio.supervision._ending import error_of
from jido_trio.supervision._life import ActiveLife
from jido_trio.supervision._living import Living
from jido_trio.supervision._overrun import Overruns, stack_of
from jido_trio.supervision._passive import PassiveLife
from jido_trio.supervision._pump import Pump
from jido_trio.supervision._report import (
    CrashReport,
    Failure,
    OverrunReport,
    Report,
    Sink,
    log_lost,
    log_problem,
    secrets_in,
)
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._tree import Ending, Tree
from jido_trio.terms import ExitKind
from jido_trio.world import current

HISTORY = 100
"""So many crash reports a supervisor keeps."""

OnGone = Callable[[str, ExitKind], None]


@define(eq=False, repr=False)
class Shell:
    """A tree that is alive."""

    spec: SupervisorSpec
    sink: Sink
    clock: Callable[[], float] = trio.current_time
    on_gone: OnGone | None = None
    """Told when a child is forgotten: it has ended for good, and how."""
    lives: dict[str, Living] = field(factory=dict)
    """The current or last life of each child."""
    pump: Pump = Factory(lambda self: Pump(Tree(self.spec.flags), self.clock, self._carry_out), takes_self=True)
    births: Births = Factory(lambda self: Births(self.spawn), takes_self=True)
    alarms: Alarms = Factory(lambda self: Alarms(self._spawn_own, self.broke), takes_self=True)
    requests: Requests = field(factory=Requests)
    pauses: dict[str, float] = field(factory=dict)
    """When the children that back off are due."""
    context: contextvars.Context = field(factory=contextvars.copy_context)
    nursery: trio.Nursery = field(init=False)
    block: trio.CancelScope = field(factory=trio.CancelScope)
    """Around the block of the supervisor's user."""
    finished: trio.Event = field(factory=trio.Event)
    """Nothing runs any more, or nothing can be said about it any more."""
    outcome: ev.TreeOutcome | None = None
    cause: BaseException | None = None
    """What ended the tree, if an exception did."""
    interrupts: list[BaseException] = field(factory=list)
    """What left children or the block and is nobody's crash, in order; the first one is raised."""
    bug: BaseException | None = None
    history: deque[CrashReport] = field(factory=lambda: deque(maxlen=HISTORY))
    last_crash: dict[str, CrashReport] = field(factory=dict)
    _overruns: Overruns = Factory(lambda self: Overruns(self.alarms, self._overran), takes_self=True)
    _random: Callable[[], float] = field(factory=lambda: current().random.random)
    """Draws the jitter of backoffs, from [0, 1)."""
    _awaited: Child | None = None
    """The child whose first life `start_now` begins."""
    _failure: BaseException | None = None
    """What that life raised, if it failed to begin."""
    _told: BaseException | None = None
    """The error of the last report within the event that is dealt with."""

    @property
    def name(self) -> str:
        """What the supervisor is called."""
        return self.spec.name

    @property
    def takes_calls(self) -> bool:
        """Whether it answers requests: it is up, and nothing has begun to end it."""
        return self.births.up and self.pump.tree.phase in ("new", "up") and not self.pump.halted

    @property
    def idle(self) -> bool:
        """Whether something asked for now is done now."""
        pump = self.pump
        return pump.tree.plan is None and not pump.running and not pump.messages and self.births.idle

    @property
    def has_failed(self) -> bool:
        """Whether there is something to raise."""
        return self.bug is not None or bool(self.interrupts) or self._own_error() is not None

    def would_wait_for_itself(self, id: str) -> bool:
        """Return whether the current task is the child's, or one below that, and won't be cancelled by its stop."""
        life = self.lives.get(id)
        return life is not None and life.is_asked_by_call and self.is_within(id)

    def is_within(self, id: str) -> bool:
        """Return whether the current task is the child's, or one below that."""
        life = self.lives.get(id)
        return life is not None and life.task is not None and any(life.task is task for task in _tasks_around())

    def child_around(self) -> str | None:
        """Return the child whose task the current one is, or is below."""
        around = set(_tasks_around())
        return next((id for id, life in self.lives.items() if life.task is not None and life.task in around), None)

    # ---- events in

    def boot(self, nursery: trio.Nursery) -> None:
        """Begin to start the children of the spec."""
        self.nursery = nursery
        self.post(ev.Boot(self.spec.children))

    def fact(self, fact: ev.Fact) -> None:
        """Tell what has happened."""
        self.pump.facts.append(fact)
        self._deal()

    def post(self, message: ev.TreeMessage) -> None:
        """Ask for something in its turn."""
        self.pump.messages.append(message)
        self._deal()

    def _deal(self) -> None:
        try:
            self.pump.run()
        except BaseException as bug:  # noqa: ASYNC103, BLE001  # see the top of this module
            self.broke(bug)

    def start_now(self, child: Child) -> tuple[ev.CallResult | None, BaseException | None]:
        """Start a passive child; return what was answered, if anything, and what its `begin` raised."""
        self.requests.unasked = None
        self._awaited = child
        self.post(ev.StartChild(0, child))
        failure, self._awaited, self._failure = self._failure, None, None
        return self.requests.unasked, failure

    def limit(self, seconds: float | None) -> None:
        """Kill what still runs after so many seconds."""
        if seconds is not None and not self.finished.is_set():
            self.alarms.set(None, trio.current_time() + seconds, partial(self.fact, ev.KillTree()))

    def step_taken(self) -> None:
        """See `Owner`."""
        self.births.step_taken()

    def started(self, life: Living) -> None:
        """See `Owner`."""
        if self.pump.tree.plan is not None:  # else nobody waits for it
            self.fact(ev.ChildStarted(life.child.id, life.incarnation))

    def failed(self, life: Living, *, ignored: bool) -> None:
        """See `Owner`."""
        self._overruns.forget(life)
        if life.child is self._awaited and life.incarnation == 1:  # others may fail in its wake
            self._awaited, self._failure = None, life.error
        self.fact(ev.ChildStartFailed(life.child.id, life.incarnation, ignored))

    def ended(self, life: Living) -> None:
        """See `Owner`."""
        if life.asked_at is not None:
            self._overruns.forget(life)
        child = life.child
        lasted = trio.current_time() - life.began if child.backoff is not None else 0.0
        self.fact(ev.ChildExited(child.id, life.incarnation, life.exit, lasted, life.in_vain))

    def interrupted(self, error: BaseException) -> None:
        """See `Owner`."""
        self.interrupts.append(error)
        self.fact(ev.StopTree())
        self.block.cancel(f"{type(error).__name__} left a child of the supervisor")

    def broke(self, bug: BaseException) -> None:
        """End by a bug of ours: kill all lives, let everybody go who waits, and have `bug` raised."""
        if self.bug is None:
            self.bug = bug
        self.pump.halted = True
        self.births.cancel()
        for life in list(self.lives.values()):
            try:
                if not life.done:
                    life.kill()
            except BaseException as error:  # noqa: ASYNC103, BLE001  # there are more of them to be killed
                self.bug.add_note(f"while it was dealt with: {type(error).__name__}")
        self._let_go()

    def take_errors(self) -> tuple[BaseException | None, tuple[BaseException, ...], BaseException | None]:
        """Return what there is to raise, and keep it no longer: how the tree ended, what interrupted it, our bug."""
        taken = self._own_error(), tuple(self.interrupts), self.bug
        self.cause = self.bug = None
        self.interrupts.clear()
        return taken

    def _own_error(self) -> BaseException | None:
        return error_of(self.name, self.outcome, self.cause, self.told_of)

    # ---- commands out

    def _carry_out(self, before: Tree, event: ev.Event, commands: tuple[ev.TreeCommand, ...]) -> None:
        if before.phase in ("new", "up") and self.pump.tree.phase in ("ending", "ended"):
            self.cause = self._cause_of(commands)
        how = self.how
        for command in commands:
            how[type(command)](self, command)
        if event.__class__ in _ENDS:
            self._told = None
            self._let_go_of_error(event.child)  # type: ignore[union-attr, arg-type]

    def _cause_of(self, commands: tuple[ev.TreeCommand, ...]) -> BaseException | None:
        """Return what ends the tree that begins to end, before the life is forgotten that it ended."""
        plan = self.pump.tree.plan
        outcome = plan.purpose.outcome if plan is not None and isinstance(plan.purpose, Ending) else None
        for command in commands:
            if isinstance(command, ev.Finish):  # nothing had to be stopped
                outcome = command.outcome
        match outcome:
            case ev.TreeGaveUp(child=child) | ev.TreeBootFailed(child=child) if child in self.lives:
                return self.lives[child].error
            case _:
                return None

    def _let_go_of_error(self, child: str) -> None:
        """Keep nothing alive of a life that is dealt with."""
        life = self.lives.get(child)
        if life is not None and life.error is not None:
            slot = self.pump.tree.slots.get(child)
            if slot is None or slot.state not in ("ended", "restarting"):
                life.error = life.detail = None

    def told_of(self, child: str, error: BaseException | None) -> str:
        """Return what may be told of the error that a child failed with, as its report has it: without secrets."""
        if error is None:
            return "no reason given"
        kind = type_name(type(error))
        for crash in reversed(self.history):
            if crash.child == child and crash.failure is not None and crash.failure.type == kind:
                return said(crash.failure)
        return shown_error(error)

    def _tell(self, report: ev.ReportEnd) -> None:
        life = self.lives[report.child]
        self._told = error = life.error
        failure = Failure.of(error, hide=secrets_in(life.detail)) if error is not None else None
        name, now = self.spec.name, self.pump.now
        crash = CrashReport(
            name, report.child, report.incarnation, report.during, report.exit, now, failure, life.detail
        )
        self.history.append(crash)
        self.last_crash[report.child] = crash
        self._send(crash)

    def _send(self, report: Report) -> None:
        try:
            self.sink(report)
        except Exception as error:  # noqa: BLE001  # a sink must not be able to lose a report
            log_lost(report, error)
        except BaseException as interrupt:  # noqa: ASYNC103, BLE001  # it takes the tree down, in order
            self.interrupted(interrupt)

    def _start(self, start: ev.StartLife) -> None:
        child, lives = start.child, self.lives
        before = lives.get(child.id)
        if before is not None:
            before.error = before.detail = None
            if child.backoff is not None:
                self._end_pause(child)
        life: Living
        if child.is_passive:
            life = PassiveLife(child, start.incarnation, self)
        else:
            life = ActiveLife(child, start.incarnation, self)
        lives[child.id] = life
        self.births.bear(life)

    def spawn(self, life: Living, run: Callable[[], Awaitable[None]]) -> None:
        """See `Owner`. A nursery copies the context for each task, as `PassiveLife.begin` does."""
        self.context.run(partial(self.nursery.start_soon, run, name=life.child.id))

    def _spawn_own(self, run: Callable[[], Awaitable[None]]) -> None:
        self.context.run(partial(self.nursery.start_soon, run, name=f"alarms of {self.name}"))

    def _stop(self, stop: ev.StopLife) -> None:
        life = self.lives[stop.child]
        if life.done:  # it ended before its supervisor came to stop it
            return
        try:
            life.stop(trio.current_time(), stop.limit)
        except Exception as error:  # noqa: BLE001  # what asks it is the user's
            life.force()
            self.complain(life, error)
        except BaseException as interrupt:  # noqa: ASYNC103, BLE001  # it takes the tree down, in order
            life.force()
            self.interrupted(interrupt)
        self._watch(life)

    def _watch(self, life: Living) -> None:
        if not life.done:
            self._overruns.watch(life)

    def complain(self, life: Living, error: Exception) -> None:
        """See `Owner`."""
        failure = Failure.of(error, hide=secrets_in(life.detail))
        self._send(CrashReport(self.name, life.child.id, life.incarnation, "stopping", "crash", self.pump.now, failure))

    def tell_of(self, life: Living, error: Exception, detail: object) -> None:
        """See `Owner`."""
        failure, now = Failure.of(error, hide=secrets_in(detail)), self.pump.now
        child, number = life.child.id, life.incarnation
        self._send(CrashReport(self.name, child, number, "running", "crash", now, failure, detail, ended=False))

    def _overran(self, life: Living) -> None:
        now = trio.current_time()
        late = now - life.asked_at if life.asked_at is not None else 0.0
        self._send(OverrunReport(self.name, life.child.id, life.incarnation, late, stack_of(life.task)))

    def _wait(self, wait: ev.Wait) -> None:
        due, seconds = wait.due, wait.seconds * (1 + wait.jitter * self._random())
        self.pauses[due.child] = until = trio.current_time() + seconds
        self.alarms.set(due.child, until, partial(self._pause_over, due))

    def _pause_over(self, due: ev.Due) -> None:
        self.pauses.pop(due.child, None)
        self.post(due)

    def _end_pause(self, child: Child) -> None:
        if child.backoff is not None and self.pauses.pop(child.id, None) is not None:
            self.alarms.drop(child.id)

    def _post_later(self, post: ev.Post) -> None:
        self.pump.messages.append(post.message)

    def _forget(self, forget: ev.Forget) -> None:
        id = forget.child
        self.last_crash.pop(id, None)
        life = self.lives.pop(id, None)
        if life is None:
            return
        self._end_pause(life.child)
        life.error = life.detail = None
        if self.on_gone is not None:
            try:
                self.on_gone(id, life.exit)
            except Exception as error:  # noqa: BLE001  # whoever is told can't change it
                log_problem("on_gone raised", error)
            except BaseException as interrupt:  # noqa: ASYNC103, BLE001  # it takes the tree down, in order
                self.interrupted(interrupt)

    def _reply(self, reply: ev.AnswerCall) -> None:
        cause = self._told if isinstance(reply.result, ev.NotStarted) else None
        self.requests.answer(reply.request, reply.result, cause)

    def _boot_done(self, _: ev.Booted) -> None:
        self.births.complete()

    def _finish(self, finish: ev.Finish) -> None:
        self.outcome = finish.outcome
        self._let_go()

    def _let_go(self) -> None:
        self.requests.close()
        self.pump.messages.clear()
        self.alarms.end()
        self.births.booted.set()
        self.finished.set()
        self.block.cancel("the supervisor has ended")

    how: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {
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
    """How each command is carried out."""


_ENDS = frozenset({ev.ChildExited, ev.QueuedExit, ev.ChildStartFailed})
"""After these, nothing of a life is needed any more, unless its end waits to be handled."""


def _tasks_around() -> Iterator[trio.lowlevel.Task]:
    task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
    while task is not None:
        yield task
        task = task.parent_nursery.parent_task if task.parent_nursery is not None else None

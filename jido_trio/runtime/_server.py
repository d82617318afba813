"""Server: what an agent does with a message, and with its lives.

A message is received (`Agent.receive`: pure), the new agent takes the place of the old, the caller is answered, and the
directives are carried out in order. All of it happens where the message is: in the run queue's task, or in the task of
a caller who finds the agent idle. Either way in a copy of the context of the instance, so that neither context
variables of the caller nor those of the message before are seen, and nothing is left behind.

A life needs a task only while something of it takes time: a directive whose interpreter is an `async def`, an action
with effects. Each runs in a nursery of the life; when the last of them is done the life needs no task again.

A crash is the agent's, wherever it happens. Who was about to be answered is told; the supervisor is told, and decides;
if it restarts the agent at once, the next life has begun when it returns. Messages are not touched by it. A crash of a
life with tasks has them cancelled first, and nothing is handled until they have ended.

KeyboardInterrupt, SystemExit and the like are nobody's crash: the supervisor takes the tree down, and raises them. A
KeyboardInterrupt that comes up in a caller's task, while the agent receives, is the caller's: the agent isn't changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from copy import copy
from functools import partial
from typing import Any

import trio
from attrs import AttrsInstance, define

from jido_trio.core import Agent, Error, Signal, Unrouted
from jido_trio.errors import (
    ActionError,
    AgentCrashed,
    CallError,
    HandledTooLong,
    InvalidDefinition,
    JidoError,
    MailboxFull,
    MigrationFailed,
    NoRoute,
)
from jido_trio.redact import shown, shown_error
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._cron import jobs_of
from jido_trio.runtime._deadlines import Timed
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._life import is_judged
from jido_trio.runtime._life_tasks import LifeTasks, discard
from jido_trio.runtime._mailbox import Again, Call, Due, Kill, Mailbox, Message, News, Outcome, Own, Progress
from jido_trio.runtime._mailbox_rules import MailboxRules, RuledMailbox
from jido_trio.runtime._recovery import Committed, beginning, is_in_vain, started_of
from jido_trio.runtime._secrets import secrets_of
from jido_trio.runtime._upgrading import Upgrading, Wanted
from jido_trio.runtime._waits import HELD, Wait, waiting_for
from jido_trio.supervision import PassiveLife
from jido_trio.world import enter, leave

Directives = tuple[AttrsInstance, ...]


CRASHED = "the agent crashed at one before it"
CUT_OFF = "the life that gave it was ended"
STOPS = "the agent stops itself"


@define(eq=False)
class _Work:
    """The directives of one signal, while a task carries them out."""

    before: Agent[Any]
    """The agent before the signal."""
    runtime: Runtime
    directives: Directives
    done: int
    """How many of them were begun."""

    @property
    def rest(self) -> Directives:
        """Those that were not begun."""
        return self.directives[self.done :]

    def crash(self) -> AgentCrash:
        """Tell of the crash of the last one begun."""
        runtime = self.runtime
        return AgentCrash(self.before, runtime.signal, runtime.agent, tuple(self.directives), self.done - 1)


class Server(Cell):
    """An agent that handles messages. To its supervisor it is a child that needs no task; see `Passive`."""

    __slots__ = ("_pending", "_tasks", "_times", "_work", "awaits", "max_handle_time")

    awaits: tuple[Wait, ...]
    """See `Waiting`."""

    max_handle_time: float | None
    """Seconds that the directives of one signal may take; None sets no limit."""

    def __init__(
        self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None = None
    ) -> None:
        if rules is None:
            mailbox = Mailbox(mailbox_size, instance.counts)
        else:
            hidden = partial(secrets_of, agent)
            mailbox = RuledMailbox(mailbox_size, instance.counts, rules=rules, owner=agent.id, hidden=hidden)
        super().__init__(agent, instance, mailbox)
        self.awaits = ()
        self._times = 0  # how often the message at hand has crashed the agent before
        self._pending: tuple[Signal, Directives, Agent[Any]] | None = None
        self._tasks: LifeTasks | None = None
        self._work: _Work | None = None  # directives that a task is about to go on with
        self.max_handle_time = type(agent).max_handle_time

    # ---- its lives

    def begin(self, life: PassiveLife) -> None:
        """See `Passive`."""
        try:
            agent, directives, started = beginning(self, life.incarnation)
        except Exception:
            life.detail = AgentCrash(self.agent, started_of(self, life.incarnation))
            raise
        self.life, self.incarnation, self.agent, self.ending = life, life.incarnation, agent, False
        self._tasks = None  # of a life whose task crashed
        if isinstance(self.mailbox, RuledMailbox) and life.incarnation > 1 and self.mailbox.rules.on_restart != "keep":
            self._give_up(self.mailbox.clear(), "restarted", letters=self.mailbox.rules.on_restart == "dead_letter")
        if started is not None:
            self._pending = started, directives, agent
        if self.on_change is not None:
            self.on_change(self.agent)
        self.state = "serving"
        if life.incarnation > 1:
            self.again()
        self._rest()
        if life.incarnation == 1:
            self.up()

    def stop(self, life: PassiveLife) -> None:
        """See `Passive`. It finishes the signal that it is at, with its directives."""
        if self.state not in ("serving", "waiting"):
            self._end(life)

    def kill(self, life: PassiveLife) -> None:
        """See `Passive`."""
        if self.settling is not None:
            self.settling.cut_off("it was killed meanwhile")
        self._let_go()

    def _end(self, life: PassiveLife) -> None:
        self._let_go()
        life.end()

    def _let_go(self) -> None:
        pending, work = self._pending, self._work
        self.state, self.life, self._pending, self._tasks = "down", None, None, None
        self._work = None
        if pending is not None:
            self._lose(pending[0], pending[1], CUT_OFF)
        elif work is not None:
            self._lose(work.runtime.signal, work.directives[work.done - 1 :], CUT_OFF)

    def _lose(self, signal: Signal, directives: Directives, reason: str, *, begun: bool = False) -> None:
        if directives:
            self.instance.dead_directives(self.id, signal, directives, reason, begun=begun)

    def _crash(self, life: PassiveLife | None, error: BaseException, *at: Any) -> None:
        if life is not None and self.life is life:
            detail = AgentCrash(*at)
            life.in_vain = is_in_vain(self, error, detail)
            self.crashing(error, detail)
            self._let_go()
            life.crashed(error, detail)

    # ---- its turn

    def serve(self, limit: int, /) -> int:
        """See `Ready`."""
        if self.state != "queued":  # it has ended, or begins a new life, since it was queued
            return 0
        self.state = "serving"
        run, take, receive = self.instance.context.copy, self.mailbox.take, self._receive
        done = 0
        while done < limit and self._goes_on():
            if self._pending is not None:
                run().run(self._begin_with, *self._pending)
            else:
                message = take()
                if message is None:
                    break
                if message.__class__ is Signal:
                    run().run(receive, message)  # pyright: ignore[reportArgumentType]  # its class says so
                else:
                    run().run(self._handle, message)
            done += 1
        self._rest()
        return done

    def _goes_on(self) -> bool:
        return self.state == "serving" and not self.ending and self.life is not None and not self.life.stopping

    def _rest(self) -> None:
        """Take what comes next: nothing, another turn, or the end."""
        life = self.life
        if self.state != "serving" or life is None:
            return
        if life.stopping:
            self._end(life)
        elif self.ending:
            self.state = "ending"
        elif self.mailbox.queue is None and self.mailbox.urgent is None and self._pending is None:
            self.state = "idle"
        else:
            self.state = "queued"
            self.instance.run_queue.add(self)

    # ---- another class

    def to_bring_over(self) -> tuple[Agent[Any], ...]:
        """Return the agents that have to become ones of another class: as it is now, and as its lives begin."""
        goes_on = self.life is not None or self.kept(Committed) is not None
        if goes_on and self.agent is not self.initial:
            return self.agent, self.initial
        return (self.initial,)

    def upgrade(self, wanted: Upgrading) -> None:
        """Go on as an agent of another class: now, or as soon as no message is being handled."""
        self.keep(wanted)
        if self.state in ("idle", "queued", "down"):
            self.between()

    def change_parked(self, wanted: Wanted) -> None:
        """Change as is wanted, as it has no life for now, and may have none for long."""
        self.between()

    def between(self) -> None:
        """Take note that no message is being handled: an upgrade that waits for that is done."""
        wanted = self.kept(Upgrading)
        if wanted is None:
            return
        self.let_go(Upgrading)
        try:
            brought_over = [wanted.of(agent) for agent in self.to_bring_over()]
        except MigrationFailed as error:
            wanted.over(error)
        else:
            self.is_now(brought_over[0], brought_over[-1])
            wanted.over()

    def is_now(self, agent: Agent[Any], initial: Agent[Any]) -> None:
        """Go on as this agent, and begin each further life as `initial`. What its start has said holds on."""
        before, after = type(self.initial), type(initial)
        if self.max_handle_time == before.max_handle_time:
            self.max_handle_time = after.max_handle_time
        if before.after_crash != after.after_crash and not self.durable:
            if after.after_crash == "committed":
                self.keep(Committed(self))
            else:
                self.let_go(Committed)
        self.agent, self.initial = agent, initial
        if before.schedules != after.schedules and not self.durable:
            jobs_of(self).change(before, after)
        if self.on_change is not None:
            self.on_change(agent)

    # ---- a message

    def _handle(self, message: Message) -> None:
        match message:
            case Timed(deadline=deadline) if trio.current_time() >= deadline:
                self.instance.counts.handled -= 1
                self.instance.counts.expired += 1
            case Signal():
                self._receive(message)
            case Own(signal) | Due(signal):
                self._receive(signal)
            case Again(again, times):
                self._times = times
                self._handle(again)
                self._times = 0
            case Call():
                self._receive(message.signal, message)
            case News(signal):
                self._receive(signal, quiet=True)
            case Outcome() | Progress() if message.incarnation != self.incarnation:
                self.instance.counts.handled -= 1
                self.instance.counts.dropped += 1
            case Outcome(signal):
                self._receive(signal, outcome=message)
            case Progress(signal):
                message.waits = False
                self._receive(signal, quiet=True)
            case Kill(incarnation):
                if incarnation == self.incarnation and self.instance.supervisor is not None:
                    self.instance.supervisor.kill_child(self.id)

    def _receive(
        self, signal: Signal, call: Call | None = None, outcome: Outcome | None = None, *, quiet: bool = False
    ) -> None:
        """Receive the signal, answer who waits, and carry out the directives."""
        life, before = self.life, self.agent
        try:
            received = received_by(before, signal, outcome)
        except BaseException as error:  # noqa: ASYNC103, BLE001  # a bug of whatever kind: the supervisor decides
            crash = error
        else:
            if received.__class__ is tuple and self.life is life:
                self.agent, directives = received
                if self.on_change is not None:
                    self.on_change(self.agent)
                if call is not None:
                    call.settle(self._told(directives) if call.check and directives else self.agent)
                settling = self.settling
                if settling is not None:
                    settling.handled(signal)
                if directives:
                    self._carry_out(signal, directives, before)
                if settling is not None and self.state == "serving":
                    settling.done(signal)
            else:
                self._not_handled(signal, self._refused(received), call, waits=call is not None, quiet=quiet)
            return
        # Outside of the except block, or the crashes of all lives would chain.
        try:
            if outcome is not None or not self._comes_again(News(signal) if quiet else call or signal):
                told = self._crashed(crash, before, signal)
                self._not_handled(signal, told, call, waits=call is not None)
            instruction = outcome.instruction if outcome is not None else None
            self._crash(life, crash, before, signal, None, (), None, instruction)
        finally:
            del crash

    def _refused(self, received: Any) -> CallError:
        """Return the error for a caller whose signal nothing came of."""
        if isinstance(received, Unrouted):
            return NoRoute(self.id, received.signal_type, received.routes)
        return AgentCrashed(self.id, self.incarnation, "it was killed meanwhile")

    def _crashed(self, crash: BaseException, before: Agent[Any], signal: Signal) -> AgentCrashed:
        return AgentCrashed(self.id, self.incarnation, shown_error(crash, hide=secrets_of(before, signal)))

    def _not_handled(
        self, signal: Signal, told: JidoError, call: Call | None = None, *, waits: bool, quiet: bool = False
    ) -> None:
        """Give a message that was taken another fate than that it was handled: who waits is told, or it is a letter."""
        counts = self.instance.counts
        counts.handled -= 1
        if waits:
            counts.failed += 1
            if call is not None:
                call.settle(told)
        elif isinstance(told, AgentCrashed):
            self.instance.dead_letter(self.id, signal, "the agent crashed at it", told.error)
        elif quiet:
            counts.dropped += 1
        else:
            self.instance.dead_letter(self.id, signal, "no route matches")

    def _comes_again(self, message: Message) -> bool:
        """Put a message that crashed the agent back, if the rules of the mailbox ask for that."""
        mailbox, times = self.mailbox, self._times + 1
        if not isinstance(mailbox, RuledMailbox) or times > mailbox.rules.redeliver:
            return False
        mailbox.put_back(message, times)
        return True

    def _told(self, directives: Directives) -> Agent[Any] | ActionError:
        """Return what a caller is told whose message was handled: that the action said no, or the agent."""
        refusal = refusal_in(directives)
        if refusal is None:
            return self.agent
        self.instance.counts.handled -= 1
        self.instance.counts.failed += 1
        return refusal

    def answer(self, signal: Signal, *, waits: bool = True, check: bool = True) -> Agent[Any] | JidoError | Call:
        """Handle the signal of somebody who found the agent idle, in the sender's task; return the answer.

        It is a `Call` if the message crashed the agent and comes again. A KeyboardInterrupt that comes up while the
        agent receives is the sender's.
        """
        life, before, counts = self.life, self.agent, self.instance.counts
        self.state = "serving"
        counts.accepted += 1
        counts.handled += 1
        try:
            received = received_by(before, signal, None)
        except KeyboardInterrupt:
            counts.accepted -= 1
            counts.handled -= 1
            self._rest()
            raise
        except BaseException as error:  # noqa: ASYNC103, BLE001  # a bug of whatever kind: the supervisor decides
            crash = error
        else:
            if received.__class__ is not tuple or self.life is not life:
                told = self._refused(received)
                self._not_handled(signal, told, waits=waits)
                self._rest()
                return told
            agent, directives = received
            self.agent = agent
            if self.on_change is not None:
                self.on_change(agent)
            settling = self.settling
            if settling is not None:
                settling.handled(signal)
            if directives:
                if waits and check:
                    agent = self._told(directives)
                self._carry_out(signal, directives, before)
            if settling is not None and self.state == "serving":
                settling.done(signal)
            self._rest()
            return agent  # type: ignore[no-any-return]  # the first of the two, or what the action said
        # Outside of the except block, or the crashes of all lives would chain.
        call = Call(signal, self.id, check=check)
        answer: CallError | Call = call
        try:
            if not self._comes_again(call if waits else signal):
                answer = self._crashed(crash, before, signal)
                self._not_handled(signal, answer, waits=waits)
            self._crash(life, crash, before, signal)
        finally:
            del crash
        return answer

    async def accept(self, signal: Signal) -> None:
        """Take a signal that was cast to an agent that isn't idle; it may have to wait for a place.

        Raises:
            AgentStopped: The agent is stopped.
            MailboxFull: There is no room, and nobody may wait for it.
            WouldDeadlock: There is no room, and the agent waits for the current task.
        """
        if not self.offer(signal):
            if not self.closed and not self.mailbox.refuses:
                with waiting_for(self):
                    await self.mailbox.park(signal)
                return
            await trio.lowlevel.cancel_shielded_checkpoint()
            raise self.refusal_now()
        await trio.lowlevel.cancel_shielded_checkpoint()

    def refusal_now(self) -> CallError:
        """Return the error for who sends it more and doesn't wait for a place."""
        return self.refusal() if self.closed else MailboxFull(self.id, self.mailbox.capacity)

    def handle_now(self, signal: Signal) -> None:
        """Handle a signal that was cast while the agent was idle, in the sender's task."""
        self.answer(signal, waits=False)

    # ---- directives

    def _begin_with(self, signal: Signal, directives: Directives, before: Agent[Any]) -> None:
        self._pending = None
        self._carry_out(signal, directives, before)

    def _carry_out(self, signal: Signal, directives: Directives, before: Agent[Any]) -> None:
        """Carry out the directives, up to the first that takes time; a task goes on from there."""
        life = self.life
        if not directives or life is None:
            return
        agent, number = self.agent, 0
        runtime = Runtime(agent, signal, self, self)
        try:
            for number, directive in enumerate(directives, start=1):
                waits = interpreted(directive, runtime)
                if waits is not None:
                    self._wait(life, waits, _Work(before, runtime, directives, number))
                    return
                if self.life is not life or self.ending:  # it had itself killed, or stops
                    self._lose(signal, directives[number:], STOPS if self.ending else CUT_OFF)
                    return
        except BaseException as error:  # noqa: ASYNC103, BLE001  # a bug of whatever kind: the supervisor decides
            crash = error
        else:
            return
        try:
            self._lose(signal, directives[number:], CRASHED)
            self._crash(life, crash, before, signal, agent, tuple(directives), number - 1)
        finally:
            del crash

    def _wait(self, life: PassiveLife, waits: Awaitable[object], work: _Work) -> None:
        """Have a task of the life wait, and carry out the rest of the directives."""
        if self.life is not life:
            discard(waits)
            self._lose(work.runtime.signal, work.directives[work.done - 1 :], CUT_OFF)
            return
        self.state = "waiting"
        self._work = work
        self.start_task(work.runtime, self._go_on, life, waits, work)

    @trio.lowlevel.enable_ki_protection
    async def _go_on(self, life: PassiveLife, waits: Awaitable[object], work: _Work) -> None:
        if self.life is not life:  # killed before it began
            discard(waits)
            return
        self._work = None
        if self._tasks is not None:
            self._tasks.waited_for = trio.lowlevel.current_task()
            HELD.set(self)
            self._tasks.at = work.directives[work.done - 1]
        with trio.CancelScope() as scope:
            if self.max_handle_time is not None:
                scope.deadline = trio.current_time() + self.max_handle_time
            await self._carry_on(life, waits, work, scope)
        if scope.cancelled_caught and self.max_handle_time is not None:
            raise HandledTooLong(self.id, work.runtime.signal.type, self.max_handle_time)
        if self.life is life:
            self.between()
            self.state = "serving"
            if self.settling is not None:
                self.settling.done(work.runtime.signal)
            self._rest()

    async def _carry_on(
        self, life: PassiveLife, waits: Awaitable[object], work: _Work, scope: trio.CancelScope
    ) -> None:
        try:
            await awaited(waits, work.runtime)
            for directive in work.directives[work.done :]:
                if self.life is not life or self.ending:
                    self._lose(work.runtime.signal, work.rest, STOPS if self.ending else CUT_OFF)
                    break
                work.done += 1
                if self._tasks is not None:
                    self._tasks.at = directive
                more = interpreted(directive, work.runtime)
                if more is not None:
                    await awaited(more, work.runtime)
        except BaseException as error:
            if life.detail is None:  # else a task beside it crashed, and had it cancelled
                life.detail = work.crash()
            if isinstance(error, trio.Cancelled) and not scope.cancel_called:
                self._lose(work.runtime.signal, work.directives[work.done - 1 :], CUT_OFF, begun=True)
            else:
                self._lose(work.runtime.signal, work.rest, CRASHED)
            raise

    # ---- tasks

    @property
    def tasks(self) -> int:
        """See `Cell`."""
        return len(self._tasks) if self._tasks is not None else 0

    @property
    def waits_for(self) -> object:
        """See `Cell`."""
        return self._tasks.at if self._tasks is not None and self.state == "waiting" else None

    def is_held(self) -> bool:
        """See `Waiting`."""
        return self._tasks is not None and self.waits() and self._tasks.is_waited_for()

    def waits(self) -> bool:
        """See `Waiting`."""
        return self.state == "waiting"

    def start_task(self, runtime: Runtime, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """See `Task`."""
        life = self.life
        if life is None:
            return
        if self._tasks is None:
            self._tasks = LifeTasks(self, life)
        self._tasks.start(runtime, async_fn, *args)


_interpreter_of = interpret.dispatch

_SAID_NO = frozenset({"instruction", "normalize"})
"""The contexts of errors that come from what was asked for, not from what followed."""


@trio.lowlevel.disable_ki_protection
def received_by(agent: Agent[Any], signal: Signal, outcome: Outcome | None) -> Any:
    """Return what the agent makes of a signal, or of an outcome."""
    if outcome is None:
        return agent.receive(signal)
    return agent.cmd(outcome.instruction, signal=signal)


def refusal_in(directives: Iterable[object]) -> ActionError | None:
    """Return what the first action that said no has said, if one did: a copy, which its caller may raise."""
    for directive in directives:
        if isinstance(directive, Error) and directive.context in _SAID_NO:
            return copy(directive.error)
    return None


@trio.lowlevel.disable_ki_protection
def interpreted(directive: object, runtime: Runtime) -> Awaitable[object] | None:
    """Carry out a directive; what it returns is to be awaited. A failure that is declared is an `Error`."""
    try:
        return _interpreter_of(directive.__class__)(directive, runtime)  # what `interpret` does, without its wrapper
    except ActionError as error:
        if is_judged(runtime.cell, error):
            raise
        return runtime.do(Error(error, context="directive"))


@trio.lowlevel.disable_ki_protection
async def awaited(waits: Awaitable[object], runtime: Runtime) -> None:
    """Await what takes time, where Ctrl-C may interrupt it. A failure that it declares is an `Error`."""
    try:
        await waits
    except ActionError as error:
        if is_judged(runtime.cell, error):
            raise
        more = runtime.do(Error(error, context="directive"))
    else:
        return
    if more is not None:
        await more


def made(instance: Instance, agent: Any, id: str | None, state: object) -> Any:
    """Return the agent that is to be started.

    Raises:
        InvalidDefinition: It is none, or its id or state doesn't fit.
    """
    if isinstance(agent, type) and issubclass(agent, Agent):
        token = enter(instance.world)
        try:
            return agent.new(id, state)
        finally:
            leave(token)
    if not isinstance(agent, Agent):
        raise InvalidDefinition(f"{shown(agent)} is neither an agent class nor an agent", field="agent", value=agent)
    if id not in (None, agent.id) or state is not None:
        raise InvalidDefinition(f"agent {shown(agent.id)} has its id and state already; give its class to go with them")
    return agent

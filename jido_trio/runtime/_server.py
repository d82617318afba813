"""Server: what an agent does with a message.

A message is received (`Agent.receive`: pure), the new agent takes the place of the old, the caller is answered, and the
directives are carried out in order. All of it happens where the message is: in the run queue's task, or in the task of
a caller who finds the agent idle. Either way in a copy of the context of the instance, so that neither context
variables of the caller nor those of the message before are seen, and nothing is left behind.

Where a directive takes time, a task of the life goes on from there: see `_lives`. Where anything crashes, who was to
be answered is told, and the life is over.

KeyboardInterrupt, SystemExit and the like are nobody's crash: the supervisor takes the tree down, and raises them. A
KeyboardInterrupt that comes up in a caller's task, while the agent receives, is the caller's: the agent isn't changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from copy import copy
from typing import Any

import trio

from jido_trio.core import Agent, Error, Signal, Unrouted
from jido_trio.errors import ActionError, AgentCrashed, CallError, HandledTooLong, JidoError, MailboxFull, NoRoute
from jido_trio.redact import shown_error
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._deadlines import Timed
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._life_tasks import discard
from jido_trio.runtime._lives import LivingServer
from jido_trio.runtime._mailbox_rules import MailboxRules, RuledMailbox
from jido_trio.runtime._messages import Again, Call, Due, Kill, Message, News, Outcome, Own, Progress
from jido_trio.runtime._secrets import secrets_of
from jido_trio.runtime._waits import HELD, waiting_for
from jido_trio.runtime._work import CRASHED, CUT_OFF, STOPS, Directives, Work, awaited, interpreted
from jido_trio.supervision import PassiveLife


@trio.lowlevel.disable_ki_protection  # it may compute for ever
def received_by(agent: Agent[Any], signal: Signal, outcome: Outcome | None) -> Any:
    """Return what the agent makes of a signal, or of an outcome."""
    if outcome is None:
        return agent.receive(signal)
    return agent.cmd(outcome.instruction, signal=signal)


class Server(LivingServer):
    """An agent that handles messages."""

    __slots__ = ("_times",)

    def __init__(
        self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None = None
    ) -> None:
        super().__init__(agent, instance, mailbox_size, rules)
        self._times = 0  # how often the message at hand has crashed the agent before

    received = staticmethod(received_by)

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
                elif type(message) is Call:
                    run().run(receive, message.signal, message)
                else:
                    run().run(self._handle, message)
            done += 1
        self._rest()
        return done

    def _goes_on(self) -> bool:
        return self.state == "serving" and not self.ending and self.life is not None and not self.life.stopping

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
            received = self.received(before, signal, outcome)
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
            received = self.received(before, signal, None)
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
                    self._wait(life, waits, Work(before, runtime, directives, number))
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

    def _wait(self, life: PassiveLife, waits: Awaitable[object], work: Work) -> None:
        """Have a task of the life wait, and carry out the rest of the directives."""
        if self.life is not life:
            discard(waits)
            self._lose(work.runtime.signal, work.left, CUT_OFF)
            return
        self.state = "waiting"
        self._work = work
        self.start_task(work.runtime, self._go_on, life, waits, work)

    @trio.lowlevel.enable_ki_protection
    async def _go_on(self, life: PassiveLife, waits: Awaitable[object], work: Work) -> None:
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

    async def _carry_on(self, life: PassiveLife, waits: Awaitable[object], work: Work, scope: trio.CancelScope) -> None:
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
                self._lose(work.runtime.signal, work.left, CUT_OFF, begun=True)
            else:
                self._lose(work.runtime.signal, work.rest, CRASHED)
            raise


_SAID_NO = frozenset({"instruction", "normalize"})
"""The contexts of errors that come from what was asked for, not from what followed."""


@trio.lowlevel.disable_ki_protection
def refusal_in(directives: Iterable[object]) -> ActionError | None:
    """Return what the first action that said no has said, if one did: a copy, which its caller may raise."""
    for directive in directives:
        if isinstance(directive, Error) and directive.context in _SAID_NO:
            return copy(directive.error)
    return None

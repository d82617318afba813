"""The server of a durable agent: its lives, its turns, and what it does with each message.

A commit takes time, so a durable agent handles its messages in a task of its life. What is committed, and when, is told
in `_commit`; what follows from that, in `_effects`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio
from outcome import Value

from jido_trio.core import Agent, Began, Heard, Learnt, Signal
from jido_trio.errors import Conflict, JidoError, OwnershipLost, Unstorable
from jido_trio.runtime._book import Draft, draft
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._commit import Alone, Taken, is_once, signal_of
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._cron import Jobs
from jido_trio.runtime._hibernation import HibernatingServer
from jido_trio.runtime._inbox import record_of
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._messages import Call, Kept, Kill, Message, Outcome, Progress
from jido_trio.runtime._plan import Do, planned
from jido_trio.runtime._server import Server, refusal_in
from jido_trio.runtime._suspects import Suspects
from jido_trio.runtime._waits import HELD
from jido_trio.supervision import PassiveLife

LINGER = 0.1
"""Seconds that the task of an agent waits for more."""

TAKE_BACK = 1.0
"""Seconds, at most, that an agent which took too long to stop has for one more record."""

TOGETHER = 256
"""So many messages are committed together at most."""


class DurableServer(HibernatingServer):
    """An agent whose state, inbox, timers and open effects outlive its lives and its process."""

    __slots__ = ("_lingering", "_together", "rested")

    def __init__(self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None) -> None:
        super().__init__(agent, instance, mailbox_size, rules)
        self._lingering: trio.lowlevel.Task | None = None
        """The task of the life, while it waits for more."""
        self._together = TOGETHER
        self.rested: Callable[[], None] | None = None
        """Told whenever it has done all there was."""

    # ---- its lives

    def begin(self, life: PassiveLife) -> None:
        """See `Passive`."""
        self._fresh = True
        self._together = 1 if self._suspects is not None and self._suspects.is_careful else TOGETHER
        super().begin(life)
        if self.state == "resting" and self.rested is not None:
            self.rested()

    def wake(self) -> None:
        """See `Cell`."""
        if self.state != "resting":
            return
        task, self._lingering = self._lingering, None
        if task is not None:
            self.state = "waiting"
            trio.lowlevel.reschedule(task, Value(True))  # noqa: FBT003
        else:
            self.state = "queued"
            self.instance.run_queue.add(self)

    def offer(self, signal: Signal) -> bool:
        """See `Cell`. It has no record until it is handled."""
        if self.closed or self.mailbox.full:
            return False
        self.mailbox.put_in_place(signal)
        self.wake()
        return True

    def stop(self, life: PassiveLife) -> None:
        """See `Passive`. The state is written before it ends, so that the next start has nothing to fold."""
        has_to_write = self._is_behind() or self._is_suspicious()
        if self.state in ("resting", "queued", "ending") and has_to_write:
            task, self._lingering = self._lingering, None
            self.state = "waiting"
            if task is not None:
                trio.lowlevel.reschedule(task, Value(True))  # noqa: FBT003
            else:
                self.start_task(Runtime(self.agent, self._at, self, self), self._drain)
            return
        super().stop(life)

    def _rest(self) -> None:
        life = self.life
        if self.state != "serving" or life is None:
            return
        if life.stopping:
            self._end(life)
        elif self.ending:
            self.state = "ending"
        elif self._has_nothing_to_do():
            self.state = "resting"
        else:
            self.state = "queued"
            self.instance.run_queue.add(self)

    def _has_nothing_to_do(self) -> bool:
        if self._book is None or (self._fresh and self._book.effects):  # an earlier life has left something open
            return False
        return not self._shall_hibernate() and not self._has_messages() and not self._shall_change()

    def has_nothing_open(self) -> bool:
        """Whether there is no message, no task and no effect that isn't done."""
        tasks = self.tasks - (self._lingering is not None)
        is_done = self._book is not None and not self._book.effects
        return self.state == "resting" and is_done and not tasks and not self._has_messages()

    # ---- its turn

    def serve(self, limit: int, /) -> int:
        """See `Ready`."""
        if self.state != "queued":
            return 0
        self.state = "waiting"
        self.start_task(Runtime(self.agent, self._at, self, self), self._drain)
        return 1

    @trio.lowlevel.enable_ki_protection
    async def _drain(self) -> None:
        """Take up what an earlier life has left open, and handle what waits."""
        life = self.life
        if self._tasks is not None:
            self._tasks.waited_for = trio.lowlevel.current_task()
            HELD.set(self)
        try:
            if self._book is None:
                await self.load()
            if self._fresh and self._has_turn(life):
                await self._begin_here()
                await self._take_up()
            while self._has_turn(life):
                if self._pending is not None:
                    (signal, directives, before), self._pending = self._pending, None
                    await self._act(signal, [Do(each) for each in directives], before)
                elif not (
                    await self._change() or await self._step() or await self._fall_asleep() or await self._more()
                ):
                    break
            if life is not None and self.life is life and life.stopping:
                await self._leave_whole()
        except OwnershipLost as lost:
            self._give_way(lost)
            return
        except BaseException as error:
            if life is not None and life.detail is None:
                life.detail = AgentCrash(self.agent, self._at)
            if life is not None and life.stopping and isinstance(error, trio.Cancelled) and self._is_suspicious():
                with trio.move_on_after(TAKE_BACK, shield=True):  # what takes too long to stop has killed nobody
                    await self._absolve()
            raise
        if self.life is life:
            self.state = "serving"
            self._rest()

    async def _begin_here(self) -> None:
        """Commit what the life begins with, where its strategy makes that another state than it was left with."""
        if self._pending is None:
            return
        signal, book = self._pending[0], self._open_book()
        began = Began(signal)
        agent, directives = began.apply(book.agent)
        if agent == book.agent:
            self.agent = book.agent
        else:
            page = draft(book)
            page.take(began, agent, once=False)
            page.seal()
            self._at = signal
            await self._commit(page, ())
        self._pending = (signal, tuple(directives), self.agent) if directives else None

    async def _more(self) -> bool:
        """Wait a little for what comes next, as a task that is there is sooner at it than a new one."""
        if not self._has_nothing_to_do():
            return True
        self.state, self._lingering = "resting", trio.lowlevel.current_task()
        timer = self.instance.timers.after(LINGER, self._enough)
        if self.rested is not None:
            self.rested()
        try:
            woken: bool = await trio.lowlevel.wait_task_rescheduled(self._no_more)
        finally:
            timer.cancel()
        self.state = "waiting"
        return woken

    def _enough(self) -> None:
        task, self._lingering = self._lingering, None
        if task is not None:
            self.state = "waiting"  # what comes before the task runs is seen by it, and starts no other
            trio.lowlevel.reschedule(task, Value(False))  # noqa: FBT003

    def _no_more(self, _: object) -> trio.lowlevel.Abort:
        self._lingering = None
        if self.state == "resting":
            self.state = "waiting"
        return trio.lowlevel.Abort.SUCCEEDED

    def _has_turn(self, life: PassiveLife | None) -> bool:
        return life is not None and self.life is life and not life.stopping and not self.ending

    # ---- messages

    async def _step(self) -> bool:
        """Receive what waits; commit, and act. Return whether any was."""
        suspects = self._suspects
        if suspects is None:
            return await self._receive_some()
        received = await (self._try(suspects) if suspects.is_careful else self._receive_some())
        if not received:
            await self._clear(suspects)
        return received

    async def _receive_some(self) -> bool:
        """Receive what waits, up to a message that is committed by itself; commit, and act. Return whether any was."""
        page, taken, alone = draft(self._open_book()), list[Taken](), None
        while alone is None and len(taken) < self._together:
            message = self.mailbox.take()
            if message is None:
                break
            if isinstance(message, Kill):
                self._killed(message)
            elif self._is_due(message):
                alone = self._received(page, message, taken)
        try:
            page.seal()
        except Unstorable as error:
            if alone is not None or len(taken) > 1:  # which of them it was is known when each is taken by itself
                self._together = 1
                back = [one.message for one in taken]
                self.mailbox.return_all(back if alone is None else [*back, alone.message])
                return True
            before = self._open_book().agent
            alone = Alone(taken[0].message, taken[0].signal, before, before, crash=error)
        else:
            await self._commit(page, taken, alone)
            for one in taken if self.settling is not None else ():
                if alone is None or alone.signal.id != one.signal.id:  # of which more follows
                    self._settles(one.signal)
        if alone is not None:
            await self._by_itself(alone)
        return alone is not None or bool(taken)

    def _is_due(self, message: Message) -> bool:
        """Whether a message is to be handled: not what has been already, was cancelled, or is for another life."""
        match message:
            case Kept():
                due = self._inbox.is_due(message)
            case Outcome(record="", incarnation=incarnation):
                due = incarnation == self.incarnation
            case Progress(incarnation=incarnation):
                message.waits = False
                due = incarnation == self.incarnation
            case Outcome(record=record):
                due = record in self._open_book().effects
            case _:
                due = True
        if not due:
            self.instance.counts.handled -= 1
            self.instance.counts.dropped += 1
            self._inbox.forget(message)
        return due

    def _received(self, page: Draft, message: Message, taken: list[Taken]) -> Alone | None:
        """Receive a message into the draft; return it if it is to be committed by itself."""
        before, signal, record = page.agent, signal_of(message), record_of(message)
        if is_once(message) and page.knows(signal.id):
            page.done(record)
            taken.append(Taken(message, signal, before))
            return None
        outcome = message if isinstance(message, Outcome) else None
        try:
            received = self.instance.context.copy().run(self.received, before, signal, outcome)
            if received.__class__ is not tuple:
                page.done(record)
                taken.append(Taken(message, signal, self._refused(received)))
                return None
            agent, directives = received
            if directives:
                return Alone(message, signal, before, agent, directives)
            page.take(_input(message, signal), agent, once=is_once(message), record=record)
        except Exception as error:  # noqa: BLE001  # a bug: the supervisor decides
            return Alone(message, signal, before, before, crash=error)
        except BaseException as error:
            self._uncommitted([*taken, Taken(message, signal, before)], error)
            raise
        page.done(record)
        taken.append(Taken(message, signal, agent))
        return None

    async def _by_itself(self, alone: Alone) -> None:
        """Commit a message with what follows from it, and carry that out; or that the agent crashed at it."""
        message, signal, crash = alone.message, alone.signal, alone.crash
        self._at = signal
        taken = [Taken(message, signal, _answer(alone))]
        while crash is None:
            page = draft(self._open_book())
            try:
                page.take(_input(message, signal), alone.agent, once=is_once(message), record=record_of(message))
                plan = await planned(self, page, signal, alone.directives)
                page.done(record_of(message))
                page.seal()
            except Exception as error:  # noqa: BLE001  # what can't be kept, or sent, is a bug like another
                crash = error
                break
            except BaseException:
                self.mailbox.return_all([message])
                raise
            try:
                await self._commit(page, taken)
            except Conflict:
                if self._book is None:
                    raise
                continue  # an agent that it sends to has been started meanwhile: look where it is now
            self._sent(plan)
            if self.settling is not None:
                self.settling.handled(signal)
            life = self.life
            await self._act(signal, plan.steps, alone.before)
            if self.life is life:
                self._settles(signal)
            return
        page = draft(self._open_book())
        page.done(record_of(message))
        told = self._crashed(crash, alone.before, signal)
        await self._commit(page, [Taken(message, signal, told)])
        try:
            instruction = message.instruction if isinstance(message, Outcome) else None
            self._crash(self.life, crash, alone.before, signal, None, (), None, instruction)
        finally:
            del crash, alone

    def _killed(self, kill: Kill) -> None:
        if kill.incarnation == self.incarnation and self.instance.supervisor is not None:
            self.instance.supervisor.kill_child(self.id)

    # ---- what the process may have died of

    async def _try(self, suspects: Suspects) -> bool:
        """Receive the next message, but for one at which the process has died too often. Return whether any was."""
        message = self.mailbox.take()
        if message is None:
            return False
        if isinstance(message, Kill):
            self._killed(message)
            return True
        record = record_of(message)
        try:
            is_outcome = isinstance(message, Outcome)
            hopeless = bool(record) and await suspects.is_hopeless(record, self._is_open, is_outcome=is_outcome)
        except BaseException:
            self.mailbox.return_all([message])
            raise
        if hopeless:
            await self._set_aside(message)
        else:
            self.mailbox.return_all([message])
            await self._receive_some()
        return True

    async def _set_aside(self, message: Message) -> None:
        page = draft(self._open_book())
        page.done(record_of(message))
        await self._commit(page, ())
        self._inbox.forget(message)
        self.instance.counts.handled -= 1
        self.instance.dead_letter(
            self.id, signal_of(message), f"the process died each time it was handled, {self._options.tries} times"
        )

    async def _clear(self, suspects: Suspects) -> None:
        if await suspects.are_gone(self._is_open):
            self._suspects, self._together = None, TOGETHER


def server_for(agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None) -> Server:
    """Return the server of an agent.

    Raises:
        InvalidDefinition: It is durable, and can't be kept, or the instance has no storage.
    """
    if type(agent).durable is not None:
        return DurableServer(agent, instance, mailbox_size, rules)
    server = Server(agent, instance, mailbox_size, rules)
    if type(agent).schedules:
        server.keep(Jobs(server))
    return server


def _answer(alone: Alone) -> Agent[Any] | JidoError:
    """Return what the sender is told of a message that gave directives."""
    checked = isinstance(alone.message, Call) and alone.message.check
    return (refusal_in(alone.directives) if checked else None) or alone.agent


def _input(message: Message, signal: Signal) -> Heard | Learnt:
    return Learnt(signal, message.instruction) if isinstance(message, Outcome) else Heard(signal)

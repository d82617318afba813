"""Commit, then act: the server of a durable agent.

A message is received as by any agent (`Agent.receive`: pure). Then one commit holds all that follows from it: the
input, the state, that the message isn't in the inbox any more, signals for other durable agents in their inboxes,
timers, and the directives that are still to be carried out. Only then is the caller answered, and only then are the
directives carried out; each that reaches out of the runtime is noted when it is done. So whatever dies, and when: what
was accepted is handled once, and what was answered stays.

A commit takes time, so a durable agent handles its messages in a task of its life, and is never `idle` but `resting`:
no message is handled where it is sent. Messages that give no directives are committed together; one that does is
committed by itself, as the next may be received only when its directives are done.

An effect is begun only when the one before it has been noted. So after a death a directive without a note is one of
these:

    not started     it comes after one that has no note either: it is carried out
    unknown         the first one without a note, and actions with effects before it, which run beside each other:
                    nobody knows how far it came. It is told of, or carried out again: as the class says

While nobody knows the end of a commit (the life was killed at it, the storage failed) there is no book, and the next
life reads what there is before it does anything.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial
from os import getpid
from typing import Any, ClassVar

import trio
from attrs import AttrsInstance, evolve, frozen
from outcome import Value

from jido_trio.core import (
    Agent,
    Began,
    Durable,
    Heard,
    Instruction,
    Learnt,
    Rewound,
    RunInstruction,
    Signal,
    replay,
)
from jido_trio.errors import (
    AgentCrashed,
    CallError,
    Conflict,
    Interrupted,
    InvalidDefinition,
    JidoError,
    MigrationFailed,
    OwnershipLost,
    StorageError,
    StorageUnknown,
    Unstorable,
)
from jido_trio.redact import said, shown, shown_error
from jido_trio.runtime._archive import Due, Effect, Found, archive_of, check_storable
from jido_trio.runtime._book import Book, Draft, draft
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._hibernation import HIBERNATED, Hibernation, Wakers
from jido_trio.runtime._inbox import Inbox, record_of
from jido_trio.runtime._interpreter import Runtime
from jido_trio.runtime._life import stop_soon
from jido_trio.runtime._mailbox import Again, Call, Kept, Kill, Message, News, Outcome, Progress
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._plan import Do, Plan, planned
from jido_trio.runtime._rewind import Rewinding
from jido_trio.runtime._server import CRASHED, CUT_OFF, STOPS, Server, awaited, interpreted, received_by, refusal_in
from jido_trio.runtime._suspects import Suspects, suspects_of
from jido_trio.runtime._tasks import under_way
from jido_trio.runtime._upgrading import Upgrading, Wanted
from jido_trio.runtime._waits import HELD, refuse_circle, waiting_for
from jido_trio.supervision import PassiveLife
from jido_trio.world import using

logger = logging.getLogger("jido_trio.runtime")

LINGER = 0.1
"""Seconds that the task of an agent waits for more."""

TOGETHER = 256
"""So many messages are committed together at most."""


@frozen
class _Taken:
    """A message that was received, and what its sender is told once that is committed."""

    message: Message
    signal: Signal
    answer: Agent[Any] | JidoError


@frozen
class _Alone:
    """A message that is committed by itself: it gave directives, or the agent crashed at it."""

    message: Message
    signal: Signal
    before: Agent[Any]
    agent: Agent[Any]
    directives: Sequence[AttrsInstance] = ()
    crash: BaseException | None = None


class DurableServer(Server):
    """An agent whose state, inbox, timers and open effects outlive its lives and its process."""

    __slots__ = (
        "_at",
        "_begun",
        "_book",
        "_fresh",
        "_hibernation",
        "_inbox",
        "_known",
        "_lingering",
        "_lost",
        "_suspects",
        "_thawed",
        "_together",
        "_upgraded",
        "due",
        "rested",
    )

    durable: ClassVar[bool] = True

    def __init__(self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None) -> None:
        super().__init__(agent, instance, mailbox_size)
        check_storable(type(agent))
        if rules is not None:
            raise InvalidDefinition(
                f"agent {shown(agent.id)} of {type(agent).__qualname__} is durable, and its mailbox can't have rules: "
                "what was accepted is handled; leave out mailbox=",
                field="mailbox",
                value=rules,
            )
        if instance.storage is None:
            raise InvalidDefinition(
                f"agent {shown(agent.id)} of {type(agent).__qualname__} is durable, and instance "
                f"{shown(instance.name)} has no storage: give it one, Jido(storage=open_sqlite(path))"
            )
        with using(instance.world):
            self._at = Signal("jido.agent.started", {"id": agent.id}, source=instance.source)
        """What it handled last, to be told in crash reports."""
        archive = archive_of(instance.storage, instance.name, agent.id)
        self._inbox = Inbox(archive, trio.Semaphore(mailbox_size), self)
        self.keep(self._inbox)
        self._book: Book | None = None
        """None while it isn't known what is on disk."""
        self._known = trio.Event()
        """Set while that isn't being read, once it was."""
        self._fresh = True
        """Whether the life has still to look at what an earlier one has left open."""
        self._thawed = False
        """Whether that was of another process."""
        self._suspects: Suspects | None = None
        """What that has left open, until all of it is done."""
        self._lingering: trio.lowlevel.Task | None = None
        """The task of the life, while it waits for more."""
        self._lost: OwnershipLost | None = None
        self._begun: set[str] = set()
        """Notes of effects that lives of this process have begun with."""
        self._together = TOGETHER
        self._hibernation: Hibernation | None = None
        self.rested: Callable[[], None] | None = None
        """Told whenever it has done all there was."""
        self.due: float | None = None
        """When the first of its schedules is due, in seconds of Trio's clock, once it has ended."""
        self._upgraded: Agent[Any] | None = None
        """As one of another class, while nobody knows whether that was committed."""

    @property
    def _options(self) -> Durable:
        options = type(self.initial).durable
        assert options is not None  # noqa: S101  # its class is durable
        return options

    # ---- what is on disk

    async def load(self) -> None:
        """Claim the agent, and take up what is on disk.

        Raises:
            OwnershipLost: Another has claimed it meanwhile.
            RecordRefused: A record can't be used.
            ReplayDiverged: The code leads to other states than those that were recorded.
            StorageError: See `Storage`.
        """
        archive = self._inbox.archive
        first = not archive.epoch
        self._inbox.on_disk.clear()
        if self._known.is_set():
            self._known = trio.Event()
        known = self._known
        try:
            with trio.CancelScope(shield=True):  # who is cancelled in between would own what it doesn't know
                await self._see_which()
                found = await archive.claim(self.initial, process(), self._options.remembers)
                self._take_over(found, first=first)
        finally:
            known.set()

    async def _see_which(self) -> None:
        """If nobody knows whether it became an agent of another class, see which of the two is on disk."""
        upgraded, wanted = self._upgraded, self.kept(Upgrading)
        if upgraded is None:
            return
        if await self._inbox.archive.is_of(type(upgraded)):
            self.is_now(upgraded, upgraded)
            if wanted is not None and wanted.cls is type(upgraded):
                self.let_go(Upgrading)
                wanted.over()
        self._upgraded = None

    def _take_over(self, found: Found, *, first: bool) -> None:
        agent = replay(found.snapshot.agent, found.entries)
        self._book = Book.opened(self._inbox.archive, self._options, agent, found, self._inbox.on_disk)
        self.initial = self.agent = agent
        self._thawed = first and not found.is_new
        if self._thawed:
            now = self.instance.world.now().timestamp()
            due = {record for record, each in found.timers.items() if each.at <= now}
            left = frozenset({*found.inbox, *found.effects, *due})
            self._suspects = suspects_of(self._inbox.archive, left, found.tries, self._options.tries)
        self._inbox.take_over(found)
        if self.on_change is not None:
            self.on_change(agent)

    async def accept(self, signal: Signal) -> None:
        """Take a signal that was cast into the inbox on disk.

        Raises:
            AgentStopped: The agent is stopped.
            Unstorable: The signal can't be kept.
            OwnershipLost: Another has the agent.
            StorageError: See `Storage.commit`.
        """
        inbox = self._inbox
        if inbox.room.value == 0:
            with waiting_for(self):
                await inbox.room.acquire()
        else:
            await inbox.room.acquire()
        try:
            while not self._known.is_set():  # what is written meanwhile would be taken for another's
                await self._known.wait()
            self._refuse_more()
            record = inbox.archive.next_inbox()
            with trio.CancelScope(shield=True):  # on disk and not in the mailbox, it would wait for the next start
                await inbox.archive.write([inbox.archive.waiting(record, signal, once=True)])
        except BaseException as error:
            inbox.room.release()
            if isinstance(error, OwnershipLost):
                self._give_way(error)
            raise
        inbox.arrive(Kept(signal, record, once=True), in_room=True)

    def _refuse_more(self) -> None:
        if self.closed or self._lost is not None:
            raise self.refusal()

    def refusal(self) -> CallError:
        """See `Cell`."""
        return self._lost if self._lost is not None else super().refusal()

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
        if self.state in ("resting", "queued", "ending") and self._is_behind():
            task, self._lingering = self._lingering, None
            self.state = "waiting"
            if task is not None:
                trio.lowlevel.reschedule(task, Value(True))  # noqa: FBT003
            else:
                self.start_task(Runtime(self.agent, self._at, self, self), self._drain)
            return
        super().stop(life)

    def crashing(self, error: BaseException, at: AgentCrash) -> None:
        """See `Cell`."""
        super().crashing(error, at)
        self._wake_hibernation()

    def close(self, reason: str) -> None:
        """See `Cell`."""
        super().close(reason)
        self.due = self._inbox.next_due()
        self._known.set()
        self._inbox.let_all_in()
        self._wake_hibernation()

    def _let_go(self) -> None:
        super()._let_go()
        self._wake_hibernation()

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

    def _shall_change(self) -> bool:
        return self.kept(Upgrading) is not None or self.kept(Rewinding) is not None

    def _has_messages(self) -> bool:
        return self.mailbox.queue is not None or self.mailbox.urgent is not None or self._pending is not None

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
        except BaseException:
            if life is not None and life.detail is None:
                life.detail = AgentCrash(self.agent, self._at)
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

    def _give_way(self, lost: OwnershipLost) -> None:
        """Stop, as another has the agent: nothing more is written, and who waits is told."""
        if self._lost is None:
            self._lost = lost
            logger.error("%s", said(lost))
            stop_soon(self, lost)
        self.ending = True
        if self.state in ("waiting", "resting", "queued"):
            self.state = "ending"

    # ---- another class

    def upgrade(self, wanted: Upgrading) -> None:
        """See `Server`. Its task does it, in a commit."""
        self.keep(wanted)
        self.wake()

    def between(self) -> None:
        """See `Server`. Its task looks by itself."""

    def change_parked(self, wanted: Wanted) -> None:
        """See `Server`. Nobody is there to commit it."""
        why = "it is parked; resume it, or stop it"
        if isinstance(wanted, Upgrading):
            cls = wanted.cls
            self._not_changed(wanted, MigrationFailed(self.id, self.initial.vsn, cls.__qualname__, cls.vsn, why))
        else:
            self._not_changed(wanted, InvalidDefinition(f"agent {shown(self.id)} can't go back: {why}", field="agent"))

    async def _become(self) -> bool:
        """Go on as an agent of another class, if that is wanted; return whether it was."""
        wanted = self.kept(Upgrading)
        if wanted is None:
            return False
        page = draft(self._open_book())
        try:
            upgraded = wanted.of(self._open_book().agent)
            page.become(upgraded)
        except (MigrationFailed, Unstorable) as error:
            self._not_changed(wanted, error)
            return True
        self._upgraded = upgraded
        if not await self._changed(page, wanted):
            self._upgraded = None
            return True
        self._upgraded = None
        self.is_now(upgraded, upgraded)
        wanted.over()
        return True

    async def _change(self) -> bool:
        return await self._become() or await self._go_back()

    async def _changed(self, page: Draft, wanted: Wanted) -> bool:
        """Commit a change between two messages; return whether that was done. If not, the agent is as it was."""
        try:
            await page.commit()
        except StorageUnknown:
            self._book = None
            raise
        except StorageError as error:
            self._not_changed(wanted, error)
            return False
        except BaseException:
            self._book = None
            raise
        if self.kept(type(wanted)) is wanted:
            self.let_go(type(wanted))
        return True

    def _not_changed(self, wanted: Wanted, error: Exception) -> None:
        if self.kept(type(wanted)) is wanted:
            self.let_go(type(wanted))
        wanted.over(error)

    # ---- an earlier point

    def rewind(self, wanted: Rewinding) -> None:
        """Go on from an earlier point, as soon as no message is being handled."""
        self.keep(wanted)
        self.wake()

    async def _go_back(self) -> bool:
        """Go on from an earlier point, if that is wanted; return whether it was."""
        wanted = self.kept(Rewinding)
        if wanted is None:
            return False
        book, point, page = self._open_book(), wanted.point, draft(self._open_book())
        with using(self.instance.world):
            signal = Signal("jido.agent.rewound", {"to": point.number}, source=self.instance.source)
        rewound = Rewound(signal, point.number, point.agent.state, point.agent.strategy_state, point.timers)
        archive, now = self._inbox.archive, self.instance.world.now().timestamp()
        named = {record: archive.timer_in(record) for record in self._inbox.on_disk}
        dropped = [record for record, name in named.items() if name is not None and point.drops(name)]
        try:
            agent = rewound.apply(book.agent)[0]
            page.take(rewound, agent, once=False)
            for record in [*dropped, *(each for each in book.effects if archive.input_of(each) > point.number)]:
                page.done(record)
            timers = {each.name: Due(now + each.seconds, each.signal) for each in point.timers}
            armed = {page.timer(name, due): due for name, due in timers.items()}
            page.seal(whole=True)
        except (TypeError, Unstorable) as error:
            self._not_changed(wanted, InvalidDefinition(f"agent {shown(self.id)} can't go back: {said(error)}"))
            return True
        number = book.number
        if not await self._changed(page, wanted):
            return True
        for record in dropped:
            self._inbox.disarm(record)
        for record, due in armed.items():
            self._inbox.arm(record, due)
        self.is_now(agent, agent)
        self.instance.counts.accepted += 1
        self.instance.counts.handled += 1
        logger.info("agent %s went back from input %d to input %d", shown(self.id), number, point.number)
        wanted.over()
        return True

    # ---- hibernation

    async def hibernate(self) -> None:
        """Handle what waits, write the state, and end. Return when it has ended, or has no life to do so.

        Raises:
            OwnershipLost: Another has the agent.
            StorageError: The state couldn't be written; the agent runs on.
            Unstorable: Part of it can't be kept; the agent runs on.
        """
        refuse_circle(self)
        while not self.closed and self.state != "down":
            asked = self._hibernation
            if asked is None:
                asked = self._hibernation = Hibernation()
            self.wake()
            try:
                await asked.wait()
            finally:
                if not asked.is_wanted and self._hibernation is asked:
                    self._hibernation = None
        if self._lost is not None:
            raise self._lost

    def _wake_hibernation(self) -> None:
        asked, self._hibernation = self._hibernation, None
        if asked is not None:
            asked.over()

    def has_nothing_open(self) -> bool:
        """Whether there is no message, no task and no effect that isn't done."""
        tasks = self.tasks - (self._lingering is not None)
        is_done = self._book is not None and not self._book.effects
        return self.state == "resting" and is_done and not tasks and not self._has_messages()

    def _shall_hibernate(self) -> bool:
        return self._hibernation is not None and self._book is not None and not self._book.effects

    async def _fall_asleep(self) -> bool:
        """Write the state and stop, if that is asked for and nothing is left to do. Return whether it was asked for."""
        asked = self._hibernation
        if asked is None or not self._shall_hibernate():
            return False
        try:
            await self._write_whole()
        except OwnershipLost:
            raise
        except (StorageError, Unstorable) as error:
            if self._hibernation is asked:
                self._hibernation = None
            asked.over(error)
            return True
        if asked is self._hibernation and not self._has_messages():  # nobody was faster
            self.ending = True
            stop_soon(self, HIBERNATED)
        return True

    def _is_behind(self) -> bool:
        """Whether the state on disk must be folded from inputs."""
        return self._book is not None and self._book.number != self._book.saved

    async def _write_whole(self) -> None:
        page = draft(self._open_book())
        page.seal(whole=True)
        await page.commit()

    async def _leave_whole(self) -> None:
        """Write the state as the life is asked to end. Nothing is lost if that can't be done: the inputs are there."""
        if not self._is_behind():
            return
        try:
            await self._write_whole()
        except OwnershipLost:
            pass  # it is no business of this one any more
        except (StorageError, Unstorable) as error:
            logger.warning(
                "agent %s: its state wasn't written when it stopped: %s; its next start folds the last inputs instead",
                shown(self.id),
                said(error),
            )

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
            hopeless = bool(record) and await suspects.is_hopeless(record, self._is_open)
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

    def _is_open(self, record: str) -> bool:
        return record in self._inbox.on_disk or record in self._open_book().effects

    async def _clear(self, suspects: Suspects) -> None:
        if await suspects.are_gone(self._is_open):
            self._suspects, self._together = None, TOGETHER

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
        page, taken, alone = draft(self._open_book()), list[_Taken](), None
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
            alone = _Alone(taken[0].message, taken[0].signal, before, before, crash=error)
        else:
            await self._commit(page, taken, alone)
            for one in taken if self.settling is not None else ():
                if alone is None or alone.signal.id != one.signal.id:  # of which more follows
                    self._settles(one.signal)
        if alone is not None:
            await self._by_itself(alone)
        return alone is not None or bool(taken)

    def _settles(self, signal: Signal) -> None:
        if self.settling is not None:
            self.settling.handled(signal)
            self.settling.done(signal)

    def _open_book(self) -> Book:
        assert self._book is not None  # noqa: S101  # the life has begun with loading it
        return self._book

    def _killed(self, kill: Kill) -> None:
        if kill.incarnation == self.incarnation and self.instance.supervisor is not None:
            self.instance.supervisor.kill_child(self.id)

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

    def _received(self, page: Draft, message: Message, taken: list[_Taken]) -> _Alone | None:
        """Receive a message into the draft; return it if it is to be committed by itself."""
        before, signal, record = page.agent, signal_of(message), record_of(message)
        if is_once(message) and page.knows(signal.id):
            page.done(record)
            taken.append(_Taken(message, signal, before))
            return None
        outcome = message if isinstance(message, Outcome) else None
        try:
            received = self.instance.context.copy().run(received_by, before, signal, outcome)
            if received.__class__ is not tuple:
                page.done(record)
                taken.append(_Taken(message, signal, self._refused(received)))
                return None
            agent, directives = received
            if directives:
                return _Alone(message, signal, before, agent, directives)
            page.take(_input(message, signal), agent, once=is_once(message))
        except Exception as error:  # noqa: BLE001  # a bug: the supervisor decides
            return _Alone(message, signal, before, before, crash=error)
        except BaseException as error:
            self._uncommitted([*taken, _Taken(message, signal, before)], error)
            raise
        page.done(record)
        taken.append(_Taken(message, signal, agent))
        return None

    async def _by_itself(self, alone: _Alone) -> None:
        """Commit a message with what follows from it, and carry that out; or that the agent crashed at it."""
        message, signal, crash = alone.message, alone.signal, alone.crash
        self._at = signal
        taken = [_Taken(message, signal, _answer(alone))]
        while crash is None:
            page = draft(self._open_book())
            try:
                page.take(_input(message, signal), alone.agent, once=is_once(message))
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
        await self._commit(page, [_Taken(message, signal, told)])
        try:
            instruction = message.instruction if isinstance(message, Outcome) else None
            self._crash(self.life, crash, alone.before, signal, None, (), None, instruction)
        finally:
            del crash, alone

    async def _commit(self, page: Draft, taken: Sequence[_Taken], then: _Alone | None = None) -> None:
        """Commit the draft, and tell the senders; `then` is a message that was taken, and is no part of it."""
        try:
            await page.commit()
        except BaseException as error:
            if not (isinstance(error, Conflict) and self._inbox.archive.is_of_another(error.key)):
                self._uncommitted(taken, error, then)
            raise
        if self.agent is not page.agent:
            self.initial = self.agent = page.agent
            if self.on_change is not None:
                self.on_change(self.agent)
        for one in taken:
            self._inbox.forget(one.message)
            call = one.message if isinstance(one.message, Call) else None
            if isinstance(one.answer, JidoError):
                quiet = isinstance(one.message, News | Progress)
                self._not_handled(one.signal, one.answer, call, waits=call is not None, quiet=quiet)
            elif call is not None:
                call.settle(one.answer)

    def _uncommitted(self, taken: Sequence[_Taken], error: BaseException, then: _Alone | None = None) -> None:
        """Nobody knows whether the messages were committed: who waits is told so, the others wait on."""
        self._book = None
        why = "it was killed meanwhile" if isinstance(error, trio.Cancelled) else shown_error(error)
        told = error if isinstance(error, OwnershipLost) else AgentCrashed(self.id, self.incarnation, why)
        back: list[Message] = []
        for one in taken:
            if isinstance(one.message, Call):
                self._not_handled(one.signal, told, one.message, waits=True)
            else:
                back.append(one.message)
        if then is not None:
            back.append(then.message)
        self.mailbox.return_all(back)

    # ---- directives

    def _sent(self, plan: Plan) -> None:
        """Take note of what the commit has done."""
        for id, message in plan.sent:
            receiver = self.instance.cells.get(id)
            inbox = receiver.kept(Inbox) if receiver is not None else None
            if inbox is not None:
                inbox.arrive(message)
            elif receiver is None:
                self.instance.part(Wakers).wake(id)
        for record in plan.cancelled:
            self._inbox.disarm(record)
        for record, due in plan.timers.items():
            self._inbox.arm(record, due)

    async def _act(self, signal: Signal, steps: Sequence[Do], before: Agent[Any]) -> None:
        """Carry out directives, and note those that are done."""
        life, plain = self.life, Runtime(self.agent, signal, self, self)
        for number, step in enumerate(steps):
            if self.life is not life or self.ending:
                self._lose_steps(signal, steps[number:], STOPS if self.ending else CUT_OFF)
                return
            try:
                await self._do(step, plain)
            except trio.Cancelled:
                self._lose_steps(signal, steps[number:], CUT_OFF, begun=True)
                raise
            except BaseException as error:  # noqa: BLE001  # a bug of whatever kind: the supervisor decides
                crash = error
            else:
                await self._noted(step, signal, steps[number + 1 :])
                continue
            self._lose_steps(signal, steps[number + 1 :], CRASHED)
            try:
                directives = tuple(each.directive for each in steps)
                self._crash(life, crash, before, signal, self.agent, directives, number)
            finally:
                del crash
            return

    async def _do(self, step: Do, runtime: Runtime) -> None:
        """Carry out a directive; an action with effects is begun."""
        if step.record:
            runtime = evolve(runtime, key=step.record)
            begun = partial(self._begun.add, step.record)
            if isinstance(step.directive, RunInstruction):
                tell = partial(self._learn, runtime.signal, record=step.record)
                under_way(self).start(step.directive, runtime, tell, begun)
                return
            begun()
        if self._tasks is not None:
            self._tasks.at = step.directive
        waits = self.instance.context.copy().run(interpreted, step.directive, runtime)
        if waits is not None:
            await awaited(waits, runtime)
        if self._tasks is not None:
            self._tasks.at = None

    async def _noted(self, step: Do, signal: Signal, rest: Sequence[Do]) -> None:
        """Note that a directive is done, if it has a note that its end takes out."""
        if not step.record or isinstance(step.directive, RunInstruction):
            return
        try:
            await self._note(step.record)
        except BaseException:
            self._lose_steps(signal, rest, CUT_OFF)
            raise

    def _lose_steps(self, signal: Signal, steps: Sequence[Do], reason: str, *, begun: bool = False) -> None:
        """Tell of those that are never carried out: not of what is on disk, which the next life goes on with."""
        lost = tuple(step.directive for step in steps if not step.record)
        self._lose(signal, lost, reason, begun=begun and not steps[0].record)

    async def _note(self, record: str) -> None:
        """Note that an effect is done."""
        page = draft(self._open_book())
        page.done(record)
        await self._commit(page, ())
        self._begun.discard(record)

    def _learn(self, signal: Signal, tell: Instruction, record: str) -> None:
        self._inbox.learn(Outcome(signal, tell, self.incarnation, record))

    async def _take_up(self) -> None:
        """Go on with the effects that a death left open, or tell of them."""
        if self._suspects is not None:
            await self._suspects.note()
        thawed, self._thawed, self._fresh = self._thawed, False, False
        first = True
        for record, effect in tuple(self._open_book().effects.items()):
            if self._inbox.has(record):  # its outcome waits
                continue
            unknown = record in self._begun or (thawed and first)
            first = first and isinstance(effect.directive, RunInstruction)
            if unknown and (not self._may_repeat(effect.directive) or await self._is_hopeless(record)):
                await self._leave(record, effect)
            else:
                await self._act(effect.signal, [Do(effect.directive, record)], self.agent)

    async def _is_hopeless(self, record: str) -> bool:
        return self._suspects is not None and await self._suspects.is_hopeless(record, self._is_open)

    def _may_repeat(self, directive: object) -> bool:
        if self._options.effects == "at_least_once":
            return True
        return isinstance(directive, RunInstruction) and directive.instruction.action_class.idempotent

    async def _leave(self, record: str, effect: Effect) -> None:
        """Tell of an effect of which nobody knows whether it was done."""
        if isinstance(effect.directive, RunInstruction):
            error = Interrupted(effect.directive.instruction.action_class.name)
            self._learn(effect.signal, effect.directive.failed(error), record)
            return
        await self._note(record)
        what = shown(effect.directive)
        self.instance.undeliverable(
            self.id,
            effect.signal,
            f"the agent died while it carried out {what}; whether that was done isn't known, and it isn't done again",
        )


def server_for(agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None) -> Server:
    """Return the server of an agent.

    Raises:
        InvalidDefinition: It is durable, and can't be kept, or the instance has no storage.
    """
    kind = Server if type(agent).durable is None else DurableServer
    return kind(agent, instance, mailbox_size, rules)


def process() -> str:
    """Return what people know this process by."""
    return f"{socket.gethostname()} {getpid()}"


def signal_of(message: Message) -> Signal:
    """Return the signal of a message that has one."""
    assert not isinstance(message, Kill | Again)  # noqa: S101  # they are no messages to be received
    return message if isinstance(message, Signal) else message.signal


def is_once(message: Message) -> bool:
    """Whether it is passed over if a signal with its id was handled before: what comes from outside."""
    return isinstance(message, Signal | Call) or (isinstance(message, Kept) and message.once)


def _answer(alone: _Alone) -> Agent[Any] | JidoError:
    """Return what the sender is told of a message that gave directives."""
    checked = isinstance(alone.message, Call) and alone.message.check
    return (refusal_in(alone.directives) if checked else None) or alone.agent


def _input(message: Message, signal: Signal) -> Heard | Learnt:
    return Learnt(signal, message.instruction) if isinstance(message, Outcome) else Heard(signal)

"""Commit, then act: what the server of a durable agent reads and writes.

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
from collections.abc import Sequence
from os import getpid
from typing import Any, ClassVar

import trio
from attrs import AttrsInstance, evolve, frozen

from jido_trio.core import Agent, Durable, Signal, replay
from jido_trio.core.inner import due_at_start, first_due, is_missed, is_same_job
from jido_trio.errors import (
    AgentCrashed,
    CallError,
    Conflict,
    InvalidDefinition,
    JidoError,
    OwnershipLost,
    RecordRefused,
    ReplayDiverged,
    StorageError,
)
from jido_trio.redact import said, shown, shown_error
from jido_trio.runtime._archive import Due, Found, archive_of, check_storable
from jido_trio.runtime._book import Book, Draft, draft, job_name
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._failures import stop_soon
from jido_trio.runtime._inbox import Inbox
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._messages import Again, Call, Kept, Kill, Message, News, Progress
from jido_trio.runtime._server import Server
from jido_trio.runtime._suspects import Suspects, suspects_of
from jido_trio.runtime._upgrading import Upgrading
from jido_trio.runtime._waits import waiting_for
from jido_trio.storage import Delete, Op
from jido_trio.world import using

logger = logging.getLogger("jido_trio.runtime")


@frozen
class Taken:
    """A message that was received, and what its sender is told once that is committed."""

    message: Message
    signal: Signal
    answer: Agent[Any] | JidoError


@frozen
class Alone:
    """A message that is committed by itself: it gave directives, or the agent crashed at it."""

    message: Message
    signal: Signal
    before: Agent[Any]
    agent: Agent[Any]
    directives: Sequence[AttrsInstance] = ()
    crash: BaseException | None = None


class CommittingServer(Server):
    """An agent whose state, inbox, timers and open effects are on disk: what is read there, and what is written."""

    __slots__ = (
        "_at",
        "_book",
        "_fresh",
        "_inbox",
        "_is_scheduled",
        "_known",
        "_lost",
        "_suspects",
        "_thawed",
        "_unreadable",
        "_upgraded",
        "due",
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
        self._unreadable = False
        self._thawed = False
        """Whether that was of another process."""
        self._is_scheduled = False
        """Whether the jobs of its class are on disk, and what was missed has been looked at."""
        self._suspects: Suspects | None = None
        """What that has left open, until all of it is done."""
        self._lost: OwnershipLost | None = None
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
                if not self._is_scheduled:
                    found = await self._scheduled(found)
                    self._is_scheduled = True
                self._take_over(found, first=first)
            self._unreadable = False
        except (RecordRefused, ReplayDiverged):
            self._unreadable = True
            raise
        finally:
            known.set()

    async def read(self) -> None:
        """Wait until what is on disk was read, or can't be."""
        await self._known.wait()

    @property
    def is_unreadable(self) -> bool:
        """See `Cell`."""
        return self._unreadable

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
        on_disk = self._inbox.on_disk
        self._book = Book.opened(self._inbox.archive, self._options, agent, found, on_disk, now=self._now)
        self.initial = self.agent = agent
        self._inbox.take_over(found)
        self._thawed = first and not found.is_new
        if self._thawed:
            now = self._now()
            due = {record for record, each in found.timers.items() if each.at <= now}
            self._inbox.left = {*found.inbox, *due}
            left = frozenset({*self._inbox.left, *found.effects})
            self._suspects = suspects_of(self._inbox.archive, left, found.tries, self._options.tries)
        if self.on_change is not None:
            self.on_change(agent)

    async def _scheduled(self, found: Found) -> Found:
        """Return what is there, with the jobs of the class, and with what was missed as it is wanted."""
        archive, now, declared = self._inbox.archive, self._now(), type(self.initial).schedules
        names = {archive.timer(job_name(cron.key)): cron for cron in declared}
        timers, ops = dict(found.timers), list[Op]()
        for record, due in found.timers.items():
            is_over = due.declared and record not in names
            if is_over or (due.cron is None and due.missed == "skip" and is_missed(due.at, now)):
                del timers[record]
                ops.append(Delete(record))
            elif due.cron is not None:
                timers[record] = evolve(due, at=due_at_start(self.id, due.cron, due.at, now))
        for record, cron in names.items():
            known = timers.get(record)
            if known is None or known.cron is None or not known.declared or not is_same_job(known.cron, cron):
                timers[record] = due = Due(first_due(cron, now), cron.message, cron=cron, declared=True)
                ops.append(archive.later(record, due))
        if ops:
            await archive.write(ops)
        return evolve(found, timers=timers)

    def _now(self) -> float:
        return self.instance.world.now().timestamp()

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

    def close(self, reason: str) -> None:
        """See `Cell`."""
        super().close(reason)
        self.due = self._inbox.next_due()
        self._known.set()
        self._inbox.let_all_in()

    def _open_book(self) -> Book:
        assert self._book is not None  # noqa: S101  # the life has begun with loading it
        return self._book

    def _is_open(self, record: str) -> bool:
        return record in self._inbox.left or record in self._open_book().effects

    def _is_behind(self) -> bool:
        """Whether the state on disk must be folded from inputs."""
        return self._book is not None and self._book.number != self._book.saved

    def _is_suspicious(self) -> bool:
        """Whether a note says that this start may be what the process dies of."""
        return self._suspects is not None and self._suspects.are_noted

    async def _absolve(self) -> None:
        """Take that note back, as the agent ends in order; if that can't be done, the next start counts."""
        if self._suspects is None:
            return
        try:
            await self._suspects.take_back()
        except OwnershipLost:
            pass  # it is no business of this one any more
        except StorageError as error:
            logger.warning("agent %s: it couldn't note that it stopped in order: %s", shown(self.id), said(error))

    def _has_messages(self) -> bool:
        return self.mailbox.queue is not None or self.mailbox.urgent is not None or self._pending is not None

    # ---- what is written

    async def _commit(self, page: Draft, taken: Sequence[Taken], then: Alone | None = None) -> None:
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
        self._arm(page)

    def _arm(self, page: Draft) -> None:
        """Have come later what the draft has written for that, and nothing that it has taken out."""
        for record in page.cancelled:
            self._inbox.disarm(record)
        for record, due in page.timers.items():
            self._inbox.arm(record, due)

    def _uncommitted(self, taken: Sequence[Taken], error: BaseException, then: Alone | None = None) -> None:
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

    async def _write_whole(self) -> None:
        page = draft(self._open_book())
        page.seal(whole=True)
        await page.commit()

    def _settles(self, signal: Signal) -> None:
        if self.settling is not None:
            self.settling.handled(signal)
            self.settling.done(signal)

    def _give_way(self, lost: OwnershipLost) -> None:
        """Stop, as another has the agent: nothing more is written, and who waits is told."""
        if self._lost is None:
            self._lost = lost
            logger.error("%s", said(lost))
            stop_soon(self, lost)
        self.ending = True
        if self.state in ("waiting", "resting", "queued"):
            self.state = "ending"


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

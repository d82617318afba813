"""Book: what a durable agent's server knows of the records, and the drafts of commits to come.

A draft takes inputs, one after the other, and holds the agent after them: that of the book is changed when the draft
has been committed, and not before. So a commit that is refused, or that nobody knows the end of, leaves nothing behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field

from jido_trio.core import Agent, Began, Cron, Durable, Entry, Heard, Learnt, Rewound, Signal, mark_of
from jido_trio.core.inner import first_due, is_same_job, next_due
from jido_trio.runtime._archive import Archive, Due, Effect, Found, Ids, Place, Snapshot
from jido_trio.storage import Check, Delete, DeleteRange, Op, Put

NOTE_EVERY = 64
"""Inputs, after which the ids of the last signals are noted again."""


@define(eq=False)
class Book:
    """What is on disk."""

    archive: Archive
    options: Durable
    agent: Agent[Any]
    """As it was committed."""
    number: int
    """Of its last input."""
    effects: dict[str, Effect]
    """Directives that haven't been seen done, by record; in order."""
    inbox: set[str]
    """Records of signals that wait, in the inbox or for their time."""
    _order: deque[str]
    jobs: dict[str, Due]
    """The next time of each job, by record."""
    ids: set[str]
    """Of the last signals."""
    saved: int
    """The number of the last snapshot."""
    noted: int
    """The number of the last input whose ids were noted."""
    bases: tuple[int, ...]
    """See `Found`."""
    now: Callable[[], float]
    """Tells the time, in seconds since 1970."""
    _ticks: deque[str]
    """Ids of the last ticks, which take no place of others: many may be made up for when a client tries again."""
    size: int = 0
    """Its bytes, as far as they are known."""

    @classmethod
    def opened(
        cls,
        archive: Archive,
        options: Durable,
        agent: Agent[Any],
        found: Found,
        inbox: set[str],
        *,
        now: Callable[[], float],
    ) -> Book:
        """Return the book of an agent that was claimed, and brought to where its journal ends."""
        number = found.entries[-1].number if found.entries else found.snapshot.number
        jobs = {record: due for record, due in found.timers.items() if due.cron is not None}
        effects, saved, bases, noted = found.effects, found.snapshot.number, found.bases, found.noted
        order, ticks = deque[str](), deque[str]()
        book = cls(archive, options, agent, number, effects, inbox, order, jobs, set(), saved, noted, bases, now, ticks)
        book._remember_all({**dict.fromkeys(found.ids.signals, False), **dict.fromkeys(found.ids.ticks, True)})
        return book

    def _remember_all(self, ids: dict[str, bool]) -> None:
        for id, tick in ids.items():
            self.remember(id, tick=tick)

    def remember(self, id: str, *, tick: bool) -> None:
        """Keep the id of a signal, or of a tick, and let go of the oldest of its kind."""
        order = self._ticks if tick else self._order
        if id not in self.ids:
            self.ids.add(id)
            order.append(id)
        while len(order) > self.options.remembers:
            self.ids.discard(order.popleft())

    def note(self, number: int, ids: Mapping[str, bool]) -> list[Op]:
        """Return what is written where many ids haven't been noted: those, and `ids` up to input `number`."""
        remembers = self.options.remembers
        if not remembers or number - self.noted < NOTE_EVERY:
            return []
        signals = [*self._order, *(id for id, tick in ids.items() if not tick)]
        ticks = [*self._ticks, *(id for id, tick in ids.items() if tick)]
        return [self.archive.note(Ids(number, remembers, tuple(signals[-remembers:]), tuple(ticks[-remembers:])))]

    def cut(self, agent: Agent[Any], number: int) -> list[Op]:
        """Return what is written where the journal has become too long: a new base, and the end of an old one.

        So it always begins at a base, and has as many inputs as are wanted, or up to twice as many.
        """
        if self.options.history is None:
            return []
        last = self.bases[-1] if self.bases else 0
        if number - last < max(self.options.history, self.options.remembers, 1):
            return []
        archive = self.archive
        return [
            archive.snapshot(Snapshot(agent, number), base=True),
            archive.without_bases_before(last),
            DeleteRange(archive.past(0), archive.past(last + 1)),
        ]


@define(eq=False)
class Draft:
    """What one commit will hold."""

    _book: Book
    agent: Agent[Any]
    """After the inputs that it has taken."""
    number: int
    """Of the last of them."""
    _ops: list[Op] = field(factory=list)
    _snapshot: Put | None = None
    _done: list[str] = field(factory=list)
    _ids: dict[str, bool] = field(factory=dict)
    """Of signals, each with whether it is a tick."""
    effects: dict[str, Effect] = field(factory=dict)
    timers: dict[str, Due] = field(factory=dict)
    """Signals for later that it writes."""
    cancelled: set[str] = field(factory=set)
    """Records of those that it takes out."""
    _upgraded: bool = False

    def knows(self, id: str) -> bool:
        """Whether a signal with that id was handled, or is about to be."""
        return id in self._book.ids or id in self._ids

    def take(self, input: Heard | Learnt | Began | Rewound, agent: Agent[Any], *, once: bool, record: str = "") -> None:
        """Take an input, which led to `agent`; `record` is that of its signal, if it has one.

        Raises:
            Unstorable: It can't be kept; the draft is as it was.
        """
        archive, number = self._book.archive, self.number + 1
        id = input.signal.id if once else ""
        entry = archive.entry(Entry(number, input, mark_of(agent), type(agent).vsn), id)
        self._ops.append(entry)
        self.number, self.agent = number, agent
        if id:
            self._ids[id] = record in self._book.jobs

    def done(self, record: str) -> None:
        """A record has been dealt with: the signal was handled, the effect is done. A job goes on to its next time."""
        if record in self.timers or record in self.cancelled:
            return  # while it was handled, another took its place, or it was cancelled
        job = self._book.jobs.get(record)
        if job is not None and job.cron is not None:
            self._write(record, evolve(job, at=next_due(job.cron, job.at, self._book.now())))
        elif record:
            self._done.append(record)
            # A signal that waits is written once. If it isn't there, another owner has handled it in between.
            self._ops.append(Delete(record, 1 if "/now/inbox/" in record else None))

    def effect(self, index: int, effect: Effect) -> str:
        """Write directive `index` of the last input, and return its record."""
        record = self._book.archive.effect(self.number, index)
        self.effects[record] = effect
        value = self._book.archive.packed({"signal": effect.signal, "directive": effect.directive})
        self._ops.append(Put(record, value, expected=0))
        return record

    def reopen(self, place: Place, effect: Effect) -> str:
        """Write a directive of an earlier input again, which is done, and return its record."""
        record = self._book.archive.effect_at(place)
        self.effects[record] = effect
        value = self._book.archive.packed({"signal": effect.signal, "directive": effect.directive})
        self._ops.append(Put(record, value))
        return record

    def timer(self, name: str, due: Due) -> None:
        """Write a signal for later, in the place of one of that name."""
        self._write(self._book.archive.timer(name), due)

    def job(self, cron: Cron, *, declared: bool = False) -> None:
        """Write a job, in the place of one with that key; one that says the same goes on.

        Raises:
            InvalidDefinition: It never comes any more.
        """
        record = self._book.archive.timer(job_name(cron.key))
        known = self.timers.get(record, self._book.jobs.get(record)) if record not in self.cancelled else None
        if known is None or known.cron is None or not is_same_job(known.cron, cron) or known.declared != declared:
            self._write(record, Due(first_due(cron, self._book.now()), cron.message, cron=cron, declared=declared))

    def cancel(self, name: str) -> None:
        """Take out a signal for later, or a job."""
        self.drop(self._book.archive.timer(name))

    def drop(self, record: str) -> None:
        """Take out the signal for later, or the job, that has this record."""
        self.timers.pop(record, None)
        if record not in self.cancelled:
            self.cancelled.add(record)
            self._ops.append(Delete(record))

    def _write(self, record: str, due: Due) -> None:
        self.cancelled.discard(record)
        self.timers[record] = due
        self._ops.append(self._book.archive.later(record, due))

    def send(self, to: Archive, record: str, signal: Signal) -> None:
        """Put a signal into an inbox."""
        self._ops.append(to.waiting(record, signal, once=False))

    def while_owned_by(self, to: Archive, epoch: int) -> None:
        """Have the commit refused if another agent has got a new owner meanwhile, who would miss the signal."""
        self._ops.append(Check(to.owner, epoch))

    def become(self, agent: Agent[Any]) -> None:
        """Go on with the agent as one of another class, from which the journal is folded from now on.

        Raises:
            Unstorable: It can't be kept.
        """
        archive, snapshot = self._book.archive, Snapshot(agent, self.number)
        self._snapshot = archive.snapshot(snapshot)
        self._ops += [
            archive.without_bases_before(self.number),
            archive.snapshot(snapshot, base=True),
        ]
        self.agent, self._upgraded = agent, True

    def seal(self, *, whole: bool = False) -> None:
        """Take the agent, too, where its snapshot is due, or `whole` asks for it.

        Raises:
            Unstorable: It can't be kept.
        """
        book, number = self._book, self.number
        small, every = book.options.snapshot_below, book.options.snapshot_every
        is_due = number != book.number and (book.size < small or number - book.saved >= every)
        if is_due or (whole and number != book.saved):
            self._snapshot = book.archive.snapshot(Snapshot(self.agent, number))

    async def commit(self) -> None:
        """Write all of it, and have the book say so.

        Raises:
            OwnershipLost: Another has the agent; nothing was written.
            Conflict: Another agent has got a new owner meanwhile; nothing was written.
            StorageError: See `Storage.commit`.
        """
        book, ops = self._book, self._ops
        if not ops and self._snapshot is None:
            return
        cut = book.cut(self.agent, self.number) if not self._upgraded else []
        if cut and self._snapshot is None:  # a start goes on from the snapshot, and needs all inputs after it
            self._snapshot = book.archive.snapshot(Snapshot(self.agent, self.number))
        if self._snapshot is not None:
            ops.append(self._snapshot)
        ops += cut
        note = book.note(self.number, self._ids)
        ops += note
        await book.archive.write(ops)
        book.agent, book.number = self.agent, self.number
        if note:
            book.noted = self.number
        if self._snapshot is not None:
            book.saved, book.size = self.number, len(self._snapshot.value)
        if self._upgraded:
            book.bases, book.options = (self.number,), type(self.agent).durable or book.options
        if cut:
            book.bases = (*book.bases[-1:], self.number)
        for record in (*self._done, *self.cancelled):
            book.inbox.discard(record)
            book.effects.pop(record, None)
            book.jobs.pop(record, None)
        book.inbox.update(self.timers)
        book.jobs |= {record: due for record, due in self.timers.items() if due.cron is not None}
        book.effects.update(self.effects)
        for id, tick in self._ids.items():
            book.remember(id, tick=tick)


def job_name(key: str) -> str:
    """Return what the timer of a job is called."""
    return f"cron {key}"


def draft(book: Book) -> Draft:
    """Return an empty draft."""
    return Draft(book, book.agent, book.number)

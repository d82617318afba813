"""Inbox: what waits for a durable agent and has a record, in its mailbox or for its time.

What comes in is on disk before it is in the mailbox, so that a message isn't lost when the process dies, and isn't
handled again when it is read again: a record that is here already doesn't come in twice, and one that isn't on disk any
more was handled, or cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import trio
from attrs import define, field

from jido_trio.core import tick
from jido_trio.core.inner import comes_at
from jido_trio.runtime._archive import Archive, Due, Found, schedule_name
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._clock import DayTimer
from jido_trio.runtime._messages import Kept, Message, Outcome
from jido_trio.terms import ExitKind


@define(eq=False)
class Inbox:
    """What waits for one durable agent."""

    archive: Archive
    room: trio.Semaphore
    """For signals that were cast, until they are handled."""
    _cell: Cell
    on_disk: set[str] = field(init=False, factory=set)
    """Records of signals that aren't handled yet, as far as is known."""
    left: set[str] = field(init=False, factory=set)
    """Records of those that a death may have left open, and that aren't dealt with yet.

    A job, or a schedule with a key, has its record anew for the next time: that is another signal."""
    _here: dict[str, Kept | Outcome] = field(init=False, factory=dict)
    """What is in the mailbox, by record."""
    _in_room: set[str] = field(init=False, factory=set)
    """Records of what takes a place of `room`."""
    _timers: dict[str, DayTimer] = field(init=False, factory=dict)
    _jobs: dict[str, tuple[str, float]] = field(init=False, factory=dict)
    """Of those timers that are of a job, its key and its next time, in seconds since 1970."""

    # ---- what comes in

    def arrive(self, message: Kept, *, in_room: bool = False) -> None:
        """Put in a signal that has a record, if it isn't here; one `in_room` gives its place back at the end."""
        if in_room:
            self._in_room.add(message.record)
        if not self._cell.closed and message.record not in self._here:
            self.on_disk.add(message.record)
            self._here[message.record] = message
            self._cell.put(message)

    def learn(self, outcome: Outcome) -> None:
        """Put in what came of an action whose note is the outcome's record."""
        self._here[outcome.record] = outcome
        self._cell.put(outcome)

    def take_over(self, found: Found) -> None:
        """Take up what was found on disk; more may have come in while that was read."""
        self.on_disk |= found.inbox.keys() | found.timers.keys()
        left = self.left & self.on_disk
        for record, waiting in found.inbox.items():
            self.arrive(Kept(waiting.signal, record, waiting.once))
        in_order = sorted(found.timers.items(), key=lambda each: each[1].at)  # of those that are due, too
        for record, due in in_order:
            if record not in self._timers:
                self.arm(record, due)
        self.left = left

    # ---- what goes out

    def has(self, record: str) -> bool:
        """Whether what has that record is in the mailbox."""
        return record in self._here

    def is_due(self, message: Kept) -> bool:
        """Whether a signal is to be handled: not one that was handled already, was cancelled, or has a successor."""
        return self._here.get(message.record) is message and message.record in self.on_disk

    def forget(self, message: Message) -> None:
        """Forget the record of a message that was dealt with, and give its place to another."""
        record = record_of(message)
        if self._here.get(record) is message:
            del self._here[record]
            self.left.discard(record)
        if record in self._in_room:
            self._in_room.discard(record)
            self.room.release()

    # ---- timers

    def arm(self, record: str, due: Due) -> None:
        """Have a signal come in at its time, in the place of what has the same record."""
        self.disarm(record)
        instance, cron, at = self._cell.instance, due.cron, due.at
        message = Kept(due.signal, record)
        if cron is not None:
            at = comes_at(self._cell.id, cron, due.at)
            message = Kept(tick(self._cell.id, cron, due.at), record, once=True)
            self._jobs[record] = cron.key, due.at

        def fire() -> None:
            self._timers.pop(record, None)
            self._jobs.pop(record, None)
            self.arrive(message)

        self._timers[record] = instance.timers.at_time(at, lambda: instance.world.now().timestamp(), fire)

    def next_due(self) -> float | None:
        """Return when the first signal comes in, in seconds of Trio's clock; None if none will."""
        return min((timer.due for timer in self._timers.values()), default=None)

    def is_scheduled(self, key: str) -> bool:
        """Tell whether there is a schedule with that key, which may be due."""
        return self.archive.timer(schedule_name(key)) in self.on_disk

    def disarm(self, record: str) -> None:
        """Have it not come in, or not be handled any more."""
        self._here.pop(record, None)
        self.left.discard(record)
        timer = self._timers.pop(record, None)
        self._jobs.pop(record, None)
        if timer is not None:
            timer.cancel()

    def inspect(self) -> Mapping[str, object]:
        """Return the seconds until each signal for later is due, and when each job comes next."""
        now, jobs = trio.current_time(), self._jobs
        timers = sorted(timer.due - now for record, timer in self._timers.items() if record not in jobs)
        comes = {key: datetime.fromtimestamp(at, UTC).isoformat() for key, at in jobs.values()}
        return {"timers": timers, **({"jobs": comes} if comes else {})}

    # ---- the end

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`. What is on disk stays there, for the next start."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._jobs.clear()

    def let_all_in(self) -> None:
        """Have everybody look who waits for room: the agent has ended."""
        for _ in range(self.room.statistics().tasks_waiting):
            self.room.release()


def record_of(message: Message) -> str:
    """Return the record of a message, or an empty text."""
    return message.record if isinstance(message, Kept | Outcome) else ""

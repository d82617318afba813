"""Timers: one task with a heap for all that an instance does later, instead of a task or a cancel scope for each.

Calls mostly wait equally long, so their deadlines come in the order in which they were made: `Deadlines` keeps them in
a queue, and only the first of it is a timer. A call that is answered takes nothing back; it is skipped when its turn
comes, and swept where many such gather.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Protocol

import trio
from attrs import define, field

Now = Callable[[], float]
"""Tells the time of day, in seconds since 1970."""

LOOK = 60.0
"""Seconds after which a timer for a time of day looks at that again: a machine may have slept meanwhile."""

_FEW = 64
"""So many cancelled timers may stay in the heap before it is swept."""


@define(order=False, eq=False)
class Timer:
    """A callback to be made at a time, unless it is cancelled."""

    due: float
    _call: Callable[[], None] | None
    _timers: Timers

    def cancel(self) -> None:
        """Make no callback. To cancel twice, or too late, does nothing."""
        if self._call is not None:
            self._call = None
            self._timers.cancelled()

    def fire(self) -> None:
        """Make the callback."""
        call, self._call = self._call, None
        if call is not None:
            call()

    @property
    def pending(self) -> bool:
        """Whether the callback is still to be made."""
        return self._call is not None


@define(eq=False)
class Timers:
    """Timers by due time, in seconds of Trio's clock; those due at the same time fire in the order they were made."""

    _heap: list[tuple[float, int, Timer]] = field(factory=list)
    _numbers: count[int] = field(factory=count)
    _dead: int = 0
    _next_due: float = math.inf
    _sleep: trio.CancelScope = field(factory=trio.CancelScope)
    _ended: bool = False

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, due: float, call: Callable[[], None]) -> Timer:
        """Have `call` made at `due`; it must neither block nor raise."""
        timer = Timer(due, call, self)
        heappush(self._heap, (due, next(self._numbers), timer))
        if due < self._next_due:
            self._next_due = self._sleep.deadline = due
        return timer

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Have `call` made `seconds` from now."""
        return self.at(trio.current_time() + seconds, call)

    def at_time(self, at: float, now: Now, call: Callable[[], None]) -> DayTimer:
        """Have `call` made at a time of day."""
        timer = DayTimer(at, now, call, self, trio.current_time() + max(0.0, at - now()))
        timer.look()
        return timer

    def cancelled(self) -> None:
        """Note that one timer of the heap is of no use any more, and sweep when most are."""
        self._dead += 1
        if self._dead > _FEW and self._dead > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].pending]
            heapify(self._heap)
            self._dead = 0

    def end(self) -> None:
        """Have `run` return."""
        self._ended = True
        self._sleep.cancel("the timers end")

    @trio.lowlevel.enable_ki_protection  # between a scope and its end, an interrupt would leave the scope open
    async def run(self) -> None:
        """Fire timers until `end` is called; cancelling it is in vain, as deadlines hold while anything else lives."""
        with trio.CancelScope(shield=True):
            while not self._ended:
                next_due = self._heap[0][0] if self._heap else math.inf
                self._next_due = next_due
                self._sleep = trio.CancelScope(deadline=next_due)
                with self._sleep:
                    await trio.sleep_forever()
                self._fire_due(trio.current_time())

    def _fire_due(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            timer = heappop(self._heap)[2]
            if timer.pending:
                timer.fire()
            else:
                self._dead -= 1


@define(eq=False)
class DayTimer:
    """A callback at a time of day: when the clock on the wall shows it or so much time has gone by, what is first.

    So neither a machine that sleeps nor a clock that is set back makes it late.
    """

    at: float
    """In seconds since 1970."""
    _now: Now
    _call: Callable[[], None]
    _timers: Timers
    due: float
    """When that is, in seconds of Trio's clock, as far as is known."""
    _next: Timer | None = None

    def look(self) -> None:
        """Make the callback, or wait on."""
        now = trio.current_time()
        self.due = min(self.due, now + max(0.0, self.at - self._now()))
        if self._next is not None and self.due <= now:
            self._next = None
            self._call()
        else:
            self._next = self._timers.at(min(self.due, now + LOOK), self.look)

    def cancel(self) -> None:
        """Make no callback."""
        if self._next is not None:
            self._next.cancel()
            self._next = None


class Expiring(Protocol):
    """What has a deadline."""

    settled: bool
    """Whether the deadline means nothing any more."""

    def expire(self, seconds: float) -> None:
        """Take note that `seconds` are over."""


@define(eq=False)
class Deadlines:
    """The deadlines of all that wait equally long."""

    seconds: float
    _timers: Timers
    _queue: deque[tuple[float, Expiring]] = field(factory=deque)
    _sweep_at: int = _FEW
    _watching: bool = False

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, expiring: Expiring) -> None:
        """Have it expire in `seconds`, unless it is settled by then."""
        queue, due = self._queue, trio.current_time() + self.seconds
        while queue and queue[0][1].settled:
            queue.popleft()
        if len(queue) >= self._sweep_at:
            self._queue = queue = deque(entry for entry in queue if not entry[1].settled)
            self._sweep_at = _FEW + 2 * len(queue)
        queue.append((due, expiring))
        if not self._watching:
            self._watch()

    def _watch(self) -> None:
        self._watching = True
        self._timers.at(self._queue[0][0], self._look)

    def _look(self) -> None:
        queue, now, self._watching = self._queue, trio.current_time(), False
        while queue and (queue[0][1].settled or queue[0][0] <= now):
            _, expiring = queue.popleft()
            if not expiring.settled:
                expiring.expire(self.seconds)
        if queue:
            self._watch()

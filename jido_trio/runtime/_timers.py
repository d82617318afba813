"""Timers: one task with a heap for all deadlines of an instance, instead of a cancel scope for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

import trio
from attrs import define, field

_FEW = 64
"""So many cancelled timers may stay in the heap before it is swept."""


@define(order=False, eq=False)
class Timer:
    """A callback to be made at a time, unless it is cancelled."""

    due: float
    _call: Callable[[], None] | None
    _timers: Timers

    def cancel(self) -> None:
        """Make no callback. Cancelling twice, or too late, is nothing."""
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

    def cancelled(self) -> None:
        """Note that one timer of the heap is of no use any more, and sweep when most are."""
        self._dead += 1
        if self._dead > _FEW and self._dead > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].pending]
            heapify(self._heap)
            self._dead = 0

    async def run(self) -> None:
        """Fire timers, for ever."""
        while True:
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

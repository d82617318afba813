"""Alarms: one task that sleeps until the next of many times, and calls what was to be called then."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Hashable
from heapq import heapify, heappop, heappush

import trio
from attrs import define, field


@define(eq=False)
class Alarms:
    """Calls that are due at some time, one for each key at most. Their task begins with the first of them.

    It is shielded, as the children are: it is when all is cancelled that limits matter.
    """

    _spawn: Callable[[Callable[[], Awaitable[None]]], None]
    _broke: Callable[[BaseException], None]
    _calls: dict[Hashable, tuple[int, Callable[[], None]]] = field(factory=dict)
    _times: list[tuple[float, int, Hashable]] = field(factory=list)
    """A heap; entries whose number isn't that of the call were dropped."""
    _number: int = 0
    _sleep: trio.CancelScope = field(factory=trio.CancelScope)
    _running: bool = False
    _over: bool = False

    def set(self, key: Hashable, at: float, call: Callable[[], None]) -> None:
        """Have `call` called at that time of Trio's clock; it replaces what was set for the key."""
        self._number += 1
        self._calls[key] = self._number, call
        if len(self._times) > 2 * len(self._calls) + 16:
            self._times = [entry for entry in self._times if self._stands(entry)]
            heapify(self._times)
        heappush(self._times, (at, self._number, key))
        self._sleep.deadline = min(self._sleep.deadline, at)
        if not self._running:
            self._running = True
            self._spawn(self._run)

    def drop(self, key: Hashable) -> None:
        """Call nothing for that key."""
        self._calls.pop(key, None)

    def end(self) -> None:
        """Nothing is called any more."""
        self._over = True
        self._calls.clear()
        self._sleep.cancel("nothing is left to watch over")

    def _stands(self, entry: tuple[float, int, Hashable]) -> bool:
        call = self._calls.get(entry[2])
        return call is not None and call[0] == entry[1]

    @trio.lowlevel.enable_ki_protection
    async def _run(self) -> None:
        try:
            while not self._over:
                self._sleep = trio.CancelScope(deadline=self._next(), shield=True)
                with self._sleep:
                    await trio.sleep_forever()
                self._ring()
        except BaseException as error:  # noqa: ASYNC103, BLE001  # nobody else would hear of it
            self._broke(error)

    def _next(self) -> float:
        while self._times and not self._stands(self._times[0]):
            heappop(self._times)
        return self._times[0][0] if self._times else math.inf

    def _ring(self) -> None:
        now = trio.current_time()
        while self._next() <= now:
            _, _, key = heappop(self._times)
            _, call = self._calls.pop(key)
            call()

"""The run queue: one task in which the agents of an instance take turns.

An agent with messages has its turn: at most 16 of them, then the next agent's. After 64 messages, or about a
millisecond, all other tasks of the program have a turn. So no agent starves another, and no agent the program. The
order follows from the order of the messages alone.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import trio
from attrs import define, field

TURN = 16
"""So many messages one agent handles before it is the next agent's turn."""

ROUND = 64
"""So many messages are handled before the other tasks of the program have a turn."""

SECONDS = 0.001
"""So long it may take, by Trio's clock, before the other tasks of the program have a turn."""


class Ready(Protocol):
    """Who has something to do."""

    def serve(self, limit: int, /) -> int:
        """Do at most `limit` pieces of it, and return how many."""
        ...


@define(eq=False)
class RunQueue:
    """Who has something to do, in order."""

    _ready: deque[Ready] = field(factory=deque)
    _waiting: trio.lowlevel.Task | None = None

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, ready: Ready) -> None:
        """Give it a turn, after those that wait already."""
        self._ready.append(ready)
        waiting = self._waiting
        if waiting is not None:
            self._waiting = None
            trio.lowlevel.reschedule(waiting)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Give turns, for ever."""
        ready, now = self._ready, trio.current_time
        while True:
            if not ready:
                await self._wait()
            done, until = 0, now() + SECONDS
            while ready:
                done += ready.popleft().serve(TURN)
                if done >= ROUND or now() > until:
                    await trio.lowlevel.checkpoint()
                    done, until = 0, now() + SECONDS

    async def _wait(self) -> None:
        self._waiting = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._cancelled)

    def _cancelled(self, _: object) -> trio.lowlevel.Abort:
        self._waiting = None
        return trio.lowlevel.Abort.SUCCEEDED

"""The run queue: one task in which the agents of an instance take turns.

An agent with messages has its turn: at most 16 of them, then the next agent's. After 64 messages, or about a
millisecond, all other tasks of the program have a turn. So no agent starves another, and no agent the program. The
order follows from the order of the messages alone.

Here ends, too, what a function of the user's raises to end the program (SystemExit, KeyboardInterrupt) while it is told
something in whatever task that came up: with the run queue the instance ends, and raises it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

import trio
from attrs import define, field, frozen

T = TypeVar("T")

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


@frozen(eq=False)
class _Interrupt:
    """What ends the program."""

    error: BaseException

    def serve(self, _: int, /) -> int:
        """See `Ready`."""
        raise self.error


@define(eq=False)
class RunQueue:
    """Who has something to do, in order."""

    _ready: deque[Ready] = field(factory=deque)
    _waiting: trio.lowlevel.Task | None = None
    _runs: bool = False

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, ready: Ready) -> None:
        """Give it a turn, after those that wait already."""
        self._ready.append(ready)
        waiting = self._waiting
        if waiting is not None:
            self._waiting = None
            trio.lowlevel.reschedule(waiting)

    def telling(self, box: Callable[[T], None]) -> Callable[[T], None]:
        """Return what tells `box` something; what it raises to end the program isn't raised where that came up."""

        def tell(each: T) -> None:
            try:
                box(each)
            except Exception:
                raise  # a bug of the box: who tells it has it logged
            except BaseException as error:  # noqa: ASYNC103  # the run queue raises it
                if not self._runs:
                    raise
                self.add(_Interrupt(error))

        return tell

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Give turns, for ever."""
        self._runs = True
        try:
            await self._run()
        finally:
            self._runs = False

    async def _run(self) -> None:
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

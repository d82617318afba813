"""Progress of async actions, for whoever asked: a listener at an agent is told how far each is, and what came of it.

A listener keeps one update of each action, the last: one that is slow misses steps, and holds up nobody.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import trio
from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.core import Outcome, Signal
from jido_trio.redact import shown
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._ref import AgentRef, cell_of
from jido_trio.terms import ExitKind

LIMIT = 1000
"""So many updates are kept for who listens."""


@frozen
class Update:
    """How far an async action of an agent is."""

    action: str
    """Its name."""
    id: str | None
    """Of its instruction, if that has one."""
    signal: str
    """The id of the signal that led to it."""
    incarnation: int
    """The life that asked for it."""
    data: Any = None
    """What it gave to `context.progress`; None when it has ended."""
    outcome: Outcome | None = None
    """What came of it; None while it runs, and if its life ended before it was done."""
    ended: bool = False
    """Whether it is over: this is the last of it."""


@define(eq=False)
class Listener:
    """Who listens at one agent: an iterator over what there is to tell, which ends with the agent."""

    _signal: str | None
    """The id of the signal that it is about; None for all."""
    _limit: int
    _updates: OrderedDict[object, Update] = field(factory=OrderedDict)
    _closed: bool = False
    _changed: trio.Event = field(factory=trio.Event)

    def __repr__(self) -> str:
        about = "all signals" if self._signal is None else f"signal {shown(self._signal)}"
        return f"<Listener to {about}, {len(self._updates)} updates{', ended' if self._closed else ''}>"

    def tell(self, job: object, update: Update) -> None:
        """Keep an update, in the place of the last one of that job."""
        if self._signal in (None, update.signal):
            self._updates[job] = update
            if len(self._updates) > self._limit:
                self._updates.popitem(last=False)
            self._changed.set()

    def close(self) -> None:
        """There is nothing more to come."""
        self._closed = True
        self._changed.set()

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Update:
        await trio.lowlevel.checkpoint()
        while not self._updates:
            if self._closed:
                raise StopAsyncIteration
            self._changed = trio.Event()
            await self._changed.wait()
        return self._updates.popitem(last=False)[1]


@define(eq=False)
class Listeners:
    """Those who listen at one agent."""

    all: list[Listener] = field(factory=list)

    def tell(self, job: object, update: Update) -> None:
        """Tell all of an update of a job."""
        for listener in self.all:
            listener.tell(job, update)

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        for listener in self.all:
            listener.close()


@contextmanager
def listen_progress(
    ref: AgentRef[Any], signal: Signal | None = None, *, limit: int = LIMIT
) -> Iterator[AsyncIterator[Update]]:
    """Listen at an agent while the block lasts: an async iterator over the progress of its async actions.

    Of each action there is an update when it says how far it is, and a last one when it has ended. Who comes late finds
    the last of each. The iterator ends when the agent has ended for good.

    Args:
        ref: The agent.
        signal: The signal whose actions are asked for; None for those of all signals.
        limit: So many updates are kept for who is slow; of more, the oldest are forgotten.

    Raises:
        AgentStopped: The agent has ended.
        InvalidDefinition: The limit is no whole number above 0, or `signal` is no signal.
    """
    checks.whole("listen_progress", "limit", limit, least=1)
    if not isinstance(signal, Signal | None):
        raise checks.refused("listen_progress", "signal", signal, "must be the Signal that was sent, or None for all")
    cell: Cell = cell_of(ref)
    if cell.closed:
        raise cell.refusal()
    listener = Listener(signal.id if signal is not None else None, limit)
    listeners = cell.kept(Listeners)
    if listeners is None:
        listeners = Listeners()
        cell.keep(listeners)
    listeners.all.append(listener)
    try:
        yield listener
    finally:
        listeners.all.remove(listener)
        if not listeners.all:
            cell.let_go(Listeners)

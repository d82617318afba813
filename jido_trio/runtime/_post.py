"""Post: signals from agent to agent. Emit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio
from attrs import frozen

from jido_trio.core import Emit, Signal, ToAgent, ToParent
from jido_trio.errors import AgentStopped, InvalidDefinition, WouldDeadlock
from jido_trio.redact import shown
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._family import parent_of
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._messages import Own
from jido_trio.runtime._server import Server
from jido_trio.runtime._waits import waiting_for


@frozen(eq=False)
class Post:
    """Delivers signals. What can't be delivered is a dead letter, and nobody crashes."""

    _instance: Instance

    def emit(self, sender: Cell, emitted: Emit, *, aside: bool = False) -> Awaitable[None] | None:
        """Send a signal where it is to go; return what is to be awaited if it has to wait for room.

        An agent can't wait for room in its own mailbox, so a signal to itself needs none; but who sends it from
        `aside`, while the agent handles others, can.
        """
        dispatch = emitted.dispatch if emitted.dispatch is not None else sender.default_dispatch
        return self._to(sender, emitted, dispatch, aside=aside)

    def _to(self, sender: Cell, emitted: Emit, dispatch: object, *, aside: bool) -> Awaitable[None] | None:
        match dispatch:
            case None:
                return self._deliver(sender, emitted, sender, aside=aside)
            case ToAgent(id):
                cell = self._instance.cells.get(id)
                if cell is not None:
                    return self._deliver(cell, emitted, sender, aside=aside)
                self._instance.undeliverable(id, emitted.signal, "no agent has that id")
                return None
            case ToParent():
                parent = parent_of(sender)
                return self._deliver(parent, emitted, sender, aside=aside) if parent is not None else None
            case list() | tuple():
                return self._to_all(sender, emitted, dispatch, aside=aside)
            case _:
                raise InvalidDefinition(
                    f"agent {shown(sender.id)} emits to {shown(dispatch)}; dispatch is ToAgent(id), ToParent(), "
                    "several, or None",
                    field="dispatch",
                    value=dispatch,
                )

    def _to_all(self, sender: Cell, emitted: Emit, targets: Sequence[object], *, aside: bool) -> Awaitable[None] | None:
        for number, one in enumerate(targets, start=1):
            waits = self._to(sender, emitted, one, aside=aside)
            if waits is not None:
                return self._then(waits, partial(self._to_all, sender, emitted, targets[number:], aside=aside))
        return None

    async def _then(self, waits: Awaitable[None], rest: Callable[[], Awaitable[None] | None]) -> None:
        await waits
        more = rest()
        if more is not None:
            await more

    def _deliver(self, cell: Cell, emitted: Emit, sender: Cell, *, aside: bool) -> Awaitable[None] | None:
        signal = emitted.signal
        if cell is sender and not aside:
            cell.put(Own(signal))
        elif not cell.offer(signal):
            if emitted.when_full == "wait" and not cell.closed and not cell.mailbox.refuses:
                return self._when_there_is_room(cell, signal)
            if emitted.when_full == "drop":
                self._instance.counts.accepted += 1
                self._instance.counts.dropped += 1
            else:
                self._instance.undeliverable(cell.id, signal, cell.closed or "its mailbox is full")
        return None

    @trio.lowlevel.enable_ki_protection
    async def _when_there_is_room(self, cell: Cell, signal: Signal) -> None:
        # A task begins to wait later than it was seen that there is no room: there may be some by now, or nobody.
        if cell.closed:
            self._instance.undeliverable(cell.id, signal, cell.closed)
        elif not cell.offer(signal):
            await self._in_line(cell, signal)

    async def _in_line(self, cell: Cell, signal: Signal) -> None:
        assert isinstance(cell, Server)  # noqa: S101  # all cells of an instance are
        try:
            with waiting_for(cell):
                await cell.mailbox.park(signal)
        except AgentStopped as stopped:
            self._instance.undeliverable(cell.id, signal, stopped.reason)
        except WouldDeadlock as deadlock:
            why = f"its mailbox is full, and it waits for the sender: {deadlock.way}"
            self._instance.undeliverable(cell.id, signal, why)


@interpret.register
def _(directive: Emit, runtime: Runtime) -> Awaitable[None] | None:
    return runtime.cell.instance.part(Post).emit(runtime.cell, directive)

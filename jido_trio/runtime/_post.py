"""Post: signals from agent to agent. Emit."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

import trio
from attrs import frozen

from jido_trio.core import Emit, Signal, ToAgent, ToParent
from jido_trio.errors import AgentStopped, InvalidDefinition
from jido_trio.redact import shown
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._family import parent_of
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._mailbox import Own


@frozen(eq=False)
class Post:
    """Delivers signals. What can't be delivered is a dead letter, and nobody crashes."""

    _instance: Instance

    def emit(self, sender: Cell, emitted: Emit, dispatch: object) -> Awaitable[None] | None:
        """Send a signal where `dispatch` says; return what is to be awaited if it has to wait for room."""
        match dispatch:
            case None:
                sender.put(Own(emitted.signal))
            case ToAgent(id):
                return self._to(id, emitted, sender)
            case ToParent():
                parent = parent_of(sender)
                return self._to(parent.id, emitted, sender) if parent is not None else None
            case list() | tuple():
                return self._to_all(sender, emitted, dispatch)
            case _:
                raise InvalidDefinition(
                    f"agent {shown(sender.id)} emits to {shown(dispatch)}; dispatch is ToAgent(id), ToParent(), "
                    "several, or None",
                    field="dispatch",
                    value=dispatch,
                )
        return None

    def _to_all(self, sender: Cell, emitted: Emit, targets: Sequence[object]) -> Awaitable[None] | None:
        for number, one in enumerate(targets, start=1):
            waits = self.emit(sender, emitted, one)
            if waits is not None:
                return self._then(waits, sender, emitted, targets[number:])
        return None

    async def _then(self, waits: Awaitable[None], sender: Cell, emitted: Emit, targets: Sequence[object]) -> None:
        await waits
        more = self._to_all(sender, emitted, targets)
        if more is not None:
            await more

    def _to(self, id: str, emitted: Emit, sender: Cell) -> Awaitable[None] | None:
        cell, signal = self._instance.cells.get(id), emitted.signal
        if cell is None:
            self._instance.undeliverable(id, signal, "no agent has that id")
        elif cell is sender:
            cell.put(Own(signal))
        elif not cell.offer(signal):
            if emitted.when_full == "wait" and not cell.closed and not cell.mailbox.refuses:
                return self._when_there_is_room(cell, signal)
            if emitted.when_full == "drop":
                self._instance.counts.accepted += 1
                self._instance.counts.dropped += 1
            else:
                self._instance.undeliverable(id, signal, cell.closed or "its mailbox is full")
        return None

    @trio.lowlevel.enable_ki_protection
    async def _when_there_is_room(self, cell: Cell, signal: Signal) -> None:
        try:
            await cell.mailbox.park(signal)
        except AgentStopped as stopped:
            self._instance.undeliverable(cell.id, signal, stopped.reason)


@interpret.register
def _(directive: Emit, runtime: Runtime) -> Awaitable[None] | None:
    return runtime.cell.instance.part(Post).emit(runtime.cell, directive, directive.dispatch)

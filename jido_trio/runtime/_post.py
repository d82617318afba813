"""Post: signals from agent to agent. Emit."""

from __future__ import annotations

from attrs import frozen

from jido_trio.core import Emit, Signal, ToAgent, ToParent
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._family import parent_of
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._mailbox import Own


@frozen(eq=False)
class Post:
    """Delivers signals. What can't be delivered is a dead letter: nobody waits and nobody crashes."""

    _instance: Instance

    def emit(self, sender: Cell, signal: Signal, dispatch: object) -> None:
        """Send a signal where `dispatch` says."""
        match dispatch:
            case None:
                sender.put(Own(signal))
            case ToAgent(id):
                self._to(id, signal, sender)
            case ToParent():
                parent = parent_of(sender)
                if parent is not None:
                    self._to(parent.id, signal, sender)
            case list() | tuple():
                for one in dispatch:
                    self.emit(sender, signal, one)
            case _:
                raise InvalidDefinition(
                    f"agent {shown(sender.id)} emits to {shown(dispatch)}; dispatch is ToAgent(id), ToParent(), "
                    "several, or None",
                    field="dispatch",
                    value=dispatch,
                )

    def _to(self, id: str, signal: Signal, sender: Cell) -> None:
        cell = self._instance.cells.get(id)
        if cell is None:
            self._instance.undeliverable(id, signal, "no agent has that id")
        elif cell is sender:
            cell.put(Own(signal))
        elif not cell.offer(signal):
            self._instance.undeliverable(id, signal, "its mailbox is full")


@interpret.register
def _(directive: Emit, runtime: Runtime) -> None:
    runtime.cell.instance.part(Post).emit(runtime.cell, directive.signal, directive.dispatch)

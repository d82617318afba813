"""Upgrade: agents that run go on as agents of another class, each between two of its messages.

First all states are brought over as a trial, and if one can't be, nothing is changed. Then each agent is told of the
class that it shall have. One that is at nothing has it at once; one that is at something, when it has carried out what
its message led to. A durable one writes itself as one of the new class in a commit of its own; whatever dies there, its
next life finds on disk which of the two it is.

Messages wait meanwhile as they do behind any other message. What belongs to the agent, its mailbox, its children, its
timers, its ref, doesn't know of classes and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import trio
from attrs import define, field

from jido_trio.core import Agent, Migration
from jido_trio.core.inner import check_class
from jido_trio.errors import AgentStopped, InvalidDefinition, MigrationFailed, UpgradeFailed
from jido_trio.redact import said, shown
from jido_trio.runtime._archive import check_storable
from jido_trio.runtime._cell import Cell, Instance
from jido_trio.runtime._server import Server
from jido_trio.runtime._upgrading import Upgrading, Wanted
from jido_trio.runtime._waits import refuse_circle, waiting_for

LOOK = 0.1
"""Seconds until it is looked again what an agent is at."""

MANY = 500
"""So many agents are gone through before others have their turn."""


@define(eq=False)
class Upgrades:
    """The upgrades of one instance: one after the other."""

    _instance: Instance
    _lock: trio.Lock = field(init=False, factory=trio.Lock)

    async def run(
        self, old: type[Agent[Any]], new: type[Agent[Any]], only: Cell | None, migrate: Migration | None
    ) -> list[Server]:
        """Upgrade agents, and return those that are of the new class now.

        Raises:
            InvalidDefinition: The classes don't go together, or the one agent isn't of the old.
            UpgradeFailed: Some couldn't become one of the new class.
            WouldDeadlock: One of them waits for the current task.
        """
        check_classes(old, new)
        async with self._lock:
            cells = self._of_class(old, only)
            for cell in cells:
                refuse_circle(cell)
            await _try_all(cells, new, migrate)
            wanted = {cell.id: Upgrading(cell.id, new, migrate, cell.between) for cell in cells}
            try:
                for number, cell in enumerate(cells, start=1):
                    cell.upgrade(wanted[cell.id])
                    if number % MANY == 0:
                        await trio.lowlevel.checkpoint()
                for cell in cells:
                    with waiting_for(cell, lasting=True):
                        await come_over(cell, wanted[cell.id])
            finally:
                for cell in cells:
                    if cell.kept(Upgrading) is wanted[cell.id]:
                        cell.let_go(Upgrading)
        await trio.lowlevel.checkpoint()
        return _settled(cells, wanted)

    def _of_class(self, old: type[Agent[Any]], only: Cell | None) -> list[Server]:
        if only is not None and type(only.initial) is not old:
            raise InvalidDefinition(
                f"agent {shown(only.id)} is one of {type(only.initial).__qualname__}, not of {old.__qualname__}",
                field="agent",
                value=only.id,
            )
        cells = [only] if only is not None else [*self._instance.cells.values()]
        return [cell for cell in cells if isinstance(cell, Server) and type(cell.initial) is old]


def check_classes(old: object, new: object) -> None:
    """Refuse two classes of which one can't take the place of the other."""
    for cls in (old, new):
        check_class("upgrade", "agent", cls)
    assert isinstance(old, type)  # noqa: S101  # just seen
    assert isinstance(new, type)  # noqa: S101  # just seen
    if old is new:
        raise InvalidDefinition(f"upgrade: {new.__qualname__} twice; give the class that its agents shall have")
    if (old.durable is None) != (new.durable is None):  # type: ignore[attr-defined]
        which = new.__qualname__ if new.durable is not None else old.__qualname__  # type: ignore[attr-defined]
        raise InvalidDefinition(f"upgrade: only {which} is durable; both classes must be, or none")
    if new.durable is not None:  # type: ignore[attr-defined]
        check_storable(new)


async def _try_all(cells: Sequence[Server], new: type[Agent[Any]], migrate: Migration | None) -> None:
    failed: dict[str, str] = {}
    for number, cell in enumerate(cells, start=1):
        trial = Upgrading(cell.id, new, migrate, cell.between)
        try:
            for agent in cell.to_bring_over():
                trial.of(agent)
        except MigrationFailed as error:
            failed[cell.id] = error.why
        if number % MANY == 0:
            await trio.lowlevel.checkpoint()
    if failed:
        raise UpgradeFailed(new.__qualname__, failed, ())


async def come_over(cell: Server, wanted: Wanted) -> None:
    """Wait until the agent has changed as is wanted, or can't."""
    while not wanted.is_over:
        if cell.closed:
            wanted.over(AgentStopped(cell.id, cell.closed))
            return
        supervisor = cell.instance.supervisor
        if cell.state == "down" and supervisor is not None:
            slot = supervisor.child(cell.id).inspect()
            if slot is not None and slot.state == "parked":
                cell.change_parked(wanted)
                continue
        await wanted.wait(LOOK)


def _settled(cells: Sequence[Server], wanted: dict[str, Upgrading]) -> list[Server]:
    failed: dict[str, str] = {}
    done: list[Server] = []
    for cell in cells:
        error = wanted[cell.id].error
        if error is None:
            done.append(cell)
        elif not isinstance(error, AgentStopped):
            failed[cell.id] = error.why if isinstance(error, MigrationFailed) else said(error)
    if failed:
        new = wanted[next(iter(failed))].cls
        raise UpgradeFailed(new.__qualname__, failed, tuple(cell.id for cell in done))
    return done

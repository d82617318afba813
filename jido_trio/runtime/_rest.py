"""Rest: whether a durable agent has anything to do, for those who put agents to rest and wake them, as groups do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.runtime._agents import Agents
from jido_trio.runtime._archive import archive_of
from jido_trio.runtime._durable import DurableServer
from jido_trio.runtime._family import Children
from jido_trio.runtime._hibernation import HIBERNATED
from jido_trio.runtime._ref import AgentRef, cell_of
from jido_trio.runtime._wakers import Wakers
from jido_trio.storage import within
from jido_trio.terms import ExitKind


@define(eq=False)
class _Watch:
    """Who is told of an agent's end."""

    cell: DurableServer
    ended: Callable[[float | None], None]

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        self.ended(self.cell.due if self.cell.stop_reason == HIBERNATED else None)


def watch_rest(agent: AgentRef[Any], *, rested: Callable[[], None], ended: Callable[[float | None], None]) -> None:
    """Have `rested` called whenever a durable agent has done all there was, and `ended` when it has ended for good.

    `ended` is given when the first of the agent's schedules is due, in seconds of Trio's clock, if it was put to rest
    and has any; else None. Both are called where that happens, and must neither block nor raise. There is one who
    watches an agent.
    """
    cell = cell_of(agent)
    assert isinstance(cell, DurableServer)  # noqa: S101  # who puts agents to rest has durable ones
    cell.rested = rested
    if cell.closed:
        ended(None)
    else:
        cell.keep(_Watch(cell, ended))


def is_at_rest(agent: AgentRef[Any]) -> bool:
    """Whether a durable agent has nothing to do: no message, no effect that isn't done, no task or child, no flight."""
    cell = cell_of(agent)
    children = cell.kept(Children)
    return (
        isinstance(cell, DurableServer)
        and cell.has_nothing_open()
        and not cell.is_kept_busy
        and (children is None or not (children.by_tag or children.workers))
    )


async def is_kept(agents: Agents, id: str) -> bool:
    """Whether there is anything on disk of an agent, be it a signal that waits for its first start.

    Raises:
        StorageError: See `Storage.scan`.
    """
    instance = agents._instance  # noqa: SLF001  # the instance is the runtime's own
    if instance.storage is None:
        return False
    return bool(await instance.storage.scan(*within(archive_of(instance.storage, instance.name, id).prefix), limit=1))


def wake_by(agents: Agents, group: str, wake: Callable[[str], None] | None) -> None:
    """Have `wake` called with each id that begins with `group/` and that a signal was left on disk for; None ends that.

    It must neither block nor raise.

    Raises:
        InvalidDefinition: Another has that group.
    """
    wakers = agents._instance.part(Wakers).by_group  # noqa: SLF001  # the instance is the runtime's own
    if wake is None:
        wakers.pop(group, None)
    elif group in wakers:
        raise InvalidDefinition(f"name={shown(group)} is taken: another group has it", field="name", value=group)
    else:
        wakers[group] = wake

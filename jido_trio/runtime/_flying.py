"""What flies for an agent: tasks that work for it beside its lives, as the tools of a conversation do.

Who puts the agent to rest, or waits for its answer, waits for these tasks, too. And a task that flies may itself wait
for other agents. So whoever is about to wait looks whether that would close a circle, in which nobody would go on.
A wait that ends after some time is of no interest.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from attrs import define, field

from jido_trio.errors import WouldDeadlock
from jido_trio.runtime._cell import Cell
from jido_trio.terms import ExitKind

FLIES_FOR: ContextVar[Cell | None] = ContextVar("FLIES_FOR", default=None)
"""The agent for which the current task flies."""


@define(eq=False)
class Awaited:
    """The agents that those wait for which fly for one."""

    agents: list[Cell] = field(factory=list)

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""


@contextmanager
def flight_waiting_for(agent: Cell) -> Iterator[None]:
    """Note that the current task waits for an agent, in the block, if it flies for one.

    Raises:
        WouldDeadlock: What flies for that agent waits for the agent that the current task flies for, or is it.
    """
    flier = FLIES_FOR.get()
    if flier is None:
        yield
        return
    path = _path(agent, flier, ())
    if path:
        raise WouldDeadlock(agent.id, (flier.id, *(each.id for each in path)))
    awaited = flier.kept(Awaited)
    if awaited is None:
        awaited = Awaited()
        flier.keep(awaited)
    awaited.agents.append(agent)
    try:
        yield
    finally:
        awaited.agents.remove(agent)


def _path(start: Cell, end: Cell, seen: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return the way from one agent to another by those that wait for each other; nothing if there is none."""
    here = (*seen, start)
    if start is end:
        return here
    awaited = start.kept(Awaited)
    if start in seen or awaited is None:
        return ()
    return next(filter(None, (_path(each, end, here) for each in awaited.agents)), ())

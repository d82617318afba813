"""What works for an agent: its interpreters, its async actions, and what flies for it beside its lives, as tools do.

Who waits for the answer of a conversation waits for the interpreter of its agent, and for what flies for it; who waits
for the agent's rest, for its async actions, too. And what works may itself wait for other agents. So whoever is about
to wait looks whether that would close a circle, in which nobody would go on. A wait that ends after some time is of no
interest; those of interpreters for agents, which handle nothing meanwhile, are in `_waits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias, cast

from attrs import define, field, frozen

from jido_trio.errors import WouldDeadlock
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._waits import HELD
from jido_trio.terms import ExitKind

Until: TypeAlias = Literal["answer", "rest"]
"""What is waited for: the answer of an agent's conversation, or its end with nothing left to do."""


@frozen
class Work:
    """What the current task does, and for which agent."""

    agent: Cell
    is_action: bool
    """Whether it is an async action: the agent's answers don't wait for it."""

    def holds(self, until: Until) -> bool:
        """Whether who waits for that of its agent waits for it."""
        return until == "rest" or not self.is_action


_WORK: ContextVar[Work | None] = ContextVar("_WORK", default=None)
"""What the current task does, or belongs to; interpreters apart, who are in `HELD`."""


@frozen
class Awaited:
    """An agent that work waits for."""

    by: Work
    agent: Cell
    until: Until


@define(eq=False)
class Waits:
    """The agents that what works for one waits for; see `Belonging`."""

    awaited: list[Awaited] = field(factory=list)

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""


def works_for(agent: Cell, *, is_action: bool = False) -> None:
    """Note that the current task, and all that it starts, works for an agent: that it is an action of it, or flies."""
    _WORK.set(Work(agent, is_action))


@contextmanager
def work_waiting_for(agent: Cell, until: Until) -> Iterator[None]:
    """Note that the current task waits for an agent, in the block, if it works for one.

    Raises:
        WouldDeadlock: That agent waits for what the current task does.
    """
    work = _work()
    if work is None:
        yield
        return
    path = _path(agent, until, work, ())
    if path:
        raise WouldDeadlock(agent.id, (work.agent.id, *(each.id for each in path)))
    waits = work.agent.kept(Waits)
    if waits is None:
        waits = Waits()
        work.agent.keep(waits)
    awaited = Awaited(work, agent, until)
    waits.awaited.append(awaited)
    try:
        yield
    finally:
        waits.awaited.remove(awaited)
        if not waits.awaited:
            work.agent.let_go(Waits)


def _work() -> Work | None:
    work, held = _WORK.get(), HELD.get()
    if (work is None or work.is_action) and held is not None and held.is_held():
        return Work(cast("Cell", held), is_action=False)
    return work


def _path(agent: Cell, until: Until, work: Work, seen: tuple[tuple[Cell, Until], ...]) -> tuple[Cell, ...]:
    """Return the way from an agent to some work by those that wait for each other; nothing if there is none."""
    if agent is work.agent and work.holds(until):
        return (agent,)
    waits = agent.kept(Waits)
    if waits is None or (agent, until) in seen:
        return ()
    further = (
        _path(each.agent, each.until, work, (*seen, (agent, until))) for each in waits.awaited if each.by.holds(until)
    )
    found = next(filter(None, further), ())
    return (agent, *found) if found else ()

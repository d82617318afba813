"""Who waits for whom: an agent whose interpreter waits for another, which waits for it, would wait for ever.

An agent waits only while a task carries out its directives: then it handles nothing. Whom such a task waits for is
noted with its agent, so whoever is about to wait can see whether that would close a circle. Async actions are waited
for by nobody, and may call their own agent.

A wait is over when its task was told to go on, though it may not have run since: who looks in between must not see a
circle that is open already. Trio clears `custom_sleep_data` at that very moment, so a wait is noted there, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Protocol

import trio
from attrs import define

from jido_trio.errors import WouldDeadlock


class Waiting(Protocol):
    """An agent that may wait for others."""

    awaits: tuple[Wait, ...]
    """Whom the interpreter that it carries out waits for."""

    @property
    def id(self) -> str:
        """The agent's id."""
        ...

    def is_held(self) -> bool:
        """Whether it waits for the current task."""
        ...

    def waits(self) -> bool:
        """Whether it waits for a task."""
        ...


@define(eq=False)
class Wait:
    """A task waits for an agent."""

    agent: Waiting
    task: trio.lowlevel.Task
    lasting: bool
    """Whether that takes more than one sleep, and is over only when the task says so."""

    @property
    def goes_on(self) -> bool:
        """Whether it isn't over."""
        return self.lasting or self.task.custom_sleep_data is not None


HELD: ContextVar[Waiting | None] = ContextVar("HELD", default=None)
"""The agent that waits for the current task, or did when the task began."""


def refuse_circle(agent: Waiting) -> None:
    """Refuse to wait for an agent that waits for the current task.

    Raises:
        WouldDeadlock: It does, by way of others or not.
    """
    held = HELD.get()
    if held is not None and held.is_held():
        _refuse(held, agent)


def waiting_for(agent: Waiting, *, lasting: bool = False) -> AbstractContextManager[None]:
    """Note that the current task waits for the agent, by its next sleep in the block or, if `lasting`, by all of it.

    Raises:
        WouldDeadlock: The agent waits for the current task.
    """
    held = HELD.get()
    if held is None or not held.is_held():
        return _OF_NO_INTEREST
    _refuse(held, agent)
    return _noted(held, Wait(agent, trio.lowlevel.current_task(), lasting))


_OF_NO_INTEREST = nullcontext()


@contextmanager
def _noted(held: Waiting, wait: Wait) -> Iterator[None]:
    wait.task.custom_sleep_data = wait
    held.awaits = (*held.awaits, wait)
    try:
        yield
    finally:
        held.awaits = tuple(each for each in held.awaits if each is not wait)


def _refuse(held: Waiting, agent: Waiting) -> None:
    path = _path(agent, held, ())
    if path:
        raise WouldDeadlock(agent.id, (held.id, *(each.id for each in path)))


def _path(start: Waiting, end: Waiting, seen: tuple[Waiting, ...]) -> tuple[Waiting, ...]:
    """Return the way from one agent to another by those that wait for each other; nothing if there is none."""
    here = (*seen, start)
    if start is end:
        return here
    if start in seen or not start.waits():
        return ()
    further = (_path(wait.agent, end, here) for wait in start.awaits if wait.goes_on)
    return next(filter(None, further), ())

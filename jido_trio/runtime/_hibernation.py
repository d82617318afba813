"""Hibernation: what those share who wait for an agent to end with its state on disk, and who wakes one that rests."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from jido_trio.runtime._cell import Instance

HIBERNATED = "hibernated"
"""Why an agent was stopped that was put to rest."""


@define(eq=False)
class Hibernation:
    """One that was asked for, and that the agent comes to when it has nothing else to do."""

    _over: trio.Event = field(init=False, factory=trio.Event)
    _error: Exception | None = field(default=None, init=False)
    _waiting: int = field(default=0, init=False)

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still waits for it."""
        return self._waiting > 0

    async def wait(self) -> None:
        """Wait until it is over: the agent has ended, or crashed; or raise why it couldn't be done."""
        self._waiting += 1
        try:
            await self._over.wait()
        finally:
            self._waiting -= 1
        if self._error is not None:
            raise self._error

    def over(self, error: Exception | None = None) -> None:
        """Tell those who wait."""
        self._error = error
        self._over.set()


@define(eq=False)
class Wakers:
    """Who wakes the agents of an instance that rest, by what their ids begin with."""

    _instance: Instance
    by_group: dict[str, Callable[[str], None]] = field(factory=dict)

    def wake(self, id: str) -> None:
        """Have an agent woken for which a signal was left on disk."""
        group, _, _ = id.partition("/")
        wake = self.by_group.get(group)
        if wake is not None:
            wake(id)

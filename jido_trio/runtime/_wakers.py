"""Wakers: who wakes an agent that rests, when something was left on disk for it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from jido_trio.runtime._cell import Instance


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

"""Births: lives take their first steps in the order in which they were started, and when all have that began a tree."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

import trio
from attrs import define, field

from jido_trio.supervision._living import Living


@define(eq=False)
class Births:
    """Lives that are about to begin. Trio runs new tasks of one moment in random order, so they are made one by one.

    A life that needs no task begins at once, unless others are before it.
    """

    _spawn: Callable[[Living, Callable[[], Awaitable[None]]], None]
    _next: Living | None = None
    """The life whose first step is awaited; those that wait come after it."""
    _waiting: deque[Living] = field(factory=deque)
    _complete: bool = False
    """Whether all children of the spec have been started."""
    up: bool = False
    """Whether all of them were up once."""
    booted: trio.Event = field(factory=trio.Event)
    """Set when they are, or never will be."""

    @property
    def idle(self) -> bool:
        """Whether nothing is about to begin."""
        return self._next is None

    def bear(self, life: Living) -> None:
        """Have it begin when its turn comes."""
        if self._next is not None:
            self._waiting.append(life)
            return
        if not life.child.is_passive:
            self._next = life
        life.begin()

    def step_taken(self) -> None:
        """Go on to the next one."""
        self._next = None
        if self._waiting:
            self._next = life = self._waiting.popleft()
            if life.child.is_passive:  # after the step that is being taken, so in a task of its own
                self._spawn(life, partial(self._begin, life))
            else:
                life.begin()
        elif self._complete:
            self._up()

    @trio.lowlevel.enable_ki_protection
    async def _begin(self, life: Living) -> None:
        self.step_taken()
        life.begin()

    def cancel(self) -> None:
        """Nothing is born any more."""
        self._waiting.clear()

    def complete(self) -> None:
        """All children of the spec have been started."""
        self._complete = True
        if self._next is None:
            self._up()

    def _up(self) -> None:
        self.up = True
        self.booted.set()

"""Pump: feeds a tree with what happens, one event after the other, and has done what is decided.

Facts have happened, and go first. Messages are handled in their turn: while the tree is busy they wait. Events that
come while one is being dealt with wait until that is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import trio
from attrs import define, field

from jido_trio.supervision._decide import decide
from jido_trio.supervision._events import Event, Fact, TreeCommand, TreeMessage
from jido_trio.supervision._tree import Tree


@define(eq=False)
class Pump:
    """A tree, the events that wait for it, and whoever carries out its commands."""

    tree: Tree
    _clock: Callable[[], float]
    _carry_out: Callable[[Tree, Event, tuple[TreeCommand, ...]], None]
    """Given the tree before the event, the event, and what is to be done."""
    now: float = 0.0
    """The time of the event that is dealt with, in seconds of the clock."""
    running: bool = False
    """Whether an event is being dealt with."""
    halted: bool = False
    """Whether nothing is handled any more."""
    facts: deque[Fact] = field(factory=deque)
    messages: deque[TreeMessage] = field(factory=deque)

    def fact(self, fact: Fact) -> None:
        """Tell what has happened."""
        self.facts.append(fact)
        self.run()

    def post(self, message: TreeMessage) -> None:
        """Ask for something in its turn."""
        self.messages.append(message)
        self.run()

    @trio.lowlevel.enable_ki_protection
    def run(self) -> None:
        """Deal with all that can be dealt with now; what comes meanwhile is dealt with by the call that is at it."""
        if self.running:
            return
        self.running = True
        facts, messages = self.facts, self.messages
        try:
            while not self.halted and self.tree.phase != "ended":
                if facts:
                    event: Event = facts.popleft()
                elif messages and not self.tree.busy:
                    event = messages.popleft()
                else:
                    break
                self.now = self._clock()
                before = self.tree
                self.tree, commands = decide(before, event, self.now)
                self._carry_out(before, event, commands)
        finally:
            self.running = False

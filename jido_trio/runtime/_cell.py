"""Cell: what of an agent outlives its lives: mailbox, timers, family. Its lives come and go, the cell stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import Factory, define, field, frozen

from jido_trio.core import Agent, Signal
from jido_trio.core._directives import OnParentDeath
from jido_trio.errors import AgentStopped
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._message import Message
from jido_trio.runtime._timers import Timer


@frozen
class Parent:
    """What a child knows of its parent."""

    id: str
    tag: str
    on_death: OnParentDeath
    meta: Mapping[str, Any]


@define(eq=False)
class Cell:
    """One agent of an instance."""

    initial: Agent[Any]
    """The agent as each of its lives begins."""
    mailbox: Mailbox[Message]
    parent: Parent | None = None
    agent: Agent[Any] = Factory(lambda cell: cell.initial, takes_self=True)
    """The agent as the last `cmd` left it."""
    incarnation: int = 1
    errors: int = 0
    """`Error` directives since this life began."""
    closed: str = ""
    """Why it takes no more messages."""
    stop_reason: object = None
    """Why it is being stopped, where a reason was given."""
    children: dict[str, str] = field(factory=dict)
    """Tags of its children, and their ids."""
    timers: set[Timer] = field(factory=set)

    @property
    def id(self) -> str:
        """The agent's id."""
        return self.initial.id

    def close(self, reason: str, dead_letter: Callable[[str, Signal, str], None]) -> None:
        """Take no more messages: callers are told, what nobody waits for is a dead letter."""
        self.closed = reason
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
        for message in self.mailbox.close():
            if message.reply is not None:
                message.reply.fail(AgentStopped(self.id, reason))
            elif not message.quiet:
                dead_letter(self.id, message.signal, reason)

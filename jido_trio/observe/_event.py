"""Events: what an agent did or what became of it, as values that keep nothing alive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from jido_trio.redact import said, shown

Level: TypeAlias = Literal["off", "on", "verbose"]
"""How much is kept: nothing; what happened; with data, changes and directives, too."""

LEVELS: tuple[Level, ...] = ("off", "on", "verbose")

Kind: TypeAlias = Literal["began", "signal", "outcome", "directives", "crash", "killed", "mailbox", "ended"]
"""began: a life of it. signal: it was given one. outcome: of an async action. directives: a signal led to some.
mailbox: it fills, or has emptied again."""


@frozen
class Event:
    """One thing that happened to an agent."""

    at: float
    """When, in seconds of Trio's clock."""
    agent_id: str
    incarnation: int
    kind: Kind
    what: str
    """The type of the signal, the error, ...: one line, without secrets."""
    detail: Mapping[str, Any] = field(factory=dict)
    """Plain data without secrets, at the level "verbose"."""

    def __str__(self) -> str:
        more = f" {shown(dict(self.detail))}" if self.detail else ""
        return f"{self.at:.3f} {shown(self.agent_id)} life {self.incarnation} {self.kind}: {said(self.what)}{more}"

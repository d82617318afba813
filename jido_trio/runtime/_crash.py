"""What an agent was at when a life of it crashed: kept with its crash report, worked out only when asked for."""

from __future__ import annotations

from typing import Any

from attrs import AttrsInstance, frozen

from jido_trio.core import Agent, Difference, Instruction, Signal, diff
from jido_trio.redact import concealed, shown, without
from jido_trio.runtime._secrets import secret_names, secrets_of


@frozen(repr=False)
class AgentCrash:
    """What an agent was at when it crashed: `report.detail`. Its values are real, its text has no secrets."""

    before: Agent[Any]
    """The agent before the signal; for an async action, as the action was given it."""
    signal: Signal
    """What it handled; for an async action, the signal that led to it."""
    after: Agent[Any] | None = None
    """The agent after the signal, where that was received and a directive crashed."""
    directives: tuple[AttrsInstance, ...] = ()
    """The signal's, where one of them crashed: those before it were carried out, those after it never will be."""
    index: int | None = None
    """Which of the directives crashed, from 0."""
    instruction: Instruction | None = None
    """Of the async action that crashed, or that tells of its outcome."""

    @property
    def state(self) -> Any:
        """The state before."""
        return self.before.state

    @property
    def directive(self) -> AttrsInstance | None:
        """The directive that crashed."""
        return self.directives[self.index] if self.index is not None else None

    @property
    def changes(self) -> tuple[Difference, ...]:
        """What the signal changed in the state before a directive crashed."""
        return diff(self.before.state, self.after.state) if self.after is not None else ()

    @property
    def hidden(self) -> frozenset[str]:
        """Texts that mustn't be shown: the secrets in all of this."""
        more: list[object] = [self.directives] if self.directives else []
        more += [self.after.state] if self.after is not None else []
        more += [self.instruction] if self.instruction is not None else []
        return secrets_of(self.before, self.signal, *more)

    def __repr__(self) -> str:
        at = f", directive {self.index} of {len(self.directives)}" if self.index is not None else ""
        return f"<AgentCrash of {shown(self.before.id)} at {shown(self.signal.type)}{at}>"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        signal, hide = self.signal, self.hidden
        lines = [f"signal {shown(signal.type)} from {shown(signal.source)}, id {shown(signal.id)}"]
        data = concealed(signal.data, secret_names(type(self.before)))
        lines.append(f"data: {shown(data, _WIDE, hide=hide)}")
        lines.append(f"state before: {shown(self.before.state, _WIDE, hide=hide)}")
        lines += [without(f"changed {change}", hide) for change in self.changes]
        if self.index is not None:
            count = len(self.directives)
            lines.append(f"directive {self.index + 1} of {count}: {shown(self.directive, _WIDE, hide=hide)}")
        if self.instruction is not None:
            lines.append(f"instruction: {shown(self.instruction, _WIDE, hide=hide)}")
        return lines


_WIDE = 1000
"""Characters of a value in the long text."""

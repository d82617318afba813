"""What an agent was at when a life of it crashed: kept with its crash report, worked out only when asked for."""

from __future__ import annotations

import re
from typing import Any

from attrs import AttrsInstance, frozen

from jido_trio import checks
from jido_trio.core import Agent, Difference, Heard, Instruction, Learnt, Signal, carried, diff
from jido_trio.data import pack, unpack
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import concealed, secret_texts, shown, without
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

    def to_pytest(self, *, secrets: bool = False) -> str:
        """Return a file for pytest with a test that fails as the agent did, on any machine that has the code.

        Args:
            secrets: Whether it holds the real secrets of state and signal; else there is `***` in their place, and an
                agent that crashed because of what they are may not crash in the test.

        Raises:
            InvalidDefinition: `secrets` is neither True nor False. The agent didn't crash in `cmd`, but while an effect
                was under way. Or a secret can't be left out, as it isn't text.
            Misfit: The agent, or the signal, holds what can't be kept as text.
        """
        checks.flag("to_pytest", "secrets", secrets)
        learns = self.instruction is not None and "outcome" in self.instruction.params
        if self.index is not None or (self.instruction is not None and not learns):
            raise InvalidDefinition(
                f"agent {shown(self.before.id)} crashed while an effect was under way, which a test can't repeat: "
                "only what `cmd` did can be"
            )
        input = Heard(self.signal) if self.instruction is None else Learnt(self.signal, self.instruction)
        texts = [pack(each).decode() for each in (self.before, input)]
        if not secrets:
            texts = [_conceal(text, self.hidden) for text in texts]
        modules = sorted({module for text in texts for module in _MODULES.findall(text)})
        imports = "\n".join(f"import {module}  # noqa: F401" for module in modules)
        return _TEST.format(imports=imports, agent=texts[0], input=texts[1])

    def __repr__(self) -> str:
        at = f", directive {self.index} of {len(self.directives)}" if self.index is not None else ""
        return f"<AgentCrash of {shown(self.before.id)} at {shown(self.signal.type)}{at}>"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        signal, hide = self.signal, self.hidden
        lines = [f"signal {shown(signal.type)} from {shown(signal.source)}, id {shown(signal.id)}"]
        data = concealed(signal.data, secret_names(type(self.before), carried(signal)))
        lines.append(f"data: {shown(data, _WIDE, hide=hide)}")
        lines.append(f"state before: {shown(self.before.state, _WIDE, hide=hide)}")
        lines += [without(f"changed {change}", hide) for change in self.changes]
        if self.index is not None:
            count = len(self.directives)
            lines.append(f"directive {self.index + 1} of {count}: {shown(self.directive, _WIDE, hide=hide)}")
        if self.instruction is not None:
            lines.append(f"instruction: {shown(self.instruction, _WIDE, hide=hide)}")
        return lines


def _conceal(text: str, hide: frozenset[str]) -> str:
    """Return packed text without secrets, if something can be unpacked from that."""
    concealed = without(text, hide)
    try:
        left = secret_texts(unpack(concealed.encode())) & hide
    except Exception:  # noqa: BLE001  # what can't be read, for whatever reason
        left = hide
    if left:
        raise InvalidDefinition(
            "a secret of the agent that crashed, or of its signal, is no text, and can't be left out of a test; "
            "say to_pytest(secrets=True), and keep the file to yourself"
        )
    return concealed


_MODULES = re.compile(r'"(?:\$|\$type|\$enum|\$error|of)":"([A-Za-z_][\w.]*):')
"""Finds the modules of the classes in packed text."""

_TEST = '''"""Fails as an agent did that crashed; made from the report of that crash."""

{imports}
from jido_trio.data import unpack

AGENT = {agent!r}
INPUT = {input!r}


def test_the_agent_does_not_crash():
    unpack(INPUT.encode()).apply(unpack(AGENT.encode()))
'''

_WIDE = 1000
"""Characters of a value in the long text."""

"""What became of laws: verdicts, and how they are told."""

from __future__ import annotations

from typing import Literal

from attrs import frozen


@frozen
class LawVerdict:
    """What became of one law."""

    law: str
    sentence: str
    outcome: Literal["holds", "broken", "skipped"]
    why: str = ""
    """What was seen at the counterexample; or why the law was not tried; or what is to be known though it holds."""
    code: str = ""
    """The smallest counterexample, or how to see what is to be known, as code to paste."""
    reachable: bool | None = None
    """Whether the counterexample begins with an agent as it begins; else its state is one that the types allow."""


@frozen
class Conformance:
    """What became of all laws for one agent class."""

    agent: str
    """`module:Class`."""
    verdicts: tuple[LawVerdict, ...]
    trials: int = 0
    """How many were gone through."""

    @property
    def holds(self) -> bool:
        """Whether no law is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[LawVerdict, ...]:
        """The laws that are."""
        return tuple(verdict for verdict in self.verdicts if verdict.outcome == "broken")

    def __str__(self) -> str:
        return "\n\n".join([f"{self.agent} breaks {len(self.broken)} law(s)", *map(told_verdict, self.broken)])


def told_verdict(verdict: LawVerdict) -> str:
    """Return what became of a law, with its counterexample if there is one, as lines."""
    if verdict.outcome != "broken":
        why = f" ({verdict.why})" if verdict.why else ""
        return f"{verdict.law}: {verdict.sentence}{why}" + (f"\n\n{_indented(verdict.code)}" if verdict.code else "")
    where = {True: "a state that commands lead to", False: "a state that the types allow", None: ""}
    found = f" (found in {where[verdict.reachable]})" if verdict.reachable is not None else ""
    code = f"\n\n{_indented(verdict.code)}" if verdict.code else ""
    return f"{verdict.law}: {verdict.sentence}\n  {verdict.why}{found}{code}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())

"""The rules of a conversation: what its class says. They aren't part of it, and may be others the next day."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

from jido_trio import checks
from jido_trio.ai._answer import answer_schema
from jido_trio.ai._budget import NO_LIMITS, USUAL_LIMITS, Budget, Price
from jido_trio.ai._tools import Tool

Busy: TypeAlias = Literal["queue", "steer", "reject"]
"""What becomes of a request while another is worked at."""

OnLost: TypeAlias = Literal["resend", "fail"]
"""What becomes of a call of a model that was in flight when the process died."""


@frozen
class ModelRule:
    """What is to be known of a model beforehand."""

    price: Price | None = None
    max_tokens: int = 4096
    """Tokens that a reply may have."""
    fallback: str | None = None
    """The model to try when this one has failed too often."""


@frozen
class Rules:
    """What decides, beside the conversation itself."""

    model: str = "default"
    models: Mapping[str, ModelRule] = field(factory=dict)
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    answer: type[Any] | None = None
    """The attrs class that an answer must fit."""
    repairs: int = 1
    """How often the model may mend an answer that doesn't fit."""
    budget: Budget = USUAL_LIMITS
    """Of one request."""
    total: Budget = NO_LIMITS
    """Of the conversation."""
    busy: Busy = "queue"
    on_lost: OnLost = "resend"
    retries: int = 3
    """How often a model is tried again."""
    first_pause: float = 0.5
    """Seconds before the first retry; each later pause is twice as long."""
    longest_pause: float = 30
    compact_at: int | None = None
    """Bytes of a prompt from which on what was said before is made a summary; None for never."""
    max_result: int = 50_000
    """Characters of a tool's result; what is longer is cut, and says so."""

    def model_rule(self, name: str) -> ModelRule:
        """Return what is known of a model; of one that is gone, nothing."""
        return self.models.get(name, _UNKNOWN)

    def tool(self, name: str) -> Tool | None:
        """Return a tool by its name."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def pause(self, tries: int) -> float:
        """Return how long to wait after so many tries, in seconds."""
        return min(self.first_pause * 2.0 ** min(tries - 1, 60), self.longest_pause)


_UNKNOWN = ModelRule()


def check_rules(owner: str, rules: Rules) -> None:
    """Refuse rules that can't be gone by.

    Raises:
        InvalidDefinition: It names whose rule it is.
    """
    checks.text(owner, "model", rules.model)
    for name, rule in rules.models.items():
        if not isinstance(rule, ModelRule):
            raise checks.refused(owner, f"models[{name!r}]", rule, "must be a ModelRule(...)")
    if rules.models and rules.model not in rules.models:
        known = ", ".join(map(repr, rules.models))
        hint = checks.did_you_mean(rules.model, rules.models)
        raise checks.refused(owner, "model", rules.model, f"is none of its models ({known}){hint}")
    checks.text(owner, "instructions", rules.instructions, blank=True)
    for tool in rules.tools:
        if not isinstance(tool, Tool):
            raise checks.refused(owner, "tools", tool, "must be a Tool(action)")
    checks.one_of(owner, "busy", rules.busy, get_args(Busy))
    checks.one_of(owner, "on_lost", rules.on_lost, get_args(OnLost))
    for name in ("retries", "repairs", "max_result"):
        checks.whole(owner, name, getattr(rules, name))
    for name in ("first_pause", "longest_pause"):
        checks.seconds(owner, name, getattr(rules, name))
    checks.whole(owner, "compact_at", rules.compact_at, least=1, or_none="None for never")
    for name in ("budget", "total"):
        if not isinstance(getattr(rules, name), Budget):
            raise checks.refused(owner, name, getattr(rules, name), "must be a Budget(...)")
    if rules.answer is not None:
        if not isinstance(rules.answer, type):
            raise checks.refused(owner, "answer", rules.answer, "must be a frozen attrs class")
        answer_schema(rules.answer)

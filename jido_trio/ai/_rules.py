"""The rules of a conversation: what its class says. They aren't part of it, and may be others the next day."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

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

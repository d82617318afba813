"""What is said in a conversation: calls of tools, what a call cost, and the messages as a model is sent them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from attrs import field, frozen

from jido_trio import checks


@frozen
class ToolCall:
    """A tool that the model wants to be run."""

    id: str
    """Ours, never the model's: its own may come twice."""
    name: str
    arguments: str
    """The text as the model wrote it, which may be no JSON."""


@frozen
class Usage:
    """What a provider says that a call took, in tokens."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """Of the input, what came from the provider's cache."""
    reasoning: int = 0
    """Of the output, what nobody is shown."""
    written: int = 0
    """Of the input, what was written to the provider's cache, for the next calls."""

    def __attrs_post_init__(self) -> None:
        for name in ("input", "output", "cached", "reasoning", "written"):
            checks.whole("usage", name, getattr(self, name))

    @property
    def total(self) -> int:
        """Input and output."""
        return self.input + self.output


@frozen
class Verbatim:
    """A reply as its provider wants it back, to the letter, where that is more than text and calls: signed thoughts."""

    provider: str
    """Who wants it; others are sent the text and the calls."""
    data: str = field(repr=False)


@frozen
class UserMessage:
    """What the model is told."""

    text: str


@frozen
class AssistantMessage:
    """What the model said."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    """Their arguments are JSON objects."""
    verbatim: Verbatim | None = None


@frozen
class ToolMessage:
    """What a call of a tool came to."""

    id: str
    content: str
    error: bool = False


Message: TypeAlias = UserMessage | AssistantMessage | ToolMessage


@frozen
class ToolSchema:
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of the arguments."""
    secrets: frozenset[str] = frozenset()
    """Arguments that are shown nowhere. The model isn't told of that."""


@frozen
class Prompt:
    """All that one call of a model is sent."""

    model: str
    """The name that `Models` knows it by."""
    system: str
    messages: Sequence[Message]
    tools: Sequence[ToolSchema] = ()
    answer: Mapping[str, Any] | None = None
    """JSON Schema that the answer's text must fit; None for free text."""
    max_tokens: int = field(default=4096)
    """Tokens that the reply may have, at most."""

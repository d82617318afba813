"""What a form of OpenAI's API is: how a request is said, and how its events become a reply."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import openai
from attrs import frozen

from jido_trio.ai._client import ModelReply, Tell
from jido_trio.ai._messages import Prompt, Usage
from jido_trio.ai._wire import Took


class Reading(Protocol):
    """A reply as it comes."""

    usage: Usage | None
    heard: bool
    """Whether anything of a reply came."""

    def take(self, event: Mapping[str, Any], tell: Tell) -> Took:
        """Add an event."""
        ...

    def whole(self) -> ModelReply:
        """Return what came."""
        ...


@frozen
class Form:
    """Chat completions, or responses."""

    create: Callable[[openai.AsyncOpenAI], Any]
    """The SDK's function that returns the raw response."""
    fields: Callable[[Prompt, bool], dict[str, Any]]
    """Takes a prompt, and whether it is for OpenAI itself."""
    reading: Callable[[], Reading]
    error_of: Callable[[Mapping[str, Any]], object]
    """The error that an event is, if it is one."""

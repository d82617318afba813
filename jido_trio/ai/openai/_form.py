"""What a form of OpenAI's API is: how a request is said, and how its events become a reply."""

from collections.abc import Callable, Mapping
from typing import Any

import openai
from attrs import field, frozen

from jido_trio.ai._messages import Prompt, Usage
from jido_trio.ai._wire import Reading, count, is_count


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
    demanded: Mapping[str, Any] = field(factory=dict)
    """Arguments that the SDK's function insists on; `fields` are sent in their place."""


def usage_of(told: object, asked: str, answered: str) -> Usage | None:
    """Return what a reply took, if that was told; a form has words of its own for tokens asked and answered."""
    if not isinstance(told, dict) or not all(is_count(told.get(f"{each}_tokens")) for each in (asked, answered)):
        return None
    return Usage(
        count(told, f"{asked}_tokens"),
        count(told, f"{answered}_tokens"),
        count(told, f"{asked}_tokens_details", "cached_tokens"),
        count(told, f"{answered}_tokens_details", "reasoning_tokens"),
    )

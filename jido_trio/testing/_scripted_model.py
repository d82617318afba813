"""A model that says what a script says, as strict as strict providers are; it counts its requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import trio

from jido_trio import checks
from jido_trio.ai import ModelFailure, ModelReply, ModelRequest, Prompt, ToolCall, Usage, refusal
from jido_trio.data import unstructure

Said: TypeAlias = "str | Sequence[tuple[str, Any]] | ModelReply | ModelFailure"
"""A text; calls of tools, each a name and arguments; or a reply or a failure as an adapter returns them."""

Line: TypeAlias = "Said | Callable[[Prompt], Said]"


class ScriptedModel:
    """A client for `Model(...)` that says one line of a script after the other, and fails at its end.

    It refuses a transcript that a strict provider refuses, so a test of the agent is a test of that, too.

    Args:
        script: What it says; a function is given the prompt.
        seconds: Between two words.

    Raises:
        InvalidDefinition: The script is a single line, or the seconds are none.
    """

    def __init__(self, script: Iterable[Line], *, seconds: float = 0) -> None:
        given: object = script
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise checks.refused("a scripted model", "script", given, "must be several lines: ['one', 'two']")
        checks.seconds("a scripted model", "seconds", seconds)
        self._script = iter(script)
        self._seconds = seconds
        self.requests: list[ModelRequest] = []
        """All that it was sent, refused requests included."""
        self.cancelled = 0
        """Requests that were cancelled before the reply was whole."""

    async def stream(self, request: ModelRequest, tell: Callable[[str], None]) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        self.requests.append(request)
        await trio.lowlevel.checkpoint()
        refused = refusal(request.prompt.messages)
        if refused is not None:
            return ModelFailure(f"400: {refused}", "never", billed=False)
        line = next(self._script, ModelFailure("the script is at its end", "never", billed=False))
        reply = _reply_of(line(request.prompt) if callable(line) else line, len(self.requests))
        text = reply.text if isinstance(reply, ModelReply) else ""
        try:
            for at, word in enumerate(text.split(" ")):
                await trio.sleep(self._seconds)
                tell(f" {word}" if at else word)
        except trio.Cancelled:
            self.cancelled += 1
            raise
        return reply


def _reply_of(said: Said, number: int) -> ModelReply | ModelFailure:
    if isinstance(said, ModelReply | ModelFailure):
        return said
    if isinstance(said, str):
        return ModelReply(said, (), "stop", Usage(10, len(said)))
    calls = tuple(
        ToolCall(f"{number}-{at}", name, given if isinstance(given, str) else json.dumps(unstructure(given)))
        for at, (name, given) in enumerate(said)
    )
    return ModelReply("", calls, "tool_calls", Usage(10, 10))

"""Chat completions: the form that every server speaks. It has no place for thoughts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from jido_trio.ai._client import ModelFailure, ModelReply, Tell
from jido_trio.ai._inputs import Finish
from jido_trio.ai._messages import AssistantMessage, Message, Prompt, ToolCall, ToolMessage, Usage, UserMessage
from jido_trio.ai.openai._form import Form, usage_of
from jido_trio.data import thaw


def _fields(prompt: Prompt, for_openai: bool) -> dict[str, Any]:  # noqa: FBT001  # as `Form` has it
    fields: dict[str, Any] = {
        "max_completion_tokens" if for_openai else "max_tokens": prompt.max_tokens,
        "messages": _messages(prompt),
        "stream_options": {"include_usage": True},
    }
    if prompt.tools:
        fields["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": thaw(tool.parameters),
                },
            }
            for tool in prompt.tools
        ]
    if prompt.answer is not None:
        schema = {"name": "answer", "schema": thaw(prompt.answer)}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    return fields


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, *map(_message, prompt.messages)]


def _message(message: Message) -> dict[str, Any]:
    match message:
        case UserMessage():
            return {"role": "user", "content": message.text}
        case AssistantMessage(text, ()):
            return {"role": "assistant", "content": text}
        case AssistantMessage(text, calls):
            told = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in calls
            ]
            return {"role": "assistant", "content": text or None, "tool_calls": told}
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.id, "content": message.content}


@define
class _Call:
    """A call of a tool as it comes, in pieces."""

    place: int
    """Among the calls of its reply; -1 where the server doesn't tell."""
    id: str = ""
    name: str = ""
    arguments: str = ""

    def goes_on(self, id: str, name: str) -> bool:
        """Tell whether a piece for its place is one of it. Some servers tell no places, and some the same for all."""
        if not name:
            return True
        return id == self.id if id and self.id else self.place >= 0

    def take(self, id: str, name: str, arguments: str) -> None:
        """Add a piece; some servers tell the name with each."""
        if name != self.name or id != self.id:
            self.name += name
        self.id = id or self.id
        self.arguments += arguments


@define
class _Reply:
    """A reply as it comes. Servers leave out whatever they like."""

    text: str = ""
    calls: list[_Call] = field(factory=list)
    ended: str | None = None
    usage: Usage | None = None
    heard: bool = False
    refused: bool = False

    def take(self, event: Mapping[str, Any], tell: Tell) -> None:
        """Add a chunk."""
        self.usage = usage_of(event.get("usage"), "prompt", "completion") or self.usage
        for choice in event.get("choices") or ():
            if choice.get("index"):  # another reply to the same, if `options` ask for several
                continue
            self.heard = True
            self._take_delta(choice.get("delta") or {}, tell)
            if reason := choice.get("finish_reason"):
                self.ended = _text(reason)

    def _take_delta(self, delta: Mapping[str, Any], tell: Tell) -> None:
        if delta.get("refusal"):
            self.refused = True
            self.text += delta["refusal"]
        if delta.get("content"):
            self.text += delta["content"]
            tell(delta["content"])
        for piece in delta.get("tool_calls") or ():
            index, function = piece.get("index"), piece.get("function") or {}
            id, name = piece.get("id") or "", function.get("name") or ""
            call = self._call_at(index if isinstance(index, int) else -1, id, name)
            call.take(id, name, function.get("arguments") or "")

    def _call_at(self, place: int, id: str, name: str) -> _Call:
        begun = next((call for call in reversed(self.calls) if call.place == place), None)
        if begun is None or not begun.goes_on(id, name):
            begun = _Call(place)
            self.calls.append(begun)
        return begun

    def whole(self) -> ModelReply | ModelFailure:
        """Return what came."""
        if self.ended in _BROKEN:
            return ModelFailure(f"the reply ended with {self.ended!r}", usage=self.usage)
        finish = _FINISHES.get(self.ended, "stop") if self.ended is not None else None
        in_order = sorted(self.calls, key=lambda call: call.place)
        calls = tuple(ToolCall(each.id, each.name, each.arguments) for each in in_order)
        return ModelReply(self.text, calls, "content_filter" if self.refused else finish, self.usage)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text should be")
    return value


_BROKEN = frozenset({"abort", "error", "insufficient_system_resource"})
"""How OpenRouter, DeepSeek and SGLang say that it isn't whole."""

_FINISHES: Mapping[str, Finish] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}


CHAT = Form(
    create=lambda client: client.chat.completions.with_raw_response.create,
    fields=_fields,
    reading=_Reply,
    error_of=lambda event: event.get("error"),
    demanded={"messages": ()},
)

"""Chat completions: the form that every server speaks. It has no place for thoughts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from jido_trio.ai._client import ModelReply, Tell
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

    id: str = ""
    name: str = ""
    arguments: str = ""


@define
class _Reply:
    """A reply as it comes. Servers leave out whatever they like."""

    text: str = ""
    calls: dict[int, _Call] = field(factory=dict)
    finish: Finish | None = None
    usage: Usage | None = None
    heard: bool = False

    def take(self, event: Mapping[str, Any], tell: Tell) -> None:
        """Add a chunk."""
        self.usage = usage_of(event.get("usage"), "prompt", "completion") or self.usage
        for choice in event.get("choices") or ():
            if choice.get("index"):  # another reply to the same, if `options` ask for several
                continue
            self.heard = True
            self._take_delta(choice.get("delta") or {}, tell)
            if choice.get("finish_reason"):
                self.finish = _FINISHES.get(choice["finish_reason"], "stop")

    def _take_delta(self, delta: Mapping[str, Any], tell: Tell) -> None:
        if delta.get("refusal"):
            self.finish = "content_filter"
            self.text += delta["refusal"]
        if delta.get("content"):
            self.text += delta["content"]
            tell(delta["content"])
        for piece in delta.get("tool_calls") or ():
            index = piece.get("index")
            call = self.calls.setdefault(index if isinstance(index, int) else len(self.calls), _Call())
            function = piece.get("function") or {}
            call.id = piece.get("id") or call.id
            call.name += function.get("name") or ""
            call.arguments += function.get("arguments") or ""

    def whole(self) -> ModelReply:
        """Return what came."""
        calls = tuple(ToolCall(each.id, each.name, each.arguments) for _, each in sorted(self.calls.items()))
        return ModelReply(self.text, calls, self.finish, self.usage)


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

"""Responses: the newer form. A model that thinks between calls gets its thoughts back, sealed as they came.

Nothing is kept at the provider unless the options say `{"store": True}`: the conversation is ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field

from jido_trio.ai._client import ModelReply, Tell
from jido_trio.ai._inputs import Finish
from jido_trio.ai._messages import (
    AssistantMessage,
    Message,
    Prompt,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
    Verbatim,
)
from jido_trio.ai._wire import Took
from jido_trio.ai.openai._form import Form, usage_of
from jido_trio.data import thaw

PROVIDER = "openai"

_CALL = "function_call"


def _fields(prompt: Prompt, _for_openai: bool) -> dict[str, Any]:  # noqa: FBT001  # as `Form` has it
    fields: dict[str, Any] = {
        "input": [item for message in prompt.messages for item in _items(message)],
        "max_output_tokens": prompt.max_tokens,
        "store": False,
    }
    if prompt.system:
        fields["instructions"] = prompt.system
    if prompt.tools:
        fields["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": thaw(tool.parameters),
                "strict": False,
            }
            for tool in prompt.tools
        ]
    if prompt.answer is not None:
        form = {"type": "json_schema", "name": "answer", "schema": thaw(prompt.answer), "strict": False}
        fields["text"] = {"format": form}
    return fields


def _items(message: Message) -> Iterator[dict[str, Any]]:
    match message:
        case UserMessage():
            yield _text("user", message.text)
        case ToolMessage():
            yield {"type": "function_call_output", "call_id": message.id, "output": message.content}
        case AssistantMessage():
            yield from _said(message)


def _said(message: AssistantMessage) -> Iterator[dict[str, Any]]:
    calls = iter([_call(call) for call in message.calls])
    if message.verbatim is not None and message.verbatim.provider == PROVIDER:
        for item in json.loads(message.verbatim.data):
            if item.get("type") == _CALL:
                yield from (call for call in [next(calls, None)] if call is not None)
            else:
                yield item
    elif message.text:
        yield _text("assistant", message.text)
    yield from calls


def _text(role: str, text: str) -> dict[str, Any]:
    """Return a message. Its type may be left out, and other servers than OpenAI's don't know it then."""
    return {"type": "message", "role": role, "content": text}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": _CALL, "call_id": call.id, "name": call.name, "arguments": call.arguments}


@define
class _Item:
    """A part of the reply: as it was begun or is whole, and what came in pieces meanwhile."""

    data: dict[str, Any]
    pieces: str = ""
    begun: str = ""
    """What the pieces are of."""

    @property
    def type(self) -> str:
        """What it is, as far as is known."""
        return str(self.data.get("type") or self.begun)

    @property
    def text(self) -> str:
        """What it says."""
        parts = [part.get("text") or part.get("refusal") or "" for part in self.data.get("content") or ()]
        return "".join(parts) or self.pieces

    @property
    def arguments(self) -> str:
        """Of a call."""
        return self.data.get("arguments") or self.pieces


@define
class _Reply:
    """A reply as it comes."""

    items: dict[int, _Item] = field(factory=dict)
    places: dict[str, int] = field(factory=dict)
    """Of items by their ids, where the server doesn't tell them."""
    finish: Finish | None = None
    usage: Usage | None = None
    heard: bool = False
    refused: bool = False

    def take(self, event: Mapping[str, Any], tell: Tell) -> Took:
        """Add an event."""
        kind, index = str(event.get("type", "")), self._index(event)
        self.heard = self.heard or kind.startswith("response.")
        if kind in ("response.completed", "response.incomplete"):
            self._end(event.get("response") or {})
            return "last"
        if index is None:
            return None
        match event:
            case {"type": "response.output_item.added" | "response.output_item.done", "item": dict(data)}:
                self._item(index).data = _data_of(data)
            case {"type": "response.output_text.delta", "delta": str(text)}:
                item = self._item(index)
                item.pieces += text
                item.begun = "message"
                tell(text)
            case {"type": "response.refusal.delta", "delta": str(text)}:
                self._item(index).pieces += text
                self.refused = True
            case {"type": "response.function_call_arguments.delta", "delta": str(text)}:
                self._item(index).pieces += text
            case _:  # a summary of a thought, say, which nobody is shown
                pass
        return None

    def _index(self, event: Mapping[str, Any]) -> int | None:
        """Return the place of the item that an event is about."""
        if isinstance(index := event.get("output_index"), int):
            return index
        item = event.get("item") or {}
        id = event.get("item_id") or item.get("id") or item.get("call_id")
        return self.places.setdefault(id, len(self.places)) if isinstance(id, str) else None

    def _item(self, index: int) -> _Item:
        return self.items.setdefault(index, _Item({}))

    def _end(self, response: Mapping[str, Any]) -> None:
        if not any(item.data for item in self.items.values()):  # some servers tell what there is at the end only
            told = {at: _Item(_data_of(item)) for at, item in enumerate(response.get("output") or ())}
            self.items = told or self.items
        self.usage = usage_of(response.get("usage"), "input", "output")
        reason = (response.get("incomplete_details") or {}).get("reason")
        if self.refused or reason == "content_filter":
            self.finish = "content_filter"
        elif response.get("status") == "incomplete":
            self.finish = "length"
        else:
            self.finish = "tool_calls" if self._of_type(_CALL) else "stop"

    def _of_type(self, type: str) -> list[_Item]:
        return [item for _, item in sorted(self.items.items()) if item.type == type]

    def whole(self) -> ModelReply:
        """Return what came."""
        text = "".join(item.text for item in self._of_type("message"))
        calls = tuple(
            ToolCall(str(item.data.get("call_id") or ""), str(item.data.get("name") or ""), item.arguments)
            for item in self._of_type(_CALL)
        )
        return ModelReply(text, calls, self.finish, self.usage, self._verbatim() if calls else None)

    def _verbatim(self) -> Verbatim | None:
        """Return the reply with its sealed thoughts; None if it has none, as one that isn't sealed can't be sent."""
        if not any(item.data.get("encrypted_content") for item in self._of_type("reasoning")):
            return None
        kept = [_kept(item) for _, item in sorted(self.items.items())]
        return Verbatim(PROVIDER, json.dumps([each for each in kept if each], ensure_ascii=False))


def _data_of(item: Any) -> dict[str, Any]:
    """Return an item as it is told.

    Raises:
        TypeError: The arguments of a call are no text, as which they are told.
    """
    data = dict(item)
    if not isinstance(data.get("arguments") or "", str):
        raise TypeError("the arguments are no text")
    return data


def _kept(item: _Item) -> dict[str, Any] | None:
    match item.data:
        case {"type": "function_call"}:
            return {"type": _CALL}
        case {"type": "reasoning", "id": id, "encrypted_content": str(sealed)}:
            summary = item.data.get("summary") or []
            return {"type": "reasoning", "id": id, "summary": summary, "encrypted_content": sealed}
        case {"type": "message"} if item.text:
            return _text("assistant", item.text)
        case _:
            return None


def _error_of(event: Mapping[str, Any]) -> object:
    if event.get("type") == "error":
        return event.get("error") or event
    if event.get("type") == "response.failed":
        return (event.get("response") or {}).get("error") or {"message": "the response failed"}
    return None


RESPONSES = Form(
    create=lambda client: client.responses.with_raw_response.create,
    fields=_fields,
    reading=_Reply,
    error_of=_error_of,
)

"""A prompt as Anthropic's messages: roles take turns, results come first, nothing is blank, thoughts go back as signed.

A reply that thought before it called tools must be sent back as it was, each thought with its signature and in its
place. So such a reply is kept as its blocks, with the calls left out: these have ids of ours by then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anthropic

from jido_trio.ai._client import ModelRequest
from jido_trio.ai._messages import AssistantMessage, Message, Prompt, ToolMessage, UserMessage, Verbatim
from jido_trio.data import thaw

PROVIDER = "anthropic"
BLANK = "(nothing)"
"""In the place of a text that is blank, which is refused."""

_THOUGHTS = frozenset({"thinking", "redacted_thinking"})


def body_of(request: ModelRequest, options: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a request, beside the model's."""
    prompt = request.prompt
    body: dict[str, Any] = {**options, "messages": messages_of(prompt.messages), **_tools(prompt)}
    if prompt.system.strip():
        body["system"] = prompt.system
    if prompt.answer is not None:
        form = {"type": "json_schema", "schema": anthropic.transform_schema(thaw(prompt.answer))}
        body["output_config"] = {**_mapping(options.get("output_config")), "format": form}
    if _mapping(body.get("thinking")).get("type") == "enabled" and _lacks_thoughts(body["messages"]):
        body["thinking"] = {"type": "disabled"}
    return body


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _tools(prompt: Prompt) -> dict[str, Any]:
    """Return the tools; where the transcript has calls and no tool may be called, their names and that."""
    if prompt.tools:
        tools = [
            {"name": tool.name, "description": tool.description, "input_schema": thaw(tool.parameters)}
            for tool in prompt.tools
        ]
        return {"tools": tools}
    called = [call.name for said in prompt.messages if isinstance(said, AssistantMessage) for call in said.calls]
    if not called:
        return {}
    named = [{"name": name, "input_schema": {"type": "object"}} for name in dict.fromkeys(called)]
    return {"tools": named, "tool_choice": {"type": "none"}}


def messages_of(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages whose roles take turns: what follows in the same role is put together."""
    told: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if isinstance(message, AssistantMessage) else "user"
        blocks = list(_blocks(message))
        if told and told[-1]["role"] == role:
            told[-1]["content"] += blocks
        elif blocks:
            told.append({"role": role, "content": blocks})
    return told


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    match message:
        case UserMessage(text):
            yield {"type": "text", "text": text if text.strip() else BLANK}
        case ToolMessage(id, content, error):
            shown = content if content.strip() or not error else BLANK
            yield {"type": "tool_result", "tool_use_id": id, "content": shown, **({"is_error": True} if error else {})}
        case AssistantMessage():
            yield from _said(message)


def _said(message: AssistantMessage) -> Iterator[dict[str, Any]]:
    calls = iter([_call(call.id, call.name, call.arguments) for call in message.calls])
    if message.verbatim is not None and message.verbatim.provider == PROVIDER:
        for block in json.loads(message.verbatim.data):
            if block["type"] == "tool_use":
                yield from (call for call in [next(calls, None)] if call is not None)
            else:
                yield block
    elif message.text.strip():
        yield {"type": "text", "text": message.text}
    yield from calls


def _call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": json.loads(arguments)}


def _lacks_thoughts(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the calls that are being answered came from a reply without a thought, another model's say.

    With thinking on that is refused.
    """
    if len(messages) < 2 or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    return messages[-2]["content"][0]["type"] not in _THOUGHTS


def verbatim_of(blocks: Sequence[Mapping[str, Any]]) -> Verbatim | None:
    """Return what must be sent back as it came; None if text and calls are all that there is."""
    if not any(block.get("type") in _THOUGHTS for block in blocks):
        return None
    kept = [
        {"type": "tool_use"} if block["type"] == "tool_use" else dict(block)
        for block in blocks
        if block.get("type") in _THOUGHTS
        or block.get("type") == "tool_use"
        or (block.get("type") == "text" and (block.get("text") or "").strip())
    ]
    return Verbatim(PROVIDER, json.dumps(kept, ensure_ascii=False))

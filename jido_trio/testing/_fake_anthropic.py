"""A server that speaks as Anthropic does, strictly: messages, with thoughts that it signs and wants back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from typing import Any

from jido_trio.testing._fake_provider import (
    Dialect,
    End,
    FakeProvider,
    HttpReply,
    Received,
    in_halves,
    in_words,
    open_fake,
)


def open_fake_anthropic(script: Iterable[HttpReply]) -> AbstractAsyncContextManager[FakeProvider]:
    """Serve a script, one reply for each request; beyond its end, and for what a strict provider refuses, a 400."""
    return open_fake(_DIALECT, script)


def messages_reply(
    text: str = "",
    calls: Iterable[tuple[str, str]] = (),
    *,
    thought: str | None = None,
    finish: str | None = None,
    usage: Mapping[str, int] | None = None,
    end: End = "whole",
) -> HttpReply:
    """Return a stream of a message: a signed thought, a text word by word, then calls of tools, each in two pieces."""
    told = list(calls)
    start = {"input_tokens": 12, "output_tokens": 1, **(usage or {})}
    message: dict[str, Any] = {"role": "assistant", "content": [], "usage": start}
    events: list[Any] = [{"type": "message_start", "message": message}]
    events.append({"type": "ping"})
    blocks: list[Any] = []
    if thought is not None:
        thinking = {"type": "thinking", "thinking": "", "signature": ""}
        pieces = [{"type": "thinking_delta", "thinking": word} for word in in_words(thought)]
        blocks.append((thinking, [*pieces, {"type": "signature_delta", "signature": signature_of(thought)}]))
    if text:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": word} for word in in_words(text)]))
    for number, (name, arguments) in enumerate(told):
        begun: dict[str, Any] = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
        blocks.append((begun, [{"type": "input_json_delta", "partial_json": half} for half in in_halves(arguments)]))
    for index, (begun, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    if end == "whole":
        reason = finish or ("tool_use" if told else "end_turn")
        events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 5}})
        events.append({"type": "message_stop"})
    else:
        del events[-1:]
    return HttpReply(events=events, end=end)


def signature_of(thought: str) -> str:
    """Return what a thought is signed with."""
    return sha256(thought.encode()).hexdigest()[:16]


# What is refused


def _refused(request: Received) -> str | None:
    if not {"x-api-key", "authorization"} & set(request.headers) or "anthropic-version" not in request.headers:
        return "a key and anthropic-version are required"
    return next(_wrong(request.body), None)


def _wrong(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a request; the first is told."""
    most, thinking = body.get("max_tokens"), body.get("thinking", {})
    if not isinstance(most, int) or most < 1:
        yield "max_tokens: required"
    elif thinking.get("budget_tokens", 0) >= most:
        yield "max_tokens: must be greater than thinking.budget_tokens"
    messages = body.get("messages") or ()
    if not messages:
        yield "messages: at least one message is required"
    for at, message in enumerate(messages):
        yield from (f"messages.{at}: {why}" for why in _wrong_with(at, message))
    yield from _wrong_calls(messages)
    names = {tool["name"] for tool in body.get("tools", ())}
    if any(block["type"] in ("tool_use", "tool_result") for block in _blocks(messages)) and not names:
        yield "requests which include tool_use or tool_result blocks must define tools"
    if thinking.get("type") == "enabled" and not _thinks(messages):
        yield "expected thinking, found tool_use: a final assistant message must start with a thinking block"


def _wrong_with(at: int, message: Mapping[str, Any]) -> Iterator[str]:
    if message["role"] != ("user", "assistant")[at % 2]:
        yield "roles must alternate between user and assistant, and the first be user"
    if not message["content"]:
        yield "content must not be empty"
    for block in message["content"]:
        match block["type"]:
            case "text" if not block["text"].strip():
                yield "text content blocks must contain non-whitespace text"
            case "thinking" if block.get("signature") != signature_of(block["thinking"]):
                yield "invalid signature in thinking block"
            case "tool_use" if not re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]) or not isinstance(block["input"], dict):
                yield "tool_use: a wrong id, or an input that is no object"
            case "tool_result" if block.get("is_error") and not block.get("content"):
                yield "content cannot be empty if is_error is true"
            case _:
                pass


def _wrong_calls(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    calls = [block["id"] for block in _blocks(messages) if block["type"] == "tool_use"]
    if len(set(calls)) < len(calls):
        yield "tool_use ids must be unique"
    before: list[str] = []
    for at, message in enumerate(messages):
        kinds = [block["type"] == "tool_result" for block in message["content"]]
        results = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        if sorted(results) != sorted(before):
            yield f"messages.{at}: each tool_use must have its tool_result in the next message, and no other"
        if kinds != sorted(kinds, reverse=True):
            yield f"messages.{at}: tool_result blocks must come first"
        before = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    if before or (messages and messages[-1]["role"] != "user"):
        yield "the conversation must end with a user message"


def _blocks(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        yield from message["content"]


def _thinks(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the calls that are being answered, if any are, came after a thought."""
    if len(messages) < 2 or all(block["type"] != "tool_result" for block in messages[-1]["content"]):
        return True
    before = list(messages)[-2]
    return bool(before["content"][0]["type"] in ("thinking", "redacted_thinking"))


_DIALECT = Dialect(
    base="",
    paths={"/v1/messages": _refused},
    error=lambda why: {"type": "error", "error": {"type": "invalid_request_error", "message": why}},
    event=lambda event: f"event: {event['type']}\ndata: {json.dumps(event)}\n\n",
)

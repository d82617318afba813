"""A server that speaks as OpenAI does, strictly: chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from jido_trio.testing._fake_provider import (
    Dialect,
    End,
    FakeProvider,
    HttpReply,
    Received,
    in_halves,
    in_words,
    is_json_object,
    open_fake,
)


def open_fake_openai(script: Iterable[HttpReply]) -> AbstractAsyncContextManager[FakeProvider]:
    """Serve a script, one reply for each request; beyond its end, and for what a strict provider refuses, a 400."""
    return open_fake(_DIALECT, script)


def chat_reply(
    text: str = "", calls: Iterable[tuple[str, str]] = (), *, finish: str | None = None, end: End = "whole"
) -> HttpReply:
    """Return a stream of chat completions: a text word by word, then calls of tools, each in two pieces."""
    told = list(calls)
    events: list[Any] = [_chunk({"content": word}) for word in in_words(text)]
    for index, (name, arguments) in enumerate(told):
        begin, rest = in_halves(arguments)
        first = {"index": index, "id": f"id-{index}", "type": "function"}
        events.append(_chunk({"tool_calls": [{**first, "function": {"name": name, "arguments": begin}}]}))
        events.append(_chunk({"tool_calls": [{"index": index, "function": {"arguments": rest}}]}))
    if end == "whole":
        events.append(_chunk({}, finish or ("tool_calls" if told else "stop")))
        events.append({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}})
    return HttpReply(events=events, end=end)


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


def refused_transcript(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what a strict provider refuses in the messages of a request."""
    waiting: list[str] = []
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if not waiting or waiting.pop(0) != message["tool_call_id"]:
                return f"messages[{at}]: a result without its call"
            continue
        if waiting:
            return f"messages[{at}]: the call {waiting[0]} before it has no result"
        if message["role"] == "assistant" and not message.get("content") and not message.get("tool_calls"):
            return f"messages[{at}]: it is empty"
        for call in message.get("tool_calls", ()):
            if not is_json_object(call["function"]["arguments"]):
                return f"messages[{at}]: arguments that are no JSON object"
            waiting.append(call["id"])
    return f"the call {waiting[0]} has no result" if waiting else None


def _refused_chat(request: Received) -> str | None:
    return refused_transcript(request.body["messages"])


_DIALECT = Dialect(
    base="/v1",
    paths={"/v1/chat/completions": _refused_chat},
    error=lambda why: {"error": {"message": why, "type": "invalid_request_error"}},
    event=lambda event: f"data: {json.dumps(event)}\n\n",
    last="data: [DONE]\n\n",
)

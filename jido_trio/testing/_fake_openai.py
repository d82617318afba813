"""A server that speaks as OpenAI does, strictly: chat completions, responses, embeddings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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


def responses_reply(
    text: str = "",
    calls: Iterable[tuple[str, str]] = (),
    *,
    thought: str | None = None,
    incomplete: str | None = None,
    end: End = "whole",
) -> HttpReply:
    """Return a stream of a response: a sealed thought, a text word by word, then calls of tools, each in two pieces.

    `incomplete` is the reason why it is: "max_output_tokens", "content_filter".
    """
    items: list[Any] = []
    if thought is not None:
        sealed = sealed_as(thought)
        items.append(({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed}, "", []))
    if text:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        message = {"type": "message", "id": "msg_1", "role": "assistant", "content": content}
        items.append((message, "response.output_text.delta", in_words(text)))
    for number, (name, arguments) in enumerate(calls):
        call = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": name}
        pieces = list(in_halves(arguments))
        items.append(({**call, "arguments": arguments}, "response.function_call_arguments.delta", pieces))
    events: list[Any] = [{"type": "response.created", "response": {"status": "in_progress"}}]
    for index, (item, delta, pieces) in enumerate(items):
        begun = {**item, **({"content": []} if "content" in item else {"arguments": ""} if "name" in item else {})}
        events.append({"type": "response.output_item.added", "output_index": index, "item": begun})
        of = {"output_index": index, "item_id": item["id"]}
        events += [{"type": delta, **of, "delta": piece} for piece in pieces]
        if end == "whole" or index < len(items) - 1:
            events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    if end == "whole":
        status = "completed" if incomplete is None else "incomplete"
        details = {"reason": incomplete} if incomplete is not None else None
        usage = {"input_tokens": 12, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}}
        response = {"status": status, "incomplete_details": details, "usage": usage}
        events.append({"type": f"response.{status}", "response": response})
    return HttpReply(events=events, end=end)


def sealed_as(thought: str) -> str:
    """Return a thought as nobody but the provider can read it."""
    return sha256(thought.encode()).hexdigest()[:16]


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


def _refused_responses(request: Received) -> str | None:
    """Return what is refused: calls and results that don't belong together, a thought without what came of it."""
    if request.body.get("max_output_tokens", 16) < 16:
        return "max_output_tokens: expected a value >= 16"
    waiting: list[str] = []
    thought = False
    for at, item in enumerate(request.body.get("input") or ()):
        kind = item.get("type", "message")
        if kind == "function_call_output":
            if thought or item["call_id"] not in waiting:
                return f"input[{at}]: a result without its call"
            waiting.remove(item["call_id"])
            continue
        if kind == "function_call":
            if not is_json_object(item["arguments"]):
                return f"input[{at}]: arguments that are no JSON object"
            waiting.append(item["call_id"])
        elif waiting:
            return f"input[{at}]: the call {waiting[0]} before it has no result"
        elif kind == "message" and not item.get("content"):
            return f"input[{at}]: it is empty"
        if thought and item.get("role") == "user":
            return f"input[{at}]: a reasoning item was given without its required following item"
        thought = kind == "reasoning"
    if not request.body.get("input") or thought:
        return "input: it is empty, or ends with a thought"
    return f"the call {waiting[0]} has no result" if waiting else None


def _refused_embeddings(request: Received) -> str | None:
    texts = request.body.get("input")
    return None if texts and all(texts) else "input: it is empty, or a text of it is"


_DIALECT = Dialect(
    base="/v1",
    paths={
        "/v1/chat/completions": _refused_chat,
        "/v1/embeddings": _refused_embeddings,
        "/v1/responses": _refused_responses,
    },
    error=lambda why: {"error": {"message": why, "type": "invalid_request_error"}},
    event=lambda event: f"data: {json.dumps(event)}\n\n",
    last="data: [DONE]\n\n",
)

"""A server that speaks as Ollama does, strictly: its own chat, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from jido_trio.testing._fake_provider import Dialect, End, FakeProvider, HttpReply, Received, in_words, open_fake


def open_fake_ollama(script: Iterable[HttpReply]) -> AbstractAsyncContextManager[FakeProvider]:
    """Serve a script, one reply for each request; beyond its end, and for what doesn't fit, a 400."""
    return open_fake(_DIALECT, script)


def ollama_reply(
    text: str = "", calls: Iterable[tuple[str, Mapping[str, Any]]] = (), *, finish: str = "stop", end: End = "whole"
) -> HttpReply:
    """Return a stream of lines: a text word by word, then calls of tools, each whole."""
    lines: list[Any] = [_line({"content": word}) for word in in_words(text)]
    for name, arguments in calls:
        lines.append(_line({"content": "", "tool_calls": [{"function": {"name": name, "arguments": dict(arguments)}}]}))
    if end == "whole":
        counts = {"prompt_eval_count": 12, "eval_count": 5}
        lines.append({**_line({"content": ""}), "done": True, "done_reason": finish, **counts})
    return HttpReply(events=lines, end=end)


def _line(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", **message}, "done": False}


def _refused(request: Received) -> str | None:
    """Return what is refused: a result without its call, by name and in order, and a call whose arguments are text."""
    waiting: list[str] = []
    for at, message in enumerate(request.body["messages"]):
        if not isinstance(message.get("content"), str):
            return f"messages[{at}]: content must be a string"
        if message["role"] == "tool":
            if not waiting or waiting.pop(0) != message.get("tool_name"):
                return f"messages[{at}]: a result without its call"
            continue
        if waiting:
            return f"messages[{at}]: the call of {waiting[0]} before it has no result"
        for call in message.get("tool_calls", ()):
            if not isinstance(call["function"]["arguments"], dict):
                return f"messages[{at}]: arguments must be an object"
            waiting.append(call["function"]["name"])
    return f"the call of {waiting[0]} has no result" if waiting else None


_DIALECT = Dialect(
    base="",
    paths={"/api/chat": _refused},
    error=lambda why: {"error": why},
    event=lambda event: json.dumps(event) + "\n",
    kind="application/x-ndjson",
)

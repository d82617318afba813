"""A server on this machine that speaks as OpenAI's chat completions do, strictly, and fails on demand.

It is real HTTP over a real socket, so that what an SDK does with faults of the line can be seen: a stream that is cut,
one that ends in an orderly way before it is whole, one that hangs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias

import trio
from attrs import define, field, frozen

End: TypeAlias = Literal["whole", "early", "cut", "hang"]
"""How a stream ends: as it should; in an orderly way; by the loss of the connection; not at all."""


@frozen
class HttpReply:
    """What the server answers to one request."""

    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)
    events: Sequence[Any] = ()
    """Of a stream: plain data, each sent as an event."""
    body: str | None = None
    """In the place of a stream."""
    end: End = "whole"


def chat_reply(
    text: str = "", calls: Iterable[tuple[str, str]] = (), *, finish: str | None = None, end: End = "whole"
) -> HttpReply:
    """Return a stream of chat completions: a text word by word, then calls of tools, each in two pieces."""
    told = list(calls)
    events: list[Any] = [_chunk({"content": word}) for word in text.replace(" ", "\0 ").split("\0") if word]
    for index, (name, arguments) in enumerate(told):
        half = len(arguments) // 2
        first = {"index": index, "id": f"id-{index}", "type": "function"}
        events.append(_chunk({"tool_calls": [{**first, "function": {"name": name, "arguments": arguments[:half]}}]}))
        events.append(_chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments[half:]}}]}))
    if end == "whole":
        events.append(_chunk({}, finish or ("tool_calls" if told else "stop")))
        events.append({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}})
    return HttpReply(events=events, end=end)


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


@define(eq=False)
class FakeOpenAI:
    """A server, as `open_fake_openai` yields it."""

    base_url: str
    _script: Iterable[HttpReply]
    requests: list[Mapping[str, Any]] = field(factory=list)
    """The bodies of all requests."""
    headers: list[Mapping[str, str]] = field(factory=list)
    """Their headers, names in lower case."""
    closed_early: int = 0
    """Connections that the client closed before the reply was whole."""

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one request, and close the connection."""
        async with stream:
            try:
                await self._answer(stream)
            except trio.BrokenResourceError:
                self.closed_early += 1

    async def _answer(self, stream: trio.SocketStream) -> None:
        head, body = await _request(stream)
        self.headers.append(head)
        self.requests.append(json.loads(body))
        wrong = refused_transcript(self.requests[-1]["messages"])
        if wrong is not None:
            reply = HttpReply(400, body=json.dumps({"error": {"message": wrong, "type": "invalid_request_error"}}))
        else:
            reply = next(self._script_iterator(), HttpReply(400, body='{"error": {"message": "the script is over"}}'))
        await self._send(stream, reply)

    def _script_iterator(self) -> Any:
        self._script = iter(self._script)
        return self._script

    async def _send(self, stream: trio.SocketStream, reply: HttpReply) -> None:
        kind = "application/json" if reply.body is not None else "text/event-stream"
        headers = {"content-type": kind, "connection": "close", "transfer-encoding": "chunked", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        await stream.send_all(("\r\n".join(lines) + "\r\n\r\n").encode())
        if reply.body is not None:
            await _chunked(stream, reply.body)
        for event in reply.events:
            await _chunked(stream, f"data: {json.dumps(event)}\n\n")
        if reply.body is None and reply.end == "whole":
            await _chunked(stream, "data: [DONE]\n\n")
        if reply.end == "hang":
            if not await stream.receive_some():
                self.closed_early += 1
        elif reply.end != "cut":
            await stream.send_all(b"0\r\n\r\n")


@asynccontextmanager
async def open_fake_openai(script: Iterable[HttpReply]) -> AsyncIterator[FakeOpenAI]:
    """Serve a script, one reply for each request; beyond its end, and for what a strict provider refuses, a 400."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        server = FakeOpenAI(f"http://127.0.0.1:{port}/v1", script)
        await nursery.start(trio.serve_listeners, server.serve, listeners)
        yield server
        nursery.cancel_scope.cancel()


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
            try:
                is_object = isinstance(json.loads(call["function"]["arguments"]), dict)
            except ValueError:
                is_object = False
            if not is_object:
                return f"messages[{at}]: arguments that are no JSON object"
            waiting.append(call["id"])
    return f"the call {waiting[0]} has no result" if waiting else None


async def _request(stream: trio.SocketStream) -> tuple[Mapping[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await _more(stream)
    head, _, body = data.partition(b"\r\n\r\n")
    pairs = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value for name, _, value in pairs}
    while len(body) < int(headers.get("content-length", "0")):
        body += await _more(stream)
    return headers, body


async def _more(stream: trio.SocketStream) -> bytes:
    data = await stream.receive_some(65536)
    if not data:
        raise trio.BrokenResourceError
    return bytes(data)


async def _chunked(stream: trio.SocketStream, text: str) -> None:
    data = text.encode()
    if data:
        await stream.send_all(f"{len(data):x}\r\n".encode() + data + b"\r\n")

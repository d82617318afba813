"""A server on this machine that speaks as a provider of models does, strictly, and fails on demand.

It is real HTTP over a real socket, so that what an SDK does with faults of the line can be seen: a stream that is cut,
one that ends in an orderly way before it is whole, one that hangs. What its provider's requests, events and refusals
look like is a `Dialect`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
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
    """Of a stream: plain data, each sent as an event. The reply waits for a `trio.Event` among them."""
    body: str | None = None
    """In the place of a stream."""
    end: End = "whole"


@frozen
class Received:
    """What a client asked."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Mapping[str, Any]


@frozen
class Dialect:
    """How a provider speaks."""

    base: str
    """Of the URL that clients are given."""
    paths: Mapping[str, Callable[[Received], str | None]]
    """What may be asked for, and what is refused of it; None if it is taken."""
    error: Callable[[str], Any]
    """The body of a refusal."""
    event: Callable[[Any], str]
    """An event as text."""
    last: str = ""
    """What a whole stream ends with."""
    kind: str = "text/event-stream"


@define(eq=False)
class FakeProvider:
    """A server, as `open_fake_openai` and its like yield it."""

    base_url: str
    _dialect: Dialect
    _script: Iterator[HttpReply]
    requests: list[Mapping[str, Any]] = field(factory=list)
    """The bodies of all requests."""
    headers: list[Mapping[str, str]] = field(factory=list)
    """Their headers, names in lower case."""
    refused: list[str] = field(factory=list)
    """Why requests were refused."""
    closed_early: int = 0
    """Connections that the client closed before the reply was whole."""
    connections: int = 0
    """How many there were."""
    open: int = 0
    """How many there are."""

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one request after the other, until a reply or the client ends the connection."""
        self.connections += 1
        self.open += 1
        async with stream:
            try:
                while (request := await _request(stream)) is not None and await self._answer(stream, request):
                    pass
            except trio.BrokenResourceError:
                self.closed_early += 1
            finally:
                self.open -= 1

    async def _answer(self, stream: trio.SocketStream, request: Received) -> bool:
        self.headers.append(request.headers)
        self.requests.append(request.body)
        wrong = self._refusal(request)
        if wrong is not None:
            self.refused.append(wrong)
            reply = self._error(400, wrong)
        else:
            reply = next(self._script, None) or self._error(400, "the script is over")
        await self._send(stream, reply)
        return reply.end in ("whole", "early")

    def _refusal(self, request: Received) -> str | None:
        refused = self._dialect.paths.get(request.path)
        return refused(request) if refused is not None else f"there is no {request.path}"

    def _error(self, status: int, why: str) -> HttpReply:
        return HttpReply(status, body=json.dumps(self._dialect.error(why)))

    async def _send(self, stream: trio.SocketStream, reply: HttpReply) -> None:
        kind = "application/json" if reply.body is not None else self._dialect.kind
        headers = {"content-type": kind, "transfer-encoding": "chunked", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        await stream.send_all(("\r\n".join(lines) + "\r\n\r\n").encode())
        if reply.body is not None:
            await _chunked(stream, reply.body)
        for event in reply.events:
            if isinstance(event, trio.Event):
                await event.wait()
            else:
                await _chunked(stream, self._dialect.event(event))
        if reply.body is None and reply.end == "whole":
            await _chunked(stream, self._dialect.last)
        if reply.end == "hang":
            if not await stream.receive_some():
                self.closed_early += 1
        elif reply.end != "cut":
            await stream.send_all(b"0\r\n\r\n")


@asynccontextmanager
async def open_fake(dialect: Dialect, script: Iterable[HttpReply]) -> AsyncIterator[FakeProvider]:
    """Serve a script, one reply for each request; beyond its end, and for what the dialect refuses, a 400."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        server = FakeProvider(f"http://127.0.0.1:{port}{dialect.base}", dialect, iter(script))
        await nursery.start(trio.serve_listeners, server.serve, listeners)
        yield server
        nursery.cancel_scope.cancel()


def in_halves(text: str) -> tuple[str, str]:
    """Return a text as the two pieces that it is sent in."""
    half = len(text) // 2
    return text[:half], text[half:]


def in_words(text: str) -> list[str]:
    """Return a text as the pieces that it is sent in: words, each with the space before it."""
    return [word for word in text.replace(" ", "\0 ").split("\0") if word]


def is_json_object(text: object) -> bool:
    """Tell whether a text is a JSON object."""
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except ValueError:
        return False


async def _request(stream: trio.SocketStream) -> Received | None:
    data = bytes(await stream.receive_some(65536))
    if not data:
        return None
    while b"\r\n\r\n" not in data:
        data += await _more(stream)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += await _more(stream)
    return Received(first.split(" ")[1].partition("?")[0], headers, json.loads(body or b"{}"))


async def _more(stream: trio.SocketStream) -> bytes:
    data = await stream.receive_some(65536)
    if not data:
        raise trio.BrokenResourceError
    return bytes(data)


async def _chunked(stream: trio.SocketStream, text: str) -> None:
    data = text.encode()
    if data:
        await stream.send_all(f"{len(data):x}\r\n".encode() + data + b"\r\n")

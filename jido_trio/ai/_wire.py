"""What adapters share: a reply over HTTP, read to its end, and what a status, or an official SDK, says went wrong.

What an SDK takes for an answer and isn't one, is a failure here: a stream that just ends, an error in the midst of it,
and a body that is no stream.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isnan
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeGuard, TypeVar
from urllib.parse import quote

import trio
from attrs import define, evolve, field, frozen

from jido_trio.ai._client import ModelFailure, ModelReply, Tell
from jido_trio.ai._messages import Usage
from jido_trio.redact import said, shown_error
from jido_trio.world import current

C = TypeVar("C")

BEGINNING = 200
"""Characters of a body that is no reply, which are told."""

REST = 1.0
"""Seconds that the connection has to end after the last event; then it is closed."""

LONGEST_WAIT = 3600.0
"""Seconds; whoever says to wait longer is asked again after that."""

MAY_HAVE_BEGUN = frozenset({408, 500, 502, 504})
"""What these come from may have generated something, which is paid."""

Secrets: TypeAlias = tuple[str, ...]
"""What stands in no failure."""

Took: TypeAlias = ModelFailure | Literal["last"] | None
"""What to make of an event: it says that the reply failed, or is the last one of it, or there is more to come."""


@define(eq=False)
class _Shared(Generic[C]):
    """A client of a run of Trio, once it is needed, and how many hold it."""

    run: trio.lowlevel.TrioToken
    holders: int = 0
    client: C | None = None


@define(eq=False)
class Connections(Generic[C]):
    """A client that is there while somebody holds it, and is closed by the last one: no connection outlives them.

    Connections can't be taken along into another run of Trio.
    """

    _make: Callable[[], C]
    _close: Callable[[C], Awaitable[None]]
    _shared: _Shared[C] | None = None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the connections until the block is left."""
        async with self._held():
            yield

    @asynccontextmanager
    async def used(self) -> AsyncIterator[C]:
        """Yield the client that all have who hold it meanwhile."""
        async with self._held() as shared:
            if shared.client is None:
                shared.client = self._make()
            yield shared.client

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[_Shared[C]]:
        run = trio.lowlevel.current_trio_token()
        shared = self._shared
        if shared is None or shared.run is not run:
            shared = self._shared = _Shared(run)
        shared.holders += 1
        try:
            yield shared
        finally:
            shared.holders -= 1
            if not shared.holders:
                with trio.move_on_after(REST, shield=True):
                    await self._closed(shared)

    async def _closed(self, shared: _Shared[C]) -> None:
        if self._shared is shared:
            self._shared = None
        if shared.client is not None:
            await self._close(shared.client)


# What comes


class Reading(Protocol):
    """A reply as it comes. Servers leave out whatever they like."""

    @property
    def usage(self) -> Usage | None:
        """What it took so far, as far as the server has told."""
        ...

    @property
    def heard(self) -> bool:
        """Whether anything of a reply came."""
        ...

    def take(self, event: Mapping[str, Any], tell: Tell) -> Took:
        """Add an event."""
        ...

    def whole(self) -> ModelReply | ModelFailure:
        """Return what came."""
        ...


def header_of(key: str) -> str:
    """Return what names a try as a header may hold it: an agent's id may be any text."""
    return quote(key, safe="!#$&'*+-.^_`|~/:@")


async def read_reply(
    response: Any,
    reply: Reading,
    tell: Tell,
    secrets: Secrets,
    *,
    error_of: Callable[[Mapping[str, Any]], object],
    kind: Literal["event-stream", "ndjson"] = "event-stream",
) -> ModelReply | ModelFailure:
    """Read a reply to the end of its stream, and return it.

    The SDKs' own readers leave their generators unfinished at the last event, of which Trio warns.

    Args:
        response: That of the HTTP library.
        reply: Takes each event, a JSON object.
        tell: Told of each piece of the text.
        secrets: What stands in no failure.
        error_of: Gives the error that an event is, if it is one.
        kind: Whether events are server-sent ones, or lines.
    """
    if kind not in response.headers.get("content-type", "").lower():
        return await _no_stream(response, secrets)

    def take(event: str) -> Took:
        if event == "[DONE]":
            return "last"
        data = _object_of(event, secrets)
        if isinstance(data, ModelFailure):
            return evolve(data, usage=reply.usage)
        error = error_of(data)
        if error:
            return _error_within(error, secrets, reply.usage)
        try:
            return reply.take(data, tell)
        except (AttributeError, LookupError, TypeError, ValueError) as misfit:  # a list where a text should be, say
            why = f"an event can't be read ({shown_error(misfit)}): {said(event, BEGINNING, hide=secrets)}"
            return ModelFailure(why, usage=reply.usage)

    failure = await _read(response, _Events() if kind == "event-stream" else _Lines(), take)
    if failure is not None:
        return failure
    return reply.whole() if reply.heard else ModelFailure("the reply is an empty stream")


async def _read(response: Any, events: _Lines | _Events, take: Callable[[str], Took]) -> ModelFailure | None:
    took: Took = None
    with trio.CancelScope() as rest:
        async for piece in response.aiter_bytes():
            for event in events.fed(piece):
                took = take(event) if took is None else took
                if isinstance(took, ModelFailure):  # whoever goes on reading pays for it
                    rest.cancel()
                elif took is not None:
                    rest.deadline = min(rest.deadline, trio.current_time() + REST)
    return took if isinstance(took, ModelFailure) else None


@define
class _Lines:
    """Lines, as bytes come."""

    _rest: bytes = b""
    _begun: bool = False

    def fed(self, piece: bytes) -> Iterator[str]:
        """Yield each line that is whole now, and not blank."""
        return (line for line in self.all(piece) if line.strip())

    def all(self, piece: bytes) -> Iterator[str]:
        """Yield the blank ones, too."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            yield text if self._begun else text.removeprefix("\ufeff")  # some servers begin with a mark of byte order
            self._begun = True


@define
class _Events:
    """Server-sent events, as bytes come; only their data matters here.

    Their lines end in CR LF, LF or CR (HTML, "Parsing an event stream"). A CR ends its line at once, whatever comes
    next: an LF right after it belongs to it, even if that comes later.
    """

    _lines: _Lines = field(factory=_Lines)
    _data: list[str] = field(factory=list)
    _after_cr: bool = False
    """Whether the piece before ended in a CR."""

    def fed(self, piece: bytes) -> Iterator[str]:
        """Yield the data of each event that is whole now."""
        if not piece:
            return
        if self._after_cr:
            piece = piece.removeprefix(b"\n")
        self._after_cr = piece.endswith(b"\r")
        for text in self._lines.all(piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")):
            if text.startswith("data:"):
                self._data.append(text[5:].removeprefix(" "))
            elif not text and self._data:
                data, self._data = "\n".join(self._data), []
                if data.strip():  # or it says that the connection is alive
                    yield data


def _object_of(event: str, secrets: Secrets) -> dict[str, Any] | ModelFailure:
    """Return the JSON object that an event is, or that it is none."""
    try:
        data = json.loads(event)
    except (ValueError, RecursionError):
        return ModelFailure(f"an event is no JSON: {said(event, BEGINNING, hide=secrets)}")
    if not isinstance(data, dict):
        return ModelFailure(f"an event is no object: {said(event, BEGINNING, hide=secrets)}")
    return data


def _error_within(error: object, secrets: Secrets, usage: Usage | None) -> ModelFailure:
    """Return the failure that an error in the midst of a reply is."""
    why = error.get("message") if isinstance(error, dict) else error
    return ModelFailure(f"an error within the reply: {said(why, hide=secrets)}", usage=usage)


async def _no_stream(response: Any, secrets: Secrets) -> ModelFailure:
    """Return the failure that a body is which is no stream, with its beginning."""
    body = b""
    with trio.move_on_after(REST):
        async for piece in response.aiter_bytes():
            body = (body + piece)[:BEGINNING]
    begins = said(body.decode("utf-8", "replace"), hide=secrets)
    return ModelFailure(f"the reply is no stream of events: {begins or 'it is empty'}")


def count(data: object, *path: str) -> int:
    """Return a number of tokens out of nested data; 0 if it isn't there."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data if is_count(data) else 0


def is_count(data: object) -> TypeGuard[int]:
    """Tell whether that is a number of tokens."""
    return isinstance(data, int) and not isinstance(data, bool) and data >= 0


# What goes wrong


@frozen
class SdkErrors:
    """The exceptions of an official SDK, and what its provider's refusals mean."""

    status: type[Any]
    timeout: type[Exception]
    api: type[Exception]
    """The connection broke, say."""
    own: type[Exception]
    """There is no key, say."""
    refused: Callable[[Any, str], ModelFailure]
    """Takes an error that has a status, and its text."""

    def failure(self, error: Exception, *, silence: float, usage: Usage | None, secrets: Secrets) -> ModelFailure:
        """Return the failure that an exception is. What the HTTP library or a parser raises isn't the agent's."""
        if isinstance(error, self.status):
            return self.refused(error, said(error, hide=secrets))
        if (unsent := not_connected(error, secrets)) is not None:
            return unsent
        if isinstance(error, self.timeout):
            return ModelFailure(f"nothing came for {silence:g} seconds", usage=usage)
        if isinstance(error, self.api):
            return ModelFailure(said(error, hide=secrets), usage=usage)
        if isinstance(error, self.own):
            return ModelFailure(said(error, hide=secrets), "fallback", billed=False)
        return ModelFailure(shown_error(error, hide=secrets), usage=usage)


_NOT_CONNECTED = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
"""What the HTTP library raises, itself or beneath an SDK's error, before anything is sent."""


def not_connected(error: BaseException, secrets: Secrets) -> ModelFailure | None:
    """Return the failure that an exception is which came before anything was sent, and costs nothing; or None."""
    cause: BaseException | None = error
    while cause is not None and type(cause).__name__ not in _NOT_CONNECTED:
        cause = cause.__cause__
    return None if cause is None else ModelFailure(f"no connection: {said(cause, hide=secrets)}", billed=False)


def refused(status: int, why: str, headers: Mapping[str, str]) -> ModelFailure:
    """Return what a status means. What is refused at the door costs nothing; a server that breaks may have begun."""
    if status in (408, 409, 429) or status >= 500:
        return ModelFailure(why, billed=status in MAY_HAVE_BEGUN, retry_after=_wait(headers))
    return ModelFailure(why, "fallback" if status in (401, 402, 403, 404) else "never", billed=False)


def is_too_long(status: int, why: str) -> bool:
    """Tell whether a refusal is of a prompt that is too long. Most servers tell it in words only."""
    return status == 413 or (status == 400 and any(words in why.lower() for words in _TOO_LONG))


_TOO_LONG = (
    "prompt is too long",
    "exceed context limit",
    "maximum context length",
    "exceeds the available context size",
    "exceeds the context length",
)


def _wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a provider says to wait: in thousandths, as a number, or until a date."""
    seconds = _number(headers.get("retry-after-ms"))
    if seconds is not None:
        seconds /= 1000
    else:
        given = headers.get("retry-after")
        seconds = _number(given)
        if seconds is None:
            seconds = _until(given)
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds is not None else None


def _number(given: str | None) -> float | None:
    try:
        number = float(given or "")
    except ValueError:
        return None
    return None if isnan(number) else number


def _until(given: str | None) -> float | None:
    try:
        until = parsedate_to_datetime(given or "")
    except ValueError:
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return (until - current().now()).total_seconds()

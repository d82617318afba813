"""The adapter for chat completions, on the official SDK.

One `stream` is one HTTP request: the SDK's own retries are off, as it would send a request three times if the client's
own time is over. It always streams, as leaving a stream is the only way to stop a reply that is being paid for. What
the SDK takes for an answer and isn't one, is a failure here: a stream that just ends, an error in the midst of it, and
a body that is no stream.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import openai
import trio
from attrs import define, field

from jido_trio import checks
from jido_trio.ai._client import ModelFailure, ModelReply, ModelRequest, Tell
from jido_trio.ai._inputs import Finish
from jido_trio.ai._messages import AssistantMessage, Message, Prompt, ToolCall, ToolMessage, Usage, UserMessage
from jido_trio.data import thaw
from jido_trio.redact import said, shown, shown_error
from jido_trio.world import current

_BEGINNING = 200
"""Characters of a body that is no stream, which are told."""


class OpenAI:
    """A client for `Model("gpt-4.1-mini", OpenAI())`.

    Args:
        api_key: The key; the environment's `OPENAI_API_KEY` if not given. It is shown nowhere.
        base_url: Where another server is that speaks like OpenAI's: "http://localhost:8080/v1".
        silence: Seconds that may pass without a byte.
        options: Fields for each request, as the provider names them: `{"temperature": 0}`.

    Raises:
        InvalidDefinition: An option is wrong.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        silence: float = 60,
        options: Mapping[str, object] | None = None,
    ) -> None:
        checks.seconds("OpenAI", "silence", silence, above_zero=True)
        self._api_key = api_key
        self._base_url = base_url
        self._silence = silence
        self._options = dict(options or {})
        self._client: openai.AsyncOpenAI | None = None
        self._run: object = None

    def __repr__(self) -> str:
        return f"<OpenAI at {shown(self._base_url)}>" if self._base_url is not None else "<OpenAI>"

    async def stream(self, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        reply = _Reply()
        try:
            return await self._stream(request, tell, reply)
        except openai.APIStatusError as error:
            return _refused(error, self._secrets)
        except openai.APITimeoutError:
            return ModelFailure(f"nothing came for {self._silence:g} seconds", usage=reply.usage)
        except openai.APIError as error:  # the connection broke, or an error came within the stream
            return ModelFailure(said(error, hide=self._secrets), usage=reply.usage)
        except openai.OpenAIError as error:  # there is no key, say
            return ModelFailure(said(error, hide=self._secrets), "never", billed=False)
        except Exception as error:  # noqa: BLE001  # what the HTTP library or a parser raises isn't the agent's
            return ModelFailure(shown_error(error, hide=self._secrets), usage=reply.usage)

    async def _stream(self, request: ModelRequest, tell: Tell, reply: _Reply) -> ModelReply | ModelFailure:
        create: Any = self._connected().chat.completions.with_raw_response.create
        raw = await create(
            model=request.model,
            messages=_messages(request.prompt),
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"Idempotency-Key": request.key},
            **_of_prompt(request.prompt, "max_completion_tokens" if self._base_url is None else "max_tokens"),
            **self._options,
        )
        if "text/event-stream" not in raw.headers.get("content-type", ""):
            return await _no_stream(raw, self._secrets)
        failure = await _read(raw.http_response, reply, tell, self._secrets)
        if failure is not None:
            return failure
        return reply.whole() if reply.heard else ModelFailure("the reply is an empty stream")

    def _connected(self) -> openai.AsyncOpenAI:
        run = trio.lowlevel.current_trio_token()
        if self._client is None or self._run is not run:  # connections can't be taken along into another run
            self._run = run
            self._client = openai.AsyncOpenAI(
                api_key=self._api_key, base_url=self._base_url, timeout=self._silence, max_retries=0
            )
        return self._client

    @property
    def _secrets(self) -> tuple[str, ...]:
        key = self._client.api_key if self._client is not None else self._api_key
        return (key,) if key else ()


def _of_prompt(prompt: Prompt, most: str) -> dict[str, Any]:
    fields: dict[str, Any] = {most: prompt.max_tokens}
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

    def take(self, chunk: Mapping[str, Any], tell: Tell) -> None:
        """Add a chunk."""
        if isinstance(chunk.get("usage"), dict):
            self.usage = _usage(chunk["usage"])
        for choice in chunk.get("choices") or ():
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


def _usage(usage: Mapping[str, Any]) -> Usage:
    def count(*path: str) -> int:
        found: Any = usage
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, int) and found >= 0 else 0

    return Usage(
        count("prompt_tokens"),
        count("completion_tokens"),
        count("prompt_tokens_details", "cached_tokens"),
        count("completion_tokens_details", "reasoning_tokens"),
    )


async def _read(response: Any, reply: _Reply, tell: Tell, secrets: tuple[str, ...]) -> ModelFailure | None:
    """Read a stream of events to its end, and return what is wrong with it, if anything is.

    The SDK's own reader leaves its generators unfinished at the last event, of which Trio warns.
    """
    failure: ModelFailure | None = None
    events = _Events()
    with trio.CancelScope() as rest:
        async for piece in response.aiter_bytes():
            for event in events.fed(piece):
                if failure is None and event != "[DONE]":
                    failure = _taken(event, reply, tell, secrets)
                if failure is not None or event == "[DONE]":
                    rest.deadline = min(rest.deadline, trio.current_time() + _REST)
    return failure


_REST = 1.0
"""Seconds that the connection has to end after the last event; then it is closed."""


def _taken(event: str, reply: _Reply, tell: Tell, secrets: tuple[str, ...]) -> ModelFailure | None:
    try:
        chunk = json.loads(event)
    except ValueError:
        return ModelFailure(f"an event is no JSON: {said(event, _BEGINNING, hide=secrets)}", usage=reply.usage)
    if not isinstance(chunk, dict):
        return ModelFailure(f"an event is no object: {said(event, _BEGINNING, hide=secrets)}", usage=reply.usage)
    if chunk.get("error"):
        error = chunk["error"]
        why = error.get("message") if isinstance(error, dict) else error
        return ModelFailure(f"an error within the reply: {said(why, hide=secrets)}", usage=reply.usage)
    reply.take(chunk, tell)
    return None


@define
class _Events:
    """Server-sent events, as bytes come; only their data matters here."""

    _rest: bytes = b""
    _data: list[str] = field(factory=list)

    def fed(self, piece: bytes) -> Iterator[str]:
        """Yield the data of each event that is whole now."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                self._data.append(text[5:].removeprefix(" "))
            elif not text and self._data:
                yield "\n".join(self._data)
                self._data = []


async def _no_stream(raw: Any, secrets: tuple[str, ...]) -> ModelFailure:
    body = b""
    with trio.move_on_after(_REST):
        async for piece in raw.http_response.aiter_bytes():
            body = (body + piece)[:_BEGINNING]
    begins = said(body.decode("utf-8", "replace"), hide=secrets)
    return ModelFailure(f"the reply is no stream of events: {begins or 'it is empty'}")


def _refused(error: openai.APIStatusError, secrets: tuple[str, ...]) -> ModelFailure:
    """Return what a status means. What is refused at the door costs nothing; a server that breaks may have begun."""
    status, why = error.status_code, said(error, hide=secrets)
    if error.code == "context_length_exceeded":
        return ModelFailure(why, "overflow", billed=False)
    if error.code == "insufficient_quota":
        return ModelFailure(why, "never", billed=False)
    if status in (408, 409, 429) or status >= 500:
        return ModelFailure(why, billed=status in _MAY_HAVE_BEGUN, retry_after=_wait(error.response.headers))
    return ModelFailure(why, "never", billed=False)


_MAY_HAVE_BEGUN = frozenset({408, 500, 502, 504})


def _wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a provider says to wait: as a number, or until a date."""
    given = headers.get("retry-after")
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        try:
            until = parsedate_to_datetime(given)
        except ValueError:
            return None
        until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
        seconds = (until - current().now()).total_seconds()
    return min(max(seconds, 0.0), _LONGEST) if seconds == seconds else None  # noqa: PLR0124  # NaN


_LONGEST = 3600.0
"""Seconds; whoever says to wait longer is asked again after that."""

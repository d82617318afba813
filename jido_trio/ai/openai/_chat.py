"""The adapter for chat completions, on the official SDK.

One `stream` is one HTTP request: the SDK's own retries are off, as it would send a request three times if the client's
own time is over. It always streams, as leaving a stream is the only way to stop a reply that is being paid for. What
the SDK takes for an answer and isn't one, is a failure here: a stream that just ends, an error in the midst of it, and
a body that is no stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openai
from attrs import define, evolve, field

from jido_trio import checks
from jido_trio.ai._client import ModelFailure, ModelReply, ModelRequest, Tell
from jido_trio.ai._inputs import Finish
from jido_trio.ai._messages import AssistantMessage, Message, Prompt, ToolCall, ToolMessage, Usage, UserMessage
from jido_trio.ai._wire import (
    PerRun,
    SdkErrors,
    Secrets,
    Took,
    count,
    error_within,
    no_stream,
    object_of,
    read_events,
    refused,
)
from jido_trio.data import thaw
from jido_trio.redact import shown


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
        self._client = PerRun(self._connected)

    def __repr__(self) -> str:
        return f"<OpenAI at {shown(self._base_url)}>" if self._base_url is not None else "<OpenAI>"

    async def stream(self, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        reply = _Reply()
        try:
            client = self._client.get()
            secrets = (client.api_key,) if client.api_key else ()
        except openai.OpenAIError as error:  # there is no key
            return self._failure(error, reply, ())
        try:
            return await self._stream(client, request, reply, tell, secrets)
        except Exception as error:  # noqa: BLE001  # it is told
            return self._failure(error, reply, secrets)

    async def _stream(
        self, client: openai.AsyncOpenAI, request: ModelRequest, reply: _Reply, tell: Tell, secrets: Secrets
    ) -> ModelReply | ModelFailure:
        create: Any = client.chat.completions.with_raw_response.create
        raw = await create(
            model=request.model,
            messages=_messages(request.prompt),
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"Idempotency-Key": request.key},
            extra_body=self._options,
            **_of_prompt(request.prompt, "max_completion_tokens" if self._base_url is None else "max_tokens"),
        )
        if "text/event-stream" not in raw.headers.get("content-type", ""):
            return await no_stream(raw.http_response, secrets)
        failure = await read_events(raw.http_response, lambda event: _taken(event, reply, tell, secrets))
        if failure is not None:
            return failure
        return reply.whole() if reply.heard else ModelFailure("the reply is an empty stream")

    def _connected(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(api_key=self._api_key, base_url=self._base_url, timeout=self._silence, max_retries=0)

    def _failure(self, error: Exception, reply: _Reply, secrets: Secrets) -> ModelFailure:
        return _ERRORS.failure(error, silence=self._silence, usage=reply.usage, secrets=secrets)


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
    return Usage(
        count(usage, "prompt_tokens"),
        count(usage, "completion_tokens"),
        count(usage, "prompt_tokens_details", "cached_tokens"),
        count(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def _taken(event: str, reply: _Reply, tell: Tell, secrets: Secrets) -> Took:
    if event == "[DONE]":
        return "last"
    chunk = object_of(event, secrets)
    if isinstance(chunk, ModelFailure):
        return evolve(chunk, usage=reply.usage)
    if chunk.get("error"):
        return error_within(chunk["error"], secrets, reply.usage)
    reply.take(chunk, tell)
    return None


def _refused(error: openai.APIStatusError, why: str) -> ModelFailure:
    if error.code == "context_length_exceeded":
        return ModelFailure(why, "overflow", billed=False)
    if error.code == "insufficient_quota":
        return ModelFailure(why, "never", billed=False)
    return refused(error.status_code, why, error.response.headers)


_ERRORS = SdkErrors(openai.APIStatusError, openai.APITimeoutError, openai.APIError, openai.OpenAIError, _refused)

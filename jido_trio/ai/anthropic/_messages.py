"""The adapter for Anthropic's messages, on the official SDK.

As that for OpenAI it sends one request, without the SDK's own retries, and always streams. It reads the events
themselves: the SDK makes `{}` of arguments that can't be parsed, and so a valid call of one that was cut.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import anthropic
from attrs import define, field

from jido_trio import checks
from jido_trio.ai._client import ModelFailure, ModelReply, ModelRequest, Tell, check_provider, is_key, no_key, place_of
from jido_trio.ai._inputs import Finish
from jido_trio.ai._messages import ToolCall, Usage
from jido_trio.ai._wire import (
    Connections,
    SdkErrors,
    Secrets,
    Took,
    count,
    header_of,
    is_count,
    is_too_long,
    read_reply,
    refused,
)
from jido_trio.ai.anthropic._transcript import body_of, verbatim_of


class Anthropic:
    """A client for `Model("claude-sonnet-4-20250514", Anthropic())`.

    Args:
        api_key: The key; the environment's `ANTHROPIC_API_KEY` if not given. It is shown nowhere.
        base_url: Where another server is that speaks like Anthropic's, without "/v1": "http://localhost:8080".
        silence: Seconds that may pass without a byte.
        options: Fields for each request, as the provider names them:
            `{"thinking": {"type": "enabled", "budget_tokens": 2048}}`, `{"cache_control": {"type": "ephemeral"}}`.

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
        checks.seconds("Anthropic", "silence", silence, above_zero=True)
        self._api_key = api_key
        self._base_url = base_url
        self._silence = silence
        self._options = check_provider("Anthropic", api_key, base_url, options)
        self._connections = Connections(self._connected, anthropic.AsyncAnthropic.close)

    def __repr__(self) -> str:
        return f"<Anthropic at {place_of(self._base_url)}>" if self._base_url is not None else "<Anthropic>"

    def held(self) -> AbstractAsyncContextManager[None]:
        """See `ModelClient`."""
        return self._connections.held()

    async def stream(self, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        async with self._connections.used() as client:
            return await self._tried(client, request, tell)

    async def _tried(
        self, client: anthropic.AsyncAnthropic, request: ModelRequest, tell: Tell
    ) -> ModelReply | ModelFailure:
        reply = _Reply()
        secrets = tuple(secret for secret in (client.api_key, client.auth_token) if secret)
        if not all(map(is_key, secrets)):
            return no_key("ANTHROPIC_API_KEY" if client.api_key else "ANTHROPIC_AUTH_TOKEN")
        try:
            return await self._stream(client, request, reply, tell, secrets)
        except Exception as error:  # noqa: BLE001  # it is told
            if isinstance(error, TypeError) and not secrets:  # how the SDK says so
                why = "there is no key: give Anthropic(api_key=...), or set ANTHROPIC_API_KEY"
                return ModelFailure(why, "fallback", billed=False)
            return _ERRORS.failure(error, silence=self._silence, usage=reply.usage, secrets=secrets)

    async def _stream(
        self, client: anthropic.AsyncAnthropic, request: ModelRequest, reply: _Reply, tell: Tell, secrets: Secrets
    ) -> ModelReply | ModelFailure:
        body = body_of(request, self._options)
        create: Any = client.messages.with_raw_response.create
        raw = await create(
            model=request.model,
            max_tokens=request.prompt.max_tokens,
            messages=(),
            stream=True,
            extra_headers={"Idempotency-Key": header_of(request.key)},
            extra_body=body,  # as it is: the SDK goes through each message of its own arguments
        )
        return await read_reply(raw.http_response, reply, tell, secrets, error_of=_error_of)

    def _connected(self) -> anthropic.AsyncAnthropic:
        http = anthropic.DefaultAsyncHttpxClient(timeout=self._silence, follow_redirects=False)
        return anthropic.AsyncAnthropic(
            api_key=self._api_key, base_url=self._base_url, timeout=self._silence, max_retries=0, http_client=http
        )


@define
class _Block:
    """A part of the reply: as it began, and what came since, in pieces."""

    begun: dict[str, Any]
    arguments: str = ""

    def take(self, delta: Mapping[str, Any], tell: Tell) -> None:
        """Add a piece."""
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                self._append("text", text)
                tell(text)
            case {"type": "input_json_delta", "partial_json": str(text)}:
                self.arguments += text
            case {"type": "thinking_delta", "thinking": str(text)}:
                self._append("thinking", text)
            case {"type": "signature_delta", "signature": str(text)}:
                self._append("signature", text)
            case _:  # citations, say, which need not be sent back
                pass

    def _append(self, name: str, text: str) -> None:
        self.begun[name] = (self.begun.get(name) or "") + text

    @property
    def call(self) -> ToolCall | None:
        """The call that it is, if it is one."""
        if self.begun.get("type") != "tool_use":
            return None
        arguments = self.arguments or json.dumps(self.begun.get("input") or {})
        return ToolCall(str(self.begun.get("id") or ""), str(self.begun.get("name") or ""), arguments)


@define
class _Reply:
    """A reply as it comes."""

    blocks: dict[int, _Block] = field(factory=dict)
    stopped: str | None = None
    counts: dict[str, Any] = field(factory=dict)
    counted: bool = False
    """Whether what it took is told: at the end only. What comes at the beginning counts no reply."""
    heard: bool = False

    def take(self, event: Mapping[str, Any], tell: Tell) -> Took:
        """Add an event."""
        match event:
            case {"type": "message_start", "message": dict(message)}:
                self.heard = True
                self.counts.update(message.get("usage") or {})
            case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
                self.blocks[index] = _Block(dict(block))
                if block.get("type") == "text" and block.get("text"):
                    tell(block["text"])
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)} if index in self.blocks:
                self.blocks[index].take(delta, tell)
            case {"type": "message_delta"}:
                told = {name: n for name, n in (event.get("usage") or {}).items() if n is not None}
                self.counts.update(told)
                self.counted = self.counted or is_count(told.get("output_tokens"))
                self.stopped = (event.get("delta") or {}).get("stop_reason") or self.stopped
            case {"type": "message_stop"}:
                return "last"
            case _:  # a ping, or what newer servers tell
                pass
        return None

    @property
    def usage(self) -> Usage | None:
        """What it took, if that was told."""
        if not self.counted or not is_count(self.counts.get("input_tokens")):
            return None
        cached = count(self.counts, "cache_read_input_tokens")
        written = count(self.counts, "cache_creation_input_tokens")
        return Usage(
            count(self.counts, "input_tokens") + cached + written,
            count(self.counts, "output_tokens"),
            cached,
            count(self.counts, "output_tokens_details", "reasoning_tokens"),
            written,
        )

    def whole(self) -> ModelReply | ModelFailure:
        """Return what came."""
        if self.stopped == "pause_turn":
            return ModelFailure(
                "the model paused its turn for a tool of its provider's, which can't be gone on with",
                "never",
                usage=self.usage,
            )
        blocks = [block for _, block in sorted(self.blocks.items())]
        text = "".join(block.begun.get("text") or "" for block in blocks if block.begun.get("type") == "text")
        calls = tuple(block.call for block in blocks if block.call is not None)
        finish = _FINISHES.get(self.stopped, "stop") if self.stopped is not None else None
        verbatim = verbatim_of([block.begun for block in blocks]) if calls else None
        return ModelReply(text, calls, finish, self.usage, verbatim)


_FINISHES: Mapping[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


def _error_of(event: Mapping[str, Any]) -> object:
    return (event.get("error") or event) if event.get("type") == "error" else None


def _refused(error: anthropic.APIStatusError, why: str) -> ModelFailure:
    if is_too_long(error.status_code, why):
        return ModelFailure(why, "overflow", billed=False)
    if error.status_code == 400 and "credit balance is too low" in why:  # it has no status or type of its own
        return ModelFailure(why, "fallback", billed=False)
    return refused(error.status_code, why, error.response.headers)


_ERRORS = SdkErrors(
    anthropic.APIStatusError, anthropic.APITimeoutError, anthropic.APIError, anthropic.AnthropicError, _refused
)

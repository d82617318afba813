"""The adapter for Ollama's own chat, by its HTTP API: lines of JSON, read as they come.

Its SDK isn't used: it takes a stream that just ends for a whole reply, and leaves its generators unfinished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
from attrs import define, field

from jido_trio import checks
from jido_trio.ai._client import ModelFailure, ModelReply, ModelRequest, Tell, check_provider, place_of
from jido_trio.ai._inputs import Finish
from jido_trio.ai._messages import AssistantMessage, Message, Prompt, ToolCall, ToolMessage, Usage, UserMessage
from jido_trio.ai._wire import (
    Connections,
    Secrets,
    Took,
    count,
    is_count,
    is_too_long,
    not_connected,
    read_reply,
    refused,
)
from jido_trio.data import thaw
from jido_trio.redact import said, shown_error


class Ollama:
    """A client for `Model("llama3.2", Ollama())`.

    Args:
        base_url: Where the server is.
        api_key: The key, if the server wants one. It is shown nowhere.
        silence: Seconds that may pass without a byte; a model that must be loaded first is silent for long.
        options: Fields for each request, as Ollama names them: `{"think": False, "options": {"temperature": 0}}`.

    Raises:
        InvalidDefinition: An option is wrong.
    """

    def __init__(
        self,
        *,
        base_url: str = "http://localhost:11434",
        api_key: str | None = None,
        silence: float = 300,
        options: Mapping[str, object] | None = None,
    ) -> None:
        checks.seconds("Ollama", "silence", silence, above_zero=True)
        self._base_url = base_url
        self._api_key = api_key
        self._silence = silence
        self._options = check_provider("Ollama", api_key, base_url, options)
        self._connections = Connections(self._connected, httpx2.AsyncClient.aclose)

    def __repr__(self) -> str:
        return f"<Ollama at {place_of(self._base_url)}>"

    def held(self) -> AbstractAsyncContextManager[None]:
        """See `ModelClient`."""
        return self._connections.held()

    async def stream(self, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        reply = _Reply()
        secrets = (self._api_key,) if self._api_key else ()
        try:
            return await self._stream(request, reply, tell, secrets)
        except Exception as error:  # noqa: BLE001  # it is told
            if (unsent := not_connected(error, secrets)) is not None:
                return unsent
            if isinstance(error, httpx2.TimeoutException):
                return ModelFailure(f"nothing came for {self._silence:g} seconds", usage=reply.usage)
            return ModelFailure(shown_error(error, hide=secrets), usage=reply.usage)

    async def _stream(
        self, request: ModelRequest, reply: _Reply, tell: Tell, secrets: Secrets
    ) -> ModelReply | ModelFailure:
        body = _body(request, self._options)
        async with self._connections.used() as client, client.stream("POST", "/api/chat", json=body) as response:
            if response.status_code != 200:
                return _refused(response.status_code, await response.aread(), response.headers, secrets)
            return await read_reply(response, reply, tell, secrets, error_of=_error_of, kind="ndjson")

    def _connected(self) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        return httpx2.AsyncClient(base_url=self._base_url, timeout=self._silence, headers=headers)


def _body(request: ModelRequest, options: Mapping[str, Any]) -> dict[str, Any]:
    prompt = request.prompt
    body: dict[str, Any] = {
        **options,
        "model": request.model,
        "stream": True,
        "messages": _messages(prompt),
        "options": {"num_predict": prompt.max_tokens, **(options.get("options") or {})},
    }
    if prompt.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": thaw(tool.parameters)},
            }
            for tool in prompt.tools
        ]
    if prompt.answer is not None:
        body["format"] = thaw(prompt.answer)
    return body


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    """Return the messages; a result names its tool, as older servers know no ids."""
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    said = [message for message in prompt.messages if isinstance(message, AssistantMessage)]
    names = {call.id: call.name for message in said for call in message.calls}
    return [*system, *(_message(message, names) for message in prompt.messages)]


def _message(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    match message:
        case UserMessage():
            return {"role": "user", "content": message.text}
        case AssistantMessage(text, ()):
            return {"role": "assistant", "content": text}
        case AssistantMessage(text, calls):
            told = [
                {"id": call.id, "function": {"name": call.name, "arguments": json.loads(call.arguments)}}
                for call in calls
            ]
            return {"role": "assistant", "content": text, "tool_calls": told}
        case ToolMessage(id, content):
            return {"role": "tool", "content": content, "tool_name": names.get(id, ""), "tool_call_id": id}


@define
class _Reply:
    """A reply as it comes."""

    text: str = ""
    calls: list[ToolCall] = field(factory=list)
    done: str | None = None
    usage: Usage | None = None
    heard: bool = False

    def take(self, event: Mapping[str, Any], tell: Tell) -> Took:
        """Add a line."""
        self.heard = True
        message = event.get("message") or {}
        if message.get("content"):
            self.text += message["content"]
            tell(message["content"])
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            given = function.get("arguments") or {}
            arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            self.calls.append(ToolCall(str(call.get("id") or ""), str(function.get("name") or ""), arguments))
        if not event.get("done"):
            return None
        self.done = str(event.get("done_reason") or "stop")
        if is_count(event.get("eval_count")):
            self.usage = Usage(count(event, "prompt_eval_count"), count(event, "eval_count"))
        return "last"

    def whole(self) -> ModelReply | ModelFailure:
        """Return what came."""
        if self.done in ("load", "unload"):
            return ModelFailure(f"the model was {self.done}ed, and said nothing", billed=False)
        finish: Finish | None = None
        if self.done is not None:
            finish = "length" if self.done == "length" else "tool_calls" if self.calls else "stop"
        return ModelReply(self.text, tuple(self.calls), finish, self.usage)


def _error_of(line: Mapping[str, Any]) -> object:
    return line.get("error")


def _refused(status: int, body: bytes, headers: Mapping[str, str], secrets: Secrets) -> ModelFailure:
    text = body.decode("utf-8", "replace")
    why = f"status {status}: {said(text, 500, hide=secrets)}"
    if is_too_long(status, text):
        return ModelFailure(why, "overflow", billed=False)
    return refused(status, why, headers)

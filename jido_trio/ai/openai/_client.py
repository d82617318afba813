"""The adapter for OpenAI's models, on the official SDK.

One `stream` is one HTTP request: the SDK's own retries are off, as it would send a request three times if the client's
own time is over; and no redirect is followed, as that is another request, to who knows whom. It always streams, as
leaving a stream is the only way to stop a reply that is being paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Literal

import openai

from jido_trio import checks
from jido_trio.ai._client import ModelFailure, ModelReply, ModelRequest, Tell, check_provider, is_key, no_key, place_of
from jido_trio.ai._wire import Connections, Reading, SdkErrors, Secrets, header_of, is_too_long, read_reply, refused
from jido_trio.ai.openai._chat import CHAT
from jido_trio.ai.openai._form import Form
from jido_trio.ai.openai._responses import RESPONSES

_FORMS: Mapping[str, Form] = {"chat": CHAT, "responses": RESPONSES}


class OpenAI:
    """A client for `Model("gpt-4.1-mini", OpenAI())`.

    Args:
        api_key: The key; the environment's `OPENAI_API_KEY` if not given. It is shown nowhere.
        base_url: Where another server is that speaks like OpenAI's: "http://localhost:8080/v1".
        form: "chat" for chat completions, which every server speaks; "responses" for the newer form, in which a model
            that thinks between calls is sent its thoughts back.
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
        form: Literal["chat", "responses"] = "chat",
        silence: float = 60,
        options: Mapping[str, object] | None = None,
    ) -> None:
        checks.seconds("OpenAI", "silence", silence, above_zero=True)
        checks.one_of("OpenAI", "form", form, tuple(_FORMS))
        self._api_key = api_key
        self._base_url = base_url
        self._form = _FORMS[form]
        self._silence = silence
        self._options = check_provider("OpenAI", api_key, base_url, options)
        self._connections = Connections(self._connected, openai.AsyncOpenAI.close)

    def __repr__(self) -> str:
        return f"<OpenAI at {place_of(self._base_url)}>" if self._base_url is not None else "<OpenAI>"

    def held(self) -> AbstractAsyncContextManager[None]:
        """See `ModelClient`."""
        return self._connections.held()

    async def stream(self, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        try:
            async with self._connections.used() as client:
                return await self._tried(client, request, tell)
        except openai.OpenAIError as error:  # there is no key
            return ERRORS.failure(error, silence=self._silence, usage=None, secrets=())

    async def _tried(self, client: openai.AsyncOpenAI, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        if client.api_key and not is_key(client.api_key):
            return no_key("OPENAI_API_KEY")
        reply = self._form.reading()
        secrets = (client.api_key,) if client.api_key else ()
        try:
            return await self._stream(client, request, reply, tell, secrets)
        except Exception as error:  # noqa: BLE001  # it is told
            return ERRORS.failure(error, silence=self._silence, usage=reply.usage, secrets=secrets)

    async def _stream(
        self, client: openai.AsyncOpenAI, request: ModelRequest, reply: Reading, tell: Tell, secrets: Secrets
    ) -> ModelReply | ModelFailure:
        fields = self._form.fields(request.prompt, self._base_url is None)
        raw = await self._form.create(client)(
            model=request.model,
            stream=True,
            extra_headers={"Idempotency-Key": header_of(request.key)},
            extra_body={
                **fields,
                **self._options,
            },  # as they are: the SDK goes through each message of its own arguments
            **self._form.demanded,
        )
        return await read_reply(raw.http_response, reply, tell, secrets, error_of=self._form.error_of)

    def _connected(self) -> openai.AsyncOpenAI:
        return connected(self._api_key, self._base_url, self._silence)


def connected(api_key: str | None, base_url: str | None, seconds: float) -> openai.AsyncOpenAI:
    """Return a client of the SDK that sends what it is told to once, to where it is told."""
    http = openai.DefaultAsyncHttpxClient(timeout=seconds, follow_redirects=False)
    return openai.AsyncOpenAI(api_key=api_key, base_url=base_url, timeout=seconds, max_retries=0, http_client=http)


def _refused(error: openai.APIStatusError, why: str) -> ModelFailure:
    if error.code == "context_length_exceeded" or is_too_long(error.status_code, why):
        return ModelFailure(why, "overflow", billed=False)
    if error.code == "insufficient_quota":
        return ModelFailure(why, "fallback", billed=False)
    return refused(error.status_code, why, error.response.headers)


ERRORS = SdkErrors(openai.APIStatusError, openai.APITimeoutError, openai.APIError, openai.OpenAIError, _refused)

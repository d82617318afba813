"""Embeddings of OpenAI, and of servers that speak like it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import openai

from jido_trio import checks
from jido_trio.ai._client import check_provider, is_key, no_key
from jido_trio.ai._wire import Connections, Secrets
from jido_trio.ai.openai._client import ERRORS, connected
from jido_trio.errors import ActionError
from jido_trio.redact import shown


class OpenAIEmbeddings:
    """An embedder for `open_library(embedder=OpenAIEmbeddings("text-embedding-3-small"))`.

    Args:
        model: The provider's name of it.
        api_key: The key; the environment's `OPENAI_API_KEY` if not given. It is shown nowhere.
        base_url: Where another server is that speaks like OpenAI's.
        timeout: Seconds that a request may take.

    Raises:
        InvalidDefinition: An option is wrong.
    """

    def __init__(
        self, model: str, *, api_key: str | None = None, base_url: str | None = None, timeout: float = 60
    ) -> None:
        checks.text("OpenAIEmbeddings", "model", model)
        check_provider("OpenAIEmbeddings", api_key, base_url)
        checks.seconds("OpenAIEmbeddings", "timeout", timeout, above_zero=True)
        self.name = model
        self._api_key = api_key
        self._base_url = base_url
        self._timeout = timeout
        self._connections = Connections(self._connected, openai.AsyncOpenAI.close)

    def __repr__(self) -> str:
        return f"<OpenAIEmbeddings {shown(self.name)}>"

    def held(self) -> AbstractAsyncContextManager[None]:
        """Keep the connections until the block is left, as `open_library` does."""
        return self._connections.held()

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector for each text, by one request.

        Raises:
            ActionError: There are none; `retryable` says whether there may be the next time.
        """
        try:
            async with self._connections.used() as client:
                return await self._embedded(client, texts)
        except openai.OpenAIError as error:  # there is no key
            raise self._refusal(error, ()) from None

    async def _embedded(self, client: openai.AsyncOpenAI, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if client.api_key and not is_key(client.api_key):
            raise ActionError(f"no embeddings: {no_key('OPENAI_API_KEY').why}", retryable=False)
        try:
            made = await client.embeddings.create(model=self.name, input=list(texts), encoding_format="float")
            return [each.embedding for each in sorted(made.data, key=lambda each: each.index)]
        except Exception as error:  # noqa: BLE001  # it is told
            raise self._refusal(error, (client.api_key,) if client.api_key else ()) from None

    def _refusal(self, error: Exception, secrets: Secrets) -> ActionError:
        failure = ERRORS.failure(error, silence=self._timeout, usage=None, secrets=secrets)
        return ActionError(f"no embeddings: {failure.why}", retryable=failure.kind == "retry")

    def _connected(self) -> openai.AsyncOpenAI:
        return connected(self._api_key, self._base_url, self._timeout)

"""PollHttp: what a server answers, whenever that has changed."""

import importlib
from contextlib import aclosing
from typing import Any

import attrs
import trio

from jido_trio.core import Sensing, Sensor
from jido_trio.extras import require

_above_0: Any = attrs.validators.gt(0)


class PollHttp(Sensor):
    """Asks an HTTP server again and again, and sends the answer when it isn't the one before: `{"status", "body"}`.

    It needs the extra `http`. A server that can't be reached, takes too long, or answers with a status of 500 or more,
    is a crash of the sensor, so the pauses get longer. Redirects aren't followed. Of a longer body `longest` bytes are
    sent, with `"cut": True`. A server that names its answers by an `ETag` isn't asked for the same one again.
    """

    url: str
    type: str = "polled"
    seconds: float = attrs.field(default=60.0, validator=_above_0)
    """Between two answers."""
    timeout: float = attrs.field(default=10.0, validator=_above_0)
    """Seconds for one request, all in all."""
    longest: int = attrs.field(default=1_000_000, validator=_above_0)

    async def run(self, sensing: Sensing) -> None:
        """Ask until it is stopped."""
        require("http", "httpx2", part="sensors")
        httpx: Any = importlib.import_module("httpx2")
        before: dict[str, Any] | None = None
        tag: str | None = None
        async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
            while True:
                with trio.fail_after(self.timeout):
                    answer, tag = await self._asked(httpx, transport, tag)
                if answer is not None and answer != before:
                    before = answer
                    await sensing.emit(self.type, answer)
                await trio.sleep(self.seconds)

    async def _asked(self, httpx: Any, transport: Any, tag: str | None) -> tuple[dict[str, Any] | None, str | None]:
        """Return an answer, None if it is the same as before; and its tag."""
        headers = {"accept-encoding": "identity", "connection": "close"}
        request = httpx.Request("GET", self.url, headers=headers if tag is None else headers | {"if-none-match": tag})
        response = await transport.handle_async_request(request)
        # What httpx wraps around the stream doesn't close it when it is left early; the stream itself does.
        stream = getattr(response.stream, "_httpcore_stream", response.stream)
        body = b""
        async with aclosing(aiter(stream)) as chunks:
            if response.status_code >= 500:
                raise ConnectionError(f"{self.url} answers with status {response.status_code}")
            async for more in chunks:
                body += more
                if len(body) > self.longest:
                    break
        if response.status_code == 304:
            return None, tag
        text = body[: self.longest].decode(errors="replace")
        answer: dict[str, Any] = {"status": response.status_code, "body": text}
        if len(body) > self.longest:
            answer["cut"] = True
        return answer, response.headers.get("etag")

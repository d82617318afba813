"""HTTP requests to the hosts that the program allows."""

import codecs
import importlib
import json
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import Any, Literal
from urllib.parse import urlsplit

import trio
from attrs import field, frozen, validators

from jido_trio import checks
from jido_trio.actions.outside._allowed import allowed, texts
from jido_trio.core import Action, Context, Result, thaw
from jido_trio.errors import ActionError, InvalidDefinition, Permanent, Transient
from jido_trio.extras import require
from jido_trio.redact import said, shown


def _hosts(hosts: str | Iterable[str]) -> tuple[str, ...]:
    given: object = hosts
    found = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (given,)
    odd = [each for each in found if not (isinstance(each, str) and each)]
    if odd:
        raise InvalidDefinition(f"Http takes hosts and schemes as texts, and {shown(odd[0])} is none")
    return found


@frozen
class Http:
    """Where requests may go, and how much may come back. Needs the extra `http`.

    Raises:
        InvalidDefinition: A host isn't one, or a bound makes no sense.
    """

    hosts: tuple[str, ...] = field(converter=_hosts)
    """Each as `api.example.com`, or with a port: `127.0.0.1:8080`. A host without a port has those of its scheme."""
    schemes: tuple[str, ...] = field(default=("https",), converter=_hosts, kw_only=True)
    timeout: float = field(default=30.0, kw_only=True)
    """Seconds for connecting, and for each wait for more."""
    total: float = field(default=300.0, kw_only=True)
    """Seconds for all of a request: a server that sends a byte now and then has no longer."""
    max_bytes: int = field(default=1_000_000, kw_only=True)
    """Of a body that comes back."""
    headers: Mapping[str, str] = field(factory=dict, kw_only=True, repr=False)
    """Sent with each request; a place for keys, which whoever chooses the parameters never sees."""

    def __attrs_post_init__(self) -> None:
        checks.seconds("Http", "timeout", self.timeout, above_zero=True)
        checks.seconds("Http", "total", self.total, above_zero=True)
        checks.whole("Http", "max_bytes", self.max_bytes, least=1)
        texts("Http", "headers", self.headers)
        for each in self.hosts:
            if "/" in each or "@" in each or urlsplit(f"//{each}").netloc != each:
                raise InvalidDefinition(f"host {shown(each)} of Http is none: write it as 'api.example.com:8080'")
        for each in self.schemes:
            checks.one_of("Http", "schemes", each, ("https", "http"))

    def check(self, url: str) -> None:
        """Refuse a URL that leads elsewhere."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise Permanent(f"{shown(url, 200)} is no URL: {said(error)}") from None
        if parts.scheme not in self.schemes:
            raise Permanent(f"{shown(url, 200)} is refused: it must begin with {' or '.join(self.schemes)}://")
        if parts.username is not None or any(char <= " " or char == "\\" for char in url):
            raise Permanent(f"{shown(url, 200)} is refused: names, backslashes and blanks have no place in it")
        named = {host if port is None else f"{host}:{port}", *([host] if port == _PORTS[parts.scheme] else [])}
        if not named & {each.lower() for each in self.hosts}:
            raise Permanent(f"{shown(url, 200)} is refused: the hosts allowed here are {', '.join(self.hosts)}")


_PORTS = {"https": 443, "http": 80}


class HttpRequest(Action, category="http", tags=["web"]):
    """Send an HTTP request, and return the status, the headers and the body. Redirects are returned, not followed."""

    url: str = field(validator=validators.max_len(8000))
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: dict[str, str] = field(factory=dict)
    query: dict[str, str] = field(factory=dict)
    json: object = None
    """The body as JSON; no body if it is None."""

    async def run(self, context: Context[Any]) -> Result:
        """Send it. A server that is busy, broken or not to be reached is a `Transient` failure."""
        bounds = allowed(context, Http, self.name)
        bounds.check(self.url)
        require("http", "httpx2", part="actions.outside")
        httpx: Any = importlib.import_module("httpx2")
        try:
            with trio.fail_after(bounds.total):
                async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
                    return await self._sent(httpx, transport, bounds)
        except ActionError:
            raise
        except trio.TooSlowError as error:
            raise Transient(f"{self.method} {shown(self.url, 200)}: took longer than {bounds.total:g} s") from error
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
            raise Permanent(f"{self.method} {shown(self.url, 200)}: {said(error)}") from error
        except httpx.TransportError as error:
            raise Transient(f"{self.method} {shown(self.url, 200)}: {type(error).__name__}: {said(error)}") from error
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise Permanent(f"{self.method} {shown(self.url, 200)}: {said(error)}") from error

    async def _sent(self, httpx: Any, transport: Any, bounds: Http) -> Result:
        body: dict[str, Any] = {} if self.json is None else {"json": thaw(self.json)}
        timeout = httpx.Timeout(bounds.timeout).as_dict()
        request = httpx.Request(
            self.method,
            self.url,
            headers=self._headers(bounds),
            params=dict(self.query) or None,
            extensions={"timeout": timeout},
            **body,
        )
        response = await transport.handle_async_request(request)
        # What httpx wraps around the stream doesn't close it when it is left early; the stream itself does.
        stream = getattr(response.stream, "_httpcore_stream", response.stream)
        async with aclosing(aiter(stream)) as chunks:
            if response.status_code == 429 or response.status_code >= 500:
                details = {"status": response.status_code}
                raise Transient(f"{self.method} {shown(self.url, 200)}: status {details['status']}", details=details)
            content = bytearray()
            async for chunk in chunks:
                content += chunk
                if len(content) > bounds.max_bytes:
                    raise Permanent(f"{self.method} {shown(self.url, 200)}: more than {bounds.max_bytes} bytes came")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Permanent(f"{self.method} {shown(self.url, 200)}: the body is compressed, which wasn't asked for")
        text = content.decode(_encoding(response.charset_encoding), "replace")
        found = {"status": response.status_code, "headers": dict(response.headers), "body": text}
        return found | {"json": _as_json(text, response.headers.get("content-type", ""))}

    def _headers(self, bounds: Http) -> dict[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        for name in headers:
            if name in _OURS:
                raise Permanent(f"header {shown(name, 80)} is refused: it is not for the caller to say")
        own = {name.lower(): value for name, value in bounds.headers.items()}
        return headers | own | {"accept-encoding": "identity", "connection": "close"}


_OURS = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "upgrade", "te", "expect"}


def _encoding(named: str | None) -> str:
    try:
        return codecs.lookup(named or "utf-8").name
    except LookupError:
        return "utf-8"


def _as_json(text: str, kind: str) -> object:
    if "json" not in kind:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

"""What an adapter is: whoever can have a model reply to a prompt, once."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from math import isfinite
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from attrs import define, frozen

from jido_trio import checks
from jido_trio.ai._inputs import Finish, Kind
from jido_trio.ai._messages import Prompt, ToolCall, Usage, Verbatim
from jido_trio.redact import HIDDEN, shown


@frozen
class ModelRequest:
    """One try of one call: one HTTP request, and no more."""

    prompt: Prompt
    model: str
    """The provider's own name of the model."""
    key: str
    """Names this try, for providers that can tell by it that they were asked already."""


@frozen
class ModelReply:
    """What the model said, whole."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None
    """None if the reply just ended, as when a connection is lost in an orderly way: that is a failure."""
    usage: Usage | None = None
    """None if the provider didn't say."""
    verbatim: Verbatim | None = None
    """Of a reply with calls, what the provider wants back with their results, if that is more than text and calls."""


@frozen
class ModelFailure:
    """Why there is no reply."""

    why: str
    kind: Kind = "retry"
    billed: bool = True
    """Whether it may have cost something: not if it was refused before anything was generated."""
    usage: Usage | None = None
    retry_after: float | None = None
    """Seconds to wait at least."""

    def __attrs_post_init__(self) -> None:
        if isinstance(self.retry_after, float) and not isfinite(self.retry_after):  # nobody would ever go on
            raise checks.refused("a failure", "retry_after", self.retry_after, "must be seconds, or None")


Tell: TypeAlias = Callable[[str], None]
"""Takes the text as it comes, in pieces."""


class ModelClient(Protocol):
    """Speaks with a provider. It never tries twice, and streams even if nobody watches: who cancels stops to pay.

    One that keeps connections may have `held()`, too: an async context manager, in whose block they are kept, and
    with whose last they are closed. An instance holds its clients.
    """

    async def stream(self, request: ModelRequest, tell: Tell) -> ModelReply | ModelFailure:
        """Have the model reply. What it raises is a bug: it is logged, and the model's fallback is asked."""
        ...


@define(eq=False)
class Sending:
    """A try, as it is made: what waits for its turn has not been sent, and costs nothing."""

    waits: bool = False


SENDING: ContextVar[Sending | None] = ContextVar("SENDING", default=None)
"""The try that the current task makes."""


def check_client(owner: str, client: object) -> None:
    """Refuse what is no client, and the class of one."""
    if isinstance(client, type) or not callable(getattr(client, "stream", None)):
        raise checks.refused(owner, "client", client, "must have a method `stream`, as `OpenAI()` has")


def check_provider(
    owner: str, api_key: object, base_url: object, options: Mapping[str, object] | None = None
) -> Mapping[str, object]:
    """Refuse what no provider can be reached by; return the options. A key is never shown."""
    if api_key is not None and not is_key(api_key):
        raise checks.refused(owner, "api_key", HIDDEN, f"must be {A_KEY}")
    if base_url is not None and not (isinstance(base_url, str) and base_url.startswith(("http://", "https://"))):
        raise checks.refused(owner, "base_url", base_url, "must begin with http:// or https://")
    given: object = options
    if not (given is None or (isinstance(given, Mapping) and all(isinstance(name, str) for name in given))):
        raise checks.refused(owner, "options", options, "must be a mapping of names of the provider's fields")
    return dict(options or {})


A_KEY = "a key, a text of ASCII without spaces or line ends around it"


def is_key(given: object) -> bool:
    """Tell whether that can be sent as a key."""
    return isinstance(given, str) and given.isascii() and given.isprintable() and given.strip() == given != ""


def no_key(variable: str) -> ModelFailure:
    """Return that the environment gives a key that can't be sent: one with the end of its line, mostly."""
    return ModelFailure(f"{variable} of the environment must be {A_KEY}; set it again", "fallback", billed=False)


def place_of(url: str) -> str:
    """Return an address as it is shown: without what may be a key, a password or a query in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    query = HIDDEN if parts.query else ""
    return shown(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, "")))


@asynccontextmanager
async def holding(clients: Iterable[object]) -> AsyncIterator[None]:
    """Keep the connections of clients until the block is left: of those that have `held()`, a context manager.

    Without that a client has a connection for each request, and none in between.
    """
    async with AsyncExitStack() as stack:
        for client in clients:
            held = getattr(client, "held", None)
            if held is not None:
                await stack.enter_async_context(held())
        yield

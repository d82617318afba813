"""A server of tools: its connection is a supervised task of an instance, each tool of it that is chosen is a tool.

The connection lives in a task of its own, never in that of a caller: when it breaks, the SDK cancels whatever is in its
block. What was sent and has no answer then may have happened, and the model is told so; what was not sent, did not.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

import anyio
import trio
from attrs import define, field, frozen
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT

from jido_trio import checks
from jido_trio.ai._tools import Replay, Tool
from jido_trio.core import Action, Context, ToolSpec
from jido_trio.data import Form, Unread, freeze, thaw
from jido_trio.errors import ActionError, InvalidDefinition, UnfitArgument
from jido_trio.redact import HIDDEN, said, shown, shown_error
from jido_trio.supervision import Backoff, Child

_CLOSED = (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError)
"""What a stream raises that has ended."""

_MOST_PAGES = 100
"""Pages of tools that are asked for."""


@frozen
class McpTool:
    """A tool as its server describes it: plain data, that may be kept, or written by hand."""

    name: str
    description: str
    parameters: Mapping[str, Any] = field(converter=freeze)
    """JSON Schema of its arguments."""


class McpServer:
    """A server, of a command that speaks on its stdin and stdout, or at a URL. Give it to an instance's `services`.

    Args:
        name: What it is called in reports, and to models.
        command: The command and its arguments.
        url: In the place of a command: "https://example.org/mcp".
        env: What the command finds in its environment, beside PATH, HOME and the like.
        cwd: Where it runs.
        patience: Seconds that a call waits for the connection.
        connect_timeout: Seconds in which the server must have begun and have told its tools; None for no limit.

    Raises:
        InvalidDefinition: There is neither a command nor a URL, or both; or an option is wrong.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str | Path] = (),
        url: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        patience: float = 10,
        connect_timeout: float | None = 60,
    ) -> None:
        checks.text("an MCP server", "name", name)
        owner = f"MCP server {shown(name)}"
        words: object = command
        if not isinstance(words, Sequence) or isinstance(words, str | bytes) or bool(words) == (url is not None):
            raise InvalidDefinition(f"{owner} needs either command=[...], a command and its arguments, or url=")
        if not all(isinstance(word, str | Path) for word in words):
            raise checks.refused(owner, "command", words, "must be texts: command=['python', '-m', 'my_server']")
        place: object = url
        if place is not None and not (isinstance(place, str) and place.startswith(("http://", "https://"))):
            raise checks.refused(owner, "url", url, "must begin with http:// or https://")
        variables: object = env
        if not (variables is None or (isinstance(variables, Mapping) and all(map(_is_text, _all_of(variables))))):
            raise checks.refused(owner, "env", HIDDEN, "must be a mapping of names to texts")
        if cwd is not None:
            checks.path(owner, "cwd", cwd)
        checks.seconds(owner, "patience", patience, above_zero=True)
        checks.seconds(owner, "connect_timeout", connect_timeout, above_zero=True, or_none="None for no limit")
        self.name = name
        self._command = tuple(map(str, command))
        self._url = url
        self._env = dict(env or {})
        self._cwd = cwd
        self._patience = patience
        self._connect_timeout = connect_timeout
        self._is_service = False
        self._live: _Live | None = None
        self._changed = trio.Event()

    def __repr__(self) -> str:
        state = "connected" if self._live is not None else "not connected"
        return f"<McpServer {shown(self.name)} {state}>"

    async def list_tools(self) -> Mapping[str, McpTool]:
        """Connect, ask what tools there are, and disconnect: before agents' classes are made, mostly.

        Raises:
            OSError: The command can't be run, or the server can't be spoken with; a TimeoutError, if it says nothing.
            MCPError: The server says no.
        """
        async with self._connected(self._transport()) as (_, listed):
            return listed

    def tool(
        self,
        tool: McpTool,
        *,
        name: str | None = None,
        replay: Replay = "once",
        approve: bool = False,
        timeout: float | None = None,
    ) -> Tool:
        """Return one of its tools as a tool of an agent. None is one that wasn't chosen.

        Args:
            tool: As `list_tools` tells of it.
            name: What models call it, where two servers have tools of one name; the server's own if not given.
            replay: See `Tool`; the key of "keyed" goes to the server as `_meta` `jido/key`.
            approve: See `Tool`.
            timeout: See `Tool`.

        Raises:
            InvalidDefinition: It is no `McpTool`, its schema is none of an object, or models can't call it so.
        """
        owner = f"MCP server {shown(self.name)}"
        if not isinstance(tool, McpTool):
            raise checks.refused(owner, "tool", tool, "must be an McpTool, as list_tools() tells")
        if name is not None and not (_is_text(name) and _NAME.fullmatch(name)):
            advice = "must be a letter, and at most 63 letters, digits and _ after it"
            raise checks.refused(owner, "name", name, advice)
        schema = _checked_schema(owner, tool)
        action = _action_of(self, tool, name if name is not None else _name_of(tool))
        spec = ToolSpec(action.name, tool.description, schema, action, form=Form(schema, _AnyObject(action)))
        return Tool(action, replay=replay, approve=approve, timeout=timeout, spec=spec)

    def service(self, _part: object) -> Child:
        """Return the supervised task that holds the connection: what `Jido(services=[...])` asks for."""
        self._is_service = True
        return Child(f"mcp {self.name}", self._run, backoff=Backoff())

    async def call(self, name: str, arguments: Mapping[str, Any], key: str = "") -> str:
        """Call a tool, and return its result as text.

        Raises:
            ActionError: The tool failed; there is no such tool, or no connection, and it was not called; or the
                connection broke meanwhile, and nobody knows.
            InvalidDefinition: It is a service of no instance.
        """
        if not self._is_service:
            raise InvalidDefinition(
                f"MCP server {shown(self.name)} is a service of no instance: say Jido(..., services=[server])"
            )
        call = _Call(name=name, arguments=arguments, key=key)
        with trio.move_on_after(self._patience):
            while self._live is None:
                await self._changed.wait()
        live = self._live
        if live is None:
            raise ActionError(f"it was not called: there is no connection to server {shown(self.name)}")
        if name not in live.names:
            with trio.move_on_after(self._limit) as looking:
                await live.look_again()
            if looking.cancelled_caught:
                raise ActionError(f"it was not called: {self._says_nothing}")
        if name not in live.names:
            hint = checks.did_you_mean(name, live.names)
            raise ActionError(f"it was not called: server {shown(self.name)} has no tool {shown(name)} now{hint}")
        await live.has_run(call)
        if call.is_broken:
            self._broke(live)
        if call.result is None:
            raise ActionError(
                f"the connection to server {shown(self.name)} broke while it ran: it may have happened. Check before "
                "it is called again."
            )
        if call.is_error:
            raise ActionError(call.result)
        return call.result

    async def _run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Connect, and hold the connection until it ends."""
        if self._live is not None:
            raise InvalidDefinition(f"MCP server {shown(self.name)} is a service of another instance already")
        task_status.started()  # agents don't wait for it
        gone = trio.Event()
        try:
            transport = _watched(self._transport(), gone)
            async with self._connected(transport) as (client, listed), trio.open_nursery() as nursery:
                self._live = _Live(client, nursery, frozenset(listed), gone)
                self._wake()
                try:
                    await gone.wait()
                finally:  # the client takes its time to close, and nothing can be called meanwhile
                    self._live = None
                nursery.cancel_scope.cancel()
        finally:
            self._live = None
        raise ConnectionError(f"the connection to MCP server {shown(self.name)} ended")

    @asynccontextmanager
    async def _connected(self, transport: Any) -> AsyncIterator[tuple[Client, Mapping[str, McpTool]]]:
        """Speak with the server, once it has told its tools, as it must in time."""
        with trio.move_on_after(self._limit) as scope:
            async with self._spoken_with(transport) as client:
                listed = await _listed(client)
                scope.deadline = float("inf")
                yield client, listed
        if scope.cancelled_caught:
            raise TimeoutError(
                f"MCP {self._says_nothing}: is it a server of that protocol? If it needs longer to begin, give "
                "McpServer(..., connect_timeout=...) more"
            )

    @property
    def _limit(self) -> float:
        return float("inf") if self._connect_timeout is None else self._connect_timeout

    @property
    def _says_nothing(self) -> str:
        return f"server {shown(self.name)} has not told its tools within {self._limit:g} seconds"

    @asynccontextmanager
    async def _spoken_with(self, transport: Any) -> AsyncIterator[Client]:
        """Speak with the server; of all that the SDK's tasks raise, tell what went wrong first."""
        try:
            async with Client(transport) as client:
                yield client
        except BaseExceptionGroup as raised:
            if raised.split(trio.Cancelled)[0] is not None:
                raise
            group = raised
        else:
            return
        raise self._first_of(group) from group

    def _first_of(self, group: BaseException) -> BaseException:
        while isinstance(group, BaseExceptionGroup):
            group = group.exceptions[0]
        if isinstance(group, MCPError | OSError):
            return group
        return ConnectionError(f"MCP server {shown(self.name)} can't be spoken with: {shown_error(group)}")

    def _broke(self, live: "_Live") -> None:
        """Have a connection made again on which a call broke; over HTTP nothing else may tell that it has ended."""
        live.gone.set()
        if self._live is live:
            self._live = None

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _transport(self) -> AbstractAsyncContextManager[Any]:
        if self._url is not None:
            return streamable_http_client(self._url)
        command, *arguments = self._command
        return stdio_client(StdioServerParameters(command=command, args=arguments, env=self._env, cwd=self._cwd))


@define(eq=False)
class _Live:
    """A connection that is up."""

    client: Client
    nursery: trio.Nursery
    names: frozenset[str]
    """Of the server's tools, when it was asked last."""
    gone: trio.Event
    """Is set to have it made again."""

    async def look_again(self) -> None:
        """Ask what tools the server has by now."""
        listing = _Listing()
        await self.has_run(listing)
        self.names = listing.names if listing.names is not None else self.names

    async def has_run(self, asked: "_Asked") -> None:
        """Have the task of the connection ask the server something; it is cancelled with the caller."""
        self.nursery.start_soon(asked.run, self.client, name=asked.name)
        try:
            await asked.done.wait()
        finally:
            asked.scope.cancel()


@define(eq=False, kw_only=True)
class _Asked(ABC):
    """What a server is asked, by the task of its connection."""

    scope: trio.CancelScope = field(factory=trio.CancelScope)
    done: trio.Event = field(factory=trio.Event)
    name: str = "list of tools"

    async def run(self, client: Client) -> None:
        """Ask, and take what comes of it. Whatever goes wrong ends nothing else that is asked."""
        try:
            with self.scope:
                await self.ask(client)
        finally:
            self.done.set()

    @abstractmethod
    async def ask(self, client: Client) -> None:
        """Ask."""


@define(eq=False, kw_only=True)
class _Listing(_Asked):
    """What tools there are."""

    names: frozenset[str] | None = None

    async def ask(self, client: Client) -> None:
        """See `_Asked`."""
        with suppress(MCPError, *_CLOSED):
            self.names = frozenset(await _listed(client))


@define(eq=False, kw_only=True)
class _Call(_Asked):
    """A call of a tool."""

    arguments: Mapping[str, Any]
    key: str
    result: str | None = None
    """None if nobody knows."""
    is_error: bool = False
    is_broken: bool = False
    """Whether the connection ended meanwhile."""

    async def ask(self, client: Client) -> None:
        """See `_Asked`."""
        meta: Any = {"jido/key": self.key} if self.key else None
        try:
            result = await client.call_tool(self.name, thaw(self.arguments), meta=meta)
        except MCPError as error:
            self.is_broken = error.code == CONNECTION_CLOSED
            if error.code not in (CONNECTION_CLOSED, REQUEST_TIMEOUT):
                self.result, self.is_error = said(error.message), True
        except _CLOSED:
            self.is_broken = True
        except Exception as error:  # noqa: BLE001  # of the SDK: the server's answer is none
            why = said(error)
            self.result, self.is_error = f"it was called, and its result can't be read: {why}", True
        else:
            self.result, self.is_error = _text_of(result), result.is_error


async def _listed(client: Client) -> Mapping[str, McpTool]:
    tools: dict[str, McpTool] = {}
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for each in page.tools:
            tools[each.name] = McpTool(each.name, each.description or "", each.input_schema)
        cursor = page.next_cursor
        if cursor is None:
            break
    return tools


def _text_of(result: Any) -> str:
    told = "\n".join(_block(block) for block in result.content)
    if told or result.structured_content is None:
        return told
    return json.dumps(result.structured_content, ensure_ascii=False)


def _block(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "resource_link":
            return f"[{block.name}: {block.uri}]"
        case "resource" if isinstance(getattr(block.resource, "text", None), str):
            return f"[{block.resource.uri}]\n{block.resource.text}"
        case _:
            return f"[{block.type}: it can't be shown as text]"


# A connection that tells when it ends


@asynccontextmanager
async def _watched(transport: AbstractAsyncContextManager[Any], gone: trio.Event) -> AsyncIterator[Any]:
    async with transport as (read, write):
        yield _Watched(read, gone), write


@define(eq=False)
class _Watched:
    """A stream of messages; the SDK tells nobody that it has ended, but whoever calls next."""

    _stream: Any
    _gone: trio.Event

    async def receive(self) -> Any:
        """Return the next message."""
        try:
            return await self._stream.receive()
        except _CLOSED:
            self._gone.set()
            raise

    async def aclose(self) -> None:
        """Close it."""
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()


# A tool as an action


_NAME = re.compile("[a-zA-Z][a-zA-Z0-9_]{0,63}")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _all_of(mapping: Mapping[Any, Any]) -> list[object]:
    return [*mapping.keys(), *mapping.values()]


def _checked_schema(owner: str, tool: McpTool) -> Mapping[str, Any]:
    """Return the schema of a tool's arguments, which models are sent as it is."""
    schema: object = tool.parameters
    if isinstance(schema, Mapping) and schema.get("type", "object") == "object":
        try:
            json.dumps(thaw(schema), allow_nan=False)
        except (TypeError, ValueError):
            pass
        else:
            return freeze({"type": "object", **schema})  # type: ignore[no-any-return]  # a mapping stays one
    advice = f"of tool {shown(tool.name)} must be the JSON Schema of an object"
    raise checks.refused(owner, "parameters", schema, advice)


def _name_of(tool: McpTool) -> str:
    called = re.sub("[^a-zA-Z0-9_]", "_", tool.name)
    return (called if re.match("[a-zA-Z]", called) else f"tool_{called}")[:64]  # names of actions are stricter


def _action_of(server: McpServer, tool: McpTool, called: str) -> Any:

    class McpCall(Action, name=called, description=tool.description):
        needs: ClassVar[tuple[object, ...]] = (server,)
        arguments: Mapping[str, Any]

        async def run(self, context: Context[Any]) -> Any:
            return await server.call(tool.name, self.arguments, context.key or "")

    return McpCall


@frozen
class _AnyObject:
    """Arguments that the server reads, and we don't: any object."""

    make: Callable[..., Any]

    def schema(self) -> dict[str, Any]:
        """See `Shape`."""
        return {"type": "object"}

    def read(self, value: Any, path: tuple[str | int, ...]) -> Any:
        """See `Shape`."""
        if not isinstance(value, Mapping):
            raise Unread([UnfitArgument("", "an object", shown(value, 80))])
        return self.make(arguments=value)

"""A server of tools: its connection is a supervised task of an instance, each tool of it that is chosen is a tool.

The connection lives in a task of its own, never in that of a caller: when it breaks, the SDK cancels whatever is in its
block. What was sent and has no answer then may have happened, and the model is told so; what was not sent, did not.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Self

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
from jido_trio.redact import said, shown
from jido_trio.supervision import Backoff, Child

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
    ) -> None:
        owner = f"MCP server {shown(name)}"
        words: object = command
        if not isinstance(words, Sequence) or isinstance(words, str | bytes) or bool(words) == (url is not None):
            raise InvalidDefinition(f"{owner} needs either command=[...], a command and its arguments, or url=")
        if not all(isinstance(word, str | Path) for word in words):
            raise checks.refused(owner, "command", words, "must be texts: command=['python', '-m', 'my_server']")
        checks.seconds(owner, "patience", patience, above_zero=True)
        self.name = name
        self._command = tuple(map(str, command))
        self._url = url
        self._env = dict(env or {})
        self._cwd = cwd
        self._patience = patience
        self._live: _Live | None = None
        self._changed = trio.Event()

    def __repr__(self) -> str:
        state = "connected" if self._live is not None else "not connected"
        return f"<McpServer {shown(self.name)} {state}>"

    async def list_tools(self) -> Mapping[str, McpTool]:
        """Connect, ask what tools there are, and disconnect: before agents' classes are made, mostly.

        Raises:
            OSError: The command can't be run.
            MCPError: The server says no.
        """
        async with Client(self._transport()) as client:
            return await _listed(client)

    def tool(
        self,
        tool: McpTool,
        *,
        replay: Replay = "once",
        approve: bool = False,
        timeout: float | None = None,
    ) -> Tool:
        """Return one of its tools as a tool of an agent. None is one that wasn't chosen.

        Args:
            tool: As `list_tools` tells of it.
            replay: See `Tool`; the key of "keyed" goes to the server as `_meta` `jido/key`.
            approve: See `Tool`.
            timeout: See `Tool`.
        """
        action = _action_of(self, tool)
        schema = tool.parameters
        spec = ToolSpec(action.name, tool.description, schema, action, form=Form(schema, _AnyObject(action)))
        return Tool(action, replay=replay, approve=approve, timeout=timeout, spec=spec)

    def service(self, _part: object) -> Child:
        """Return the supervised task that holds the connection: what `Jido(services=[...])` asks for."""
        return Child(f"mcp {self.name}", self._run, backoff=Backoff())

    async def call(self, name: str, arguments: Mapping[str, Any], key: str = "") -> str:
        """Call a tool, and return its result as text.

        Raises:
            ActionError: The tool failed; there is no such tool, or no connection, and it was not called; or the
                connection broke meanwhile, and nobody knows.
        """
        call = _Call(name, arguments, key)
        with trio.move_on_after(self._patience):
            while self._live is None:
                await self._changed.wait()
        live = self._live
        if live is None:
            raise ActionError(f"it was not called: there is no connection to server {shown(self.name)}")
        if name not in live.names:
            hint = checks.did_you_mean(name, live.names)
            raise ActionError(f"it was not called: server {shown(self.name)} has no tool {shown(name)} now{hint}")
        live.nursery.start_soon(call.run, live.client, name=f"{name} of {self.name}")
        try:
            await call.done.wait()
        finally:
            call.scope.cancel()
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
            async with Client(_watched(self._transport(), gone)) as client, trio.open_nursery() as nursery:
                self._live = _Live(client, nursery, frozenset(await _listed(client)), gone)
                self._wake()
                await gone.wait()
                self._live = None
                nursery.cancel_scope.cancel()
        finally:
            self._live = None
        raise ConnectionError(f"the connection to MCP server {shown(self.name)} ended")

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


@frozen
class _Live:
    """A connection that is up."""

    client: Client
    nursery: trio.Nursery
    names: frozenset[str]
    """Of the server's tools."""
    gone: trio.Event
    """Is set to have it made again."""


@define(eq=False)
class _Call:
    """A call, run by the task of the connection."""

    name: str
    arguments: Mapping[str, Any]
    key: str
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    done: trio.Event = field(factory=trio.Event)
    result: str | None = None
    """None if nobody knows."""
    is_error: bool = False
    is_broken: bool = False
    """Whether the connection ended meanwhile."""

    async def run(self, client: Client) -> None:
        """Call the tool."""
        try:
            with self.scope:
                meta: Any = {"jido/key": self.key} if self.key else None
                result = await client.call_tool(self.name, thaw(self.arguments), meta=meta)
                self.result, self.is_error = _text_of(result), result.is_error
        except MCPError as error:
            self.is_broken = error.code == CONNECTION_CLOSED
            if error.code not in (CONNECTION_CLOSED, REQUEST_TIMEOUT):
                self.result, self.is_error = said(error.message), True
        finally:
            self.done.set()


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
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
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


def _action_of(server: McpServer, tool: McpTool) -> Any:
    called = re.sub("[^a-zA-Z0-9_]", "_", tool.name)
    called = (called if re.match("[a-zA-Z]", called) else f"tool_{called}")[:64]  # names of actions are stricter

    class McpCall(Action, name=called, description=tool.description):
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

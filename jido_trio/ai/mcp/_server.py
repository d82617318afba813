"""An agent's tools as a server, for whoever speaks the protocol."""

import json
from collections.abc import Sequence
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.server.stdio import stdio_server

from jido_trio.ai._conversation import RunTool
from jido_trio.ai._messages import ToolSchema
from jido_trio.ai._rules import Rules
from jido_trio.ai._tooling import Tooling, as_content
from jido_trio.ai._tools import Tool, checked_tools, problem_of
from jido_trio.core import Action
from jido_trio.data import thaw
from jido_trio.errors import ActionError, AgentStopped, CallError, InvalidDefinition
from jido_trio.redact import said, shown
from jido_trio.runtime import AgentRef
from jido_trio.world import current


def mcp_server(
    agent: AgentRef[Any], tools: Sequence[type[Action] | Tool] | None = None, *, name: str = ""
) -> Server[Any]:
    """Return the SDK's server of an agent's tools.

    A `def run` tool is an action that the agent is called with; an `async def run` one runs beside it, with its state
    as it is then. A failure is told as a result, as models are told.

    Args:
        agent: Whose tools they are.
        tools: Those of the agent's class if not given, as a `ChatAgent` has.
        name: Of the server; the agent's id if not given.

    Raises:
        InvalidDefinition: There is no tool, or one that somebody must approve, whom a caller from outside can't ask.
    """
    given = type(agent.agent).rules.tools if tools is None and hasattr(type(agent.agent), "rules") else tools or ()
    checked = checked_tools(f"the MCP server of agent {shown(agent.id)}", given)
    if not checked:
        raise InvalidDefinition(f"the MCP server of agent {shown(agent.id)} has no tools: give tools=[...]")
    for tool in checked:
        if tool.approve:
            raise InvalidDefinition(
                f"tool {tool.name!r} must be approved, and nobody can be asked by an MCP server: leave it out"
            )
    serving = _Serving(agent, Rules(tools=checked))
    return Server(name or agent.id, on_list_tools=serving.list, on_call_tool=serving.call)


async def serve_stdio(
    agent: AgentRef[Any], tools: Sequence[type[Action] | Tool] | None = None, *, name: str = ""
) -> None:
    """Serve an agent's tools on this process's stdin and stdout, until the client is gone. See `mcp_server`."""
    server = mcp_server(agent, tools, name=name)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


class _Serving:
    """Answers what a client asks."""

    def __init__(self, agent: AgentRef[Any], rules: Rules) -> None:
        self._agent = agent
        self._rules = rules

    async def list(self, _context: Any, _params: Any) -> types.ListToolsResult:
        """Return the tools."""
        return types.ListToolsResult(tools=[_described(tool.schema) for tool in self._rules.tools])

    async def call(self, _context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Run a tool."""
        arguments = json.dumps(params.arguments or {})
        problem = problem_of(self._rules.tools, params.name, arguments)
        if problem is not None:
            return _result(problem, is_error=True)
        tool = self._rules.tool(params.name)
        assert tool is not None  # noqa: S101  # or there was a problem
        if not self._agent.running:
            return _result(said(AgentStopped(self._agent.id)), is_error=True)
        if not tool.action.is_async:
            return await self._called(tool.made(arguments))
        key = current().ids()
        want = RunTool(key, params.name, arguments)
        resources = self._agent._cell.instance.resources  # noqa: SLF001  # its own tools find what it would find
        result = await Tooling(self._agent.agent, resources, self._rules, want).run(key)
        return _result(result.content, is_error=result.error)

    async def _called(self, action: Action) -> types.CallToolResult:
        given: Any = action
        try:
            answer = await self._agent.call(given)
        except (ActionError, CallError) as error:
            return _result(said(error), is_error=True)
        try:
            return _result(as_content(answer) if action.replies else "done")
        except ValueError:
            return _result("it was done, and its reply can't be told: it is no JSON", is_error=True)


def _described(schema: ToolSchema) -> types.Tool:
    return types.Tool(name=schema.name, description=schema.description, input_schema=thaw(schema.parameters))


def _result(text: str, *, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)

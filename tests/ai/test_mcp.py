"""The Model Context Protocol, both ways: over stdio with a real server of ours, and within one process."""

# mypy: disable-error-code="union-attr,arg-type,attr-defined,dict-item"

import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import mcp_types as types
import pytest
import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from mcp.client import Client
from mcp.client._memory import InMemoryTransport
from mcp.server import Server
from mcp.shared.exceptions import MCPError

from jido_trio import Action, Agent, Jido
from jido_trio.ai import Answered, ChatAgent, Model, Models, Tool, ToolMessage, ask
from jido_trio.ai.mcp import McpServer, McpTool, mcp_server
from jido_trio.errors import ActionError, InvalidArguments, InvalidDefinition
from jido_trio.supervision import CrashReport
from jido_trio.testing import ScriptedModel
from tests.ai.mcp_program import Clerk, Order, Weather

PROGRAM = Path(__file__).with_name("mcp_program.py")
ROOT = PROGRAM.parents[2]
ANY = {"type": "object"}


def shop(**options):
    return McpServer("shop", command=[sys.executable, PROGRAM], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, **options)


@pytest.mark.seconds(60)
async def test_a_server_over_stdio_that_dies_in_a_call_is_connected_again():
    server = shop(patience=30)
    script = [
        [("order", {"count": 2}), ("weather", {"city": "Oslo"}), ("weather", {})],
        [("weather", {"city": "Atlantis"})],
        [("order", {"count": 5})],
        "done",
    ]
    model = ScriptedModel(script)
    models = Models(fast=Model("m", model))
    reports: list[CrashReport] = []
    tools = [server.tool(McpTool("order", "Orders", ANY), replay="keyed"), server.tool(McpTool("weather", "", ANY))]

    class Buyer(ChatAgent, models=models, model="fast", tools=tools): ...

    async with Jido(services=[models, server], on_report=reports.append) as jido:
        buyer = await jido.start_agent(Buyer)
        answer = await (await ask(buyer, "buy")).answer(timeout=50)
        assert buyer.incarnation == 1
    assert isinstance(answer, Answered)
    results = [
        (said.content, said.error) for said in model.requests[-1].prompt.messages if isinstance(said, ToolMessage)
    ]
    assert results[:2] == [("2 ordered", False), ('{"sky": "snow", "city": "Oslo"}', False)]
    assert "don't fit" in results[2][0]
    assert results[2][1]
    assert results[3] == (
        "the connection to server 'shop' broke while it ran: it may have happened. Check before it is called again.",
        True,
    )
    assert results[4] == ("5 ordered", False)  # another process, which knows nothing of the first two
    [report] = reports
    assert (report.child, report.incarnation) == ("mcp shop", 1)
    assert "the connection to MCP server 'shop' ended" in str(report)


@pytest.mark.seconds(60)
async def test_a_program_that_is_no_server_is_told_as_one_error():
    server = McpServer("none", command=[sys.executable, "-c", "print('hello')"], patience=30)
    with pytest.raises(MCPError, match="Connection closed"):
        await server.list_tools()
    reports: list[CrashReport] = []
    said = trio.Event()

    def report(crash: CrashReport) -> None:
        reports.append(crash)
        said.set()

    async with Jido(services=[server], on_report=report):
        await said.wait()
    assert "ended while running: mcp.shared.exceptions.MCPError: Connection closed" in str(reports[0])


# Over HTTP


@asynccontextmanager
async def web(agent, tools, port=0):
    """Serve an agent's tools at a URL on this machine: the SDK's application, behind a real server."""
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.accesslog = config.errorlog = None
    application = mcp_server(agent, tools).streamable_http_app()
    async with trio.open_nursery() as nursery:
        [address] = await nursery.start(partial(serve, application, config))
        yield f"{address}/mcp"
        nursery.cancel_scope.cancel()


class Waits(Action, description="Waits"):
    async def run(self, context):
        context.resources["begun"].set()
        await trio.sleep_forever()


async def test_a_servers_tools_are_called_over_http():
    async with Jido() as shop:
        clerk = await shop.start_agent(Clerk)
        async with web(clerk, [Weather, Order]) as url:
            server = McpServer("shop", url=url)
            assert set(await server.list_tools()) == {"weather", "order"}
            async with Jido(services=[server]):
                assert await server.call("order", {"count": 2}) == "2 ordered"
                assert await server.call("weather", {"city": "Oslo"}) == '{"sky": "snow", "city": "Oslo"}'
        assert clerk.agent.state.orders == 2


async def test_a_server_over_http_that_is_not_there_is_not_called():
    async with Jido(services=[server := McpServer("shop", url="http://127.0.0.1:9/mcp", patience=0.1)]):
        with pytest.raises(ActionError, match="it was not called: there is no connection"):
            await server.call("weather", {})


async def test_a_server_over_http_that_goes_away_in_a_call_may_have_done_it():
    begun = trio.Event()
    async with Jido(resources={"begun": begun}) as shop, trio.open_nursery() as nursery:
        clerk = await shop.start_agent(Clerk)
        async with web(clerk, [Waits]) as url:
            server = McpServer("shop", url=url)
            jido = await nursery.start(hold, server)
            refused = await nursery.start(refusal, server)
            await begun.wait()
        await refused.wait()
        jido.set()


async def test_a_server_over_http_that_goes_away_in_a_call_is_connected_again_and_the_agent_goes_on():
    begun, gone = trio.Event(), trio.Event()
    model = ScriptedModel([[("waits", {})], [("order", {"count": 2})], "done"])
    models = Models(fast=Model("m", model))
    reports: list[CrashReport] = []
    async with Jido(resources={"begun": begun}) as shop, trio.open_nursery() as nursery:
        clerk = await shop.start_agent(Clerk)
        server = McpServer("shop", url=await nursery.start(twice, clerk, gone), patience=30)
        tools = [server.tool(McpTool(name, "", ANY)) for name in ("waits", "order")]

        class Buyer(ChatAgent, models=models, model="fast", tools=tools): ...

        async with Jido(services=[models, server], on_report=reports.append) as jido:
            buyer = await jido.start_agent(Buyer)
            request = await ask(buyer, "buy")
            await begun.wait()
            gone.set()
            assert (await request.answer(timeout=50)).text == "done"
            assert (buyer.incarnation, clerk.agent.state.orders) == (1, 2)
        nursery.cancel_scope.cancel()
    broken, ordered = [said for said in model.requests[-1].prompt.messages if isinstance(said, ToolMessage)]
    assert broken.error
    assert broken.content.startswith("the connection to server 'shop' broke while it ran: it may have happened")
    assert (ordered.content, ordered.error) == ("2 ordered", False)
    assert {report.child for report in reports} == {"mcp shop"}


async def twice(clerk, gone, *, task_status):
    """Serve until it is to be gone, and then again at the same place."""
    async with web(clerk, [Waits, Order]) as url:
        task_status.started(url)
        await gone.wait()
    async with web(clerk, [Waits, Order], urlsplit(url).port):
        await trio.sleep_forever()


async def hold(server, *, task_status):
    """Have an instance with the server, until the event that it gives is set."""
    over = trio.Event()
    async with Jido(services=[server]):
        task_status.started(over)
        await over.wait()


async def refusal(server, *, task_status):
    refused = trio.Event()
    task_status.started(refused)
    with pytest.raises(ActionError, match="it may have happened"):
        await server.call("waits", {})
    refused.set()


# A server of others, in this process


class Fake:
    """A server whose tools can be changed, and that says what it was asked."""

    def __init__(self, *names):
        self.names = list(names)
        self.asked = []
        self.cancelled = 0
        self.hangs = trio.Event()
        self.silent = False
        self.promised = {}
        self.answer = types.CallToolResult(content=[types.TextContent(type="text", text="snow")])

    async def list(self, _context, params):
        if self.silent:
            await trio.sleep_forever()
        first = params is None or params.cursor is None
        names, more = (
            (self.names[:1], "2") if first and len(self.names) > 1 else (self.names[0 if first else 1 :], None)
        )
        tools = [types.Tool(name=name, input_schema=ANY, output_schema=self.promised.get(name)) for name in names]
        return types.ListToolsResult(tools=tools, next_cursor=more)

    async def call(self, _context, params):
        self.asked.append((params.name, params.arguments))
        if params.name == "hang":
            self.hangs.set()
            try:
                await trio.sleep_forever()
            finally:
                self.cancelled += 1
        if params.name == "more":
            self.names.append("weather")
        if params.name == "close":
            raise MCPError(types.CONNECTION_CLOSED, "gone")
        if params.name == "refuse":
            raise MCPError(-32602, "not today")
        return self.answer

    def connected(self, **options):
        server = McpServer("fake", url="http://127.0.0.1:9", **options)
        inner = Server("fake", on_list_tools=self.list, on_call_tool=self.call)
        server._transport = lambda: InMemoryTransport(inner)  # type: ignore[method-assign]
        return server


async def test_a_server_that_says_nothing_is_waited_for_so_long_and_named(autojump_clock):
    fake = Fake("a")
    fake.silent = True
    with pytest.raises(TimeoutError, match="MCP server 'fake' has not told its tools within 60 seconds"):
        await fake.connected().list_tools()
    assert trio.current_time() == 60


async def test_a_server_that_says_nothing_at_first_is_connected_again(autojump_clock):
    fake = Fake("a")
    fake.silent = True
    server = fake.connected(connect_timeout=3, patience=30)
    reports: list[CrashReport] = []
    async with Jido(services=[server], on_report=reports.append):
        await trio.sleep(3.5)
        fake.silent = False
        assert await server.call("a", {}) == "snow"
    assert {report.child for report in reports} == {"mcp fake"}
    assert "MCP server 'fake' has not told its tools within 3 seconds" in str(reports[0])


async def test_a_server_that_does_not_tell_of_its_new_tools_is_not_called(autojump_clock):
    fake = Fake("a")
    server = fake.connected(connect_timeout=3)
    async with Jido(services=[server]):
        assert await server.call("a", {}) == "snow"
        fake.silent = True
        with pytest.raises(
            ActionError, match="it was not called: server 'fake' has not told its tools within 3 seconds"
        ):
            await server.call("b", {})
        assert await server.call("a", {}) == "snow"


async def test_all_pages_of_tools_are_listed():
    listed = await Fake("a", "b", "c").connected().list_tools()
    assert listed == {name: McpTool(name, "", ANY) for name in "abc"}


async def test_a_tool_that_is_gone_is_not_called_and_its_like_is_named():
    fake = Fake("weather_now")
    server = fake.connected()
    async with Jido(services=[server]):
        with pytest.raises(ActionError, match="no tool 'weather_new' now; did you mean 'weather_now'"):
            await server.call("weather_new", {})
    assert fake.asked == []


@pytest.mark.parametrize(
    ("content", "is_error", "says"),
    [
        ([types.TextContent(type="text", text="a"), types.TextContent(type="text", text="b")], False, "a\nb"),
        (
            [types.ImageContent(data="", mime_type="image/png")],
            False,
            "[image: it can't be shown as text]",
        ),
        (
            [
                types.ResourceLink(name="plan", uri="file:///plan.txt"),
                types.EmbeddedResource(resource=types.TextResourceContents(uri="file:///a.txt", text="all of it")),
            ],
            False,
            "[plan: file:///plan.txt]\n[file:///a.txt]\nall of it",
        ),
        ([], False, '{"n": 1}'),
        ([types.TextContent(type="text", text="no")], True, "no"),
    ],
)
async def test_what_a_result_is_told_as(content, is_error, says):
    fake = Fake("a")
    structured = None if content else {"n": 1}
    fake.answer = types.CallToolResult(content=content, is_error=is_error, structured_content=structured)
    server = fake.connected()
    async with Jido(services=[server]):
        if is_error:
            with pytest.raises(ActionError, match=says):
                await server.call("a", {"x": [1]})
        else:
            assert await server.call("a", {"x": [1]}) == says
    assert fake.asked == [("a", {"x": [1]})]


async def test_what_the_server_refuses_is_an_error():
    server = Fake("refuse").connected()
    async with Jido(services=[server]):
        with pytest.raises(ActionError, match="not today"):
            await server.call("refuse", {})


async def test_a_tool_that_the_server_has_since_it_was_asked_is_called():
    fake = Fake("more")
    server = fake.connected()
    async with Jido(services=[server]):
        with pytest.raises(ActionError, match="no tool 'weather' now"):
            await server.call("weather", {})
        await server.call("more", {})
        assert await server.call("weather", {}) == "snow"


async def test_a_result_other_than_was_promised_is_an_error_and_ends_no_other_call():
    fake = Fake("hang", "odd")
    fake.promised["odd"] = {"type": "object", "properties": {"n": {"type": "integer"}}}
    fake.answer = types.CallToolResult(content=[], structured_content={"n": "many"})
    server = fake.connected()
    reports: list[CrashReport] = []
    async with Jido(services=[server], on_report=reports.append), trio.open_nursery() as nursery:
        nursery.start_soon(server.call, "hang", {})
        await fake.hangs.wait()
        with pytest.raises(ActionError, match=r"it was called, and its result can't be read: .*many"):
            await server.call("odd", {})
        with pytest.raises(ActionError, match=r"it was called, and its result can't be read: .*many"):
            await server.call("odd", {})
        assert fake.cancelled == 0
        nursery.cancel_scope.cancel()
    assert reports == []


def test_a_schema_that_names_no_type_is_that_of_an_object():
    assert shop().tool(McpTool("stock", "", {})).schema.plain["parameters"] == ANY


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: McpServer(5, command=["x"]), "name=5 of an MCP server must be a text"),
        (lambda: McpServer("s", url="ftp://x"), "url='ftp://x' of MCP server 's' must begin with http"),
        (lambda: McpServer("s", url=5), "url=5 of MCP server 's'"),
        (lambda: McpServer("s", command=["x"], env={"KEY": 5}), r"env=.*\*\*\*.* of MCP server 's' must be a mapping"),
        (lambda: McpServer("s", command=["x"], env="KEY"), "of MCP server 's' must be a mapping"),
        (lambda: McpServer("s", command=["x"], cwd=5), "cwd=5 of MCP server 's'"),
        (lambda: McpServer("s", command=["x"], connect_timeout=0), "connect_timeout=0 of MCP server 's'"),
        (lambda: shop().tool("stock"), "tool='stock' of MCP server 'shop' must be an McpTool"),
        (lambda: shop().tool(McpTool("a", "", ANY), name="a b"), "name='a b' of MCP server 'shop' must be a letter"),
        (lambda: shop().tool(McpTool("a", "", ANY), name="a" * 65), "must be a letter, and at most 63"),
        (lambda: shop().tool(McpTool("a", "", {"type": "string"})), "of tool 'a' must be the JSON Schema of an object"),
        (
            lambda: shop().tool(McpTool("a", "", {"x": float("nan")})),
            "of tool 'a' must be the JSON Schema of an object",
        ),
        (lambda: shop().tool(McpTool("a", "", {"x": object()})), "of tool 'a' must be the JSON Schema of an object"),
        (lambda: shop().tool(McpTool("a", "", None)), "parameters=None of MCP server 'shop' of tool 'a' must be"),
    ],
)
def test_what_is_no_server_and_no_tool_of_one_is_refused_by_name(make, says):
    with pytest.raises(InvalidDefinition, match=says):
        make()


def test_tools_of_one_name_of_two_servers_are_told_apart():
    one, two, tool = Fake().connected(), Fake().connected(), McpTool("stock", "", ANY)

    class Buyer(ChatAgent, tools=[one.tool(tool, name="old_stock"), two.tool(tool)]): ...

    assert [tool.schema.name for tool in Buyer.rules.tools] == ["old_stock", "stock"]


async def test_cancelling_a_call_cancels_the_servers_tool_and_the_connection_goes_on():
    fake = Fake("hang", "a")
    server = fake.connected()
    async with Jido(services=[server]):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.call, "hang", {})
            await fake.hangs.wait()
            nursery.cancel_scope.cancel()
        assert await server.call("a", {}) == "snow"
        assert fake.cancelled == 1


async def test_a_connection_on_which_a_call_broke_is_made_again_before_the_next_call():
    fake = Fake("close", "a")
    server = fake.connected()
    reports: list[CrashReport] = []
    async with Jido(services=[server], on_report=reports.append):
        with pytest.raises(ActionError, match="it may have happened"):
            await server.call("close", {})
        assert repr(server) == "<McpServer 'fake' not connected>"
        assert await server.call("a", {}) == "snow"
    assert [(report.child, report.incarnation) for report in reports] == [("mcp fake", 1)]


async def test_without_a_connection_a_call_is_not_made_and_says_so(autojump_clock):
    server = Fake("a").connected(patience=7)
    async with Jido(services=[server]):
        pass
    with pytest.raises(ActionError, match="it was not called: there is no connection to server 'fake'"):
        await server.call("a", {})
    assert trio.current_time() >= 7


async def test_a_server_that_is_no_service_is_told_of_at_once(caplog):
    server, script = Fake("a").connected(), ScriptedModel([[("a", {})], "done"])
    models = Models(fast=Model("m", script))

    class Buyer(ChatAgent, models=models, model="fast", tools=[server.tool(McpTool("a", "", ANY))]): ...

    async with Jido(services=[models]) as jido:
        assert (await (await ask(await jido.start_agent(Buyer), "buy")).answer(timeout=5)).text == "done"
    assert "MCP server 'fake' is a service of no instance: say Jido(" in caplog.text


def test_a_tool_is_told_of_as_its_server_does_by_a_name_that_models_take():
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    tool = McpServer("files", command=["x"]).tool(McpTool("fs/read.now", "Reads", schema), replay="safe", timeout=3)
    assert isinstance(tool, Tool)
    assert (tool.schema.name, tool.schema.description, tool.replay) == ("fs_read_now", "Reads", "safe")
    assert tool.schema.parameters == McpTool("x", "", schema).parameters
    with pytest.raises(InvalidArguments, match="an object"):
        tool.made("[1]")


@pytest.mark.parametrize(
    ("named", "called"),
    [
        ("get-sum", "get_sum"),
        ("2fa", "tool_2fa"),
        ("_hidden", "tool__hidden"),
        ("été", "tool__t_"),
        ("x" * 80, "x" * 64),
    ],
)
def test_whatever_a_server_calls_a_tool_it_has_a_name_that_an_action_may_have(named, called):
    assert McpServer("s", command=["x"]).tool(McpTool(named, "", ANY)).schema.name == called


@pytest.mark.parametrize("options", [{}, {"command": ["a"], "url": "http://b"}, {"command": "a b"}])
def test_a_server_needs_a_command_or_a_url(options):
    with pytest.raises(InvalidDefinition, match="MCP server 'x' needs either command"):
        McpServer("x", **options)


# An agent's tools as a server


class Broken(Action):
    async def run(self, context):
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("a bug")


class Refusing(Action):
    def run(self, context):
        raise ActionError("not today")


async def test_an_agent_serves_its_tools():
    async with Jido() as jido:
        clerk = await jido.start_agent(Clerk, id="clerk")
        server = mcp_server(clerk, [Order, Weather, Broken, Refusing])
        async with Client(server) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert tools["weather"].input_schema["required"] == ["city"]

            async def told(name, **arguments):
                result = await client.call_tool(name, arguments)
                return result.content[0].text, result.is_error

            assert await told("order", count=3) == ("3 ordered", False)
            assert clerk.agent.state.orders == 3
            assert await told("weather", city="Oslo") == ('{"sky": "snow", "city": "Oslo"}', False)
            assert await told("refusing") == ("not today", True)
            assert (await told("order", count="3"))[1]
            assert await told("ordre") == ("there is no tool 'ordre'; did you mean 'order'?", True)
            text, is_error = await told("broken")
            assert (text.startswith("the tool failed: ZeroDivisionError"), is_error) == (True, True)
        assert clerk.incarnation == 1


class Unsayable(Order):
    def reply(self, after):
        return object()


async def test_an_action_whose_reply_cannot_be_told_was_done_all_the_same():
    async with Jido() as jido:
        clerk = await jido.start_agent(Clerk)
        async with Client(mcp_server(clerk, [Unsayable])) as client:
            result = await client.call_tool("unsayable", {})
        assert result.is_error
        assert result.content[0].text == "it was done, and its reply can't be told: it is no JSON"
        assert clerk.agent.state.orders == 1


@pytest.mark.parametrize("name", ["order", "weather"])
async def test_no_tool_of_an_agent_that_was_stopped_is_run(name):
    async with Jido() as jido:
        clerk = await jido.start_agent(Clerk, id="clerk")
        async with Client(mcp_server(clerk, [Order, Weather])) as client:
            await jido.stop_agent(clerk)
            result = await client.call_tool(name, {"city": "Oslo"} if name == "weather" else {})
    assert result.is_error
    assert result.content[0].text == "agent 'clerk' is not running (stopped); the message was not handled"


async def test_what_nobody_can_approve_or_nothing_at_all_is_no_server():
    class Plain(Agent): ...

    async with Jido() as jido:
        plain = await jido.start_agent(Plain)
        with pytest.raises(InvalidDefinition, match="has no tools"):
            mcp_server(plain)
        with pytest.raises(InvalidDefinition, match="tool 'order' must be approved"):
            mcp_server(plain, [Tool(Order, approve=True)])

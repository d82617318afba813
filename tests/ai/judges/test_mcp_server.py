"""A server of tools that others wrote, with all that the protocol has: its results are told, and it may be killed."""

# mypy: disable-error-code="union-attr,arg-type"

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from jido_trio import Jido
from jido_trio.ai import ChatAgent, Model, Models, ToolMessage, ToolPart, ask
from jido_trio.ai.mcp import McpServer
from jido_trio.errors import ActionError
from jido_trio.testing import ScriptedModel
from tests.ai.judges.aimock import NODE, installed

pytestmark = [
    pytest.mark.judges,
    pytest.mark.seconds(120),
    # Over HTTP the SDK leaves its generators unfinished when a connection ends.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ENDLESS = ("trigger_long_running_operation", {"duration": 60, "steps": 60})
PROGRAM = installed("@modelcontextprotocol/server-everything/dist/index.js")


@pytest.fixture
def node():
    if NODE is None:
        pytest.skip("node isn't installed, which runs the server")
    if not PROGRAM.exists():
        pytest.skip("the server isn't installed: `./check --judges` has npm do it")
    return NODE


class Stdio:
    """A server that its client starts."""

    def __init__(self, node: str, folder: Path) -> None:
        self.pid = folder / "pid"
        command = ["sh", "-c", 'echo $$ > "$0"; exec "$1" "$2" stdio', self.pid, node, PROGRAM]
        self.server = McpServer("everything", command=command, patience=60)

    def kill(self) -> None:
        os.kill(int(self.pid.read_text()), signal.SIGKILL)

    def begin_again(self) -> None:
        """Do nothing: the client does."""


class Http:
    """A server at a port."""

    def __init__(self, node: str, _folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.command, self.env = [node, str(PROGRAM), "streamableHttp"], {**os.environ, "PORT": str(port)}
        self.server = McpServer("everything", url=f"http://127.0.0.1:{port}/mcp", patience=60)
        self.begin_again()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def begin_again(self) -> None:
        self.process = subprocess.Popen(
            self.command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


@contextmanager
def running(kind: type[Stdio | Http], node: str, folder: Path) -> Iterator[Stdio | Http]:
    """Have a server, and none in the end."""
    server = kind(node, folder)
    try:
        yield server
    finally:
        if isinstance(server, Http):
            server.kill()
        gc.collect()


async def listed(server):
    """Return its tools, as soon as it is up."""
    with trio.fail_after(60):
        while True:
            try:
                return await server.list_tools()
            except Exception:
                await trio.sleep(0.2)


@pytest.mark.parametrize("kind", [Stdio, Http])
async def test_its_tools_are_called_and_what_they_return_is_told(kind, node, tmp_path):
    with running(kind, node, tmp_path) as everything:
        tools = await listed(everything.server)
        assert tools["get-sum"].parameters["required"] == ["a", "b"]
        async with Jido(services=[everything.server]):
            call = everything.server.call
            assert await call("echo", {"message": "hi"}) == "Echo: hi"
            assert await call("get-sum", {"a": 1, "b": 2}) == "The sum of 1 and 2 is 3."
            assert "[image: it can't be shown as text]" in await call("get-tiny-image", {})
            assert "demo://resource/" in await call("get-resource-links", {"count": 2})
            with pytest.raises(ActionError, match="expected string"):
                await call("echo", {"message": 3})


@pytest.mark.parametrize("kind", [Stdio, Http])
async def test_it_is_killed_in_a_call_and_the_agent_goes_on_with_the_next_one(kind, node, tmp_path):
    with running(kind, node, tmp_path) as everything:
        described = await listed(everything.server)
        tools = [everything.server.tool(described[name]) for name in ("trigger-long-running-operation", "echo")]
        model = ScriptedModel([[ENDLESS], [("echo", {"message": "again"})], "done"])
        models = Models(m=Model("m", model))

        class Clerk(ChatAgent, models=models, model="m", tools=tools): ...

        async with Jido(services=[models, everything.server], on_report=lambda _: None) as jido:
            clerk = await jido.start_agent(Clerk)
            request = await ask(clerk, "go")
            assert isinstance(await anext(request.parts()), ToolPart)
            await trio.sleep(1)
            everything.kill()
            everything.begin_again()
            assert (await request.answer(timeout=90)).text == "done"
            assert clerk.incarnation == 1
    broken, echoed = [said for said in model.requests[-1].prompt.messages if isinstance(said, ToolMessage)]
    assert broken.error
    assert "may have happened" in broken.content
    assert (echoed.content, echoed.error) == ("Echo: again", False)

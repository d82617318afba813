"""Agents with a server of tools, to speak with at a terminal."""

import sys
from pathlib import Path

from jido_trio.ai import ChatAgent, Model, Models, teammate
from jido_trio.ai.mcp import McpServer, McpTool
from jido_trio.testing import ScriptedModel

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests/ai/mcp_program.py"
SHOP = McpServer("shop", command=[sys.executable, PROGRAM], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, patience=30)
MODELS = Models(
    boss=Model("b", ScriptedModel([[("buyer", {"question": "Buy three"})], "Bought."])),
    buyer=Model("m", ScriptedModel([[("order", {"count": 3})], "Three."])),
)


class Buyer(
    ChatAgent, models=MODELS, model="buyer", tools=[SHOP.tool(McpTool("order", "Orders", {"type": "object"}))]
): ...


class Boss(ChatAgent, models=MODELS, model="boss", tools=[teammate(Buyer)]): ...

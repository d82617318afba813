"""The Model Context Protocol, both ways: a server's tools as tools, an agent's as a server. Needs the extra `mcp`."""

from jido_trio.extras import require

try:
    from jido_trio.ai.mcp._client import McpServer, McpTool
    from jido_trio.ai.mcp._server import mcp_server, serve_stdio
except ModuleNotFoundError:
    require("mcp", "mcp", part="ai.mcp")
    raise

__all__ = ["McpServer", "McpTool", "mcp_server", "serve_stdio"]

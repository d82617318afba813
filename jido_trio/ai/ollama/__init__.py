"""Models that Ollama serves. Apart from the rest: it needs the extra `ollama`."""

from jido_trio.extras import require

try:
    from jido_trio.ai.ollama._chat import Ollama
except ModuleNotFoundError:
    require("ollama", "httpx2", part="ai.ollama")
    raise

__all__ = ["Ollama"]

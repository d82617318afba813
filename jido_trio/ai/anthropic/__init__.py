"""Models of Anthropic. Apart from the rest: it needs the extra `anthropic`."""

from jido_trio.extras import require

try:
    from jido_trio.ai.anthropic._messages import Anthropic
except ModuleNotFoundError:
    require("anthropic", "anthropic", part="ai.anthropic")
    raise

__all__ = ["Anthropic"]

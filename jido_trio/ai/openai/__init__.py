"""Models of OpenAI, and of any server that speaks as it does. Apart from the rest: it needs the extra `openai`."""

from jido_trio.extras import require

try:
    from jido_trio.ai.openai._client import OpenAI
    from jido_trio.ai.openai._embeddings import OpenAIEmbeddings
except ModuleNotFoundError:
    require("openai", "openai", part="ai.openai")
    raise

__all__ = ["OpenAI", "OpenAIEmbeddings"]

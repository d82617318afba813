"""Texts that agents find passages in: a SQLite file with full text search and vectors, and the tool. Needs no extra."""

from jido_trio.ai.retrieval._embedding import Embedder, HashedWords
from jido_trio.ai.retrieval._library import Library, open_library
from jido_trio.ai.retrieval._passages import Passage
from jido_trio.ai.retrieval._tool import SearchLibrary

__all__ = ["Embedder", "HashedWords", "Library", "Passage", "SearchLibrary", "open_library"]

"""Embeddings: texts as vectors, so that those of like meaning are near each other."""

import math
import re
from array import array
from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

import trio

from jido_trio import checks


class Embedder(Protocol):
    """Makes vectors of texts."""

    @property
    def name(self) -> str:
        """Says which model it is; vectors of different models can't be compared."""
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector for each text, all of one length.

        Raises:
            ActionError: The provider says no.
        """
        ...


class HashedWords:
    """Counts words, each at a place that its hash says. It needs no model, and knows nothing of meaning: for tests."""

    def __init__(self, dimensions: int = 256) -> None:
        checks.whole("HashedWords", "dimensions", dimensions, least=1)
        self._dimensions = dimensions

    @property
    def name(self) -> str:
        """See `Embedder`."""
        return f"hashed-words-{self._dimensions}"

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """See `Embedder`."""
        await trio.lowlevel.checkpoint()
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self._dimensions
        for word in words_of(text):
            vector[int.from_bytes(sha256(word.encode()).digest()[:8]) % self._dimensions] += 1
        return vector


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return re.findall(r"\w+", text.lower())


def packed(vector: Sequence[float]) -> bytes:
    """Return a vector of length 1 as bytes, single precision; of nothing but zeros it stays that.

    Raises:
        ValueError: It has a part that is no finite number.
    """
    length = math.hypot(*vector)
    if not math.isfinite(length):
        raise ValueError("a vector has a part that is no finite number")
    return array("f", (part / length for part in vector) if length else vector).tobytes()


def nearness(one: Sequence[float], other: bytes) -> float:
    """Return the cosine of the angle between two vectors of length 1."""
    parts = array("f")
    parts.frombytes(other)
    return sum(a * b for a, b in zip(one, parts, strict=True))

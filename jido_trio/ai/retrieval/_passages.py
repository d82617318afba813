"""Passages: pieces of a text, at most so long, cut where it hurts least; and how two rankings become one. Pure."""

import re
from collections.abc import Iterator, Sequence

from attrs import frozen

_RANK = 60
"""By how much the first places of a ranking are alike: the usual number of reciprocal rank fusion."""


@frozen
class Passage:
    """A piece of a text, as it was found."""

    source: str
    """The text that it is of."""
    number: int
    """Which piece of that, from 0."""
    text: str
    score: float = 0
    """How well it fits, among those that were found with it; of no meaning beyond that."""


def passages_of(text: str, characters: int) -> list[str]:
    """Return a text in passages: whole paragraphs, as many as fit; too long a one is cut at sentences, or spaces."""
    passages: list[str] = []
    for piece in _pieces(text, characters):
        if passages and len(passages[-1]) + 2 + len(piece) <= characters:
            passages[-1] += "\n\n" + piece
        else:
            passages.append(piece)
    return passages


def _pieces(text: str, characters: int) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text):
        rest = paragraph.strip()
        while len(rest) > characters:
            at = _cut(rest, characters)
            yield rest[:at].rstrip()
            rest = rest[at:].lstrip()
        if rest:
            yield rest


def _cut(text: str, most: int) -> int:
    """Return where to cut, not before the middle."""
    head = text[: most + 1]
    for mark in (". ", "\n", " "):
        at = head.rfind(mark, most // 2, most + 1 - len(mark) + 1)
        if at > 0:
            return at + (1 if mark == ". " else 0)
    return most


def fused(*rankings: Sequence[int]) -> list[tuple[int, float]]:
    """Return what several rankings name, best first: high in one is good, in several is better."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, one in enumerate(ranking):
            scores[one] = scores.get(one, 0) + 1 / (_RANK + place)
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))

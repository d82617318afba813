"""Patterns of signal types: how they are checked, how specific they are, and what they match.

A pattern is a path of segments as a signal's type is, `user.*.created` or `audit.**`, in which `*` stands for exactly
one segment and `**` for any number of them, none included, in any place. There is one matcher: a `Trie` of patterns is
walked like an automaton, all ways at once, so a type costs its length times the branches that are alive, never a search
back. `matches` is that walk over a single pattern.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Generic, TypeAlias, TypeVar

from attrs import define, field

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

__all__ = ["Trie", "complexity", "matches", "segments"]

T = TypeVar("T")
Segments: TypeAlias = Sequence[str]

_SEGMENT = re.compile(r"[a-zA-Z0-9_-]+")


def segments(pattern: object) -> Segments:
    """Return the segments of a valid pattern.

    Raises:
        InvalidDefinition: It isn't one; the message names the pattern and the rule it breaks.
    """
    if not isinstance(pattern, str):
        raise _invalid(pattern, "Path must be a string")
    parts = tuple(pattern.split("."))
    if "" in parts:
        raise _invalid(
            pattern, "Path cannot contain consecutive dots" if ".." in pattern else "Path has empty segments"
        )
    if any(both == ("**", "**") for both in pairwise(parts)):
        raise _invalid(pattern, "Path cannot contain multiple wildcards")
    for part in parts:
        _check_segment(pattern, part)
    return parts


def _check_segment(pattern: object, part: str) -> None:
    if part in {"*", "**"} or _SEGMENT.fullmatch(part):
        return
    if "**" in part:
        raise _invalid(pattern, "Path cannot contain '**' sequence", f"in the segment {part!r}")
    if "*" in part:
        raise _invalid(pattern, "Path cannot contain '*' within a segment", f"as in {part!r}")
    raise _invalid(pattern, "Path contains invalid characters", f"in the segment {part!r}")


def _invalid(pattern: object, rule: str, where: str = "") -> InvalidDefinition:
    return InvalidDefinition(
        f"route {shown(pattern)}: {' '.join(filter(None, (rule, where)))}. Write segments of letters, digits, '_' "
        "and '-' joined by single dots, '*' for exactly one segment, '**' for any number of them."
    )


def complexity(parts: Segments) -> int:
    """Return how specific a pattern is: more and earlier exact segments weigh more, wildcards less.

    Source: Jido's signal router, whose numbers these are.
    """
    size = len(parts)
    return 2000 * size + sum(
        -1000 + 100 * at if part == "*" else -2000 + 200 * at if part == "**" else 3000 * (size - at)
        for at, part in enumerate(parts)
    )


def matches(pattern: str, signal_type: str) -> bool:
    """Tell whether `pattern` matches the type of a signal.

    Raises:
        InvalidDefinition: `pattern` isn't a valid one, or the type is no text.
    """
    given: object = pattern
    if not isinstance(given, str):
        segments(given)  # which refuses it
    checks.text("matches", "signal_type", signal_type, blank=True)
    return any(_alone(pattern).find(signal_type))


@lru_cache(maxsize=1024)
def _alone(pattern: str) -> "Trie[bool]":
    trie: Trie[bool] = Trie()
    trie.insert(segments(pattern), value=True)
    return trie


@define(eq=False)
class Trie(Generic[T]):
    """Values by pattern, found by the type of a signal: each once, in no order."""

    loops: bool = False
    """Whether it is the node behind a `**`, which may swallow any segment and still be where it was."""
    children: "dict[str, Trie[T]]" = field(factory=dict)
    values: list[T] = field(factory=list)

    def insert(self, parts: Segments, value: T) -> None:
        """Put `value` under a pattern's segments, beside those it holds already."""
        node = self
        for part in parts:
            node = node.children.setdefault(part, Trie(loops=part == "**"))
        node.values.append(value)

    def find(self, signal_type: str) -> Iterator[T]:
        """Yield the values of every pattern that matches."""
        alive = _with_empty_wildcards([self])
        for part in signal_type.split("."):
            alive = _with_empty_wildcards(_after(alive, part))
        for node in alive:
            yield from node.values


def _after(alive: Iterable[Trie[T]], part: str) -> Iterator[Trie[T]]:
    """Yield the nodes that the segment `part` leads to."""
    for node in alive:
        if node.loops:
            yield node
        for step in (part, "*"):
            if step in node.children:
                yield node.children[step]


def _with_empty_wildcards(nodes: Iterable[Trie[T]]) -> Iterable[Trie[T]]:
    """Return `nodes`, each once, and those behind a "**" that stands for no segment at all."""
    reached: dict[Trie[T], None] = {}
    for node in nodes:
        reached[node] = None
        if "**" in node.children:  # never two in a row, so one step is enough
            reached[node.children["**"]] = None
    return reached

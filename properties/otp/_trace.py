"""A trace: what happened in a scenario, step by step, as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from attrs import field, frozen

Json: TypeAlias = "str | int | list[Json] | dict[str, Json] | None"


def plain(value: object) -> Json:
    """Return `value` as parsed JSON would be, so that an engine may answer in tuples."""
    match value:
        case None | str() | int():
            return value
        case Mapping():
            return {str(key): plain(inner) for key, inner in value.items()}
        case Sequence():
            return [plain(inner) for inner in value]
        case _:
            raise TypeError(f"{value!r} has no place in a trace; say it in strings, ints, None, sequences, mappings")


@frozen(order=True)
class Event:
    """One thing that happened to the n-th process of a path."""

    what: str  # start, exit, start_failed, ignored
    path: str
    n: int
    exit_class: str = ""
    """For an exit: normal, shutdown, shutdown_term, shutdown_failed_start, killed, error, noproc."""


@frozen
class Row:
    """One child of a live supervisor."""

    id: str | None
    status: str  # running, restarting, undefined
    n: int | None


def _in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(events)


@frozen
class TraceStep:
    """What one step answered and caused, and how the tree stood when all was quiet again."""

    op: str
    result: Json = field(converter=plain)
    events: tuple[Event, ...] = field(converter=_in_order)
    state: Mapping[str, tuple[Row, ...]]
    """The children of every live supervisor, by its path: in start order, in pools by key."""


@frozen
class Final:
    """How the scenario ended."""

    root: str  # alive, dead, failed
    reason: str | None = None
    skipped: int | None = None  # steps that were left when the root died


@frozen
class Trace:
    """`steps[0]` is the start of the tree; the list ends early when the root died."""

    id: str
    steps: tuple[TraceStep, ...]
    final: Final


ALIVE = Final("alive")
FAILED = Final("failed")

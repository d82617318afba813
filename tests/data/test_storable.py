"""What types show of values that can't be kept."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, Optional

from attrs import frozen

from jido_trio.data import unstorable


class Color(Enum):
    RED = 1


class Point(NamedTuple):
    x: int


class Live:
    """Nothing of it can be kept."""


@frozen
class Inner:
    live: Live | None = None


@frozen
class Fine:
    any: Any
    thing: object
    name: Optional[str]  # noqa: UP045
    prices: Mapping[str, list[Decimal]]
    at: tuple[datetime, ...]
    color: Color
    point: Point
    kind: type[Live]
    again: "Fine | None" = None


@frozen
class Wrong:
    live: Live
    calls: list[Callable[[], None]]
    inner: dict[str, Inner]


def test_what_can_be_kept_is_fine():
    assert unstorable(Fine) == []


def test_what_cannot_be_kept_is_told_with_its_path():
    assert list(map(str, unstorable(Wrong))) == [
        "values of class 'Live' can't be kept @ live",
        "functions can't be kept @ calls",
        "values of class 'Live' can't be kept @ inner.live",
    ]


def test_types_that_cannot_be_found_say_nothing():
    @frozen
    class Unknown:
        what: "NotThere"  # type: ignore[name-defined]  # noqa: F821

    assert unstorable(Unknown) == []

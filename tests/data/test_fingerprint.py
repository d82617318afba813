"""Fingerprints: equal for equal values, and quick where values have their large parts in common."""

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from attrs import field, frozen

from jido_trio.data import _fingerprint, fingerprint, freeze
from jido_trio.data.inner import ASIDE


class Color(Enum):
    RED = "red"


def test_large_parts_are_told_apart_and_known_again_by_what_is_in_them():
    paths = tuple(f"number-{number}.txt" for number in range(1000))
    again, other = tuple(map(str, list(paths))), (*paths[:-1], "another.txt")

    assert fingerprint(paths) == fingerprint(paths) == fingerprint(again) == fingerprint(list(paths))
    assert fingerprint(paths) != fingerprint(other)


def test_a_field_that_is_set_aside_is_not_looked_at():
    @frozen
    class Sent:
        to: str
        size: int = field(metadata=ASIDE)

    assert fingerprint(Sent("ann", 1)) == fingerprint(Sent("ann", 2)) != fingerprint(Sent("bob", 1))
    assert Sent("ann", 1) != Sent("ann", 2)


def test_what_can_change_is_looked_at_each_time():
    parts = tuple([number] for number in range(1000))
    before = fingerprint(parts)
    parts[500].append(1)

    assert fingerprint(parts) != before


@pytest.fixture
def asked(monkeypatch):
    """What is gone through, in order."""
    monkeypatch.setattr(_fingerprint, "_prints", {})
    asked: list[object] = []
    real = _fingerprint._part

    def part(value: object, room: int) -> bytes:
        asked.append(value)
        return real(value, room)

    monkeypatch.setattr(_fingerprint, "_part", part)
    return asked


def test_a_large_part_that_many_values_have_in_common_is_gone_through_once(asked):
    paths = tuple(f"a path that nobody else has: {number}" for number in range(1000))
    prints = {fingerprint(given, paths) for given in range(20)}

    assert len(prints) == 20
    assert asked.count(paths[0]) == 1


def test_few_large_parts_are_remembered(monkeypatch):
    monkeypatch.setattr(_fingerprint, "_known", {})
    for number in range(100):
        fingerprint(tuple(range(number, number + 300)))

    assert 1 <= len(_fingerprint._known) <= 16


@frozen
class Line:
    name: str
    parts: Any = ()


@frozen(weakref_slot=False)
class Bare:
    name: str


def lines(parts: Callable[[], Any]) -> tuple[Line, ...]:
    return tuple(Line(f"line {number}", parts()) for number in range(20))


@pytest.mark.parametrize(
    "parts",
    [
        lambda: (1, "two", None),
        lambda: freeze([{"a": [1, 2]}, {"b"}]),
        lambda: Line("in it", (Color.RED,)),
        lambda: Decimal("1.5"),
    ],
    ids=["a tuple", "frozen data", "a value", "an atom"],
)
def test_an_item_in_which_nothing_can_change_is_gone_through_once(asked, parts):
    said = lines(parts)
    prints = [fingerprint((*said, Line(f"new {number}"))) for number in range(5)]

    assert len(set(prints)) == 5
    assert asked.count(said[7]) == 1
    assert prints[3] == fingerprint([*lines(parts), Line("new 3")])


@pytest.mark.parametrize("inside", [lambda part: part, lambda part: (part,), lambda part: Line("in it", part)])
def test_an_item_in_which_something_can_change_is_looked_at_each_time(asked, inside):
    parts: list[list[int]] = [[] for _ in range(20)]
    said = tuple(Line("line", inside(part)) for part in parts)
    before = fingerprint(said)
    parts[7].append(1)

    assert fingerprint(said) != before


def test_what_is_remembered_of_an_item_goes_with_it(asked):
    said = lines(tuple)
    fingerprint(said)
    assert len(_fingerprint._prints) == 20
    asked.clear()
    del said

    assert _fingerprint._prints == {}


def test_what_could_not_be_forgotten_stands_for_no_other_item_in_its_place(monkeypatch):
    prints: dict[int, Any] = {}
    monkeypatch.setattr(_fingerprint, "_prints", prints)
    said, others = lines(tuple), tuple(Line(f"other {number}") for number in range(20))
    expected = fingerprint(said)
    fingerprint(others)
    prints |= {id(item): prints[id(other)] for item, other in zip(said, others, strict=True)}

    assert fingerprint(said) == expected


def test_no_more_items_are_remembered_than_there_is_room_for(asked, monkeypatch):
    monkeypatch.setattr(_fingerprint, "_LIVING", 5)
    said = lines(tuple)

    assert fingerprint(said) == fingerprint(said)
    assert len(_fingerprint._prints) == 5


def test_items_that_nothing_may_refer_to_weakly_have_prints_too(asked):
    said = tuple(Bare(f"{number}") for number in range(20))

    assert fingerprint(said) == fingerprint(list(said)) != fingerprint(said[1:])


def test_an_item_is_the_same_however_deep_it_was_when_it_was_first_seen(monkeypatch):
    said = lines(lambda: nested("at the end", 60))
    values = [nested(said, depth) for depth in (0, *range(40, 60), 0)]
    prints = [fingerprint(value) for value in values]
    assert len(set(prints)) == 21

    for value, expected in zip(values, prints, strict=True):
        monkeypatch.setattr(_fingerprint, "_prints", {})
        assert fingerprint(value) == expected


def nested(value: Any, times: int) -> Any:
    for _ in range(times):
        value = (value,)
    return value

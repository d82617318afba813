"""Strategies of fields with odd types: what they make fits, and what can't be made is refused with what to give."""

import logging
import re
import types
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Generic, NewType, TypeVar

import attrs
import pytest
from attrs import field, frozen, validators
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from jido_trio import Action, Context, Result
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import actions, changes, states

FEW = settings(
    max_examples=20,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],  # that it refuses much is a failure
)
T = TypeVar("T")
Code = NewType("Code", str)
NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)


@frozen
class Box(Generic[T]):
    held: T
    others: tuple[T, ...] = ()


def has_zone(_: object, __: Any, value: datetime) -> None:
    if value.tzinfo is None:
        raise ValueError("it has no zone")


LIMITED: dict[str, tuple[Any, Any, Callable[[Any], bool]]] = {
    "a new type": (Code, validators.matches_re("[a-c]{3}"), lambda it: re.fullmatch("[a-c]{3}", it) is not None),
    "annotated": (Annotated[int, "cents"], [validators.ge(3), validators.le(4)], lambda it: it in (3, 4)),
    "a date": (date, [validators.ge(date(2024, 1, 1)), validators.lt(date(2024, 1, 2))], lambda it: it.day == 1),
    "a time": (datetime, [validators.gt(NOON), validators.le(NOON + timedelta(1))], lambda it: it > NOON),
    "a time with a zone": (datetime, has_zone, lambda it: it.tzinfo is not None),
    "a time without": (datetime, validators.le(datetime(1, 1, 2)), lambda it: it.year == 1),  # noqa: DTZ001
    "a duration": (
        timedelta,
        [validators.ge(timedelta(0)), validators.lt(timedelta(seconds=1))],
        lambda it: it.days == 0,
    ),
    "a decimal": (Decimal, [validators.gt(0), validators.le(Decimal("0.1"))], lambda it: 0 < it <= Decimal("0.1")),
    "a fraction": (Fraction, [validators.ge(0), validators.le(1)], lambda it: 0 <= it <= 1),
    "a text": (
        str,
        [validators.matches_re("[a-z]+"), validators.min_len(3), validators.max_len(4)],
        lambda it: len(it) > 2,
    ),
    "a found text": (
        str,
        [validators.matches_re("ab", func=re.search), validators.max_len(6)],
        lambda it: "ab" in it and len(it) < 7,
    ),
    "bytes": (bytes, [validators.min_len(2), validators.max_len(2)], lambda it: len(it) == 2),
}


@pytest.mark.parametrize("name", LIMITED)
def test_values_are_made_within_their_limits_without_being_looked_for(name):
    declared, validator, holds = LIMITED[name]
    cls = attrs.make_class("Limited", {"it": field(type=declared, validator=validator)}, frozen=True)

    @FEW
    @given(states(cls))
    def all_hold(made: Any) -> None:
        assert holds(made.it)

    all_hold()


@pytest.mark.parametrize(
    ("declared", "validator"),
    [
        (int, [validators.ge(2), validators.lt(2)]),
        (date, [validators.ge(date(2, 1, 1)), validators.le(date(1, 1, 1))]),
        (datetime, [validators.ge(NOON), validators.le(NOON - timedelta(1))]),
    ],
    ids=["int", "date", "datetime"],
)
def test_between_limits_that_cross_nothing_is_made(declared, validator):
    cls = attrs.make_class("Crossed", {"it": field(type=declared, validator=validator)}, frozen=True)
    assert states(cls).is_empty or find_nothing(states(cls))


def find_nothing(strategy: Any) -> bool:
    with pytest.raises(Exception, match=r"nsatisfiable|assumptions|No such|Could not|satisfy"):
        find(strategy, lambda _: True, settings=settings(FEW, suppress_health_check=list(HealthCheck)))
    return True


@FEW
@given(states(attrs.make_class("Holds", {"it": field(type=Box[int])}, frozen=True)))
def test_a_class_of_variables_is_made_with_what_they_stand_for(made: Any) -> None:
    assert isinstance(made.it.held, int)
    assert all(isinstance(other, int) for other in made.it.others)


@pytest.mark.parametrize("bare", [list, tuple, dict, set, frozenset, Path])
def test_what_says_nothing_of_what_it_holds_holds_something_now_and_then(bare):
    cls = attrs.make_class("Bare", {"it": field(type=bare)}, frozen=True)
    made = find(states(cls), lambda made: made.it and made.it != Path(), settings=settings(FEW, max_examples=200))
    assert made.it


class Ask(Action):
    how: Callable[[int], int]
    log: logging.Logger | None = None

    def run(self, context: Context[Any]) -> Result:
        return {}


@frozen
class Kept:
    number: int = 0
    how: Callable[[int], int] | None = None
    log: logging.Logger = field(factory=lambda: logging.getLogger("kept"))


def test_what_must_be_given_and_can_not_be_made_is_refused_with_what_to_give():
    with pytest.raises(InvalidDefinition, match=r"field 'how' of Ask: give a strategy, overrides=\{\(Ask, 'how'\)"):
        find(actions(Ask), lambda _: True, settings=FEW)
    assert find(actions(Ask, overrides={(Ask, "how"): st.just(abs)}), lambda _: True, settings=FEW).how is abs


@FEW
@given(states(Kept), changes(Kept))
def test_what_can_be_left_out_and_can_not_be_made_is_left_out(kept: Kept, change: dict[str, Any]) -> None:
    assert kept.log is logging.getLogger("kept")
    assert not callable(kept.how)
    assert "log" not in change


@FEW
@given(states(attrs.make_class("Coded", {"it": field(type=Code)}, frozen=True), overrides={Code: st.just(Code("abc"))}))
def test_a_new_type_can_be_overridden(made: Any) -> None:
    assert made.it == "abc"


class Even:
    def __init__(self, number: int) -> None:
        if number % 2:
            raise ValueError(number)
        self.number = number


class Shy(Even):
    def __repr__(self) -> str:
        raise RuntimeError("closed")


class Never:
    def __init__(self) -> None:
        raise RuntimeError("not now")


@frozen
class Odd:
    even: Even
    shy: Shy
    never: Never | None = None
    shown: types.MappingProxyType[str, int] | None = None
    nothing: tuple[()] = ()


@FEW
@given(states(Odd))
def test_what_a_class_refuses_to_make_is_not_generated(odd: Odd) -> None:
    assert odd.even.number % 2 == 0
    assert odd.never is None
    assert odd.nothing == ()


class Vector:
    def __init__(self, *numbers: float) -> None:
        self.numbers = numbers


def test_a_class_of_which_one_value_can_be_made_is_nothing_to_warn_of(recwarn: pytest.WarningsRecorder) -> None:
    vectors = attrs.make_class("Vectors", {"held": field(type=Vector)}, frozen=True)
    assert find(states(vectors), lambda _: True, settings=FEW).held.numbers == ()
    assert not recwarn.list

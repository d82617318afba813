"""Texts that tell whole values: which part of two that differ is shown."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen

from jido_trio.testing._told import differing, told


@frozen
class Kept:
    held: object
    count: int = 0


def shown_of(one: object, other: object) -> str:
    return differing(told((Kept(one), ())), told((Kept(other), ()))).replace(f"{__name__}.", "")


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (1, 2, "'Kept(held=1, count=0)' and then 'Kept(held=2, count=0)'"),
        ([1], [1, 2], "'Kept(held=list(1), count=0)' and then 'Kept(held=list(1, 2), count=0)'"),
        ("a), (", "a), )", "\"Kept(held='a), (', count=0)\" and then \"Kept(held='a), )', count=0)\""),
        ([1] * 99, [1] * 98 + [2], "'1' and then '2'"),
    ],
    ids=["a value", "another length", "brackets in a text", "a part of what is too long"],
)
def test_of_what_differs_whole_parts_are_shown(one: Any, other: Any, shown: str) -> None:
    assert shown_of(one, other) == shown


def test_of_a_part_that_is_too_long_the_place_is_shown() -> None:
    assert shown_of("x" * 500 + "y", "x" * 500 + "z").startswith('"' + "x" * 60 + "y', count=0)")


@pytest.mark.parametrize(
    ("one", "other"), [("))(", "))x"), ("", "("), ("'", "''"), ("RecursionError: x", "tuple(a, b)")]
)
def test_whatever_the_texts_are_something_is_shown(one: str, other: str) -> None:
    assert " and then " in differing(one, other)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2024, 2, 29), "datetime.date(2024, 2, 29)"),
        (Decimal("1.50"), "decimal.Decimal('1.50')"),
        (timedelta(1), "datetime.timedelta(days=1)"),
    ],
)
def test_a_class_is_named_once(value: object, text: str) -> None:
    assert told(value) == text


class Closed:
    def __init__(self, host: str) -> None:
        self.host = host

    def __repr__(self) -> str:
        raise RuntimeError("closed")


def test_what_has_no_text_as_it_raises_is_told_by_what_it_holds() -> None:
    assert told(Closed("a")) == f"{__name__}.Closed(dict('host': 'a'))"

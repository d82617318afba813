"""Text of a stranger's value: whatever that is, one line, bounded, printable."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.core import FrozenDict, FrozenList
from jido_trio.redact import (
    plain,
    said,
    shown,
    shown_error,
)


class OddText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __getitem__(self, _: Any) -> str:
        raise RuntimeError("no part")


def having(how: str, answer: Any) -> Any:
    """Return a value whose `__repr__` and `__str__` do that."""

    def make(_: object) -> Any:
        return answer() if callable(answer) else answer

    return type(how, (), {"__repr__": make, "__str__": make})()


def raising() -> str:
    raise LookupError("no repr today")


def without_end() -> str:
    return without_end()


class OddName(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError("no name")


class Nameless(metaclass=OddName):
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


LOOP: list[Any] = []
LOOP.append(LOOP)

DEEP: Any = 1
for _ in range(100_000):
    DEEP = [DEEP]

ODD = [
    having("Raises", raising),
    having("Recurses", without_end),
    having("Long", "x" * 1_000_000),
    having("Lines", "one\ntwo\r\x1b[31mred\x00"),
    having("Surrogates", "\ud800"),
    having("NoText", 5),
    having("OddText", OddText("odd")),
    OddText("odd"),
    Nameless(),
    LOOP,
    DEEP,
    10**10_000,
    [10**10_000],
    {having("Key", raising): having("Value", raising)},
    "\n" * 1_000_000,
    b"\xff" * 1_000_000,
    list(range(1_000_000)),
    ValueError(having("Message", raising)),
    ExceptionGroup("several", [ValueError("\n")]),
]


@pytest.mark.parametrize("make", [shown, said])
@pytest.mark.parametrize("value", ODD, ids=[str(number) for number in range(len(ODD))])
@pytest.mark.parametrize("limit", [0, 20, 200])
def test_whatever_the_value_is_its_text_is_one_printable_line(make, value, limit):
    text = make(value, limit)

    assert type(text) is str
    assert text.isprintable()
    assert len(text) <= max(limit, 3)
    text.encode()


@pytest.mark.parametrize("value", [value for value in ODD if isinstance(value, BaseException)])
def test_whatever_the_error_is_its_text_is_one_printable_line(value):
    assert shown_error(value).startswith(type(value).__name__)
    assert shown_error(value).isprintable()


def test_what_a_repr_raises_is_told():
    assert shown(having("Raises", raising)) == "<Raises, whose repr raised LookupError>"
    assert shown([1, having("Raises", raising)]) == "[1, <Raises, whose repr raised LookupError>]"
    assert said(having("Raises", raising)) == "<Raises, whose str raised LookupError>"


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_goes_on(interrupt):
    def interrupted() -> str:
        raise interrupt

    for make in (shown, said):
        with pytest.raises(interrupt):
            make(having("Interrupted", interrupted))


def test_a_large_container_is_not_gone_through():
    class Counted:
        count = 0

        def __repr__(self) -> str:
            Counted.count += 1
            return "counted"

    shown([Counted() for _ in range(10_000)], 100)

    assert Counted.count < 100


def test_text_can_be_made_where_no_stack_is_left():
    def deeper(left: int) -> str:
        return shown([1]) if left == 0 else deeper(left - 1)

    texts = set()
    for spare in range(100):
        try:
            texts.add(deeper(sys.getrecursionlimit() - 100 + spare))
        except RecursionError:  # it came about before the text was asked for, or there was no frame left for it
            break
    assert texts <= {"[1]", "[<int, whose repr raised RecursionError>]", "<list, whose repr raised RecursionError>"}


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda each: (
        st.lists(each, max_size=3)
        | st.lists(each, max_size=3).map(tuple)
        | st.lists(each, max_size=3).map(FrozenList)
        | st.dictionaries(st.text(), each, max_size=3)
        | st.dictionaries(st.text(), each, max_size=3).map(FrozenDict)
        | st.frozensets(st.text(), max_size=1)
        | st.sets(st.integers(), max_size=1)
    ),
    max_leaves=5,
)


@given(plain_values)
def test_the_text_of_a_small_plain_value_is_its_repr(value):
    assert shown(value, 100_000) == repr(value)


@given(st.sets(st.text(), max_size=8))
def test_the_items_of_a_set_are_told_in_the_order_of_their_texts_which_is_the_same_in_each_process(words):
    assert shown(words, 100_000) == ("{" + ", ".join(sorted(map(repr, words))) + "}" if words else "set()")
    assert shown(frozenset(words), 100_000).count(", ") == ", ".join(map(repr, words)).count(", ")
    assert plain(frozenset(words)) == sorted(words, key=repr)


def test_an_error_is_told_with_its_class_and_its_message():
    class Refusal(Exception): ...

    assert shown_error(ValueError("bad row")) == "ValueError: bad row"
    assert shown_error(ValueError()) == "ValueError"
    assert shown_error(Refusal("no")).endswith(".Refusal: no")
    assert shown_error(Refusal("no")).startswith(__name__)


@pytest.mark.parametrize("value", ODD, ids=[str(number) for number in range(len(ODD))])
def test_whatever_a_value_is_there_is_plain_data_of_it(value):
    assert len(json.dumps(plain(value))) < 20_000


def test_of_a_group_the_errors_in_it_are_told():
    group = ExceptionGroup("two", [ExceptionGroup("one", [ValueError("a secret")]), KeyError("b")])
    assert shown_error(group) == "ExceptionGroup: two (2 sub-exceptions): ValueError: a secret; KeyError: 'b'"
    assert "secret" not in shown_error(group, hide={"secret"})
    assert len(shown_error(ExceptionGroup("many", [ValueError("x" * 1000)] * 50), 100)) <= 100

"""A counterexample is printed as code that can be pasted into a test."""

import datetime as dt
import re
import sys
from decimal import Decimal
from enum import Enum, Flag
from fractions import Fraction
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from attrs import field, frozen
from hypothesis import Phase, given, settings

from jido_trio.core import Action, Agent, Context, Instruction, Result
from jido_trio.testing import actions, agents, changes, commands, states
from jido_trio.testing._code import code_of
from jido_trio.testing._walk import Trial


@frozen
class Place:
    shelf: int = 0


@frozen
class Stock:
    count: int = 0
    places: tuple[Place, ...] = ()
    items: dict[str, tuple[int, ...]] = field(factory=dict)
    tags: frozenset[str] = frozenset()


class Take(Action):
    item: str
    count: int = 1

    def run(self, context: Context[Stock]) -> Result:
        return {"count": context.state.count - self.count}


class Store(Agent[Stock], routes={"take": Take}): ...


NAMES = {cls.__name__: cls for cls in (Place, Stock, Take, Store, Instruction)}
TOP = __name__.partition(".")[0]  # a class itself is shown with its module


@pytest.mark.parametrize(
    ("values", "is_rich"),
    [
        (agents(Store), lambda agent: agent.state.places and agent.state.items),
        (states(Stock), lambda state: state.places and state.tags),
        (actions(Take), lambda action: action.count),
        (changes(Stock), lambda change: change.get("places")),
        (commands(Take), lambda command: isinstance(command, list) and len(command) > 1),
        (commands(Take), lambda command: isinstance(command, Instruction) and command.context),
        (commands(Take), lambda command: isinstance(command, tuple) and len(command) == 3),
    ],
)
def test_what_was_generated_is_printed_as_code(values, is_rich):
    met: list[Any] = []

    @settings(database=None, phases=[Phase.generate], max_examples=1_000, derandomize=True, print_blob=False)
    @given(values)
    def law(value):
        if is_rich(value):
            met.append(value)
            raise AssertionError

    with pytest.raises(AssertionError) as caught:
        law()
    printed = "\n".join(caught.value.__notes__)
    code = printed[printed.index("law(") :]
    given_again = eval(code, {**NAMES, TOP: sys.modules[TOP], "law": lambda value: value})
    assert given_again == met[-1]


class May(Flag):
    READ = 1
    WRITE = 2


class Size(Enum):
    SMALL = "s"


class Mail(str):
    __slots__ = ()


class Position(NamedTuple):
    row: int
    column: int


class Pair(tuple[int, ...]):
    __slots__ = ()


class Hold(Action):
    value: Any

    def run(self, context: Context[Stock]) -> Result:
        return None


@pytest.mark.parametrize(
    "value",
    [
        May.READ,
        May.READ | May.WRITE,
        May(0),
        [Size.SMALL],
        Mail("it's"),
        Position(1, 2),
        Pair((1, 2)),
        Pair(),
        (Position(0, 0),),
        dt.datetime(2024, 2, 29, tzinfo=ZoneInfo("Asia/Tokyo")),
        dt.time(1, tzinfo=dt.UTC),
        dt.timedelta(1),
        ZoneInfo("UTC"),
        Decimal("1.50"),
        Fraction(1, 3),
        PurePosixPath("a"),
        UUID(int=1),
        IPv4Address("10.0.0.1"),
        re.compile("a+"),
        float("inf"),
    ],
    ids=repr,
)
def test_a_counterexample_of_the_check_makes_the_very_value(value):
    there: dict[str, Any] = {}
    exec(
        code_of(Trial(Store.new("a"), (Hold(value=value),))).replace("after, directives = agent.cmd", "told = "), there
    )
    assert there["told"] == Hold(value=value)
    assert type(there["told"].value) is type(Hold(value=value).value)


class Truth:
    def __bool__(self) -> bool:
        raise ValueError("which of its items?")


class Row:
    """An array: whether two are equal is a matter of each item."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]  # as numpy has it
        return Truth()

    def __repr__(self) -> str:
        return f"Row{self.numbers}"


@frozen(eq=False)
class Table:
    head: Row = Row(1, 2)  # noqa: RUF009 - nobody changes it
    rows: Row = field(factory=Row)


class Tables(Agent[Table], routes={"take": Take}): ...


@pytest.mark.parametrize(("changes", "code"), [({}, ""), ({"rows": Row(3)}, ", {'rows': Row(3,)}")])
def test_of_values_that_do_not_say_whether_they_are_equal_those_are_shown_that_are_told_otherwise(changes, code):
    made, agent = code_of(Trial(Tables.new("a", changes), ())), f"agent = Tables.new('a'{code})"
    assert made.splitlines()[-1] == agent

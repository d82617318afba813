"""States at any size: which of their containers grow, and what is found of a command that takes too long at them."""

import datetime as dt
import types
import uuid
from collections.abc import Collection
from fractions import Fraction
from pathlib import PurePath
from typing import Annotated, Any, Literal, NamedTuple, NewType, TypeVar

import pytest
from attrs import field, frozen, make_class

from jido_trio import Action, Agent, Context, Result
from jido_trio.testing import conformance
from jido_trio.testing._growth import grown_fields

UserId = NewType("UserId", str)
UserIds = NewType("UserIds", list[UserId])
T = TypeVar("T")


class Point(NamedTuple):
    x: int
    y: float


@frozen
class Book:
    of: UserId = UserId("ann")
    _entries: list[int] = field(factory=list)


@frozen
class Shelf:
    book: Book = Book()
    twice: int = 0


class ComparesAllEntries(Action):
    def run(self, context: Context[Shelf]) -> Result:
        entries, twice = context.state.book._entries, 0
        for one in entries:
            for other in entries:
                twice += one == other
        return {"twice": twice}


class Library(Agent[Shelf], routes={"compare": ComparesAllEntries}): ...


@pytest.mark.parametrize(
    "declared",
    [
        list,
        dict,
        frozenset,
        tuple,
        list[UserId],
        UserIds,
        dict[UserId, Point],
        tuple[Point, ...],
        Collection[Annotated[int, "cents"]],
        frozenset[uuid.UUID],
        list[dt.timedelta],
        list[dt.time],
        list[Fraction],
        list[PurePath],
        list[complex],
        list[T],  # type: ignore[valid-type]  # whatever it may stand for
        list[list],  # type: ignore[type-arg]  # as many write it
    ],
    ids=str,
)
def test_a_container_grows_whatever_stands_for_its_items(declared: Any) -> None:
    state: Any = make_class("State", {"held": field(type=declared)}, frozen=True)
    holder: type[Agent[Any]] = types.new_class("Holder", (Agent[state],))
    [(path, grow)] = grown_fields(holder)
    assert path == ("held",)
    assert [len(holder.new("h", {"held": grow(size)}).state.held) for size in (2, 70)] == [2, 70]


def test_a_container_in_a_value_of_the_state_grows_where_it_is() -> None:
    [(path, _)] = grown_fields(Library)
    assert path == ("book", "entries")


def test_a_square_in_a_value_of_the_state_is_found() -> None:
    [verdict] = conformance(Library, laws=["bounded"]).verdicts
    assert verdict.outcome == "broken"
    assert verdict.why.startswith("ComparesAllEntries goes through more lines than in proportion to book.entries: ")
    compile(verdict.code, "counterexample", "exec")


@frozen
class Notes:
    text: str = ""
    turns: tuple[str, ...] = ()
    number: int = 2


class SaysAllTwice(Action):
    def run(self, context: Context[Notes]) -> Result:
        return {"text": f"{context.state.text}|{context.state.text}"}


class Echoing(Agent[Notes], routes={"say": SaysAllTwice}): ...


class SaysAllSoFar(Action):
    def run(self, context: Context[Notes]) -> Result:
        return {"turns": (*context.state.turns, "".join(context.state.turns)[:100] + "all that was said")}


class Listing(Agent[Notes], routes={"say": SaysAllSoFar}): ...


def test_a_state_that_grows_by_itself_with_each_step_is_told_with_its_sizes():
    [verdict] = conformance(Echoing, laws=["bounded"], examples=5).verdicts
    assert verdict.outcome == "broken"
    assert verdict.why.startswith("the state grows by a part of itself with each SaysAllTwice: 320 ")
    assert verdict.why.endswith("characters after 16")
    assert verdict.code.count(".cmd(") == 10


def test_a_state_that_grows_by_as_much_with_each_step_is_bounded():
    [verdict] = conformance(Listing, laws=["bounded"], examples=5).verdicts
    assert verdict.outcome == "holds"


@pytest.mark.parametrize(
    ("declared", "of_two"),
    [
        pytest.param(tuple[bool, ...], [(True, False), (True, True), (False, False)], id="bools"),
        pytest.param(
            list[Literal["wall", "way"]], [["wall", "way"], ["wall", "wall"], ["way", "way"]], id="words of a few"
        ),
        pytest.param(dict[str, str], [{"k0": "k0", "k1": "k1"}, {"k0": "k1", "k1": "k2"}], id="names of names"),
        pytest.param(
            dict[UserId, tuple[UserId, ...]],
            [{"k0": ("k0",), "k1": ("k0",)}, {"k0": ("k1",), "k1": ("k2",)}],
            id="lists of names",
        ),
        pytest.param(dict[str, int], [{"k0": 0, "k1": 1}], id="numbers, of which no other leads on"),
    ],
)
def test_a_container_grows_of_items_that_are_all_the_same_or_lead_to_the_next_too(declared: Any, of_two: Any) -> None:
    state: Any = make_class("State", {"held": field(type=declared)}, frozen=True)
    holder: type[Agent[Any]] = types.new_class("Holder", (Agent[state],))
    assert [holder.new("h", {"held": grow(2)}).state.held for _, grow in grown_fields(holder)] == of_two

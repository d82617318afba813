"""Equal values may be other objects, and equal sets be in another order, even in one process: both are found."""

import enum
import types
from functools import reduce
from operator import add
from typing import Any

import pytest
from attrs import field, frozen, validators

from jido_trio import Action, Agent, Context, Result
from jido_trio.testing import conformance
from jido_trio.testing._hints import compared_constants
from jido_trio.testing._twins import EQUAL, twin_of, twins_of

REGULAR, MOST = "regular guest", 40_000


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


@frozen
class Till:
    weights: frozenset[float] = frozenset()
    total: float = 0.0
    kind: str = ""


class ComparesATextByItsObject(Action):
    kind: str

    def run(self, context: Context[Till]) -> Result:
        return {"kind": self.kind, "total": 1.0 if self.kind is REGULAR else 0.0}


class ComparesANumberByItsObject(Action):
    count: int

    def run(self, context: Context[Till]) -> Result:
        return {"total": 1.0 if self.count is MOST else 0.0}


class AddsFloatsInTheOrderOfTheirSet(Action):
    weight: float = field(validator=[validators.ge(0), validators.le(1)])

    def run(self, context: Context[Till]) -> Result:
        weights = context.state.weights | {self.weight}
        return {"weights": weights, "total": reduce(add, weights)}  # `sum` has made up for it since Python 3.12


class TakesTheFirstOfASetOfNumbers(Action):
    numbers: frozenset[int] = field(validator=validators.deep_iterable([validators.ge(0), validators.le(40)]))

    def run(self, context: Context[Till]) -> Result:
        return {"total": float(next(iter(self.numbers), 0))}


class ComparesMembersAndTakesTheLeast(Action):
    level: Level
    numbers: frozenset[int]

    def run(self, context: Context[Till]) -> Result:
        return {"total": float(min(self.numbers, default=0) % 1000) if self.level is Level.LOW else 0.0}


class Text(Agent[Till], routes={"go": ComparesATextByItsObject}): ...


class Number(Agent[Till], routes={"go": ComparesANumberByItsObject}): ...


class Sum(Agent[Till], routes={"go": AddsFloatsInTheOrderOfTheirSet}): ...


class First(Agent[Till], routes={"go": TakesTheFirstOfASetOfNumbers}): ...


class Least(Agent[Till], routes={"go": ComparesMembersAndTakesTheLeast}): ...


KIN = "where texts and numbers are the very constants that the code names: "
TURNED = "of an equal agent, whose sets were filled the other way round: "


@pytest.mark.parametrize(("cls", "words"), [(Text, KIN), (Number, KIN), (Sum, TURNED), (First, TURNED)])
def test_what_follows_from_which_object_it_is_or_how_a_set_was_filled_is_found(cls, words):
    [verdict] = conformance(cls, laws=["deterministic"], examples=50).verdicts
    assert verdict.outcome == "broken"
    assert verdict.why.startswith(words)


def test_who_compares_members_of_an_enum_and_takes_the_least_of_a_set_is_left_alone():
    assert conformance(Least, laws=["deterministic"], examples=50).holds


def test_a_twin_has_equal_sets_that_were_filled_the_other_way_round():
    numbers = frozenset([0, 8])
    twin = twin_of((numbers, {"of": numbers}))
    assert twin == (numbers, {"of": numbers})
    assert [list(one) for one in (numbers, twin[0], twin[1]["of"])] == [[0, 8], [8, 0], [8, 0]]


def test_without_sets_and_constants_there_is_one_twin_and_of_what_can_not_be_copied_none():
    assert [twin.words for twin in twins_of("a", "b", sets=False)] == [EQUAL]
    assert twins_of("a", lambda: None, sets=True) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("    return value is WORD", {"word"}),
        ("    return [one is WORD for one in value]", {"word"}),
        ("    return 1 if value is None else WORD", set()),
        ("    return value == WORD", set()),
    ],
)
def test_constants_are_those_of_a_module_that_compares_by_the_object(body: str, found: set[Any]) -> None:
    module = types.ModuleType("spoken")
    module.__file__ = "spoken.py"
    exec(compile(f"WORD = 'word'\ndef asked(value):\n{body}\n", "spoken.py", "exec"), vars(module))
    assert {one for one in compared_constants(module) if one == "word"} == found

"""Values that the code of a class speaks of: where it is looked for them, and who is told which."""

import functools
from typing import Any
from xml.etree.ElementTree import fromstring

import attrs
import pytest
from attrs import field, frozen
from hypothesis import find, settings

from jido_trio import Action, Agent, Context, Result
from jido_trio.testing import actions, conformance
from jido_trio.testing._code import code_of
from jido_trio.testing._hints import hints_of
from jido_trio.testing._walk import Trial
from jido_trio.world import seeded

FEW = settings(max_examples=300, database=None)


def _short(text: str) -> str:
    return "" if text == "converted away" else text


def _is_polite(_: object, __: object, text: str) -> None:
    if text == "impolite":
        raise ValueError(text)


@frozen(slots=False)
class Said:
    text: str = field(default="", converter=_short, validator=[attrs.validators.max_len(20), _is_polite])
    share: float = 0.0

    @functools.cached_property
    def loud(self) -> bool:
        return self.text == "HELLO"

    @property
    def half(self) -> float:
        return self.share / 2


def _greet(text: str) -> str:
    return "hello" if text == "greet me" else text


@functools.lru_cache
def _remembered(text: str) -> str:
    return {"remember": "me"}.get(text, text)


def _twice(text: str, *, unless: str) -> str:
    return text if text in (unless, "never twice") else text * 2


_HOW = {"greet": _greet}
_TWICE = functools.partial(_twice, unless="")


class Say(Action):
    text: str

    def run(self, context: Context[Said]) -> Result:
        return {"text": _TWICE(_remembered(_HOW["greet"](self.text)))}


class Divide(Action):
    whole: int
    by: int = field(validator=attrs.validators.gt(0))

    def run(self, context: Context[Said]) -> Result:
        return {"share": self.whole / self.by}


@frozen
class Spelt:
    text: str = ""


class Spell(Action):
    letter: int

    def run(self, context: Context[Spelt]) -> Result:
        return {"text": chr(self.letter)}


@frozen
class Settings:
    values: dict[str, str] = field(factory=dict)


class Load(Action):
    line: str

    def run(self, context: Context[Settings]) -> Result:
        if "=" not in self.line:
            return None
        key, value = self.line.split("=")
        return {"values": {key: value}}


class Loader(Agent[Settings], routes={"load": Load}): ...


class Speaker(Agent[Said], routes={"say": Say, "divide": Divide}): ...


@pytest.mark.parametrize(
    ("cls", "spoken"),
    [
        pytest.param(Said, "converted away", id="a converter"),
        pytest.param(Said, "impolite", id="one validator of several"),
        pytest.param(Said, "HELLO", id="a cached property"),
        pytest.param(Say, "greet me", id="a table of functions"),
        pytest.param(Say, "remember", id="a function that remembers"),
        pytest.param(Say, "never twice", id="a part of a function"),
    ],
)
def test_what_code_speaks_of_is_found_wherever_the_code_stands(cls: Any, spoken: str) -> None:
    assert spoken in hints_of(cls)


def test_where_code_makes_a_letter_of_a_number_half_of_a_pair_is_tried_and_what_is_none() -> None:
    assert {0xD800, 0x110000} < set(hints_of(Spell))


def test_an_action_that_divides_is_not_accused_of_numbers_without_a_float() -> None:
    [verdict] = conformance(Speaker, laws=["total"], examples=20).verdicts
    assert verdict.outcome == "holds"


def test_a_text_has_what_the_code_looks_for_in_it_more_than_once() -> None:
    [verdict] = conformance(Loader, laws=["total"], examples=50).verdicts
    assert verdict.why.startswith("ValueError: too many values to unpack")


class LoadAll(Action):
    lines: str

    def run(self, context: Context[Any]) -> Result:
        return {"values": dict(line.split("=") for line in self.lines.split("\t"))}


def test_the_first_text_of_a_comprehension_is_spoken_of_for_it_has_no_docstring() -> None:
    assert {"=", "\t"} <= set(hints_of(LoadAll))


def test_a_tab_stands_between_the_cells_of_a_row() -> None:
    found = find(actions(LoadAll), lambda load: load.lines.count("\t") == 3, settings=FEW, random=seeded(0).random)
    assert found.lines.strip("\t") == ""


class Find(Action):
    xml: str

    def run(self, context: Context[Any]) -> Result:
        return {"text": fromstring(self.xml).findtext("title", "")}


def test_what_a_parser_reads_and_few_expect_is_tried() -> None:
    assert "<a/>" in hints_of(Find)


def _is_an_address(_: object, __: object, text: str) -> None:
    if "@" not in text:
        raise ValueError(text)


class Write(Action):
    to: str = field(validator=_is_an_address)
    brackets: str = "("

    def run(self, context: Context[Said]) -> Result:
        return {"text": "(" if self.brackets.count("(") > 1000 else ""}


def test_texts_are_made_until_one_passes_a_validator_of_which_nothing_is_known():
    made: list[bool] = []

    def is_two(write: Write) -> bool:
        made.append("@" in write.to)
        return write.to.count("@") > 1

    found = find(actions(Write), is_two, settings=settings(max_examples=300, database=None), random=seeded(0).random)
    assert found.to.count("@") == 2
    assert all(made)


def test_what_divides_or_nests_is_tried_many_times_in_a_row_and_shown_by_how_often():
    found = find(
        actions(Write),
        lambda write: write.brackets.count("(") > 1000,
        settings=settings(max_examples=300, database=None),
        random=seeded(0).random,
    )
    assert "brackets='(' * 1001" in code_of(Trial(Speaker.new("a"), (found,)))


class Dated(Action):
    day: int

    def run(self, context: Context[Any]) -> Result:
        return {"day": self.day}


def test_what_python_makes_for_annotations_speaks_of_nothing():
    assert hints_of(Dated) == ("day",)

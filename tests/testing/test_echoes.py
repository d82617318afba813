"""Echoes: steps that name again what was named before, so that code about it is met."""

from typing import Any

import attrs
from attrs import field, frozen
from hypothesis import strategies as st

from jido_trio import Action, ActionError, Agent, Context, Result, Signal
from jido_trio.testing import actions
from jido_trio.testing._echoes import echoed, marks


@frozen
class Shelf:
    books: dict[str, int] = field(factory=dict)
    place: str = ""


class Put(Action):
    title: str
    pages: int = field(default=1, validator=attrs.validators.ge(1))

    def run(self, context: Context[Shelf]) -> Result:
        return {"books": {self.title: self.pages}}


class Take(Action):
    title: str = field(validator=attrs.validators.max_len(5))

    def run(self, context: Context[Shelf]) -> Result:
        if self.title not in context.state.books:
            raise ActionError("it isn't there")
        return None


class Turn(Action):
    page: int

    def run(self, context: Context[Shelf]) -> Result:
        return None


class Library(Agent[Shelf], routes={"put": Put, "take": Take}): ...


NEW = Library.new("a")
ONE, ALL = 0b10, 0b01


def marked(*each: int) -> int:
    return sum(how << 2 * at for at, how in enumerate(each))


def test_a_step_names_what_the_one_before_it_named():
    told = echoed(NEW, [Put(title="tea"), Take(title="x")], marked(0, ONE), {})
    assert told == (Put(title="tea"), Take(title="tea"))


def test_one_thing_is_named_again_or_all_are():
    steps = [Put(title="tea", pages=3), Put(title="x", pages=9)]
    assert echoed(NEW, steps, marked(0, ONE), {})[1] == Put(title="tea", pages=9)
    assert echoed(NEW, steps, marked(0, ALL), {})[1] == Put(title="tea", pages=3)


def test_the_first_step_names_what_the_state_holds():
    library = Library.new("a", {"books": {"tea": 1}, "place": "x"})
    assert echoed(library, [Take(title="x")], ONE, {}) == (Take(title="tea"),)


def test_a_number_is_named_again_only_under_its_name():
    library = Library.new("a", {"books": {"tea": 7}})
    assert echoed(library, [Turn(page=3), Put(title="x", pages=3)], marked(ALL, ALL), {})[0] == Turn(page=3)
    assert echoed(library, [Turn(page=3), Turn(page=4)], marked(0, ALL), {})[1] == Turn(page=3)


def test_classes_with_parameters_and_signals_name_things_again_too():
    told = echoed(NEW, [(Put, {"title": "tea"}), Signal("take", {"title": "x"})], marked(0, ONE), {})
    assert isinstance(told[1], Signal)
    assert told[1].data == {"title": "tea"}
    assert echoed(NEW, [Put(title="tea"), (Take, {"title": "x"})], marked(0, ONE), {})[1] == (Take, {"title": "tea"})


def test_what_would_not_fit_is_left_as_it_is():
    steps: list[Any] = [Put(title="too long"), (Take, {"title": "x"})]
    assert echoed(NEW, steps, marked(0, ONE), {}) == tuple(steps)
    assert echoed(NEW, [steps[0], Take(title="x")], marked(0, ONE), {})[1] == Take(title="x")


def test_what_somebody_generates_otherwise_is_left_as_it_is():
    steps = [Put(title="tea"), Take(title="x")]
    for key in Take, (Take, "title"), str:
        assert echoed(NEW, steps, marked(0, ONE), {key: actions(Take)})[1] == steps[1]
    assert echoed(NEW, steps, marked(0, ONE), {(Put, "pages"): st.just(1)})[1] == Take(title="tea")


def test_nothing_is_named_again_where_nothing_is_marked():
    steps = (Put(title="tea"), Take(title="x"))
    assert echoed(NEW, steps, 0, {}) == steps
    assert repr(marks(NEW, steps[:1], {})) == "just(0)"
    assert repr(marks(NEW, steps, {})) == "sampled_from((0, 10))"

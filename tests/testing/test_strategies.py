"""Strategies: what they make fits types and validators, and what a user overrides is taken instead."""

import re
from typing import Any, Literal

import pytest
import trio
import trio.testing
from attrs import evolve, field, frozen, validators
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from jido_trio import Action, ActionError, Agent, Context, Result, Signal
from jido_trio.errors import InvalidDefinition, RestartIntensityExceeded
from jido_trio.supervision import forecast, open_supervisor
from jido_trio.testing import (
    Tree,
    actions,
    agent_after,
    agents,
    command_sequences,
    conformance,
    crash_scripts,
    signals,
    states,
    trees,
)
from jido_trio.testing._hints import hints_of
from jido_trio.world import seeded

FEW = settings(max_examples=25, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@frozen
class Line:
    code: str = field(default="A-1", validator=validators.matches_re(r"[A-F]-[0-9]"))
    count: int = field(default=4, validator=[validators.gt(3), validators.lt(6)])
    share: float = field(default=0.5, validator=[validators.gt(0), validators.le(0.5)])
    size: str = field(default="m", validator=validators.in_(["s", "m", "l"]))
    note: str | None = field(default=None, validator=validators.optional(validators.min_len(7)))
    tags: tuple[str, ...] = field(
        default=("t",),
        validator=validators.deep_iterable(validators.in_(["t", "u"]), validators.min_len(1)),
    )
    stock: dict[str, int] = field(
        factory=dict, validator=validators.deep_mapping(validators.min_len(5), validators.ge(10**6))
    )


@FEW
@given(states(Line))
def test_values_are_made_within_what_validators_say_however_narrow(line: Line) -> None:
    assert line.count in (4, 5)
    assert 0 < line.share <= 0.5
    assert line.size in ("s", "m", "l")
    assert line.note is None or len(line.note) >= 7
    assert set(line.tags) <= {"t", "u"}
    assert all(len(name) >= 5 and number >= 10**6 for name, number in line.stock.items())
    assert re.fullmatch("[A-F]-[0-9]", line.code)


@frozen
class Till:
    cents: int = 0
    line: Line = field(factory=Line)


class Pay(Action):
    cents: int = field(validator=validators.ge(1))
    how: Literal["cash", "card"] = "cash"

    def run(self, context: Context[Till]) -> Result:
        if self.cents > 10**6:
            raise ActionError("too much")
        return {"cents": context.state.cents + self.cents}


class Break(Action):
    def run(self, context: Context[Till]) -> Result:
        raise RuntimeError("a bug")


class Shop(Agent[Till], routes={"pay": Pay, "break.*": Break}): ...


class Needy(Agent[Line], routes={}):
    """It has no routes."""


@FEW
@given(actions(Pay, overrides={(Pay, "cents"): st.just(7)}), agents(Shop, overrides={Line: st.just(Line(count=5))}))
def test_a_field_and_a_class_below_another_can_be_overridden(pay: Pay, shop: Shop) -> None:
    assert pay.cents == 7
    assert shop.state.line == Line(count=5)


@FEW
@given(agents(Shop, reachable=True))
def test_a_reachable_agent_is_in_a_state_that_commands_lead_to(shop: Shop) -> None:
    assert shop.state.cents >= 0
    assert shop.state.line == Line()


def test_commands_lead_away_from_the_beginning() -> None:
    found = find(agents(Shop, reachable=True), lambda shop: shop.state.cents > 1, settings=FEW)
    assert found.state.cents == 2


def test_what_raises_leaves_an_agent_as_it_was() -> None:
    after = agent_after(Shop.new("s"), [Pay(cents=1), Break(), Signal("pay", {"cents": 2}), Signal("nobody.knows")])
    assert after.state.cents == 3


@FEW
@given(signals(Shop, overrides={(Pay, "cents"): st.integers(1, 3)}))
def test_signals_are_such_as_the_routes_know(signal: Signal) -> None:
    assert signal.type in ("pay", "break.some")
    if signal.type == "pay":
        assert signal.data["cents"] in (1, 2, 3)


@FEW
@given(command_sequences(Shop, max_size=3))
def test_a_sequence_of_commands_is_as_long_as_it_may_be(steps: tuple[Any, ...]) -> None:
    assert len(steps) <= 3
    assert all(isinstance(step, Action | Signal | tuple) for step in steps)


def test_overrides_reach_the_laws() -> None:
    assert conformance(Shop, laws=["total"], examples=10, overrides={Break: st.nothing()}).holds


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        ({"Pay": st.just(1)}, "is neither a class nor"),
        ({(Pay, "cent"): st.just(1)}, "did you mean 'cents'"),
        ({(int, "real"): st.just(1)}, "is of no field"),
        ({Pay: 3}, "must be a Hypothesis strategy, not 3"),
    ],
)
def test_an_override_of_what_there_is_not_is_refused(overrides: Any, why: str) -> None:
    with pytest.raises(InvalidDefinition, match=why):
        actions(Pay, overrides=overrides)


def test_an_agent_without_routes_knows_no_signal() -> None:
    with pytest.raises(InvalidDefinition, match="has no routes"):
        signals(Needy)


@FEW
@given(trees())
def test_a_tree_can_be_forecast_and_opened(tree: Tree) -> None:
    async def lives() -> None:
        async with open_supervisor(tree.children, **tree.flags):
            await trio.sleep(1)

    assert forecast(tree.children, {}, **tree.flags, seconds=5).survives
    trio.run(lives, clock=trio.testing.MockClock(autojump_threshold=0))


@FEW
@given(st.data())
def test_a_crash_script_is_of_the_children_of_its_tree(data: st.DataObject) -> None:
    tree = data.draw(trees())
    script = data.draw(crash_scripts(tree))
    assert set(script) <= set(tree.paths)
    told = forecast(tree.children, script, **tree.flags, seconds=10)
    assert told.starts.keys() >= script.keys() or not told.survives


def test_some_script_makes_a_tree_give_up_and_the_real_one_does_too() -> None:
    """The smallest tree and script that give up, found by the forecast, and then played."""
    tree, script = find(
        trees().flatmap(lambda tree: st.tuples(st.just(tree), crash_scripts(tree))),
        lambda found: forecast(found[0].children, found[1], **found[0].flags).gave_up is not None,
        settings=settings(FEW, max_examples=300),
    )

    async def crash() -> None:
        raise ValueError("at once")

    async def lives() -> None:
        children = [evolve(child, fn=crash, args=()) for child in tree.children]
        async with open_supervisor(children, **tree.flags):
            await trio.sleep(10)

    assert len(tree.children) == 1
    assert len(script) == 1
    with pytest.raises(RestartIntensityExceeded):
        trio.run(lives, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_tree_of_no_children_is_refused() -> None:
    with pytest.raises(InvalidDefinition, match="max_children=0"):
        trees(max_children=0)
    with pytest.raises(InvalidDefinition, match="has no child that could fail"):
        crash_scripts([])
    with pytest.raises(InvalidDefinition, match=r"must be 0\.25 or more"):
        crash_scripts(find(trees(), lambda _: True, settings=FEW), seconds=0)


def test_texts_are_tried_that_only_look_like_what_the_code_asks_for():
    class Reads(Action):
        text: str

        def run(self, context: Context[Any]) -> Result:
            return {"count": int(self.text) if self.text.isdigit() else 0}

    assert "\N{SUPERSCRIPT TWO}" in hints_of(Reads)


MANY = settings(FEW, max_examples=300)


@frozen
class Shelf:
    version: str = field(default="1", validator=validators.matches_re(r"[\d.]+"))
    places: tuple[str, ...] = field(default=(), validator=validators.max_len(9))
    label: str = field(default="", validator=validators.max_len(12))
    euros: float = field(default=0.0, validator=[validators.ge(0), validators.le(50)])


@pytest.mark.parametrize(
    "is_so",
    [
        pytest.param(lambda shelf: ".." in shelf.version, id="marks of a pattern stand side by side"),
        pytest.param(lambda shelf: len(shelf.places) == 9, id="a list is as long as it may be"),
        pytest.param(lambda shelf: len(shelf.label) == 12 < len(shelf.label.upper()), id="a text is, in odd letters"),
        pytest.param(lambda shelf: int(shelf.euros * 100) != round(shelf.euros * 100), id="hundredths have no half"),
    ],
)
def test_values_are_made_that_only_just_fit(is_so: Any) -> None:
    assert is_so(find(states(Shelf), is_so, settings=MANY, random=seeded(0).random))


def test_a_text_that_is_spoken_of_is_tried_where_it_matches_a_pattern():
    class Guess(Action):
        word: str = field(validator=validators.matches_re("[a-z]{5}"))

        def run(self, context: Context[Any]) -> Result:
            return {"won": self.word == "crane"}

    found = find(actions(Guess), lambda guess: guess.word == "crane", settings=MANY, random=seeded(0).random)
    assert found == Guess(word="crane")


@frozen
class Chapter:
    sections: tuple["Chapter", ...] = field(default=(), validator=validators.max_len(8))


def test_a_list_of_values_of_its_own_class_is_made_as_long_as_it_may_be():
    whole = find(states(Chapter), lambda chapter: len(chapter.sections) == 8, settings=MANY, random=seeded(0).random)
    assert whole == Chapter((Chapter(),) * 8)

"""A journal folded over `receive`: replay, steps, what-if, and the differences between two values."""

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import Action, ActionError, Agent, Context, Emit, Instruction, Result, Route, Signal
from jido_trio.core import ABSENT, Difference, Divergence, Entry, Heard, Learnt, diff, mark_of, replay, steps, what_if
from jido_trio.data import freeze
from jido_trio.errors import InvalidDefinition, ReplayDiverged


@frozen
class Cart:
    total: int = 0
    items: tuple[str, ...] = ()


class AddItem(Action):
    name_: str
    price: int

    def run(self, context: Context[Cart]) -> Result:
        cart = context.state
        if self.price > 1000:
            raise ActionError("too dear")
        return {"total": cart.total + self.price, "items": (*cart.items, self.name_)}, [Emit("cart.changed")]


class Clear(Action):
    def run(self, _context: Context[Cart]) -> Result:
        return {"total": 0, "items": ()}


ROUTES = [Route("add", AddItem), Route("clear", Clear)]


class CartAgent(Agent[Cart], routes=ROUTES): ...


class AddTaxed(AddItem):
    def run(self, context: Context[Cart]) -> Result:
        tax = 1 if self.price > 10 else 0
        return {"total": context.state.total + self.price + tax, "items": (*context.state.items, self.name_)}, [
            Emit("cart.changed")
        ]


class TaxedCart(Agent[Cart], routes=[Route("add", AddTaxed), Route("clear", Clear)]): ...


class QuietAdd(AddItem):
    def run(self, context: Context[Cart]) -> Result:
        return {"total": context.state.total + self.price, "items": (*context.state.items, self.name_)}


class QuietCart(Agent[Cart], routes=[Route("add", QuietAdd), Route("clear", Clear)]): ...


def add(name: str, price: int) -> Heard:
    return Heard(Signal("add", {"name_": name, "price": price}))


def written(begin, inputs) -> list[Entry]:
    """Write the journal of `inputs`."""
    entries = []
    agent = begin
    for number, each in enumerate(inputs, start=1):
        agent, _ = each.apply(agent)
        entries.append(Entry(number, each, mark_of(agent)))
    return entries


BEGIN = CartAgent.new("cart")
INPUTS = [
    add("tea", 3),
    add("pot", 20),
    Heard(Signal("unknown")),
    add("gold", 5000),
    Heard(Signal("clear")),
    add("cup", 5),
]
JOURNAL = written(BEGIN, INPUTS)


def test_a_replay_comes_to_the_state_of_the_last_input():
    assert replay(BEGIN, JOURNAL).state == Cart(5, ("cup",))


@pytest.mark.parametrize(("upto", "total"), [(0, 0), (1, 3), (2, 23), (3, 23), (4, 23), (5, 0), (6, 5)])
def test_a_replay_can_end_at_any_input(upto, total):
    assert replay(BEGIN, JOURNAL, upto=upto).state.total == total


@given(st.lists(st.tuples(st.sampled_from(["add", "clear", "nothing"]), st.integers(0, 2000))), st.data())
def test_every_prefix_of_every_journal_comes_to_its_recorded_state(signals, data):
    inputs = [add("x", price) if kind == "add" else Heard(Signal(kind)) for kind, price in signals]
    journal = written(BEGIN, inputs)
    upto = data.draw(st.integers(0, len(journal)))
    agent = replay(BEGIN, journal, upto=upto)
    assert mark_of(agent) == (journal[upto - 1].mark if upto else mark_of(BEGIN))


def test_a_replay_goes_on_from_a_snapshot():
    snapshot = replay(BEGIN, JOURNAL, upto=3)
    assert replay(snapshot, JOURNAL[3:]) == replay(BEGIN, JOURNAL)


def test_an_outcome_is_an_input():
    learnt = Learnt(Signal("ask"), Instruction(AddItem, {"name_": "tea", "price": 3}))
    assert replay(BEGIN, written(BEGIN, [learnt])).state.total == 3


def test_the_steps_give_what_was_to_be_done():
    done = [(entry.number, agent.state.total, len(directives)) for entry, agent, directives in steps(BEGIN, JOURNAL)]
    assert done == [(1, 3, 1), (2, 23, 1), (3, 23, 0), (4, 23, 1), (5, 0, 0), (6, 5, 1)]


def test_a_replay_by_other_code_tells_at_which_input_it_differs():
    with pytest.raises(ReplayDiverged, match=r"agent 'cart' differs from its journal at input 2: .*total: 3 -> 24"):
        replay(TaxedCart.new("cart"), JOURNAL)


def test_a_replay_that_raises_tells_at_which_input():
    class Broken(AddItem):
        def run(self, context: Context[Cart]) -> Result:
            raise ZeroDivisionError

    class BrokenAgent(Agent[Cart], routes=[Route("add", Broken)]): ...

    with pytest.raises(ReplayDiverged, match="at input 1: ZeroDivisionError"):
        replay(BrokenAgent.new("cart"), JOURNAL)


def test_marks_are_equal_for_equal_states_only():
    assert mark_of(BEGIN) == mark_of(CartAgent.new("another"))
    assert mark_of(BEGIN) != mark_of(BEGIN.set({"total": 1}))


def test_the_state_of_the_strategy_counts_for_the_mark():
    assert mark_of(BEGIN) != mark_of(evolve(BEGIN, strategy_state=freeze({"turn": 1})))


# What if


def test_the_same_again_differs_nowhere():
    what = what_if(BEGIN, JOURNAL)
    assert (what.first, what.diverged, what.inputs) == (None, 0, 6)
    assert what.agent is not None
    assert what.agent.state == Cart(5, ("cup",))


def test_another_class_differs_first_where_its_state_does():
    what = what_if(BEGIN, JOURNAL, instead=TaxedCart)
    assert what.first == Divergence(2, "state", (Difference("total", 23, 24),))
    assert what.diverged == 4 - 1


def test_another_class_differs_where_it_wants_something_else_done():
    what = what_if(BEGIN, JOURNAL, instead=QuietCart)
    assert what.first is not None
    assert (what.first.number, what.first.why) == (1, "directives")


def test_a_class_that_does_the_same_differs_nowhere():
    class Renamed(Agent[Cart], routes=ROUTES): ...

    assert what_if(BEGIN, JOURNAL, instead=Renamed).first is None


def test_another_state_class_is_migrated_to():
    @frozen
    class Cart2:
        total: int = 0
        items: tuple[str, ...] = ()
        discount: int = 0

    class Cart2Agent(Agent[Cart2], routes=ROUTES): ...

    what = what_if(BEGIN, JOURNAL, instead=Cart2Agent, migrate=lambda fields: {**fields, "discount": 0})
    assert what.first is not None
    assert what.first.differences == (Difference("discount", ABSENT, 0),)


def test_an_input_can_be_left_out():
    what = what_if(BEGIN, JOURNAL, change={1: None})
    assert what.first is not None
    assert what.first.number == 1
    assert [difference.path for difference in what.first.differences] == ["total", "items[0]"]
    assert what.agent is not None
    assert what.agent.state == Cart(5, ("cup",))


def test_an_input_can_be_another():
    what = what_if(BEGIN, JOURNAL, change=lambda entry: add("tea", 4) if entry.number == 1 else entry.input)
    assert what.first == Divergence(1, "state", (Difference("total", 3, 4),))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({1: "tea"}, "change='tea' of what_if stands for input 1, and must be an input"),
        (lambda entry: entry, r"change=Entry\(.* stands for input 1, and must be an input, as `entry.input`"),
        (3, "change=3 of what_if must be a mapping by the numbers of inputs, or a function"),
    ],
)
def test_a_change_that_gives_no_input_is_refused(change, says):
    with pytest.raises(InvalidDefinition, match=says):
        what_if(BEGIN, JOURNAL, change=change)


def test_a_changed_fold_that_raises_ends_there():
    class Broken(AddItem):
        def run(self, context: Context[Cart]) -> Result:
            if self.price == 20:
                raise ZeroDivisionError
            return super().run(context)

    class BrokenAgent(Agent[Cart], routes=[Route("add", Broken)]): ...

    what = what_if(BEGIN, JOURNAL, instead=BrokenAgent)
    assert (what.agent, what.inputs) == (None, 2)
    assert str(what.first) == "input 2: ZeroDivisionError"


def failing_with(error: type[Exception]) -> type[Agent[Cart]]:
    """Return an agent that has this bug."""

    class Broken(AddItem):
        def run(self, context: Context[Cart]) -> Result:
            raise error

    class BrokenAgent(Agent[Cart], routes=[Route("add", Broken)]): ...

    return BrokenAgent


@pytest.mark.parametrize(
    ("instead", "told"), [(ZeroDivisionError, "None"), (ValueError, "input 1: ValueError")], ids=["the same", "another"]
)
def test_where_both_raise_it_matters_what(instead, told):
    begin = failing_with(ZeroDivisionError).new("cart")
    assert str(what_if(begin, JOURNAL[:1], instead=failing_with(instead)).first) == told


class Fetch(Action):
    url: str

    async def run(self, context: Context[Cart]) -> Result:
        return None


class Fetcher(Agent[Cart], routes=[Route("fetch", Fetch)]): ...


def test_ids_are_no_difference():
    begin = Fetcher.new("fetcher")
    journal = written(begin, [Heard(Signal("fetch", {"url": "x"}))])
    again = what_if(begin, journal, change=lambda _: Heard(Signal("fetch", {"url": "x"})))
    assert again.first is None
    assert what_if(begin, journal, change=lambda _: Heard(Signal("fetch", {"url": "y"}))).first is not None


# Differences


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (1, 1, []),
        (1, 2, ["value: 1 -> 2"]),
        (1, True, ["value: 1 -> True"]),
        (Cart(1), Cart(2), ["total: 1 -> 2"]),
        (Cart(items=("a",)), Cart(items=("a", "b")), ["items[1]: <absent> -> 'b'"]),
        (
            freeze({"a": {"b": 1}}),
            freeze({"a": {"b": 2, "c": 3}}),
            ["['a']['b']: 1 -> 2", "['a']['c']: <absent> -> 3"],
        ),
        (freeze([1, 2]), freeze([1]), ["[1]: 2 -> <absent>"]),
        (freeze({}), freeze({"a": "<absent>"}), ["['a']: <absent> -> '<absent>'"]),
        (freeze([1]), (1,), ["value: [1] -> (1,)"]),
        (float("nan"), float("nan"), []),
    ],
)
def test_differences_name_their_place(before, after, told):
    assert [str(difference) for difference in diff(before, after)] == told


def test_a_value_differs_nowhere_from_itself_evolved_by_nothing():
    assert diff(JOURNAL[0], evolve(JOURNAL[0])) == ()

"""Agents: declared, made, changed by hand, and what signals become."""

import inspect
import re
from typing import Any, Generic, TypeVar

import attrs
import pytest
from attrs import field, frozen
from attrs.exceptions import FrozenInstanceError

from jido_trio import world
from jido_trio.core import Action, Agent, Context, Instruction, NoState, Result, Route, Signal
from jido_trio.errors import InvalidDefinition


@frozen
class Owner:
    name: str = "nobody"
    tags: list[str] = field(factory=list)


@frozen
class CounterState:
    count: int = 0
    owner: Owner = Owner()
    history: dict[str, int] = field(factory=dict)


class Increment(Action):
    amount: int = 1

    def run(self, context: Context[CounterState]) -> Result:
        return {"count": context.state.count + self.amount}


class Abstract(Action): ...


class CounterAgent(
    Agent[CounterState],
    name="counter",
    description="Counts",
    tags=["numbers"],
    routes={
        "increment": Increment,
        "twice": [Increment, (Increment, {"amount": 2})],
        "ten": Increment(amount=10),
        "audit.**": Route("audit.**", Increment).target,
    },
): ...


def test_metadata_is_read_from_the_class():
    assert (CounterAgent.name, CounterAgent.description, CounterAgent.tags) == ("counter", "Counts", ("numbers",))


def test_a_new_agent_has_the_defaults():
    assert CounterAgent.new().state == CounterState()


def test_a_new_agent_has_a_fresh_id_from_the_world():
    with world.using(world.seeded(1)):
        ids = [CounterAgent.new().id, CounterAgent.new(None).id]
    with world.using(world.seeded(1)):
        assert [CounterAgent.new().id, CounterAgent.new().id] == ids
    assert ids[0] != ids[1]


def test_a_given_id_becomes_text():
    assert CounterAgent.new(7).id == "7"
    assert CounterAgent.new(0).id == "0"


class Shop(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "a shop"


@pytest.mark.parametrize("id", [" ", "a\nb", "a\0b", "x" * 100_000, "\ud800", "ä/ö"], ids=ascii)
def test_a_text_is_the_id_as_it_is(id):
    assert CounterAgent.new(id).id == id


def test_a_text_of_another_class_is_the_text_that_it_holds():
    id = CounterAgent.new(Shop("berlin")).id
    assert (id, type(id)) == ("berlin", str)


class Silent:
    def __str__(self) -> str:
        return ""


class Unsayable:
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("id", "told"),
    [
        ("", "id='' of agent 'counter' is empty: give a text, or None for a fresh id"),
        (Silent(), "is empty"),
        (b"", r"id=b'' of agent 'counter' must be a text: decode it"),
        (bytearray(b"a"), "decode it"),
        (Unsayable(), "can't be made into a text: ValueError: no text"),
    ],
)
def test_what_says_nothing_is_no_id(id, told):
    with pytest.raises(InvalidDefinition, match=told) as refused:
        CounterAgent.new(id)
    assert refused.value.field == "id"


def test_a_given_state_goes_over_the_defaults():
    assert CounterAgent.new(state={"count": 3}).state == CounterState(3)
    assert CounterAgent.new(state=CounterState(4)).state == CounterState(4)
    assert CounterAgent.new(state={"owner": {"name": "ann"}}).state.owner == Owner("ann")


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ({"count": "x"}, "expected int, got 'x' @ count"),
        ({"coutn": 1}, "did you mean 'count'"),
        (CounterState("x"), "expected int, got 'x' @ count"),  # type: ignore[arg-type]  # the very mistake
        (5, "expected CounterState or a mapping"),
        ({"owner": {"tags": [1]}}, r"expected str, got 1 @ owner.tags\[0\]"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(state, problem):
    with pytest.raises(InvalidDefinition, match=problem):
        CounterAgent.new(state=state)


def test_an_agent_cannot_be_changed_anywhere():
    agent = CounterAgent.new(state=CounterState(owner=Owner("ann", ["x"]), history={"a": 1}))
    with pytest.raises(FrozenInstanceError):
        agent.id = "other"  # type: ignore[misc]  # the very mistake
    with pytest.raises(FrozenInstanceError):
        agent.unknown = 1  # type: ignore[attr-defined]  # the very mistake
    with pytest.raises(FrozenInstanceError):
        agent.state.count = 1  # type: ignore[misc]  # the very mistake
    with pytest.raises(TypeError):
        agent.state.owner.tags.append("y")
    with pytest.raises(TypeError):
        agent.state.history["b"] = 2


def test_what_a_state_was_made_of_may_change_and_the_agent_stays():
    tags, history = ["x"], {"a": 1}
    agent = CounterAgent.new(state=CounterState(owner=Owner("ann", tags), history=history))
    tags.append("y")
    history["b"] = 2
    assert agent.state == CounterState(owner=Owner("ann", ["x"]), history={"a": 1})


def test_set_merges_deeply_and_leaves_the_agent_as_it_was():
    agent = CounterAgent.new(state={"owner": {"name": "ann"}, "history": {"a": 1}})
    changed = agent.set({"owner": {"tags": ["x"]}, "history": {"b": 2}})
    assert changed.state == CounterState(0, Owner("ann", ["x"]), {"a": 1, "b": 2})
    assert agent.state == CounterState(0, Owner("ann"), {"a": 1})


def test_set_refuses_what_does_not_fit():
    with pytest.raises(InvalidDefinition, match="did you mean 'count'"):
        CounterAgent.new().set({"cuont": 1})


def test_validate_finds_what_a_careless_constructor_left():
    with pytest.raises(InvalidDefinition, match="@ count"):
        CounterAgent("a", CounterState("x")).validate()  # type: ignore[arg-type]  # the very mistake
    agent = CounterAgent.new()
    assert agent.validate() == agent


def test_agents_are_equal_by_class_id_and_state():
    class Other(Agent[CounterState]): ...

    assert CounterAgent.new("a") == CounterAgent.new("a") != CounterAgent.new("b")
    assert CounterAgent.new("a") != Other.new("a")  # type: ignore[comparison-overlap]  # what is shown


def test_an_agent_without_a_parameter_has_an_empty_state():
    class Bare(Agent): ...

    assert Bare.new().state == NoState()


def test_agent_itself_makes_no_agents():
    with pytest.raises(InvalidDefinition, match="subclass"):
        Agent.new()
    with pytest.raises(TypeError, match="make agents of a subclass, by `new`"):
        UNCHECKED()


UNCHECKED: Any = Agent


@pytest.mark.parametrize(
    ("given", "named", "how"),
    [
        ((), {}, "new()"),
        (("c",), {}, "new('c')"),
        ((), {"id": "c"}, "new('c')"),
        ((5,), {}, "new(5)"),
        ((), {"count": 3}, "new(state={'count': 3})"),
        (("c",), {"count": 3}, "new('c', {'count': 3})"),
        (({"count": 3},), {}, "new(state={'count': 3})"),
        ((Owner(),), {}, "new(Owner(name='nobody', tags=[]))"),
        ((CounterState(),), {}, f"new(state={CounterState()!r})"),
        ((), {"state": CounterState()}, f"new(state={CounterState()!r})"),
        (("c", CounterState()), {"count": 3}, f"new('c', {CounterState()!r})"),
    ],
)
def test_an_agent_that_is_not_made_by_new_says_what_to_write(given, named, how):
    make: Any = CounterAgent

    with pytest.raises(TypeError, match=rf"made by `new`.*: write CounterAgent\.{re.escape(how)}$"):
        make(*given, **named)


@pytest.mark.parametrize("state", [{"count": 3}, CounterState(3)])
def test_a_state_in_the_place_of_the_id_is_refused(state):
    with pytest.raises(InvalidDefinition, match=r"is the state of agent 'counter', not its id: .*\.new\(state="):
        CounterAgent.new(state)


def test_what_an_agent_is_made_of_may_be_asked():
    assert [*inspect.signature(CounterAgent).parameters] == ["id", "state", "strategy_state"]
    assert attrs.evolve(CounterAgent.new("a"), strategy_state=1) == CounterAgent("a", CounterState(), 1)


def test_a_subclass_has_what_it_does_not_declare_from_its_base():
    class Special(CounterAgent, vsn="2"): ...

    assert (Special.name, Special.description, Special.vsn) == ("special", "Counts", "2")
    assert Special.new(state={"count": 1}).cmd(Increment)[0].state.count == 2
    assert Special.instructions_for(Signal("increment")) == (Instruction(Increment),)


S = TypeVar("S")
Other = TypeVar("Other")


def test_a_base_may_leave_the_state_open():
    class Base(Agent[S], Generic[S]): ...

    class Real(Base[CounterState]): ...

    assert Real.new().state == CounterState()
    with pytest.raises(InvalidDefinition, match="no state class yet"):
        Base.new()


@frozen
class Box(Generic[S]):
    item: S


def test_a_base_may_leave_a_part_of_the_state_open():
    class Base(Agent[Box[S]], Generic[S]): ...

    class Between(Base[list[S]]): ...

    class Real(Between[int]): ...

    assert Real.new(state={"item": [1]}).state == Box([1])
    with pytest.raises(InvalidDefinition, match=r"expected int, got 'x' @ item\[0\]"):
        Real.new(state={"item": ["x"]})
    for open_yet in (Base, Between):
        with pytest.raises(InvalidDefinition, match="no state class yet"):
            open_yet.new()


def test_the_parameters_of_a_base_need_not_be_those_of_its_state():
    class Base(Agent[S], Generic[Other, S]): ...

    class Closed(Agent[CounterState], Generic[S]): ...

    class Real(Base[int, CounterState]): ...

    class Also(Closed[int]): ...

    assert Real.new().state == Also.new().state == CounterState()


@attrs.define
class Mutable:
    x: int = 1


@frozen
class Holder:
    inner: dict[str, list[Mutable]]


@pytest.mark.parametrize("state", [int, 5, Mutable, Holder])
def test_a_state_class_that_is_mutable_or_no_attrs_class_is_refused_with_a_remedy(state):
    with pytest.raises(InvalidDefinition, match=r"@attrs\.frozen class"):

        class Bad(Agent[state]): ...  # type: ignore[valid-type]  # made for the test


def test_a_state_may_hold_values_of_its_own_class():
    @frozen
    class Node:
        children: tuple["Node", ...] = ()
        best: "Node | None" = None

    class Tree(Agent[Node]): ...

    assert Tree.new(state={"children": [{"children": []}], "best": {}}).state == Node((Node(),), Node())


@pytest.mark.parametrize(
    ("keywords", "problem"),
    [
        ({"name": "no-hyphens"}, "can't be named 'no-hyphens'"),
        ({"error_policy": "stopp"}, "did you mean 'stop'"),
        ({"strategy": object()}, "init and run"),
        ({"routes": 5}, "5 are no routes: give a mapping"),
        ({"routes": "a"}, "'a' are no routes: give a mapping"),
        ({"routes": [Increment]}, "is no route: give a Route"),
        ({"routes": {"a": Abstract}}, "has no run"),
        ({"routes": {"a": int}}, "int is no action"),
        ({"routes": {"a..b": Increment}}, "a..b"),
        ({"routes": {"a": (Increment, {"amuont": 1})}}, "route 'a': .*did you mean 'amount'"),
        ({"routes": {"a": (Increment, {"amount": "x"})}}, "expected int"),
    ],
)
def test_a_wrong_declaration_is_refused_when_the_class_is_made(keywords, problem):
    with pytest.raises(InvalidDefinition, match=problem):
        type("Bad", (Agent,), {}, **keywords)


def test_a_signal_becomes_an_instruction_with_its_data_as_parameters():
    signal = Signal("increment", {"amount": 3})
    assert CounterAgent.instructions_for(signal) == (Instruction(Increment, {"amount": 3}),)


def test_parameters_fixed_in_the_route_win_over_the_data():
    signal = Signal("twice", {"amount": 5})
    assert CounterAgent.instructions_for(signal) == (
        Instruction(Increment, {"amount": 5}),
        Instruction(Increment, {"amount": 2}),
    )


def test_a_route_to_an_action_value_takes_nothing_from_the_data():
    assert CounterAgent.instructions_for(Signal("ten", {"amount": 5})) == (Instruction(Increment(amount=10)),)


def test_data_that_is_no_mapping_is_one_parameter():
    assert CounterAgent.instructions_for(Signal("increment", 5)) == (Instruction(Increment, {"data": 5}),)


def test_a_signal_that_no_route_matches_becomes_nothing():
    assert CounterAgent.instructions_for(Signal("unknown")) == ()


def test_routes_may_have_priorities():
    class Ordered(Agent[CounterState], routes=[Route("a", Increment), Route("a", (Increment, {"amount": 9}), 10)]): ...

    first, second = Ordered.instructions_for(Signal("a"))
    assert (first.params, second.params) == ({"amount": 9}, {})


def test_an_agent_of_a_signal_counts():
    agent = CounterAgent.new()
    signal: Any = Signal("twice", {"amount": 5})
    agent, directives = agent.cmd(list(agent.instructions_for(signal)), signal=signal)
    assert (agent.state.count, directives) == (7, ())


def test_routes_may_be_pairs_of_a_pattern_and_a_target():
    routes: list[Any] = [("a", Increment), ("b", [Increment, Increment], 5)]

    class Paired(Agent[CounterState], routes=routes): ...

    assert len(Paired.instructions_for(Signal("a"))) == 1
    assert len(Paired.instructions_for(Signal("b"))) == 2

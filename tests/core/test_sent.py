"""Actions that travel as signals: what `receive` makes of them."""

import pytest
from attrs import frozen

from jido_trio.core import (
    Action,
    Agent,
    Context,
    Direct,
    Emit,
    Error,
    Instruction,
    Result,
    Signal,
    Unrouted,
    carried,
    carrier,
)
from jido_trio.data import pack, unpack


@frozen
class State:
    count: int = 0
    heard: str = ""


class Add(Action):
    amount: int = 1

    def run(self, context: Context[State]) -> Result:
        assert context.signal is not None
        return {"count": context.state.count + self.amount, "heard": context.signal.type}


class Hear(Action):
    def run(self, context: Context[State]) -> Result:
        assert context.signal is not None
        return {"heard": f"routed {context.signal.type}"}


class Counter(Agent[State]):
    """An agent without routes."""


class Routed(Agent[State], routes={"jido.action.**": Hear()}):
    """An agent that has a route for signals of that name."""


COUNTER = Counter.new("c")


@pytest.mark.parametrize(
    "command",
    [Add(amount=2), Instruction(Add, {"amount": 2}), Instruction(Add(amount=2))],
    ids=["value", "class", "both"],
)
def test_a_signal_that_carries_an_action_has_it_run_without_a_route(command):
    signal = carrier(command, "/test")
    after = COUNTER.receive(signal)

    assert (signal.type, signal.source, signal.data) == ("jido.action.add", "/test", command)
    assert after == COUNTER.cmd(command, signal=signal)
    assert not isinstance(after, Unrouted)
    assert after[0].state == State(2, "jido.action.add")


@pytest.mark.parametrize("data", [None, {"amount": 2}, [1], "text"])
def test_what_only_says_that_it_carries_an_action_goes_where_the_routes_lead(data):
    signal = Signal("jido.action.add", data)

    assert carried(signal) is None
    assert isinstance(COUNTER.receive(signal), Unrouted)
    routed = Routed.new("r").receive(signal)
    assert not isinstance(routed, Unrouted)
    assert routed[0].state.heard == "routed jido.action.add"


def test_an_action_that_is_carried_is_run_though_a_route_matches_its_signal():
    received = Routed.new("r").receive(carrier(Add(), "/test"))

    assert not isinstance(received, Unrouted)
    assert received[0].state == State(1, "jido.action.add")


def test_an_action_under_another_name_is_data_like_other_data():
    assert isinstance(COUNTER.receive(Signal("add", Add())), Unrouted)


def test_a_signal_that_was_read_from_outside_carries_nothing():
    there = carrier(Add(amount=2), "/test")
    here = Signal.from_json(there.to_json())

    assert (here.type, here.data) == ("jido.action.add", {"amount": 2})
    assert carried(here) is None


def test_a_carried_action_is_stored_and_comes_back():
    there = carrier(Add(amount=2), "/test")
    here = unpack(pack(there))

    assert here == there
    assert COUNTER.receive(here) == COUNTER.receive(there)


class Bare(Action):
    """Has no run."""


def test_an_action_that_cannot_be_run_is_a_declared_failure():
    received = COUNTER.receive(carrier(Bare(), "/test"))

    assert not isinstance(received, Unrouted)
    (error,) = received[1]
    assert isinstance(error, Error)
    assert error.context == "normalize"


class Gated(Agent[State]):
    """An agent whose hook lets nothing through."""

    def on_before_cmd(self, action):
        return self, []


class Noting(Direct):
    def run(self, agent, instructions, signal):
        agent, directives = super().run(agent, instructions, signal)
        return agent, (*directives, Emit("ran", len(instructions)))


class Strategic(Agent[State], strategy=Noting()):
    """An agent with a strategy of its own."""


def test_a_carried_action_goes_through_hooks_and_the_strategy():
    gated = Gated.new("g").receive(carrier(Add(), "/test"))
    strategic = Strategic.new("s").receive(carrier(Add(), "/test"))

    assert not isinstance(gated, Unrouted)
    assert not isinstance(strategic, Unrouted)
    assert gated[0].state.count == 0
    assert strategic[0].state.count == 1
    (emitted,) = strategic[1]
    assert isinstance(emitted, Emit)
    assert (emitted.signal.type, emitted.signal.data) == ("ran", 1)

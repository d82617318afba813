"""receive: from a signal to the agent after it, in one call."""

from typing import Any

import pytest
from attrs import frozen

from jido_trio.core import Action, Agent, Context, Emit, Error, Result, Route, Signal, Unrouted
from jido_trio.errors import InvalidParams


@frozen
class Count:
    count: int = 0


class Add(Action):
    amount: int = 1

    def run(self, context: Context[Count]) -> Result:
        return {"count": context.state.count + self.amount}, Emit("added", {"amount": self.amount})


class Bug(Action):
    def run(self, context: Context[Count]) -> Result:
        raise ZeroDivisionError


ROUTES: Any = {"add": Add, "twice": [Add, (Add, {"amount": 5})], "bug": Bug, "lost.*": Bug}


class Counter(Agent[Count], routes=ROUTES): ...


COUNTER = Counter.new("c", {"count": 10})


def received(agent: Agent[Count], type: str, data: object = None) -> Any:
    """What `receive` returns, of any type."""
    return agent.receive(Signal(type, data))


@pytest.mark.parametrize("signal", [Signal("add"), Signal("add", {"amount": 3}), Signal("twice", {"amount": 3})])
def test_it_is_cmd_with_what_the_routes_make_of_the_signal(signal):
    received: Any = COUNTER.receive(signal)
    agent, directives = COUNTER.cmd(COUNTER.instructions_for(signal), signal=signal)
    assert received[0] == agent
    assert [told.signal.data for told in received[1]] == [told.signal.data for told in directives]  # type: ignore[attr-defined]


def test_it_tells_what_is_to_be_done_and_leaves_the_agent_alone():
    after, directives = received(COUNTER, "twice")
    assert after == Counter.new("c", {"count": 16})
    assert [directive.signal.data["amount"] for directive in directives] == [1, 5]
    assert COUNTER.state.count == 10


def test_a_signal_without_a_route_is_unrouted_and_names_the_routes_there_are():
    assert received(COUNTER, "nobody") == Unrouted("nobody", ("add", "twice", "bug", "lost.*"))


def test_a_signal_whose_only_route_has_a_condition_that_is_not_met_is_unrouted():
    class Choosy(Agent[Count], routes=[Route("add", Add, when=lambda signal: signal.data == {"amount": 2})]): ...

    assert received(Choosy.new(), "add") == Unrouted("add", ("add",))
    assert received(Choosy.new("c"), "add", {"amount": 2})[0].state.count == 2


def test_data_that_does_not_fit_is_an_error_among_the_directives():
    same, (error,) = received(COUNTER, "add", {"amount": "many"})
    assert same is COUNTER
    assert isinstance(error, Error)
    assert error.error == InvalidParams("add", ["expected int, got 'many' @ amount"])


def test_a_bug_leaves_receive():
    with pytest.raises(ZeroDivisionError):
        received(COUNTER, "bug")


def test_hooks_stand_around_it():
    class Hooked(Counter):
        def on_after_cmd(self, action, directives):
            return self.set({"count": 99}), ()

    assert received(Hooked.new("c"), "add") == (Hooked.new("c", {"count": 99}), ())

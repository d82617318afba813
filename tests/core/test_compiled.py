"""What is compiled for an agent class: when it is, when it isn't, and that nobody notices but by the time it takes."""

from typing import Any

import pytest
from attrs import frozen

from jido_trio.core import Action, Agent, Context, Direct, Emit, Instruction, Result, Route, RunInstruction, Signal
from jido_trio.core._compiled import for_action, for_signal
from jido_trio.core._learned import Learned
from jido_trio.errors import InvalidParams


@frozen
class Count:
    count: int = 0


class Add(Action):
    amount: int = 1

    def run(self, context: Context[Count]) -> Result:
        return {"count": context.state.count + self.amount}


class Later(Action):
    async def run(self, context: Context[Count]) -> Result:
        return None


@frozen
class Counted:
    count: int


class Promise(Action, output=Counted):
    def run(self, context: Context[Count]) -> Result:
        return Counted(5)


class Abstract(Action): ...


class Twice:
    def init(self, agent: Any) -> Any:
        return agent, ()

    def run(self, agent: Any, instructions: Any, signal: Any) -> Any:
        return Direct().run(agent, [*instructions, *instructions], signal)


class Counter(
    Agent[Count],
    routes=[
        Route("add", Add),
        Route("ten", (Add, {"amount": 10})),
        Route("value", Add(amount=5)),
        Route("two", Add),
        Route("two", Add),
        Route("if", Add, when=lambda _: True),
        Route("later", Later),
        Route("promise", Promise),
        Route("context", Instruction(Add, {}, {"who": "me"})),
    ],
): ...


@pytest.mark.parametrize(
    ("signal_type", "compiled"),
    [
        ("add", True),
        ("ten", True),
        ("value", True),
        ("two", False),
        ("if", False),
        ("later", False),
        ("promise", False),
        ("context", False),
        ("nobody", False),
    ],
)
def test_a_single_route_to_a_plain_action_is_compiled(signal_type, compiled):
    assert (for_signal(Counter, Agent, signal_type) is not None) is compiled


@pytest.mark.parametrize(
    ("action", "compiled"),
    [(Add, True), (Later, False), (Promise, False), (Abstract, False), (str, False), (list, False)],
)
def test_a_command_that_is_a_plain_action_is_compiled(action, compiled):
    assert (for_action(Counter, Agent, action) is not None) is compiled


def bumped(self, *_: Any) -> Any:
    return type(self)(self.id, Count(99)), ()


CHANGED: list[tuple[dict[str, Any], int, int]] = [
    ({"cmd": lambda self, *_, **__: bumped(self)}, 99, 99),
    ({"with_state": lambda self, _: bumped(self)[0]}, 99, 99),
    ({"on_after_cmd": bumped}, 99, 99),
    ({"on_before_cmd": lambda self, _: (self, Add(amount=7))}, 7, 7),
    ({"instructions_for": classmethod(lambda *_: (Instruction(Add(amount=3)),))}, 1, 3),
]


@pytest.mark.parametrize(("methods", "by_cmd", "by_receive"), CHANGED)
def test_what_a_subclass_does_its_own_way_is_done_so(methods, by_cmd, by_receive):
    agent: Any = type("Own", (Counter,), methods).new("c")  # type: ignore[attr-defined]  # it is an agent
    assert agent.cmd(Add())[0].state.count == by_cmd
    assert agent.receive(Signal("add"))[0].state.count == by_receive


def test_a_strategy_of_ones_own_is_asked():
    class Double(Counter, strategy=Twice()): ...

    agent: Any = Double.new("c")
    assert agent.cmd(Add())[0].state.count == 2
    assert agent.receive(Signal("add"))[0].state.count == 2


def test_a_subclass_with_other_routes_goes_by_these():
    class Other(Counter, routes={"add": Add(amount=50)}): ...

    agent: Any = Other.new("c")
    counter: Any = Counter.new("c")
    assert agent.receive(Signal("add"))[0] == Other.new("c", {"count": 50})
    assert counter.receive(Signal("add"))[0] == Counter.new("c", {"count": 1})


def test_a_run_that_is_replaced_for_a_test_is_called(monkeypatch):
    counter = Counter.new("c")
    counter.cmd(Add())
    monkeypatch.setattr(Add, "run", lambda *_: Emit("replaced"))
    _, directives = counter.cmd(Add())
    assert [type(one) for one in directives] == [Emit]


def test_an_async_action_is_wanted_by_both_ways():
    counter: Any = Counter.new("c")
    for _, (wanted,) in (counter.cmd(Later()), counter.receive(Signal("later"))):
        assert isinstance(wanted, RunInstruction)


@pytest.mark.parametrize("data", [{"self": 1}, {1: 2}, {None: 3, "amount": 4}, {("a",): 1}, {"action": 1, "params": 2}])
def test_data_with_any_keys_is_refused_and_crashes_nobody(data):
    counter: Any = Counter.new("c")
    for signal_type in ("add", "two", "if"):
        same, errors = counter.receive(Signal(signal_type, data))
        assert same is counter
        assert {type(each.error) for each in errors} == {InvalidParams}
    for command in ((Add, data), Instruction(Add, data)):
        _, [error] = counter.cmd(command)
        assert isinstance(error.error, InvalidParams)


def test_what_is_no_signal_is_refused_with_what_to_write():
    with pytest.raises(TypeError, match=r"write Signal\('add'\)"):
        Counter.new("c").receive("add")  # type: ignore[arg-type]  # the very mistake


def test_what_is_learned_of_types_that_come_from_outside_is_bounded():
    made: list[int] = []

    def make(key: int) -> int:
        made.append(key)
        return key

    learned = Learned(make)
    for key in range(5000):
        assert learned[key] == learned[key] == key
    assert len(made) == 5000
    assert len(learned) < 5000
    assert learned[0] == 0
    assert made[-1] == 0


def test_a_strategy_that_only_begins_in_its_own_way_is_compiled_too():
    class Waking(Direct):
        def init(self, agent: Any) -> Any:
            return agent, (Emit("awake"),)

    class Woken(Counter, strategy=Waking()): ...

    assert for_signal(Woken, Agent, "add") is not None
    assert for_action(Woken, Agent, Add) is not None

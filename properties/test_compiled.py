"""What is compiled for an agent class does what the general way does: the same agents, directives, errors and ids."""

from typing import Any

import attrs
from attrs import evolve, field, validators
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import world
from jido_trio.core import (
    Action,
    Agent,
    Context,
    DeleteKeys,
    Direct,
    Emit,
    Error,
    Instruction,
    Result,
    Route,
    SetPath,
    Signal,
    Stop,
    Unrouted,
    carrier,
)
from jido_trio.errors import ActionError
from jido_trio.testing import commands
from properties.cmd_program import ACTIONS, Ledger

REFUSED = ActionError("no", details={"why": ["because"]}, retryable=True)


class Answer(Action):
    """Returns what is at a place in a list of things that `run` may return, or may not."""

    which: int = 0

    def run(self, context: Context[Ledger]) -> Result:
        results: list[Any] = [
            {"count": context.state.count + 1},
            {"count": "many", "cuont": 1},
            {"owner": {"name": "ann", "marks": (1, 2)}, "notes": {"a": {"b": [1]}}},
            {},
            None,
            evolve(context.state, count=7),
            Ledger("x"),  # type: ignore[arg-type]  # the very mistake
            Emit("told", {"id": world.current().ids()}),
            [Emit("one"), SetPath("notes.a", 1), Emit("two"), DeleteKeys("tags")],
            ({"count": 2}, Emit("told", {"time": str(world.current().now())})),
            ({"count": 2}, [Stop(), SetPath("count", "x")]),
            (context.state, [Stop()]),
            ({"count": 1}, {"count": 2}),
            (None, None),
            ({}, 5),
            (),
            "text",
            Answer(),
            attrs.make_class("Careless", ["x"])(1),
            {1: 2},
            (Emit("one"), Emit("two"), Emit("three")),
        ]
        return results[self.which % len(results)]  # type: ignore[no-any-return]  # right or wrong


class Fail(Action):
    """Raises one thing or another."""

    which: int = 0

    def run(self, context: Context[Ledger]) -> Result:
        raise [
            ActionError(f"no {context.state.count}"),
            REFUSED,
            ValueError("bug"),
            KeyError(context.state.count),
            RecursionError(),
        ][self.which % 5]


def shouted(word: Any) -> Any:
    return f"{word.upper()}!" if isinstance(word, str) else word


class Convert(Action):
    """Parameters of all kinds: converted, validated, computed, with an id of their own."""

    word: str = field(default="x", converter=shouted)
    small: int = field(default=1, validator=validators.lt(10))
    twice: int = attrs.Factory(lambda self: 2 * self.small, takes_self=True)
    id: str = field(factory=lambda: world.current().ids())
    extra: dict[str, list[int]] = field(factory=dict)
    needed: int | None

    def run(self, context: Context[Ledger]) -> Result:
        params = vars(self)
        return {"notes": params}, Emit("converted", params)


class Look(Action):
    """Tells of all that it is told."""

    data: Any = None

    def run(self, context: Context[Ledger]) -> Result:
        return Emit(
            "seen", {"id": context.agent.id, "count": context.state.count, "extra": context.extra, "of": self.data}
        )


class Slowly(Direct):
    """As Direct, but with a `run` of its own: such an agent goes the general way."""

    def run(self, agent: Any, instructions: Any, signal: Any) -> Any:
        return super().run(agent, instructions, signal)


SINGLE: list[Any] = [*ACTIONS, Answer, Fail, Convert, Look]
ROUTES: list[Any] = [
    *(Route(action.name, action) for action in SINGLE),
    Route("fixed", (Answer, {"which": 7})),
    Route("value", Answer(which=9)),
    Route("both", Answer),
    Route("both", (Fail, {"which": 1})),
    Route("if", Look, when=lambda signal: signal.data == {"data": 1}),
    Route("deep.**", Look),
    Route("deep.*.look", Convert),
    Route("context", Instruction(Look, {}, {"who": "me"})),
]


class Fast(Agent[Ledger], routes=ROUTES): ...


class Slow(Agent[Ledger], routes=ROUTES, strategy=Slowly()): ...


types = st.sampled_from(
    [*(route.pattern for route in ROUTES if "*" not in route.pattern), "deep.look", "deep.a.look", "no"]
)
scalars = st.none() | st.booleans() | st.integers(-3, 30) | st.text("abc", max_size=3) | st.floats(allow_nan=False)
keys = st.sampled_from(["which", "word", "small", "needed", "data", "id", "self", "extra", "twice"]) | scalars
payloads = st.recursive(
    scalars | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
signals = st.builds(
    Signal, types, payloads, id=st.text("abc", min_size=1), time=st.sampled_from(["2024-05-06t07:08:09z", None])
)


def twins(name: str, count: int, notes: dict[str, Any]) -> tuple[Fast, Slow]:
    state = {"count": count, "notes": notes}
    return Fast.new(name, state), Slow.new(name, state)


agents = st.builds(
    twins,
    st.text("xyz", min_size=1, max_size=2),
    st.integers(0, 3),
    st.dictionaries(st.sampled_from("ab"), payloads, max_size=2),
)
made = st.sampled_from(
    [*(Answer(which=n) for n in range(21)), *(Fail(which=n) for n in range(5)), Look(), Convert(needed=1)]
)


def outcome(function: Any, *args: Any, **options: Any) -> Any:
    """What came of a call, to be compared: of agents all but their class."""
    try:
        answer = function(*args, **options)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other one must raise it, too
        return type(error), error.args, str(error)
    if isinstance(answer, Unrouted):
        return answer
    agent, directives = answer
    assert type(directives) is tuple
    errors = [(type(each.error), vars(each.error)) for each in directives if isinstance(each, Error)]
    return (agent.id, agent.state, agent.strategy_state), directives, errors, world.current() is world.real


@given(agents, signals)
def test_receive(both, signal):
    fast, slow = both
    assert outcome(fast.receive, signal) == outcome(slow.receive, signal)


@given(agents, made | commands(*SINGLE), st.none() | signals)
def test_cmd(both, command, signal):
    fast, slow = both
    assert outcome(fast.cmd, command, signal=signal) == outcome(slow.cmd, command, signal=signal)


@given(agents, made)
def test_receive_of_an_action(both, command):
    fast, slow = both
    signal = carrier(command, "/test")
    assert outcome(fast.receive, signal) == outcome(slow.receive, signal)
    assert outcome(fast.receive, signal) == outcome(fast.cmd, command, signal=signal)


@given(agents, st.lists(signals, max_size=6))
def test_one_signal_after_the_other(both, several):
    for signal in several:
        results = [outcome(agent.receive, signal) for agent in both]
        assert results[0] == results[1]
        if isinstance(results[0], tuple) and len(results[0]) == 4:
            both = [agent.with_state(results[0][0][1]) for agent in both]

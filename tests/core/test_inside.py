"""The world inside of cmd: what its ids and times follow from, and what looking at it costs."""

import subprocess
import sys
from collections import UserDict
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any

import pytest
from attrs import evolve, field, frozen

from jido_trio import world
from jido_trio.core import Action, Agent, Context, Emit, Instruction, Result, RunInstruction, Signal
from jido_trio.core._inside import OF_STATE, sketch
from jido_trio.errors import ActionError


@frozen
class Ledger:
    count: int = 0
    entries: dict[str, int] = field(factory=dict)


class Tell(Action):
    word: str = "hello"

    def run(self, context: Context[Ledger]) -> Result:
        return Emit("told", {"draw": world.current().random.random()})


class Fetch(Action):
    async def run(self, context: Context[Ledger]) -> Result:
        return None


class Teller(Agent[Ledger], routes={"tell": Tell}): ...


TELLER = Teller.new("t")
TELL = Signal("tell", id="1", time="2024-05-06T07:08:09Z")


def told(agent: Agent[Any], command: Any = Tell, signal: Signal | None = TELL) -> Signal:
    """The signal that is emitted first."""
    _, (emit, *_) = agent.cmd(command, signal=signal)
    assert isinstance(emit, Emit)
    return emit.signal


def test_equal_agents_and_commands_make_equal_signals():
    twin = Teller.new("t", {"entries": {}})
    assert told(TELLER) == told(twin, Tell, evolve(TELL))
    assert told(TELLER, [(Tell, {"word": "x"})]) == told(twin, [(Tell, {"word": "x"})])


@pytest.mark.parametrize(
    ("agent", "command", "signal"),
    [
        (evolve(TELLER, id="u"), Tell, TELL),
        (TELLER.set({"count": 1}), Tell, TELL),
        (TELLER.set({"entries": {"a": 1}}), Tell, TELL),
        (TELLER, (Tell, {"word": "bye"}), TELL),
        (TELLER, [Tell, Tell], TELL),
        (TELLER, Tell, evolve(TELL, id="2")),
        (TELLER, Tell, evolve(TELL, source="/elsewhere")),
        (TELLER, Tell, None),
    ],
)
def test_what_differs_makes_other_ids_and_numbers(agent, command, signal):
    other = told(agent, command, signal)
    assert other.id != told(TELLER).id
    assert other.data != told(TELLER).data


def received(agent: Any, signal: Signal) -> Signal:
    """The signal that is emitted on hearing another."""
    _, (emit,) = agent.receive(signal)
    return emit.signal  # type: ignore[no-any-return]


def test_what_a_signal_leads_to_has_ids_of_its_own_for_each_agent_and_signal():
    assert received(TELLER, TELL) == received(Teller.new("t"), evolve(TELL))
    others = [
        (evolve(TELLER, id="u"), TELL),
        (TELLER, evolve(TELL, id="2")),
        (TELLER, evolve(TELL, source="/elsewhere")),
    ]
    assert len({received(TELLER, TELL).id, *(received(*other).id for other in others)}) == 4


def test_a_signal_that_is_received_twice_leads_to_the_same_ids_in_whatever_state_and_to_other_numbers():
    first, again = received(TELLER, TELL), received(TELLER.set({"count": 1}), TELL)
    assert first.id == again.id
    assert first.data["draw"] != again.data["draw"]


def test_a_command_is_known_apart_from_what_its_signal_leads_to():
    assert told(TELLER).id != received(TELLER, TELL).id


def test_an_agent_makes_as_many_ids_of_one_signal_as_it_needs():
    class Chatter(Action):
        def run(self, context: Context[Ledger]) -> Result:
            return [Emit("told") for _ in range(5000)]

    class Chatterbox(Agent[Ledger], routes={"tell": Chatter}): ...

    received: Any = Chatterbox.new("t").receive(TELL)
    ids = [emit.signal.id for emit in received[1]]
    assert len(set(ids)) == 5000
    assert ids == sorted(ids)


def test_the_outcomes_of_two_runs_that_one_signal_caused_make_other_ids():
    class Applied(Action):
        outcome: Any

        def run(self, context: Context[Ledger]) -> Result:
            return Emit("applied")

    signal = Signal("fetch", id="1")
    _, runs = TELLER.cmd([Fetch, Fetch], signal=signal)
    tells = [evolve(run, result_action=Applied).finished(None) for run in runs if isinstance(run, RunInstruction)]
    first, second = (told(TELLER, tell, signal).id for tell in tells)
    assert first != second


def test_a_large_part_of_the_state_counts_by_its_size():
    entries = {str(number): number for number in range(10 * OF_STATE)}
    large = Teller.new("t", {"entries": entries})
    assert told(large) == told(large.set({"entries": {"0": 99}}))
    assert told(large) != told(large.set({"entries": {"more": 1}}))
    assert told(large) != told(large.set({"count": 1}))


def test_the_time_is_the_signals_and_a_fixed_one_without():
    assert told(TELLER).time == TELL.time
    assert told(TELLER, Tell, None).time == told(TELLER, Tell, evolve(TELL, time=None)).time == "2000-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("time", "inside"),
    [
        ("2024-05-06t07:08:09z", "2024-05-06T07:08:09Z"),
        ("2024-05-06T07:08:09.123456789Z", "2024-05-06T07:08:09.123456Z"),
        ("2024-05-06T07:08:09.5-00:00", "2024-05-06T07:08:09.500000Z"),
        ("2024-12-31t23:59:60.25+01:00", "2024-12-31T23:59:59.250000+01:00"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"),
        ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-23:59"),
    ],
)
def test_every_time_that_a_signal_may_have_can_be_told_inside(time, inside):
    signal = told(TELLER, signal=evolve(TELL, time=time))
    assert signal.time == inside
    assert world.is_uuid7(signal.id)


class Colour(Enum):
    RED = 1


class Plain: ...


def nothing() -> None: ...


ODD: list[Any] = [
    {3, "a", None, (1, 2)},
    {"b": 1, "a": {2: [3]}},
    UserDict({"x": 1}),
    Ledger(1, {"a": 1}),
    ActionError("no", details={"a": 1}),
    Colour.RED,
    10**5000,
    "long" * 1000,
    b"\x00" * 1000,
    "\ud800",
    float("nan"),
    datetime(2024, 5, 6),  # noqa: DTZ001 - any value
    Plain(),
    Plain,
    nothing,
    len,
    partial(nothing),
    Instruction(Tell, {"word": "x"}),
    [[[[[[[[[["deep"]]]]]]]]]],
]


def sketches() -> str:
    """Texts that another process must make, too."""
    return ascii([sketch(value) for value in ODD])


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_makes_the_same_of_odd_values(hash_seed):
    run = "import runpy, sys; print(runpy.run_path(sys.argv[1], run_name=sys.argv[2])['sketches']())"
    answer = subprocess.run(
        [sys.executable, "-c", run, __file__, __name__],
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == sketches()


def test_odd_values_are_told_apart_but_for_where_they_lie_in_memory():
    assert len({sketch(value) for value in ODD}) == len(ODD)
    assert sketch(Plain()) == sketch(Plain())


@pytest.mark.parametrize(
    ("one", "other"),
    [(0.0, -0.0), ({1: 2, 3: 4}, {3: 4, 1: 2}), ((1, 2), [1, 2]), ({1, 2}, frozenset((2, 1)))],
)
def test_equal_values_have_one_sketch(one, other):
    assert sketch(one) == sketch(other)


def test_a_sketch_is_short_whatever_it_is_of():
    wide = [list(range(1000)) for _ in range(10)]
    deep: Any = ["x" * 5000]
    for _ in range(60):
        deep = [deep, deep]
    assert len(sketch(wide)) < 1000
    assert len(sketch(deep)) < 20_000


def test_a_value_whose_repr_raises_is_no_reason_to_fail():
    class Rude:
        def __repr__(self) -> str:
            raise ValueError("rude")

    assert "Rude" in sketch(Rude())

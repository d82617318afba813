"""Directives as data: made well, checked, compared; outcomes on their way back."""

from typing import Any

import attrs
import pytest
from attrs import evolve, frozen
from attrs.exceptions import FrozenInstanceError

from jido_trio.core import (
    Action,
    AdoptChild,
    Agent,
    CancelSchedule,
    Context,
    Cron,
    CronCancel,
    Emit,
    EmitErrors,
    Error,
    FrozenList,
    Instruction,
    MaxErrors,
    Outcome,
    ReplaceState,
    Result,
    Route,
    Router,
    RunInstruction,
    Schedule,
    SetPath,
    SetState,
    Signal,
    Spawn,
    SpawnAgent,
    StartSensor,
    Stop,
    StopChild,
    StopSensor,
    ToAgent,
    ToParent,
    emit_to,
    emit_to_parent,
)
from jido_trio.core._error_policy import checked_policy
from jido_trio.errors import ActionError, InvalidDefinition, InvalidInstruction, InvalidSignal
from jido_trio.world import seeded, using


@frozen
class State:
    count: int = 0
    url: str = ""


@frozen
class Fetched:
    count: int


class Fetch(Action, output=Fetched):
    url: str = "/x"

    async def run(self, context: Context[State]) -> Result:
        return {"url": self.url}


class Abstract(Action):
    outcome: Outcome


class Greedy(Action):
    outcome: Outcome
    more: int

    def run(self, context: Context[State]) -> Result:
        return {}


class Remember(Action):
    outcome: Outcome

    def run(self, context: Context[State]) -> Result:
        error = self.outcome.error
        return {"url": f"failed: {error.message}" if error else f"{self.outcome.result} {self.outcome.meta['tag']}"}


class Worker(Agent[State]): ...


class SomeSensor: ...


def test_emit_makes_the_signal_of_a_type_and_data():
    emit = Emit("cart.large", {"total": 5}, source="/cart", dispatch=ToAgent("shop"))
    assert (emit.signal.type, emit.signal.data, emit.signal.source) == ("cart.large", {"total": 5}, "/cart")
    assert emit.dispatch == ToAgent("shop")


def test_emit_takes_a_signal_as_it_is():
    signal = Signal("a")
    assert Emit(signal).signal is signal
    assert Emit(signal) == Emit(signal=signal, dispatch=None)
    assert evolve(Emit(signal), dispatch=ToParent()) == Emit(signal, dispatch=ToParent())


def test_emit_refuses_what_is_neither():
    with pytest.raises(InvalidDefinition, match="signal=5 of Emit must be a Signal or its type"):
        Emit(5)  # type: ignore[arg-type]  # the very mistake
    with pytest.raises(InvalidDefinition, match="has its data"):
        Emit(Signal("a"), {"b": 1})


def test_emit_to_names_an_agent_or_the_parent():
    signal = Signal("a")
    assert emit_to("b", signal) == Emit(signal, dispatch=ToAgent("b"))
    assert emit_to_parent(signal) == Emit(signal, dispatch=ToParent())


def test_a_message_that_is_no_signal_is_wrapped():
    signal = Signal("tick")
    assert Schedule(0, signal).message is signal
    wrapped = Schedule(1.5, {"n": 1}).message
    assert (wrapped.type, wrapped.data) == ("jido.scheduled", {"message": {"n": 1}})
    assert Cron("* * * * *", "wake").message.data == {"message": "wake"}


@pytest.mark.parametrize("delay", [-1, -0.1, float("inf"), float("nan"), "5", True, None])
def test_a_delay_is_a_number_of_seconds(delay):
    with pytest.raises(InvalidDefinition, match=r"delay=.* of Schedule must be seconds, 0 or more") as caught:
        Schedule(delay, "x")
    assert caught.value.field == "delay"


def test_a_child_has_the_defaults_of_a_spawned_agent():
    child = SpawnAgent(Worker, "w")
    assert (child.id, child.on_parent_death, child.restart, child.meta) == (None, "stop", "transient", {})


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: SpawnAgent(int, "w"), "agent=.* must be an agent class or an agent"),  # type: ignore[arg-type]
        (lambda: SpawnAgent(Worker, ""), "tag=.* must be a text"),
        (lambda: SpawnAgent(Worker, "w", meta=5), "meta=5 of SpawnAgent must be a mapping"),  # type: ignore[arg-type]
        (lambda: RunInstruction(Instruction(Fetch), meta=[]), "meta=.* of RunInstruction must be a mapping"),  # type: ignore[arg-type]
        (lambda: SpawnAgent(Worker, "w", restart="transiet"), "did you mean 'transient'"),  # type: ignore[arg-type]
        (lambda: SpawnAgent(Worker, "w", on_parent_death="die"), "one of 'stop', 'continue', 'emit_orphan'"),  # type: ignore[arg-type]
        (lambda: AdoptChild("", "w"), "child=.* must be a text"),
        (lambda: StopChild(""), "tag=.* must be a text"),
        (lambda: StartSensor("", SomeSensor), "tag=.* must be a text"),
        (lambda: StopSensor(""), "tag=.* must be a text"),
        (lambda: Spawn(Fetch.run, ""), "tag=.* must be a text"),
        (lambda: Spawn(object()), "child=.* must be an async function or a Child"),
        (lambda: Spawn(int), "child=.* must be an async function or a Child"),
        (lambda: Schedule(1, "x", ""), "key=.* must be a text"),
        (lambda: CancelSchedule(""), "key=.* must be a text"),
        (lambda: Cron("", "x"), "cron=.* must be a text"),
        (lambda: CronCancel(""), "key=.* must be a text"),
        (lambda: RunInstruction(Instruction(Fetch), int), "result_action=.* must be an action class"),  # type: ignore[arg-type]
        (lambda: RunInstruction(Instruction(Fetch), Abstract), "result_action=.* must be an action class with a run"),
        (lambda: RunInstruction(Instruction(Fetch), Fetch), "result_action=.* whose only required field is `outcome`"),
        (lambda: RunInstruction(Instruction(Fetch), Greedy), "result_action=.* whose only required field is `outcome`"),
        (lambda: Error(ValueError("x")), "expected an ActionError"),  # type: ignore[arg-type]
    ],
)
def test_a_directive_is_checked_when_it_is_made(make, problem):
    with pytest.raises(InvalidDefinition, match=problem):
        make()


def test_directives_are_compared_by_value_and_cannot_be_changed():
    meta = {"a": [1]}
    child = SpawnAgent(Worker, "w", meta=meta)
    meta["a"].append(2)
    assert child == SpawnAgent(Worker, "w", meta={"a": [1]})
    with pytest.raises(FrozenInstanceError):
        child.tag = "x"  # type: ignore[misc]  # the very mistake
    assert Error(ActionError("no", details={"a": 1})) == Error(ActionError("no", details={"a": 1}))
    assert Stop() == Stop("normal") != Stop("done")


# Outcomes


def wanted(command: Any) -> RunInstruction:
    _, (directive,) = Worker.new("w").cmd(command)
    assert isinstance(directive, RunInstruction)
    return directive


def test_an_outcome_is_applied_as_a_result_on_the_state_of_now():
    run = wanted(Fetch)
    agent, directives = Worker.new("w", {"count": 7}).cmd(run.finished(({"count": 8, "url": "/y"}, Stop())))
    assert (agent.state, directives) == (State(8, "/y"), (Stop(),))


def test_a_failure_that_comes_back_is_an_error_and_the_agent_stays():
    agent = Worker.new("w")
    assert agent.cmd(wanted(Fetch).failed(ActionError("gone"))) == (
        agent,
        (Error(ActionError("gone"), context="instruction"),),
    )


def test_a_result_that_does_not_fit_names_the_action_that_ran():
    _, (error,) = Worker.new("w").cmd(wanted(Fetch).finished({"count": "x"}))
    assert error.error.action == "fetch"  # type: ignore[attr-defined]  # an Error with an InvalidResult
    assert error.error.problems == ("output expected int, got 'x' @ count",)  # type: ignore[attr-defined]


def test_a_result_action_is_given_the_outcome():
    run = RunInstruction(Instruction(Fetch), result_action=Remember, meta={"tag": "t"})
    agent = Worker.new("w")
    assert agent.cmd(run.finished("page"))[0].state.url == "page t"
    assert agent.cmd(run.failed(ActionError("gone")))[0].state.url == "failed: gone"


def test_a_run_instruction_returned_by_an_action_passes_through():
    run = RunInstruction(Instruction(Fetch), Remember)

    class Ask(Action):
        def run(self, context: Context[State]) -> Result:
            return run

    assert Worker.new("w").cmd(Ask)[1] == (run,)


def test_the_context_of_an_instruction_goes_with_its_outcome():
    run = wanted((Fetch, {}, {"who": "me"}))
    assert run.finished(None).context == {"who": "me"}


@pytest.mark.parametrize("data", [None, {}, {"rows": [1, {"a": (2,)}]}, b"bytes", [1], "text"])
@pytest.mark.parametrize("source", [{}, {"source": "urn:shop"}])
def test_emit_makes_the_very_signal_that_signal_makes(data, source):
    with using(seeded(1)):
        expected = Signal("cart.large", data, **source)
    with using(seeded(1)):
        signal = Emit("cart.large", data, **source).signal
    assert signal == expected
    assert repr(signal) == repr(expected)
    assert signal.to_json() == expected.to_json()


@pytest.mark.parametrize(
    "wrong", [{"signal": ""}, {"signal": "a\x00"}, {"signal": "a", "source": ""}, {"signal": "a", "source": "a b"}]
)
def test_emit_refuses_what_signal_refuses(wrong):
    type, *source = wrong.values()
    with pytest.raises(InvalidSignal) as ours:
        Emit(**wrong)
    with pytest.raises(InvalidSignal) as theirs:
        Signal(type, **({"source": source[0]} if source else {}))
    assert str(ours.value) == str(theirs.value)


# What can't be kept


@attrs.define
class Changeable:
    n: int = 0


LIVE = Changeable()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Stop(LIVE), "Stop: reason can't be kept: a value of class Changeable can be changed"),
        (lambda: StopChild("a", [LIVE]), "StopChild: reason can't be kept"),
        (lambda: StopSensor("a", LIVE), "StopSensor: reason can't be kept"),
        (lambda: SpawnAgent(Worker, "a", state={"a": LIVE}), "SpawnAgent: state can't be kept.*@ \\['a'\\]"),
        (lambda: SpawnAgent(Worker, "a", meta={"a": LIVE}), "SpawnAgent: meta can't be kept"),
        (lambda: AdoptChild("a", "b", meta={"a": LIVE}), "AdoptChild: meta can't be kept"),
        (lambda: RunInstruction(Instruction(Fetch), meta={"a": LIVE}), "RunInstruction: meta can't be kept"),
        (lambda: SetState({"a": LIVE}), "SetState: attrs can't be kept"),
        (lambda: SetPath("a", LIVE), "SetPath: value can't be kept"),
        (lambda: ReplaceState(LIVE), "ReplaceState: state can't be kept"),
        (lambda: EmitErrors(LIVE), "EmitErrors: dispatch can't be kept"),
    ],
)
def test_an_effect_that_would_hold_what_can_be_changed_says_where(make, told):
    with pytest.raises(InvalidDefinition, match=told) as caught:
        make()
    assert caught.value.field in told


def test_a_wrong_effect_is_a_bug_of_the_action_that_makes_it():
    class Wrong(Action):
        def run(self, _context: object) -> Result:
            return SetPath("count", LIVE)

    with pytest.raises(InvalidDefinition, match="SetPath: value can't be kept"):
        Worker.new("w").cmd(Wrong)


def test_details_of_an_error_are_frozen_and_what_cannot_be_is_told():
    error = Error(ActionError("no", details={"rows": [1], "live": LIVE})).error

    assert error.details == {"rows": FrozenList([1]), "live": "Changeable(n=0)"}
    assert isinstance(error.details["rows"], FrozenList)


@pytest.mark.parametrize("context", ["", 5, LIVE])
def test_the_context_of_an_error_is_a_text(context):
    with pytest.raises(InvalidDefinition, match="of Error must be a text"):
        Error(ActionError("no"), context=context)


class Hostile:
    def fail(self, *_: object) -> Any:
        raise RuntimeError("never ask me")

    __repr__ = __str__ = __eq__ = __bool__ = __lt__ = fail
    __hash__ = object.__hash__


@pytest.mark.parametrize("value", [Hostile(), -(10**6000)], ids=["hostile", "huge"])
@pytest.mark.parametrize(
    "make",
    [
        lambda value: SpawnAgent(Worker, "w", restart=value),
        lambda value: SpawnAgent(value, "w"),
        lambda value: StopChild(value),
        lambda value: Schedule(value, "x"),
        lambda value: Cron(value, "x"),
        lambda value: Emit(value),
        lambda value: Emit("x", dispatch=value),
        lambda value: Error(value),
        lambda value: RunInstruction(Instruction(Fetch), value),
        lambda value: MaxErrors(value),
        lambda value: checked_policy("agent 'a'", value),
        lambda value: Instruction(Fetch, opts={"timeout": value}),
        lambda value: Instruction(Fetch, opts={"max_retries": value}),
        lambda value: Instruction(Fetch, opts={value: 1}),
        lambda value: Instruction(Fetch, context=value),
        lambda value: Route("a", Fetch, priority=value),
        lambda value: Router(value),
        lambda value: Router([value]),
        lambda value: Router([("a", Fetch, value)]),
    ],
)
def test_whatever_a_wrong_value_is_like_it_is_refused_in_short(make, value):
    with pytest.raises((InvalidDefinition, InvalidInstruction)) as caught:
        make(value)
    assert len(str(caught.value)) < 1000

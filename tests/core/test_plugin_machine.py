"""Plugins of a machine: each action of a step, and each command that waited, sees what those before it changed."""

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from jido_trio import Action, ActionError, Agent, Context, Error, Instruction, Result, RunInstruction, Signal
from jido_trio.core import Fsm, FsmState, Input, Outcome, Plugin, Transition, run_instruction
from jido_trio.core._fsm import Finished


@frozen
class Noted:
    notes: tuple[str, ...] = ()


class Note(Action):
    note: str

    def run(self, context: Context[Any, Any]) -> Result:
        notes = context.agent.plugin(Notes).notes
        return Notes.change({"notes": (*notes, self.note)})


class NoteTwice(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        return Notes.change({"notes": ("first",)}), Notes.change({"notes": ("second",)})


class Misnote(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        return Notes.change({"notes": 3})


class Fetch(Action):
    async def run(self, context: Context[Any, Any]) -> Result:
        raise NotImplementedError


class Go(Note): ...


class Refused(Action):
    def run(self, context: Context[Any, Any]) -> Result:
        raise ActionError("not there")


class Notes(Plugin[Noted]):
    def routes(self) -> dict[str, Any]:
        return {"note": Note}


TABLE = Fsm(
    [
        FsmState("a", exit=Instruction(Note, {"note": "exit of a"})),
        FsmState("b", entry=Instruction(Note, {"note": "entry of b"})),
        FsmState("c", entry=Refused),
        "failed",
    ],
    [
        Transition("a", Fetch, on_error="failed"),
        Transition("a", Go, "b"),
        Transition("b", Go, "c", on_error="a"),
        Transition("failed", Go, "a"),
        Transition("c", Go, "a"),
    ],
)


class Machined(Agent, strategy=TABLE, plugins=[Notes()]): ...


def told(agent: Any, outcome: Outcome) -> Any:
    return agent.cmd(Instruction(Finished, {"outcome": outcome}))


def busy() -> tuple[Any, Instruction]:
    agent, directives = Machined.new("m").cmd(Fetch())
    [asked] = directives
    assert isinstance(asked, RunInstruction)
    return agent, asked.instruction


def test_commands_that_waited_see_the_slices_that_those_before_them_left():
    agent, fetch = busy()
    for note in ("one", "two", "three"):
        agent, _ = agent.cmd(Note(note=note))
    agent, _ = told(agent, Outcome(fetch))

    assert agent.plugin(Notes).notes == ("one", "two", "three")


def test_each_action_of_a_step_sees_the_slices_that_the_one_before_left():
    agent, _ = Machined.new("m").cmd(Go(note="go"))

    assert agent.plugin(Notes).notes == ("exit of a", "go", "entry of b")


def test_what_a_refused_step_would_have_changed_of_a_slice_is_not_seen_by_what_follows():
    agent, _ = Machined.new("m").cmd(Go(note="go"))
    agent, [error] = agent.cmd(Go(note="never"))
    assert isinstance(error, Error)
    agent, _ = agent.cmd(Note(note="after"))

    assert agent.plugin(Notes).notes == ("exit of a", "go", "entry of b", "after")


def test_two_changes_of_one_action_are_made_in_order():
    agent, _ = Machined.new("m").cmd(NoteTwice())

    assert agent.plugin(Notes).notes == ("second",)


def test_a_result_whose_change_of_a_slice_does_not_fit_fails_its_step_and_frees_the_machine():
    agent, fetch = busy()
    agent, [error] = told(agent, Outcome(fetch, result=Notes.change({"notes": 3})))

    assert "plugin notes" in str(error.error)
    assert (agent.strategy_state.own.state, agent.strategy_state.own.running) == ("failed", None)


def test_a_command_that_waited_and_whose_change_of_a_slice_does_not_fit_is_the_only_one_that_fails():
    agent, fetch = busy()
    for action in (Note(note="one"), Misnote(), Note(note="two")):
        agent, _ = agent.cmd(action)
    agent, [error] = told(agent, Outcome(fetch))

    assert "plugin notes" in str(error.error)
    assert agent.plugin(Notes).notes == ("one", "two")
    assert (agent.strategy_state.own.running, agent.strategy_state.own.waiting) == (None, ())


class Both(Input):
    """Run two actions in one go."""


@frozen
class Pairs:
    inputs = (Both,)

    def init(self, agent: Any) -> tuple[Any, tuple[Any, ...]]:
        return evolve(agent, strategy_state=0), ()

    def run(
        self, agent: Any, instructions: Sequence[Instruction], signal: Signal | None
    ) -> tuple[Any, tuple[Any, ...]]:
        agent, first = run_instruction(agent, Instruction(Note(note="one")), signal)
        agent, second = run_instruction(agent, Instruction(Note(note="two")), signal)
        return agent, (*first, *second)


class Paired(Agent, strategy=Pairs(), plugins=[Notes()]): ...


def test_actions_that_a_strategy_of_ones_own_runs_in_one_go_see_the_slices_one_after_the_other():
    agent, _ = Paired.new("p").cmd(Instruction(Both))

    assert agent.plugin(Notes).notes == ("one", "two")

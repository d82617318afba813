"""Actions that wait for an outcome: nobody can make one up, so they are told nothing unless it is given."""

from typing import Any

import pytest
from attrs import frozen
from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from jido_trio import Action, ActionError, Agent, Context, Instruction, Result, RunInstruction
from jido_trio.core import Outcome
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import command_sequences, conformance, subject_of

FEW = settings(max_examples=200, database=None, deadline=None, phases=[Phase.generate])


@frozen
class Order:
    asked: int = 0
    receipt: str = ""


class Charge(Action):
    async def run(self, context: Context[Order]) -> Result:
        return {"receipt": "r"}


class Charged(Action):
    outcome: Outcome

    def run(self, context: Context[Order]) -> Result:
        if self.outcome.error is not None:
            return None
        return {"receipt": self.outcome.result["receipt"]}


class Pay(Action):
    def run(self, context: Context[Order]) -> Result:
        return {"asked": context.state.asked + 1}, RunInstruction(Instruction(Charge()), result_action=Charged)


class Till(Agent[Order], routes={"pay": Pay, "charged": Charged}): ...


@frozen
class Ear:
    heard: int = 0


class Hear(Action):
    outcome: Outcome

    def run(self, context: Context[Ear]) -> Result:
        return {"heard": context.state.heard + 1}


class Deaf(Agent[Ear], routes={"hear": Hear}): ...


FAILED = Outcome(Instruction(Charge()), error=ActionError("no funds"))


def test_an_agent_that_waits_for_an_outcome_is_checked_by_what_else_it_can_be_told() -> None:
    assert Charged not in subject_of(Till).actions
    assert conformance(Till, laws=["total", "closed"], examples=10).holds


@pytest.mark.parametrize("key", [Charged, Outcome, (Charged, "outcome")], ids=["the action", "outcomes", "the field"])
def test_an_outcome_that_is_given_is_told(key: Any) -> None:
    overrides = {key: st.just(Charged(outcome=FAILED) if key is Charged else FAILED)}
    assert Charged in subject_of(Till, overrides).actions
    told = command_sequences(Till, overrides=overrides)
    found = find(told, lambda steps: any(isinstance(step, Charged) for step in steps), settings=FEW)
    assert Charged(outcome=FAILED) in found


def test_an_agent_that_can_be_told_nothing_but_outcomes_is_refused_with_what_to_give() -> None:
    with pytest.raises(InvalidDefinition, match=r"anything but outcomes .* overrides=\{\(Hear, 'outcome'\)"):
        subject_of(Deaf)

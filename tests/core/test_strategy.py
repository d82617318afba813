"""Strategies of one's own: inputs that are no action, routes that they bring, and what their init says."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import attrs
import pytest
from attrs import evolve, field, frozen

from jido_trio.core import (
    Action,
    Agent,
    Began,
    Context,
    Emit,
    Entry,
    Error,
    Input,
    Instruction,
    Outcome,
    Result,
    Route,
    RunInstruction,
    Signal,
    Unrouted,
    mark_of,
    replay,
    run_instruction,
)
from jido_trio.data import pack, unpack
from jido_trio.errors import ActionError, InvalidDefinition, InvalidInstruction, InvalidParams

Begun: TypeAlias = tuple[Any, tuple[Any, ...]]


@frozen
class Talk:
    said: list[str] = field(factory=list)


class Ask(Input):
    """Ask the model something."""

    question: str


class Answered(Input, name="model_answered"):
    outcome: Outcome


class CallModel(Action):
    question: str

    async def run(self, context: Context[Talk]) -> Result:
        return {"text": f"{self.question}!"}


class Note(Action):
    word: str

    def run(self, context: Context[Talk]) -> Result:
        return {"said": [*context.state.said, self.word]}


@frozen
class Chat:
    """Takes questions and answers of the model; runs actions as they are."""

    inputs = (Ask, Answered)
    routes: ClassVar[Any] = {"chat.ask": Ask}

    def init(self, agent: Any) -> Begun:
        return evolve(agent, strategy_state=0 if agent.strategy_state is None else agent.strategy_state), ()

    def run(
        self, agent: Any, instructions: Sequence[Instruction], signal: Signal | None
    ) -> tuple[Any, tuple[Any, ...]]:
        directives: list[Any] = []
        for instruction in instructions:
            try:
                match instruction.action_class:
                    case cls if cls is Ask:
                        ask: Any = instruction.bind()
                        agent = evolve(agent, strategy_state=agent.strategy_state + 1)
                        model = Instruction(CallModel(question=ask.question))
                        directives.append(RunInstruction(model, result_action=Answered))
                    case cls if cls is Answered:
                        answered: Any = instruction.bind()
                        agent = agent.set({"said": [*agent.state.said, answered.outcome.result["text"]]})
                    case _:
                        agent, more = run_instruction(agent, instruction, signal)
                        directives += more
            except ActionError as error:
                directives.append(Error(error, context="instruction"))
        return agent, tuple(directives)


class Chatter(Agent[Talk], strategy=Chat(), routes={"note": Note}): ...


def received(agent: Any, signal: Signal) -> Begun:
    answer = agent.receive(signal)
    assert not isinstance(answer, Unrouted)
    agent, directives = answer
    return agent, directives


def test_an_input_comes_to_the_strategy_that_takes_it():
    agent, [asked] = received(Chatter.new("a"), Signal("chat.ask", {"question": "why"}))

    assert agent.strategy_state == 1
    assert asked.instruction.action == CallModel(question="why")


def test_the_outcome_of_an_action_may_be_an_input():
    agent, [asked] = Chatter.new("a").cmd(Ask(question="why"))
    assert isinstance(asked, RunInstruction)
    agent, more = agent.cmd(asked.finished({"text": "why!"}))

    assert (agent.state.said, more) == (["why!"], ())


def test_an_input_is_checked_as_an_action_is():
    assert (Ask.name, Ask.description, Answered.name) == ("ask", "Ask the model something.", "model_answered")
    with pytest.raises(InvalidParams, match="expected str"):
        Ask(question=7)  # type: ignore[arg-type]

    agent, [error] = received(Chatter.new("a"), Signal("chat.ask", {"qestion": "why"}))
    assert isinstance(error.error, InvalidParams)
    assert agent.strategy_state == 0


def test_actions_and_inputs_go_together():
    agent, [asked] = Chatter.new("a").cmd([Note(word="first"), Ask(question="why"), Note(word="last")])

    assert (agent.state.said, agent.strategy_state) == (["first", "last"], 1)
    assert isinstance(asked, RunInstruction)


def test_an_input_is_a_value_that_can_be_kept():
    assert unpack(pack(Ask(question="why"))) == Ask(question="why")
    assert Ask(question="why") == Ask(question="why") != Ask(question="how")


def test_an_input_has_no_run():
    with pytest.raises(InvalidDefinition, match="Wrong has a run: what is to be run is an action"):

        class Wrong(Input):
            def run(self, context: object) -> None: ...


def test_input_itself_is_for_nobody():
    with pytest.raises(InvalidInstruction, match="no run and can't be run"):
        Instruction(Input)


def test_a_route_to_an_input_that_the_strategy_does_not_take_is_refused():
    with pytest.raises(InvalidDefinition, match=r"route 'ask': strategy Direct\(\) takes no input 'ask'"):

        class Wrong(Agent[Talk], routes={"ask": Ask}): ...


def test_a_subclass_whose_strategy_takes_no_input_it_inherits_a_route_to_is_refused():
    class Base(Agent[Talk], strategy=Chat(), routes={"ask": Ask}): ...

    @frozen
    class Deaf:
        def init(self, agent: Any) -> Any:
            return agent, ()

        def run(self, agent: Any, instructions: Sequence[Instruction], signal: Signal | None) -> Any:
            return agent, ()

    with pytest.raises(InvalidDefinition, match="takes no input 'ask'"):

        class Wrong(Base, strategy=Deaf()): ...


@pytest.mark.parametrize(
    "inputs", [[Ask], (Note,), (Ask(question="why"),), Ask], ids=["list", "action", "value", "one"]
)
def test_inputs_that_are_none_are_refused(inputs):
    strategy: Any = type("Wrong", (Chat,), {"inputs": inputs})()
    with pytest.raises(InvalidDefinition, match="are no tuple of Input classes"):

        class Wrong(Agent[Talk], strategy=strategy): ...


def test_a_strategy_that_knows_no_inputs_says_no_to_one():
    class Plain(Agent[Talk]): ...

    agent, [error] = Plain.new("a").cmd(Ask(question="why"))

    assert agent == Plain.new("a")
    assert error == Error(
        InvalidInstruction("input 'ask' can't be run: it is for a strategy that takes it"), context="instruction"
    )


def test_an_input_is_not_to_be_run_outside_of_cmd():
    with pytest.raises(InvalidDefinition, match="of RunInstruction must be to run an action, and an input isn't one"):
        RunInstruction(Instruction(Ask(question="why")))


def test_what_is_no_instruction_is_not_run():
    with pytest.raises(InvalidDefinition, match="of RunInstruction must be an Instruction"):
        RunInstruction(CallModel(question="why"))  # type: ignore[arg-type]


# ---- routes


def targets(agent: type[Agent[Any]], type: str) -> list[str]:
    return [instruction.action_class.name for instruction in agent.instructions_for(Signal(type, {}))]


def test_routes_of_a_strategy_come_before_those_of_the_agent():
    class Both(Agent[Talk], strategy=Chat(), routes={"chat.ask": Note}): ...

    class Late(Agent[Talk], strategy=Chat(), routes=[Route("chat.ask", Note, priority=60)]): ...

    assert (targets(Both, "chat.ask"), targets(Late, "chat.ask")) == (["ask", "note"], ["note", "ask"])


def test_routes_of_a_strategy_have_their_own_priority_where_they_say_so():
    @frozen
    class Modest(Chat):
        routes: ClassVar[Any] = [Route("chat.ask", Ask, priority=-1)]

    class Both(Agent[Talk], strategy=Modest(), routes={"chat.ask": Note}): ...

    assert targets(Both, "chat.ask") == ["note", "ask"]


def test_a_subclass_has_the_routes_of_its_strategy_and_no_others():
    class Plain(Agent[Talk], routes={"note": Note}): ...

    class Talking(Plain, strategy=Chat()): ...

    class Mute(Talking, routes={}): ...

    assert (targets(Plain, "chat.ask"), targets(Talking, "chat.ask"), targets(Talking, "note")) == (
        [],
        ["ask"],
        ["note"],
    )
    assert (targets(Mute, "chat.ask"), targets(Mute, "note")) == (["ask"], [])


def test_a_route_of_a_strategy_that_fits_nobody_is_refused():
    @frozen
    class Wrong(Chat):
        routes: ClassVar[Any] = {"chat.ask": 7}

    with pytest.raises(InvalidDefinition, match=r"route .chat\.ask"):

        class Wrongly(Agent[Talk], strategy=Wrong()): ...


# ---- init


@frozen
class CountLives(Chat):
    """Counts lives, and begins each with a signal."""

    def init(self, agent: Any) -> Begun:
        lives = (agent.strategy_state or 0) + 1
        return evolve(agent, strategy_state=lives), (Emit("begun", {"life": lives}),)


class Counting(Agent[Talk], strategy=CountLives()): ...


def test_a_beginning_is_an_input_that_can_be_replayed():
    begin = Counting.new("a")
    began = Began(Signal("jido.agent.started", {"id": "a", "incarnation": 2}))
    after, [emit] = began.apply(begin)
    again, [same] = began.apply(begin)

    assert (begin.strategy_state, after.strategy_state) == (1, 2)
    assert (again, same) == (after, emit)  # ids and times of what it makes follow from the signal
    assert replay(begin, [Entry(1, began, mark_of(after))]) == after


def test_a_beginning_can_be_kept():
    began = Began(Signal("jido.agent.started"))
    assert unpack(pack(began)) == began
    assert attrs.has(type(began))

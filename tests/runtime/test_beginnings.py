"""What a life begins with, as the strategy says, each time one begins."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import pytest
import trio
from attrs import evolve, field, frozen

from jido_trio.core import (
    Action,
    Agent,
    Began,
    Context,
    Direct,
    Durable,
    Emit,
    Entry,
    Input,
    Instruction,
    Outcome,
    Result,
    RunInstruction,
    Signal,
)
from jido_trio.errors import AgentCrashed
from jido_trio.runtime import Jido, read_journal
from jido_trio.storage import open_memory
from tests.runtime.test_async_actions import quiet

Begun: TypeAlias = tuple[Any, tuple[Any, ...]]


@frozen
class Work:
    lives: int = 0
    done: list[str] = field(factory=list)
    open: str = ""


class Begin(Action):
    word: str

    def run(self, context: Context[Work]) -> Result:
        return {"open": self.word}


class Finish(Action):
    def run(self, context: Context[Work]) -> Result:
        return {"done": [*context.state.done, context.state.open], "open": ""}


class Crash(Action):
    def run(self, context: Context[Work]) -> Result:
        raise ZeroDivisionError("a bug")


@frozen
class Anew(Direct):
    """Counts lives, lets go of what was open, and tells the agent that it begins."""

    def init(self, agent: Any) -> Begun:
        changed = agent.set({"lives": agent.state.lives + 1, "open": ""})
        return changed, (Emit("begun", {"word": f"life {changed.state.lives}"}),)


class Note(Action):
    word: str

    def run(self, context: Context[Work]) -> Result:
        return {"done": [*context.state.done, self.word]}


ROUTES: dict[str, type[Action]] = {"begin": Begin, "finish": Finish, "crash": Crash, "begun": Note}


class Kept(Agent[Work], strategy=Anew(), durable=Durable(), routes=ROUTES): ...


class Committed(Agent[Work], strategy=Anew(), after_crash="committed", routes=ROUTES): ...


class Fresh(Agent[Work], strategy=Anew(), routes=ROUTES): ...


async def crash(ref: Any) -> None:
    with pytest.raises(AgentCrashed):
        await ref.call(Signal("crash"))
    await trio.sleep(1)


@pytest.mark.parametrize(
    ("agent", "lives", "done"),
    [(Fresh, 2, ["life 2"]), (Committed, 3, ["life 2", "a", "life 3"]), (Kept, 3, ["life 2", "a", "life 3"])],
    ids=["fresh", "committed", "durable"],
)
async def test_each_life_begins_as_the_strategy_says(agent, lives, done, autojump_clock):
    async with quiet(storage=open_memory()) as jido:
        ref = await jido.start_agent(agent, id="a")
        await trio.sleep(1)
        await ref.call(Signal("begin", {"word": "a"}))
        await ref.call(Signal("finish"))
        await ref.call(Signal("begin", {"word": "b"}))
        await crash(ref)

    assert ref.agent.state == Work(lives, done)


async def test_what_a_durable_life_begins_with_is_committed(autojump_clock):
    async with open_memory() as storage:
        async with Jido("d", storage=storage, on_report=lambda _: None) as jido:
            ref = await jido.start_agent(Kept, id="a")
            await crash(ref)
            lives = ref.agent.state.lives
        begun = [entry for entry in await entries(storage) if isinstance(entry.input, Began)]
        async with Jido("d", storage=storage) as jido:
            again = await jido.start_agent(Kept, id="a")
            await trio.sleep(1)
            later = again.agent.state

    assert (lives, later) == (3, Work(4, ["life 2", "life 3", "life 4"]))
    assert [entry.input.signal.data["incarnation"] for entry in begun] == [1, 2]


async def entries(storage: Any) -> Sequence[Entry]:
    journal = await read_journal(storage, "d", "a")
    return journal.entries


@frozen
class Same(Direct):
    """Begins with what there is, made anew."""

    def init(self, agent: Any) -> Begun:
        return evolve(agent, strategy_state="ready"), ()


class Still(Agent[Work], strategy=Same(), durable=Durable(), routes=ROUTES): ...


async def test_a_durable_life_that_begins_with_what_it_was_left_with_writes_nothing(autojump_clock):
    async with open_memory() as storage, Jido("d", storage=storage, on_report=lambda _: None) as jido:
        ref = await jido.start_agent(Still, id="a")
        await ref.call(Signal("begin", {"word": "a"}))
        await crash(ref)
        await ref.call(Signal("finish"))
        found = [type(entry.input).__name__ for entry in await entries(storage)]

    assert found == ["Heard", "Heard"]
    assert ref.agent.state == Work(0, ["a"])


@frozen
class Heavy(Direct):
    """Begins with what can't be kept."""

    def init(self, agent: Any) -> Begun:
        return evolve(agent, strategy_state=None if agent.strategy_state is None else object()), ()


class Unkept(Agent[Work], strategy=Heavy(), durable=Durable(), routes=ROUTES): ...


async def test_a_beginning_that_can_not_be_kept_crashes_the_life(autojump_clock):
    reports: list[Any] = []
    async with quiet(storage=open_memory(), on_report=reports.append) as jido:
        await jido.start_agent(evolve(Unkept.new("a"), strategy_state="x"), budget=None, restart="temporary")
        await trio.sleep(1)

    assert reports[0].failure.type == "jido_trio.errors.Unstorable"


# ---- inputs


class Ask(Input):
    question: str


class Answered(Input):
    outcome: Outcome


class Model(Action):
    question: str

    async def run(self, context: Context[Work]) -> Result:
        await trio.sleep(1)
        return {"text": f"{self.question}!"}


@frozen
class Chat(Direct):
    inputs = (Ask, Answered)
    routes: ClassVar[Any] = {"chat.ask": Ask}

    def run(
        self, agent: Any, instructions: Sequence[Instruction], signal: Signal | None
    ) -> tuple[Any, tuple[Any, ...]]:
        [instruction] = instructions
        match instruction.bind():
            case Ask(question=question):
                return agent, (RunInstruction(Instruction(Model(question=question)), Answered, lane="chat"),)
            case Answered(outcome=outcome):
                return agent.set({"done": [*agent.state.done, outcome.result["text"]]}), ()
            case _:
                return super().run(agent, instructions, signal)


class Chatting(Agent[Work], strategy=Chat(), routes=ROUTES): ...


class KeptChat(Agent[Work], strategy=Chat(), durable=Durable(), routes=ROUTES): ...


@pytest.mark.parametrize("agent", [Chatting, KeptChat], ids=["plain", "durable"])
async def test_inputs_of_a_strategy_are_sent_as_signals_and_come_back_as_outcomes(agent, autojump_clock):
    async with quiet(storage=open_memory()) as jido:
        ref = await jido.start_agent(agent, id="a")
        for question in ("why", "how"):
            await ref.call(Signal("chat.ask", {"question": question}))
        await ref.call(Ask(question="when"))
        await trio.sleep(10)

    assert list(ref.agent.state.done) == ["why!", "how!", "when!"]

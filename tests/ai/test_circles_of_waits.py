"""Tools that would wait for ever, as an agent that waits for them is waited for: they are refused, and all goes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio.testing
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Signal
from jido_trio.ai import Answered, ChatAgent, Model, Models, Tool, ToolMessage, ask, teammate
from jido_trio.errors import NotSettled, WouldDeadlock
from jido_trio.runtime import Runtime, interpret
from jido_trio.storage import open_memory
from jido_trio.testing import ScriptedModel

CIRCLES: list[tuple[str, ...]] = []


class Instance:
    """What tools find the others by."""

    jido: Jido


class Rest(Action, description="Puts an agent to rest"):
    id: str

    async def run(self, context: Context[Any]) -> Any:
        with noted():
            await context.resources[Instance].jido.hibernate(self.id)
        return "it rests"


class AskBack(Action, description="Asks another agent"):
    id: str
    timeout: float | None = None

    async def run(self, context: Context[Any]) -> Any:
        asked = context.resources[Instance].jido.whereis(self.id)
        assert asked is not None
        with noted():
            return str(await (await ask(asked, "What was it?", id="back")).answer(timeout=self.timeout))


class noted:  # noqa: N801  # a context manager
    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, WouldDeadlock):
            CIRCLES.append(error.path)


MODELS = Models(**{name: Model("m", ScriptedModel([])) for name in ("boss", "clerk", "help")})


class Help(ChatAgent, models=MODELS, model="help", description="Helps", tools=[Rest, AskBack]): ...


class Clerk(
    ChatAgent,
    models=MODELS,
    model="clerk",
    description="Knows",
    tools=[Tool(Rest, timeout=70), AskBack, teammate(Help, name="help")],
    durable=True,
): ...


class Boss(ChatAgent, models=MODELS, model="boss", tools=[teammate(Clerk, name="clerk"), AskBack], durable=True): ...


@asynccontextmanager
async def office(**scripts: ScriptedModel) -> AsyncIterator[Jido]:
    CIRCLES.clear()
    here = Instance()
    async with (
        open_memory() as storage,
        Jido("office", services=[MODELS.with_clients(**scripts)], storage=storage, resources={Instance: here}) as jido,
    ):
        here.jido = jido
        await jido.start_agent(Boss, id="boss")
        yield jido


def boss(jido: Jido) -> Any:
    return jido.whereis("boss")


def told(model: ScriptedModel) -> str:
    """Return what the last tool of a conversation told."""
    [*_, last] = [each for each in model.requests[-1].prompt.messages if isinstance(each, ToolMessage)]
    return last.content


ASKS_CLERK, ASKS_HELP = [("clerk", {"question": "?"})], [("help", {"question": "?"})]
BACK: Any = {"rest": [("rest", {"id": "boss"})], "ask": [("ask_back", {"id": "boss"})]}


@pytest.mark.parametrize("how", ["rest", "ask"])
async def test_a_tool_of_a_teammate_that_would_wait_for_its_asker_is_refused(autojump_clock, how):
    clerk = ScriptedModel([BACK[how], "never mind"])
    async with office(boss=ScriptedModel([ASKS_CLERK, "well", "again"]), clerk=clerk) as jido:
        assert isinstance(await (await ask(boss(jido), "hi")).answer(timeout=600), Answered)
    assert CIRCLES == [("boss/clerk", "boss", "boss/clerk")]
    assert "WouldDeadlock" in told(clerk)


@pytest.mark.parametrize("how", ["rest", "ask"])
async def test_a_tool_of_a_teammates_teammate_that_would_wait_for_the_first_asker_is_refused(autojump_clock, how):
    scripts = {
        "boss": ScriptedModel([ASKS_CLERK, "well", "again"]),
        "clerk": ScriptedModel([ASKS_HELP, "so it is"]),
        "help": ScriptedModel([BACK[how], "never mind"]),
    }
    async with office(**scripts) as jido:
        assert isinstance(await (await ask(boss(jido), "hi")).answer(timeout=600), Answered)
    assert CIRCLES == [("boss/clerk/help", "boss", "boss/clerk", "boss/clerk/help")]


async def test_a_tool_that_would_wait_for_the_answer_of_its_own_agent_is_refused(autojump_clock):
    model = ScriptedModel([BACK["ask"], "well", "again"])
    async with office(boss=model) as jido:
        assert isinstance(await (await ask(boss(jido), "hi")).answer(timeout=600), Answered)
    assert CIRCLES == [("boss", "boss")]


async def test_an_agent_that_a_teammate_puts_to_rest_cannot_ask_that_one_and_comes_to_rest(autojump_clock):
    model = ScriptedModel([ASKS_CLERK, "without it"], seconds=10)
    async with office(boss=model, clerk=ScriptedModel([BACK["rest"]])) as jido:
        asked = await ask(boss(jido), "hi")
        await ask(await jido.start_agent(Clerk, id="boss/clerk"), "Put the boss to rest")
        assert isinstance(await asked.answer(timeout=600), Answered)
        await trio.testing.wait_all_tasks_blocked()
        assert jido.whereis("boss") is None
    assert told(model).startswith("agent 'boss' waits for the code that calls this")
    assert "'boss' -> 'boss/clerk' -> 'boss'" in told(model)


async def test_what_cannot_be_waited_for_is_not_asked_of_a_teammate_later(autojump_clock):
    clerk = ScriptedModel([BACK["rest"], "it took too long"])
    async with office(boss=ScriptedModel([ASKS_CLERK, "without it"], seconds=50), clerk=clerk) as jido:
        asked = await ask(boss(jido), "hi")
        resting = await ask(await jido.start_agent(Clerk, id="boss/clerk"), "Put the boss to rest")
        assert isinstance(await resting.answer(timeout=600), Answered)  # after 70 seconds
        assert isinstance(await asked.answer(timeout=600), Answered)
        await trio.testing.wait_all_tasks_blocked()
    assert len(clerk.requests) == 2


async def test_a_wait_that_ends_after_some_time_is_not_refused(autojump_clock):
    clerk = ScriptedModel([[("ask_back", {"id": "boss", "timeout": 5})], "never mind"])
    async with office(boss=ScriptedModel([ASKS_CLERK, "well", "again"]), clerk=clerk) as jido:
        assert isinstance(await (await ask(boss(jido), "hi")).answer(timeout=600), Answered)
    assert CIRCLES == []
    assert NotSettled.__name__ in told(clerk)


async def test_a_tool_of_a_teammate_may_wait_for_others_that_wait_for_nobody(autojump_clock):
    clerk = ScriptedModel([[("ask_back", {"id": "other"})], [("rest", {"id": "other"})], "well"])
    model = ScriptedModel([ASKS_CLERK, "thanks"])
    other = ScriptedModel(["here it is"], seconds=3)
    async with office(boss=model, clerk=clerk, help=other) as jido:
        await jido.start_agent(KeptHelp, id="other")
        assert isinstance(await (await ask(boss(jido), "hi")).answer(timeout=600), Answered)
        assert jido.whereis("other") is None
    assert told(clerk) == "it rests"


class KeptHelp(Help, durable=True): ...


async def asks_clerk(resources: Any) -> str:
    clerk = resources[Instance].jido.whereis("clerk")
    answer = await (await ask(clerk, "Well?")).answer()
    return answer.text if isinstance(answer, Answered) else "nothing"


class AskAside(Action):
    async def run(self, context: Context[Any]) -> Any:
        return {"heard": await asks_clerk(context.resources)}


@frozen
class AskFirst:
    """A directive: ask the clerk, and handle nothing meanwhile."""


@interpret.register
async def _(_directive: AskFirst, runtime: Runtime) -> None:
    assert await asks_clerk(runtime.resources) == "never mind"


class AskInside(Action):
    def run(self, context: Context[Any]) -> Any:
        return {"heard": "never mind"}, AskFirst()


@frozen
class Heard:
    heard: str = ""


class Desk(Agent[Heard], routes={"aside": AskAside, "inside": AskInside}, durable=True): ...


class AskForChief(Action):
    async def run(self, context: Context[Any]) -> Any:
        await asks_clerk(context.resources)
        return {}


class Chief(Boss, routes={"aside": AskForChief}, durable=True): ...


@pytest.mark.parametrize("how", ["aside", "inside"])
async def test_a_tool_cannot_put_an_agent_to_rest_whose_action_or_interpreter_waits_for_it(autojump_clock, how):
    async with office(clerk=ScriptedModel([[("rest", {"id": "desk"})], "never mind"])) as jido:
        desk = await jido.start_agent(Desk, id="desk")
        await jido.start_agent(Clerk, id="clerk")
        await desk.call(Signal(how), until="settled", timeout=60)
        assert desk.agent.state.heard == "never mind"
        await jido.hibernate(desk)
    assert CIRCLES == [("clerk", "desk", "clerk")]


async def test_an_agent_answers_while_an_async_action_of_it_waits_for_who_asks_it(autojump_clock):
    clerk = ScriptedModel([[("ask_back", {"id": "chief"})], "never mind"])
    async with office(boss=ScriptedModel(["it was this"]), clerk=clerk) as jido:
        chief = await jido.start_agent(Chief, id="chief")
        await jido.start_agent(Clerk, id="clerk")
        await chief.call(Signal("aside"), until="settled", timeout=60)
    assert CIRCLES == []
    assert "it was this" in told(clerk)

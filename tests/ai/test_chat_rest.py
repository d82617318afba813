"""Agents that speak with models, and are put to rest: what is in flight is waited for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from jido_trio import Action, Context, Jido
from jido_trio.ai import Answered, ChatAgent, Model, Models, NeedsApproval, Request, Tool, ToolMessage, ask
from jido_trio.errors import NoRoomForKey
from jido_trio.groups import Keyed, open_keyed
from jido_trio.storage import MemoryStorage
from jido_trio.testing import ScriptedModel
from jido_trio.world import clocked

RUNS: list[str] = []


class Look(Action):
    async def run(self, context: Context[Any]) -> Any:
        RUNS.append(str(context.key))
        await trio.sleep(10)
        return "found"


class Pay(Action):
    def run(self, context: Context[Any]) -> Any: ...


MODELS = Models(main=Model("m", ScriptedModel([])))


class Clerk(
    ChatAgent,
    models=MODELS,
    model="main",
    tools=[Look, Tool(Pay, approve=True)],
    durable=True,
): ...


class Office:
    """Clerks with a script, one for each key."""

    def __init__(self, jido: Jido, clerks: Keyed[Clerk], scripted: ScriptedModel) -> None:
        self.jido, self.clerks, self.scripted = jido, clerks, scripted

    async def ask(self, key: str) -> Request:
        async with self.clerks.attach(key) as clerk:
            return await ask(clerk, "Look it up")


@asynccontextmanager
async def office(*script: Any, seconds: float = 0, **options: Any) -> AsyncIterator[Office]:
    RUNS.clear()
    scripted = ScriptedModel(script, seconds=seconds)
    models = MODELS.with_clients(main=scripted)
    world = clocked(1, trio.current_time)
    async with (
        Jido("desk", storage=MemoryStorage(), services=[models], world=world) as jido,
        open_keyed(jido, Clerk, name="clerks", **options) as clerks,
    ):
        yield Office(jido, clerks, scripted)


async def test_a_keyed_agent_is_not_put_to_rest_while_a_model_speaks(autojump_clock):
    async with office("it snows", seconds=30, idle=5) as here:
        request = await here.ask("ann")
        assert isinstance(await request.answer(), Answered)
        assert len(here.scripted.requests) == 1
        await trio.sleep(11)
        assert here.clerks.lookup("ann") is None


async def test_a_keyed_agent_is_not_put_to_rest_while_a_tool_runs(autojump_clock):
    async with office([("look", {})], "it snows", idle=5) as here:
        request = await here.ask("ann")
        assert isinstance(await request.answer(), Answered)
        assert len(RUNS) == 1


async def test_who_wants_its_room_waits_until_the_answer_is_there(autojump_clock):
    async with office("it snows", "it rains", seconds=30, limit=1) as here:
        request = await here.ask("ann")
        with pytest.raises(NoRoomForKey):
            await here.clerks.get("bob")
        await here.clerks.get("bob", timeout=None)
        assert isinstance(await request.answer(), Answered)
        assert here.scripted.cancelled == 0


async def test_one_that_waits_for_an_approval_is_put_to_rest(autojump_clock):
    async with office([("pay", {})], idle=5) as here:
        request = await here.ask("ann")
        assert isinstance(await request.answer(), NeedsApproval)
        await trio.sleep(6)
        assert here.clerks.lookup("ann") is None


class Clerks:
    """What a tool finds the clerks by."""

    here: Any = None


class Leave(Action):
    async def run(self, context: Context[Any]) -> Any:
        await context.resources[Clerks].here.stop("ann")


class Leaver(Clerk, tools=[Leave]): ...


async def test_a_tool_cannot_put_its_own_agent_to_rest_and_is_told_so(autojump_clock):
    clerks, scripted = Clerks(), ScriptedModel([[("leave", {})], "I stay"])
    services = [MODELS.with_clients(main=scripted)]
    async with (
        Jido("desk", storage=MemoryStorage(), services=services, resources={Clerks: clerks}) as jido,
        open_keyed(jido, Leaver, name="clerks") as clerks.here,
        clerks.here.attach("ann") as ann,
    ):
        answer = await (await ask(ann, "Leave")).answer(timeout=60)
        assert isinstance(answer, Answered)
        [told] = [each for each in scripted.requests[-1].prompt.messages if isinstance(each, ToolMessage)]
        assert "WouldDeadlock" in told.content


async def test_hibernation_waits_for_what_is_in_flight(autojump_clock):
    async with office([("look", {})], "it snows", seconds=30) as here:
        request = await here.ask("ann")
        await here.jido.hibernate("clerks/ann")
        assert (len(RUNS), len(here.scripted.requests)) == (1, 2)
        assert isinstance(await request.answer(), Answered)

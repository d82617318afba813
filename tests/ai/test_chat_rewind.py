"""Agents that speak with models, and go back: what flies is of the branch that they are on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from jido_trio import Action, Context, Jido
from jido_trio.ai import Answered, ChatAgent, Model, Models, Request, TextPart, ToolMessage, ask, find_request
from jido_trio.runtime import AgentRef
from jido_trio.storage import MemoryStorage
from jido_trio.testing import ScriptedModel

RUNS: list[str] = []


class Look(Action):
    async def run(self, context: Context[Any]) -> Any:
        RUNS.append(str(context.key))
        await trio.sleep(10)
        return "found"


MODELS = Models(main=Model("m", ScriptedModel([])))


class Clerk(ChatAgent, models=MODELS, model="main", tools=[Look], durable=True): ...


@asynccontextmanager
async def clerk(*script: Any) -> AsyncIterator[tuple[Jido, AgentRef[Any], ScriptedModel]]:
    RUNS.clear()
    scripted = ScriptedModel(script, seconds=2)
    models = MODELS.with_clients(main=scripted)
    async with Jido("desk", storage=MemoryStorage(), services=[models]) as jido:
        yield jido, await jido.start_agent(Clerk, id="ann"), scripted


async def said(request: Request) -> str:
    answer = await request.answer(timeout=100)
    assert isinstance(answer, Answered)
    return answer.text


async def test_the_reply_to_a_request_that_was_left_is_not_taken_for_that_to_the_next(autojump_clock):
    async with clerk("one", "the left one", "two") as (jido, ann, scripted):
        await said(await ask(ann, "first"))
        await ask(ann, "left")
        await trio.sleep(1)
        await jido.rewind(ann, to=2)
        assert await said(await ask(ann, "second")) == "two"
        assert scripted.cancelled == 1


async def test_a_call_that_was_in_flight_at_the_point_and_has_ended_is_sent_again(autojump_clock):
    async with clerk("one", "once more") as (jido, ann, _):
        request = await ask(ann, "first")
        await said(request)
        await jido.rewind(ann, to=1)
        assert await said(request) == "once more"


async def test_a_call_that_still_flies_flies_on(autojump_clock):
    async with clerk("one", "two") as (jido, ann, scripted):
        request = await ask(ann, "first")
        await ask(ann, "left")
        await trio.sleep(1)
        await jido.rewind(ann, to=1)
        assert await said(request) == "one"
        assert len(scripted.requests) == 1


async def test_a_tool_that_was_run_since_is_one_that_may_have_happened(autojump_clock):
    async with clerk([("look", {})], "one", "I'll check") as (jido, ann, scripted):
        request = await ask(ann, "first")
        await said(request)
        await jido.rewind(ann, to=3)
        assert await said(request) == "I'll check"
        assert len(RUNS) == 1
        [told] = [each for each in scripted.requests[-1].prompt.messages if isinstance(each, ToolMessage)]
        assert "It may have happened" in told.content


async def test_a_request_that_was_left_and_is_asked_again_has_parts_of_its_own(autojump_clock):
    async with clerk("one", "two") as (jido, ann, _):
        await said(await ask(ann, "first", id="1"))
        await jido.rewind(ann, to=0)
        assert find_request(ann, "1") is None
        again = await ask(ann, "again", id="1")
        assert await said(again) == "two"
        assert [part async for part in again.parts()] == [TextPart("two")]

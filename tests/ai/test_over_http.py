"""Whole ways: an agent, an official SDK, HTTP, and a strict server on which the requests are counted.

What holds for a single reply is in `test_every_provider`; what an agent makes of it is here.
"""

# mypy: disable-error-code="union-attr,arg-type"

import json
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import evolve, frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    Budget,
    Cancelled,
    ChatAgent,
    Model,
    Models,
    NeedsApproval,
    NotAnswered,
    OutOfBudget,
    TextPart,
    Tool,
    WithdrawnPart,
    ask,
)
from jido_trio.storage import open_memory
from jido_trio.testing import HttpReply, ScriptedModel
from tests.ai.providers import EVERY, KEY

RAN: list[str] = []
NOBODY = Models(m=Model("small-1", ScriptedModel([]), max_tokens=50))
OSLO, BERGEN = (("weather", json.dumps({"city": city})) for city in ("Oslo", "Bergen"))


@frozen
class Trip:
    hotel: str = ""


class Weather(Action):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        RAN.append(self.city)
        if self.city == "Atlantis":
            raise ValueError("no such place")
        return {"sky": "snow"}


class Wait(Action):
    async def run(self, context):
        RAN.append("wait")
        await trio.sleep_forever()


class Book(Action):
    hotel: str

    def run(self, context):
        return {"hotel": self.hotel}


class Crash(Action):
    def run(self, context):
        raise RuntimeError("bug")


class Planner(
    ChatAgent[Trip],
    models=NOBODY,
    model="m",
    tools=[Weather, Wait, Tool(Book, approve=True)],
    first_pause=0,
    routes={"crash": Crash},
):
    """Plans trips."""


class Once(Planner, retries=1): ...


class Poor(Planner, budget=Budget(calls=2)): ...


class Durable(Planner, durable=True): ...


class Talkative(Planner, compact_at=2_000): ...


@pytest.fixture(params=["openai", "anthropic"])
def provider(request):
    RAN.clear()
    return EVERY[request.param]


@asynccontextmanager
async def way(provider, script, agent=Planner, storage=None, **options):
    """Yield an agent, and the server that answers by a script."""
    async with provider.serving(script) as server:
        client = provider.client(api_key=KEY, base_url=server.base_url, **options)
        models = NOBODY.with_clients(m=client)
        async with Jido("trips", services=[models], storage=storage, on_report=lambda _: None) as jido:
            yield await jido.start_agent(agent), server
        assert server.refused == []


async def outcome_of(planner, text="Oslo"):
    return await (await ask(planner, text)).answer(timeout=20)


def last_told(server):
    return json.dumps(server.requests[-1], ensure_ascii=False)


# What the provider does


async def test_after_two_refusals_that_say_how_long_to_wait_there_is_one_answer(provider):
    refusal = HttpReply(429, {"retry-after-ms": "60"}, body="{}")
    async with way(provider, [refusal, refusal, provider.reply("Snow")]) as (planner, server):
        began = trio.current_time()
        outcome = await outcome_of(planner)
        assert trio.current_time() - began >= 0.12
    assert (outcome.text, outcome.spent.calls, len(server.requests)) == ("Snow", 3, 3)


async def test_with_one_retry_it_fails_and_the_next_question_is_answered(provider):
    script = [HttpReply(500, body="{}"), HttpReply(529, body="{}"), provider.reply("Snow")]
    async with way(provider, script, Once) as (planner, server):
        assert isinstance(await outcome_of(planner), NotAnswered)
        assert len(server.requests) == 2
        assert (await outcome_of(planner)).text == "Snow"
        assert len(server.requests) == 3


@pytest.mark.parametrize("end", ["cut", "early", "error"])
async def test_a_stream_that_breaks_is_tried_once_more_and_what_was_shown_of_it_is_withdrawn(provider, end):
    half = provider.reply("one two three", end="early" if end == "error" else end)
    if end == "error":
        half = evolve(half, events=[*half.events, provider.error("overloaded")])
    async with way(provider, [half, provider.reply("Snow")]) as (planner, server):
        request = await ask(planner, "Oslo")
        parts = [part async for part in request.parts()]
        outcome = await request.answer(timeout=20)
    at = parts.index(WithdrawnPart())
    assert "".join(part.text for part in parts[:at]).startswith("one")
    assert [part.text for part in parts[at + 1 :] if isinstance(part, TextPart)] == ["Snow"]
    assert (outcome.text, outcome.spent.calls, len(server.requests)) == ("Snow", 2, 2)


@pytest.mark.parametrize("end", ["cut", "early"])
async def test_a_call_of_a_tool_that_was_cut_is_not_run(provider, end):
    script = [provider.reply(calls=[OSLO], end=end), provider.reply("None")]
    async with way(provider, script) as (planner, server):
        assert (await outcome_of(planner)).text == "None"
    assert (RAN, len(server.requests)) == ([], 2)


async def test_a_server_that_is_silent_is_asked_once_for_each_try(provider, mock_clock):
    silent = provider.reply("Snow in", end="hang")
    async with way(provider, [silent, silent], Once, silence=10) as (planner, server), trio.open_nursery() as nursery:
        request = await ask(planner, "Oslo")
        heard = trio.Event()

        async def jump():
            while True:
                await trio.lowlevel.checkpoint()
                mock_clock.jump(heard.is_set())  # no time goes by before it is silent

        nursery.start_soon(jump)
        async for part in request.parts():
            if isinstance(part, TextPart):
                heard.set()
            else:
                heard = trio.Event()
        outcome = await request.answer()
        nursery.cancel_scope.cancel()
    assert isinstance(outcome, NotAnswered)
    assert (outcome.spent.calls, len(server.requests), server.connections) == (2, 2, 2)


@pytest.mark.parametrize("reply", [HttpReply(body="{}"), HttpReply(body="<html>busy</html>"), HttpReply(events=[])])
async def test_a_200_that_is_no_reply_is_no_answer_and_tells_its_beginning(provider, reply):
    async with way(provider, [reply, reply], Once) as (planner, server):
        outcome = await outcome_of(planner)
    assert isinstance(outcome, NotAnswered)
    assert (reply.body or "empty") in outcome.why
    assert len(server.requests) == 2


# What the model calls


async def test_calls_that_fit_nothing_are_told_and_the_model_mends_them(provider):
    wrong = [("weather", provider.misfit), ("wether", "{}"), ("weather", "{}"), OSLO]
    twins = provider.reply(calls=wrong)
    told = json.loads(json.dumps(twins.events).replace("id-1", "id-0").replace("toolu_1", "toolu_0"))
    async with way(provider, [evolve(twins, events=told), provider.reply("Snow")]) as (planner, server):
        assert (await outcome_of(planner)).text == "Snow"
    assert RAN == ["Oslo"]
    assert len(server.requests) == 2
    for result, times in (("don't fit", 2), ("there is no tool 'wether'", 1), ('{\\"sky\\": \\"snow\\"}', 1)):
        assert last_told(server).count(result) == times


async def test_a_bug_in_a_tool_is_told_and_neither_its_siblings_nor_the_agent_notice(provider):
    script = [provider.reply(calls=[("weather", '{"city": "Atlantis"}'), OSLO]), provider.reply("Snow")]
    async with way(provider, script) as (planner, server):
        assert (await outcome_of(planner)).text == "Snow"
        assert planner.incarnation == 1
    assert sorted(RAN) == ["Atlantis", "Oslo"]
    assert last_told(server).count("the tool failed: ValueError: no such place") == 1
    assert last_told(server).count('{\\"sky\\": \\"snow\\"}') == 1


async def test_a_model_that_wants_ever_more_ends_at_its_budget_and_the_next_question_is_answered(provider):
    script = [provider.reply(calls=[(OSLO, BERGEN)[number % 2]]) for number in range(2)]
    async with way(provider, [*script, provider.reply("Snow")], Poor) as (planner, server):
        outcome = await outcome_of(planner)
        assert isinstance(outcome, OutOfBudget)
        assert len(server.requests) == 2
        assert (await outcome_of(planner)).text == "Snow"


# Crashes and cancels


async def test_the_agent_crashes_while_the_model_replies_and_nobody_notices(provider):
    crashed = trio.Event()
    whole = provider.reply("one two three")
    words = [at for at, event in enumerate(whole.events) if "two" in json.dumps(event)]
    paused = evolve(whole, events=[*whole.events[: words[0]], crashed, *whole.events[words[0] :]])
    async with way(provider, [paused]) as (planner, server):
        request = await ask(planner, "count")
        reader = request.parts()
        assert await anext(reader) == TextPart("one")
        await planner.cast(Crash())
        while planner.incarnation == 1:
            await trio.lowlevel.checkpoint()
        crashed.set()
        assert "".join([part.text async for part in reader]) == " two three"
        assert (await request.answer(timeout=20)).text == "one two three"
    assert len(server.requests) == 1


async def test_cancel_while_the_model_thinks_closes_the_connection(provider):
    script = [provider.reply("Snow in", end="hang"), provider.reply("here")]
    async with way(provider, script) as (planner, server):
        request = await ask(planner, "Oslo")
        await anext(request.parts())
        await request.cancel()
        assert isinstance(await request.answer(timeout=20), Cancelled)
        with trio.fail_after(0.5):
            while not server.closed_early:
                await trio.lowlevel.checkpoint()
        assert (await outcome_of(planner)).text == "here"


async def test_cancel_while_two_tools_run(provider):
    script = [provider.reply(calls=[("wait", "{}"), ("wait", "{}")]), provider.reply("here")]
    async with way(provider, script) as (planner, server):
        request = await ask(planner, "wait")
        while len(RAN) < 2:
            await trio.lowlevel.checkpoint()
        await request.cancel()
        assert isinstance(await request.answer(timeout=20), Cancelled)
        assert (await outcome_of(planner)).text == "here"
    assert len(server.requests) == 2
    assert last_told(server).count("Cancelled while it was running") == 2


async def test_cancel_while_somebody_is_to_approve(provider):
    script = [provider.reply(calls=[("book", '{"hotel": "Grand"}')]), provider.reply("here")]
    async with way(provider, script) as (planner, server):
        request = await ask(planner, "book")
        assert isinstance(await request.answer(timeout=20), NeedsApproval)
        await request.cancel()
        assert isinstance(await request.answer(timeout=20), Cancelled)
        assert (await outcome_of(planner)).text == "here"
        assert planner.agent.state.hotel == ""
    assert len(server.requests) == 2


async def test_what_is_begun_is_on_disk_before_a_request_leaves(provider):
    seen = []

    class Noting:
        def __init__(self, storage):
            self.storage = storage
            self.get, self.scan = storage.get, storage.scan

        async def commit(self, ops):
            await self.storage.commit(ops)
            seen.append("commit")

    @asynccontextmanager
    async def noting():
        async with open_memory() as storage:
            yield Noting(storage)

    def script():
        for reply in (provider.reply(calls=[OSLO]), provider.reply("Snow")):
            seen.append("request")
            yield reply

    async with way(provider, script(), Durable, storage=noting()) as (planner, _):
        assert (await outcome_of(planner)).text == "Snow"
    first, second = [at for at, what in enumerate(seen) if what == "request"]
    assert "commit" in seen[:first]
    assert seen[first:second].count("commit") >= 2  # the reply, and that the tool was begun


# Long conversations


async def test_fifty_turns_with_tools_through_compaction_are_never_refused(provider):
    def line(server):
        last = server.requests[-1]["messages"][-1]
        if "Summarize" in json.dumps(last):
            return provider.reply("Much was said. " * 5)
        if "sky" in json.dumps(last):
            return provider.reply("It snows there, as you asked, and it is cold enough for it to stay.")
        return provider.reply(calls=[OSLO, BERGEN])

    def script():
        while True:
            yield line(running[0])

    running: list[object] = []
    async with way(provider, script(), Talkative) as (planner, server):
        running.append(server)
        turns = 50 if provider is EVERY["openai"] else 15  # each is a lot of HTTP
        for number in range(turns):
            outcome = await outcome_of(planner, f"turn {number}")
            assert isinstance(outcome, Answered), outcome
    assert len(server.requests) > turns * 2 + 1  # it was summed up meanwhile, more than once
    assert len(RAN) == turns * 2

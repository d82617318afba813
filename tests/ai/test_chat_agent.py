"""Agents that speak with models, under virtual time."""

# mypy: disable-error-code="union-attr,var-annotated,arg-type,assignment"

import re

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Emit, Jido, Transient
from jido_trio.ai import (
    Answered,
    Ask,
    Budget,
    Cancelled,
    ChatAgent,
    Model,
    ModelFailure,
    ModelReply,
    Models,
    NeedsApproval,
    NotAnswered,
    OutOfBudget,
    Price,
    TextPart,
    Tool,
    ToolMessage,
    ToolPart,
    ToolResultPart,
    WithdrawnPart,
    ask,
    find_request,
)
from jido_trio.core import Policy
from jido_trio.errors import AgentStopped, InvalidDefinition, NotSettled
from jido_trio.storage import open_memory
from jido_trio.testing import ScriptedModel


@frozen
class Trip:
    hotel: str = ""


RUNS: list[tuple[str, str]] = []


@pytest.fixture(autouse=True)
def _no_runs():
    RUNS.clear()


class Weather(Action):
    city: str

    async def run(self, context):
        RUNS.append(("weather", context["call"]))
        await trio.sleep(1)
        if self.city == "Atlantis":
            raise ValueError("no such place")
        return {"sky": "snow", "of": context.state.hotel}


class Book(Action):
    hotel: str

    def run(self, context):
        return {"hotel": self.hotel}


class Wait(Action):
    async def run(self, context):
        RUNS.append(("wait", context.key))
        await trio.sleep_forever()


class Odd(Action):
    async def run(self, context):
        return object()


class Post(Action):
    kind: str

    def run(self, context):
        letter = Emit("letter", {"to": "somebody else"})
        return {"one": letter, "several": [letter], "none": None, "both": (None, letter), "empty": ()}[self.kind]


class Crash(Action):
    def run(self, context):
        raise RuntimeError("bug")


NO_SCRIPT = Models(fast=Model("m", ScriptedModel([]), price=Price(1, 1)))


class Planner(
    ChatAgent[Trip],
    models=NO_SCRIPT,
    model="fast",
    tools=[Weather, Odd, Tool(Wait, timeout=5), Tool(Book, approve=True)],
    routes={"crash": Crash},
):
    """Plans trips."""


class Kept(Planner, durable=True):
    """The same on disk."""


class KeptOrFailed(Kept, on_lost="fail"): ...


class Steered(Planner, busy="steer"): ...


class Rejecting(Planner, busy="reject"): ...


class Sulk(Action, name="moody", policy=Policy(max_retries=2, backoff=1)):
    moods: int

    async def run(self, context):
        RUNS.append(("sulk", context["call"]))
        tries = sum(run == RUNS[-1] for run in RUNS)
        if tries <= self.moods:
            raise Transient("not in the mood")
        return {"tries": tries}


class Moody(Planner, tools=[Sulk]): ...


class Poor(Planner, budget=Budget(calls=2)): ...


OSLO = ("weather", {"city": "Oslo"})
GRAND = ("book", {"hotel": "Grand"})


def served(*script, seconds=0.1):
    """Return a scripted model, and a new instance that has it."""
    scripted = ScriptedModel(script, seconds=seconds)
    return scripted, Jido("trips", services=[NO_SCRIPT.with_clients(fast=scripted)], on_report=lambda _: None)


def numbered(key):
    """The agent and the number of a call: its key without what tells it from those of the same number."""
    return key.rpartition("/")[0]


async def all_parts(request):
    return [part async for part in request.parts()]


async def test_an_answer_comes_after_tools_whose_results_the_model_is_told(autojump_clock):
    scripted, instance = served([OSLO], "Snow in Oslo")
    async with instance as jido:
        planner = await jido.start_agent(Planner, id="ann", state={"hotel": "Ritz"})
        request = await ask(planner, "Oslo")
        answer = await request.answer()
    assert isinstance(answer, Answered)
    assert (answer.text, answer.spent.calls) == ("Snow in Oslo", 2)
    assert scripted.requests[1].prompt.messages[-1].content == '{"sky": "snow", "of": "Ritz"}'
    assert [(name, numbered(key)) for name, key in RUNS] == [("weather", "ann/call_1_1")]


async def test_parts_are_the_text_and_a_late_reader_gets_them_from_the_start(autojump_clock):
    _, instance = served([OSLO], "Snow in Oslo")
    async with instance as jido:
        request = await ask(await jido.start_agent(Planner), "Oslo")
        early = await all_parts(request)
        late = await all_parts(request)
    assert early[:2] == [
        ToolPart("call_1_1", "weather", '{"city": "Oslo"}'),
        ToolResultPart("call_1_1", '{"sky": "snow", "of": ""}', error=False),
    ]
    assert early[2:] == [TextPart("Snow"), TextPart(" in"), TextPart(" Oslo")]
    assert late[2:] == [TextPart("Snow in Oslo")]


async def test_a_slow_reader_gets_fewer_and_larger_parts_and_slows_nobody(autojump_clock):
    _, instance = served("one two three four five six", seconds=1)
    async with instance as jido:
        request = await ask(await jido.start_agent(Planner), "count")
        begin, parts = trio.current_time(), []
        async for part in request.parts():
            parts.append(part.text)
            await trio.sleep(2.5)
        assert (await request.answer()).text == "".join(parts) == "one two three four five six"
    assert len(parts) < 6
    assert trio.current_time() - begin < 12


async def test_text_of_a_try_that_failed_is_withdrawn_and_never_joined_with_the_next(autojump_clock):
    _, instance = served(ModelReply("Snow in", finish=None), "Rain in Oslo")
    async with instance as jido:
        request = await ask(await jido.start_agent(Planner), "Oslo")
        parts = await all_parts(request)
        answer = await request.answer()
    at = parts.index(WithdrawnPart())
    assert "".join(part.text for part in parts[:at]) == "Snow in"
    assert "".join(part.text for part in parts[at + 1 :]) == answer.text == "Rain in Oslo"


async def test_a_bug_in_a_tool_is_told_and_neither_its_siblings_nor_the_agent_notice(autojump_clock, caplog):
    scripted, instance = served([("weather", {"city": "Atlantis"}), OSLO], "one of them")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        await (await ask(planner, "both")).answer()
        assert planner.incarnation == 1
    failed, fine = scripted.requests[1].prompt.messages[-2:]
    assert (failed.error, failed.content) == (True, "the tool failed: ValueError: no such place")
    assert not fine.error
    assert "tool weather (call_1_1)" in caplog.text


async def test_a_tool_is_tried_again_as_its_policy_says_and_the_model_hears_of_the_last_try(autojump_clock):
    scripted, instance = served([("moody", {"moods": 2})], [("moody", {"moods": 9})], "well")
    async with instance as jido:
        await (await ask(await jido.start_agent(Moody), "mood?")).answer()
    assert [
        message.content for message in scripted.requests[2].prompt.messages if isinstance(message, ToolMessage)
    ] == [
        '{"tries": 3}',
        "not in the mood",
    ]


async def test_what_is_no_json_is_refused_at_the_tool(autojump_clock, caplog):
    scripted, instance = served([("odd", {})], "well")
    async with instance as jido:
        await (await ask(await jido.start_agent(Planner), "odd")).answer()
    assert scripted.requests[1].prompt.messages[-1].content == "the tool returned what can't be told: it is no JSON"
    assert "returned what is no JSON" in caplog.text


async def test_a_tool_that_takes_too_long_is_cancelled_and_has_a_result(autojump_clock):
    scripted, instance = served([("wait", {})], "well")
    async with instance as jido:
        await (await ask(await jido.start_agent(Planner), "wait")).answer()
        assert trio.current_time() < 10
    assert "longer than 5 seconds" in scripted.requests[1].prompt.messages[-1].content


async def test_tools_run_beside_each_other(autojump_clock):
    _, instance = served([OSLO] * 5, "done")
    async with instance as jido:
        begin = trio.current_time()
        await (await ask(await jido.start_agent(Planner), "five")).answer()
        assert trio.current_time() - begin < 2


async def test_a_pure_tool_that_was_approved_changes_the_agents_state(autojump_clock):
    scripted, instance = served([GRAND], "booked")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "book")
        needed = await request.answer()
        assert isinstance(needed, NeedsApproval)
        assert planner.agent.state.hotel == ""
        await request.approve(needed.calls[0], by="bob")
        assert (await request.answer()).text == "booked"
        assert planner.agent.state.hotel == "Grand"
    assert scripted.requests[1].prompt.messages[-1].content == '{"hotel": "Grand"}'


async def test_a_denied_tool_is_not_run_and_the_model_is_told_why(autojump_clock):
    scripted, instance = served([GRAND], "then not")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "book")
        needed = await request.answer()
        await request.deny(needed.calls[0], "too dear")
        assert (await request.answer()).text == "then not"
        assert planner.agent.state.hotel == ""
    assert scripted.requests[1].prompt.messages[-1].content == "It is not allowed: too dear."


async def test_an_agent_that_crashes_finds_its_call_still_flying(autojump_clock):
    scripted, instance = served("one two three", seconds=1)
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "count")
        await trio.sleep(1.5)
        await planner.cast(Crash())
        await trio.sleep(0.1)
        assert planner.incarnation == 2
        assert (await request.answer()).text == "one two three"
        assert [part.text async for part in request.parts()] == ["one two three"]
    assert len(scripted.requests) == 1


async def test_cancel_while_the_model_thinks_stops_the_call_and_the_next_ask_is_answered(autojump_clock):
    scripted, instance = served("never to be seen", "here", seconds=1)
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "count")
        await trio.sleep(1.5)
        await request.cancel()
        assert isinstance(await request.answer(), Cancelled)
        await trio.testing.wait_all_tasks_blocked()
        assert scripted.cancelled == 1
        assert (await (await ask(planner, "again")).answer()).text == "here"


async def test_cancel_while_tools_run_stops_them(autojump_clock):
    _, instance = served([("wait", {}), OSLO], "here")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "wait")
        await trio.sleep(0.5)
        await request.cancel()
        assert isinstance(await request.answer(), Cancelled)
        assert (await (await ask(planner, "again")).answer()).text == "here"


async def test_cancel_while_somebody_is_to_approve(autojump_clock):
    _, instance = served([GRAND], "here")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "book")
        await request.answer()
        await request.cancel()
        assert isinstance(await request.answer(), Cancelled)
        assert (await (await ask(planner, "again")).answer()).text == "here"
        assert planner.agent.state.hotel == ""


async def test_who_asks_an_agent_whose_instance_has_no_models_is_told_and_nothing_is_changed(autojump_clock):
    async with Jido() as jido:
        planner = await jido.start_agent(Planner, id="ann")
        says = r"agent 'ann' speaks with models, and needs them as a service of its instance: Jido\(..., services=\["
        with pytest.raises(InvalidDefinition, match=says):
            await ask(planner, "hi")
        assert planner.incarnation == 1
        assert planner.agent.strategy_state.request is None


async def test_asked_twice_is_one_request_and_both_get_the_answer(autojump_clock):
    scripted, instance = served("yes")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        first, second = [await ask(planner, "hi", id="web-1") for _ in range(2)]
        assert (await first.answer()).text == (await second.answer()).text == "yes"
        assert (await (await ask(planner, "hi", id="web-1")).answer()).text == "yes"
        assert find_request(planner, "web-1") == first
        assert find_request(planner, "web-2") is None
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("busy", [True, False], ids=["that waits", "that has ended"])
async def test_another_text_is_no_request_that_was_asked_before(busy, autojump_clock):
    _, instance = served("one", "two")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        await ask(planner, "first")
        request = await ask(planner, "hi", id="web-1")
        if not busy:
            await request.answer()
        with pytest.raises(InvalidDefinition, match=r"'web-1' of agent .* was asked before, with another text"):
            await ask(planner, "hello", id="web-1")
        assert (await request.answer()).text == "two"


async def test_two_asks_wait_for_each_other_in_order(autojump_clock):
    _, instance = served("one", "two")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        first, second = await ask(planner, "a"), await ask(planner, "b")
        assert ((await second.answer()).text, (await first.answer()).text) == ("two", "one")


async def test_who_steers_a_request_gets_its_answer(autojump_clock):
    scripted, instance = served([OSLO], "Snow in both")
    async with instance as jido:
        planner = await jido.start_agent(Steered)
        first = await ask(planner, "Oslo")
        second = await ask(planner, "and Bergen")
        assert (await first.answer()).text == (await second.answer()).text == "Snow in both"
    assert scripted.requests[1].prompt.messages[-1].text == "and Bergen"


async def test_who_steers_a_request_cancels_it(autojump_clock):
    _, instance = served([OSLO], "Snow in both")
    async with instance as jido:
        planner = await jido.start_agent(Steered)
        first = await ask(planner, "Oslo")
        second = await ask(planner, "and Bergen")
        await second.cancel()
        assert isinstance(await second.answer(), Cancelled)
        assert isinstance(await first.answer(), Cancelled)


async def test_what_becomes_of_a_tool_by_a_cancel_is_told_the_readers_of_its_request(autojump_clock):
    _, instance = served([OSLO], "two")
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        first, second = await ask(planner, "a"), await ask(planner, "b")
        await trio.sleep(0.5)
        await first.cancel()
        assert [type(part) async for part in first.parts()] == [ToolPart, ToolResultPart]
        assert [part async for part in second.parts()] == [TextPart("two")]


async def test_one_that_takes_no_more_says_so_at_once(autojump_clock):
    _, instance = served("one")
    async with instance as jido:
        planner = await jido.start_agent(Rejecting)
        first, second = await ask(planner, "a"), await ask(planner, "b")
        refused = await second.answer()
        assert isinstance(refused, NotAnswered)
        assert refused.why.startswith("busy")
        assert (await first.answer()).text == "one"


async def test_a_model_that_wants_ever_more_ends_at_its_budget(autojump_clock):
    scripted, instance = served(*[[OSLO]] * 10)
    async with instance as jido:
        answer = await (await ask(await jido.start_agent(Poor), "Oslo")).answer()
    assert isinstance(answer, OutOfBudget)
    assert len(scripted.requests) == 2


async def test_retry_after_is_waited_on_trios_clock(autojump_clock):
    scripted, instance = served(ModelFailure("429", billed=False, retry_after=3600), "at last")
    async with instance as jido:
        request = await ask(await jido.start_agent(Planner), "hi")
        assert (await request.answer()).text == "at last"
        assert 3600 <= trio.current_time() < 3602
    assert [numbered(sent.key).rpartition("/")[2] for sent in scripted.requests] == ["1.1", "1.2"]


async def test_an_answer_that_takes_longer_than_one_waits_goes_on(autojump_clock):
    _, instance = served("one two three", seconds=10)
    async with instance as jido:
        request = await ask(await jido.start_agent(Planner), "hi")
        with pytest.raises(NotSettled, match=r"request .* it goes on"):
            await request.answer(timeout=5)
        assert (await request.answer()).text == "one two three"


async def test_an_agent_that_is_stopped_tells_who_waits_and_stops_its_calls(autojump_clock):
    scripted, instance = served("one two three", seconds=10)
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "hi")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _():
                with pytest.raises(AgentStopped):
                    await request.answer()

            await trio.sleep(1)
            await jido.stop_agent(planner)
        await trio.testing.wait_all_tasks_blocked()
        assert scripted.cancelled == 1


async def test_parts_of_an_agent_that_was_stopped_are_at_their_end(autojump_clock):
    _, instance = served("one two three", seconds=10)
    async with instance as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "hi")
        await jido.stop_agent(planner)
        with trio.fail_after(60):
            assert [part async for part in request.parts()] == []


async def test_a_client_with_a_bug_is_not_tried_again(autojump_clock, caplog):
    def broken(prompt):
        raise KeyError("bug")

    _, instance = served(broken)
    async with instance as jido:
        planner = await jido.start_agent(Planner, id="ann")
        answer = await (await ask(planner, "hi")).answer()
        assert answer.why == "its client has a bug: KeyError: 'bug'"
        assert planner.incarnation == 1
    assert "call 1.1 of agent ann" in caplog.text


async def test_many_conversations_do_not_notice_a_provider_that_stalls(autojump_clock):
    async def stalls(request, tell):
        await trio.sleep_forever()

    class Stalling:
        stream = staticmethod(stalls)

    class Quick:
        async def stream(self, request, tell):
            await trio.lowlevel.checkpoint()
            return ModelReply("quick", (), "stop")

    models = Models(fast=Model("m", Quick()), slow=Model("s", Stalling()))

    class Fast(ChatAgent[Trip], models=models, model="fast"): ...

    class Slow(ChatAgent[Trip], models=models, model="slow"): ...

    async with Jido("many", services=[models]) as jido:
        for _ in range(100):
            await ask(await jido.start_agent(Slow), "hi")
        for _ in range(100):
            assert (await (await ask(await jido.start_agent(Fast), "hi")).answer(timeout=1)).text == "quick"


# On disk


def kept(storage, *script, seconds=0.1):
    scripted = ScriptedModel(script, seconds=seconds)
    return scripted, Jido("trips", services=[NO_SCRIPT.with_clients(fast=scripted)], storage=storage)


async def test_a_call_that_was_in_flight_when_the_program_ended_is_sent_again_once(autojump_clock):
    async with open_memory() as storage:
        _, instance = kept(storage, "one two", seconds=10)
        async with instance as jido:
            await ask(await jido.start_agent(Kept, id="ann"), "hi", id="web-1")
            await trio.sleep(1)
        scripted, instance = kept(storage, "again")
        async with instance as jido:
            planner = await jido.start_agent(Kept, id="ann")
            answer = await find_request(planner, "web-1").answer()
    assert answer.text == "again"
    assert answer.spent.tokens > 4096
    assert [numbered(sent.key) for sent in scripted.requests] == ["ann/1.2"]


async def test_a_lost_call_ends_the_request_where_that_was_asked_for(autojump_clock):
    async with open_memory() as storage:
        _, instance = kept(storage, "one two", seconds=10)
        async with instance as jido:
            await ask(await jido.start_agent(KeptOrFailed, id="ann"), "hi", id="web-1")
        scripted, instance = kept(storage, "again")
        async with instance as jido:
            planner = await jido.start_agent(KeptOrFailed, id="ann")
            answer = await find_request(planner, "web-1").answer()
    assert answer.why.startswith("lost")
    assert scripted.requests == []


async def test_an_approval_waits_over_restarts(autojump_clock):
    async with open_memory() as storage:
        _, instance = kept(storage, [GRAND])
        async with instance as jido:
            request = await ask(await jido.start_agent(Kept, id="ann"), "book", id="web-1")
            await request.answer()
        await trio.sleep(86_400)
        for _ in range(2):
            scripted, instance = kept(storage, "booked")
            async with instance as jido:
                planner = await jido.start_agent(Kept, id="ann")
                needed = await find_request(planner, "web-1").answer()
                assert isinstance(needed, NeedsApproval)
        scripted, instance = kept(storage, "booked")
        async with instance as jido:
            planner = await jido.start_agent(Kept, id="ann")
            request = find_request(planner, "web-1")
            await request.approve("call_1_1")
            assert (await request.answer()).text == "booked"
            assert planner.agent.state.hotel == "Grand"
            assert (await all_parts(request))[-1:] == [TextPart("booked")]
        assert len(scripted.requests) == 1


async def test_a_tool_is_not_run_again_while_its_result_waits_on_disk(autojump_clock):
    async with open_memory() as storage:
        _, instance = kept(storage, [OSLO] * 4, "done")
        async with instance as jido:
            request = await ask(await jido.start_agent(Kept, id="ann"), "four")
            assert (await request.answer()).text == "done"
    assert sorted(numbered(key) for _, key in RUNS) == [f"ann/call_1_{number}" for number in range(1, 5)]


async def test_an_answer_is_known_in_the_next_program_without_a_request(autojump_clock):
    async with open_memory() as storage:
        _, instance = kept(storage, "yes")
        async with instance as jido:
            await (await ask(await jido.start_agent(Kept, id="ann"), "hi", id="web-1")).answer()
        scripted, instance = kept(storage)
        async with instance as jido:
            request = await ask(await jido.start_agent(Kept, id="ann"), "hi", id="web-1")
            assert (await request.answer()).text == "yes"
            assert await all_parts(request) == [TextPart("yes")]
    assert scripted.requests == []


async def test_the_budget_of_a_conversation_outlives_the_program(autojump_clock):
    class Thrifty(Kept, total=Budget(calls=1)): ...

    globals()["Thrifty"] = Thrifty
    Thrifty.__qualname__ = "Thrifty"
    async with open_memory() as storage:
        for script, kind in (("yes", Answered), ("no", OutOfBudget)):
            _, instance = kept(storage, script)
            async with instance as jido:
                request = await ask(await jido.start_agent(Thrifty, id="ann"), "hi")
                assert isinstance(await request.answer(), kind)


# Wrong options


async def test_without_models_among_its_services_the_agent_says_what_to_do(autojump_clock):
    reports = []
    async with Jido("trips", on_report=reports.append) as jido:
        planner = await jido.start_agent(Planner)
        await planner.cast(Ask(request="1", text="hi"))  # as `ask` isn't, it is told before
        await trio.sleep(1)
    assert any("services=[Models(...)]" in str(report.failure) for report in reports)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: type("A", (ChatAgent,), {}, models=NO_SCRIPT, model="fats"), "did you mean 'fast'"),
        (lambda: type("A", (Planner,), {}, tools=[Weather, Weather]), "two tools called 'weather'"),
        (lambda: type("A", (Planner,), {}, busy="wait"), "busy='wait'"),
        (lambda: type("A", (Planner,), {}, retries=-1), "retries=-1"),
        (lambda: type("A", (Planner,), {}, budget=3), "budget=3"),
        (lambda: type("A", (Planner,), {}, strategy=object()), "that is its strategy"),
        (lambda: Models(a=Model("m", ScriptedModel([]), fallback="b")), "fallback 'b', and there is none"),
        (lambda: Models(a=Model("m", ScriptedModel([]), fallback="a")), "go round: a -> a"),
        (lambda: Model("m", object()), "must have a method `stream`"),
        (lambda: NO_SCRIPT.with_clients(fats=ScriptedModel([])), "did you mean 'fast'"),
    ],
)
def test_wrong_options_are_refused(make, says):
    with pytest.raises(InvalidDefinition, match=re.escape(says)):
        make()


def test_models_are_shown_by_their_names_alone():
    assert repr(NO_SCRIPT) == "Models(fast='m')"
    assert "client" not in repr(NO_SCRIPT["fast"])


class Poster(Planner, tools=[Post]): ...


@pytest.mark.parametrize("kind", ["one", "several", "none", "both", "empty"])
async def test_what_a_tool_wants_done_is_not_told_the_model(kind, autojump_clock):
    scripted = ScriptedModel([[("post", {"kind": kind})], "posted"])
    async with Jido(services=[NO_SCRIPT.with_clients(fast=scripted)]) as jido:
        await (await ask(await jido.start_agent(Poster), "Post it")).answer()
        [told] = [each for each in scripted.requests[-1].prompt.messages if isinstance(each, ToolMessage)]
        assert told.content == "done"

"""What goes on over many turns, programs and readers, under virtual time; and what is told nowhere."""

# mypy: disable-error-code="union-attr,arg-type"

import gc
import logging

import pytest
import trio

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    Cancelled,
    ChatAgent,
    Model,
    ModelReply,
    Models,
    Returned,
    Tool,
    ToolCall,
    ToolMessage,
    ToolResultPart,
    Usage,
    UserMessage,
    ask,
)
from jido_trio.errors import ActionError, OwnershipLost
from jido_trio.redact import Secret
from jido_trio.storage import open_memory
from jido_trio.testing import Cassette, ScriptedModel

CARD = "4111-2222-3333"
NOBODY = Models(m=Model("m", ScriptedModel([]), max_tokens=100))


class Note(Action):
    number: int

    async def run(self, context):
        return {"noted": self.number}


class Charge(Action):
    card: Secret[str]

    async def run(self, context):
        raise RuntimeError(f"the terminal is broken by {self.card}")


class Refuse(Action):
    card: Secret[str]

    async def run(self, context):
        raise ActionError(f"{self.card} is no card")


class Book(Action):
    card: Secret[str]

    def run(self, context):
        raise RuntimeError(f"the book is full of {self.card}")


class Stubborn(Action):
    async def run(self, context):
        with trio.CancelScope(shield=True):
            await trio.sleep(100)


class Slow(Action):
    running = 0
    most = 0

    async def run(self, context):
        Slow.running += 1
        Slow.most = max(Slow.most, Slow.running)
        await trio.sleep(1)
        Slow.running -= 1
        return "done"


class Clerk(
    ChatAgent,
    models=NOBODY,
    model="m",
    tools=[Note, Charge, Refuse, Book, Stubborn, Slow],
    compact_at=3_000,
    first_pause=0,
):
    """Takes notes."""


class Kept(Clerk, durable=True): ...


def served(client):
    return NOBODY.with_clients(m=client)


class Diligent:
    """Notes each request, then answers; sums up when it is asked to. As strict as strict providers are."""

    def __init__(self, calls=2):
        self.calls = calls
        self.script = ScriptedModel(self.line for _ in range(1_000))
        self.summaries = 0

    def line(self, prompt):
        last = prompt.messages[-1]
        if isinstance(last, UserMessage) and last.text.startswith("Summarize"):
            self.summaries += 1
            return "Much was noted. " * 5
        if isinstance(last, ToolMessage):
            return "Noted, as you said, with all that belongs to it."
        return [("note", {"number": len(prompt.messages)}), ("note", {"number": 7})][: self.calls]


async def test_fifty_turns_with_tools_through_compaction_are_valid_for_a_strict_provider(autojump_clock):
    diligent = Diligent()
    async with Jido(services=[served(diligent.script)]) as jido:
        clerk = await jido.start_agent(Clerk)
        for number in range(50):
            outcome = await (await ask(clerk, f"Note {number}")).answer()
            assert isinstance(outcome, Answered), outcome
    assert diligent.summaries > 5


async def test_of_two_programs_with_one_log_the_first_can_go_on_no_more(autojump_clock):
    async with open_memory() as storage:
        one, two = served(ScriptedModel(["one", "never"])), served(ScriptedModel(["two"]))
        async with Jido("desk", storage=storage, services=[one], on_report=lambda _: None) as first:
            clerk = await first.start_agent(Kept, id="ann")
            assert (await (await ask(clerk, "Who?")).answer()).text == "one"
            async with Jido("desk", storage=storage, services=[two]) as second:
                later = await second.start_agent(Kept, id="ann")
                with pytest.raises(OwnershipLost):
                    await ask(clerk, "And now?")
                assert (await (await ask(later, "And now?")).answer()).text == "two"
                assert len(later.agent.strategy_state.ended) == 2


async def test_a_run_that_is_played_has_the_same_log(autojump_clock, tmp_path):
    async def log(client):
        async with Jido(services=[served(client)]) as jido:
            clerk = await jido.start_agent(Clerk, id="ann")
            for number in range(3):
                await (await ask(clerk, f"Note {number}", id=f"r{number}")).answer()
            return repr(clerk.agent.strategy_state)

    recorded = await log(Cassette(tmp_path / "tape", record=Diligent(calls=1).script))
    assert await log(Cassette(tmp_path / "tape")) == recorded


async def test_more_than_eight_tools_wait_for_each_other(autojump_clock):
    Slow.most = 0
    async with Jido(services=[served(ScriptedModel([[("slow", {})] * 20, "well"]))]) as jido:
        began = trio.current_time()
        await (await ask(await jido.start_agent(Clerk), "hurry")).answer()
    assert Slow.most == 8
    assert trio.current_time() - began == pytest.approx(3)


async def test_a_tool_that_ignores_cancellation_keeps_nobody_waiting_and_is_reported(autojump_clock, caplog):
    async with Jido(services=[served(ScriptedModel([[("stubborn", {})], "well"]))]) as jido:
        clerk = await jido.start_agent(Clerk, id="ann")
        request = await ask(clerk, "try")
        await trio.sleep(1)
        await request.cancel()
        assert isinstance(await request.answer(), Cancelled)
        assert (await (await ask(clerk, "again")).answer()).text == "well"
        assert "ignores its cancellation" not in caplog.text
        await trio.sleep(11)
        assert "tool stubborn (call_1_1) of agent ann ignores its cancellation" in caplog.text


async def test_a_tool_that_takes_too_long_and_ignores_cancellation_has_its_result_all_the_same(autojump_clock, caplog):
    class Limited(Clerk, tools=[Tool(Stubborn, timeout=2)]): ...

    async with Jido(services=[served(ScriptedModel([[("stubborn", {})], "well"]))]) as jido:
        clerk = await jido.start_agent(Limited, id="ann")
        began = trio.current_time()
        assert (await (await ask(clerk, "try")).answer()).text == "well"
        assert trio.current_time() - began == pytest.approx(12)
        [result] = [said for said in clerk.agent.strategy_state.messages if isinstance(said, Returned)]
    assert result.content == "it took longer than 2 seconds, and was cancelled. It may have happened."
    assert "tool stubborn (call_1_1) of agent ann ignores its cancellation" in caplog.text


async def test_a_reader_that_leaves_and_a_second_one_change_nothing(autojump_clock):
    async with Jido(services=[served(ScriptedModel(["one two three four"], seconds=1))]) as jido:
        request = await ask(await jido.start_agent(Clerk), "count")
        with trio.move_on_after(2.5):
            async for _ in request.parts():
                pass
        second = "".join([part.text async for part in request.parts()])
        assert second == (await request.answer()).text == "one two three four"


async def test_who_stops_reading_leaves_nothing_behind_and_may_go_on_later(autojump_clock):
    async with Jido(services=[served(ScriptedModel(["one two three four"], seconds=1))]) as jido:
        request = await ask(await jido.start_agent(Clerk), "count")
        async for part in request.parts():
            first = part.text
            break
        gc.collect()  # a generator that was left would be told of here
        reader = request.parts()
        with trio.move_on_after(1.5):
            async for part in reader:
                last = part.text
        rest = "".join([part.text async for part in reader])
        assert (first, last, rest) == ("one", " two", " three four")


async def test_what_nobody_reads_takes_no_more_room_than_is_kept_for_a_request(autojump_clock):
    class Endless:
        async def stream(self, request, tell):
            for _ in range(120):
                await trio.lowlevel.checkpoint()
                tell("x" * 10_000)
            return ModelReply("x", (), "stop", Usage(1, 1))

    async with Jido(services=[served(Endless())]) as jido:
        clerk = await jido.start_agent(Clerk)
        request = await ask(clerk, "talk")
        await request.answer()
        read = [part async for part in request.parts()]
    assert sum(len(getattr(part, "text", "")) for part in read) <= 1_010_000 * 2


async def test_a_secret_argument_is_in_no_log_report_or_part(autojump_clock, caplog):
    caplog.set_level(logging.DEBUG)
    reports: list[object] = []
    calls = tuple(ToolCall("a", name, f'{{"card": "{CARD}"}}') for name in ("charge", "refuse", "book"))
    script = ScriptedModel([ModelReply("", calls, "tool_calls", Usage(1, 1)), "It is broken."])
    async with Jido(services=[served(script)], on_report=reports.append) as jido:
        clerk = await jido.start_agent(Clerk)
        request = await ask(clerk, "charge it")
        await request.answer()
        parts = [part async for part in request.parts()]
        seen = repr((parts, reports, jido.inspect(), clerk))
    assert CARD not in caplog.text
    assert CARD not in seen
    assert sorted(part.content for part in parts if isinstance(part, ToolResultPart)) == [
        "*** is no card",
        "the tool failed: RuntimeError: the book is full of ***",
        "the tool failed: RuntimeError: the terminal is broken by ***",
    ]
    assert caplog.text.count("has a bug") == 2


def test_a_tool_tells_its_secrets_by_name():
    assert Tool(Charge).schema.secrets == {"card"}
    assert Tool(Note).schema.secrets == frozenset()

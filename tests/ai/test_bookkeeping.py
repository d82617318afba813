"""What is booked, what ends how often, and what is so in the next program, where it is easily missed."""

# mypy: disable-error-code="union-attr,arg-type"

import json
import re
from contextlib import nullcontext
from copy import deepcopy
from functools import partial

import pytest
import trio
from attrs import evolve, fields, frozen, has

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    Budget,
    CallModel,
    Cancelled,
    ChatAgent,
    Conversation,
    Ended,
    Model,
    ModelReply,
    ModelRule,
    Models,
    Price,
    Reply,
    Rules,
    RunTool,
    Spent,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    ask,
    conversation,
    find_request,
)
from jido_trio.ai._events import Begun, Replied
from jido_trio.ai.inner import plain_prompt
from jido_trio.core import Durable
from jido_trio.data import pack, structure, unpack, unstructure
from jido_trio.errors import AgentStopped, ReplayDiverged, StorageError
from jido_trio.storage import MemoryStorage, Put, open_memory
from jido_trio.testing import ScriptedModel


@frozen
class Trip:
    city: str


class Get(Action):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        return "snow"


class Pay(Action):
    async def run(self, context):
        await trio.lowlevel.checkpoint()


RULES = Rules(tools=(Tool(Get, replay="safe"), Tool(Pay, approve=True)))
OSLO = ("get", {"city": "Oslo"})


def asked(rules=RULES):
    return conversation(rules).ask("hi")[0]


def ends(chat):
    return [event for event in chat.log if isinstance(event, Ended)]


# Booked


def test_a_reply_that_does_not_tell_what_it_took_is_booked_at_all_that_was_reserved():
    chat = asked()
    reserved = chat.conversation.called.reserved
    chat, _ = chat.replied("well", usage=None)
    [replied] = [event for event in chat.log if isinstance(event, Replied)]
    assert (replied.spent, replied.estimated) == (reserved, True)
    told, _ = asked().replied("well", usage=Usage(10, 5))
    assert told.outcome().spent.tokens == 15


def test_an_answer_that_fits_at_once_costs_one_call():
    chat, want = asked(evolve(RULES, tools=(), answer=Trip)).replied('{"city": "Oslo"}')
    assert want == ()
    assert (chat.outcome().value, chat.outcome().spent.calls) == (Trip("Oslo"), 1)


async def test_a_call_of_which_nothing_came_is_in_the_budget_of_the_next_program(autojump_clock):
    models = Models(m=Model("m", ScriptedModel(["never"], seconds=100), price=Price(1, 1)))
    async with open_memory() as storage:
        async with Jido("desk", storage=storage, services=[models]) as jido:
            request = await ask(await jido.start_agent(Kept, id="ann"), "hi", id="r")
            await request.cancel()
            first = await request.answer()
        async with Jido("desk", storage=storage, services=[models]) as jido:
            again = await find_request(await jido.start_agent(Kept, id="ann"), "r").answer()
    assert isinstance(first, Cancelled)
    assert first == again
    assert first.spent.money > 0


def test_what_is_reserved_are_the_bytes_of_the_prompt_and_all_that_the_reply_may_have():
    chat = asked(Rules(models={"default": ModelRule(Price(1, 2), max_tokens=7)}))
    sent = json.dumps(plain_prompt(chat.prompt), ensure_ascii=False, separators=(",", ":")).encode()
    assert chat.conversation.reserved == Spent(tokens=len(sent) + 7, money=len(sent) + 14, calls=1)


@pytest.mark.parametrize(("usage", "is_dearer"), [(Usage(1, 100), False), (Usage(1, 9_000), True)])
async def test_a_reply_dearer_than_foreseen_is_told_of_in_the_log(autojump_clock, caplog, usage, is_dearer):
    models = Models(m=Model("m", ScriptedModel([ModelReply("well", (), "stop", usage)]), price=Price(1, 1)))
    async with Jido(services=[models]) as jido:
        assert isinstance(await (await ask(await jido.start_agent(Plain, id="ann"), "hi")).answer(), Answered)
    assert ("call 1.1 of agent ann took 9001 tokens" in caplog.text) is is_dearer


# Ended


@pytest.mark.parametrize("at", ["before a byte", "in a tool", "between calls", "while somebody is to approve"])
def test_cancel_ends_a_request_once_wherever_it_is(at):
    chat = asked()
    if at != "before a byte":
        chat, _ = chat.replied(calls=[OSLO if at != "while somebody is to approve" else ("pay", {})])
    if at == "in a tool":
        chat, _ = chat.started("get")
    if at == "between calls":
        chat, _ = chat.returned("get", "snow")
    for _ in range(2):
        chat, want = chat.cancelled("request-1")
    assert want == ()
    assert [end.request for end in ends(chat)] == ["request-1"]


def test_what_comes_after_a_cancel_is_dropped():
    chat, _ = asked().replied(calls=[OSLO])
    cancelled, _ = chat.cancelled()
    late, want = cancelled.given(ToolResult(id="call_1_1", content="snow"))
    assert (late, want) == (cancelled, ())


def test_ids_of_calls_are_ours_whatever_the_model_calls_them():
    chat = asked()
    for _ in range(2):
        call = chat.conversation.called
        twins = (ToolCall("same", "get", '{"city": "Oslo"}'), ToolCall("same", "get", '{"city": "Bergen"}'))
        chat, want = chat.given(Reply(call=call.call, attempt=call.attempt, calls=twins, finish="tool_calls"))
        assert len({each.key for each in want if isinstance(each, RunTool)}) == 2
        for each in want:
            chat, _ = chat.given(ToolResult(id=each.id, content="snow"))
    ids = [call.id for event in chat.log if isinstance(event, Replied) for call in event.calls]
    assert len(set(ids)) == 4


def test_nothing_is_begun_before_it_is_allowed():
    chat, _ = asked().replied(calls=[("pay", {})])
    assert not [event for event in chat.log if isinstance(event, Begun)]
    chat, _ = chat.approved("pay")
    chat, _ = chat.started("pay")
    assert len([event for event in chat.log if isinstance(event, Begun)]) == 1


@pytest.mark.parametrize("given", ["in a call", "in a tool"])
def test_nothing_is_summed_up_while_a_call_is_open(given):
    rules = evolve(RULES, compact_at=1)
    chat, _ = asked(rules).replied("a long story")
    chat, [want] = chat.ask("and now?")
    assert want.purpose == "compact"
    chat, [want] = chat.replied("in short")
    assert isinstance(want, CallModel)
    if given == "in a tool":
        chat, [want] = chat.replied(calls=[OSLO])
        assert isinstance(want, RunTool)
        chat, [want] = chat.returned("get", "x" * 5_000)
    assert want.purpose == "chat"


# The next program


class Plain(ChatAgent, models=Models(m=Model("m", ScriptedModel([]), price=Price(1, 1))), model="m"): ...


class Crash(Action):
    def run(self, context):
        raise RuntimeError("bug")


class Kept(Plain, durable=True): ...


class SlowStorage(MemoryStorage):
    """Takes a second to read anything."""

    async def get(self, key):
        await trio.sleep(1)
        return await super().get(key)

    async def scan(self, *args):
        await trio.sleep(1)
        return await super().scan(*args)


async def test_a_conversation_goes_on_with_another_model_and_other_instructions(autojump_clock):
    async with open_memory() as storage:
        for name in ("one", "two"):
            scripted = ScriptedModel([f"by {name}"])
            models = Models(**{name: Model(name, scripted)})

            class Clerk(ChatAgent, name="clerk", models=models, model=name, instructions=name, durable=True): ...

            globals()["Clerk"] = Clerk
            Clerk.__qualname__ = "Clerk"
            async with Jido("desk", storage=storage, services=[models]) as jido:
                outcome = await (await ask(await jido.start_agent(Clerk, id="ann"), f"ask {name}")).answer()
                assert outcome.text == f"by {name}"
        [request] = scripted.requests
        assert (request.model, request.prompt.system) == ("two", "two")
        assert [said.text for said in request.prompt.messages] == ["ask one", "by one", "ask two"]


def clerk_of(models, durable=True, **options):
    """Return the class as it is in another program."""

    class Clerk(ChatAgent, name="clerk", models=models, durable=durable, **options): ...

    globals()["Clerk"] = Clerk
    Clerk.__qualname__ = "Clerk"
    return Clerk


BEFORE = {"model": "one", "tools": [Tool(Pay, approve=True)], "instructions": "Be brief."}


async def killed_and_begun(before, after, length=70_000):
    """Have a program be killed as a long conversation goes on, and another begin; return what comes of the question."""
    scripted = ScriptedModel(["x" * length, "y", "never"], seconds=1)
    models = Models(one=Model("one", scripted), two=Model("two", scripted, max_tokens=100))
    storage = MemoryStorage()
    async with Jido("desk", storage=storage, services=[models]) as jido:
        ann = await jido.start_agent(clerk_of(models, **before), id="ann")
        for text in ("hi", "and?"):
            await (await ask(ann, text)).answer()
        await ask(ann, "Well?", id="well")
        await trio.sleep(0.5)
        killed = deepcopy(storage)
    lives = models.with_clients(one=ScriptedModel(["fine"]), two=ScriptedModel(["fine"]))
    async with Jido("desk", storage=killed, services=[lives]) as jido:
        request = find_request(await jido.start_agent(clerk_of(lives, **after), id="ann"), "well")
        return (await request.answer()).text


@pytest.mark.parametrize(
    "changed",
    [
        {"instructions": "Be kind."},
        {"tools": [Tool(Pay, approve=True, expires=60)]},
        {"tools": [Pay, Get]},
        {"model": "two"},
        {"first_pause": 3, "retries": 1},
    ],
)
async def test_after_a_kill_a_long_conversation_goes_on_with_other_rules(changed, autojump_clock):
    assert await killed_and_begun(BEFORE, BEFORE | changed) == "fine"


@pytest.mark.parametrize("length", [5000, 70_000])
async def test_after_a_kill_only_a_long_conversation_minds_what_would_have_happened(length, autojump_clock):
    after = BEFORE | {"compact_at": 50, "total": Budget(calls=9)}
    with pytest.raises(ReplayDiverged) if length > 65_536 else nullcontext():
        assert await killed_and_begun(BEFORE, after, length) == "fine"


async def test_nor_does_a_long_one_that_is_written_with_each_input(autojump_clock):
    each = {"durable": Durable(snapshot_every=1)}
    assert await killed_and_begun(BEFORE | each, BEFORE | each | {"compact_at": 50, "total": Budget(calls=9)}) == "fine"


async def test_a_log_that_cannot_be_read_stops_the_agent_and_nothing_begins_anew(autojump_clock):
    storage, scripted = MemoryStorage(), ScriptedModel(["well", "never"])
    async with Jido("desk", storage=storage, services=[Models(m=Model("m", scripted))]) as jido:
        await (await ask(await jido.start_agent(Kept, id="ann"), "hi", id="r")).answer()
        await jido.stop_agent("ann")
    [key] = [key for key in storage._keys if key.endswith("now/agent")]
    await storage.commit([Put(key, b"no record")])
    async with Jido("desk", storage=storage, services=[Models(m=Model("m", scripted))]) as jido:
        with pytest.raises(StorageError, match=re.escape(key)):
            await jido.start_agent(Kept, id="ann")
        assert jido.whereis("ann") is None
    assert len(scripted.requests) == 1


async def test_asks_that_come_while_an_agent_begins_anew_are_kept_in_order(autojump_clock):
    models = Models(m=Model("m", ScriptedModel(["one", "two", "three"])))
    async with Jido("desk", storage=SlowStorage(), services=[models], on_report=lambda _: None) as jido:
        ann = await jido.start_agent(Kept, id="ann")
        await ann.cast(Crash())
        async with trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(partial(ask, ann, "hi", id=f"r{number}"))
                await trio.sleep(0.1)
        await find_request(ann, "r2").answer()
        assert ann.incarnation == 2
        assert [(end.request, end.text) for end in ann.agent.strategy_state.ended] == [
            ("r0", "one"),
            ("r1", "two"),
            ("r2", "three"),
        ]


def test_nothing_but_data_is_in_the_log_and_it_is_the_same_when_it_was_written_and_read():
    chat, _ = asked().replied("so", calls=[OSLO, ("pay", {})])
    chat, _ = chat.started("get")[0].returned("get", "snow", error=True)[0].denied("pay", "no")
    chat, _ = chat.failed()[0].replied("well")
    assert unpack(pack(chat.log)) == chat.log
    kinds = {type(value) for event in chat.log for value in _parts_of(event)}
    assert kinds <= {str, int, float, bool, type(None)}
    state = chat.conversation
    assert structure(json.loads(json.dumps(unstructure(state))), Conversation) == state


def _parts_of(value):
    if has(type(value)):
        return [part for each in fields(type(value)) for part in _parts_of(getattr(value, each.name))]
    return [part for each in value for part in _parts_of(each)] if isinstance(value, tuple) else [value]


async def test_the_key_of_a_try_names_the_agent_the_call_and_the_try(autojump_clock):
    scripted = ScriptedModel([ModelReply("half", finish=None), "whole", "again"])
    models = Models(m=Model("m", scripted))
    async with Jido(services=[models]) as jido:
        ann = await jido.start_agent(Plain, id="ann")
        for _ in range(2):
            assert isinstance(await (await ask(ann, "hi")).answer(), Answered)
    assert [sent.key.rpartition("/")[0] for sent in scripted.requests] == ["ann/1.1", "ann/1.2", "ann/2.1"]


async def test_who_asks_an_agent_that_is_stopped_is_told(autojump_clock):
    models = Models(m=Model("m", ScriptedModel([])))
    async with Jido(services=[models]) as jido:
        ann = await jido.start_agent(Plain, id="ann")
        await jido.stop_agent(ann)
        with pytest.raises(AgentStopped):
            await ask(ann, "hi")

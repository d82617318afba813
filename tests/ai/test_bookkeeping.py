"""What is booked, what ends how often, and what is so in the next program, where it is easily missed."""

# mypy: disable-error-code="union-attr,arg-type"

import pytest
import trio
from attrs import evolve, frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    CallModel,
    Cancelled,
    ChatAgent,
    Ended,
    Model,
    ModelReply,
    Models,
    Price,
    Reply,
    Rules,
    RunTool,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    ask,
    conversation,
    find_request,
)
from jido_trio.ai._events import Begun, Replied
from jido_trio.errors import AgentStopped
from jido_trio.storage import open_memory
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


class Kept(Plain, durable=True): ...


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


async def test_the_key_of_a_try_names_the_agent_the_call_and_the_try(autojump_clock):
    scripted = ScriptedModel([ModelReply("half", finish=None), "whole", "again"])
    models = Models(m=Model("m", scripted))
    async with Jido(services=[models]) as jido:
        ann = await jido.start_agent(Plain, id="ann")
        for _ in range(2):
            assert isinstance(await (await ask(ann, "hi")).answer(), Answered)
    assert [sent.key for sent in scripted.requests] == ["ann/1.1", "ann/1.2", "ann/2.1"]


async def test_who_asks_an_agent_that_is_stopped_is_told(autojump_clock):
    models = Models(m=Model("m", ScriptedModel([])))
    async with Jido(services=[models]) as jido:
        ann = await jido.start_agent(Plain, id="ann")
        await jido.stop_agent(ann)
        with pytest.raises(AgentStopped):
            await ask(ann, "hi")

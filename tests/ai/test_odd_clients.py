"""A client, or a tool within the agent, that does what it may not: the one request is told, and nobody else notices."""

import re

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    ChatAgent,
    Model,
    ModelFailure,
    ModelReply,
    Models,
    NotAnswered,
    Price,
    RateLimit,
    TextPart,
    ToolCall,
    Usage,
    WithdrawnPart,
    ask,
)
from jido_trio.errors import InvalidDefinition
from jido_trio.storage import open_memory
from jido_trio.testing import ScriptedModel

# mypy: disable-error-code="arg-type,union-attr"


@frozen
class Till:
    paid: int = 0


class Look(Action):
    thing: str = ""

    async def run(self, context):
        return f"it is {self.thing}"


class Pay(Action):
    cents: int

    def run(self, context):
        return {"paid": 100 // self.cents}


class Lose(Action):
    def run(self, context):
        return {"nothing": 1}


class Says:
    """Returns one thing, whatever it is, and then is sensible."""

    def __init__(self, first):
        self.first = [first]

    async def stream(self, request, tell):
        await trio.lowlevel.checkpoint()
        return self.first.pop() if self.first else ModelReply("fine", (), "stop", Usage(1, 1))


MODELS = Models(odd=Model("odd", ScriptedModel([])), slow=Model("slow", ScriptedModel(["as ever"], seconds=5)))


class Clerk(ChatAgent[Till], models=MODELS, model="odd", tools=[Look, Pay, Lose]): ...


class Kept(Clerk, durable=True): ...


class Slow(ChatAgent, models=MODELS, model="slow"): ...


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "None is no ModelReply and no ModelFailure"),
        ("fine", "'fine' is no ModelReply and no ModelFailure"),
        (ModelReply(None), "no attribute 'encode'"),
        (ModelReply("a", (), "whatever"), "expected"),
        (ModelReply("a", (), "stop", 3), "expected"),
        (ModelReply("", (ToolCall("a", "look", {"thing": "x"}),), "tool_calls"), "no attribute 'encode'"),
        (ModelReply("", (ToolCall("a", None, "{}"),), "tool_calls"), "no attribute 'encode'"),
        (ModelFailure("500", "perhaps"), "expected"),
        (ModelFailure("500", "retry", retry_after="soon"), "expected"),
    ],
)
@pytest.mark.parametrize("agent", [Clerk, Kept])
async def test_what_is_no_reply_ends_one_request_and_leaves_all_others(autojump_clock, caplog, agent, said, why):
    slow = ScriptedModel(["as ever"], seconds=5)
    models = MODELS.with_clients(odd=Says(said), slow=slow)
    async with Jido(storage=open_memory(), services=[models]) as jido:
        other = await ask(await jido.start_agent(Slow), "hi")
        clerk = await jido.start_agent(agent, id="ann")
        outcome = await (await ask(clerk, "hi")).answer(timeout=60)
        assert isinstance(outcome, NotAnswered)
        assert outcome.why.startswith("its client has a bug: ")
        assert why in outcome.why
        assert (await (await ask(clerk, "again")).answer(timeout=60)).text == "fine"
        assert (await other.answer(timeout=60)).text == "as ever"
        assert (clerk.incarnation, slow.cancelled) == (1, 0)
    assert "call 1.1 of agent ann: its client has a bug" in caplog.text


class Breaks:
    """Raises what nobody expects."""

    async def stream(self, request, tell):
        await trio.lowlevel.checkpoint()
        tell("I am")
        raise ExceptionGroup("unexpected", [KeyError("bug")])


TWO = Models(
    first=Model("f", Breaks(), max_tokens=100, price=Price(input=1, output=1), fallback="second"),
    second=Model("s", ScriptedModel([])),
)


class Served(ChatAgent, models=TWO, model="first"): ...


class KeptServed(Served, durable=True): ...


@pytest.mark.parametrize("agent", [Served, KeptServed])
async def test_the_fallback_answers_for_a_client_with_a_bug(autojump_clock, caplog, agent):
    second = ScriptedModel(["fine"])
    async with Jido(storage=open_memory(), services=[TWO.with_clients(second=second)]) as jido:
        served = await jido.start_agent(agent, id="ann")
        request = await ask(served, "hi")
        outcome = await request.answer(timeout=60)
        shown = [part async for part in request.parts()]
        assert outcome.text == "fine"
        assert (outcome.spent.calls, len(second.requests), served.incarnation) == (2, 1, 1)
        assert outcome.spent.money > 100  # what the first may have cost is booked
        assert shown == [TextPart("I am"), WithdrawnPart(), TextPart("fine")]
    assert "call 1.1 of agent ann: its client has a bug" in caplog.text
    assert "KeyError: 'bug'" in caplog.text


@pytest.mark.parametrize("agent", [Clerk, Kept])
@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("pay", {"cents": 0}), "the tool failed: ZeroDivisionError"),
        (("lose", {}), "the tool failed: .*nothing"),
    ],
)
async def test_a_bug_in_a_tool_within_the_agent_is_told_and_logged_and_changes_nothing(
    autojump_clock, caplog, agent, call, told
):
    script = ScriptedModel([[("pay", {"cents": 50}), call, ("look", {"thing": "well"})], "fine"])
    async with Jido(storage=open_memory(), services=[MODELS.with_clients(odd=script)]) as jido:
        clerk = await jido.start_agent(agent)
        assert isinstance(await (await ask(clerk, "hi")).answer(timeout=60), Answered)
        assert (clerk.incarnation, clerk.agent.state) == (1, Till(2))
    paid, failed, seen = script.requests[1].prompt.messages[-3:]
    assert (paid.content, seen.content) == ('{"paid": 2}', "it is well")
    assert failed.error
    assert re.match(told, failed.content)
    assert "a tool of agent" in caplog.text
    assert "Traceback" in caplog.text


class InHalves:
    """Tells an emoji as a server does that escapes its halves, and cuts between them."""

    async def stream(self, request, tell):
        await trio.lowlevel.checkpoint()
        tell(None)  # what a server sends in the place of a text is handed on by some
        pieces = ["snow \ud83d", "\ude00 and \ud83d\ude00", " in \ud83d", "Oslo", "\ud83d"]
        for piece in pieces:
            tell(piece)
        return ModelReply("".join(pieces), (), "stop", Usage(1, 1))


async def test_halves_of_a_letter_that_come_in_two_pieces_are_one(autojump_clock):
    async with Jido(services=[MODELS.with_clients(odd=InHalves())]) as jido:
        request = await ask(await jido.start_agent(Clerk), "hi")
        parts = [part async for part in request.parts()]
        assert (await request.answer()).text == "snow \U0001f600 and \U0001f600 in ?Oslo?"
    assert parts == [
        TextPart("snow \U0001f600 and \U0001f600 in ?Oslo"),
        WithdrawnPart(),
        TextPart("snow \U0001f600 and \U0001f600 in ?Oslo?"),
    ]


async def test_halves_of_letters_in_a_call_are_replaced(autojump_clock):
    call = ToolCall("a", "look", '{"thing": "\ud800"}')
    client = Says(ModelReply("", (call,), "tool_calls", Usage(1, 1)))
    async with Jido(storage=open_memory(), services=[MODELS.with_clients(odd=client)]) as jido:
        clerk = await jido.start_agent(Kept)
        assert (await (await ask(clerk, "hi")).answer(timeout=60)).text == "fine"
        [said] = [each for each in clerk.agent.strategy_state.messages if getattr(each, "calls", ())]
        assert said.calls[0].arguments == '{"thing": "?"}'


class WaitsForEver:
    """Takes what a server says to wait as it is."""

    async def stream(self, request, tell):
        await trio.lowlevel.checkpoint()
        return ModelFailure("429", retry_after=float("inf"), billed=False)


async def test_a_client_that_would_have_nobody_go_on_has_a_bug_and_the_limit_is_open(autojump_clock):
    limit = RateLimit(calls=9)
    models = MODELS.with_clients(odd=limit.of(WaitsForEver()))
    async with Jido(services=[models]) as jido:
        answer = await (await ask(await jido.start_agent(Clerk), "hi")).answer(timeout=60)
    assert isinstance(answer, NotAnswered)
    assert "retry_after=inf of a failure must be seconds, or None" in answer.why
    assert (await limit.of(Says(ModelReply("x", (), "stop"))).stream(None, print)).text == "x"


def test_tokens_below_none_are_refused():
    with pytest.raises(InvalidDefinition, match="input=-5 of usage must be a whole number"):
        Usage(input=-5)

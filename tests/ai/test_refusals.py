"""What can't be right is refused at each door, with the thing, the value and what to give instead."""

# mypy: disable-error-code="arg-type,dict-item"

import pytest

from jido_trio import Action, Agent, Jido
from jido_trio.ai import (
    Answered,
    Budget,
    ChatAgent,
    Model,
    Models,
    NotAnswered,
    Price,
    RateLimit,
    Request,
    Rules,
    Tool,
    ask,
    conversation,
    find_request,
    skills_in,
    teammate,
)
from jido_trio.ai._conversation import REMEMBERED
from jido_trio.errors import InvalidDefinition
from jido_trio.testing import ScriptedModel


class Look(Action):
    async def run(self, context): ...


class Count(Action):
    def run(self, context): ...


NOBODY = ScriptedModel([])
MODELS = Models(m=Model("m", NOBODY))


class Clerk(ChatAgent, models=MODELS, model="m"): ...


class Plain(Agent): ...


def clerk(**options):
    class Odd(ChatAgent, **{"models": MODELS, "model": "m", **options}): ...

    return Odd


REFUSED = [
    (lambda: Model("", NOBODY), "name='' of a model must say something"),
    (lambda: Model(None, NOBODY), "name=None of a model must be a text"),
    (lambda: Model("\ud800", NOBODY), "of a model must be text that UTF-8 can write"),
    (lambda: Model("m", ScriptedModel), "client=.* of model 'm' must have a method `stream`"),
    (lambda: Model("m", NOBODY, price=3), r"price=3 of model 'm' must be a Price\(...\)"),
    (lambda: Model("m", NOBODY, fallback=3), "fallback=3 of model 'm' must be the name of a model"),
    (lambda: Models(), "Models() has no model: name at least one"),
    (lambda: RateLimit(calls=1).of(3), "client=3 of a rate limit must have a method `stream`"),
    (lambda: Price(1, 1, as_of=3), "as_of=3 of a price must be a text"),
    (lambda: Budget(unknown_price="yes"), "unknown_price='yes' of a budget must be True or False"),
    (lambda: Tool(Look, spec=3), "spec=3 of tool .*Look.* must be a ToolSpec"),
    (lambda: Tool(Count, timeout=3), "timeout=3 of tool 'count' is for `async def run`"),
    (lambda: clerk(models=3), "models=3 of agent .*Odd must be Models"),
    (lambda: clerk(model=["m"]), r"model=\['m'\] of agent .*Odd must be a text"),
    (lambda: clerk(tools=Look), "tools=.*Look.* of agent .*Odd must be a list"),
    (lambda: clerk(tools="look"), "tools='look' of agent .*Odd must be a list"),
    (lambda: clerk(answer=3), "answer=3 of agent .*Odd must be a frozen attrs class"),
    (lambda: clerk(skills="folder"), r"skills='folder' of agent .*Odd must be what skills_in\(folder\) returns"),
    (lambda: clerk(instructions="\ud800"), "instructions=.* of agent .*Odd must be text that UTF-8 can write"),
    (lambda: conversation(3), "3 has no conversations: give a class of ChatAgent"),
    (lambda: conversation(Rules(max_result=-1)), "max_result=-1 of the rules must be a whole number"),
    (lambda: conversation(Rules(longest_pause=-1)), "longest_pause=-1 of the rules must be seconds"),
    (lambda: conversation(Rules(budget=None)), r"budget=None of the rules must be a Budget\(...\)"),
    (lambda: conversation(Rules(tools=(Look,))), r"tools=.*Look.* of the rules must be a Tool\(action\)"),
    (lambda: conversation(Rules(models={"default": 3})), r"models\['default'\]=3 of the rules must be a ModelRule"),
    (lambda: teammate(Clerk.new("a")), "can't be a teammate: give a ChatAgent"),
    (lambda: teammate(Clerk, name=""), "can't be named ''"),
    (lambda: skills_in(3), "skills are read from a folder: give its path, not 3"),
]


@pytest.mark.parametrize(("make", "says"), REFUSED)
def test_what_is_declared_wrongly_is_refused_by_name(make, says):
    with pytest.raises(InvalidDefinition, match=says.replace("()", r"\(\)")):
        make()


async def test_what_is_asked_wrongly_is_refused_and_nothing_is_asked(autojump_clock):
    script = ScriptedModel(["yes"])
    async with Jido(services=[MODELS.with_clients(m=script)]) as jido:
        plain, agent = await jido.start_agent(Plain), await jido.start_agent(Clerk)
        for options in (
            {"text": ""},
            {"text": "\ud800"},
            {"text": 3},
            {"text": "hi", "id": ""},
            {"text": "hi", "id": 3},
        ):
            with pytest.raises(InvalidDefinition, match="of a request must"):
                await ask(agent, **options)
        for wrong in (plain, 3, None):
            with pytest.raises(InvalidDefinition, match="must be a ref to a ChatAgent"):
                await ask(wrong, "hi")
            with pytest.raises(InvalidDefinition, match="must be a ref to a ChatAgent"):
                find_request(wrong, "1")
        assert script.requests == []

        request = await ask(agent, "hi")
        for timeout in (-1, float("nan"), "3", True):
            with pytest.raises(InvalidDefinition, match=r"timeout=.* of an answer must be seconds"):
                await request.answer(timeout)
        for call in (3, None, ""):
            with pytest.raises(InvalidDefinition, match=r"call=.* of an approval must"):
                await request.approve(call)
            with pytest.raises(InvalidDefinition, match=r"call=.* of an approval must"):
                await request.deny(call)
        assert isinstance(await request.answer(), Answered)


async def test_a_request_that_the_agent_knows_no_more_is_told_of_as_that(autojump_clock):
    script = ScriptedModel(["yes"] * (REMEMBERED + 1))
    async with Jido(services=[MODELS.with_clients(m=script)]) as jido:
        agent = await jido.start_agent(Clerk)
        first = await ask(agent, "hi", id="first")
        for number in range(REMEMBERED):
            last = await ask(agent, "hi", id=f"{number}")
        await last.answer()
        for request in (first, Request(agent, "never")):
            outcome = await request.answer(timeout=1)
            assert isinstance(outcome, NotAnswered)
            assert outcome.why.startswith("the agent doesn't know it")
            assert [part async for part in Request(agent, "never").parts()] == []

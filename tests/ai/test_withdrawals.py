"""What readers see of a text that is not the answer after all, or that another one said, under virtual time."""

# mypy: disable-error-code="union-attr"

from attrs import frozen

from jido_trio import Jido
from jido_trio.ai import ChatAgent, Model, Models, TextPart, ToolPart, ToolResultPart, WithdrawnPart, ask, teammate
from jido_trio.testing import ScriptedModel

MODELS = Models(m=Model("m", ScriptedModel([])))


@frozen
class Trip:
    city: str


class Planner(ChatAgent, models=MODELS, model="m", answer=Trip): ...


class Steered(ChatAgent, models=MODELS, model="m", busy="steer"): ...


class Clerk(ChatAgent, models=MODELS, model="m"): ...


class Boss(ChatAgent, models=MODELS, model="m", tools=[teammate(Clerk, hand_over=True)]): ...


async def test_an_answer_that_is_handed_over_is_shown_as_that(autojump_clock):
    script = ScriptedModel([[("clerk", {"question": "Where?"})], "In Oslo."])
    async with Jido(services=[MODELS.with_clients(m=script)]) as jido:
        request = await ask(await jido.start_agent(Boss), "Where?")
        assert (await request.answer()).text == "In Oslo."
        assert [part async for part in request.parts()] == [
            ToolPart("call_1_1", "clerk", '{"question": "Where?"}'),
            ToolResultPart("call_1_1", "In Oslo.", error=False),
            TextPart("In Oslo."),
        ]


async def test_an_answer_that_is_mended_is_withdrawn_and_the_next_is_shown_once(autojump_clock):
    script = ScriptedModel(["To Oslo.", '{"city": "Oslo"}'])
    async with Jido(services=[MODELS.with_clients(m=script)]) as jido:
        request = await ask(await jido.start_agent(Planner), "Where?")
        await request.answer()
        assert [part async for part in request.parts()] == [
            TextPart("To Oslo."),
            WithdrawnPart(),
            TextPart('{"city": "Oslo"}'),
        ]


async def test_what_was_said_when_more_was_asked_is_withdrawn_and_the_next_is_shown_once(autojump_clock):
    script = ScriptedModel(["Snow.", "Snow in both."])
    async with Jido(services=[MODELS.with_clients(m=script)]) as jido:
        agent = await jido.start_agent(Steered)
        request = await ask(agent, "In Oslo?")
        await ask(agent, "and Bergen?")
        await request.answer()
        assert [part async for part in request.parts()] == [
            TextPart("Snow."),
            WithdrawnPart(),
            TextPart("Snow in both."),
        ]

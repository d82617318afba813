"""What llmock, a server that others wrote, has to say of an agent that it fails on purpose.

Each request is counted there, each wait is measured there, and the verdict is its own.
"""

# mypy: disable-error-code="union-attr,arg-type"

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import openai
import pytest
import trio
from attrs import frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    ChatAgent,
    Model,
    Models,
    NotAnswered,
    TextPart,
    WithdrawnPart,
    ask,
)
from jido_trio.ai.anthropic import Anthropic
from jido_trio.ai.openai import OpenAI, OpenAIEmbeddings
from jido_trio.errors import ActionError
from jido_trio.testing import ScriptedModel

pytestmark = pytest.mark.judges

FORMS: dict[str, tuple[str, Callable[..., Any]]] = {
    "openai": ("openai", OpenAI),
    "responses": ("openai", partial(OpenAI, form="responses")),
    "anthropic": ("anthropic", Anthropic),
}
RAN: list[str] = []


@frozen
class Trip:
    sky: str = ""


class Weather(Action, description="The weather of a city"):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        RAN.append(self.city)
        return {"sky": "snow"}


NOBODY = Models(m=Model("gpt-4o", ScriptedModel([]), max_tokens=10_000))


class Clerk(ChatAgent, models=NOBODY, model="m", first_pause=0.06):
    """Tells."""


class Impatient(Clerk, retries=1): ...


class Planner(ChatAgent[Trip], models=NOBODY, model="m", tools=[Weather], first_pause=0.06):
    """Plans."""


@pytest.fixture(params=FORMS)
def served(request, judge):
    """What makes an instance whose model is at the judge's."""
    RAN.clear()
    provider, client = FORMS[request.param]

    def instance(**options):
        made = client(api_key="sk-1", base_url=judge.base_url(provider), **options)
        return Jido("trips", services=[NOBODY.with_clients(m=made)])

    return instance


async def answers(instance, *questions, agent=Clerk):
    """Return the outcome of each question, and the parts that a reader of the first saw."""
    async with instance as jido:
        ref = await jido.start_agent(agent)
        outcomes, parts = [], []
        for question in questions:
            request = await ask(ref, question)
            parts.append([part async for part in request.parts()])
            outcomes.append(await request.answer(timeout=20))
        assert ref.incarnation == 1
    return outcomes, parts[0]


def text_of(parts):
    return "".join(part.text for part in parts if isinstance(part, TextPart))


async def test_what_the_provider_says_to_wait_is_waited(judge, served):
    judge.rate_limit(times=2, retry_after=0.2).reply("Snow")
    [outcome], _ = await answers(served(), "Oslo")
    assert (outcome.text, outcome.spent.calls) == ("Snow", 3)
    judge.assert_resilient(strict=True)
    assert [each.status for each in judge.requests] == [429, 429, 200]


async def test_a_quota_is_kept_to_by_waiting_as_long_as_it_says(judge, served):
    judge.limits(tpm=20_000)  # a request is charged with all that it may take: 10,000, and its prompt
    outcomes, _ = await answers(served(), "Oslo", "Bergen")
    assert all(isinstance(outcome, Answered) for outcome in outcomes)
    judge.assert_resilient(strict=True)
    assert [each.status for each in judge.requests] == [200, 429, 200]


async def test_a_server_that_breaks_is_asked_again_with_growing_pauses(judge, served):
    judge.fail(500, retry_after=0.01).fail(529, retry_after=0.01).fail(503, retry_after=0.01).reply("Snow")
    [outcome], _ = await answers(served(), "Oslo")
    assert outcome.text == "Snow"
    judge.assert_resilient(strict=True)
    assert len(judge.requests) == outcome.spent.calls == 4


async def test_retries_end_and_the_next_question_is_answered(judge, served):
    judge.fail(500, retry_after=0.1).fail(529).reply("Snow")
    [failed, outcome], _ = await answers(served(), "Oslo", "Bergen", agent=Impatient)
    assert isinstance(failed, NotAnswered)
    assert outcome.text == "Snow"
    judge.assert_resilient(strict=True)
    assert [each.status for each in judge.requests] == [500, 529, 200]


async def test_a_provider_that_is_down_is_left_alone_after_some_tries(judge, served):
    judge.fail(503, times=None, retry_after=0.01)
    [failed], _ = await answers(served(), "Oslo")
    assert isinstance(failed, NotAnswered)
    judge.assert_resilient(strict=True)
    assert len(judge.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_is_refused_for_good_is_asked_once(judge, served, status):
    judge.fail(status)
    [failed], _ = await answers(served(), "Oslo")
    assert isinstance(failed, NotAnswered)
    judge.assert_resilient(strict=True)
    assert len(judge.requests) == 1


@pytest.mark.parametrize("fault", ["truncate", "disconnect", "corrupt"])
async def test_a_stream_that_breaks_is_no_answer_and_what_was_shown_of_it_is_withdrawn(judge, served, fault):
    getattr(judge.reply("one two three four five"), fault)(after_chunks=5).reply("Snow").pace(20)
    [outcome], parts = await answers(served(), "Oslo")
    assert outcome.text == "Snow"
    at = parts.index(WithdrawnPart())
    assert "one two three four five".startswith(text_of(parts[:at]).strip())
    assert text_of(parts[at:]) == "Snow"
    judge.assert_resilient(strict=True)
    assert len(judge.requests) == outcome.spent.calls == 2


async def test_a_stream_that_stalls_is_left_and_asked_again(judge, served):
    judge.reply("one two three four five").stall(after_chunks=5, seconds=5).reply("Snow")
    [outcome], _ = await answers(served(silence=0.3), "Oslo")
    assert outcome.text == "Snow"
    judge.assert_resilient(strict=True)
    assert len(judge.requests) == 2


@pytest.mark.parametrize("fault", ["truncate", "disconnect"])
@pytest.mark.parametrize("chunks", [2, 3, 4])
async def test_a_call_of_a_tool_that_was_cut_is_not_run(judge, served, fault, chunks):
    judge.call_tool("weather", {"city": "Oslo by the fjord, in the north"})
    getattr(judge, fault)(after_chunks=chunks).reply("None")
    [outcome], _ = await answers(served(), "Oslo", agent=Planner)
    assert (outcome.text, RAN) == ("None", [])
    judge.assert_resilient(strict=True)
    assert len(judge.requests) == 2


@pytest.mark.parametrize(
    ("fault", "told"), [("malformed_arguments", "don't fit"), ("unknown_tool", "there is no tool")]
)
async def test_a_call_that_fits_no_tool_is_told_and_the_model_mends_it(judge, served, fault, told):
    judge.break_tool_call(fault).call_tool("weather", {"city": "Oslo"}).call_tool("weather", {"city": "Bergen"})
    [outcome], _ = await answers(served(), "Oslo", agent=Planner)
    assert isinstance(outcome, Answered)
    assert RAN == ["Bergen"]
    judge.assert_resilient(strict=True)
    assert told in str(judge.requests[1].body)
    assert len(judge.requests) == outcome.spent.calls == 3


async def test_a_prompt_that_is_too_long_is_summed_up_and_not_sent_again_as_it_is(judge, served):
    judge.limits(context_window=1_000)
    for text in ("Well.", "of what was refused", "They said x.", "Snow"):
        judge.reply(text)
    [_, outcome], _ = await answers(served(), "x" * 3_000, "y" * 1_600)
    assert (outcome.text, outcome.spent.calls) == ("Snow", 3)
    judge.assert_resilient(strict=True)
    assert [each.status for each in judge.requests] == [200, 400, 200, 200]


@frozen
class Decision:
    city: Literal["Oslo", "Bergen"]
    nights: int


@pytest.mark.parametrize("form", ["openai", "responses"])
async def test_an_answer_of_a_class_is_asked_for_by_its_schema(judge, form):
    provider, client = FORMS[form]
    models = Models(m=Model("gpt-4o", client(api_key="sk-1", base_url=judge.base_url(provider))))

    class Decider(ChatAgent, models=models, model="m", answer=Decision): ...

    judge.truncate(after_chunks=3)
    [outcome], _ = await answers(Jido("trips", services=[models]), "Oslo", agent=Decider)
    assert isinstance(outcome.value, Decision)
    judge.assert_resilient(strict=True)
    assert len(judge.requests) == outcome.spent.calls == 2


async def test_a_model_that_is_down_is_left_for_another_one(judge):
    judge.fail(503, times=None, retry_after=0.01, model="gpt-4o")
    judge.reply("Snow")
    models = Models(
        m=Model("gpt-4o", OpenAI(api_key="sk-1", base_url=judge.base_url("openai")), fallback="other"),
        other=Model("claude", Anthropic(api_key="sk-1", base_url=judge.base_url("anthropic"))),
    )

    class Careful(ChatAgent, models=models, model="m", retries=1, first_pause=0.06): ...

    [outcome], _ = await answers(Jido("trips", services=[models]), "Oslo", agent=Careful)
    assert outcome.text == "Snow"
    judge.assert_resilient(strict=True)
    assert [(each.model, each.status) for each in judge.requests] == [("gpt-4o", 503)] * 2 + [("claude", 200)]


async def test_texts_are_embedded_and_a_refusal_says_whether_to_try_again(judge):
    embedder = OpenAIEmbeddings("text-embedding-3-small", api_key="sk-1", base_url=judge.base_url("openai"))
    async with embedder.held():
        one, two = await embedder.embed(["snow", "rain"])
        assert len(one) == len(two) > 100
        judge.fail(429)
        with pytest.raises(ActionError) as refused:
            await embedder.embed(["snow"])
    assert refused.value.retryable
    assert len(judge.requests) == 2


async def test_the_judge_would_notice(judge):
    judge.truncate(after_chunks=3)
    async with openai.AsyncOpenAI() as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Oslo"}], stream=True
        )
        async for _ in stream:
            pass
    assert [each.code for each in judge.verdict().errors] == ["truncated_stream_accepted"]

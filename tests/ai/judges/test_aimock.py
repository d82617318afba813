"""aimock fails as its dice fall: whatever it does, each question is answered, and each request is known."""

# mypy: disable-error-code="union-attr,arg-type,misc"

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio

from jido_trio import Action, Jido
from jido_trio.ai import Answered, ChatAgent, Model, Models, TextPart, WithdrawnPart, ask
from jido_trio.ai.anthropic import Anthropic
from jido_trio.ai.ollama import Ollama
from jido_trio.ai.openai import OpenAI
from jido_trio.testing import ScriptedModel
from tests.ai.judges.aimock import WEATHER

pytestmark = pytest.mark.judges

FORMS: dict[str, tuple[str, Callable[..., Any]]] = {
    "openai": ("/v1", OpenAI),
    "responses": ("/v1", partial(OpenAI, form="responses")),
    "anthropic": ("", Anthropic),
    "ollama": ("", Ollama),
}
QUESTIONS = 12
RAN: list[str] = []
NOBODY = Models(m=Model("gpt-4o", ScriptedModel([]), max_tokens=100))


class Weather(Action, description="The weather of a city"):
    city: str

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        RAN.append(self.city)
        return {"sky": "snow"}


class Planner(ChatAgent, models=NOBODY, model="m", tools=[Weather], retries=30, first_pause=0): ...


@pytest.fixture(params=FORMS)
def form(request):
    RAN.clear()
    return request.param


def at(aimock, form):
    base, make = FORMS[form]
    client = make(api_key="sk-1", base_url=aimock.url + base)
    return Jido("trips", services=[NOBODY.with_clients(m=client)])


async def test_without_chaos_it_is_answered_with_one_tool(aimock, form):
    async with at(aimock, form) as jido:
        outcome = await (await ask(await jido.start_agent(Planner), "And in Oslo?")).answer(timeout=20)
    assert (outcome.text, outcome.spent.calls, RAN) == (WEATHER, 2, ["Oslo"])
    assert [each["response"]["status"] for each in aimock.journal()] == [200, 200]


async def test_each_question_is_answered_in_the_midst_of_chaos(aimock, form):
    aimock.fail(dropRate=0.2, malformedRate=0.2, disconnectRate=0.2)
    async with at(aimock, form) as jido:
        requests = [await ask(await jido.start_agent(Planner), "And in Oslo?") for _ in range(QUESTIONS)]
        outcomes = [await request.answer(timeout=50) for request in requests]
    assert [outcome for outcome in outcomes if not isinstance(outcome, Answered)] == []
    assert [outcome.text for outcome in outcomes] == [WEATHER] * QUESTIONS
    assert RAN == ["Oslo"] * QUESTIONS
    journal = aimock.journal()
    assert len(journal) == sum(outcome.spent.calls for outcome in outcomes)
    happened = Counter(each["response"].get("chaosAction", "none") for each in journal)
    assert set(happened) == {"none", "drop", "malformed", "disconnect"}
    assert happened["none"] == 2 * QUESTIONS


async def test_a_reply_that_was_cut_is_taken_back(aimock, form):
    async with at(aimock, form) as jido:
        request = await ask(await jido.start_agent(Planner), f"A reply that is cut for {form}")
        parts = [part async for part in request.parts()]
        outcome = await request.answer(timeout=20)
    assert (outcome.text, outcome.spent.calls) == (WEATHER, 2)
    at_ = parts.index(WithdrawnPart())
    assert "".join(part.text for part in parts[at_:] if isinstance(part, TextPart)) == WEATHER
    assert len(aimock.journal()) == 2

"""A real model, small and honest: what it says is its own, how it says it is llama-server's, in all three forms.

The model knows no tools. Asked for a decision under a schema, it gives the arguments of a call; so a client of ours
asks it for that, and the rest of the way is an agent's.
"""

# mypy: disable-error-code="union-attr,arg-type"

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
import trio
from attrs import evolve, frozen

from jido_trio import Action, Jido
from jido_trio.ai import (
    Answered,
    Cancelled,
    ChatAgent,
    Model,
    ModelReply,
    Models,
    NotAnswered,
    TextPart,
    ToolCall,
    ToolPart,
    ToolResultPart,
    UserMessage,
    ask,
)
from jido_trio.ai.anthropic import Anthropic
from jido_trio.ai.openai import OpenAI
from jido_trio.testing import ScriptedModel

pytestmark = [pytest.mark.judges, pytest.mark.seconds(180)]

FORMS: dict[str, tuple[str, Callable[..., Any]]] = {
    "openai": ("/v1", OpenAI),
    "responses": ("/v1", partial(OpenAI, form="responses")),
    "anthropic": ("", Anthropic),
}
ROOT = Path(__file__).resolve().parents[3]
DESK = ROOT / "docs/uses/support_desk"
NOBODY = Models(m=Model("smollm2", ScriptedModel([]), max_tokens=32))
RAN: list[str] = []

City = Literal["Oslo", "Bergen"]


@frozen
class Trip:
    city: City
    nights: Literal[1, 2, 3]


class Weather(Action, description="The weather of a city"):
    city: City

    async def run(self, context):
        await trio.lowlevel.checkpoint()
        RAN.append(self.city)
        return {"sky": "snow"}


class Clerk(ChatAgent, models=NOBODY, model="m"): ...


class Decider(ChatAgent, models=NOBODY, model="m", answer=Trip): ...


class Planner(ChatAgent, models=NOBODY, model="m", tools=[Weather]): ...


class Deciding:
    """Has the model decide on the arguments of a call, under the schema of the tool; then it has it answer."""

    def __init__(self, client):
        self.client = client

    async def stream(self, request, tell):
        prompt = request.prompt
        [tool] = prompt.tools
        if not isinstance(prompt.messages[-1], UserMessage):
            return await self.client.stream(evolve(request, prompt=evolve(prompt, tools=())), tell)
        asked = evolve(prompt, tools=(), answer=tool.parameters)
        reply = await self.client.stream(evolve(request, prompt=asked), lambda _: None)
        if not isinstance(reply, ModelReply):
            return reply
        return evolve(reply, text="", calls=(ToolCall("d", tool.name, reply.text),), finish="tool_calls")


def at(llama, form, **options):
    """Return a client of the real model."""
    base, make = FORMS[form]
    return make(api_key="none", base_url=llama.url + base, options={"temperature": 0, **options})


@pytest.fixture(params=FORMS)
def client(request, llama):
    return partial(at, llama, request.param)


@pytest.fixture
def chat(llama):
    return at(llama, "openai")


def served(client):
    return Jido("trips", services=[NOBODY.with_clients(m=client)])


async def test_it_answers_in_pieces_and_tells_what_it_took(client):
    async with served(client()) as jido:
        request = await ask(await jido.start_agent(Clerk), "What is the capital of Norway?")
        parts = [part async for part in request.parts()]
        outcome = await request.answer(timeout=30)
    assert isinstance(outcome, Answered)
    assert outcome.text == "".join(part.text for part in parts if isinstance(part, TextPart)) != ""
    assert outcome.spent.calls == 1
    assert 20 < outcome.spent.tokens < 100


async def decided(client):
    async with served(client) as jido:
        request = await ask(await jido.start_agent(Decider), "Two nights in Bergen, please.")
        return await request.answer(timeout=30)


async def test_its_decision_is_of_the_class_that_was_asked_for(chat):
    outcome = await decided(chat)
    assert isinstance(outcome.value, Trip)
    assert outcome.spent.calls == 1


@pytest.mark.parametrize("form", ["responses", "anthropic"])
async def test_where_the_server_ignores_the_schema_its_text_is_no_decision(form, llama):
    outcome = await decided(at(llama, form))
    assert isinstance(outcome, NotAnswered)
    assert outcome.problems
    assert outcome.spent.calls == 2  # it was asked to mend it, once


async def test_what_it_decides_is_done_by_a_tool_and_then_it_answers(chat):
    RAN.clear()
    async with served(Deciding(chat)) as jido:
        planner = await jido.start_agent(Planner)
        request = await ask(planner, "What is the weather in Oslo?")
        parts = [part async for part in request.parts()]
        outcome = await request.answer(timeout=30)
    assert isinstance(outcome, Answered)
    assert (outcome.spent.calls, len(RAN)) == (2, 1)
    assert [type(part) for part in parts][:2] == [ToolPart, ToolResultPart]
    assert outcome.text


async def test_cancel_stops_its_slot_within_a_second(client, llama):
    endless = client(ignore_eos=True)

    models = Models(m=Model("smollm2", endless, max_tokens=400))

    class Talker(ChatAgent, models=models, model="m"): ...

    async with Jido("trips", services=[models]) as jido:
        talker = await jido.start_agent(Talker)
        request = await ask(talker, "Tell a long story.")
        async for _ in request.parts():
            break
        assert await trio.to_thread.run_sync(llama.busy) == 1
        await request.cancel()
        with trio.fail_after(1):
            while await trio.to_thread.run_sync(llama.busy):
                pass
        assert isinstance(await request.answer(timeout=5), Cancelled)


async def test_a_reply_that_was_cut_in_its_text_is_an_answer(client):
    async with served(client(ignore_eos=True)) as jido:
        outcome = await (await ask(await jido.start_agent(Clerk), "Tell a long story.")).answer(timeout=30)
    assert isinstance(outcome, Answered)


async def test_a_prompt_that_is_too_long_is_summed_up(client):
    async with served(client()) as jido:
        clerk = await jido.start_agent(Clerk)
        outcomes = [
            await (await ask(clerk, text)).answer(timeout=30)
            for text in ("What do cats eat? " * 60, "Where do cows sleep? " * 60)
        ]
    assert all(isinstance(outcome, Answered) for outcome in outcomes)
    assert outcomes[1].spent.calls == 3


MAILS = {"new-address@example.org", "gift-card@example.org", "lost-parcel@example.org"}


def test_the_program_for_customer_support_is_killed_and_goes_on_with_it(llama, tmp_path):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{llama.url}/v1",
        "MODEL": "smollm2",
    }
    command = [sys.executable, DESK / "support.py", tmp_path / "desk.db", DESK / "tickets.mbox", "127.0.0.1:9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        first = program.stdout.readline()
        program.kill()
    again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    answers = dict(line.split(": ", 1) for line in again.stdout.splitlines() if line.split(": ")[0] in MAILS)
    assert set(answers) == MAILS
    assert "needs a person" not in again.stdout
    mail, answer = first.rstrip("\n").split(": ", 1)
    assert answers[mail] == answer  # it was kept, and not asked for again

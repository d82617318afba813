"""Whole ways of several programs and many agents: official SDKs, HTTP, and a strict server that counts the requests."""

# mypy: disable-error-code="union-attr,arg-type"

import sys
import tracemalloc
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from os import environ
from pathlib import Path
from typing import Any

import pytest
import trio

from jido_trio import Jido
from jido_trio.ai import Answered, Model, Models, NeedsApproval, NotAnswered, Tool, ask, find_request
from jido_trio.data import pack
from jido_trio.errors import OwnershipLost
from jido_trio.storage import MemoryStorage
from jido_trio.testing import Cassette, chat_reply, open_fake_openai
from tests.ai.providers import EVERY, KEY
from tests.ai.test_over_http import NOBODY, OSLO, Book, Planner, last_told

PROGRAM = Path(__file__).with_name("chat_program.py")
POINTS = 41


class Kept(Planner, durable=True): ...


class Patient(Kept, tools=[Tool(Book, approve=True, expires=200_000)]): ...


@pytest.fixture(params=["openai", "anthropic"])
def provider(request):
    return EVERY[request.param]


@asynccontextmanager
async def program(client, storage=None, agent=Kept):
    """Yield an agent, as a program of its own has it."""
    services = [NOBODY.with_clients(m=client)]
    async with Jido("trips", services=services, storage=storage, on_report=lambda _: None) as jido:
        yield await jido.start_agent(agent, id="ann")


def client_of(provider, server):
    return provider.client(api_key=KEY, base_url=server.base_url)


@pytest.mark.parametrize("word", ["allowed", "denied", "expired"])
async def test_an_approval_a_day_and_two_programs_later(provider, mock_clock, word):
    storage = MemoryStorage()
    script = [provider.reply(calls=[("book", '{"hotel": "Grand"}')]), provider.reply("So be it.")]
    async with provider.serving(script) as server:
        client = client_of(provider, server)
        for _ in range(2):
            async with program(client, storage, Patient) as planner:
                needed = await (await ask(planner, "Book the Grand", id="r1")).answer()
                assert isinstance(needed, NeedsApproval)
                mock_clock.jump(43_200)
        async with program(client, storage, Patient) as planner:
            request = find_request(planner, "r1")
            if word == "allowed":
                await request.approve(needed.calls[0], by="bob")
            elif word == "denied":
                await request.deny(needed.calls[0], "too dear")
            else:
                mock_clock.jump(200_000)
            while isinstance(outcome := await request.answer(), NeedsApproval):
                await trio.lowlevel.checkpoint()
            assert outcome.text == "So be it."
            assert planner.agent.state.hotel == ("Grand" if word == "allowed" else "")
    assert (server.refused, len(server.requests)) == ([], 2)
    told = {"allowed": "Grand", "denied": "not allowed: too dear", "expired": "nobody allowed it within 200000 seconds"}
    assert told[word] in last_told(server)


async def test_a_recorded_run_is_played_with_the_network_off_to_the_same_log(provider, tmp_path):
    async def log(client, text="Oslo"):
        async with program(client, agent=Planner) as planner:
            outcome = await (await ask(planner, text, id="r1")).answer()
            return outcome, pack(planner.agent.strategy_state)

    async with provider.serving([provider.reply(calls=[OSLO]), provider.reply("Snow")]) as server:
        recorded = await log(Cassette(tmp_path / "tape", record=client_of(provider, server)))
    assert await log(Cassette(tmp_path / "tape")) == recorded
    missed, _ = await log(Cassette(tmp_path / "tape"), "Bergen")
    assert isinstance(missed, NotAnswered)
    assert "'Oslo' was recorded, and it is 'Bergen' now" in missed.why
    assert len(server.requests) == 2


async def test_of_two_programs_with_one_log_the_first_can_go_on_no_more(provider):
    storage = MemoryStorage()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(provider.serving([provider.reply("one"), provider.reply("two")]))
        first = await stack.enter_async_context(program(client_of(provider, server), storage))
        assert (await (await ask(first, "Who?")).answer()).text == "one"
        second = await stack.enter_async_context(program(client_of(provider, server), storage))
        with pytest.raises(OwnershipLost):
            await ask(first, "And now?")
        assert (await (await ask(second, "And now?")).answer()).text == "two"
        assert (server.refused, len(server.requests)) == ([], 2)
        assert last_told(server).count("Who?") == 1


@pytest.mark.parametrize("stalled", [5, pytest.param(200, marks=pytest.mark.long)])
async def test_conversations_do_not_notice_a_provider_that_stalls_and_what_is_kept_is_bounded(provider, stalled):
    text = " ".join(["snow" * 100] * 10)
    reply = provider.reply(text, end="hang")
    async with provider.serving([reply] * stalled) as stalling, provider.serving([provider.reply("here")] * 50) as well:
        models = Models(
            m=Model("m", client_of(provider, well), max_tokens=50),
            stalls=Model("m", client_of(provider, stalling), max_tokens=50),
        )

        class Stalled(Planner, models=models, model="stalls"): ...

        class Calm(Planner, models=models): ...

        async with Jido("many", services=[models]) as jido:
            tracemalloc.start()
            requests = [await ask(await jido.start_agent(Stalled), "hi") for _ in range(stalled)]
            for request in requests:
                parts, heard = request.parts(), 0
                while heard < len(text):
                    heard += len((await anext(parts)).text)
            held, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            for _ in range(50):
                outcome = await (await ask(await jido.start_agent(Calm), "hi")).answer(timeout=20)
                assert isinstance(outcome, Answered)
            assert (len(stalling.requests), len(well.requests), stalling.closed_early) == (stalled, 50, 0)
    assert held < 5_000_000 + 500_000 * stalled  # bytes; the first is what the SDK loads when it is first used


# Killed with -9


async def ran(folder, server, at):
    """Run the program, to be killed at a point; 0 is none."""
    environment = {**environ, "PROVIDER_URL": server.base_url}
    command = [sys.executable, str(PROGRAM), str(folder), str(at)]
    return await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False, env=environment)


@asynccontextmanager
async def hotel(*tools):
    """Serve who calls tools first."""
    calls = [(tool, "{}") for tool in tools]

    def script():
        while True:
            asked = [message["role"] for message in running[0].requests[-1]["messages"]]
            yield chat_reply("done") if "tool" in asked else chat_reply("so", calls=calls)

    running: list[Any] = []
    async with open_fake_openai(script()) as server:
        running.append(server)
        yield server


@pytest.mark.long
async def test_there_are_no_more_points_than_are_tried(tmp_path):
    async with hotel("look", "pay") as server:
        assert (await ran(tmp_path, server, 0)).stdout == f"done {POINTS}\n".encode()
    assert len(server.requests) == 2


@pytest.mark.long
@pytest.mark.parametrize("at", range(1, POINTS + 1))
async def test_killed_at_any_point_it_answers_and_pays_once_more_at_most(tmp_path, at):
    async with hotel("look", "pay") as server:
        assert (await ran(tmp_path, server, at)).returncode == -9
        again = await ran(tmp_path, server, 0)
    assert again.stdout.startswith(b"done"), again.stderr
    assert server.refused == []
    assert len(server.requests) <= 3
    notes = Counter((tmp_path / "notes").read_text().splitlines())
    assert notes["pay"] <= 1


WITHIN = ["send ends", "send begins", "pay ends", "pay begins", "look ends", "look begins"]


@pytest.mark.parametrize("at", [WITHIN[0], *(pytest.param(each, marks=pytest.mark.long) for each in WITHIN[1:])])
async def test_killed_within_a_tool_it_answers_and_each_effect_is_what_its_tool_says(tmp_path, at):
    async with hotel("look", "pay", "send") as server:
        assert (await ran(tmp_path, server, at)).returncode == -9
        assert (await ran(tmp_path, server, 0)).stdout.startswith(b"done")
    assert (server.refused, len(server.requests)) == ([], 2)
    notes = Counter((tmp_path / "notes").read_text().splitlines())
    told = {message["tool_call_id"]: message["content"] for message in server.requests[-1]["messages"][-3:]}
    look, pay, send = told.values()
    assert notes["look"] >= 1
    assert "snow" in look
    assert notes["pay"] <= 1
    assert "may have happened" in pay or (notes["pay"] and not at.startswith("pay"))
    assert len([line for line in notes if line.startswith("send ")]) == 1
    assert "true" in send

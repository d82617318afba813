"""`python -m benchmarks.turns`: what a turn with a model costs of our own; and what 200 conversations do to others.

A turn is `ask` and `answer` of an agent. Beside it stand the same requests by our adapter alone, and by the official
SDK, over HTTP to a server on this machine, which is a program of its own. They take turns as the conversation grows;
what is ours is what a turn takes on top of our adapter, in seconds of the processor of this process, its threads
included. A turn with a tool is two requests, and stands beside two. Of each turn the least of all rounds counts: on a
busy machine the rest is the work of others, who empty the caches.

With a client that answers at once, without HTTP, a turn is all ours: that is how far it grows with the conversation.

Then so many conversations wait for a reply that has stalled, and others are held to what they take without them.
"""

import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import openai
import trio
from attrs import define, field, frozen

from benchmarks._outside import ROOT
from jido_trio import Action, Context, Jido, Result
from jido_trio.ai import (
    Answered,
    ChatAgent,
    Model,
    ModelFailure,
    ModelReply,
    ModelRequest,
    Models,
    Tool,
    ToolCall,
    Usage,
    UserMessage,
    ask,
)
from jido_trio.ai.openai import OpenAI
from jido_trio.ai.openai._chat import CHAT
from jido_trio.bench._machine import load, this_machine
from jido_trio.storage import open_sqlite

ROUNDS = 5
TURNS = 100
STALLED = 200
CHARACTERS = 50_000
"""That each of them is sent before it stalls."""
WINDOWS = ((1, 10), (41, 50), (91, 100), (191, 200))
"""Turns of a conversation, of which the medians are told."""


class Look(Action, description="Look something up"):
    async def run(self, context: Context) -> Result:
        return {"sky": "snow"}


@contextmanager
def server(characters: int = 0) -> Iterator[str]:
    """Have a provider on this machine, and give its address."""
    command = [sys.executable, "-m", "benchmarks.peers._model_server", str(characters)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            yield program.stdout.readline().strip()
        finally:
            program.terminate()


COMPATIBLE = False
"""As servers like OpenAI's are asked, not OpenAI itself."""
NOBODY = OpenAI(api_key="sk-1")
MODELS = Models(m=Model("m", NOBODY), stalls=Model("stalls", NOBODY))


class Clerk(ChatAgent, models=MODELS, model="m"):
    """Answers."""


class Looker(Clerk, tools=[Tool(Look, replay="safe")]):
    """Looks something up first."""


class Kept(Clerk, durable=True):
    """Answers, and is kept."""


class KeptLooker(Looker, durable=True):
    """Looks something up first, and is kept."""


class Stalled(Clerk, model="stalls"):
    """Waits."""


def models_at(base_url: str) -> Models:
    """Return the models, at an address."""
    client = OpenAI(api_key="sk-1", base_url=base_url)
    return MODELS.with_clients(m=client, stalls=client)


@frozen
class Turn:
    """One turn of a conversation, in seconds of the processor."""

    sdk: float
    adapter: float
    turn: float


@frozen
class Way:
    """How agents are run: what stands in the table."""

    name: str
    agent: type[ChatAgent] = Clerk
    calls: int = 1


WAYS = (Way("in memory"), Way("in memory, with a tool", Looker, calls=2), Way("durable, on SQLite", Kept))
ALL_WAYS = (*WAYS, Way("durable, with a tool", KeptLooker, calls=2))


def busy() -> float:
    """Return the seconds that the processor has worked for this process."""
    return time.process_time()


def _heard(_text: str) -> None:
    """Take what nobody reads."""


@define
class Noted:
    """A client that keeps what it was asked."""

    client: OpenAI
    asked: list[ModelRequest] = field(factory=list)

    async def stream(self, request: ModelRequest, tell: Callable[[str], None]) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        self.asked.append(request)
        return await self.client.stream(request, tell)


async def conversation(base_url: str, way: Way, turns: int) -> list[Turn]:
    """Hold a conversation; each turn stands beside the same calls by our adapter, and by the SDK."""
    client = OpenAI(api_key="sk-1", base_url=base_url)
    noted = Noted(client)
    sdk = openai.AsyncOpenAI(api_key="sk-1", base_url=base_url, max_retries=0)
    services = [MODELS.with_clients(m=noted)]
    found = []
    async with sdk, client.held(), Jido("turns", storage=_storage(way), services=services) as jido:
        talk = await jido.start_agent(way.agent, id="talk")
        for number in range(turns):
            for request in noted.asked:  # so that what comes next finds warm caches, as the next one does
                await client.stream(request, _heard)
            noted.asked.clear()
            before = busy()
            answer = await (await ask(talk, f"Question {number}", id=f"q-{number}")).answer()
            one = busy()
            for request in noted.asked:
                await client.stream(request, _heard)
            two = busy()
            for request in noted.asked:
                await by_sdk(sdk, CHAT.fields(request.prompt, COMPATIBLE))
            three = busy()
            assert isinstance(answer, Answered)
            assert len(noted.asked) == way.calls
            found.append(Turn(three - two, two - one, one - before))
    return found


@asynccontextmanager
async def _storage(way: Way) -> AsyncIterator[Any]:
    with TemporaryDirectory() if way.agent.durable is not None else nullcontext() as folder:
        if folder is None:
            yield None
        else:
            async with open_sqlite(Path(folder) / "turns.db") as storage:
                yield storage


async def by_sdk(sdk: openai.AsyncOpenAI, fields: Mapping[str, Any]) -> str:
    """Ask by the SDK alone, as its documentation has it."""
    stream: Any = await sdk.chat.completions.create(model="m", stream=True, **fields)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


class AtOnce:
    """A client that answers at once, and has each question looked up where there is a tool."""

    async def stream(self, request: ModelRequest, tell: Callable[[str], None]) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        await trio.lowlevel.checkpoint()
        usage = Usage(10, 10)
        if request.prompt.tools and isinstance(request.prompt.messages[-1], UserMessage):
            return ModelReply("", (ToolCall("1", "look", "{}"),), "tool_calls", usage)
        tell(ANSWER)
        return ModelReply(ANSWER, (), "stop", usage)


ANSWER = "word " * 40


async def at_once(way: Way, turns: int) -> list[float]:
    """Hold a conversation with a client that answers at once, and return the seconds of each turn."""
    found = []
    services = [MODELS.with_clients(m=AtOnce())]
    async with Jido("turns", storage=_storage(way), services=services) as jido:
        talk = await jido.start_agent(way.agent, id="talk")
        for number in range(turns):
            before = busy()
            answer = await (await ask(talk, f"Question {number}", id=f"q-{number}")).answer()
            found.append(busy() - before)
            assert isinstance(answer, Answered)
    return found


def row_at_once(way: Way, rounds: Sequence[Sequence[float]]) -> str:
    """Return a row of medians, in Markdown."""
    least = [min(turns) for turns in zip(*rounds, strict=True)]
    windows = [least[first - 1 : last] for first, last in WINDOWS]
    return f"| {way.name} | {' | '.join(f'{median(turns) * 1e3:.2f} ms' for turns in windows if turns)} |"


def table(way: Way, rounds: Sequence[Sequence[Turn]]) -> Iterator[str]:
    """Yield rows of medians, in Markdown."""
    least = [
        Turn(*(min(getattr(turn, name) for turn in turns) for name in ("sdk", "adapter", "turn")))
        for turns in zip(*rounds, strict=True)
    ]
    for first, last in WINDOWS:
        turns = least[first - 1 : last]
        if turns:
            own = median(turn.turn - turn.adapter for turn in turns)
            parts = (median(getattr(turn, name) for turn in turns) for name in ("sdk", "adapter", "turn"))
            figures = " | ".join(f"{each * 1e3:.2f} ms" for each in (*parts, own))
            yield f"| {way.name} | {first} to {last} | {figures} |"


HEAD = "| an agent | turns | the SDK alone | our adapter alone | a turn | ours |\n|---|---|--:|--:|--:|--:|"


HEAD_AT_ONCE = f"| an agent | {' | '.join(f'{first} to {last}' for first, last in WINDOWS)} |\n|---|--:|--:|--:|--:|"


@define
class Heard:
    """A client that tells when so much was heard."""

    client: OpenAI
    missing: int
    all: trio.Event = field(factory=trio.Event)

    async def stream(self, request: ModelRequest, tell: Callable[[str], None]) -> ModelReply | ModelFailure:
        """See `ModelClient`."""

        def told(text: str) -> None:
            tell(text)
            self.missing -= len(text)
            if not self.missing:
                self.all.set()

        return await self.client.stream(request, told)


@frozen
class Calm:
    """What others take while so many are stalled."""

    stalled: int
    p50: float
    p99: float
    resident: float
    """MiB of the process."""


async def calm(base_url: str, stalled: int, others: int) -> Calm:
    """Have so many conversations stall, and measure what others take, in real time."""
    heard = Heard(OpenAI(api_key="sk-1", base_url=base_url), stalled * CHARACTERS)
    async with Jido("many", services=[models_at(base_url).with_clients(stalls=heard)]) as jido:
        for _ in range(stalled):
            await ask(await jido.start_agent(Stalled), "hi")
        if stalled:
            await heard.all.wait()
        times = []
        for _ in range(others):
            other = await jido.start_agent(Clerk)
            before = time.perf_counter()
            await (await ask(other, "hi")).answer()
            times.append(time.perf_counter() - before)
        times.sort()
        return Calm(stalled, times[len(times) // 2], times[len(times) * 99 // 100], _resident())


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the tables."""
    parser = ArgumentParser(prog="python -m benchmarks.turns", description="What a turn with a model costs.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"conversations to take medians of ({ROUNDS})")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of each ({TURNS})")
    parser.add_argument("--stalled", type=int, default=STALLED, help=f"conversations that wait ({STALLED})")
    options = parser.parse_args(arguments)
    before = load()
    rows: list[str] = []
    rows_at_once: list[str] = []
    with server() as base_url:
        for way in WAYS:
            trio.run(conversation, base_url, way, 5)
            found = [trio.run(conversation, base_url, way, options.turns) for _ in range(options.rounds)]
            rows += table(way, found)
    for way in ALL_WAYS:
        trio.run(at_once, way, 5)
        found_at_once = [trio.run(at_once, way, 2 * options.turns) for _ in range(options.rounds)]
        rows_at_once.append(row_at_once(way, found_at_once))
    with server(CHARACTERS) as base_url:
        found_calm = [trio.run(calm, base_url, stalled, 100) for stalled in (0, options.stalled)]
    print(this_machine(), f"load {before or 0:.1f} before, {load() or 0:.1f} after", "", HEAD, *rows, "", sep="\n")
    print(HEAD_AT_ONCE, *rows_at_once, "", sep="\n")
    print("| stalled | others: p50 | p99 | resident |\n|--:|--:|--:|--:|")
    for each in found_calm:
        print(f"| {each.stalled} | {each.p50 * 1e3:.1f} ms | {each.p99 * 1e3:.1f} ms | {each.resident:.0f} MiB |")


if __name__ == "__main__":
    main()

"""A request with two tools here, on SQLite, over HTTP; see `_killed`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import frozen

from jido_trio import Action, Context, Jido, Result
from jido_trio.ai import ChatAgent, Model, ModelFailure, ModelReply, ModelRequest, Models, Tool, ask
from jido_trio.ai.openai import OpenAI
from jido_trio.storage import Op, Storage, open_sqlite
from properties.campaigns._killed import effect, file, point


class Look(Action, description="Harmless"):
    async def run(self, context: Context) -> Result:
        point("a tool begins")
        effect("look")
        point("a tool has acted")
        return {"sky": "snow"}


class Pay(Action, description="Must happen once"):
    async def run(self, context: Context) -> Result:
        point("a tool begins")
        effect("pay")
        point("a tool has acted")
        return {"paid": True}


MODELS = Models(m=Model("m", OpenAI(api_key="sk-1")))


class Planner(ChatAgent, models=MODELS, model="m", tools=[Tool(Look, replay="safe"), Pay], durable=True):
    """Looks and pays."""


@frozen
class Client:
    """The adapter, with points around it."""

    openai: OpenAI

    async def stream(self, request: ModelRequest, tell: Callable[[str], None]) -> ModelReply | ModelFailure:
        """See `ModelClient`."""
        point("a request is made")
        reply = await self.openai.stream(request, tell)
        point("the program has the reply")
        return reply


class Points:
    """A storage with a point before and after each commit."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.get, self.scan = storage.get, storage.scan

    async def commit(self, ops: Sequence[Op]) -> None:
        """Commit."""
        point("before a commit")
        await self._storage.commit(ops)
        point("after a commit")


@asynccontextmanager
async def kept() -> AsyncIterator[Points]:
    """Open the storage of this run."""
    async with open_sqlite(file("chat.db")) as storage:
        yield Points(storage)


async def ask_it(url: str) -> None:
    """Ask, or ask again, and print the answer."""
    models = MODELS.with_clients(m=Client(OpenAI(api_key="sk-1", base_url=url)))
    async with Jido("trips", storage=kept(), services=[models]) as jido:
        planner = await jido.start_agent(Planner, id="ann")
        point("before it is asked")
        request = await ask(planner, "Oslo", id="web-1")
        answer = await request.answer()
        point("after the answer")
        print(getattr(answer, "text", answer))


def main(url: str) -> None:
    """See `_killed`."""
    trio.run(ask_it, url)

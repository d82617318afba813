"""A program that is killed: a request with two tools, on SQLite, a model and tools that count in synced files.

`python chat_program.py FOLDER POINT`: it kills itself when it comes to the point of that number or name; at 0 it
goes on to the answer, and prints it. With PROVIDER_URL in its environment the model is asked there.
"""

import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import trio
import trio.lowlevel
from attrs import frozen

from jido_trio import Action, Context, Jido, Result
from jido_trio.ai import Answered, ChatAgent, Model, ModelReply, Models, Tool, ToolCall, Usage, ask, refusal
from jido_trio.storage import Storage, open_sqlite

FOLDER = Path()
KILLED_AT = "0"
COME_TO = 0


def point(name: str) -> None:
    """Die here, if it is the time."""
    global COME_TO
    COME_TO += 1
    if KILLED_AT in (name, str(COME_TO)):
        os.kill(os.getpid(), signal.SIGKILL)


def note(what: str) -> None:
    """Write a line that a death leaves."""
    with (FOLDER / "notes").open("a") as notes:
        notes.write(f"{what}\n")
        notes.flush()
        os.fsync(notes.fileno())


@frozen
class Trip:
    hotel: str = ""


class Look(Action):
    """Harmless."""

    async def run(self, context: object) -> Result:
        point("look begins")
        note("look")
        point("look ends")
        return {"sky": "snow"}


class Pay(Action):
    """Must happen once."""

    async def run(self, context: object) -> Result:
        point("pay begins")
        note("pay")
        point("pay ends")
        return {"paid": True}


class Send(Action):
    """Whom it is sent to knows it again by its key."""

    async def run(self, context: Context) -> Result:
        point("send begins")
        note(f"send {context.key}")
        point("send ends")
        return {"sent": True}


class Provider:
    """As strict as strict ones are; each request costs."""

    async def stream(self, request, tell):
        point("before a request")
        await trio.lowlevel.checkpoint()
        wrong = refusal(request.prompt.messages)
        note(f"INVALID {wrong}" if wrong else f"request {len(request.prompt.messages)}")
        point("while it replies")
        tell("so ")
        said = len(request.prompt.messages)
        point("before the reply is kept")
        if said == 1:
            calls = (ToolCall("a", "look", "{}"), ToolCall("b", "pay", "{}"))
            return ModelReply("", calls, "tool_calls", Usage(10, 10))
        return ModelReply("done", (), "stop", Usage(10, 10))


class Points:
    """A storage with a point before and after each commit."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.get, self.scan = storage.get, storage.scan

    async def commit(self, ops):
        point("before a commit")
        await self._storage.commit(ops)
        point("after a commit")


@asynccontextmanager
async def kept():
    async with open_sqlite(FOLDER / "trips.db") as storage:
        yield Points(storage)


class Remote:
    """One that is asked over HTTP, by the official SDK."""

    def __init__(self, url: str) -> None:
        from jido_trio.ai.openai import OpenAI  # not in each program that is killed: it takes long

        self._client = OpenAI(api_key="sk-1", base_url=url)

    async def stream(self, request, tell):
        point("before a request")

        def heard(text: str) -> None:
            point("while it replies")
            tell(text)

        reply = await self._client.stream(request, heard)
        point("before the reply is kept")
        return reply


URL = os.environ.get("PROVIDER_URL")
MODELS = Models(m=Model("m", Remote(URL) if URL else Provider()))


class Planner(
    ChatAgent[Trip],
    models=MODELS,
    model="m",
    tools=[Tool(Look, replay="safe"), Pay, Tool(Send, replay="keyed")],
    durable=True,
):
    """Looks, pays, and sends."""


async def main() -> None:
    async with Jido("trips", storage=kept(), services=[MODELS]) as jido:
        planner = await jido.start_agent(Planner, id="ann")
        point("before it is asked")
        request = await ask(planner, "Pay the hotel", id="web-1")
        point("after it was asked")
        match await request.answer(timeout=20):
            case Answered(text=text):
                point("after the answer")
                print(text, COME_TO)  # noqa: T201
            case other:
                print(other)  # noqa: T201


if __name__ == "__main__":
    FOLDER, KILLED_AT = Path(sys.argv[1]), sys.argv[2]
    trio.run(main)

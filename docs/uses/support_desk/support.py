"""Customer support: answer the mails of a mailbox, by a model, with a person where money goes out.

    python shop.py 8080 &
    python support.py desk.db tickets.mbox 127.0.0.1:8080

Each mail is a conversation that is on disk. Killed with -9 and started again, the program goes on where each one was.
"""

import mailbox
import os
import re
import sqlite3
import sys
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import trio
from attrs import frozen

from jido_trio import Action, Context, Jido, Permanent, Result, ai
from jido_trio.actions.outside import Http, HttpRequest
from jido_trio.core import Policy
from jido_trio.runtime import run
from jido_trio.storage import open_sqlite

HELP = Path(__file__).with_name("help.md")
PATIENT = Policy(timeout=10, max_retries=4, backoff=0.05, jitter=0.5)
PERSON = trio.Lock()  # one question at a time


@frozen
class Address:
    """Where the shop is."""

    host: str


class Search(Action, description="Search the help pages"):
    words: str

    async def run(self, context: Context) -> Result:
        return {"found": await trio.to_thread.run_sync(found, self.words)}


def found(words: str) -> list[str]:
    """Return the two parts of the help pages that fit best, by SQLite's full text search."""
    with sqlite3.connect(":memory:") as index:
        index.execute("create virtual table help using fts5(text, tokenize='porter')")
        index.executemany("insert into help values (?)", [(part,) for part in HELP.read_text().split("## ")[1:]])
        wanted = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", words))
        return [text for (text,) in index.execute("select text from help(?) order by rank limit 2", [wanted])]


class Order(Action, policy=PATIENT, description="Look an order up"):
    number: str

    async def run(self, context: Context) -> Any:
        return await shop(context, "GET", f"orders/{self.number}")


class Refund(Action, policy=PATIENT, description="Send the money of an order back"):
    order: str

    async def run(self, context: Context) -> Any:
        return await shop(context, "PUT", f"refunds/{quote(str(context.key), '')}", {"order": self.order})


async def shop(context: Context, method: Any, path: str, data: Any = None) -> Any:
    url = f"http://{context.resources[Address].host}/{path}"
    answer: Any = await run(HttpRequest(url=url, method=method, json=data), context)
    if answer["status"] != 200:
        raise Permanent(f"the shop said {answer['status']}")
    return answer["json"]


# A model of OpenAI, or of a server like it, if there is a key for one; otherwise a script.
CLIENT = (
    import_module("jido_trio.ai.openai").OpenAI()
    if "OPENAI_API_KEY" in os.environ
    else import_module("script").Script()
)
MODELS = ai.Models(desk=ai.Model(os.environ.get("MODEL", "small-1"), CLIENT))
REFUND = ai.Tool(Refund, replay="keyed", approve=True)


class Desk(
    ai.ChatAgent,
    models=MODELS,
    model="desk",
    instructions="Answer the customer, by the help pages and the order. Refund what is lost.",
    tools=[ai.Tool(Search, replay="safe"), ai.Tool(Order, replay="safe"), REFUND],
    budget=ai.Budget(calls=8, tools=8, repeats=2),
    durable=True,
): ...


def mails(path: str) -> list[EmailMessage]:
    box: Any = mailbox.mbox(path, BytesParser(policy=policy.default).parse, create=False)  # type: ignore[arg-type]
    return list(box)


async def allowed(call: ai.AskApproval, mail: EmailMessage) -> bool:
    async with PERSON:
        print(f"{mail['from']}: {call.name} {call.arguments}? [y/N]", flush=True)
        line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        return bool(line.strip() == "y")


async def answer(jido: Jido, mail: EmailMessage) -> None:
    id, body = mail["message-id"].strip("<>"), mail.get_body(("plain",))
    text = f"{mail['subject']}\n\n{body.get_content() if body else ''}"
    request = await ai.ask(await jido.start_agent(Desk, id=id), text, id=id)
    while isinstance(outcome := await request.answer(), ai.NeedsApproval):
        for call in outcome.calls:
            decide = request.approve if await allowed(call, mail) else request.deny
            await decide(call, "a person at the desk")
    said = outcome.text if isinstance(outcome, ai.Answered) else f"needs a person: {outcome}"
    print(f"{id}: {said}", flush=True)


async def main(store: str, box: str, host: str) -> None:
    resources = {Address: Address(host), Http: Http(host, schemes="http")}
    async with (
        Jido("desk", storage=open_sqlite(store), services=[MODELS], resources=resources) as jido,
        trio.open_nursery() as nursery,
    ):
        for mail in mails(box):
            nursery.start_soon(answer, jido, mail)


if __name__ == "__main__":
    store, box, host = sys.argv[1:]
    trio.run(main, store, box, host)

"""A process with durable agents, in one of two versions of their class, that does what it is told on its input."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

ORDERS = {
    1: """
from attrs import frozen
from jido_trio import Action, Agent, Context, Result

@frozen
class OrderState:
    total: int = 0

class Add(Action):
    price: int
    def run(self, context: Context[OrderState]) -> Result:
        return {"total": context.state.total + self.price}

class Order(Agent[OrderState], vsn="1", routes={"add": Add}, durable=True): ...
""",
    2: """
from attrs import frozen
from jido_trio import Action, Agent, Context, Result
from jido_trio.core import Durable

@frozen
class OrderState:
    cents: int = 0

class Add(Action):
    price: int
    def run(self, context: Context[OrderState]) -> Result:
        return {"cents": context.state.cents + 100 * self.price}

MIGRATIONS = {"1": lambda fields: {"cents": 100 * fields["total"]}}

class Order(Agent[OrderState], vsn="2", routes={"add": Add}, durable=Durable(migrations=MIGRATIONS)): ...
""",
}

PROGRAM = """
import importlib, json, sys, trio
from attrs import astuple
from jido_trio import Jido, Signal
from jido_trio.errors import AgentNotFound, CallError, StorageError
from orders import Order

def opened(kind, place, *table):
    if kind == "sqlite":
        return importlib.import_module("jido_trio.storage").open_sqlite(place)
    return importlib.import_module("jido_trio.storage.postgres").open_postgres(place, table=table[0])

async def done(jido, told):
    ref = jido.whereis(told["id"])
    if told["do"] == "take":
        await jido.start_agent(Order, id=told["id"])
        return "ok"
    if ref is None:
        return "lost"
    if told["do"] == "state":
        return astuple(ref.agent.state)[0]
    signal = Signal("add", {"price": told["price"]}, id=told["signal"])
    await (ref.call(signal, timeout=60) if told["do"] == "call" else ref.cast(signal))
    return "ok"

async def answer(jido, told):
    try:
        reply = await done(jido, told)
    except (CallError, AgentNotFound) as error:
        reply = "lost"
    except StorageError as error:
        reply = "refused: " + str(error)
    print(json.dumps({"number": told["number"], "reply": reply}), flush=True)

async def main():
    async with Jido("shop", storage=opened(*sys.argv[1:])) as jido, trio.open_nursery() as nursery:
        print(json.dumps({"number": 0, "reply": "up"}), flush=True)
        while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            nursery.start_soon(answer, jido, json.loads(line))

trio.run(main)
"""


class Shop:
    """One of the processes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._number = 0
        self._replies: dict[int, Any] = {}
        self.said = ""
        """What it wrote to its log; whole once it has ended."""
        self._log = threading.Thread(target=self._read_log)
        self._log.start()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        self.said = self._process.stderr.read()

    def send(self, do: str, id: str, **more: Any) -> int:
        """Tell it to do something, and return the number by which it answers."""
        assert self._process.stdin is not None
        self._number += 1
        self._process.stdin.write(json.dumps({"number": self._number, "do": do, "id": id, **more}) + "\n")
        self._process.stdin.flush()
        return self._number

    def reply(self, number: int) -> Any:
        assert self._process.stdout is not None
        while number not in self._replies:
            line = self._process.stdout.readline()
            assert line, f"it ended: {self.end()}"
            told = json.loads(line)
            self._replies[told["number"]] = told["reply"]
        return self._replies.pop(number)

    def ask(self, do: str, id: str, **more: Any) -> Any:
        return self.reply(self.send(do, id, **more))

    def end(self) -> str:
        """End it in order, and return what it wrote to its log."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._log.join()
        return self.said


@contextmanager
def shop(folder: Path, version: int, where: Sequence[str]) -> Iterator[Shop]:
    """A process that runs inside of the block, with the class in that version and the storage that is named."""
    code = folder / f"v{version}"
    code.mkdir(exist_ok=True)
    (code / "orders.py").write_text(ORDERS[version])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(code)))}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        running = Shop(process)
        try:
            assert running.reply(0) == "up"
            yield running
        finally:
            process.kill()

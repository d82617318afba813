"""Data processing: a CSV file is checked and loaded into SQLite, batch by batch, whatever is wrong with some rows.

    python data.py orders.csv orders.db importer.db

Rows are checked in worker processes, so a row that takes the checker down costs itself only. Killed with -9 and started
again, the program goes on with the batch that it was at.
"""

import csv
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import trio
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Instruction, Jido, Result, RunInstruction
from jido_trio.core import Policy
from jido_trio.errors import WorkerDied
from jido_trio.runtime import listen_progress, run
from jido_trio.storage import open_sqlite

BATCH = 100


class Check(Action, policy=Policy(in_process=True, timeout=30, max_retries=2)):
    """Check rows in a process of its own: what takes that down is no harm to anybody else."""

    rows: dict[str, list[str]]

    async def run(self, context: Context[Any]) -> Result:
        found: dict[str, str] = {}
        for number, row in self.rows.items():
            try:
                check(row)
            except ValueError as error:
                found[number] = str(error)
        return {"refused": found}


def check(row: list[str]) -> None:
    """Raise what is wrong with a row; some take the process down, as a parser written in C may."""
    name, cents = row
    if name == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    if int(cents) < 0:
        raise ValueError(f"{cents} cents are less than nothing")


async def refused(rows: Mapping[str, list[str]], context: Context[Any]) -> dict[str, str]:
    """Return the rows that are wrong, and why; a batch that kills its process is halved until the row is found."""
    try:
        found: Any = await run(Check(rows=dict(rows)), context)
    except WorkerDied:
        if len(rows) == 1:
            return dict.fromkeys(rows, "it took the checker down")
        half = len(rows) // 2
        parts = list(rows.items())
        return await refused(dict(parts[:half]), context) | await refused(dict(parts[half:]), context)
    return dict(found["refused"])


@frozen
class Progress:
    """How many rows are done, and which of them were refused."""

    done: int = 0
    refused: dict[str, str] = field(factory=dict)


class Store(Action, idempotent=True):
    """Check a batch and write what is good. Rows have numbers, so to do it twice does no harm."""

    first: int
    rows: list[list[str]]
    target: str

    async def run(self, context: Context[Progress]) -> Result:
        numbered = {str(number): list(row) for number, row in enumerate(self.rows, self.first)}
        wrong = await refused(numbered, context)
        context.progress({"checked": self.first + len(self.rows)})
        good = [(int(number), *row) for number, row in numbered.items() if number not in wrong]
        await trio.to_thread.run_sync(write, self.target, good)
        return {"done": self.first + len(self.rows), "refused": wrong}


class Load(Action):
    """Store a batch after those that were asked for before, one of a former process among them."""

    batch: Store

    def run(self, context: Context[Progress]) -> Result:
        return RunInstruction(Instruction(self.batch), lane="load")


def write(target: str, rows: list[tuple[Any, ...]]) -> None:
    connection = sqlite3.connect(target)
    with connection:
        connection.execute("create table if not exists orders (number integer primary key, name, cents)")
        connection.executemany("insert or replace into orders values (?, ?, ?)", rows)
    connection.close()


class Importer(Agent[Progress], durable=True):
    """Knows how far the import is."""


def batches(path: str, done: int) -> Iterator[list[list[str]]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = islice(csv.reader(file), 1 + done, None)  # behind the head
        while batch := list(islice(rows, BATCH)):
            yield batch


async def tell(updates: Any) -> None:
    async for update in updates:
        if update.data:
            print(f"{update.data['checked']} rows are checked", flush=True)


async def main(source: str, target: str, store: str) -> None:
    async with Jido("import", storage=open_sqlite(store)) as jido, trio.open_nursery() as nursery:
        importer = await jido.start_agent(Importer, id="importer")
        with listen_progress(importer) as updates:
            nursery.start_soon(tell, updates)
            done = importer.agent.state.done
            for batch in batches(source, done):  # the next one is read when this one is on disk
                load = Load(batch=Store(first=done, rows=batch, target=target))
                settled = await importer.call(load, until="settled", timeout=None)
                done += len(batch)
                if settled.agent.state.done != done:
                    sys.exit(f"the batch before row {done} can't be loaded: start it again")
                print(f"{done} rows", flush=True)
        state = importer.agent.state
        print(f"{state.done} rows, {len(state.refused)} refused: {dict(state.refused)}", flush=True)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    source, target, store = sys.argv[1:]
    trio.run(main, source, target, store)

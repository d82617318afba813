"""`python -m benchmarks.keyed`: many keys, few of them in memory.

Each key is asked for twice, in an order drawn by lot: the first time makes its agent, the second brings it back from
disk. Told is how long one takes, how much memory is used, and that each agent is where it was.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from attrs import asdict, frozen

from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.groups import Keyed, open_keyed
from jido_trio.storage import open_sqlite


@frozen
class Count:
    number: int = 0


class Add(Action):
    number: int

    def run(self, context: Context[Count]) -> Result:
        return {"number": context.state.number + self.number}


class Customer(Agent[Count], routes={"add": Add}, durable=True):
    """One of many."""


@frozen
class Figures:
    """What came of it."""

    keys: int
    limit: int
    users: int
    """How many ask at once."""
    first_us: float
    """Microseconds for making one with its first signal, and putting another to rest."""
    again_us: float
    """For bringing one back with its second signal, and putting another to rest."""
    most_in_memory: int
    megabytes: float
    """The most that the process has used."""
    database_megabytes: float
    wrong: int
    """How many weren't where they had been."""


async def run(path: Path, keys: int, limit: int, users: int) -> Figures:
    """Ask for each key twice."""
    names, wrong, most = [f"customer {number}" for number in range(keys)], 0, 0
    draw = random.Random(1)
    async with (
        Jido("shop", storage=open_sqlite(path)) as jido,
        open_keyed(jido, Customer, name="customers", idle=None, limit=limit) as keyed,
    ):

        def check(total: int, wanted: int) -> None:
            nonlocal wrong, most
            wrong += total != wanted
            most = max(most, len(jido.list_agents()) if draw.random() < 0.01 else 0)

        draw.shuffle(names)
        first = await _round(keyed, names, users, lambda number: check(number, 1))
        draw.shuffle(names)
        again = await _round(keyed, names, users, lambda number: check(number, 2))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = (await trio.Path(path).stat()).st_size / 2**20
    return Figures(keys, limit, users, first / keys * 1e6, again / keys * 1e6, most, used, size, wrong)


async def _round(keyed: Keyed[Customer], names: Sequence[str], users: int, told: Callable[[int], None]) -> float:
    """Ask for each key, and return how many seconds it took."""
    began = time.perf_counter()
    rest = iter(names)

    async def use() -> None:
        for name in rest:
            told((await keyed.call(name, Signal("add", {"number": 1}), timeout=None)).state.number)

    async with trio.open_nursery() as nursery:
        for _ in range(users):
            nursery.start_soon(use)
    return time.perf_counter() - began


def main(argv: Sequence[str] | None = None) -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser("python -m benchmarks.keyed", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--users", type=int, default=100)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        figures = trio.run(run, Path(folder) / "shop.db", options.keys, options.limit, options.users)
    print(json.dumps(asdict(figures), indent=2))


if __name__ == "__main__":
    main()

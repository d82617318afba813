"""`python -m benchmarks.durable`: a call of a durable agent beside one bare commit of as many bytes, in SQLite.

Also how long the start of one with 10,000 inputs takes; and the call of an agent that isn't durable, in an instance
with a storage and in one without.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median

import trio
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.storage import Check, Put, open_sqlite

CALLS = 2000

INPUTS = 10_000
"""Of an agent that is started again."""


@frozen
class Count:
    total: int = 0


class Add(Action):
    price: int

    def run(self, context: Context[Count]) -> Result:
        return {"total": context.state.total + self.price}


class Plain(Agent[Count], routes={"add": Add}):
    """It adds."""


class Counter(Plain, durable=True):
    """It adds, whoever dies."""


async def timed(each: Callable[[], Awaitable[object]], callers: int) -> float:
    """Return the seconds of one, where so many do it at the same time."""

    async def work() -> None:
        for _ in range(CALLS // callers):
            await each()

    begin = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(callers):
            nursery.start_soon(work)
    return (time.perf_counter() - begin) / CALLS


async def bare(path: Path, entry: int, snapshot: int, *, power_safe: bool) -> float:
    """Return the seconds of a commit of an input and a snapshot of so many bytes."""
    numbers = iter(range(CALLS))
    async with open_sqlite(path, power_safe=power_safe) as storage:
        await storage.commit([Put("owner", b"{}")])

        async def commit() -> None:
            put = Put(f"past/{next(numbers):016}", b"x" * entry, expected=0)
            await storage.commit([Check("owner", 1), put, Put("agent", b"x" * snapshot)])

        return await timed(commit, 1)


async def durable(path: Path, callers: int, *, power_safe: bool) -> tuple[float, int, int]:
    """Return the seconds of a call, and the bytes of an input and of a snapshot."""
    async with open_sqlite(path, power_safe=power_safe) as storage, Jido("bench", storage=storage) as jido:
        counter = await jido.start_agent(Counter, id="c")

        async def call() -> None:
            await counter.call(Signal("add", {"price": 1}))

        seconds = await timed(call, callers)
        entry = await storage.get(f"bench/agent/c/past/{CALLS // callers * callers:016d}")
        snapshot = await storage.get("bench/agent/c/now/agent")
        assert entry is not None
        assert snapshot is not None
        return seconds, len(entry.value), len(snapshot.value)


async def thawed(path: Path) -> list[float]:
    """Return how many seconds starts of an agent with many inputs took."""
    async with open_sqlite(path) as storage:
        async with Jido("bench", storage=storage) as jido:
            counter = await jido.start_agent(Counter, id="c")

            async def call() -> None:
                await counter.call(Signal("add", {"price": 1}))

            for _ in range(INPUTS // CALLS):
                await timed(call, 100)
        taken = []
        for _ in range(21):
            async with Jido("bench", storage=storage) as jido:
                begin = time.perf_counter()
                counter = await jido.start_agent(Counter, id="c")
                taken.append(time.perf_counter() - begin)
                assert counter.agent.state.total == INPUTS
        return taken


async def plain(path: Path) -> tuple[float, float]:
    """Return the seconds of a call of an agent that isn't durable, beside a storage and without one."""
    taken = []
    async with open_sqlite(path) as storage:
        for given in (storage, None):
            async with Jido("bench", storage=given) as jido:
                counter = await jido.start_agent(Plain, id="c")
                best = min([await timed(partial(counter.call, Signal("add", {"price": 1})), 1) for _ in range(10)])
                taken.append(best)
    return taken[0], taken[1]


def called(folder: Path, callers: int, *, power_safe: bool) -> tuple[float, int, int]:
    """Return what `durable` measures, with a file of its own."""
    return trio.run(lambda: durable(folder / f"{callers}.db", callers, power_safe=power_safe))


def main() -> None:
    """Measure three times, and print each."""
    for number in range(3):
        for power_safe in (False, True):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                one, entry, snapshot = called(folder, 1, power_safe=power_safe)
                many, _, _ = called(folder, 100, power_safe=power_safe)
                file = folder / "bare.db"
                commit = trio.run(lambda: bare(file, entry, snapshot, power_safe=power_safe))  # noqa: B023
            print(
                f"run {number}, power_safe={power_safe}: commit {commit * 1e6:.0f} us, "
                f"call {one / commit:.2f}x, of 100 callers {many / commit:.2f}x"
            )
    with tempfile.TemporaryDirectory() as name:
        starts = trio.run(thawed, Path(name) / "thaw.db")
        print(f"start with {INPUTS} inputs: median {median(starts) * 1e3:.2f} ms, best {min(starts) * 1e3:.2f} ms")
        beside, without = trio.run(plain, Path(name) / "plain.db")
        print(f"call of one that isn't durable: {beside / without:.2f}x beside a storage ({without * 1e6:.1f} us)")


if __name__ == "__main__":
    main()

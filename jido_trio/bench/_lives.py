"""Starts, stops and sizes of agents and children that then do nothing."""

import tracemalloc
from collections.abc import Awaitable, Callable

import trio
import trio.testing

from jido_trio.bench import _bare_trio as bare
from jido_trio.bench._counter import CounterAgent
from jido_trio.bench._measure import Benchmark, Contender
from jido_trio.bench._stopwatch import Stopwatch
from jido_trio.runtime import Jido
from jido_trio.supervision import Child, open_dynamic_supervisor, open_supervisor

MANY = 10_000
SPAWN = Contender("start_soon", "`start_soon` of a task that waits for a memory channel of its own", bare.spawn)


def start_agent(laps: int, batch: int = 20) -> list[float]:
    """One agent after the other, each up when `start_agent` returns."""
    watch = Stopwatch()

    async def main() -> None:
        async with Jido() as jido:
            for _ in range(laps):
                watch.start()
                for _ in range(batch):
                    await jido.start_agent(CounterAgent)
                watch.split(batch)

    trio.run(main)
    return watch.laps


def start_child(laps: int, batch: int = 20) -> list[float]:
    """One child after the other, each up when `start_child` returns."""
    watch = Stopwatch()

    async def main() -> None:
        async with open_dynamic_supervisor() as supervisor:
            for lap in range(laps):
                watch.start()
                for number in range(batch):
                    await supervisor.start_child(Child(f"{lap}/{number}", trio.sleep_forever))
                watch.split(batch)

    trio.run(main)
    return watch.laps


def start_agents(size: int) -> list[float]:
    """So many agents, one after the other."""
    return [_agents(size)[0]]


def stop_agents(size: int) -> list[float]:
    """So many idle agents, by leaving the block."""
    return [_agents(size)[1]]


def _agents(size: int) -> tuple[float, float]:
    start, stop = Stopwatch(), Stopwatch()

    async def main() -> None:
        async with Jido() as jido:
            start.start()
            for _ in range(size):
                await jido.start_agent(CounterAgent)
            start.split(size)
            await trio.testing.wait_all_tasks_blocked()
            stop.start()
        stop.split(size)

    trio.run(main)
    return start.laps[0], stop.laps[0]


def start_many(size: int) -> list[float]:
    """All children of a static supervisor, in order."""
    return [_start_and_stop(size)[0]]


def stop_many(size: int) -> list[float]:
    """All children of a static supervisor, in reverse order, each stopped before the next is asked to."""
    return [_start_and_stop(size)[1]]


def _start_and_stop(size: int) -> tuple[float, float]:
    start, stop = Stopwatch(), Stopwatch()

    async def main() -> None:
        children = [Child(f"child-{number}", trio.sleep_forever) for number in range(size)]
        start.start()
        async with open_supervisor(children):
            start.split(size)
            await trio.testing.wait_all_tasks_blocked()
            stop.start()
        stop.split(size)

    trio.run(main)
    return start.laps[0], stop.laps[0]


def agent_memory(size: int) -> list[float]:
    """KiB of an idle agent, with its id, its mailbox and its ref."""
    used: list[float] = []

    async def main() -> None:
        async with Jido() as jido:
            used.append(await memory_of(size, lambda _: jido.start_agent(CounterAgent)))

    trio.run(main)
    return used


def child_memory(size: int) -> list[float]:
    """KiB of an idle child, with its spec."""
    used: list[float] = []

    async def main() -> None:
        async with open_dynamic_supervisor() as supervisor:

            def start(number: int) -> Awaitable[object]:
                return supervisor.start_child(Child(f"child-{number}", trio.sleep_forever))

            used.append(await memory_of(size, start))

    trio.run(main)
    return used


async def memory_of(size: int, start: Callable[[int], Awaitable[object]]) -> float:
    """Return how many KiB each of so many takes that `start` makes."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [await start(number) for number in range(size)]
    await trio.testing.wait_all_tasks_blocked()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / len(kept) / 1024


AGENTS = Contender("Jido.start_agent", "an agent with an id, a mailbox and a supervisor, up", start_agents)
TASKS = Contender(
    "start_soon", "a task that waits for a memory channel of its own, until all wait", bare.start_many_with_channel
)

BENCHMARKS = (
    Benchmark(
        "start-10000",
        "start of 10,000 agents, for each",
        AGENTS,
        (TASKS,),
        size=MANY,
        must=0.8,
        aim=0.4,
        rounds=5,
    ),
    Benchmark(
        "start-200000",
        "start of 200,000 agents, for each",
        AGENTS,
        (TASKS,),
        size=200_000,
        must=0.8,
        aim=0.4,
        rounds=3,
        long=True,
    ),
    Benchmark(
        "stop-10000",
        "stop of 10,000 idle agents, for each",
        Contender("Jido", "in reverse order, until the block is left", stop_agents),
        (Contender("nursery", "of such tasks, cancelled as a whole, until it is left", bare.stop_many_with_channel),),
        size=MANY,
        must=0.5,
        aim=0.2,
        rounds=5,
    ),
    Benchmark(
        "memory-agent",
        "memory of an idle agent",
        Contender("agent", "with its id, its state, its mailbox and its ref", agent_memory),
        (Contender("task", "that waits for a memory channel of its own", bare.memory_with_channel),),
        size=5000,
        must=0.35,
        aim=0.2,
        unit="KiB",
        rounds=2,
    ),
    Benchmark(
        "start-agent",
        "start of an agent among few",
        Contender("Jido.start_agent", "an agent with an id, a mailbox and a supervisor, up", start_agent),
        (SPAWN,),
        size=30,
    ),
    Benchmark(
        "start-child",
        "start of a child among few",
        Contender("Supervisor.start_child", "a child with an id and a cancel scope, up", start_child),
        (SPAWN,),
        size=30,
    ),
    Benchmark(
        "start-many",
        "start of 10,000 children, for each",
        Contender("open_supervisor", "until the block is entered", start_many),
        (Contender("nursery", "`start_soon`, until all sleep", bare.start_many),),
        size=MANY,
        rounds=3,
    ),
    Benchmark(
        "stop-many",
        "shutdown of 10,000 children, for each",
        Contender("open_supervisor", "in reverse order, one after the other, until the block is left", stop_many),
        (Contender("nursery", "cancelled as a whole, until it is left", bare.stop_many),),
        size=MANY,
        rounds=3,
    ),
    Benchmark(
        "memory-child",
        "memory of an idle child",
        Contender("child", "with its spec", child_memory),
        (Contender("task", "that sleeps in a cancel scope of its own", bare.memory_with_scope),),
        size=1000,
        unit="KiB",
        rounds=2,
    ),
)

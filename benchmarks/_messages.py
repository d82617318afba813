"""Messages to an agent: calls and casts of the README's counter, each of which runs `cmd`."""

import trio

from benchmarks import _bare_trio as bare
from benchmarks._counter import INCREMENT, CounterAgent
from benchmarks._measure import Benchmark, Contender
from benchmarks._stopwatch import Stopwatch
from jido_trio.runtime import Jido


def call(laps: int) -> list[float]:
    """One caller, with the default timeout."""
    watch = Stopwatch()

    async def main() -> None:
        async with Jido() as jido:
            counter = await jido.start_agent(CounterAgent)
            for _ in range(laps):
                watch.start()
                await counter.call(INCREMENT)
                watch.stop()

    trio.run(main)
    return watch.laps


def calls(laps: int, callers: int = 100) -> list[float]:
    """A hundred callers at once, five calls each."""
    watch = Stopwatch()

    async def main() -> None:
        async with Jido() as jido:
            counter = await jido.start_agent(CounterAgent)

            async def caller() -> None:
                for _ in range(5):
                    await counter.call(INCREMENT)

            for _ in range(laps):
                watch.start()
                async with trio.open_nursery() as everyone:
                    for _ in range(callers):
                        everyone.start_soon(caller)
                watch.split(5 * callers)

    trio.run(main)
    return watch.laps


def cast(laps: int, batch: int = 100) -> list[float]:
    """Casts, until the last one is handled."""
    watch = Stopwatch()

    async def main() -> None:
        async with Jido(mailbox_size=1024) as jido:
            counter = await jido.start_agent(CounterAgent)
            for _ in range(laps):
                watch.start()
                for _ in range(batch - 1):
                    await counter.cast(INCREMENT)
                await counter.call(INCREMENT)
                watch.split(batch)

    trio.run(main)
    return watch.laps


BENCHMARKS = (
    Benchmark(
        "call",
        "call, one caller",
        Contender("agent", "with a timeout; routed, `cmd` run, answered with the agent", call),
        (Contender("channels", "request and reply over two memory channels that are kept", bare.call),),
        target=3,
    ),
    Benchmark(
        "call-100",
        "call, a hundred callers",
        Contender("agent", "with a timeout; routed, `cmd` run, answered with the agent", calls),
        (Contender("channels", "request and reply over memory channels that are kept", bare.calls),),
        size=20,
        target=3,
    ),
    Benchmark(
        "cast",
        "cast",
        Contender("agent", "`await cast`; routed, `cmd` run", cast),
        (Contender("channel", "`await send` into a memory channel of 1024, received by another task", bare.cast),),
        size=50,
    ),
)

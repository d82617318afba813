"""Messages to an agent: calls and casts of the README's counter, each of which runs `cmd`."""

import trio

from jido_trio.bench import _bare_trio as bare
from jido_trio.bench._counter import INCREMENT, CounterAgent
from jido_trio.bench._measure import Benchmark, Contender
from jido_trio.bench._stopwatch import Stopwatch
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


def cast_nowait(laps: int, batch: int = 1000) -> list[float]:
    """Casts that don't wait, until the last one is handled."""
    watch = Stopwatch()

    async def main() -> None:
        async with Jido(mailbox_size=1024) as jido:
            counter = await jido.start_agent(CounterAgent)
            for _ in range(laps):
                watch.start()
                for _ in range(batch - 1):
                    counter.cast_nowait(INCREMENT)
                await counter.call(INCREMENT)
                watch.split(batch)

    trio.run(main)
    return watch.laps


def cast(laps: int, batch: int = 1000) -> list[float]:
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


REPLY = Contender("reply", "request and reply between two tasks that wait to be rescheduled", bare.reply)
REPLIES = Contender("reply", "request and reply between tasks that wait to be rescheduled", bare.replies)
CHANNELS = Contender("channels", "request and reply over two memory channels that are kept", bare.call)
SEND = Contender("send", "`await send` into a memory channel of 1024, received by another task", bare.cast)

BENCHMARKS = (
    Benchmark(
        "call",
        "call, one caller",
        Contender("call", "with the default timeout; routed, `cmd` run, answered with the agent", call),
        (REPLY, CHANNELS),
        must=1,
        aim=0.7,
    ),
    Benchmark(
        "call-100",
        "call, a hundred callers",
        Contender("call", "with the default timeout; routed, `cmd` run, answered with the agent", calls),
        (REPLIES, Contender("channels", "the same over memory channels that are kept", bare.calls)),
        size=20,
        must=2.2,
        aim=1.5,
    ),
    Benchmark(
        "cast-nowait",
        "cast_nowait until handled",
        Contender("cast_nowait", "routed, `cmd` run", cast_nowait),
        (SEND,),
        size=20,
        must=0.4,
        aim=0.22,
    ),
    Benchmark(
        "cast",
        "await cast until handled",
        Contender("cast", "routed, `cmd` run", cast),
        (SEND,),
        size=20,
        must=1,
        aim=0.8,
    ),
)

"""The known programs of the actor field in bare Trio: a task and a memory channel for each actor.

No ids, no supervision, no routing: a message is an integer or a tuple, and whoever sends has the channel at hand.
"""

import random
from collections.abc import Awaitable, Callable
from itertools import pairwise
from math import inf
from typing import Any

import trio

from jido_trio.bench._stopwatch import Stopwatch

RING = 503
"""Actors of the thread ring, as in Savina."""
WORKERS = 100
KEYS = 1000

Sender = trio.MemorySendChannel[Any]


def parts(first: int, leaves: int) -> list[tuple[int, int]]:
    """Divide a range of leaves among at most ten children: the first leaf of each, and how many."""
    bounds = [first + leaves * number // 10 for number in range(11)]
    return [(low, high - low) for low, high in pairwise(bounds) if high > low]


def _timed(program: Callable[[trio.Nursery], Awaitable[object]], parts: int) -> list[float]:
    watch = Stopwatch()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            watch.start()
            await program(nursery)
            watch.split(parts)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return watch.laps


def skynet(leaves: int) -> list[float]:
    """The sum over so many leaves; for each leaf."""

    async def program(nursery: trio.Nursery) -> None:
        async def node(first: int, leaves: int, parent: Sender) -> None:
            if leaves == 1:
                parent.send_nowait(first)
                return
            send, receive = trio.open_memory_channel[int](10)
            children = parts(first, leaves)
            for child in children:
                nursery.start_soon(node, *child, send)
            parent.send_nowait(sum([await receive.receive() for _ in children]))

        send, receive = trio.open_memory_channel[int](1)
        nursery.start_soon(node, 0, leaves, send)
        if await receive.receive() != leaves * (leaves - 1) // 2:
            raise AssertionError("the sum is wrong")

    return _timed(program, leaves)


def ping_pong(messages: int) -> list[float]:
    """Two tasks; for each message."""
    return _ring(messages, 2)


def thread_ring(messages: int) -> list[float]:
    """503 tasks in a ring; for each message."""
    return _ring(messages, RING)


def _ring(messages: int, players: int) -> list[float]:
    async def program(nursery: trio.Nursery) -> None:
        finished = trio.Event()

        async def play(receive: trio.MemoryReceiveChannel[int], following: Sender) -> None:
            async for left in receive:
                if left == 0:
                    finished.set()
                else:
                    await following.send(left - 1)

        channels = [trio.open_memory_channel[int](1) for _ in range(players)]
        for number, (_, receive) in enumerate(channels):
            nursery.start_soon(play, receive, channels[(number + 1) % players][0])
        await channels[0][0].send(messages)
        await finished.wait()

    return _timed(program, messages)


def fork_join(actors: int) -> list[float]:
    """Made, sent a message, counted; for each actor."""

    async def program(nursery: trio.Nursery) -> None:
        join, joined = trio.open_memory_channel[int](inf)

        async def forked(receive: trio.MemoryReceiveChannel[int]) -> None:
            async for _ in receive:
                join.send_nowait(1)

        kept = []
        for _ in range(actors):
            send, receive = trio.open_memory_channel[int](1)
            nursery.start_soon(forked, receive)
            send.send_nowait(1)
            kept.append(send)
        for _ in kept:
            await joined.receive()

    return _timed(program, actors)


def counting(messages: int) -> list[float]:
    """From task to task, over a channel of 1024; for each message."""

    async def program(nursery: trio.Nursery) -> None:
        send, receive = trio.open_memory_channel[int](1024)
        answer, answers = trio.open_memory_channel[int](1)

        async def count() -> None:
            total = 0
            async for number in receive:
                if number == 0:
                    await answer.send(total)
                total += number

        async def produce() -> None:
            for _ in range(messages):
                await send.send(1)
            await send.send(0)

        nursery.start_soon(count)
        nursery.start_soon(produce)
        if await answers.receive() != messages:
            raise AssertionError("the count is wrong")

    return _timed(program, messages)


def big(messages: int) -> list[float]:
    """A hundred tasks, pings to random ones and their pongs; for each message."""
    each = max(1, messages // WORKERS // 2)

    async def program(nursery: trio.Nursery) -> None:
        join, joined = trio.open_memory_channel[int](inf)
        channels = [trio.open_memory_channel[int | None](inf) for _ in range(WORKERS)]
        draw = random.Random(0)

        async def talk(me: int) -> None:
            left = each
            async for sender in channels[me][1]:
                if sender is not None:
                    await channels[sender][0].send(None)
                elif left == 0:
                    join.send_nowait(1)
                else:
                    left -= 1
                    await channels[draw.randrange(WORKERS)][0].send(me)

        for number in range(WORKERS):
            nursery.start_soon(talk, number)
            channels[number][0].send_nowait(None)
        for _ in range(WORKERS):
            await joined.receive()

    return _timed(program, 2 * each * WORKERS)


def dictionary(requests: int) -> list[float]:
    """A hundred tasks ask one that keeps a thousand keys; for each request, answered."""
    each = max(1, requests // WORKERS)

    async def program(nursery: trio.Nursery) -> None:
        ask, asked = trio.open_memory_channel[tuple[Sender, str, int | None]](inf)
        join, joined = trio.open_memory_channel[int](inf)

        async def shelf() -> None:
            values = {str(key): 0 for key in range(KEYS)}
            async for answer, key, value in asked:
                if value is not None:
                    values[key] = value
                await answer.send(values[key])

        async def reader() -> None:
            answer, answers = trio.open_memory_channel[int](1)
            for left in range(each, 0, -1):
                await ask.send((answer, str((left * 7919) % KEYS), left if left % 10 == 0 else None))
                await answers.receive()
            join.send_nowait(1)

        nursery.start_soon(shelf)
        for _ in range(WORKERS):
            nursery.start_soon(reader)
        for _ in range(WORKERS):
            await joined.receive()

    return _timed(program, each * WORKERS)

"""Bare Trio, as the others: a task and a memory channel of 1024 for each counter, a reply channel for each caller."""

from collections.abc import Awaitable, Callable

import trio

from benchmarks.peers._rows import rows

Reply = trio.MemorySendChannel[int] | None
Counter = trio.MemorySendChannel[Reply]


async def count(requests: trio.MemoryReceiveChannel[Reply]) -> None:
    total = 0
    async for reply in requests:
        total += 1
        if reply is not None:
            reply.send_nowait(total)


async def ask(counter: Counter) -> int:
    reply, replies = trio.open_memory_channel[int](1)
    await counter.send(reply)
    return await replies.receive()


async def together(fn: Callable[[], Awaitable[None]], times: int) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(times):
            nursery.start_soon(fn)


async def main() -> None:
    async with trio.open_nursery() as nursery:

        async def start() -> Counter:
            send, receive = trio.open_memory_channel[Reply](1024)
            nursery.start_soon(count, receive)
            return send

        await rows(start, ask, lambda counter: counter.send(None), together)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)

"""triotp: a gen_server for each counter. Run it where it is installed."""

import sys
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import logbook  # type: ignore[import-not-found]
import trio
from triotp import gen_server, mailbox  # type: ignore[import-not-found]

from benchmarks.peers._rows import rows


async def init(initial: int) -> list[int]:
    return [initial]


async def handle_call(message: int, caller: object, state: list[int]) -> Any:
    state[0] += message
    return gen_server.Reply(state[0]), state


async def handle_cast(message: int, state: list[int]) -> Any:
    state[0] += message
    return gen_server.NoReply(), state


async def together(fn: Callable[[], Awaitable[None]], times: int) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(times):
            nursery.start_soon(fn)


async def main() -> None:
    names = count()
    mailbox._init()  # noqa: SLF001  # what `node.run` does first
    async with trio.open_nursery() as nursery:

        async def start() -> str:
            name = f"counter-{next(names)}"
            nursery.start_soon(gen_server.start, sys.modules[__name__], 0, name)
            for _ in range(3):
                await trio.lowlevel.checkpoint()
            return name

        await rows(start, lambda name: gen_server.call(name, 1), lambda name: gen_server.cast(name, 1), together)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    with logbook.NullHandler().applicationbound():
        trio.run(main)

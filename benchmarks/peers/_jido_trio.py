"""Ours, as the others: the README's counter."""

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from benchmarks.peers._rows import rows
from jido_trio import AgentRef, Jido, Signal
from jido_trio.bench._counter import CounterAgent


async def together(fn: Callable[[], Awaitable[None]], times: int) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(times):
            nursery.start_soon(fn)


async def main() -> None:
    one = Signal("increment", {"amount": 1}, source="/benchmarks")
    async with Jido() as jido:

        async def ask(ref: AgentRef[Any]) -> int:
            count: int = (await ref.call(one)).state.count
            return count

        await rows(lambda: jido.start_agent(CounterAgent), ask, lambda ref: ref.cast(one), together)


if __name__ == "__main__":
    trio.run(main)

"""casty: an actor for each key, on one node. Run it where casty is installed."""

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Any

from casty import ActorSystem, Askable, Context, actor  # type: ignore[import-not-found]

from benchmarks.peers._rows import rows
from benchmarks.peers._together import together


@dataclass(frozen=True)
class Add:
    amount: int


@dataclass(frozen=True)
class AddAndGet(Askable[int]):  # type: ignore[misc]
    amount: int


@actor(initial=0)  # type: ignore[untyped-decorator]
async def counter(ctx: Context[int, Add | AddAndGet]) -> None:
    async for message in ctx.inbox:
        await ctx.state.set(ctx.state.value + message.amount)
        if isinstance(message, AddAndGet):
            message.reply_to.tell(ctx.state.value)


async def main() -> None:
    keys = count()
    async with ActorSystem() as system:

        async def start() -> Any:
            ref = system.ref(counter, str(next(keys)))
            ref.tell(Add(0))  # an actor is there once it is told something
            return ref

        async def tell(ref: Any) -> None:
            ref.tell(Add(1))

        await rows(start, lambda ref: ref.ask(AddAndGet(1)), tell, together)


if __name__ == "__main__":
    asyncio.run(main())

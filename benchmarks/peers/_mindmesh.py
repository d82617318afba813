"""mindmesh. Run it where it is installed."""

import asyncio
from dataclasses import dataclass
from typing import Any

from mindmesh import ActorHive, BaseActor, Request  # type: ignore[import-not-found]

from benchmarks.peers._rows import rows
from benchmarks.peers._together import together


@dataclass
class AddAndGet(Request[int]):  # type: ignore[misc]
    amount: int


@dataclass
class Add:
    amount: int


class Counter(BaseActor):  # type: ignore[misc]
    count = 0

    def on_add_and_get(self, message: AddAndGet) -> int:
        self.count += message.amount
        return self.count

    def on_add(self, message: Add) -> None:
        self.count += message.amount


async def main() -> None:
    hive = ActorHive()

    async def start() -> Any:
        counter = hive.start_actor(Counter)
        await counter.wait_for_start()
        return counter

    async def tell(counter: Any) -> None:
        counter.tell(Add(1))

    await rows(start, lambda counter: counter.ask(AddAndGet(1)), tell, together)
    await hive.shutdown()


if __name__ == "__main__":
    asyncio.run(main())

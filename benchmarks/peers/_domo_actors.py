"""domo-actors. Run it where it is installed."""

import asyncio
from typing import Any

from domo_actors import Actor, ActorProtocol, Definition, Protocol, stage  # type: ignore[import-not-found]
from domo_actors.actors.address import Uuid7Address  # type: ignore[import-not-found]
from domo_actors.actors.protocol import ProtocolInstantiator  # type: ignore[import-not-found]

from benchmarks.peers._rows import rows
from benchmarks.peers._together import together


class Counter(ActorProtocol):  # type: ignore[misc]
    async def add(self) -> int:
        raise NotImplementedError


class CounterActor(Actor):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def add(self) -> int:
        self.count += 1
        return self.count


class Instantiator(ProtocolInstantiator):  # type: ignore[misc]
    def instantiate(self, definition: Any) -> Any:
        return CounterActor()


class CounterProtocol(Protocol):  # type: ignore[misc]
    def type(self) -> str:
        return "Counter"

    def instantiator(self) -> Any:
        return Instantiator()


async def main() -> None:
    async def start() -> Any:
        return stage().actor_for(CounterProtocol(), Definition("Counter", Uuid7Address(), ()))

    async def tell(counter: Any) -> None:
        counter.add()  # what it returns isn't awaited

    await rows(start, lambda counter: counter.add(), tell, together)
    await stage().close()


if __name__ == "__main__":
    asyncio.run(main())

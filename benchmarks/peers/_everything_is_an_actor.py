"""everything-is-an-actor. Run it where it is installed."""

import asyncio
from itertools import count

from actor_for_agents import Actor, ActorSystem  # type: ignore[import-not-found]

from benchmarks.peers._rows import rows
from benchmarks.peers._together import together


class Counter(Actor):  # type: ignore[misc]
    def __init__(self) -> None:
        self.count = 0

    async def on_receive(self, message: int) -> int:
        self.count += message
        return self.count


async def main() -> None:
    system, names = ActorSystem("benchmark"), count()
    await rows(
        lambda: system.spawn(Counter, f"counter-{next(names)}"),
        lambda ref: ref.ask(1),
        lambda ref: ref.tell(1),
        together,
    )
    await system.shutdown()


if __name__ == "__main__":
    asyncio.run(main())

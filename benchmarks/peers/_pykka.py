"""pykka: a thread for each actor. Run it where it is installed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pykka import ActorRegistry, ThreadingActor  # type: ignore[import-not-found]

from benchmarks.peers._rows import CALLERS, rows


class Counter(ThreadingActor):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def on_receive(self, message: int) -> int:
        self.count += message
        return self.count


async def start() -> Any:
    return Counter.start()


async def ask(counter: Any) -> int:
    count: int = counter.ask(1)  # it blocks, as pykka's callers do
    return count


async def tell(counter: Any) -> None:
    counter.tell(1)


async def together(fn: Any, times: int) -> None:
    with ThreadPoolExecutor(CALLERS) as threads:
        for done in [threads.submit(asyncio.run, fn()) for _ in range(times)]:
            done.result()


if __name__ == "__main__":
    try:
        asyncio.run(rows(start, ask, tell, together))
    finally:
        ActorRegistry.stop_all()

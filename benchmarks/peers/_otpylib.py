"""otpylib: a supervised gen_server that crashes, so many times. Run it where otpylib is installed."""

import asyncio
import sys
from typing import Any

from loguru import logger  # type: ignore[import-not-found]
from otpylib import process, supervisor  # type: ignore[import-not-found]
from otpylib.module import GEN_SERVER, SUPERVISOR, OTPModule  # type: ignore[import-not-found]
from otpylib.runtime import set_runtime  # type: ignore[import-not-found]
from otpylib.runtime.backends.asyncio_backend import AsyncIOBackend  # type: ignore[import-not-found]

from jido_trio.bench._stopwatch import Stopwatch

watch = Stopwatch()


class Life(metaclass=OTPModule, behavior=GEN_SERVER, version="1.0.0"):  # type: ignore[metaclass, call-arg]  # untyped
    async def init(self, pids: "asyncio.Queue[str]") -> None:
        watch.stop()
        pids.put_nowait(process.self())

    async def handle_info(self, message: str, state: None) -> Any:
        watch.start()
        raise ValueError

    async def handle_call(self, request: object, caller: object, state: None) -> Any:
        raise ValueError(request)

    async def handle_cast(self, request: object, state: None) -> Any:
        raise ValueError(request)

    async def terminate(self, reason: object, state: None) -> None:
        pass


class Tree(metaclass=OTPModule, behavior=SUPERVISOR, version="1.0.0"):  # type: ignore[metaclass, call-arg]  # untyped
    async def init(self, pids: "asyncio.Queue[str]") -> Any:
        options = supervisor.options(max_restarts=1_000_000, max_seconds=1)
        return [supervisor.child_spec(id="life", module=Life, args=pids)], options

    async def terminate(self, reason: object, state: object) -> None:
        pass


async def run(laps: int) -> None:
    backend = AsyncIOBackend()
    await backend.initialize()
    set_runtime(backend)
    pids: asyncio.Queue[str] = asyncio.Queue()
    done = asyncio.Event()

    async def drive() -> None:
        await supervisor.start_link(Tree, init_arg=pids)
        for _ in range(laps + 1):
            pid = await pids.get()
            await asyncio.sleep(0.0005)  # it answers its supervisor first
            await process.send(pid, "fall")
        done.set()

    await process.spawn(drive, mailbox=True)
    await done.wait()
    print(watch.laps[:laps])


def main(laps: int) -> None:
    logger.remove()
    asyncio.run(run(laps))


if __name__ == "__main__":
    main(int(sys.argv[1]))

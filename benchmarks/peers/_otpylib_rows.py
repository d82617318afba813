"""otpylib: a gen_server for each counter, driven from a process. Run it where it is installed."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from loguru import logger  # type: ignore[import-not-found]
from otpylib import gen_server, process  # type: ignore[import-not-found]
from otpylib.gen_server import NoReply, Reply  # type: ignore[import-not-found]
from otpylib.module import GEN_SERVER, OTPModule  # type: ignore[import-not-found]
from otpylib.runtime import set_runtime  # type: ignore[import-not-found]
from otpylib.runtime.backends.asyncio_backend import AsyncIOBackend  # type: ignore[import-not-found]

from benchmarks.peers._rows import rows
from benchmarks.peers._together import together as at_once


class Counter(metaclass=OTPModule, behavior=GEN_SERVER, version="1.0.0"):  # type: ignore[metaclass, call-arg]  # untyped
    async def init(self, initial: int) -> int:
        return initial

    async def handle_call(self, request: int, caller: object, state: int) -> Any:
        return Reply(state + request), state + request

    async def handle_cast(self, request: int, state: int) -> Any:
        return NoReply(), state + request

    async def handle_info(self, message: object, state: int) -> Any:
        return NoReply(), state

    async def terminate(self, reason: object, state: int) -> None:
        pass


async def run() -> None:
    backend = AsyncIOBackend()
    await backend.initialize()
    set_runtime(backend)
    names = count()

    async def start() -> str:
        name = f"counter-{next(names)}"
        await gen_server.start(Counter, 0, name)
        return name

    async def drive() -> None:
        await rows(start, lambda name: gen_server.call(name, 1), lambda name: gen_server.cast(name, 1), together)

    await in_a_process(drive)


async def in_a_process(fn: Callable[[], Awaitable[None]]) -> None:
    """Run `fn` in a process, whose mailbox answers come to."""
    done = asyncio.get_running_loop().create_future()

    async def process_of_its_own() -> None:
        try:
            await fn()
            done.set_result(None)
        except Exception as error:  # noqa: BLE001  # it is raised where the process was started
            done.set_exception(error)

    await process.spawn(process_of_its_own, mailbox=True)
    await done


async def together(fn: Callable[[], Awaitable[None]], times: int) -> None:
    await at_once(lambda: in_a_process(fn), times)


if __name__ == "__main__":
    logger.remove()
    asyncio.run(run())

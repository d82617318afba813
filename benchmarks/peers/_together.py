"""So many at once, on asyncio."""

import asyncio
from collections.abc import Awaitable, Callable


async def together(fn: Callable[[], Awaitable[None]], times: int) -> None:
    await asyncio.gather(*(fn() for _ in range(times)))

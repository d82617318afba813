"""A counter's rows, for any library that says how to start, tell and ask one. Imports nothing but Python's own.

`ask` increments and returns the count; `tell` increments. The count is checked, so nothing lost goes unseen.
"""

import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any

CALLERS = 100
QUICK = "quick"
"""As the argument: a few of each, to see that it runs."""


async def rows(
    start: Callable[[], Awaitable[Any]],
    ask: Callable[[Any], Awaitable[int]],
    tell: Callable[[Any], Awaitable[object]],
    together: Callable[[Callable[[], Awaitable[None]], int], Awaitable[object]],
) -> None:
    """Measure, and print microseconds (and KiB) as JSON. `together` runs a function so many times at once."""
    part = 100 if QUICK in sys.argv else 1
    figures: dict[str, float] = {}

    counter = await start()
    await ask(counter)
    calls = 20_000 // part
    began = perf_counter()
    for _ in range(calls):
        last = await ask(counter)
    figures["call"] = (perf_counter() - began) / calls * 1e6
    _expect(last, calls + 1)

    counter, each = await start(), calls // CALLERS

    async def caller() -> None:
        for _ in range(each):
            await ask(counter)

    began = perf_counter()
    await together(caller, CALLERS)
    figures["call-100"] = (perf_counter() - began) / (CALLERS * each) * 1e6
    _expect(await ask(counter), CALLERS * each + 1)

    counter, casts = await start(), 50_000 // part
    began = perf_counter()
    for _ in range(casts):
        await tell(counter)
    last = await ask(counter)
    figures["cast"] = (perf_counter() - began) / casts * 1e6
    _expect(last, casts + 1)

    actors, before = 10_000 // part, _resident()
    began = perf_counter()
    kept = [await start() for _ in range(actors)]
    _expect(await ask(kept[-1]), 1)
    figures["start"] = (perf_counter() - began) / actors * 1e6
    figures["KiB"] = (_resident() - before) / actors
    print(json.dumps(figures))


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise SystemExit(f"lost messages: the count is {found} and should be {expected}")


def _resident() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024

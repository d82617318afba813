"""A counter's rows, for any library that says how to start, tell and ask one. Imports nothing but Python's own.

`ask` increments and returns the count; `tell` increments. The count is checked, so nothing lost goes unseen.
Times are the processor's, of all threads, so that they hold on a busy machine: none of these programs sleeps.
"""

import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import process_time
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
    began = process_time()
    for _ in range(calls):
        last = await ask(counter)
    figures["call"] = (process_time() - began) / calls * 1e6
    _expect(last, calls + 1)

    counter, each = await start(), calls // CALLERS

    async def caller() -> None:
        for _ in range(each):
            await ask(counter)

    began = process_time()
    await together(caller, CALLERS)
    figures["call-100"] = (process_time() - began) / (CALLERS * each) * 1e6
    _expect(await ask(counter), CALLERS * each + 1)

    counter, casts = await start(), 50_000 // part
    began = process_time()
    for _ in range(casts):
        await tell(counter)
    last = await ask(counter)
    figures["cast"] = (process_time() - began) / casts * 1e6
    _expect(last, casts + 1)

    actors, before = 10_000 // part, _resident()
    began = process_time()
    kept = [await start() for _ in range(actors)]
    _expect(await ask(kept[-1]), 1)
    figures["start"] = (process_time() - began) / actors * 1e6
    figures["KiB"] = (_resident() - before) / actors
    print(json.dumps(figures))


def _expect(found: int, expected: int) -> None:
    if found != expected:
        raise SystemExit(f"lost messages: the count is {found} and should be {expected}")


def _resident() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024

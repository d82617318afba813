"""How many functions are called for each message and each life: a count that no load of the machine changes.

A program of its own, so that `benchmarks.before` can run it with the package of another commit.
"""

import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from types import FrameType

import trio
from attrs import frozen

from jido_trio import Action, Agent, AgentRef, Context, Emit, Jido, Result, Signal, ToAgent

EACH = 200
"""So often each is done."""

KINDS = {"call": "Python", "c_call": "C"}


@frozen
class Count:
    count: int = 0


class Add(Action):
    by: int = 1

    def run(self, context: Context[Count]) -> Result:
        return {"count": context.state.count + self.by}


class Pass(Action):
    def run(self, context: Context[Count]) -> Result:
        return Emit("add", {"by": 1}, dispatch=ToAgent("b"))


class Fall(Action):
    def run(self, context: Context[Count]) -> Result:
        raise ZeroDivisionError


class Counting(Agent[Count], routes={"add": Add, "pass": Pass, "fall": Fall}): ...


async def counted(work: Callable[[], Awaitable[object]]) -> dict[str, float]:
    """Return how many functions `work` calls, for each that it does."""
    calls: Counter[str] = Counter()

    def called(_frame: FrameType, event: str, _arg: object) -> None:
        calls[event] += 1

    sys.setprofile(called)
    try:
        await work()
    finally:
        sys.setprofile(None)
    return {what: round(calls[event] / EACH, 1) for event, what in KINDS.items()}


async def main() -> None:
    """Count, and print the counts as JSON."""
    async with Jido("counting", on_report=_ignore, on_dead_letter=_ignore, max_restarts=100 * EACH) as jido:
        a: AgentRef[Counting] = await jido.start_agent(Counting, id="a", budget=None)
        b: AgentRef[Counting] = await jido.start_agent(Counting, id="b")

        async def call() -> None:
            for _ in range(EACH):
                await a.call(Signal("add"))

        async def cast() -> None:
            for _ in range(EACH):
                await a.cast(Signal("add"))

        async def cast_nowait() -> None:
            await cast_all("add")

        async def hop() -> None:
            await cast_all("pass")

        async def restart() -> None:
            await cast_all("fall")

        async def cast_all(type: str) -> None:
            for _ in range(EACH):
                a.cast_nowait(Signal(type))
            await a.call(Signal("add"))
            await b.call(Signal("add"))

        async def start() -> None:
            for number in range(EACH):
                await jido.start_agent(Counting, id=str(number))

        counts = {}
        for work in (call, cast, cast_nowait, hop, restart, start):
            if work is not start:
                await work()  # what is made at the first time is none of it
            counts[work.__name__.replace("_", "-")] = await counted(work)
        print(json.dumps(counts))


def _ignore(_: object) -> None: ...


if __name__ == "__main__":
    trio.run(main)

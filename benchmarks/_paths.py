"""What the common paths of an agent that uses no capability take, in instructions of the interpreter.

A program of its own, run with the package of any commit. It prints JSON: for each path the bytecode instructions of one
turn, Trio's own included, and the microseconds of the processor's time.
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import trio
import trio.testing
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Result, Signal

TURNS, REPEATS = 2000, 7


@frozen
class Counted:
    n: int = 0


class Add(Action):
    by: int = 1

    def run(self, context: Context[Counted]) -> Result:
        return {"n": context.state.n + self.by}


class Fetch(Action):
    async def run(self, context: Context[Counted]) -> Result:
        return {"n": 1}


class Counter(Agent[Counted], routes={"add": Add, "fetch": Fetch}): ...


class Instructions:
    """Counts the instructions of whatever runs in this thread."""

    def __init__(self) -> None:
        self.count = 0

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        """Be told of a frame, and of each instruction in it."""
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.count += event == "opcode"
        return self.trace


async def of_one(turn: Callable[[], Awaitable[object]]) -> int:
    """Return the instructions of one turn: the least of some, as now and then the collector or a pool has its own."""
    least = sys.maxsize
    for _ in range(5):
        counted = Instructions()
        task: Any = trio.lowlevel.current_task().coro.cr_frame
        sys.settrace(counted.trace)
        task.f_trace = counted.trace
        await turn()
        sys.settrace(None)
        least = min(least, counted.count)
    return least


async def seconds_of(turn: Callable[[], Awaitable[object]]) -> float:
    """Return the processor's time of a turn: the least of some rounds."""
    rounds: list[float] = []
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in range(TURNS):
            await turn()
        rounds.append((time.process_time() - began) / TURNS)
    return min(rounds)


async def main() -> None:
    """Measure each path."""
    agent, add, signal, fetch = Counter.new("a"), Add(), Signal("add"), Signal("fetch")
    async with Jido() as jido:
        ref = await jido.start_agent(Counter)

        async def cmd() -> object:
            return agent.cmd(add)

        async def receive() -> object:
            return agent.receive(signal)

        async def call() -> object:
            return await ref.call(signal)

        async def with_effects() -> None:
            await ref.call(fetch)
            await trio.testing.wait_all_tasks_blocked()

        async def start_and_stop() -> None:
            await jido.stop_agent(await jido.start_agent(Counter))

        async def scope() -> None:
            with trio.CancelScope():  # noqa: ASYNC100  # what it costs by itself
                pass

        found = {}
        for turn in (cmd, receive, call, with_effects, start_and_stop, scope):
            for _ in range(300):
                await turn()
            found[turn.__name__] = [await of_one(turn), round(await seconds_of(turn) * 1e6, 2)]
    print(json.dumps(found))


if __name__ == "__main__":
    trio.run(main)

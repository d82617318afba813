"""`python -m benchmarks.million`: a million idle agents. Started, each sent a message, stopped: time and memory.

The collector is on. Memory is what the process holds more than before, by the system's account.
"""

import gc
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import trio
from attrs import frozen

from jido_trio import Jido
from jido_trio.bench._counter import INCREMENT, CounterAgent
from jido_trio.bench._machine import load, this_machine


@frozen
class Figures:
    """What so many agents took; seconds, and KiB for each."""

    agents: int
    start: float
    message: float
    stop: float
    memory: float
    memory_after: float
    """Once each has handled a message."""


async def measure(agents: int) -> Figures:
    """Start so many agents, send each a message, wait until all have handled it, stop all."""
    async with Jido() as jido:
        before, began = _resident(), perf_counter()
        refs = [await jido.start_agent(CounterAgent) for _ in range(agents)]
        started, memory = perf_counter(), (_resident() - before) / agents
        for ref in refs:
            await ref.cast(INCREMENT)
        agent = await refs[-1].call(INCREMENT)
        messaged, memory_after = perf_counter(), (_resident() - before) / agents
        if agent.state.count != 20 or any(ref.agent.state.count != 10 for ref in refs[:-1]):
            raise AssertionError("a message is missing")
        stopping = perf_counter()
    stopped = perf_counter()
    return Figures(agents, started - began, messaged - started, stopped - stopping, memory, memory_after)


def table(figures: Figures) -> str:
    """Return the figures as a table in Markdown."""
    lines = [f"| {figures.agents:,} agents | in all | for each |", "|---|--:|--:|"]
    for title, seconds in (
        ("started", figures.start),
        ("each sent one message, all handled", figures.message),
        ("stopped", figures.stop),
    ):
        lines.append(f"| {title} | {seconds:.2f} s | {seconds / figures.agents * 1e6:.2f} µs |")
    for title, memory in (("memory, idle", figures.memory), ("memory after a message", figures.memory_after)):
        lines.append(f"| {title} | {memory * figures.agents / 1024:.0f} MiB | {memory:.2f} KiB |")
    return "\n".join(lines)


def _resident() -> float:
    """KiB that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = ArgumentParser(prog="python -m benchmarks.million", description="Many idle agents.")
    parser.add_argument("--agents", type=int, default=1_000_000, help="how many (1,000,000)")
    options = parser.parse_args(arguments)
    before = load()
    figures = trio.run(measure, options.agents)
    print(f"{this_machine()}; load {before} before, {load()} after", "", table(figures), sep="\n")


if __name__ == "__main__":
    main()

"""Restarts: from the line that raises to the first line of the next life, and to what can be done then."""

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from jido_trio.bench import _bare_trio as bare
from jido_trio.bench._counter import FALL, LINGER, NEXT, UNLIMITED, falling_agent, ignore
from jido_trio.bench._measure import Benchmark, Contender
from jido_trio.bench._stopwatch import Stopwatch
from jido_trio.runtime import Jido
from jido_trio.supervision import Child, Life, open_supervisor
from jido_trio.terms import RestartStrategy

MANY = 2000
"""Restarts in one turn, for a p99.9."""

LOOP = Contender("loop", "one task; a cancel scope for each life, a checkpoint between two", bare.restart_loop)
UNYIELDING = Contender("loop, unyielding", "the loop without that checkpoint", partial(bare.restart_loop, yields=False))
TASK = Contender("task", "a fresh task in a cancel scope of its own for each life", bare.restart_task)
NURSERY = Contender("nursery", "a nursery for each life", bare.restart_nursery)


def agent_in_place(laps: int) -> list[float]:
    """An agent without tasks of its own: its value is replaced."""
    watch = Stopwatch()

    async def main() -> None:
        async with Jido(max_restarts=UNLIMITED, on_report=ignore, on_dead_letter=ignore) as jido:
            agent = await jido.start_agent(falling_agent(watch), budget=None)
            for _ in range(laps):
                await agent.cast(FALL)
            await _until(lambda: len(watch.laps) == laps)

    trio.run(main)
    return watch.laps


def agent_with_tasks(laps: int) -> list[float]:
    """An agent with a task of its own, which ends first."""
    watch = Stopwatch()
    lingering: list[int] = []

    async def main() -> None:
        async with Jido(max_restarts=UNLIMITED, on_report=ignore, on_dead_letter=ignore) as jido:
            agent = await jido.start_agent(falling_agent(watch, lingers=lambda: lingering.append(1)), budget=None)
            for lap in range(1, laps + 1):
                await agent.cast(LINGER)
                await _until(lambda: len(lingering) == lap)  # noqa: B023  # called in this very turn
                await agent.cast(FALL)
                await _until(lambda: len(watch.laps) == lap)  # noqa: B023

    trio.run(main)
    return watch.laps


def child(laps: int) -> list[float]:
    """A plain child: a fresh task in a cancel scope of its own, in its supervisor's saved context."""
    watch = Stopwatch()

    async def life(done: trio.Event) -> None:
        watch.stop()
        if len(watch.laps) == laps:
            done.set()
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        watch.start()
        raise bare.Crash

    _supervise(life)
    return watch.laps


def child_ready(laps: int) -> list[float]:
    """A child that tells when it is ready: until it has, and its supervisor knows."""
    watch = Stopwatch()

    async def life(done: trio.Event, *, task_status: Life) -> None:  # a supervisor starts it
        task_status.started()
        watch.stop()
        if len(watch.laps) == laps:
            done.set()
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        watch.start()
        raise bare.Crash

    _supervise(life)
    return watch.laps


def next_message(laps: int) -> list[float]:
    """An agent with another message in its mailbox: until that one's action runs."""
    watch = Stopwatch()

    async def main() -> None:
        async with Jido(max_restarts=UNLIMITED, on_report=ignore, on_dead_letter=ignore) as jido:
            agent = await jido.start_agent(falling_agent(watch, until="next"), budget=None)
            for lap in range(1, laps + 1):
                agent.cast_nowait(FALL)
                agent.cast_nowait(NEXT)
                await _until(lambda: len(watch.laps) == lap)  # noqa: B023

    trio.run(main)
    return watch.laps


def one_for_all(laps: int, size: int = 10) -> list[float]:
    """Ten children, one of which crashes: until all ten are at their first line again."""
    watch = Stopwatch()
    lives = 0

    def all_up() -> bool:
        nonlocal lives
        lives += 1
        return lives % size == 0

    async def live() -> None:
        if all_up():
            watch.stop()
        await trio.sleep_forever()

    async def crash(done: trio.Event) -> None:
        if all_up():
            watch.stop()
        await _until(lambda: lives % size == 0)
        if len(watch.laps) == laps:
            done.set()
            await trio.sleep_forever()
        watch.start()
        raise bare.Crash

    others = [Child(f"sibling-{number}", live) for number in range(1, size)]
    _supervise(crash, *others, strategy="one_for_all")
    return watch.laps


def _supervise(life: Callable[..., Awaitable[None]], *others: Child, strategy: RestartStrategy = "one_for_one") -> None:
    """Supervise `life` until it sets the event that it is given."""

    async def main() -> None:
        done = trio.Event()
        children = [Child("life", life, done), *others]
        async with open_supervisor(children, strategy=strategy, max_restarts=UNLIMITED, on_report=ignore):
            await done.wait()

    trio.run(main)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # an event would be measured, too
        await trio.lowlevel.checkpoint()


BENCHMARKS = (
    Benchmark(
        "restart-agent",
        "restart of an agent, in place",
        Contender(
            "agent",
            "its value is replaced, as it has no tasks: report, count, decision; no checkpoint of its own",
            agent_in_place,
        ),
        (LOOP, UNYIELDING, TASK, NURSERY),
        size=MANY,
    ),
    Benchmark(
        "restart-agent-tasks",
        "restart of an agent with tasks of its own",
        Contender("agent", "its task is cancelled, its nursery left, a fresh task started", agent_with_tasks),
        (LOOP, TASK, NURSERY),
        size=MANY,
    ),
    Benchmark(
        "restart-child",
        "restart of a supervised child",
        Contender("child", "a fresh task in a cancel scope of its own: report, count, decision", child),
        (TASK, LOOP, NURSERY),
        size=MANY,
        must=1.6,
        aim=1.3,
    ),
    Benchmark(
        "ready",
        "crash to ready, of a child with task_status",
        Contender("child", "until task_status.started() of the next life has returned", child_ready),
        (Contender("nursery.start", "until `await nursery.start(life)` has returned", bare.ready),),
    ),
    Benchmark(
        "next-message",
        "crash to the next queued message of an agent",
        Contender("agent", "until the action for the message behind the deadly one runs", next_message),
        (
            Contender(
                "channel", "one task, a memory channel that is kept, a cancel scope for each life", bare.next_message
            ),
        ),
    ),
    Benchmark(
        "one-for-all",
        "restart of ten children, one_for_all",
        Contender("supervisor", "nine are cancelled one after the other, ten started in order", one_for_all),
        (Contender("nursery", "ten tasks in a nursery, left and opened again", bare.group),),
        size=200,
    ),
)

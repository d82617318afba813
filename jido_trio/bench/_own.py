"""The same for an agent of one's own: its restart, calls, casts, start and memory, beside bare Trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import trio

from jido_trio.bench import _bare_trio as bare
from jido_trio.bench._counter import UNLIMITED, ignore
from jido_trio.bench._lives import SPAWN, memory_of
from jido_trio.bench._measure import Benchmark, Contender
from jido_trio.bench._messages import CHANNELS, REPLY, SEND
from jido_trio.bench._restarts import LOOP, TASK
from jido_trio.bench._stopwatch import Stopwatch
from jido_trio.core import Agent, Error, Signal
from jido_trio.errors import ActionError, InvalidDefinition
from jido_trio.redact import shown, shown_error
from jido_trio.runtime import AgentRef, Jido
from jido_trio.storage import open_memory

WAITING = Contender("task", "that waits for a memory channel of its own", bare.memory_with_channel)
Body = Callable[[Jido, AgentRef[Any]], Awaitable[None]]


def own_benchmarks(cls: type[Agent[Any]], signals: Sequence[Signal] = ()) -> Sequence[Benchmark]:
    """Return the benchmarks of an agent class.

    Args:
        cls: It must begin without a state given.
        signals: What it is told; if none are given, the signals without data that its routes take.

    Raises:
        InvalidDefinition: It can't be started as it is, or a signal is nothing for it.
    """
    for signal in signals:
        _check(cls, signal)
    told = signals or [signal for signal in _plain(cls) if _problem(cls, signal) is None]
    if not told:
        raise InvalidDefinition(
            f"agent {cls.name!r} takes no signal without data: say what to send, as --signal 'TYPE={{\"amount\": 1}}'",
            field="signal",
        )
    _check(cls, told[0])
    return (
        _benchmark("start", "start of", partial(start, cls), (SPAWN,), does="up when `start_agent` returns", size=30),
        _benchmark("memory", "memory of", partial(memory, cls), (WAITING,), does="idle", size=1000, unit="KiB"),
        _benchmark(
            "restart", "restart of", partial(restart, cls), (TASK, LOOP), does="killed, until its next life began"
        ),
        *(one for signal in told for one in _messages(cls, signal)),
    )


def _plain(cls: type[Agent[Any]]) -> Sequence[Signal]:
    """Return signals without data for its routes."""
    return [Signal(pattern) for pattern in cls.router.patterns if "*" not in pattern]


def _messages(cls: type[Agent[Any]], signal: Signal) -> Sequence[Benchmark]:
    kind = signal.type
    return (
        _benchmark(f"call {kind}", f"call {kind} of", partial(call, cls, signal), (REPLY, CHANNELS), does="answered"),
        _benchmark(
            f"cast {kind}", f"cast {kind} to", partial(cast, cls, signal), (SEND,), does="until handled", size=20
        ),
    )


def _benchmark(
    name: str,
    title: str,
    sample: Callable[[int], list[float]],
    bare: tuple[Contender, ...],
    *,
    does: str,
    size: int = 500,
    unit: str = "µs",
) -> Benchmark:
    rounds = 2 if unit == "KiB" else None
    return Benchmark(name, f"{title} the agent", Contender("agent", does, sample), bare, size, unit=unit, rounds=rounds)


def _check(cls: type[Agent[Any]], signal: Signal) -> None:
    problem = _problem(cls, signal)
    if problem is not None:
        raise InvalidDefinition(
            f"agent {cls.name!r} can't be measured by signal {shown(signal.type)}: {problem}", field="signal"
        )


def _problem(cls: type[Agent[Any]], signal: Signal) -> str | None:
    """Return why a fresh agent doesn't take the signal; None if it does."""
    try:
        received = cls.new().receive(signal)
    except Exception as error:  # noqa: BLE001  # of the agent's own code
        return shown_error(error)
    if not isinstance(received, tuple):
        return "no route matches"
    refused = [directive.error for directive in received[1] if isinstance(directive, Error)]
    return shown_error(refused[0]) if refused else None


# ---- what is timed


def start(cls: type[Agent[Any]], laps: int, batch: int = 20) -> list[float]:
    """One agent after the other."""
    watch = Stopwatch()

    async def body(jido: Jido, _: AgentRef[Any]) -> None:
        for _lap in range(laps):
            watch.start()
            for _number in range(batch):
                await jido.start_agent(cls)
            watch.split(batch)

    _with(cls, body)
    return watch.laps


def memory(cls: type[Agent[Any]], size: int) -> list[float]:
    """KiB of an idle agent."""
    used: list[float] = []

    async def body(jido: Jido, _: AgentRef[Any]) -> None:
        used.append(await memory_of(size, lambda _: jido.start_agent(cls)))

    _with(cls, body)
    return used


def restart(cls: type[Agent[Any]], laps: int) -> list[float]:
    """An agent that is killed, again and again."""
    watch = Stopwatch()

    async def body(jido: Jido, agent: AgentRef[Any]) -> None:
        for lap in range(1, laps + 1):
            watch.start()
            jido.kill_agent(agent)
            while agent.incarnation <= lap:
                await trio.lowlevel.checkpoint()
            watch.stop()

    _with(cls, body)
    return watch.laps


def call(cls: type[Agent[Any]], signal: Signal, laps: int) -> list[float]:
    """One caller; that the agent says no later on is an answer, too."""
    watch = Stopwatch()

    async def body(_jido: Jido, agent: AgentRef[Any]) -> None:
        for _lap in range(laps):
            watch.start()
            await _called(agent, signal)
            watch.stop()

    _with(cls, body)
    return watch.laps


def cast(cls: type[Agent[Any]], signal: Signal, laps: int, batch: int = 200) -> list[float]:
    """Casts, until the last one is handled."""
    watch = Stopwatch()

    async def body(_jido: Jido, agent: AgentRef[Any]) -> None:
        for _lap in range(laps):
            watch.start()
            for _number in range(batch - 1):
                await agent.cast(signal)
            await _called(agent, signal)
            watch.split(batch)

    _with(cls, body)
    return watch.laps


async def _called(agent: AgentRef[Any], signal: Signal) -> None:
    try:
        await agent.call(signal)
    except ActionError:
        return


def _with(cls: type[Agent[Any]], body: Body) -> None:
    """Run `body` with an instance, and one agent in it."""

    async def main() -> None:
        storage = open_memory() if cls.durable is not None else None
        async with Jido(
            max_restarts=UNLIMITED, storage=storage, on_report=ignore, on_dead_letter=ignore, on_dead_directive=ignore
        ) as jido:
            await body(jido, await jido.start_agent(cls, budget=None))

    trio.run(main)

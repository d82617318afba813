"""The agents that are measured: the README's counter, and one that falls when it is told to."""

from collections.abc import Callable
from typing import TypeVar

import trio
from attrs import AttrsInstance

from jido_trio.bench._bare_trio import CounterState, Crash
from jido_trio.bench._stopwatch import Stopwatch
from jido_trio.core import Action, Agent, Context, Direct, Result, Signal, Subject

A = TypeVar("A", bound=Subject)

UNLIMITED = 1_000_000
"""Restarts, so that no benchmark ends early."""


class Increment(Action, name="increment", description="Increments the counter by an amount"):
    amount: int = 1

    def run(self, context: Context[CounterState]) -> Result:
        return {"count": context.state.count + self.amount}


class CounterAgent(
    Agent[CounterState],
    name="counter",
    description="A simple counter agent",
    routes={"increment": Increment},
):
    """As in the README."""


INCREMENT = Signal("increment", {"amount": 10}, source="/benchmarks")
FALL = Signal("fall", source="/benchmarks")
LINGER = Signal("linger", source="/benchmarks")
NEXT = Signal("next", source="/benchmarks")


def ignore(_: object) -> None:
    """Do nothing about a report, a dead letter or the like: making it is measured, writing a log isn't."""


def falling_agent(
    watch: Stopwatch, *, until: str = "init", lingers: Callable[[], None] = lambda: None
) -> type[Agent[CounterState]]:
    """Return an agent that starts `watch` and crashes when it gets FALL.

    Args:
        watch: Stopped by the first line of the next life's strategy (`until` "init"), or by NEXT ("next").
        until: What stops the watch.
        lingers: Called once the task that LINGER begins, and that never ends, runs.
    """

    class Fall(Action):
        def run(self, context: Context[CounterState]) -> Result:
            watch.start()
            raise Crash

    class Linger(Action):
        async def run(self, context: Context[CounterState]) -> Result:
            lingers()
            await trio.sleep_forever()

    class Next(Action):
        def run(self, context: Context[CounterState]) -> Result:
            watch.stop()
            return None

    class Waking(Direct):
        def init(self, agent: A) -> tuple[A, tuple[AttrsInstance, ...]]:
            if until == "init":
                watch.stop()
            return agent, ()

    class FallingAgent(Agent[CounterState], routes={"fall": Fall, "linger": Linger, "next": Next}, strategy=Waking()):
        """One for this watch."""

    return FallingAgent

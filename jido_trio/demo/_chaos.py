"""Chaos: workers killed at random, as often as was asked for."""

from collections.abc import Sequence
from random import Random
from typing import Any

import trio

from jido_trio.core import Action, Result
from jido_trio.demo._report import Chaos
from jido_trio.runtime import AgentRef


class Killed(Exception):
    """What an agent crashes with when it is told to."""


class Die(Action):
    """Crashes the agent, whatever it is at."""

    def run(self, _context: object) -> Result:
        """Crash."""
        raise Killed("killed by chaos")


async def cause(chaos: Chaos, workers: Sequence[AgentRef[Any]]) -> None:
    """Kill a worker now and then, for ever; whom and when follows from the seed, what it is at then does not.

    The first kill comes soon, so that a run which is over in a moment sees one, too.

    A kill is an exception in the worker's own task. It ends the task with all that it had begun: its supervisor
    sees a crash like any other.
    """
    random = Random(chaos.seed)  # noqa: S311  # repeating itself is what it is for
    pause = chaos.every * random.uniform(0, 0.2)
    while True:
        await trio.sleep(pause)
        random.choice(workers).cast_nowait(Die())
        pause = chaos.every * random.uniform(0.5, 1.5)

"""What the pytest plugin does for tests that run something: an instance, simulations, what is heard, the time limit."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from jido_trio.runtime import Jido
from jido_trio.testing._heard import Heard
from jido_trio.testing._simulation import Simulation, simulate
from jido_trio.testing._time_limit import watched
from jido_trio.world import seeded, using

_HEARD = pytest.StashKey[Heard]()
IDLE = 15.0
"""Real seconds that a run in virtual time may stand still."""


def heard_of(item: pytest.Item) -> Heard:
    """Return what is heard in a test."""
    return item.stash.setdefault(_HEARD, Heard())


@contextmanager
def hearing(item: pytest.Item) -> Generator[None]:
    """Hear what happens inside. Of a test that fails with something else, nothing more is told."""
    heard = heard_of(item)
    with heard.listening():
        try:
            yield
        except BaseException:
            heard.crashes()
            heard.dead_letters()
            raise


@asynccontextmanager
async def instance(name: str) -> AsyncGenerator[Jido]:
    """Open an instance whose ids follow from a name."""
    if not isinstance(trio.lowlevel.current_clock(), MockClock):
        pytest.fail("`jido` lives in virtual time: have the test ask for `autojump_clock`, too")
    with using(seeded(name)):
        async with Jido("test", on_dead_letter=lambda _: None) as jido:
            yield jido


def simulated(heard: Heard, seed: int) -> Callable[..., Simulation[Any]]:
    """Return `simulate`, with a seed unless it is given one; what crashes is heard."""

    def run(app: Any, **options: Any) -> Simulation[Any]:
        done = simulate(app, **{"seed": seed, **options})
        heard.add(done.reports, done.dead_letters)
        return done

    return run


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Hold what happens inside to its time, where the system can (not on Windows)."""
    with watched(seconds, min(IDLE, seconds)):
        yield

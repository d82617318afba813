"""Which agent keeps the event loop busy, and at what, is told by the watchdog. In real time, as that is what it is."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import Action, Context, Direct, Instruction, Result, RunInstruction, Signal
from jido_trio.runtime import Jido, Runtime, interpret
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import BlockedReport, Child, watch_event_loop
from tests.runtime.agents import ROUTES, Notebook, Notes, do

LIMIT = 0.02
TOLD = threading.Event()


class Heard(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        TOLD.set()


@pytest.fixture(autouse=True)
def told():
    TOLD.clear()
    handler, logger = Heard(logging.WARNING), logging.getLogger("jido_trio.supervision")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


def think() -> None:
    """Keep the loop busy until that is told of."""
    assert TOLD.wait(20)


class Think(Action):
    def run(self, context: Context[Notes]) -> Result:
        think()
        return None


class Work(Action):
    async def run(self, context: Context[Notes]) -> Result:
        await trio.lowlevel.checkpoint()
        think()
        return None


@frozen
class Ponder:
    """A directive that is carried out at once."""


@interpret.register
def _(directive: Ponder, runtime: Runtime) -> None:
    think()


@frozen
class Muse:
    """A directive that takes time."""


@interpret.register
async def _(directive: Muse, runtime: Runtime) -> None:
    await trio.lowlevel.checkpoint()
    think()


@frozen
class Brood:
    """A directive that begins a task."""


@interpret.register
def _(directive: Brood, runtime: Runtime) -> None:
    runtime.start_soon(brood)


async def brood() -> None:
    think()


class Slow(Direct):
    """A strategy whose lives begin slowly."""

    def init(self, agent: Any) -> Any:
        return agent, (Ponder(),)


class Thinker(Notebook, routes={**ROUTES, "think": Think}): ...


class Keeper(Thinker, durable=True): ...


class Sleepy(Notebook, strategy=Slow()): ...


async def blocked(kind: Any, message: Any, *, by_call: bool = False) -> BlockedReport:
    """Return what is told when an agent of that class is sent the message."""
    send, receive = trio.open_memory_channel[BlockedReport](1)
    watchdog = Child("watchdog", watch_event_loop, LIMIT, send.send_nowait)
    async with Jido(services=[watchdog], storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(kind, id="ann")
        if message is not None and by_call:
            await ref.call(message)
        elif message is not None:
            await ref.cast(message)
        return await receive.receive()


@pytest.mark.parametrize("by_call", [True, False])
@pytest.mark.parametrize("kind", [Thinker, Keeper])
async def test_an_agent_that_thinks_too_long_is_named_with_the_signal_it_is_at(kind, by_call):
    report = await blocked(kind, Signal("think"), by_call=by_call)

    assert report.who == "agent 'ann' at 'think'"
    assert str(report).startswith("the event loop has been blocked for 0.02 s by agent 'ann' at 'think', in ")


@pytest.mark.parametrize("directive", [Ponder(), Muse(), Brood()])
async def test_so_is_one_whose_interpreter_takes_too_long(directive):
    assert (await blocked(Thinker, do(directive))).who == "agent 'ann' at 'do'"


@pytest.mark.parametrize("lane", [None, "slow"])
async def test_so_is_one_whose_async_action_does_not_let_go(lane):
    report = await blocked(Thinker, do(RunInstruction(Instruction(Work()), lane=lane)))
    assert report.who == "agent 'ann' at 'do', in its action 'work'"


async def test_so_is_one_whose_life_begins_slowly():
    assert (await blocked(Sleepy, None)).who == "agent 'ann' at 'jido.agent.started'"

"""What an agent has no use for costs it nothing: on its way, no code of that is entered."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import trio
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

import jido_trio
from jido_trio.core import Action, Agent, Context, Plugin, Result, Signal
from jido_trio.runtime import Jido

PACKAGE = Path(jido_trio.__file__).parent
CAPABILITIES = {
    "machines": ("core/_fsm.py", "core/_fsm_table.py", "core/_drawing.py"),
    "plugins": ("core/_plugin.py", "core/_plugged.py", "core/_mounted.py", "plugins"),
    "sensors": ("core/_sensor.py", "runtime/_sensors.py", "sensors"),
    "schedules": ("core/_cron.py", "core/_ticks.py", "runtime/_cron.py", "runtime/_timers.py"),
    "actions that do work": ("runtime/_job.py", "runtime/_attempts.py", "runtime/_lanes.py", "runtime/_work.py"),
    "progress": ("runtime/_progress.py",),
    "worker processes": ("runtime/_worker_process.py",),
    "plans": ("core/_plan.py", "runtime/_plan.py", "runtime/_run_plan.py"),
    "tools": ("core/_tool.py", "core/_catalogue.py"),
    "durable": ("runtime/_commit.py", "runtime/_inbox.py", "storage"),
}


@frozen
class Counted:
    n: int = 0


class Add(Action):
    def run(self, context: Context[Counted]) -> Result:
        return {"n": context.state.n + 1}


class Fetch(Action):
    async def run(self, context: Context[Counted]) -> Result:
        return {"n": 1}


@frozen
class Slice:
    seen: int = 0


class Seeing(Plugin[Slice]):
    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> None: ...


class Plain(Agent[Counted], routes={"add": Add, "fetch": Fetch}): ...


class Plugged(Agent[Counted], routes={"add": Add}, plugins=[Seeing()]): ...


@contextmanager
def entered(modules: set[str]) -> Iterator[None]:
    """Note in which modules of the package functions are called."""

    def note(frame: FrameType, event: str, _: object) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(PACKAGE):
            modules.add(file.relative_to(PACKAGE).as_posix())

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


def entered_by(agent: type[Agent[Any]], *signals: str) -> set[str]:
    """Return the modules that are entered when an agent is started, called and stopped, once it has been before."""
    modules: set[str] = set()

    async def live(jido: Jido) -> None:
        ref = await jido.start_agent(agent)
        for signal in signals:
            await ref.call(Signal(signal))
            await wait_all_tasks_blocked()
        await jido.stop_agent(ref)

    async def main() -> None:
        async with Jido() as jido:
            await live(jido)
            with entered(modules):
                await live(jido)

    trio.run(main)
    return modules


def of(capability: str, modules: set[str]) -> set[str]:
    return {each for each in modules if each.startswith(CAPABILITIES[capability])}


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_an_agent_that_has_none_enters_no_code_of_a_capability(capability):
    modules = entered_by(Plain, "add")
    assert of(capability, modules) == set()
    assert {"core/_compiled.py", "runtime/_server.py"} <= modules


@pytest.mark.parametrize(
    ("capability", "agent", "signal"), [("plugins", Plugged, "add"), ("actions that do work", Plain, "fetch")]
)
def test_one_that_has_it_does(capability, agent, signal):
    assert of(capability, entered_by(agent, signal)) != set()


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_the_code_of_each_capability_is_where_it_is_looked_for(capability):
    assert all((PACKAGE / each).exists() for each in CAPABILITIES[capability])

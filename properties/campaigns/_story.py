"""The program: trees and agents that start, crash, restart and stop, in virtual time."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing
from attrs import field, frozen

from jido_trio.core import (
    Action,
    Agent,
    Context,
    Emit,
    Instruction,
    Result,
    RunInstruction,
    Schedule,
    Signal,
    SpawnAgent,
)
from jido_trio.errors import AgentCrashed
from jido_trio.runtime import Jido
from jido_trio.supervision import Backoff, Child, open_supervisor, supervisor_child
from jido_trio.testing._tasks import cancel_everything


@frozen
class Notes:
    said: list[str] = field(factory=list)


class Say(Action):
    word: str = "x"

    def run(self, context: Context[Notes]) -> Result:
        return {"said": [*context.state.said, self.word]}


class Crash(Action):
    def run(self, context: Context[Notes]) -> Result:
        raise ZeroDivisionError


class Fetch(Action):
    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(0.5)
        return {"said": ["fetched"]}


class Begin(Action):
    def run(self, context: Context[Notes]) -> Result:
        later = Schedule(1, Signal("say"))
        return [SpawnAgent(Speaker, "child"), later, Emit(Signal("say")), RunInstruction(Instruction(Fetch()))]


class Speaker(Agent[Notes], routes={"say": Say, "crash": Crash, "begin": Begin}): ...


async def steady(*, task_status: trio.TaskStatus[None]) -> None:
    await trio.sleep(0.1)
    task_status.started()
    await trio.sleep_forever()


async def brittle() -> None:
    await trio.sleep(1)
    raise ValueError("brittle")


async def tree(reports: list[Any]) -> None:
    """Start a tree, let it crash and restart, and stop it."""
    inner = [Child("a", steady), Child("b", brittle, backoff=Backoff(first=0.2))]
    children = [Child("first", steady, shutdown=1), supervisor_child("inner", inner, strategy="rest_for_one")]
    async with open_supervisor(children, strategy="one_for_all", max_restarts=5, on_report=reports.append) as top:
        ref = await top.start_child(Child("late", steady, restart="transient"))
        await trio.sleep(2.5)
        top.kill_child("first")
        await trio.sleep(0.5)
        await top.terminate_child(ref.id)
        await top.delete_child(ref.id)
        await top.count_children()


async def agents(reports: list[Any]) -> None:
    """Start agents, let them crash and restart, and stop them."""
    async with Jido(on_report=reports.append, on_dead_letter=lambda letter: None) as jido:
        speaker = await jido.start_agent(Speaker, id="speaker")
        await speaker.call(Signal("begin"))
        await speaker.cast(Signal("say"))
        try:
            await speaker.call(Signal("crash"))
        except AgentCrashed:
            await speaker.call(Signal("say"))
        await trio.sleep(2)
        jido.kill_agent("speaker")
        await trio.sleep(0.1)
        await jido.stop_agent("speaker")


ENOUGH = 5_000
"""Turns of Trio's loop, many times what a story takes: it goes round and round."""


class StandsStill(trio.abc.Instrument):
    """Ends a run that waits for ever, or goes on for ever, and remembers it."""

    def __init__(self) -> None:
        self.ticks, self.turns, self.hung = 0, 0, False

    def after_io_wait(self, timeout: float) -> None:
        """Count the turns in which nothing can happen."""
        statistics = trio.lowlevel.current_statistics()
        nothing = statistics.tasks_runnable == 0 and statistics.seconds_to_next_deadline == float("inf")
        self.ticks = self.ticks + 1 if nothing else 0
        self.turns += 1
        if self.ticks == 10 or self.turns == ENOUGH:
            self.hung = True
            trio.lowlevel.current_trio_token().run_sync_soon(cancel_everything)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Start over."""
        self.ticks = 0


@frozen
class Ended:
    """How a run of the program ended."""

    error: BaseException | None
    hung: bool
    reports: list[Any]


STORIES = {"tree": tree, "agents": agents}


def played(name: str) -> Ended:
    """Run a story to its end, whatever that is."""
    reports: list[Any] = []
    still = StandsStill()
    error: BaseException | None = None
    try:
        trio.run(STORIES[name], reports, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[still])
    except BaseException as caught:  # noqa: BLE001  # it is looked at
        error = caught
    return Ended(error, still.hung, reports)

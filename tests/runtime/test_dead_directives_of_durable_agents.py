"""Directives of a durable agent that are not carried out: what is on disk comes again, of the rest each is told of."""

from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import Action, Agent, Context, Durable, Emit, Result, Signal, Stop, ToAgent
from jido_trio.runtime import DeadDirective, Jido, Runtime, interpret
from jido_trio.storage import open_memory
from tests.runtime.agents import Notebook, note


@frozen
class Pause:
    """An effect that takes its time."""

    seconds: float


@interpret.register
async def _(directive: Pause, runtime: Runtime) -> None:
    BEGUN.append(directive.seconds)
    await trio.sleep(directive.seconds)


@frozen
class Broken:
    """An effect with a bug."""


@interpret.register
def _(directive: Broken, runtime: Runtime) -> None:
    raise ZeroDivisionError("a bug of an interpreter")


BEGUN: list[float] = []


@pytest.fixture(autouse=True)
def nothing_begun():
    BEGUN.clear()


class Do(Action):
    which: str

    def run(self, context: Context[Any]) -> Result:
        return list(WHICH[self.which])


def plain(word: str) -> Emit:
    """Return what stays within the program: a signal to an agent that isn't durable."""
    return Emit(note(word), dispatch=ToAgent("plain"))


FIRST, SECOND, LAST = plain("first"), plain("second"), plain("last")
WHICH: dict[str, tuple[Any, ...]] = {
    "crash": (FIRST, Broken(), SECOND, LAST),
    "stop": (FIRST, Stop(), SECOND, LAST),
    "slow": (FIRST, Pause(5), SECOND, LAST),
    "effects": (FIRST, Pause(5), SECOND, Pause(7)),
}


@frozen
class Nothing:
    pass


class Diary(Agent[Nothing], durable=Durable(), routes={"do": Do}): ...


def open_jido(dead: list[DeadDirective], storage: Any) -> Jido:
    return Jido(
        "d", storage=storage, on_report=lambda _: None, on_dead_letter=lambda _: None, on_dead_directive=dead.append
    )


def told(dead: list[DeadDirective]) -> list[tuple[Any, str, bool]]:
    assert {(each.agent_id, each.signal.type) for each in dead} <= {("ann", "do")}
    return [(each.directive, each.reason, each.begun) for each in dead]


async def test_those_behind_one_that_crashed(autojump_clock):
    dead: list[DeadDirective] = []
    async with open_jido(dead, open_memory()) as jido:
        other = await jido.start_agent(Notebook, id="plain")
        ann = await jido.start_agent(Diary, id="ann")
        await ann.call(Signal("do", {"which": "crash"}))
        await trio.sleep(1)

    why = "the agent crashed at one before it"
    assert told(dead) == [(SECOND, why, False), (LAST, why, False)]
    assert other.agent.state.seen == ["first"]


async def test_those_behind_a_stop(autojump_clock):
    dead: list[DeadDirective] = []
    async with open_jido(dead, open_memory()) as jido:
        other = await jido.start_agent(Notebook, id="plain")
        ann = await jido.start_agent(Diary, id="ann")
        await ann.call(Signal("do", {"which": "stop"}))
        await trio.sleep(1)

    assert told(dead) == [(SECOND, "the agent stops itself", False), (LAST, "the agent stops itself", False)]
    assert (other.agent.state.seen, ann.running) == (["first"], False)


@pytest.mark.parametrize("which", ["slow", "effects"])
async def test_those_behind_one_at_which_the_life_was_killed(which, autojump_clock):
    dead: list[DeadDirective] = []
    async with open_jido(dead, open_memory()) as jido:
        await jido.start_agent(Notebook, id="plain")
        ann = await jido.start_agent(Diary, id="ann")
        await ann.call(Signal("do", {"which": which}))
        await trio.sleep(1)
        jido.kill_agent(ann)
        await trio.sleep(20)

    lost = [SECOND, LAST] if which == "slow" else [SECOND]
    assert told(dead) == [(each, "the life that gave it was ended", False) for each in lost]
    assert ([5] if which == "slow" else [5, 7]) == BEGUN  # what is on disk and wasn't begun is carried out


async def test_an_agent_that_is_stopped_carries_out_the_directives_of_the_signal_that_it_is_at(autojump_clock):
    dead: list[DeadDirective] = []
    async with open_jido(dead, open_memory()) as jido:
        other = await jido.start_agent(Notebook, id="plain")
        ann = await jido.start_agent(Diary, id="ann", shutdown=60)
        await ann.call(Signal("do", {"which": "slow"}))
        await trio.sleep(1)
        await jido.stop_agent(ann)
        await trio.sleep(1)

    assert (told(dead), other.agent.state.seen) == ([], ["first", "second", "last"])

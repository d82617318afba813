"""Context variables of actions with effects: whose they see, and who sees theirs."""

from contextvars import ContextVar
from typing import Any

import trio
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.runtime import run, start_run

COLOUR = ContextVar("COLOUR", default="white")


@frozen
class Seen:
    colour: str = ""


class Look(Action):
    async def run(self, context: Context[Any]) -> Result:
        seen = COLOUR.get()
        COLOUR.set("red")
        return {"colour": seen}


class Around(Action):
    async def run(self, context: Context[Any]) -> Result:
        COLOUR.set("blue")
        return await run(Look())


class Looker(Agent[Seen], routes={"look": Look, "around": Around}): ...


async def test_a_run_by_hand_is_a_call_of_an_async_function_and_shares_the_variables_of_its_caller(autojump_clock):
    COLOUR.set("green")
    assert await run(Look()) == {"colour": "green"}
    assert COLOUR.get() == "red"


async def test_a_run_that_is_started_begins_with_those_of_its_caller_and_leaves_them(autojump_clock):
    COLOUR.set("green")
    async with trio.open_nursery() as nursery:
        started = start_run(nursery, Look())
        assert await started.wait() == {"colour": "green"}
    assert COLOUR.get() == "green"


async def test_an_action_of_an_agent_sees_those_of_when_the_instance_was_made_and_leaves_none_behind(autojump_clock):
    COLOUR.set("green")
    async with Jido() as jido:
        COLOUR.set("black")
        ref = await jido.start_agent(Looker)
        for _ in range(2):
            settled = await ref.call(Signal("look"), until="settled")
            assert settled.agent.state.colour == "green"
        settled = await ref.call(Signal("around"), until="settled")
        assert settled.agent.state.colour == "blue"
    assert COLOUR.get() == "black"

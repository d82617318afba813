"""Directives of one signal of a durable agent, and what is left of them for the next start."""

import trio
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Result, Schedule, Signal, Stop
from jido_trio.runtime import Runtime, interpret
from jido_trio.storage import MemoryStorage

RUNG: list[int] = []


@frozen
class Ring:
    """An effect on the world."""

    number: int


@interpret.register
async def _(directive: Ring, runtime: Runtime) -> None:
    RUNG.append(directive.number)
    await trio.lowlevel.checkpoint()


@frozen
class Heard:
    numbers: tuple[int, ...] = ()


class Hear(Action):
    number: int

    def run(self, context: Context[Heard]) -> Result:
        return {"numbers": (*context.state.numbers, self.number)}


class HearTwo(Action):
    def run(self, context: Context[Heard]) -> Result:
        return [Schedule(number, Signal("hear", {"number": number})) for number in (1, 2)]


class StopAndRing(Action):
    def run(self, context: Context[Heard]) -> Result:
        return [Ring(1), Stop(), Ring(2), Ring(3)]


class Bell(Agent[Heard], routes={"hear": Hear, "hear.two": HearTwo, "stop": StopAndRing}, durable=True):
    """Hears and rings."""


async def test_two_schedules_of_one_signal_both_come(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        bell = await jido.start_agent(Bell, id="bell")
        await bell.call(Signal("hear.two"))
    async with Jido("shop", storage=storage) as jido:
        bell = await jido.start_agent(Bell, id="bell")
        await trio.sleep(5)
        assert bell.agent.state.numbers == (1, 2)


async def test_directives_behind_a_stop_are_not_carried_out_at_the_next_start_either(autojump_clock):
    RUNG.clear()
    storage = MemoryStorage()
    for _ in range(2):
        async with Jido("shop", storage=storage) as jido:
            bell = await jido.start_agent(Bell, id="bell")
            if not RUNG:
                await bell.cast(Signal("stop"))
            await trio.sleep(5)

    assert RUNG == [1]

"""A program with much in it: durable agents, sensors, schedules, a pool, async actions, a plan, faults and kills."""

from typing import Any

import trio
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Cron, Emit, Jido, Permanent, Result, Schedule, Signal, ToAgent, storage
from jido_trio.core import Plan, PlanRun, Sensing, Sensor, StartPlan, Step
from jido_trio.errors import CallError
from jido_trio.groups import open_pool
from jido_trio.testing import Faults, LoseReply, PlannedFault, Raise, Simulation, Slow, crash_point, simulate
from jido_trio.world import current


@frozen
class Heard:
    words: frozenset[str] = frozenset()
    count: dict[str, int] = field(factory=dict)
    plan: PlanRun | None = None


class Hear(Action):
    word: str

    def run(self, context: Context[Heard]) -> Result:
        words = context.state.words | {self.word, self.word[::-1], current().ids()[-3:]}
        later = [Schedule(1.5, Signal("hear", {"word": self.word + "!"}))] if len(self.word) < 6 else []
        return {"words": words}, [Emit("echo", {"word": self.word}, dispatch=ToAgent("echo")), *later]


class Echo(Action):
    word: str

    async def run(self, context: Context[Heard]) -> Result:
        await trio.sleep(0.3)
        crash_point("echo")
        return {"count": {self.word: context.state.count.get(self.word, 0) + 1}}


class Reserve(Action):
    async def run(self, context: Context[Heard]) -> Result:
        await trio.sleep(0.2)
        return {"count": {"reserved": 1}}

    async def undo(self, context: Context[Heard], result: Result) -> None:
        await trio.sleep(0.1)


class Charge(Action):
    async def run(self, context: Context[Heard]) -> Result:
        raise Permanent("declined")


TRIP = Plan(Step("seat", Reserve), Step("bed", Reserve), Step("pay", Charge, needs=["seat", "bed"]))


class Explode(Action):
    def run(self, context: Context[Heard]) -> Result:
        raise RuntimeError("a bug")


class Meter(Sensor):
    async def run(self, sensing: Sensing) -> None:
        for _ in range(3):
            await trio.sleep(0.7)
            await sensing.emit("hear", {"word": str(current().random.randrange(100))})
        raise OSError("broken")


class Echoing(Agent[Heard], routes={"echo": Echo}): ...


class Kept(Agent[Heard], routes={"hear": Hear}, durable=True): ...


class House(
    Agent[Heard],
    routes={"hear": Hear, "explode": Explode},
    sensors={"meter": Meter()},
    schedules=[Cron("*/2 * * * * *", Signal("explode"), timezone="Europe/Berlin")],
): ...


async def much() -> list[Any]:
    async with storage.open_memory() as memory:
        options: dict[str, Any] = {"max_restarts": 100, "on_report": _quiet, "on_dead_letter": _quiet}
        async with Jido("much", storage=Faults().storage(memory), on_dead_directive=_quiet, **options) as jido:
            await jido.start_agent(Echoing, id="echo")
            kept, house = await jido.start_agent(Kept, id="kept"), await jido.start_agent(House)
            house.cast_nowait(StartPlan(plan=TRIP))

            async def tell(word: str, agent: Any) -> None:
                try:
                    await agent.call(Signal("hear", {"word": word}))
                except CallError:
                    return

            async with open_pool(jido, House, name="pool", size=2) as pool, trio.open_nursery() as nursery:
                for word, agent in (("owl", kept), ("sea", house), ("oak", pool), ("ice", kept), ("sky", pool)):
                    nursery.start_soon(tell, word, agent)
                await trio.sleep(4)
        records = await memory.scan("", "~")
        return [record for record in records if not record.key.endswith("/owner")]  # a process says who it is there


def simulated(seed: int) -> Simulation[list[Any]]:
    faults: dict[str, list[PlannedFault]] = {"commit": [Slow(1), LoseReply()], "echo": [Raise()]}
    return simulate(much, seed=seed, crashes=2, kills=True, faults=faults)


def _quiet(_: object) -> None: ...

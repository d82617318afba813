"""Steps in jido_trio: a call of a durable agent, answered when input and state are committed."""

import trio
from attrs import frozen

from benchmarks.peers._steps import FILE, SAFE, TO, begin, end, stepped
from jido_trio import Action, Agent, Context, Jido, Result, Signal
from jido_trio.storage import open_sqlite


@frozen
class Count:
    total: int = 0


class Add(Action):
    def run(self, context: Context[Count]) -> Result:
        return {"total": context.state.total + 1}


class Counter(Agent[Count], routes={"add": Add}, durable=True):
    """It adds, whoever dies."""


async def main() -> None:
    """Start the agent, or go on with it."""
    async with Jido("steps", storage=open_sqlite(FILE, power_safe=SAFE == "disk")) as jido:
        counter = await jido.start_agent(Counter, id="c")
        total = counter.agent.state.total
        while total < TO:
            total = (await counter.call(Signal("add"))).state.total
            stepped()
        end(total)


begin()
trio.run(main)

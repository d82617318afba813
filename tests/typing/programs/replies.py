"""What a call returns has a type: the reply of an action, or the agent."""

from typing import Any, assert_type

from attrs import frozen

from jido_trio import Action, Agent, AgentRef, Context, JidoError, Result, Signal
from jido_trio.groups import Pool
from jido_trio.runtime import Settled


@frozen
class Basket:
    total: int = 0


class Shop(Agent[Basket]): ...


class Other(Agent[Basket]): ...


class Add(Action):
    amount: int

    def run(self, context: Context[Basket]) -> Result:
        return {"total": context.state.total + self.amount}


class Total(Action):
    def run(self, context: Context[Basket]) -> Result:
        return None

    def reply(self, agent: Shop) -> int:
        return agent.state.total


class Describe(Action):
    currency: str

    def run(self, context: Context[Basket]) -> Result:
        return None

    def reply(self, agent: Agent[Any]) -> str:
        return f"{agent.id}: {self.currency}"


async def calls(ref: AgentRef[Shop], pool: Pool[Shop]) -> None:
    assert_type(await ref.call(Total()), int)
    assert_type(await ref.call(Total(), timeout=1), int)
    assert_type(await ref.call(Describe(currency="EUR")), str)
    assert_type(await ref.call(Add(amount=1)), Shop)
    assert_type(await ref.call(Signal("total")), Shop)
    assert_type(await ref.call(Total(), check=False), Shop)
    assert_type(await ref.call(Total(), until="settled"), Settled[Shop])
    assert_type((await ref.call(Signal("total"), until="settled")).agent, Shop)
    assert_type(await ref.call_many([Total(), Total()]), list[int | JidoError])
    assert_type(await ref.call_many([Add(amount=1), Signal("total")]), list[Shop | JidoError])
    assert_type(await pool.call(Total()), int)
    assert_type(await pool.call(Add(amount=1)), Shop)


async def wrong(ref: AgentRef[Shop], other: AgentRef[Other]) -> None:
    (await ref.call(Total())).upper()  # wrong
    (await other.call(Total())).bit_count()  # wrong
    (await ref.call(Total())).state  # wrong
    await ref.call("total")  # wrong
    await ref.call(Total(), until="done")  # wrong

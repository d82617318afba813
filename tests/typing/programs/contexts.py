"""What an action is told about the agent it runs for has types."""

from typing import Any, assert_type

from attrs import frozen

from jido_trio import Action, Agent, Context, Emit, Result, Signal
from jido_trio.core import ActingAgent


@frozen
class Room:
    degrees: int = 20


class House(Agent[Room]):
    def is_warm(self) -> bool:
        return self.state.degrees > 18


class OfAnyAgent(Action):
    def run(self, context: Context[Room]) -> Result:
        assert_type(context.state, Room)
        assert_type(context.signal, Signal | None)
        assert_type(context.agent, ActingAgent[Room])
        assert_type(context.agent.state.degrees, int)
        assert_type(context.agent.set({"degrees": 1}).state, Room)
        context.agent.is_warm()  # wrong
        context.agent.state.degree  # wrong
        return Emit(f"{context.agent.name}.seen", {"by": context.agent.id})


class OfAHouse(Action):
    def run(self, context: Context[Room, House]) -> Result:
        assert_type(context.agent.is_warm(), bool)
        context.agent.is_hot()  # wrong
        return {"degrees": 1}


class OfNoKnownState(Action):
    def run(self, context: Context) -> Result:
        assert_type(context.state, Any)
        return {"id": context.agent.id}


def tried(house: House) -> Result:
    OfAHouse().run(Context(house.state, house))
    OfAnyAgent().run(Context(1, house))  # wrong
    return OfAnyAgent().run(Context(house.state, house))

"""Changes that a type checker knows: a misspelt key is found, and a value of another type."""

from typing import TypedDict

from attrs import frozen

from jido_trio import Action, Agent, Context, Emit, Result, SetPath, Stop
from jido_trio.core import Effect, ResultOf


@frozen
class Room:
    degrees: int = 20
    name: str = ""


class RoomChanges(TypedDict, total=False):
    degrees: int
    name: str


@frozen
class Beep(Effect):
    times: int = 1


@frozen
class Ring:
    """No effect to a type checker."""


class Several(Action):
    number: int

    def run(self, context: Context[Room]) -> ResultOf[RoomChanges]:
        match self.number:
            case 0:
                return None
            case 1:
                return {"degrees": 1}
            case 2:
                return {"degrees": 1, "name": "hall"}, Emit("changed")
            case 3:
                return {"name": "hall"}, [Emit("changed"), Beep(), SetPath("degrees", 1)]
            case 4:
                return None, [Emit("changed"), Beep()]
            case 5:
                return [Emit("changed"), Stop()]
            case _:
                return ({"degrees": 1}, [Emit("changed"), Stop()]) if context.signal else Beep()


class Misspelt(Action):
    number: int

    def run(self, context: Context[Room]) -> ResultOf[RoomChanges]:
        match self.number:
            case 0:
                return {"degree": 1}  # wrong
            case 1:
                return {"degree": 1}, Emit("changed")  # wrong
            case 2:
                return {"degrees": "1"}, [Emit("changed"), Beep()]  # wrong
            case 3:
                return Ring()  # wrong
            case _:
                changes: RoomChanges = {}
                changes["nam"] = context.state.name  # wrong
                return changes


class OrAState(Action):
    def run(self, context: Context[Room]) -> ResultOf[RoomChanges | Room]:
        if context.signal:
            return Room(1), Emit("changed")
        return {"degrees": 1}, [Emit("changed"), Beep()]


class ChangesAlone(Action):
    async def run(self, context: Context[Room]) -> RoomChanges:
        if context.state.name:
            return {"degree": 1}  # wrong
        return {"degrees": 1}


class Usual(Action):
    def run(self, _context: Context[Room]) -> Result:
        changes: RoomChanges = {"name": "hall"}
        return changes, [Emit("changed"), Ring()]


class House(Agent[Room]):
    def renamed(self, name: str) -> "House":
        changes: RoomChanges = {"name": name}
        return self.set(changes)


house = House.new("h", RoomChanges(degrees=1))

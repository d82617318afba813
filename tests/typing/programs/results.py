"""What `run` may return."""

import attrs
from attrs import frozen

from jido_trio import Action, Context, Emit, Result, Schedule, SetPath, Signal, Stop
from jido_trio.core import Effect


@frozen
class Room:
    degrees: int = 20


@frozen
class Ring:
    """A directive of one's own."""


@frozen
class Beep(Effect):
    """Another."""

    times: int = 1


class Changes(Action):
    def run(self, _context: Context[Room]) -> Result:
        return {"degrees": 1}


class ChangesAndEffects(Action):
    def run(self, context: Context[Room]) -> Result:
        if context.state.degrees > 40:
            return {"degrees": 40}, [Emit("hot"), Ring(), Stop()]
        if context.state.degrees > 30:
            return {"degrees": 30}, Emit("warm")
        if context.state.degrees > 20:
            return {"degrees": 20}, [SetPath("degrees", 1), Beep()] if context.signal else []
        return {"degrees": 0}, [Schedule(1, Signal("warm"))] if context.signal else None


class Effects(Action):
    def run(self, context: Context[Room]) -> Result:
        if context.signal:
            return [Emit("seen"), Ring(), Stop()]
        return Beep(2)


class StateAndEffects(Action):
    def run(self, context: Context[Room]) -> Result:
        warmer = attrs.evolve(context.state, degrees=context.state.degrees + 1)
        return warmer, [Ring(), Emit("warmer")]


class Nothing(Action):
    async def run(self, _context: Context[Room]) -> Result:
        return None


class EffectsOnly(Action):
    def run(self, _context: Context[Room]) -> Result:
        return None, [Ring(), Emit("seen")]

"""Routes to actions with parameters, without, and with some that are fixed."""

from attrs import frozen

from jido_trio import Action, Agent, Context, Instruction, Result, Route, Signal


@frozen
class Room:
    degrees: int = 20


class Warm(Action):
    by: int = 1

    def run(self, context: Context[Room]) -> Result:
        return {"degrees": context.state.degrees + self.by}


class Set(Action):
    degrees: int

    def run(self, context: Context[Room]) -> Result:
        return {"degrees": self.degrees}


class Freeze(Action):
    def run(self, _context: Context[Room]) -> Result:
        return {"degrees": 0}


def is_urgent(signal: Signal) -> bool:
    return signal.type.endswith("now")


class Plain(Agent[Room], routes={"warm": Warm, "set": Set, "freeze": Freeze}): ...


class Fixed(Agent[Room], routes={"warm": Warm(by=2), "set": (Set, {"degrees": 1}), "freeze": Instruction(Freeze)}): ...


class Several(Agent[Room], routes={"set": [Set, Warm], "freeze": Freeze}): ...


class Pairs(Agent[Room], routes=[("warm", Warm), ("set", Set)]): ...


class Ordered(Agent[Room], routes=[Route("set.*", Set, priority=5, when=is_urgent), Route("warm", Warm)]): ...

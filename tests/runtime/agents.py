"""An agent that writes down what it hears, and does as it is told: the one most tests of the runtime talk to."""

from typing import Any

import trio
from attrs import field, frozen

from jido_trio.core import Action, Agent, Context, Instruction, Result, RunInstruction, Signal
from jido_trio.errors import ActionError


@frozen
class Notes:
    seen: list[Any] = field(factory=list)


class Note(Action):
    word: Any

    def run(self, context: Context[Notes]) -> Result:
        return {"seen": [*context.state.seen, self.word]}


class Boom(Action):
    def run(self, context: Context[Notes]) -> Result:
        raise ZeroDivisionError("a bug")


class Refuse(Action):
    word: str = "no"

    def run(self, context: Context[Notes]) -> Result:
        raise ActionError(self.word)


class Do(Action):
    """Returns the directives it is given."""

    directives: Any

    def run(self, context: Context[Notes]) -> Result:
        return list(self.directives)


class Hear(Action):
    """Notes the type of the signal, with its data."""

    def run(self, context: Context[Notes]) -> Result:
        assert context.signal is not None
        return {"seen": [*context.state.seen, (context.signal.type, context.signal.data)]}


class Work(Action):
    """Takes its time, and returns a word and that of the signal it was asked by."""

    word: str = "worked"
    seconds: float = 1

    async def run(self, context: Context[Notes]) -> Result:
        assert context.signal is not None
        await trio.sleep(self.seconds)
        return {"seen": [(self.word, context.signal.data.get("word"))]}


class WorkBadly(Action):
    seconds: float = 1

    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(self.seconds)
        raise ZeroDivisionError("a bug of a task")


class WorkInVain(Action):
    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(1)
        raise ActionError("nothing found")


ROUTES: dict[str, type[Action] | Action] = {
    "note": Note,
    "boom": Boom,
    "refuse": Refuse,
    "do": Do,
    "work": Work,
    "work.badly": WorkBadly,
    "work.in_vain": WorkInVain,
    "heard.**": Hear(),
    "jido.agent.**": Hear(),
    "jido.scheduled": Hear(),
}


class Notebook(Agent[Notes], routes=ROUTES):
    """Notes what it hears."""


def note(word: object) -> Signal:
    """Return a signal that has a notebook note `word`."""
    return Signal("note", {"word": word})


def do(*directives: object) -> Signal:
    """Return a signal that has a notebook return `directives`."""
    return Signal("do", {"directives": directives})


def work(word: str, seconds: float = 1) -> Signal:
    """Return a signal that has a notebook work for some time."""
    return Signal("work", {"word": word, "seconds": seconds})


def run(action: Action, **opts: object) -> RunInstruction:
    """Return the directive that runs an async action with these options."""
    return RunInstruction(Instruction(action, opts=opts))


BOOM = Signal("boom")
REFUSE = Signal("refuse")


async def settle(seconds: float = 0.001) -> None:
    """Let everything happen that can, for some seconds of virtual time."""
    await trio.sleep(seconds)

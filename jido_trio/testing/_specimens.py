"""Specimens: an agent's state and actions for what is tried without an agent of its own, if nobody says otherwise."""

from __future__ import annotations

from attrs import field, frozen

from jido_trio.core import Action, Agent, Context, Emit, Plugin, Result, Signal
from jido_trio.errors import ActionError


@frozen
class Tally:
    """A number."""

    count: int = 0


class Add(Action):
    """Changes the state."""

    number: int = 1

    def run(self, context: Context[Tally]) -> Result:
        """Return the sum."""
        return {"count": context.state.count + self.number}


class Refuse(Action):
    """Says no."""

    def run(self, context: Context[Tally]) -> Result:
        """Say no."""
        raise ActionError("no")


class Announce(Action):
    """Asks for an effect."""

    def run(self, context: Context[Tally]) -> Result:
        """Return a signal to be sent."""
        return {}, Emit(Signal("told", context.state.count))


SPECIMENS: tuple[type[Action], ...] = (Add, Refuse, Announce)
ROUTES = {"tally.add": Add, "tally.refuse": Refuse, "tally.announce": Announce}
"""How an agent with a plugin hears of them."""


@frozen
class Notes:
    """What a bystander has heard."""

    heard: list[int] = field(factory=list)


class Note(Action):
    """Changes the slice of a bystander."""

    number: int = 1

    def run(self, context: Context[Tally, Agent[Tally]]) -> Result:
        """Return one more note."""
        heard = context.agent.plugin(Bystander).heard
        return Bystander.change({"heard": [*heard[-8:], self.number]})


class Bystander(Plugin[Notes], singleton=True):
    """A plugin that stands beside the one that is tried, and has nothing to do with it."""

    def routes(self) -> dict[str, type[Action]]:
        """Return its only route."""
        return {"note": Note}

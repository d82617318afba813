"""An agent whose state allows less than its action makes of it."""

from attrs import field, frozen, validators

from jido_trio import Action, Agent, Context, Result


@frozen
class Purse:
    """What is left."""

    cents: int = field(default=3, validator=validators.ge(0))


class Spend(Action):
    """Takes a cent, also where there is none."""

    def run(self, context: Context[Purse]) -> Result:
        """See `Action`."""
        return {"cents": context.state.cents - 1}


class Spender(Agent[Purse], routes={"spend": Spend}):
    """Can't spend more than it has, as its state says."""

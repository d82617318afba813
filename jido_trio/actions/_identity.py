"""An action that has an agent grow older."""

from typing import Any

from jido_trio.core import Action, Context, Identity, Result


class EvolveIdentity(Action, name="identity_evolve", description="Grows older by years and days"):
    """Has the `Identity` in the field `identity` of the state grow older; one is made where there is none."""

    years: int = 0
    days: int = 0

    def run(self, context: Context[Any]) -> Result:
        """Return the state with the older identity."""
        identity: Identity | None = context.state.identity
        return {"identity": (identity or Identity.new()).evolve(years=self.years, days=self.days)}

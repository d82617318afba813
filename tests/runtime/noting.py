"""An agent that notes what came of its actions with effects, and carries out whatever directives it is given."""

from typing import Any

from attrs import field, frozen

from jido_trio.core import Action, Agent, Context, Outcome, Result


@frozen
class Notes:
    notes: list[object] = field(factory=list)


class Heard(Action):
    outcome: Outcome

    def run(self, context: Context[Notes]) -> Result:
        error = self.outcome.error
        return {"notes": [*context.state.notes, error.message if error else self.outcome.result]}


class Do(Action):
    directives: list[Any]

    def run(self, context: Context[Notes]) -> Result:
        return list(self.directives)


class Noting(Agent[Notes]): ...

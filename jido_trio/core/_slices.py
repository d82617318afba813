"""The slices of an agent with plugins while its own strategy is at work, whose `strategy_state` is then its own.

A strategy may run several actions in one go, as a machine does. Each sees what those before it have changed. In the end
only the changes among the directives that the strategy returns count: what is here is what is seen meanwhile.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from attrs import AttrsInstance, evolve, frozen

from jido_trio.core._plugin import PluginChange
from jido_trio.data import FrozenDict, Misfit, Schema
from jido_trio.errors import ActionError, InvalidResult
from jido_trio.redact import shown


@frozen
class Slices:
    """The slices that an agent has, by the names of its plugins."""

    by_name: Mapping[str, Any]
    schemas: Mapping[str, Schema[Any]]

    def after(self, agent_id: str, directives: Sequence[AttrsInstance]) -> "Slices":
        """Return them with what the changes among directives say.

        Raises:
            ActionError: The agent hasn't that plugin, or they don't fit.
        """
        slices = dict(self.by_name)
        for change in directives:
            if isinstance(change, PluginChange):
                slices[change.plugin] = self._changed(agent_id, slices, change)
        return evolve(self, by_name=FrozenDict(slices))

    def _changed(self, agent_id: str, slices: Mapping[str, Any], change: PluginChange) -> Any:
        schema = self.schemas.get(change.plugin)
        if schema is None:
            raise ActionError(f"agent {shown(agent_id)} has no plugin {shown(change.plugin)}")
        try:
            return schema.merge(slices[change.plugin], change.changes)
        except Misfit as misfit:
            raise InvalidResult(f"plugin {change.plugin}", [str(misfit)]) from None


SEEN: ContextVar[Slices | None] = ContextVar("seen", default=None)
"""None while no agent with plugins is at work."""


def see(agent: Any, directives: Sequence[AttrsInstance]) -> None:
    """Have the actions that come next see the slices as an action has changed them.

    Raises:
        ActionError: What it wants changed doesn't fit.
    """
    seen = SEEN.get()
    if seen is not None and any(isinstance(each, PluginChange) for each in directives):
        SEEN.set(seen.after(agent.id, directives))

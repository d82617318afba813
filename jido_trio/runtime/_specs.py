"""Specs: how agents are supervised. One template for all that are started alike, checked once."""

from __future__ import annotations

from typing import TypeAlias, cast

from attrs import define, field

from jido_trio import checks
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._server import Server
from jido_trio.supervision import Backoff, Budget, Child, PassiveLife
from jido_trio.terms import Restart, ShutdownLimit

AGENT_BUDGET = Budget(max_restarts=100, max_seconds=5, exhausted="park")
"""How many restarts one agent may have, unless its start says otherwise; they don't count against the instance's."""

Options: TypeAlias = tuple[Restart, ShutdownLimit, Backoff | None, Budget | None]
"""How an agent is supervised."""

_MANY = 100
"""So many templates are kept."""


class Lives:
    """The lives of all agents: to the supervisor, children that need no task. Each is a server's; see `Passive`."""

    def begin(self, life: PassiveLife) -> None:
        """See `Passive`."""
        _server(life).begin(life)

    def stop(self, life: PassiveLife) -> None:
        """See `Passive`."""
        _server(life).stop(life)

    def kill(self, life: PassiveLife) -> None:
        """See `Passive`."""
        _server(life).kill(life)


def _server(life: PassiveLife) -> Server:
    return cast("Server", life.child.args[0])


LIVES = Lives()


@define(eq=False)
class Specs:
    """The templates of one instance."""

    _instance: Instance
    _templates: dict[object, Child] = field(factory=dict)

    def child(
        self, server: Server, restart: Restart, shutdown: ShutdownLimit, backoff: Backoff | None, budget: Budget | None
    ) -> Child:
        """Return the spec of an agent.

        Raises:
            InvalidDefinition: An option is wrong.
        """
        key = (restart, shutdown.__class__, shutdown, id(backoff), id(budget))
        try:
            template = self._templates.get(key)
        except TypeError:  # what can't be hashed is no option either
            template = None
        if template is None:
            # Checked under the agent's id, so that a refusal names the agent.
            template = Child(server.id, LIVES, restart=restart, shutdown=shutdown, backoff=backoff, budget=budget)
            if len(self._templates) >= _MANY:
                self._templates.clear()
            self._templates[key] = template
        return template.instance(server.id, server)


def mailbox_size(instance: Instance, size: int | None) -> int:
    """Return how many messages may wait for an agent that was given `size`; None for as many as the instance says.

    Raises:
        InvalidDefinition: It is no size.
    """
    if size is None:
        return instance.mailbox_size
    check_size(size)
    return size


def check_size(size: object) -> None:
    """Refuse what is no size of a mailbox."""
    checks.whole("", "mailbox_size", size, least=1)

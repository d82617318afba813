"""Specs: how agents are supervised. One template for all that are started alike, checked once."""

from __future__ import annotations

from typing import Any, TypeAlias, cast, get_args

from attrs import define, field

from jido_trio import checks
from jido_trio.core import Agent
from jido_trio.core.inner import checked_dispatch
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._recovery import Committed
from jido_trio.runtime._sensors import Sensors
from jido_trio.runtime._server import Server
from jido_trio.supervision import Backoff, Budget, Child, PassiveLife
from jido_trio.terms import AfterCrash, Restart, ShutdownLimit
from jido_trio.world import enter, leave

AGENT_BUDGET = Budget(max_restarts=100, max_seconds=5, exhausted="park")
"""How many restarts one agent may have, unless its start says otherwise; they don't count against the instance's."""

Options: TypeAlias = tuple[Restart, ShutdownLimit, Backoff | None, Budget | None]
"""How an agent is supervised."""

Handling: TypeAlias = tuple[int | None, MailboxRules | None, AfterCrash | None, float | None, object]
"""How it handles what it is sent: its mailbox_size, mailbox, after_crash, max_handle_time, default_dispatch."""

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


def server(instance: Instance, agent: Agent[Any], handling: Handling) -> Server:
    """Return the place of an agent that is to be started. What isn't said is as the instance or the agent's class says.

    Raises:
        InvalidDefinition: An option is wrong.
    """
    size, rules, after_crash, max_handle_time, default_dispatch = handling
    if rules is not None and not isinstance(rules, MailboxRules):
        raise checks.refused(f"agent {shown(agent.id)}", "mailbox", rules, "must be MailboxRules, or None for none")
    if size is None:
        size = instance.mailbox_size
    else:
        check_size(size)
    cell: Server = instance.new_cell(agent, instance, size, rules)
    if max_handle_time is not None:
        checks.seconds(f"agent {shown(cell.id)}", "max_handle_time", max_handle_time, above_zero=True)
        cell.max_handle_time = max_handle_time
    if default_dispatch is not None:
        cell.default_dispatch = checked_dispatch(f"agent {shown(cell.id)}", "default_dispatch", default_dispatch)
    if after_crash is None:
        after_crash = type(agent).after_crash
    else:
        checks.one_of(f"agent {shown(cell.id)}", "after_crash", after_crash, get_args(AfterCrash))
    if after_crash == "committed" and not cell.durable:  # those that are always go on with what was committed
        cell.keep(Committed(cell))
    if type(agent).sensors:
        cell.keep(Sensors(cell))
    return cell


def check_size(size: object) -> None:
    """Refuse what is no size of a mailbox."""
    checks.whole("", "mailbox_size", size, least=1)


def made(instance: Instance, agent: Any, id: str | None, state: object) -> Any:
    """Return the agent that is to be started.

    Raises:
        InvalidDefinition: It is none, or its id or state doesn't fit.
    """
    if isinstance(agent, type) and issubclass(agent, Agent):
        token = enter(instance.world)
        try:
            return agent.new(id, state)
        finally:
            leave(token)
    if not isinstance(agent, Agent):
        raise InvalidDefinition(f"{shown(agent)} is neither an agent class nor an agent", field="agent", value=agent)
    named: object = agent.id
    if not isinstance(named, str) or not named:
        raise checks.refused("an agent", "id", named, "must be a text that is not empty: agents are made by `new`")
    if id not in (None, agent.id) or state is not None:
        raise InvalidDefinition(f"agent {shown(agent.id)} has its id and state already; give its class to go with them")
    return agent

"""Migration: an agent of one class as one of another, its state brought through the versions between. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from jido_trio import checks
from jido_trio.core._agent import Agent
from jido_trio.core._durable import Migration
from jido_trio.core._plugged import Plugged, is_kin, own_state
from jido_trio.errors import MigrationFailed
from jido_trio.redact import secret_fields_within, secret_texts, shown, shown_error

A = TypeVar("A", bound=Agent[Any])


def migrated(agent: Agent[Any], cls: type[A], migrate: Migration | None = None) -> A:
    """Return the agent as one of another class. The agent stays as it is.

    Args:
        agent: The agent as it is.
        cls: The class that it shall have.
        migrate: Makes the fields of a state of that class of those of its state. If not given, they go through the
            migrations of that class from the agent's `vsn` on; and a state that needs none is taken as it is.

    Raises:
        InvalidDefinition: `agent` is no agent, or `cls` no class of agents.
        MigrationFailed: There is no way from that version, a migration raised, or what it gave doesn't fit.
    """
    check_agent("migrated", "agent", agent)
    check_class("migrated", "cls", cls)
    try:
        return _begun(agent, cls, _state(agent, cls, migrate))
    except Exception as error:  # whatever a migration does wrong, the agent is as it was
        names = secret_fields_within(agent.record.cls) | secret_fields_within(cls.record.cls)
        why = shown_error(error, hide=secret_texts((agent.state,), names) if names else ())
        raise MigrationFailed(agent.id, agent.vsn, cls.__qualname__, cls.vsn, why) from error


def check_agent(owner: str, field: str, value: object) -> None:
    """Refuse what is no agent, as a ref or a class is none."""
    if not isinstance(value, Agent):
        raise checks.refused(owner, field, value, "must be an agent, the value")


def check_class(owner: str, field: str, value: object) -> None:
    """Refuse what is no class of agents that can be made."""
    if not (isinstance(value, type) and issubclass(value, Agent) and hasattr(value, "record")):
        raise checks.refused(owner, field, value, "must be a class of agents")


def _begun(agent: Agent[Any], cls: type[A], state: Any) -> A:
    """Return an agent of the class in that state, with what its strategy remembers, if the other was of its kind."""
    before, strategy = type(agent).strategy, cls.strategy
    if before == strategy:
        return cls(agent.id, state, agent.strategy_state)
    if isinstance(strategy, Plugged):
        kept: Any = strategy.from_another(before, agent.strategy_state)
    else:
        kept = own_state(agent.strategy_state) if is_kin(before, strategy) else None
    brought: A = strategy.init(cls(agent.id, state, kept))[0]
    return brought


def _state(agent: Agent[Any], cls: type[Agent[Any]], migrate: Migration | None) -> Any:
    chain = dict(cls.durable.migrations) if cls.durable is not None else {}
    if migrate is not None:
        return cls.record.fit(migrate(_fields(agent.state)))
    if agent.vsn != cls.vsn and agent.vsn in chain:
        fields: Any = _fields(agent.state)
        for each in list(chain)[list(chain).index(agent.vsn) :]:
            fields = chain[each](fields)
        return cls.record.fit(fields)
    if type(agent.state) is not cls.record.cls:
        known = ", ".join(map(str, chain)) or "none"
        raise TypeError(
            f"its state is a {type(agent.state).__qualname__}, and {cls.__qualname__} has a "
            f"{cls.record.cls.__qualname__}, with migrations from: {known}. Give {cls.__qualname__} another vsn, and a "
            f"migration from {shown(agent.vsn)}; or say migrate="
        )
    return agent.state


def _fields(state: Any) -> Mapping[str, Any]:
    return {field.name: getattr(state, field.name) for field in attrs.fields(type(state))}

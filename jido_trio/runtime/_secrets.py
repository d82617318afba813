"""Secrets of agents: what mustn't be in any text that is made about one of them."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from jido_trio.core import Agent, Instruction, Signal
from jido_trio.redact import secret_fields_within, secret_texts

_NAMES: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()


def secret_names(agent: type[Agent[Any]]) -> frozenset[str]:
    """Return what the secret fields of an agent's state and of the actions that it is routed to are called."""
    names = _NAMES.get(agent)
    if names is None:
        state = agent.record.cls if hasattr(agent, "record") else object
        actions = (route.target.action_class for route in agent.router.routes if isinstance(route.target, Instruction))
        names = _NAMES[agent] = frozenset().union(*map(secret_fields_within, (state, *actions)))
    return names


def secrets_of(agent: Agent[Any], signal: Signal | None, *more: object) -> frozenset[str]:
    """Return the texts of the secrets of an agent, of a signal to it, and of other values that it has to do with."""
    names = secret_names(type(agent))
    for each in more:
        if isinstance(each, Instruction):
            names |= secret_fields_within(each.action_class)
    texts: frozenset[str] = secret_texts(more, names) if more else frozenset()
    if names:
        texts |= secret_texts((agent.state, agent.strategy_state, signal and signal.data), names)
    return texts

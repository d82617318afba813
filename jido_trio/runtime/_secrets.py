"""Secrets of agents: what mustn't be in any text that is made about one of them."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from jido_trio.core import Action, Agent, Instruction, Signal, carried
from jido_trio.redact import holds_anything, secret_fields_within, secret_texts


def secret_names(agent: type[Agent[Any]], *more: object) -> frozenset[str]:
    """Return what the secret fields of an agent's state, and of the actions that it has to do with, are called.

    These are those that it is routed to, and those of which there are more.
    """
    names = _known_of(agent)[0]
    for each in more:
        if isinstance(each, Instruction):
            names |= secret_fields_within(each.action_class)
        elif isinstance(each, Action):
            names |= secret_fields_within(type(each))
    return names


_KNOWN: WeakKeyDictionary[type[Any], tuple[frozenset[str], bool]] = WeakKeyDictionary()


def _known_of(agent: type[Any]) -> tuple[frozenset[str], bool]:
    """Return how secrets are called that an agent is declared with, and whether it may hold others, of any class."""
    known = _KNOWN.get(agent)
    if known is None:
        classes = _classes_of(agent)
        known = frozenset[str]().union(*map(secret_fields_within, classes)), any(map(holds_anything, classes))
        _KNOWN[agent] = known
    return known


def _classes_of(agent: type[Any]) -> list[type[Any]]:
    state: type[Any] = agent.record.cls if hasattr(agent, "record") else object
    actions = (route.target.action_class for route in agent.router.routes if isinstance(route.target, Instruction))
    return [state, *actions]


def secrets_of_start(agent: object, state: object) -> frozenset[str]:
    """Return the texts of the secrets of an agent that is to be started: of its class, or as it is given."""
    cls = agent if isinstance(agent, type) else type(agent)
    names = secret_names(cls) if issubclass(cls, Agent) else frozenset[str]()
    return secret_texts((state, getattr(agent, "state", None)), names)


def secrets_of(agent: Agent[Any], signal: Signal | None, *more: object) -> frozenset[str]:
    """Return the texts of the secrets of an agent, of a signal to it, and of other values that it has to do with."""
    cls: Any = type(agent)
    names = secret_names(cls, *more, carried(signal))
    texts: frozenset[str] = secret_texts(more, names) if more else frozenset()
    if names or _known_of(cls)[1]:
        texts |= secret_texts((agent.state, agent.strategy_state, signal and signal.data), names)
    return texts

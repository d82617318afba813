"""Secrets of agents: what mustn't be in any text that is made about one of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jido_trio.core import Action, Agent, Instruction, Signal, carried
from jido_trio.redact import holds_anything, secret_fields_within, secret_texts


def secret_names(agent: type[Agent[Any]], *more: object) -> frozenset[str]:
    """Return what the secret fields of an agent's state, and of the actions that it has to do with, are called.

    These are those that it is routed to, and those of which there are more.
    """
    cls: Any = agent  # to a type checker, a class of values that compare themselves can't be hashed
    names = _names_of(cls)
    for each in more:
        if isinstance(each, Instruction):
            names |= secret_fields_within(each.action_class)
        elif isinstance(each, Action):
            names |= secret_fields_within(type(each))
    return names


@lru_cache(1000)
def _names_of(agent: type[Any]) -> frozenset[str]:
    return frozenset().union(*map(secret_fields_within, _classes_of(agent)))


@lru_cache(1000)
def _may_hold_others(agent: type[Any]) -> bool:
    """Whether something that an agent is declared with may hold values of any class, and so secrets unheard of."""
    return any(map(holds_anything, _classes_of(agent)))


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
    if names or _may_hold_others(cls):
        texts |= secret_texts((agent.state, agent.strategy_state, signal and signal.data), names)
    return texts

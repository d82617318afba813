"""Carriers: agent classes for what is tried without an agent of its own, as an action, a strategy or a plugin.

Other processes must find the class of an agent by its name. So a carrier's name says all that it is made of.
"""

from __future__ import annotations

import pickle
import sys
import types
from functools import cache
from typing import Any

from jido_trio.core import Agent, Plugin, Strategy
from jido_trio.testing._specimens import ROUTES, Bystander, Tally

_OF = "Carrier"
_WITH = "Plugged"


def agent_of(state: type[Any], *, strategy: Strategy | None = None) -> type[Agent[Any]]:
    """Return an agent class with that state, and that strategy; it has no routes.

    Raises:
        InvalidDefinition: No agent can have it.
    """
    return _carrier(f"{_OF}{pickle.dumps((state, strategy), 4).hex()}")


def agent_with(*plugins: Plugin[Any] | tuple[str, Plugin[Any]]) -> type[Agent[Any]]:
    """Return an agent class with these plugins, each under its own name or as (name, plugin).

    Its state is a `Tally`; its routes are "tally.add", "tally.refuse" and "tally.announce". Before the plugins it has a
    `Bystander`, which nobody but itself may touch.

    Raises:
        InvalidDefinition: No agent can have them.
    """
    return _plugged(f"{_WITH}{pickle.dumps(plugins, 4).hex()}")


@cache
def _carrier(name: str) -> type[Agent[Any]]:
    state, strategy = pickle.loads(bytes.fromhex(name.removeprefix(_OF)))  # noqa: S301 - it was made above
    how = {"name": f"agent_of_{state.__name__}", "strategy": strategy}
    return _made(name, state, how, "An agent without routes.")


@cache
def _plugged(name: str) -> type[Agent[Any]]:
    plugins = pickle.loads(bytes.fromhex(name.removeprefix(_WITH)))  # noqa: S301 - it was made above
    how = {"name": "agent_with_plugins", "routes": ROUTES, "plugins": [Bystander(), *plugins]}
    return _made(name, Tally, how, "An agent with plugins.")


def _made(name: str, state: type[Any], how: dict[str, Any], doc: str) -> type[Agent[Any]]:
    own = {"__module__": __name__, "__qualname__": name, "__doc__": doc}
    base: Any = Agent
    return types.new_class(name, (base[state],), how, lambda body: body.update(own))


def is_carrier(cls: type[Agent[Any]]) -> bool:
    """Return whether a class is made by `agent_of` or `agent_with`."""
    return cls.__module__ == __name__ and cls.__qualname__.startswith((_OF, _WITH))


def carried(cls: type[Agent[Any]]) -> tuple[Any, ...]:
    """Return what `agent_with` was given for a class; nothing for other classes.

    Each is a name and a plugin.
    """
    if not (is_carrier(cls) and cls.__qualname__.startswith(_WITH)):
        return ()
    strategy: Any = cls.strategy
    return tuple((each.name, each.plugin) for each in strategy.mounted[1:])


def __getattr__(name: str) -> Any:
    if name.startswith(_OF):
        return _carrier(name)
    if name.startswith(_WITH):
        return _plugged(name)
    raise AttributeError(f"module {__name__} has no {name}", name=name, obj=sys.modules[__name__])

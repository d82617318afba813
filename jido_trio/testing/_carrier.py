"""Carriers: agent classes for what is tried without an agent of its own, as an action or a strategy.

Other processes must find the class of an agent by its name. So a carrier's name says all that it is made of.
"""

from __future__ import annotations

import pickle
import sys
import types
from functools import cache
from typing import Any

from jido_trio.core import Agent, Strategy

_OF = "Carrier"


def agent_of(state: type[Any], *, strategy: Strategy | None = None) -> type[Agent[Any]]:
    """Return an agent class with that state, and that strategy; it has no routes.

    Raises:
        InvalidDefinition: No agent can have it.
    """
    return _carrier(f"{_OF}{pickle.dumps((state, strategy), 4).hex()}")


@cache
def _carrier(name: str) -> type[Agent[Any]]:
    state, strategy = pickle.loads(bytes.fromhex(name.removeprefix(_OF)))  # noqa: S301 - it was made above
    how = {"name": f"agent_of_{state.__name__}", "strategy": strategy}
    own = {"__module__": __name__, "__qualname__": name, "__doc__": "An agent without routes."}
    base: Any = Agent
    return types.new_class(name, (base[state],), how, lambda body: body.update(own))


def is_carrier(cls: type[Agent[Any]]) -> bool:
    """Return whether a class is made by `agent_of`."""
    return cls.__module__ == __name__ and cls.__qualname__.startswith(_OF)


def __getattr__(name: str) -> Any:
    if name.startswith(_OF):
        return _carrier(name)
    raise AttributeError(f"module {__name__} has no {name}", name=name, obj=sys.modules[__name__])

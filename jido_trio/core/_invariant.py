"""Invariants: what its author says is always true of an agent. Nothing asks at run time; checks and tests do."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias, TypeVar

F = TypeVar("F", bound=Callable[[Any], bool])

_MARK = "_is_invariant"


def invariant(method: F) -> F:
    """Mark a method of an agent that says whether something holds which always should.

        class Account(Agent[Balance]):
            @invariant
            def owes_nothing(self) -> bool:
                return self.state.cents >= 0

    `jido-trio check` looks for commands after which it doesn't. It has no parameter but the agent.
    """
    setattr(method, _MARK, True)
    return method


Named: TypeAlias = tuple[tuple[str, Callable[[Any], bool]], ...]


def invariants_of(cls: type) -> Named:
    """Return the invariants of an agent class by name, in the order of their names."""
    held: Any = cls  # no class in mypy's eyes, whose `__hash__` is that of its instances
    return _invariants_of(held)


@cache
def _invariants_of(cls: Any) -> Named:
    found = list[tuple[str, Callable[[Any], bool]]]()
    for name in dir(cls):
        method: Any = getattr(cls, name, None)
        if getattr(method, _MARK, False) is True:
            found.append((name, method))
    return tuple(found)

"""Invariants: what its author says is always true of an agent. Nothing asks at run time; checks and tests do."""

from collections.abc import Callable
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
    known: Named | None = vars(cls).get(_FOUND)
    if known is None:
        known = _found(cls)
        setattr(cls, _FOUND, known)  # not beside it: they lead to the class
    return known


_FOUND = "__jido_invariants__"


def _found(cls: type) -> Named:
    found = list[tuple[str, Callable[[Any], bool]]]()
    for name in dir(cls):
        method: Any = getattr(cls, name, None)
        if getattr(method, _MARK, False) is True:
            found.append((name, method))
    return tuple(found)

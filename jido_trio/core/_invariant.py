"""Invariants: what its author says is always true of an agent. Nothing asks at run time; checks and tests do."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

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


def invariants_of(cls: type) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    """Return the invariants of an agent class by name, in the order of their names."""
    for name in dir(cls):
        method: Any = getattr(cls, name, None)
        if getattr(method, _MARK, False) is True:
            yield name, method

"""What an action is told about the agent it runs for."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, Protocol, Self

import attrs
from typing_extensions import TypeVar

from jido_trio.core._resources import NO_RESOURCES, Resources
from jido_trio.core._signal import Signal
from jido_trio.data import FrozenDict

StateT_co = TypeVar("StateT_co", covariant=True, default=Any)


class ActingAgent(Protocol[StateT_co]):
    """What an action knows of the agent it runs for, whichever it is."""

    name: ClassVar[str]

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def state(self) -> StateT_co:
        """Its state: `context.state`."""
        ...

    def set(self, changes: Mapping[str, Any]) -> Self:
        """Return it with `changes` merged deeply into its state."""
        ...


AgentT_co = TypeVar("AgentT_co", covariant=True, default=ActingAgent[StateT_co])

RESERVED = frozenset({"state", "signal", "agent", "agent_server", "input_signal", "directive", "dispatch"})
"""Keys with a meaning of their own; a caller's context may not use them."""

NOTHING: Mapping[str, Any] = FrozenDict()


@attrs.frozen(slots=False)
class Context(Generic[StateT_co, AgentT_co]):
    """The agent as it is at this instruction, and why the instruction is run; `context["key"]` is the caller's word.

    For type checkers, `Context[CartState]` says what the state is, and `Context[CartState, CartAgent]` the agent, too.
    """

    state: StateT_co
    agent: AgentT_co
    """The agent itself: its id, and whatever its class has."""
    signal: Signal | None = None
    """The signal that caused this, if one did."""
    extra: Mapping[str, Any] = NOTHING
    """What the caller of `cmd` and the instruction added."""
    resources: Resources = NO_RESOURCES
    """What the instance was given as `resources`; for actions with effects only, so a `def run` finds none."""
    incarnation: int = 0
    """Which life of the agent, from 1, asked for an action with effects; a `def run`, which is pure, finds 0."""

    key: str = ""
    """Names this run of an action with effects, for a durable agent: the same when it is run again after a death."""

    def __getitem__(self, key: str) -> Any:
        return self.extra[key]


def shadowed(extra: Iterable[str]) -> str | None:
    """Return what is wrong with the keys of a caller's context, if anything is."""
    taken = sorted(RESERVED.intersection(extra))
    if not taken:
        return None
    return f"context key {taken[0]!r} is reserved; choose another name (reserved: {', '.join(sorted(RESERVED))})"

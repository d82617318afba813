"""What an action is told about the agent it runs for."""

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, ClassVar, Generic, NoReturn, Protocol, Self

import attrs
from typing_extensions import TypeVar

from jido_trio.core._resources import NO_RESOURCES, Resources
from jido_trio.core._signal import Signal
from jido_trio.data import FrozenDict
from jido_trio.terms import WhenFull

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

    def __contains__(self, key: object) -> bool:
        return key in self.extra

    def progress(self, data: object = None) -> None:
        """Tell how far an action with effects is: the agent, by a `jido.action.progress`, and whoever looks at it.

        It returns at once. While the agent hasn't come to the last word of this action, a newer one takes its place. It
        does nothing when the life that asked for the action has ended.

        Args:
            data: How far it is, as plain data; say `{"page": 3, "of": 10}`.

        Raises:
            InvalidSignal: The data can't be kept.
            RuntimeError: The action is a `def run`, which has no effects.
        """
        _has_no_effects("progress", "it is done when it returns")

    def emit(
        self, signal: Signal | str, data: object = None, *, dispatch: object = None, when_full: WhenFull = "wait"
    ) -> Awaitable[None]:
        """Send a signal from an action with effects, as an `Emit` does, while the action runs.

        To be awaited: it is a checkpoint, and by default waits for room in the mailbox it is sent to, that of the
        agent itself included.

        Args:
            signal: A signal, or its type.
            data: To go with a type.
            dispatch: `ToAgent(id)`, `ToParent()`, a list of these, or None for where the agent's signals go.
            when_full: What becomes of it where there is no room: "wait", "dead_letter" or "drop".

        Raises:
            InvalidDefinition: It can't be sent like this.
            RuntimeError: The action is a `def run`, which has no effects.
        """
        _has_no_effects("emit", "it returns an Emit")


def _has_no_effects(name: str, instead: str) -> NoReturn:
    raise RuntimeError(
        f"context.{name} is for actions with effects, `async def run`; this one is a `def run`: {instead}"
    )


def shadowed(extra: Iterable[str]) -> str | None:
    """Return what is wrong with the keys of a caller's context, if anything is."""
    taken = sorted(RESERVED.intersection(extra))
    if not taken:
        return None
    return f"context key {taken[0]!r} is reserved; choose another name (reserved: {', '.join(sorted(RESERVED))})"

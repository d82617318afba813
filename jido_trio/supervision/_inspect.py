"""What a supervision tree is at, as plain data: safe to print, to compare and to keep."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from attrs import frozen

from jido_trio.supervision._slots import SlotState
from jido_trio.supervision._tree import Tree
from jido_trio.terms import Kind, Restart, RestartStrategy


@runtime_checkable
class Viewable(Protocol):
    """A supervisor, of whatever kind, as the value of a child."""

    def tree(self) -> SupervisorView:
        """Return what it is at."""
        ...


@frozen
class ChildView:
    """A child as it is now."""

    id: str
    kind: Kind
    restart: Restart
    state: SlotState
    incarnation: int
    next_restart: float | None = None
    """Seconds until it is started again, while it backs off."""
    last_crash: str | None = None
    """The last of its ends that was reported, in a line."""
    supervisor: SupervisorView | None = None
    """What it is at, where it is a supervisor made by `supervisor_child`."""


@frozen
class SupervisorView:
    """A supervisor as it is now; children in start order."""

    name: str
    phase: Literal["new", "up", "ending", "ended"]
    strategy: RestartStrategy | Literal["pool"]
    restarts: int
    """How many restarts count now, of the `max_restarts` it tolerates within `max_seconds`."""
    max_restarts: int
    max_seconds: float
    children: tuple[ChildView, ...]


def view_of(name: str, tree: Tree, now: float, children: tuple[ChildView, ...]) -> SupervisorView:
    """Return the tree as it is at time `now`."""
    flags = tree.flags
    strategy: RestartStrategy | Literal["pool"] = "pool" if flags.is_pool else flags.strategy
    used = tree.window.used(now)
    return SupervisorView(name, tree.phase, strategy, used, flags.max_restarts, flags.max_seconds, children)

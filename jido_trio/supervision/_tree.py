"""A supervisor as a value: its children, its window, and the plan of what it is at. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from attrs import Factory, field, frozen

from jido_trio.supervision._child import Child
from jido_trio.supervision._events import CallResult, TreeOutcome
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._slots import Slot, Slots, SlotState
from jido_trio.supervision._value import value
from jido_trio.supervision._window import Window

Phase: TypeAlias = Literal["new", "up", "ending", "ended"]
"""new: its first children are being started, or are to be. ending: they are being stopped for good."""


@frozen
class Down:
    """Stop these children, all at once."""

    children: tuple[str, ...]


@frozen
class Up:
    """Start this child."""

    child: str


@frozen
class Hold:
    """Wait for `Resume`."""


Step: TypeAlias = Down | Up | Hold


@frozen
class Booting:
    """Starting the children of the spec."""


@frozen
class Restarting:
    """Restarting what a crash took down. Whoever asked for it before its time is answered, see `Answering`."""

    asked: Answering | None = None


@frozen
class Answering:
    """Doing what `request` asks; it is answered with `result`, unless a start has another answer.

    A child that is `new` is forgotten when it can't be started, as by OTP's `start_child`.
    """

    request: int
    result: CallResult
    new: bool = False


@frozen
class Ending:
    """Stopping everything, for good."""

    outcome: TreeOutcome


@frozen
class Holding:
    """Suspended."""


Purpose: TypeAlias = Booting | Restarting | Answering | Ending | Holding


@value
class Plan:
    """What the supervisor is at: step number `at` is under way, and waits for so many children."""

    steps: tuple[Step, ...]
    purpose: Purpose
    waiting: int = 0
    at: int = 0

    @property
    def step(self) -> Step | None:
        """The step under way; None when all are done."""
        return self.steps[self.at] if self.at < len(self.steps) else None

    def under_way(self, at: int, waiting: int) -> Plan:
        """Return the plan at step number `at`, which waits for so many children."""
        return Plan(self.steps, self.purpose, waiting, at)

    def meant_for(self, purpose: Purpose) -> Plan:
        """Return the plan with another purpose."""
        return Plan(self.steps, purpose, self.waiting, self.at)

    def awaits_stop_of(self, child: str) -> bool:
        """Return whether the step under way stops that child."""
        step = self.step
        if not isinstance(step, Down):
            return False
        return len(step.children) != 1 or step.children[0] == child  # several at once are all that the tree has


@value
class Tree:
    """A supervisor, as a value."""

    flags: Flags
    slots: Slots = field(factory=Slots)
    window: Window = Factory(lambda tree: Window(tree.flags.max_restarts, tree.flags.max_seconds), takes_self=True)
    plan: Plan | None = None
    phase: Phase = "new"

    @property
    def busy(self) -> bool:
        """Whether messages have to wait. A tree that goes down takes them: it refuses or drops them at once."""
        return self.plan is not None and self.phase in ("new", "up")

    def put(self, slot: Slot) -> Tree:
        """Return the tree with that slot."""
        return Tree(self.flags, self.slots.put(slot), self.window, self.plan, self.phase)

    def add(self, child: Child, incarnation: int = 0, state: SlotState = "stopped") -> Tree:
        """Return the tree with a slot for a new child, at the end."""
        return Tree(self.flags, self.slots.add(child, incarnation, state), self.window, self.plan, self.phase)

    def without(self, id: str) -> Tree:
        """Return the tree without that slot."""
        return Tree(self.flags, self.slots.without(id), self.window, self.plan, self.phase)

    def at(self, plan: Plan | None) -> Tree:
        """Return the tree with that plan."""
        return Tree(self.flags, self.slots, self.window, plan, self.phase)

    def counting(self, window: Window, slot: Slot | None = None) -> Tree:
        """Return the tree with that window, and with that slot if there is one."""
        slots = self.slots if slot is None else self.slots.put(slot)
        return Tree(self.flags, slots, window, self.plan, self.phase)

    def entering(self, phase: Phase) -> Tree:
        """Return the tree in that phase."""
        return Tree(self.flags, self.slots, self.window, self.plan, phase)

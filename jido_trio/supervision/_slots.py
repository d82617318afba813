"""A supervisor's children, as a value: a mapping in start order. Pure, as seen from outside.

Theory of operation. A dict is the quickest mapping there is, and a supervisor looks at nothing but the newest version
of its children. So all versions of them share one dict. The newest version has it; each older one only knows the change
that leads back to it from the next newer version, and is freed as soon as nobody holds it. A change is made in the dict
itself, whatever the number of children.

Whoever looks into an older version has the dict turned back first, change by change, so that the version looked at has
it, and the others know how to get from there to themselves. Each version is a value all the same: what was seen in it
once is seen in it for ever. (Baker, "Shallow binding makes functional arrays fast", 1991.) To use two versions in turn
is as cheap as they are near to each other; an old one that is kept keeps all changes since. Versions that share a dict
belong to one thread.

A dict keeps the order in which keys came, which is that of starting, but for a removal that was turned back: then the
order is put right before it is asked for. Counts are kept with the dict, so that to count children needs no walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Literal, TypeAlias

from attrs import define, field

from jido_trio.supervision._child import Child
from jido_trio.supervision._value import value
from jido_trio.supervision._window import Window
from jido_trio.terms import ExitKind

SlotState: TypeAlias = Literal[
    "stopped", "starting", "running", "ended", "stopping", "restarting", "backing_off", "parked"
]
"""What became of a child. ended: its end waits to be handled. restarting: its last restart failed, another is due.
backing_off: it pauses before its restart. parked: it used up its budget. stopped: OTP's `undefined`, the spec is kept
and nothing runs."""

ALIVE: frozenset[SlotState] = frozenset({"starting", "running", "stopping"})


@value
class Slot:
    """One child of a supervisor: its spec, and what became of it."""

    child: Child
    state: SlotState = "stopped"
    incarnation: int = 0
    """How often it was started; the number of the current or last life."""
    exit: ExitKind | None = None
    """How that life ended, while `state` is "ended"."""
    rank: int = 0
    """Its place in the order of starting."""
    lasted: float = 0.0
    """Seconds that its last life lasted; known for children with a backoff."""
    failures: int = 0
    """Restarts since a life that lasted; kept for children with a backoff."""
    window: Window | None = None
    """The restarts that count against its own budget."""

    @property
    def alive(self) -> bool:
        """Whether something of it runs."""
        return self.state in ALIVE

    def now(self, state: SlotState, exit: ExitKind | None = None) -> Slot:
        """Return the slot in that state."""
        return Slot(self.child, state, self.incarnation, exit, self.rank, self.lasted, self.failures, self.window)

    def next_life(self, state: SlotState) -> Slot:
        """Return the slot with its next incarnation under way."""
        return Slot(self.child, state, self.incarnation + 1, None, self.rank, 0.0, self.failures, self.window)

    def remembering(self, *, lasted: float, failures: int, window: Window | None) -> Slot:
        """Return the slot with what counts for its backoff and its budget."""
        return Slot(self.child, self.state, self.incarnation, self.exit, self.rank, lasted, failures, window)


@define(eq=False)
class _Table:
    """What the versions share: the slots of one of them, and counts over these."""

    slots: dict[str, Slot] = field(factory=dict)
    in_order: bool = True
    states: dict[SlotState, int] = field(factory=dict)
    supervisors: int = 0
    significant: int = 0
    """Significant children that have not stopped."""

    def set(self, id: str, slot: Slot | None) -> Slot | None:
        """Have `slot` for that id, or none; return what was there."""
        was = self.slots.get(id)
        if slot is None:
            del self.slots[id]
        else:
            self.slots[id] = slot
        if was is None or slot is None or was.state is not slot.state:
            self._count(was, -1)
            self._count(slot, 1)
        return was

    def _count(self, slot: Slot | None, by: int) -> None:
        if slot is None:
            return
        state, child = slot.state, slot.child
        self.states[state] = self.states.get(state, 0) + by
        if child.kind == "supervisor":
            self.supervisors += by
        if child.significant and state != "stopped":
            self.significant += by

    def ordered(self) -> dict[str, Slot]:
        """Return the slots, in start order."""
        if not self.in_order:
            self.slots = {slot.child.id: slot for slot in sorted(self.slots.values(), key=attrgetter("rank"))}
            self.in_order = True
        return self.slots


@define(eq=False)
class Slots:
    """Slots by child id; iteration goes in the order in which they were added."""

    table: _Table | None = field(factory=_Table)
    """None for a version that is older than the one that has it."""
    next_rank: int = 0
    """The place in the order of the next child."""
    newer: Slots | None = None
    changed: str = ""
    """The id of the slot in which this version differs from the newer one ..."""
    was: Slot | None = None
    """... and what is there in this one."""

    def get(self, id: str) -> Slot | None:
        """Return the slot of that child, if there is one."""
        return (self.table or self._turned_back()).slots.get(id)

    def put(self, slot: Slot) -> Slots:
        """Return the slots with `slot` in the place of the one of the same id."""
        return self._with(slot.child.id, slot, self.next_rank)

    def add(self, child: Child, incarnation: int = 0, state: SlotState = "stopped") -> Slots:
        """Return the slots with one for `child`, a new id, at the end."""
        budget = child.budget
        window = _empty_window(budget.max_restarts, budget.max_seconds) if budget is not None else None
        rank = self.next_rank
        return self._with(child.id, Slot(child, state, incarnation, None, rank, 0.0, 0, window), rank + 1)

    def without(self, id: str) -> Slots:
        """Return the slots without that of child `id`."""
        return self._with(id, None, self.next_rank)

    @property
    def states(self) -> Mapping[SlotState, int]:
        """How many children are in each state; those that none is in may be missing."""
        return {**(self.table or self._turned_back()).states}

    @property
    def supervisors(self) -> int:
        """How many children are supervisors."""
        return (self.table or self._turned_back()).supervisors

    @property
    def significant(self) -> int:
        """How many significant children have not stopped."""
        return (self.table or self._turned_back()).significant

    def __len__(self) -> int:
        return len((self.table or self._turned_back()).slots)

    def __iter__(self) -> Iterator[Slot]:
        return iter(tuple((self.table or self._turned_back()).ordered().values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slots) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Slots({tuple(self)!r})"

    def __reduce__(self) -> tuple[Callable[..., Slots], tuple[tuple[Slot, ...], int]]:
        return _slots_of, (tuple(self), self.next_rank)  # a copy has a table of its own

    def _with(self, id: str, slot: Slot | None, next_rank: int) -> Slots:
        table = self.table or self._turned_back()
        newer = Slots(table, next_rank)
        self.table, self.newer, self.changed, self.was = None, newer, id, table.set(id, slot)
        return newer

    def _turned_back(self) -> _Table:
        """Have the table turned back to this version, and return it."""
        older: list[Slots] = []
        version = self
        while version.newer is not None:
            older.append(version)
            version = version.newer
        table = version.table
        assert table is not None  # noqa: S101  # the newest of all has it
        for back in reversed(older):
            newer, id = version, back.changed
            now = table.set(id, back.was)
            table.in_order = table.in_order and now is not None
            newer.table, newer.newer, newer.changed, newer.was = None, back, id, now
            back.table, back.newer, back.changed, back.was = table, None, "", None
            version = back
        return table


_empty_window = lru_cache(maxsize=64)(Window)
"""One for all children whose budgets are alike: most never restart."""


def _slots_of(slots: tuple[Slot, ...], next_rank: int) -> Slots:
    table = _Table()
    for slot in slots:
        table.set(slot.child.id, slot)
    return Slots(table, next_rank)

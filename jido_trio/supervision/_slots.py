"""A supervisor's children, as a value: a persistent mapping in start order. Pure.

A dict alone would be copied whole at each change, which ten thousand children make slow. Here the children are spread
over buckets, and a change copies one bucket and the row of buckets.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Literal, TypeAlias

from attrs import evolve, field, frozen

from jido_trio.supervision._child import Child
from jido_trio.supervision._window import Window
from jido_trio.terms import ExitKind

SlotState: TypeAlias = Literal[
    "stopped", "starting", "running", "ended", "stopping", "restarting", "backing_off", "parked"
]
"""What became of a child. ended: its end waits to be handled. restarting: its last restart failed, another is due.
backing_off: it pauses before its restart. parked: it used up its budget. stopped: OTP's `undefined`, the spec is kept
and nothing runs."""

ALIVE: frozenset[SlotState] = frozenset({"starting", "running", "stopping"})


@frozen(slots=False)
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


_Bucket: TypeAlias = dict[str, Slot]
_CROWDED = 64
_GROWTH = 8


@frozen(eq=False, slots=False)
class Slots:
    """Slots by child id; iteration goes in the order in which they were added."""

    _buckets: tuple[_Bucket, ...] = ({},)
    _size: int = 0
    _next_rank: int = field(default=0)

    def get(self, id: str) -> Slot | None:
        """Return the slot of that child, if there is one."""
        if len(self._buckets) == 1:
            return self._buckets[0].get(id)
        return self._buckets[hash(id) % len(self._buckets)].get(id)

    def put(self, slot: Slot) -> Slots:
        """Return the slots with `slot` in the place of the one of the same id."""
        return Slots(self._with(slot), self._size, self._next_rank)

    def add(self, child: Child, incarnation: int = 0, state: SlotState = "stopped") -> Slots:
        """Return the slots with one for `child`, a new id, at the end."""
        if self._size > _CROWDED * len(self._buckets):
            return self._spread().add(child, incarnation, state)
        budget = child.budget
        window = Window(budget.max_restarts, budget.max_seconds) if budget is not None else None
        slot = Slot(child, state, incarnation, rank=self._next_rank, window=window)
        return Slots(self._with(slot), self._size + 1, self._next_rank + 1)

    def without(self, id: str) -> Slots:
        """Return the slots without that of child `id`."""
        index = hash(id) % len(self._buckets)
        rest = {other: slot for other, slot in self._buckets[index].items() if other != id}
        return Slots(self._replaced(index, rest), self._size - 1, self._next_rank)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Slot]:
        if len(self._buckets) == 1:
            # dicts keep their order, and `put` keeps a slot's place
            return iter(self._buckets[0].values())
        return iter(sorted((slot for bucket in self._buckets for slot in bucket.values()), key=attrgetter("rank")))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slots) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def _with(self, slot: Slot) -> tuple[_Bucket, ...]:
        if len(self._buckets) == 1:
            return ({**self._buckets[0], slot.child.id: slot},)
        index = hash(slot.child.id) % len(self._buckets)
        return self._replaced(index, {**self._buckets[index], slot.child.id: slot})

    def _replaced(self, index: int, bucket: _Bucket) -> tuple[_Bucket, ...]:
        return (*self._buckets[:index], bucket, *self._buckets[index + 1 :])

    def _spread(self) -> Slots:
        buckets: list[_Bucket] = [{} for _ in range(len(self._buckets) * _GROWTH)]
        for slot in self:
            buckets[hash(slot.child.id) % len(buckets)][slot.child.id] = slot
        return evolve(self, buckets=tuple(buckets))

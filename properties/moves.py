"""Moves: what becomes of each child at one event, held against the table of what may."""

from __future__ import annotations

from collections.abc import Iterator

from jido_trio.supervision._rules import MOVES
from jido_trio.supervision._slots import SlotState
from jido_trio.supervision._tree import Tree

Move = tuple[SlotState, SlotState]


def moves_of(before: Tree, after: Tree) -> Iterator[Move]:
    """Yield the states between which children went; a child that is new was stopped."""
    was = {(slot.child.id, slot.rank): (slot.state, slot.incarnation) for slot in before.slots}
    for slot in after.slots:
        state, incarnation = was.get((slot.child.id, slot.rank), ("stopped", 0))
        if (state, incarnation) != (slot.state, slot.incarnation):
            yield state, slot.state


def check_moves(before: Tree, after: Tree) -> None:
    """Hold what became of the children against the table.

    Raises:
        AssertionError: A child went where the table has no way.
    """
    for state, now in moves_of(before, after):
        assert now in MOVES[state], f"a child went from {state} to {now}"

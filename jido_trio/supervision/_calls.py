"""What a supervisor answers to calls: at once, or by a plan that `decide` begins. Pure; OTP's words and rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jido_trio.supervision._events import (
    AnswerCall,
    ChildRow,
    CountChildren,
    Counts,
    DeleteChild,
    Done,
    Forget,
    GetChildSpec,
    Refused,
    RestartChild,
    Running,
    StartChild,
    StartLife,
    Suspend,
    TerminateChild,
    TreeCommand,
    WhichChildren,
)
from jido_trio.supervision._rules import ROW_STATES, restart_steps
from jido_trio.supervision._slots import ALIVE, Slot
from jido_trio.supervision._tree import Answering, Down, Hold, Holding, Plan, Restarting, Tree, Up
from jido_trio.terms import Refusal

Reaction = tuple[Tree, tuple[TreeCommand, ...]]
"""The tree after a call, with a plan that has not begun if there is something to do, and what must be done first."""


def _start_child(tree: Tree, event: StartChild) -> Reaction:
    child = event.child
    slot = tree.slots.get(child.id)
    if slot is not None:
        there: Refusal = "already_started" if ROW_STATES[slot.state] == "running" else "already_present"
        return _refuse(tree, event.request, child.id, there, slot.incarnation)
    if tree.flags.max_children is not None and len(tree.slots) >= tree.flags.max_children:
        return _refuse(tree, event.request, child.id, "max_children")
    if child.is_passive and not event.request:  # nothing has to be waited for, and nobody waits
        return tree.add(child, 1, "running"), (StartLife(child, 1),)
    answering = Answering(event.request, Running(child.id, 1), new=True)
    return tree.add(child).at(Plan((Up(child.id),), answering)), ()


def _terminate_child(tree: Tree, event: TerminateChild) -> Reaction:
    slot = tree.slots.get(event.child)
    meant = slot is not None and (event.incarnation in (None, slot.incarnation) or slot.state == "restarting")
    if not meant:
        return _refuse(tree, event.request, event.child, "not_found")
    return tree.at(Plan((Down((event.child,)),), Answering(event.request, Done()))), ()


def _restart_child(tree: Tree, event: RestartChild) -> Reaction:
    slot, refusal = _at_rest(tree, event.child)
    if slot is None or refusal is not None:
        return _refuse(tree, event.request, event.child, refusal or "not_found")
    answering = Answering(event.request, Running(event.child, slot.incarnation + 1))
    if slot.state == "backing_off":
        return tree.put(slot.now("stopped")).at(Plan(restart_steps(tree, slot), Restarting(answering))), ()
    return tree.at(Plan((Up(event.child),), answering)), ()


def _delete_child(tree: Tree, event: DeleteChild) -> Reaction:
    slot, refusal = _at_rest(tree, event.child)
    if slot is None or refusal is not None:
        return _refuse(tree, event.request, event.child, refusal or "not_found")
    return tree.without(event.child), (Forget(event.child), AnswerCall(event.request, Done()))


def _at_rest(tree: Tree, id: str) -> tuple[Slot | None, Refusal | None]:
    """The slot of a child that doesn't run and that nothing is about to be done with, or why there is none."""
    slot = tree.slots.get(id)
    # Of a pool, only those that wait in a way OTP doesn't know: they would wait for ever, or longer than need be.
    if tree.flags.is_pool and (slot is None or slot.state not in ("parked", "backing_off")):
        return None, "simple_one_for_one"
    if slot is None:
        return None, "not_found"
    if slot.state == "backing_off":
        return slot, None
    match ROW_STATES[slot.state]:
        case "undefined":
            return slot, None
        case state:
            return None, state


def _refuse(tree: Tree, request: int, child: str, reason: Refusal, incarnation: int = 0) -> Reaction:
    return tree, (AnswerCall(request, Refused(child, reason, incarnation)),)


def _which_children(tree: Tree, event: WhichChildren) -> Reaction:
    return tree, (AnswerCall(event.request, rows_of(tree)),)


def rows_of(tree: Tree) -> tuple[ChildRow, ...]:
    """Return a row for each child, newest first."""
    return tuple(_row(slot) for slot in reversed(tuple(tree.slots)))


def _row(slot: Slot) -> ChildRow:
    state = ROW_STATES[slot.state]
    return ChildRow(slot.child.id, state, slot.incarnation if state == "running" else None, slot.child.kind)


def _count_children(tree: Tree, event: CountChildren) -> Reaction:
    slots, states = tree.slots, tree.slots.states
    # OTP asks whether a child's process is alive; for a pool it only knows which children are being restarted.
    restarting = states.get("restarting", 0)
    active = len(slots) - restarting if tree.flags.is_pool else sum(states.get(state, 0) for state in ALIVE)
    counts = Counts(len(slots), active, slots.supervisors, len(slots) - slots.supervisors)
    return tree, (AnswerCall(event.request, counts),)


def _get_child_spec(tree: Tree, event: GetChildSpec) -> Reaction:
    slot = tree.slots.get(event.child)
    if slot is None:
        return _refuse(tree, event.request, event.child, "not_found")
    return tree, (AnswerCall(event.request, slot.child),)


def _suspend(tree: Tree, event: Suspend) -> Reaction:
    return tree.at(Plan((Hold(),), Holding())), (AnswerCall(event.request, Done()),)


CALLS: Mapping[type, Callable[[Tree, Any], Reaction]] = {
    StartChild: _start_child,
    TerminateChild: _terminate_child,
    RestartChild: _restart_child,
    DeleteChild: _delete_child,
    WhichChildren: _which_children,
    CountChildren: _count_children,
    GetChildSpec: _get_child_spec,
    Suspend: _suspend,
}
"""What each call comes to, while the tree isn't busy."""

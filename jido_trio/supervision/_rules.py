"""The rules of a supervisor as tables, to be laid beside OTP's manual. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from jido_trio.supervision._slots import Slot, SlotState
from jido_trio.supervision._tree import Down, Step, Tree, Up
from jido_trio.terms import ExitKind, Restart, RestartStrategy

RESTARTS_AFTER: Mapping[Restart, frozenset[ExitKind]] = {
    "permanent": frozenset({"normal", "shutdown", "killed", "crash"}),
    "transient": frozenset({"killed", "crash"}),
    "temporary": frozenset(),
}
"""The ends that are answered by a restart, for each restart type (OTP `supervisor:do_restart/3`)."""

GOES_DOWN_WITH: Mapping[RestartStrategy, Callable[[Sequence[Slot], int], Sequence[Slot]]] = {
    "one_for_one": lambda order, at: order[at : at + 1],
    "one_for_all": lambda order, at: order,
    "rest_for_one": lambda order, at: order[at:],
}
"""The children that are stopped and started with the one at index `at`, in start order."""

ABNORMAL: frozenset[ExitKind] = frozenset({"killed", "crash"})
"""The ends that are told of, whatever is done about them."""

ROW_STATES: Mapping[SlotState, Literal["running", "restarting", "undefined"]] = {
    "stopped": "undefined",
    "starting": "running",
    "running": "running",
    "ended": "running",  # not handled yet: OTP still lists its pid
    "stopping": "running",
    "restarting": "restarting",
    "backing_off": "restarting",
    "parked": "undefined",
}
"""What `which_children` says of a child."""

MOVES: Mapping[SlotState, Mapping[SlotState, str]] = {
    "stopped": {
        "starting": "start, restart_child, or its group comes up",
        "running": "the same, for one that needn't say when it is ready",
    },
    "starting": {
        "running": "ready",
        "stopping": "stop",
        "stopped": "nothing to run; or failed, where nobody tries again",
        "restarting": "failed, and is tried again",
        "backing_off": "failed, and pauses",
        "parked": "failed, its budget spent",
    },
    "running": {
        "starting": "ended, next life",
        "running": "ended, next life, for one that needn't say when it is ready",
        "ended": "ended while something else is under way",
        "stopping": "stop",
        "stopped": "ended for good; or goes down with its group",
        "restarting": "a passive child that failed to begin",
        "backing_off": "ended, and pauses",
        "parked": "ended, its budget spent, or a further life in vain",
    },
    "ended": {
        "starting": "its turn has come: next life",
        "running": "the same, for one that needn't say when it is ready",
        "stopped": "its turn has come, for good; or stop",
        "backing_off": "its turn has come: it pauses",
        "parked": "its turn has come, its budget spent",
    },
    "stopping": {
        "stopped": "ended",
        "starting": "ended, and its group comes up",
        "running": "the same, for one that needn't say when it is ready",
    },
    "restarting": {
        "starting": "its turn has come",
        "running": "its turn has come, for one that needn't say when it is ready",
        "stopped": "terminate_child; too many restarts; or goes down with its group",
        "parked": "its budget spent",
    },
    "backing_off": {
        "starting": "its pause is over, restart_child, or its group comes up",
        "running": "the same, for one that needn't say when it is ready",
        "stopped": "terminate_child, or goes down with its group",
    },
    "parked": {
        "starting": "restart_child",
        "running": "restart_child, for one that needn't say when it is ready",
        "stopped": "terminate_child, or its supervisor ends",
    },
}
"""What may become of a child at one event, and by what. It may also be forgotten, from every state in which it doesn't
run, or stay as it is."""


def restart_steps(tree: Tree, slot: Slot) -> tuple[Step, ...]:
    """Return what a restart of that child takes: down in reverse, up in order.

    Temporary ones don't come back, parked ones stay.
    """
    strategy = tree.flags.restart_strategy
    if strategy == "one_for_one":
        return (Up(slot.child.id),)
    order = tuple(tree.slots)
    at = next(index for index, other in enumerate(order) if other.child.id == slot.child.id)
    down = [other.child for other in GOES_DOWN_WITH[strategy](order, at) if other.state != "parked"]
    stops = [Down((child.id,)) for child in reversed(down) if child.id != slot.child.id]
    return (*stops, *(Up(child.id) for child in down if child.restart != "temporary"))

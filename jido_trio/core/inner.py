"""What the parts above need of `core` beside what is for users: when jobs are due, what directives are checked for.

Nothing here is promised.
"""

from jido_trio.core._action import check_result
from jido_trio.core._directives import checked_dispatch
from jido_trio.core._error_policy import Verdict, decide_error
from jido_trio.core._fsm import Crash
from jido_trio.core._invariant import invariants_of
from jido_trio.core._migration import check_class
from jido_trio.core._plugged import StartChildren, checkpointed, own_state, restored
from jido_trio.core._policy import Gate
from jido_trio.core._sensor import checked_sensor
from jido_trio.core._ticks import comes_at, due_at_start, first_due, is_missed, is_same_job, next_due

__all__ = [
    "Crash",
    "Gate",
    "StartChildren",
    "Verdict",
    "check_class",
    "check_result",
    "checked_dispatch",
    "checked_sensor",
    "checkpointed",
    "comes_at",
    "decide_error",
    "due_at_start",
    "first_due",
    "invariants_of",
    "is_missed",
    "is_same_job",
    "next_due",
    "own_state",
    "restored",
]

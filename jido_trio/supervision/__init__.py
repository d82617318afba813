"""Supervision as in Erlang/OTP, for any Trio program; knows nothing of agents. Imports the leaves only.

A crash reads in this order: `_life` (a task ends), `_exit` (how), `_supervisor` (it becomes an event), `_decide` (what
follows, by OTP's rules), `_supervisor` again (it is done), a new `_life`.
"""

from jido_trio.supervision._backoff import Backoff, Budget
from jido_trio.supervision._child import Child
from jido_trio.supervision._dynamic import dynamic_supervisor_child, open_dynamic_supervisor
from jido_trio.supervision._events import ChildRow, Counts
from jido_trio.supervision._exit import Shutdown
from jido_trio.supervision._faults import At, Every, Fault, StartFails, at, every, start_fails
from jido_trio.supervision._forecast import Forecast, forecast
from jido_trio.supervision._inspect import ChildView, SupervisorView
from jido_trio.supervision._life import Life
from jido_trio.supervision._nested import nested_spec
from jido_trio.supervision._open import open_supervisor, supervisor_child
from jido_trio.supervision._partition import (
    PartitionKey,
    PartitionSupervisor,
    open_partition_supervisor,
    partition_index,
    partition_supervisor_child,
)
from jido_trio.supervision._passive import Passive, PassiveLife
from jido_trio.supervision._rehearsal import Happening, SupervisorEnd
from jido_trio.supervision._report import (
    CrashReport,
    Failure,
    FoldedLog,
    Frame,
    OverrunReport,
    Report,
    Sink,
    log_report,
)
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import ChildRef, Supervisor
from jido_trio.supervision._task import Failed, Ok, Task
from jido_trio.supervision._task_map import Results
from jido_trio.supervision._task_supervisor import TaskSupervisor, open_task_supervisor, task_supervisor_child
from jido_trio.supervision._watchdog import BlockedReport, watch_event_loop

__all__ = [
    "At",
    "Backoff",
    "BlockedReport",
    "Budget",
    "Child",
    "ChildRef",
    "ChildRow",
    "ChildView",
    "Counts",
    "CrashReport",
    "Every",
    "Failed",
    "Failure",
    "Fault",
    "FoldedLog",
    "Forecast",
    "Frame",
    "Happening",
    "Life",
    "Ok",
    "OverrunReport",
    "PartitionKey",
    "PartitionSupervisor",
    "Passive",
    "PassiveLife",
    "Report",
    "Results",
    "Shutdown",
    "Sink",
    "StartFails",
    "Supervisor",
    "SupervisorEnd",
    "SupervisorSpec",
    "SupervisorView",
    "Task",
    "TaskSupervisor",
    "at",
    "dynamic_supervisor_child",
    "every",
    "forecast",
    "log_report",
    "nested_spec",
    "open_dynamic_supervisor",
    "open_partition_supervisor",
    "open_supervisor",
    "open_task_supervisor",
    "partition_index",
    "partition_supervisor_child",
    "start_fails",
    "supervisor_child",
    "task_supervisor_child",
    "watch_event_loop",
]

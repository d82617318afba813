"""Supervision as in Erlang/OTP, for any Trio program; knows nothing of agents. Imports the leaves only.

A crash reads in this order: `_life` (a task ends), `_exit` (how), `_supervisor` (it becomes an event), `_decide` (what
follows, by OTP's rules), `_supervisor` again (it is done), a new `_life`.
"""

from jido_trio.supervision._backoff import Backoff, Budget
from jido_trio.supervision._child import Child
from jido_trio.supervision._dynamic import dynamic_supervisor_child, open_dynamic_supervisor
from jido_trio.supervision._events import ChildRow, Counts
from jido_trio.supervision._exit import Shutdown
from jido_trio.supervision._inspect import ChildView, SupervisorView
from jido_trio.supervision._life import Life
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
from jido_trio.supervision._supervisor import ChildRef, Supervisor, open_supervisor, supervisor_child

__all__ = [
    "Backoff",
    "Budget",
    "Child",
    "ChildRef",
    "ChildRow",
    "ChildView",
    "Counts",
    "CrashReport",
    "Failure",
    "FoldedLog",
    "Frame",
    "Life",
    "OverrunReport",
    "Report",
    "Shutdown",
    "Sink",
    "Supervisor",
    "SupervisorView",
    "dynamic_supervisor_child",
    "log_report",
    "open_dynamic_supervisor",
    "open_supervisor",
    "supervisor_child",
]

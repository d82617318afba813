"""What groups of agents, commands and tools for tests need of `runtime` beside what is for users.

Nothing here is promised.
"""

from jido_trio.runtime._history import instances_with, journal_span
from jido_trio.runtime._inspect import view_of_mailbox
from jido_trio.runtime._ref import cell_of
from jido_trio.runtime._rest import is_at_rest, is_kept, wake_by, watch_rest
from jido_trio.runtime._timers import is_scheduled
from jido_trio.runtime._works import work_waiting_for, works_for

__all__ = [
    "cell_of",
    "instances_with",
    "is_at_rest",
    "is_kept",
    "is_scheduled",
    "journal_span",
    "view_of_mailbox",
    "wake_by",
    "watch_rest",
    "work_waiting_for",
    "works_for",
]

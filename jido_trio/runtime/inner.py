"""What groups of agents and commands need of `runtime` beside what is for users.

Nothing here is promised.
"""

from jido_trio.runtime._history import instances_with, journal_span
from jido_trio.runtime._rest import is_at_rest, wake_by, watch_rest

__all__ = [
    "instances_with",
    "is_at_rest",
    "journal_span",
    "wake_by",
    "watch_rest",
]

"""What tools for tests, and agents, need of `supervision` beside what is for users.

Nothing here is promised.
"""

from jido_trio.supervision._report import hearing_reports
from jido_trio.supervision._watchdog import whose

__all__ = [
    "hearing_reports",
    "whose",
]

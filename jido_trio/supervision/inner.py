"""What tools for tests need of `supervision` beside what is for users.

Nothing here is promised.
"""

from jido_trio.supervision._report import hearing_reports

__all__ = [
    "hearing_reports",
]

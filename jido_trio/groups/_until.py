"""Deadlines of calls that wait for an agent first."""

from __future__ import annotations

import math

import trio

from jido_trio import checks


def within(owner: str, deadline: float | None, seconds: float | None) -> float | None:
    """Return how many seconds to wait for an agent: so many, but not beyond the deadline of what it is wanted for.

    Raises:
        InvalidDefinition: The deadline is no time.
    """
    if deadline is None or deadline == math.inf:
        return seconds
    checks.seconds(owner, "deadline", deadline)
    left = max(0.0, deadline - trio.current_time())
    return left if seconds is None else min(left, seconds)

"""How a life ended: what left a child's function, as OTP's kinds of exit."""

from __future__ import annotations

from jido_trio.errors import RestartIntensityExceeded
from jido_trio.terms import ExitKind


class Shutdown(Exception):
    """Raise it in a child to end it on purpose: no crash, and no restart unless the child is permanent.

    Args:
        reason: Why, for people; OTP's `{shutdown, Reason}`.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


DELIBERATE = (Shutdown, RestartIntensityExceeded)
"""What ends a child with OTP's `shutdown`: it said so, or it is a supervisor that gave up."""


def exit_kind(error: Exception) -> ExitKind:
    """Return how a life ended that `error` left: "shutdown" when all of it is deliberate, else "crash"."""
    if isinstance(error, DELIBERATE):
        return "shutdown"
    if isinstance(error, ExceptionGroup) and error.split(DELIBERATE)[1] is None:
        return "shutdown"
    return "crash"

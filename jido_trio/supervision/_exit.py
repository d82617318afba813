"""How a life ended: what left a child's function, as OTP's kinds of exit."""

from __future__ import annotations

from attrs import define

from jido_trio.errors import ErrorValue, RestartIntensityExceeded
from jido_trio.redact import said
from jido_trio.terms import ExitKind


@define(slots=False, eq=False)
class Shutdown(ErrorValue):
    """Raise it in a child to end it on purpose: no crash, and no restart unless the child is permanent."""

    reason: str = ""
    """Why, for people; OTP's `{shutdown, Reason}`."""

    def __str__(self) -> str:
        return said(self.reason)


DELIBERATE = (Shutdown, RestartIntensityExceeded)
"""What ends a child with OTP's `shutdown`: it said so, or it is a supervisor that gave up."""


def exit_kind(error: Exception) -> ExitKind:
    """Return how a life ended that `error` left: "shutdown" when all of it is deliberate, else "crash"."""
    if isinstance(error, DELIBERATE):
        return "shutdown"
    if isinstance(error, ExceptionGroup) and error.split(DELIBERATE)[1] is None:
        return "shutdown"
    return "crash"

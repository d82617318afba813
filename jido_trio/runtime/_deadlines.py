"""Deadlines that travel with a message: the agent passes it over when its time is over, and calls made for it end then.

A message with a deadline is a signal that knows it. What an agent does for a signal, its interpreters and async
actions and what their outcomes lead to, is done in tasks that are given that signal: so a call that one of them makes
is limited by it, and has it for a deadline in turn.
"""

from __future__ import annotations

import math
import sys
from contextvars import ContextVar

import trio
from attrs import field, fields, frozen

from jido_trio.core import Signal
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown


@frozen
class Timed(Signal):
    """A signal that is to be handled by then."""

    deadline: float = field(default=math.inf, kw_only=True)
    """In seconds of Trio's clock."""

    def __hash__(self) -> int:
        return hash(self.id)


DEADLINE: ContextVar[float | None] = ContextVar("DEADLINE", default=None)
"""That of the message which the current task does something for."""


def deadline_of(signal: Signal) -> float | None:
    """Return when the time of a message is over, if it has such a time."""
    return signal.deadline if isinstance(signal, Timed) else None


def timed(signal: Signal, deadline: float) -> Signal:
    """Return the signal with a deadline."""
    if deadline == math.inf:
        return signal
    return Timed(**{each.name: getattr(signal, each.name) for each in fields(Signal)}, deadline=deadline)


def checked(deadline: float | None) -> float:
    """Return when the time of a message is over that is sent now, within that of the one under way.

    Raises:
        InvalidDefinition: The deadline is no time.
    """
    inherited = DEADLINE.get()
    if deadline is None:
        return math.inf if inherited is None else inherited
    given: object = deadline
    is_number = isinstance(given, float | int) and given is not True and given is not False
    if not is_number or not (abs(deadline) <= sys.float_info.max or abs(deadline) == math.inf):  # nan is neither
        raise InvalidDefinition(
            f"deadline={shown(deadline)} must be a time of Trio's clock, as trio.current_time() + 5",
            field="deadline",
            value=deadline,
        )
    return deadline if inherited is None else min(deadline, inherited)


def remaining(deadline: float) -> float:
    """Return the seconds until then, 0 if that was before now."""
    return max(0.0, deadline - trio.current_time())

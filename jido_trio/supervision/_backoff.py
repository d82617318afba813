"""The pause before a restart, and what a child may cost before it is given up. Pure; OTP knows neither."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, get_args

from attrs import Attribute, field, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown


def _seconds(_: object, attribute: Attribute[Any], value: object) -> None:
    checks.seconds("", attribute.name, value)


def _at_least_1(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1 <= value < math.inf:
        raise InvalidDefinition(f"{attribute.name}={shown(value)} must be 1 or more", field=attribute.name, value=value)


def _share(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InvalidDefinition(
            f"{attribute.name}={shown(value)} must be from 0 to 1", field=attribute.name, value=value
        )


@frozen(kw_only=True)
class Backoff:
    """A pause before each restart of a child, longer each time, until a life has lasted.

    A child with a backoff is not counted against its supervisor's `max_restarts`: waiting is its way of not flooding.
    Give it a `Budget` too, if it shall be given up some time. While it waits it can be stopped, deleted, or restarted
    at once.
    """

    first: float = field(default=0.1, validator=_seconds)
    """Seconds before the first restart."""
    factor: float = field(default=2.0, validator=_at_least_1)
    """By how much each pause is longer than the one before."""
    cap: float = field(default=30.0, validator=_seconds)
    """The longest pause, in seconds, before jitter."""
    jitter: float = field(default=0.0, validator=_share)
    """A pause is made longer by a random share of itself, at most this: it spreads children that failed together."""
    reset_after: float = field(default=60.0, validator=_seconds)
    """A life that lasted so many seconds makes the next pause the first again."""

    def pause(self, failures: int) -> float:
        """Return the seconds to wait when `failures` restarts have gone before without a life that lasted."""
        if not self.first:
            return 0.0
        try:
            return min(self.first * float(self.factor) ** failures, self.cap)
        except OverflowError:  # long after the cap was reached
            return self.cap


Exhausted: TypeAlias = Literal["escalate", "park", "stop"]
"""What follows when a child has used up its budget: its supervisor gives up, as for its own; the child is kept aside,
visible, until `restart_child`; it is stopped as if it had ended for good."""


def _restarts(_: object, attribute: Attribute[int], value: object) -> None:
    checks.whole("", attribute.name, value)


def _word(_: object, attribute: Attribute[Any], value: object) -> None:
    checks.one_of("", attribute.name, value, get_args(Exhausted))


@frozen(kw_only=True)
class Budget:
    """How many restarts one child may have within a window, by itself.

    Counted like the supervisor's: more than `max_restarts` within `max_seconds` are too many. Where the child is parked
    or stopped then, its restarts don't count against its supervisor's `max_restarts`, too: a child with such a budget
    never takes its supervisor down. One that escalates is counted by both.
    """

    max_restarts: int = field(default=3, validator=_restarts)
    max_seconds: float = field(default=5.0, validator=_seconds)
    exhausted: Exhausted = field(default="escalate", validator=_word)

"""Faults: how a child fails, supposed for a forecast. Pure values."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TypeAlias

from attrs import field, frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown


def _check(call: str, name: str, value: object, *, whole: bool = False) -> None:
    kinds = int if whole else int | float
    if not isinstance(value, kinds) or isinstance(value, bool) or not 0 < value <= sys.float_info.max:
        must = "numbers of starts, which count from 1" if whole else "seconds above 0"
        raise InvalidDefinition(f"{call}({shown(value)}): {name} must be {must}", field=name, value=value)


@frozen
class Every:
    """Each life crashes so many seconds after its start."""

    seconds: float = field(validator=lambda _, __, value: _check("every", "seconds", value))

    def crash_of(self, began: float) -> float:
        """Return when a life crashes that began at that time."""
        return began + self.seconds


@frozen
class At:
    """Whatever life there is crashes at these times."""

    times: tuple[float, ...]

    def __attrs_post_init__(self) -> None:
        for time in self.times:
            _check("at", "times", time)

    def crash_of(self, began: float) -> float:
        """Return when a life crashes that began at that time; infinity when it doesn't."""
        return min((time for time in self.times if time > began), default=math.inf)


@frozen
class StartFails:
    """These starts of the child fail, counted from 1 over all lives of its supervisor."""

    numbers: tuple[int, ...]
    since: int | None = None
    """This start and all later ones fail."""

    def __attrs_post_init__(self) -> None:
        for number in self.numbers:
            _check("start_fails", "numbers", number, whole=True)
        if self.since is not None:
            _check("start_fails", "since", self.since, whole=True)

    def fails(self, number: int) -> bool:
        """Return whether the start of that number fails."""
        return number in self.numbers or (self.since is not None and number >= self.since)


Fault: TypeAlias = Every | At | StartFails


def every(seconds: float) -> Every:
    """Suppose that each life of a child crashes so many seconds after its start."""
    return Every(seconds)


def at(*times: float) -> At:
    """Suppose that a child crashes at these times, in seconds since its tree was started."""
    return At(times)


def start_fails(*numbers: int, since: int | None = None) -> StartFails:
    """Suppose that these starts of a child fail, the first being number 1, and all of them from number `since` on."""
    return StartFails(numbers, since)


def crash_of(failures: Sequence[Fault], began: float) -> float:
    """Return when a life crashes that began at that time; infinity when it doesn't."""
    return min(
        (failure.crash_of(began) for failure in failures if not isinstance(failure, StartFails)), default=math.inf
    )


def start_is_to_fail(failures: Sequence[Fault], number: int) -> bool:
    """Return whether the start of that number fails."""
    return any(failure.fails(number) for failure in failures if isinstance(failure, StartFails))

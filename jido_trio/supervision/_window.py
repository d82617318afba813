"""The restarts that still count against a supervisor's intensity. Pure."""

from __future__ import annotations

from typing import TypeAlias

from jido_trio.supervision._value import value

_Newer: TypeAlias = "tuple[float, _Newer] | None"
"""Times in a linked list, newest first."""


@value
class Window:
    """At most `max_restarts` restarts within any `max_seconds`, as OTP's `supervisor:add_restart/1` counts them.

    A restart exactly `max_seconds` ago still counts. The restarts are kept as a queue of two halves, so that adding
    one is cheap however many are tolerated: `old` from index `first` on, oldest first, then `new`, newest first. How
    they are spread over the two is no matter of theirs: windows with the same times are equal.
    """

    max_restarts: int = 3
    max_seconds: float = 5.0
    count: int = 0
    """How many restarts the window holds."""
    old: tuple[float, ...] = ()
    first: int = 0
    new: _Newer = None

    @property
    def exceeded(self) -> bool:
        """Whether more restarts are in the window than tolerated."""
        return self.count > self.max_restarts

    def add(self, now: float) -> Window:
        """Return the window with one restart at `now`, and without those that have left it."""
        old, first, count = self.old, self.first, self.count + 1
        new: _Newer = (now, self.new)
        if first < len(old) and old[first] >= now - self.max_seconds:  # as mostly: nothing leaves the window
            return Window(self.max_restarts, self.max_seconds, count, old, first, new)
        oldest = now - self.max_seconds
        while count:
            if first == len(old):
                old, first, new = _oldest_first(new), 0, None
            if old[first] >= oldest:
                break
            first += 1
            count -= 1
        return Window(self.max_restarts, self.max_seconds, count, old, first, new)

    def used(self, now: float) -> int:
        """Return how many restarts count at `now`."""
        return sum(then >= now - self.max_seconds for then in self.times)

    @property
    def times(self) -> tuple[float, ...]:
        """When the restarts happened, oldest first."""
        return self.old[self.first :] + _oldest_first(self.new)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and self._told() == other._told()  # of the same class

    def __hash__(self) -> int:
        return hash(self._told())

    def _told(self) -> tuple[object, ...]:
        return self.max_restarts, self.max_seconds, self.times


def _oldest_first(newer: _Newer) -> tuple[float, ...]:
    times = []
    while newer is not None:
        then, newer = newer
        times.append(then)
    return tuple(reversed(times))

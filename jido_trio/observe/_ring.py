"""Ring: the last of many events."""

from __future__ import annotations

from collections import deque
from itertools import islice

from attrs import define, field

from jido_trio.observe._event import Event


@define(eq=False, repr=False)
class Ring:
    """The last `capacity` events; older ones are forgotten."""

    capacity: int
    _events: deque[Event] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._events = deque(maxlen=self.capacity)

    def __len__(self) -> int:
        return len(self._events)

    def __repr__(self) -> str:
        return f"<Ring {len(self)}/{self.capacity}>"

    def add(self, event: Event) -> None:
        """Keep one more."""
        self._events.append(event)

    def recent(self, limit: int | None = None) -> tuple[Event, ...]:
        """Return the last events, newest first; at most `limit`."""
        return tuple(islice(reversed(self._events), limit))

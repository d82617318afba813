"""Steps in eventsourcing: an event of an aggregate, saved; a snapshot each hundred."""

import os
from uuid import NAMESPACE_URL, UUID, uuid5

from benchmarks.peers._steps import FILE, alike, begin, loop

alike()
os.environ["PERSISTENCE_MODULE"] = "eventsourcing.sqlite"
os.environ["SQLITE_DBNAME"] = FILE
os.environ["IS_SNAPSHOTTING_ENABLED"] = "y"

from eventsourcing.application import AggregateNotFoundError, Application  # type: ignore[import-not-found]  # noqa: E402
from eventsourcing.domain import Aggregate, event  # type: ignore[import-not-found]  # noqa: E402


class Counter(Aggregate):  # type: ignore[misc]
    """It adds."""

    def __init__(self) -> None:
        self.total = 0

    @staticmethod
    def create_id() -> UUID:
        """Return the one id."""
        return uuid5(NAMESPACE_URL, "/counter")

    @event("Added")  # type: ignore[untyped-decorator]
    def add(self) -> None:
        """Add one."""
        self.total += 1


class Counters(Application):  # type: ignore[misc]
    """What keeps them."""

    snapshotting_intervals = {Counter: 100}


begin()
app = Counters()
try:
    counter = app.repository.get(Counter.create_id())
except AggregateNotFoundError:
    counter = Counter()
    app.save(counter)


def step() -> int:
    """Add one, and save it."""
    counter.add()
    app.save(counter)
    return int(counter.total)


loop(counter.total, step)

"""Where a program with durable agents is killed: the points, in families, and what counts them and kills it there."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from jido_trio.storage import DeleteRange, Op, Put, Record, Storage, _worker

WRITTEN = ("past", "inbox", "effect", "timer", "agent")
"""What is written in a commit: an input, a signal that waits, a directive to be carried out, one for later, a state."""


def _around(*points: str) -> tuple[str, ...]:
    return tuple(f"{when} {point}" for point in points for when in ("before", "after"))


FAMILIES: Mapping[str, tuple[str, ...]] = {
    "moments": ("a while",),
    "commits": _around("a commit", "an effect"),
    "writes": _around(*(f"a commit with {kind}" for kind in WRITTEN)),
    "groups": ("in the middle of a group", "after a group, before anybody is told"),
    "compaction": (*_around("a compaction"), "in the middle of a compaction"),
    "recovery": (*_around("a claim"), "at a read", "in the middle of a claim", *_around("an effect of a former life")),
    "takeover": ("taken over",),
    "upgrade": (*_around("an upgrade", "a commit of an upgrade"), "in the middle of a commit of an upgrade"),
    "hibernation": (
        *_around("a hibernation", "a commit of a hibernation", "a thaw"),
        "in the middle of a commit of a hibernation",
        "a while",
    ),
}
"""Points that belong together; each is played as often as the others of its family."""

SOON = {
    *(point for family in ("compaction", "upgrade", "hibernation") for point in FAMILIES[family]),
    *("before a claim", "after a claim", "in the middle of a claim"),
}
"""What a program seldom comes to: it is killed there at the first or second time."""


@frozen
class Kill:
    """When the program kills itself, or is killed."""

    point: str
    """One of those above; "the server" for that of the storage; or "never"."""
    after: float
    """Of so many of these; or seconds."""


class Counting:
    """Counts what the program comes to, and kills it there; it tells its client where it died."""

    def __init__(self, kill: Kill, tell: Callable[[str], None]) -> None:
        self.kill, self._tell = kill, tell
        self.counts: Counter[str] = Counter()
        self.under_way: set[str] = set()
        """What kinds of commits were begun, and have not ended."""
        self.own: set[str] = set()
        """Effects that this program has written; others are of a former life."""

    def at(self, point: str) -> None:
        self.counts[point] += 1
        if point == self.kill.point and self.counts[point] >= self.kill.after:
            self._tell(point)
            os.kill(os.getpid(), signal.SIGKILL)


@frozen
class Deadly:
    """A storage that kills the program around its commits and reads."""

    _storage: Storage
    _counting: Counting

    async def get(self, key: str) -> Record | None:
        self._counting.at("at a read")
        return await self._storage.get(key)

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        self._counting.at("at a read")
        return await self._storage.scan(start, end, limit)

    async def commit(self, ops: Sequence[Op]) -> None:
        kinds = set(_kinds(ops))
        self._counting.own |= {op.key for op in ops if isinstance(op, Put) and "/effect/" in op.key}
        self._counting.under_way |= kinds
        for kind in ("a commit", *sorted(kinds)):
            self._counting.at(f"before {kind}")
        await self._storage.commit(ops)
        for kind in ("a commit", *sorted(kinds)):
            self._counting.at(f"after {kind}")
        self._counting.under_way -= kinds


CHANGES = ("a commit of an upgrade", "a commit of a hibernation")
"""Commits that hold no input: the agent as one of another class; or as it is, in whole."""


def _kinds(ops: Sequence[Op]) -> Iterator[str]:
    places = {op.key.split("/")[3:][0] + "/" + op.key.split("/")[4] for op in ops if isinstance(op, Put)}
    if not any(isinstance(op, DeleteRange) for op in ops):
        if "now/agent" in places and "now/owner" not in places and any(each.startswith("base/") for each in places):
            yield CHANGES[0]
        elif places == {"now/agent"}:
            yield CHANGES[1]
    for op in ops:
        if isinstance(op, DeleteRange):
            yield "a compaction"
        elif isinstance(op, Put) and op.key.endswith("/now/owner"):
            yield "a claim"
        elif isinstance(op, Put):
            yield from (
                f"a commit with {kind}" for kind in WRITTEN if f"/{kind}" in op.key.removeprefix("killed/agent")
            )


def count_groups(counting: Counting) -> None:
    """Have the thread of the storage count, too: what it does, before it commits; and before anybody is told of it."""
    ask, deliver = _worker.Worker.ask, _worker._deliver

    async def counted(self: _worker.Worker, work: _worker.Work) -> Any:
        def done(db: Any) -> Any:
            result = work(db)
            counting.at("in the middle of a group")
            for kind in ("a compaction", "a claim", *CHANGES):
                if kind in counting.under_way:
                    counting.at(f"in the middle of {kind}")
            return result

        return await ask(self, done)

    def told(done: _worker.Done) -> None:
        counting.at("after a group, before anybody is told")
        deliver(done)

    _worker.Worker.ask = counted  # type: ignore[method-assign]
    _worker._deliver = told


@frozen
class Deaths:
    """Where programs have died, for the report."""

    at: Counter[str] = field(factory=Counter)

    def lines(self) -> Iterator[str]:
        """Generate a line for each point."""
        for point, count in sorted(self.at.items()):
            yield f"  {count:6} {point}"

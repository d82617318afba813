"""A machine that drives a storage beside a dict: commits, several at once, some cancelled; closed and opened again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count, permutations
from typing import TypeAlias, assert_never

import trio
from attrs import frozen
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from jido_trio.errors import Conflict
from jido_trio.redact import shown
from jido_trio.storage import Check, Delete, DeleteRange, MemoryStorage, Op, Put, Record, Storage
from jido_trio.testing._machine import TrioStateMachine, step
from jido_trio.testing._order import Order, ordered_by

Model: TypeAlias = Mapping[str, Record]
"""What is in the storage."""

KEYS = ("a", "a/1", "a/10", "b", "\uffef", "\U0001f600")
"""Few, so that operations meet; the last two come the other way round in UTF-16."""

_revisions = st.sampled_from([None, None, None, 0, 1, 2, 3])
_keys = st.sampled_from(("a", "a", "b", *KEYS))
_values = st.binary(max_size=20) | st.just(b"\0" * 100)
_ops: st.SearchStrategy[Op] = st.one_of(
    st.builds(Put, _keys, _values, _revisions),
    st.builds(Put, _keys, _values),
    st.builds(Delete, _keys, _revisions),
    st.builds(DeleteRange, _keys, _keys),
    st.builds(Check, _keys, st.integers(0, 3)),
)
_commits: st.SearchStrategy[tuple[Op, ...]] = st.lists(_ops, max_size=4).map(tuple)
_openings = st.sampled_from(["one", "one", "other"])
"""Which opening of the storage does it."""

_ORDERS: Mapping[str, Order] = {"oldest first": lambda tasks: tasks, "newest first": lambda tasks: tasks[::-1]}
"""In which tasks run that could all run; else chance would decide, and what was found not be found again."""
_orders = st.sampled_from([*_ORDERS])

_names = (f"machine-{number}" for number in count())


@frozen
class _Opened:
    """An opening of the storage, held by a task of its own."""

    storage: Storage
    close: trio.Event
    closed: trio.Event


class StorageMachine(TrioStateMachine):
    """A state machine of a storage of yours, beside a dict.

        class MineMachine(StorageMachine):
            def open(self, name: str) -> AbstractAsyncContextManager[Storage]:
                return open_mine(name)

        TestMine = MineMachine.TestCase

    Hypothesis commits, scans, closes and opens it again, by two openings of the same storage; it has several commits
    done at once, and cancels some. After each step all that is read is what a dict holds: of commits done at once, in
    one order or another; of one that was cancelled, whole or not at all. Add rules of your own, with `step`:
    `await self.opened("one")` is the storage, `self.model` the dict.
    """

    def open(self, name: str) -> AbstractAsyncContextManager[Storage]:
        """Open the storage of that name: one name is one storage, empty the first time. Override it."""
        return _remembered(self._memory)

    async def set_up(self) -> None:
        """Begin with a storage that is empty."""
        self._memory = MemoryStorage()
        self._name = next(_names)
        self._openings: dict[str, _Opened] = {}
        self.model: Model = {}
        """What must be in the storage: records by key."""

    async def tear_down(self) -> None:
        """Close it, and see that all is there when it is opened again."""
        for opening in ("one", "other"):
            await self._close(opening)
        await self._agree(await self.opened("one"))
        await self._close("one")

    async def opened(self, opening: str) -> Storage:
        """Return an opening of the storage, which is opened if it isn't."""
        if opening not in self._openings:
            self._openings[opening] = await self.nursery.start(self._hold)
        return self._openings[opening].storage

    async def _hold(self, *, task_status: trio.TaskStatus[_Opened]) -> None:
        close, closed = trio.Event(), trio.Event()
        async with self.open(self._name) as storage:
            task_status.started(_Opened(storage, close, closed))
            await close.wait()
        closed.set()

    async def _close(self, opening: str) -> None:
        opened = self._openings.pop(opening, None)
        if opened is not None:
            opened.close.set()
            await opened.closed.wait()

    # ---- what happens to it

    @rule(opening=_openings, ops=_commits)
    @step
    async def commit(self, opening: str, ops: tuple[Op, ...]) -> None:
        """Commit; it is refused where the dict says so, and else done."""
        storage = await self.opened(opening)
        wanted, after = _outcome(self.model, ops)
        found = await _committed(storage, ops)
        assert found == wanted, f"commit of {shown(ops)} {_told(found)}, and should have been {_told(wanted)}"
        self.model = after

    @rule(together=st.lists(st.tuples(_openings, _commits), min_size=2, max_size=3), order=_orders)
    @step
    async def commit_together(self, together: list[tuple[str, tuple[Op, ...]]], order: str) -> None:
        """Commit several at once; it is as if they had been done in one order or another."""
        await self._together(together, order)

    @rule(openings=st.lists(_openings, min_size=2, max_size=3), key=_keys, order=_orders)
    @step
    async def race(self, openings: list[str], key: str, order: str) -> None:
        """Have several write a record at once, each of which expects it as it is: one does, and the others don't."""
        expected = self.model[key].revision if key in self.model else 0
        await self._together([(each, (Put(key, b"%d" % n, expected),)) for n, each in enumerate(openings)], order)

    async def _together(self, together: Sequence[tuple[str, tuple[Op, ...]]], order: str) -> None:
        storages = [await self.opened(opening) for opening, _ in together]
        found: dict[int, Conflict | None] = {}

        async def commit(number: int) -> None:
            found[number] = await _committed(storages[number], together[number][1])

        with ordered_by(_ORDERS[order]):
            async with trio.open_nursery() as nursery:
                for number in range(len(together)):
                    nursery.start_soon(commit, number)
        there = await _read(storages[0])
        for numbers in permutations(range(len(together))):
            model, wanted = self.model, {}
            for number in numbers:
                wanted[number], model = _outcome(model, together[number][1])
            if found == wanted and there == model:
                self.model = model
                return
        told = [f"{shown(ops)} {_told(found[number])}" for number, (_, ops) in enumerate(together)]
        raise AssertionError(f"in no order these commits come to {shown(there)}: {'; '.join(told)}")

    @rule(opening=_openings, ops=_commits, turns=st.integers(0, 5), order=_orders)
    @step
    async def commit_cancelled(self, opening: str, ops: tuple[Op, ...], turns: int, order: str) -> None:
        """Commit, and cancel that after so many turns; it is done whole or not at all."""
        storage = await self.opened(opening)
        wanted, after = _outcome(self.model, ops)
        told: list[Conflict | None] = []

        async def commit() -> None:
            told.append(await _committed(storage, ops))

        with ordered_by(_ORDERS[order]), trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(commit)
                for _ in range(turns):
                    await trio.lowlevel.checkpoint()
                scope.cancel("to see what is left of a commit that is cancelled")
        assert told in ([], [wanted]), f"commit of {shown(ops)} {_told(told[0])}, and should have been {_told(wanted)}"
        there = await _read(storage)
        allowed = (after,) if told else (self.model, after)
        assert there in allowed, f"of {shown(ops)}, which was cancelled, there is {shown(there)}"
        self.model = there

    @rule(opening=_openings, start=_keys, end=_keys, limit=st.integers(0, 10))
    @step
    async def scan(self, opening: str, start: str, end: str, limit: int) -> None:
        """Read a range."""
        wanted = [self.model[key] for key in sorted(self.model) if start <= key < end][:limit]
        found = [*await (await self.opened(opening)).scan(start, end, limit)]
        assert found == wanted, f"scan gave {shown(found)}, not {shown(wanted)}"

    @rule(opening=_openings)
    @step
    async def reopen(self, opening: str) -> None:
        """Close it, and open it again."""
        await self._close(opening)
        await self.opened(opening)

    # ---- what holds

    @invariant()
    @step
    async def all_openings_agree(self) -> None:
        """Whoever reads, and by whatever way, finds what the dict holds."""
        for opened in self._openings.values():
            await self._agree(opened.storage)

    async def _agree(self, storage: Storage) -> None:
        there = await _read(storage)
        assert there == self.model, f"get of each key gave {shown(there)}, not {shown(self.model)}"
        in_order = [self.model[key] for key in sorted(self.model)]
        found = [*await storage.scan("\1", "\U0010ffff", len(KEYS))]
        assert found == in_order, f"a scan of all gave {shown(found)}, not {shown(in_order)}"


@asynccontextmanager
async def _remembered(storage: MemoryStorage) -> AsyncIterator[Storage]:
    yield storage


async def _read(storage: Storage) -> dict[str, Record]:
    found: dict[str, Record] = {}

    async def read(key: str) -> None:
        record = await storage.get(key)
        if record is not None:
            found[key] = record

    async with trio.open_nursery() as nursery:
        for key in KEYS:
            nursery.start_soon(read, key)
    return found


async def _committed(storage: Storage, ops: Sequence[Op]) -> Conflict | None:
    """Commit, and return what refused it."""
    try:
        await storage.commit(ops)
    except Conflict as conflict:
        return conflict
    return None


def _told(conflict: Conflict | None) -> str:
    return f"refused: {conflict}" if conflict is not None else "done"


def _outcome(model: Model, ops: Sequence[Op]) -> tuple[Conflict | None, Model]:
    """Return what refuses a commit, and what is there after it."""
    try:
        return None, _after(model, ops)
    except Conflict as conflict:
        return conflict, model


def _after(model: Model, ops: Sequence[Op]) -> Model:
    new = dict(model)
    for op in ops:
        match op:
            case Put(key, value, expected):
                new[key] = Record(key, _expected(new, key, expected) + 1, value)
            case Delete(key, expected):
                _expected(new, key, expected)
                new.pop(key, None)
            case DeleteRange(start, end):
                new = {key: record for key, record in new.items() if not start <= key < end}
            case Check(key, expected):
                _expected(new, key, expected)
            case _:
                assert_never(op)
    return new


def _expected(model: Model, key: str, expected: int | None) -> int:
    found = model[key].revision if key in model else 0
    if expected not in (None, found):
        raise Conflict(key, expected or 0, found)
    return found

"""Every storage keeps the promises; and the laws catch one that doesn't."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest
import trio
from attrs import define, evolve, field
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jido_trio.errors import Conflict
from jido_trio.storage import (
    Check,
    Delete,
    DeleteRange,
    MemoryStorage,
    Op,
    Put,
    Record,
    Storage,
    open_memory,
    open_sqlite,
)
from jido_trio.testing import StorageMachine, check_storage

MANY = settings(
    max_examples=300, derandomize=True, stateful_step_count=15, database=None, deadline=None, phases=[Phase.generate]
)

Open: TypeAlias = Callable[[str], AbstractAsyncContextManager[Storage]]


def memories(kind: type[MemoryStorage] = MemoryStorage) -> Open:
    """One storage for each name, of `kind`."""
    made: dict[str, MemoryStorage] = {}

    @asynccontextmanager
    async def opened(name: str) -> AsyncIterator[Storage]:
        yield made.setdefault(name, kind())

    return opened


def test_memory_keeps_the_promises():
    check_storage(memories(), examples=20)


def test_an_sqlite_file_keeps_the_promises(tmp_path):
    check_storage(lambda name: open_sqlite(tmp_path / f"{name}.db"), examples=8)


def test_a_power_safe_sqlite_file_keeps_the_promises(tmp_path):
    check_storage(lambda name: open_sqlite(tmp_path / f"{name}.db", power_safe=True), examples=3)


async def test_a_storage_in_memory_is_empty_when_it_is_opened():
    async with open_memory() as storage:
        await storage.commit([Put("a", b"1")])
    async with open_memory() as storage:
        assert await storage.get("a") is None


# Planted faults: each is a storage with one line wrong.


class HalfDone(MemoryStorage):
    """Leaves what a refused commit had done before."""

    async def commit(self, ops: Sequence[Op]) -> None:
        for op in ops:
            await super().commit([op])


class LastWins(MemoryStorage):
    """Doesn't look at revisions."""

    async def commit(self, ops: Sequence[Op]) -> None:
        blind = [Put(op.key, op.value) if isinstance(op, Put) else op for op in ops]
        await super().commit(blind)


class ForgetsChecks(MemoryStorage):
    async def commit(self, ops: Sequence[Op]) -> None:
        await super().commit([op for op in ops if not isinstance(op, Check)])


class DeletesBlindly(MemoryStorage):
    async def commit(self, ops: Sequence[Op]) -> None:
        await super().commit([Delete(op.key) if isinstance(op, Delete) else op for op in ops])


class IncludesTheEnd(MemoryStorage):
    async def commit(self, ops: Sequence[Op]) -> None:
        wider = [DeleteRange(op.start, op.end + "\1") if isinstance(op, DeleteRange) else op for op in ops]
        await super().commit(wider)


class ScansUnordered(MemoryStorage):
    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        return list(reversed(await super().scan(start, end, limit)))


class ScansTooMuch(MemoryStorage):
    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        return await super().scan(start, end, limit + 1)


class OrdersAsUtf16(MemoryStorage):
    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        records = await super().scan("\1", "\U0010ffff", 1000)

        def order(key: str) -> bytes:
            return key.encode("utf-16-be")

        wanted = [record for record in records if order(start) <= order(record.key) < order(end)]
        return sorted(wanted, key=lambda record: order(record.key))[:limit]


class StaleReads(MemoryStorage):
    """Gives back the first record that was read of a key."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, Record] = {}

    async def get(self, key: str) -> Record | None:
        found = await super().get(key)
        return found if found is None else self._seen.setdefault(key, found)


class RevisionGoesOn(MemoryStorage):
    """Counts on after a delete."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, int] = {}

    def _set(self, key: str, record: Record | None) -> None:
        if record is not None:
            self._last[key] = self._last.get(key, 0) + 1
            record = Record(key, self._last[key], record.value)
        super()._set(key, record)


class CancelledHalf(MemoryStorage):
    """Lets a cancellation in between two operations."""

    async def commit(self, ops: Sequence[Op]) -> None:
        left = MemoryStorage(dict(self._records), list(self._keys))
        await left.commit(ops)  # raises what it must
        for op in ops:
            await super().commit([op])


class StripsNul(MemoryStorage):
    async def get(self, key: str) -> Record | None:
        found = await super().get(key)
        return found and Record(key, found.revision, found.value.rstrip(b"\0"))


class ChecksThenActs(MemoryStorage):
    """Another may come in between."""

    async def commit(self, ops: Sequence[Op]) -> None:
        await MemoryStorage(dict(self._records), list(self._keys)).commit(ops)  # raises what it must
        await trio.lowlevel.checkpoint()
        for op in ops:
            self._do(evolve(op, expected=None) if isinstance(op, Put | Delete) else DeleteRange("z", "a"), [])
            if isinstance(op, DeleteRange):
                self._do(op, [])


class AnswersTooSoon(MemoryStorage):
    """Says that it is done, and does it afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self._later: list[Sequence[Op]] = []

    async def commit(self, ops: Sequence[Op]) -> None:
        await trio.lowlevel.checkpoint()
        await MemoryStorage(dict(self._records), list(self._keys)).commit(ops)  # raises what it must
        self._later.append(ops)

    async def get(self, key: str) -> Record | None:
        found = await super().get(key)
        while self._later:
            await super().commit(self._later.pop(0))
        return found


class SeesHalf(MemoryStorage):
    """Lets others see a commit before it is done."""

    async def commit(self, ops: Sequence[Op]) -> None:
        undo: list[tuple[str, Record | None]] = []
        await trio.lowlevel.checkpoint()
        try:
            for op in ops:
                self._do(op, undo)
                await trio.lowlevel.checkpoint()
        except Conflict:
            for key, record in reversed(undo):
                self._set(key, record)
            raise


class NamesAnother(MemoryStorage):
    """A conflict that names another record than the one that is in the way."""

    async def commit(self, ops: Sequence[Op]) -> None:
        try:
            await super().commit(ops)
        except Conflict as conflict:
            raise Conflict("z", conflict.expected, conflict.found) from None


class LosesWhenCancelled(MemoryStorage):
    """Loses its first record when it is cancelled at its last step."""

    async def commit(self, ops: Sequence[Op]) -> None:
        await super().commit(ops)
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled:
            if self._keys:
                self._set(self._keys[0], None)
            raise


PLANTED = [
    HalfDone,
    LastWins,
    ForgetsChecks,
    DeletesBlindly,
    IncludesTheEnd,
    ScansUnordered,
    ScansTooMuch,
    OrdersAsUtf16,
    StaleReads,
    RevisionGoesOn,
    CancelledHalf,
    StripsNul,
    ChecksThenActs,
    AnswersTooSoon,
    SeesHalf,
    NamesAnother,
    LosesWhenCancelled,
]


@pytest.mark.parametrize("kind", PLANTED, ids=lambda kind: kind.__name__)
def test_the_machine_catches_a_planted_fault(kind):
    opened = memories(kind)

    class Planted(StorageMachine):
        def open(self, name: str) -> AbstractAsyncContextManager[Storage]:
            return opened(name)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Planted, settings=MANY)


def test_a_machine_as_it_is_drives_a_storage_in_memory():
    run_state_machine_as_test(StorageMachine, settings=settings(MANY, max_examples=5))


def test_one_that_forgets_when_it_is_closed_is_caught():
    @asynccontextmanager
    async def forgetful(_: str):
        yield MemoryStorage()

    with pytest.raises(AssertionError):
        check_storage(forgetful, shrink=False)


def test_two_openings_that_know_nothing_of_each_other_are_caught():
    @define(eq=False)
    class Copy:
        """Works on a copy, and writes back when it is closed."""

        store: dict[str, MemoryStorage] = field(factory=dict)

        def __call__(self, name: str) -> AbstractAsyncContextManager[Storage]:
            return self.opened(name)

        @asynccontextmanager
        async def opened(self, name: str):
            old = self.store.get(name, MemoryStorage())
            mine = MemoryStorage(dict(old._records), list(old._keys))
            yield mine
            self.store[name] = mine

    with pytest.raises(AssertionError, match="a second opening sees None"):
        check_storage(Copy(), examples=1)


async def test_a_conflict_names_the_record_and_what_was_found():
    storage = MemoryStorage()
    await storage.commit([Put("a", b"1")])
    with pytest.raises(Conflict, match="'a' has revision 1, not 0"):
        await storage.commit([Put("b", b""), Put("a", b"2", expected=0)])
    await trio.lowlevel.checkpoint()
    assert await storage.get("b") is None

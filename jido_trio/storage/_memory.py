"""Storage in memory: for tests, and for what need not outlive the process."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import assert_never

import trio
from attrs import define, field

from jido_trio.errors import Conflict
from jido_trio.storage._records import (
    Check,
    Delete,
    DeleteRange,
    Op,
    Put,
    Record,
    check_key,
    checked_ops,
    checked_scan,
)


@define(eq=False, repr=False)
class MemoryStorage:
    """Keeps records in a dict. It may be used after the block that opened it, and be opened again: nothing is lost."""

    _records: dict[str, Record] = field(factory=dict)
    _keys: list[str] = field(factory=list)
    """All keys, sorted."""

    def __repr__(self) -> str:
        return f"<MemoryStorage {len(self._records)} records>"

    async def get(self, key: str) -> Record | None:
        """See `Storage`."""
        check_key(key)
        await trio.lowlevel.checkpoint()
        return self._records.get(key)

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        """See `Storage`."""
        limit = checked_scan(start, end, limit)
        await trio.lowlevel.checkpoint()
        return [self._records[key] for key in self._range(start, end)[:limit]]

    async def commit(self, ops: Sequence[Op]) -> None:
        """See `Storage`. There is no checkpoint after the change, so one that is cancelled was not done."""
        ops = checked_ops(ops)
        await trio.lowlevel.checkpoint()
        undo: list[tuple[str, Record | None]] = []
        try:
            for op in ops:
                self._do(op, undo)
        except Conflict:
            for key, record in reversed(undo):
                self._set(key, record)
            raise

    def _do(self, op: Op, undo: list[tuple[str, Record | None]]) -> None:
        match op:
            case Put(key, value, expected):
                found = self._expect(key, expected)
                undo.append((key, self._records.get(key)))
                self._set(key, Record(key, found + 1, value))
            case Delete(key, expected):
                self._expect(key, expected)
                undo.append((key, self._records.get(key)))
                self._set(key, None)
            case DeleteRange(start, end):
                for key in self._range(start, end):
                    undo.append((key, self._records[key]))
                    self._set(key, None)
            case Check(key, expected):
                self._expect(key, expected)
            case _:
                assert_never(op)

    def _expect(self, key: str, expected: int | None) -> int:
        record = self._records.get(key)
        found = record.revision if record is not None else 0
        if expected is not None and expected != found:
            raise Conflict(key, expected, found)
        return found

    def _set(self, key: str, record: Record | None) -> None:
        if record is None:
            if self._records.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
            return
        if key not in self._records:
            insort(self._keys, key)
        self._records[key] = record

    def _range(self, start: str, end: str) -> list[str]:
        return self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, end)]


@asynccontextmanager
async def open_memory() -> AsyncIterator[MemoryStorage]:
    """Open a storage in memory, empty."""
    yield MemoryStorage()

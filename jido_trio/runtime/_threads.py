"""Thread stores: the entries of threads, each a record of its own, however long a thread becomes. SaveThread.

    INSTANCE/thread/ID/entry/N    an entry
    INSTANCE/thread/ID/head       how many there are, and what else the thread says of itself

The head has a revision of the storage, so of two who append at once the second finds out, and looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

from attrs import evolve, frozen

from jido_trio.core import Appended, SaveThread, Thread, ThreadEntry
from jido_trio.data import Misfit, pack, unpack
from jido_trio.errors import Conflict, InvalidDefinition, RecordRefused, ThreadConflict, Unstorable
from jido_trio.redact import said, shown
from jido_trio.runtime._archive import LONGEST
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.storage import DeleteRange, Op, Put, Record, Storage, within

_PAGE = 500
_TRIES = 100
"""How often an append looks again that others were faster than."""


@frozen
class ThreadStore:
    """The threads of an instance."""

    _storage: Storage
    _instance: str

    async def load(self, id: str, *, first: int = 0, rev: int | None = None) -> Thread | None:
        """Return a thread, or None if nothing of it was saved.

        Args:
            id: Of the thread.
            first: The number of the first entry that is read.
            rev: The thread as it was when it had so many entries; as it is if not given.

        Raises:
            InvalidDefinition: It never had so many entries.
            RecordRefused: A record can't be read, or is missing.
            StorageError: See `Storage`.
        """
        head, _ = await self._head(id)
        if head is None:
            return None
        if rev is not None and not 0 <= rev <= head.rev:
            raise InvalidDefinition(
                f"rev={shown(rev)}: thread {shown(id)} has {head.rev} entries", field="rev", value=rev
            )
        until = head.rev if rev is None else rev
        entries = await self._entries(id, first, until)
        return Thread(head.id, head.created_at, head.updated_at, until, entries, head.metadata)

    async def append(self, id: str, *entries: Appended, expected_rev: int | None = None) -> Thread:
        """Append to a thread, which is made if it isn't there; return it with the new entries only.

        Args:
            id: Of the thread.
            entries: See `Thread.append`.
            expected_rev: How many entries it must have, 0 for none; None takes it as it is.

        Raises:
            InvalidDefinition: One is no entry.
            RecordRefused: The thread can't be read.
            StorageError: See `Storage`.
            ThreadConflict: It has another number of entries. Nothing was written.
            Unstorable: An entry can't be kept.
        """
        for _ in range(_TRIES):
            head, revision = await self._head(id)
            thread = head if head is not None else Thread.new(id)
            if expected_rev is not None and thread.rev != expected_rev:
                raise ThreadConflict(id, f"it has {thread.rev} entries, and {expected_rev} were expected")
            await self._entries(id, thread.rev - 1, thread.rev)  # whose end is missing is left as it is
            longer = thread.append(*entries)
            try:
                await self._write(longer, longer.entries, revision)
            except Conflict:
                continue
            return longer
        raise ThreadConflict(id, f"others appended to it {_TRIES} times meanwhile")

    async def save(self, thread: Thread) -> int:
        """Append the entries that aren't there yet; return how many these were. Of an empty thread nothing is written.

        The metadata are those of the first time.

        Raises:
            RecordRefused: What is there can't be read.
            StorageError: See `Storage`.
            ThreadConflict: What is there isn't the beginning of this thread, or entries between are missing. Nothing
                was written.
            Unstorable: An entry can't be kept.
        """
        head, revision = await self._head(thread.id)
        there = head.rev if head is not None else 0
        if there > thread.rev:
            raise ThreadConflict(thread.id, f"{there} entries are there, and this one has {thread.rev}")
        if there < thread.first:
            raise ThreadConflict(thread.id, f"{there} entries are there, and this one begins with {thread.first}")
        same = thread.get_entry(there - 1)
        if same is not None:
            (kept,) = await self._entries(thread.id, there - 1, there)
            if kept.id != same.id:
                raise ThreadConflict(
                    thread.id, f"entry {same.seq} is {shown(kept.id)} there, and {shown(same.id)} here"
                )
        new = thread.slice(there, thread.rev - 1)
        if new:
            named = thread if head is None else evolve(thread, created_at=head.created_at, metadata=head.metadata)
            try:
                await self._write(named, new, revision)
            except Conflict:
                raise ThreadConflict(thread.id, "another appended to it meanwhile") from None
        return len(new)

    async def delete(self, id: str) -> None:
        """Remove a thread; nothing happens if there is none."""
        await self._storage.commit([DeleteRange(*within(self._at(id)))])

    async def list(self) -> tuple[str, ...]:
        """Return the ids of all threads."""
        found: list[str] = []
        start, end = within(f"{quote(self._instance, safe='')}/thread/")
        while records := await self._storage.scan(start, end, 1):
            name = records[0].key.split("/")[2]
            found.append(unquote(name))
            start = within(self._at(found[-1]))[1]
        return tuple(found)

    # ---- records

    def _at(self, id: str) -> str:
        at = f"{quote(self._instance, safe='')}/thread/{quote(id, safe='')}/"
        if len(at) > LONGEST or not id:
            raise InvalidDefinition(
                f"id={shown(id)} of a thread is empty, or too long: the keys of its records would begin with {len(at)} "
                f"characters, and {LONGEST} are the most",
                field="id",
                value=id,
            )
        return at

    def _entry(self, id: str, seq: int) -> str:
        return f"{self._at(id)}entry/{seq:016d}"

    async def _head(self, id: str) -> tuple[Thread | None, int]:
        """Return the thread without its entries, and the revision of its record."""
        record = await self._storage.get(f"{self._at(id)}head")
        return (None, 0) if record is None else (_read(record, Thread), record.revision)

    async def _entries(self, id: str, first: int, until: int) -> tuple[ThreadEntry, ...]:
        entries: list[ThreadEntry] = []
        at, end = max(first, 0), self._entry(id, until)
        while at < until and (page := await self._storage.scan(self._entry(id, at), end, _PAGE)):
            entries += (_read(record, ThreadEntry) for record in page)
            at = entries[-1].seq + 1
        if [entry.seq for entry in entries] != list(range(max(first, 0), until)):
            raise RecordRefused(self._entry(id, at), "entries of the thread are missing")
        return tuple(entries)

    async def _write(self, thread: Thread, entries: Sequence[ThreadEntry], revision: int) -> None:
        head = Thread(thread.id, thread.created_at, thread.updated_at, thread.rev, (), thread.metadata)
        try:
            ops: list[Op] = [Put(f"{self._at(thread.id)}head", pack(head), expected=revision)]
            ops += (Put(self._entry(thread.id, entry.seq), pack(entry), expected=0) for entry in entries)
        except Misfit as misfit:
            raise Unstorable(thread.id, said(misfit)) from None
        await self._storage.commit(ops)


def _read(record: Record, kind: type[Any]) -> Any:
    try:
        value = unpack(record.value)
    except (Misfit, ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidDefinition) as error:
        raise RecordRefused(record.key, said(error)) from None
    if type(value) is not kind:
        raise RecordRefused(record.key, f"it is {shown(value)}, not of {kind.__name__}")
    return value


@interpret.register
async def _(directive: SaveThread, runtime: Runtime) -> None:
    instance = runtime.cell.instance
    if instance.storage is None:
        raise InvalidDefinition(
            f"agent {shown(runtime.cell.id)} saves a thread, and instance {shown(instance.name)} has no storage: give "
            "it one, Jido(storage=open_sqlite(path))",
            field="storage",
        )
    await ThreadStore(instance.storage, instance.name).save(directive.thread)

"""The shelf: what a run keeps in a storage beside its coordinator: the documents that were found, and the results.

The coordinator is a durable agent and keeps itself. What it says is settled is an effect, done at least once: a record
under the number of the document, so that the second time changes nothing.
"""

from __future__ import annotations

from typing import TypeVar

from attrs import define, field, frozen

from jido_trio.data import Misfit, pack, unpack
from jido_trio.demo._work import Settled
from jido_trio.errors import InvalidDefinition, RecordRefused
from jido_trio.redact import said, shown
from jido_trio.storage import Put, Record, Storage, within

WORK = "demo/shelf/work"
SETTLED = "demo/shelf/settled/"
PAGE = 500
"""So many records are read at once."""

T = TypeVar("T")


@frozen
class Found:
    """What was found in a folder when its documents were first looked for."""

    folder: str
    documents: tuple[str, ...]


@define(eq=False)
class Shelf:
    """The records of one run."""

    storage: Storage
    _numbers: dict[str, int] = field(factory=dict)

    async def take(self, found: Found) -> Found:
        """Keep what was found, or return what is kept already.

        Raises:
            InvalidDefinition: It is about another folder.
            RecordRefused: It can't be read.
            StorageError: See `Storage`.
        """
        record = await self.storage.get(WORK)
        if record is None:
            await self.storage.commit([Put(WORK, pack(found), expected=0)])
        else:
            kept = _read(record, Found)
            if kept.folder != found.folder:
                raise InvalidDefinition(
                    f"store: it is about the folder {shown(kept.folder)}, and not {shown(found.folder)}: "
                    "give that folder, or another file",
                    field="store",
                    value=found.folder,
                )
            found = kept
        self._numbers = {path: number for number, path in enumerate(found.documents)}
        return found

    async def put(self, settled: Settled) -> None:
        """Keep a document that is done or refused."""
        await self.storage.commit([Put(f"{SETTLED}{self._numbers[settled.path]:09d}", pack(settled))])

    async def settled(self) -> list[Settled]:
        """Return those that are kept.

        Raises:
            RecordRefused: One can't be read.
            StorageError: See `Storage`.
        """
        found: list[Settled] = []
        start, end = within(SETTLED)
        while True:
            page = await self.storage.scan(start, end, PAGE)
            found += [_read(record, Settled) for record in page]
            if len(page) < PAGE:
                return found
            start = page[-1].key + "\x01"


def _read(record: Record, kind: type[T]) -> T:
    try:
        value = unpack(record.value)
    except (Misfit, ValueError, TypeError) as error:
        raise RecordRefused(record.key, said(error)) from None
    if not isinstance(value, kind):
        raise RecordRefused(record.key, f"it is {shown(value)}, and a {kind.__name__} was expected")
    return value

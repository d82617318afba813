"""History: the journals of durable agents, read from a storage, whether their program runs or not.

Nothing is owned and nothing is fired. Only `compact_journal` writes: it lets go of inputs at the beginning, in one
commit with what the rest is folded from, and only if nobody has started the agent, or cut its journal, meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

from attrs import define, evolve, frozen

from jido_trio import checks
from jido_trio.core import Agent, Durable, Entry, replay
from jido_trio.data import Misfit, named_class
from jido_trio.errors import AgentNotFound, Conflict, InvalidDefinition, RecordRefused, StorageError
from jido_trio.redact import said, shown
from jido_trio.runtime._archive import FORMAT, Archive, Snapshot, archive_of, entry_of
from jido_trio.storage import Check, DeleteRange, Record, Storage, within
from jido_trio.storage.inner import checked_storage

T = TypeVar("T")


@frozen
class JournalInfo:
    """A durable agent in a storage, as its last snapshot says; no class of it needs to be imported."""

    instance: str
    agent_id: str
    class_name: str
    """As `module:Class`."""
    vsn: str | None
    number: int
    """Of the input that the snapshot is of."""


@frozen
class Journal:
    """The inputs of a durable agent that are still there, and the agent before the first of them."""

    begin: Agent[Any]
    number: int
    """How many inputs came before: `begin` is the agent after the input of this number."""
    entries: tuple[Entry, ...]

    def at(self, number: int | None = None) -> Agent[Any]:
        """Return the agent after the input of that number, the last if not given; each mark is compared on the way.

        Raises:
            InvalidDefinition: The journal doesn't go back, or forth, so far.
            ReplayDiverged: The code comes to another state than the journal says.
        """
        last = self.number + len(self.entries)
        if number is not None and not self.number <= number <= last:
            raise InvalidDefinition(
                f"number={shown(number)}: the journal of {shown(self.begin.id)} goes from {self.number} to {last}",
                field="number",
                value=number,
            )
        return replay(self.begin, self.entries, upto=number)


@define(eq=False)
class JournalPages(Generic[T]):
    """Inputs of a durable agent, some hundred at a time: `async for page in pages`.

    So a journal of any length needs no more memory than a short one.
    """

    _archive: Archive
    _read: Callable[[Record], T]
    _number: int | None
    """Of the input before the next page; None if it may begin anywhere."""
    _last: int | None = None

    def __aiter__(self) -> JournalPages[T]:
        return self

    async def __anext__(self) -> tuple[T, ...]:
        start = self._archive.past(self._number + 1) if self._number is not None else ""
        records = await self._archive.page("past/", start)
        numbers = [number_in(record) for record in records]
        if self._last is not None:
            numbers = [number for number in numbers if number <= self._last]
        if not numbers:
            raise StopAsyncIteration
        first = self._number + 1 if self._number is not None else numbers[0]
        if numbers != list(range(first, first + len(numbers))):
            raise await self._gap(first, numbers)
        page: list[T] = []
        try:
            for number, record in zip(numbers, records, strict=False):
                page.append(self._read(record))
                self._number = number
        except RecordRefused:
            if not page:
                raise
        return tuple(page)  # if the next can't be read, the next page begins with it, and says so

    async def _gap(self, first: int, numbers: list[int]) -> StorageError:
        """Return what is wrong where an input is missing: the journal was cut meanwhile, or is damaged."""
        record = self._archive.past(first)
        bases = await self._archive.range("base/")
        if bases and number_in(bases[0]) >= first:
            return Conflict(record, 1, 0)
        return RecordRefused(record, f"the journal has a gap: it goes on with {numbers[:3]}")


@frozen
class JournalReader:
    """A journal that is read as it is gone through."""

    begin: Agent[Any]
    """The agent before the first input that is still there."""
    number: int
    """How many inputs came before."""
    pages: JournalPages[Entry]


async def journal_names(storage: Storage) -> tuple[tuple[str, str], ...]:
    """Return instance and id of each durable agent in a storage, in order.

    Raises:
        InvalidDefinition: The storage is none, or isn't open.
        StorageError: See `Storage.scan`.
    """
    checked_storage(storage)
    found: list[tuple[str, str]] = []
    start, end = " ", within("")[1]
    while records := await storage.scan(start, end, 1):
        parts = records[0].key.split("/")
        at = "/".join(parts[:3]) + "/"
        if len(parts) > 3 and parts[1] == "agent":
            found.append((unquote(parts[0]), unquote(parts[2])))
        start = within(at)[1]
    return tuple(sorted(found))


async def instances_with(storage: Storage, agent_id: str) -> tuple[str, ...]:
    """Return the names of the instances that have a durable agent of that id, in order.

    Raises:
        InvalidDefinition: The storage is none, or isn't open.
        StorageError: See `Storage.scan`.
    """
    checked_storage(storage)
    found: list[str] = []
    start, end = " ", within("")[1]
    while records := await storage.scan(start, end, 1):
        name = records[0].key.split("/")[0]
        if await archive_of(storage, unquote(name), agent_id).owned():
            found.append(unquote(name))
        start = within(f"{name}/")[1]
    return tuple(sorted(found))


async def list_journals(storage: Storage) -> tuple[JournalInfo, ...]:
    """Return the durable agents in a storage, by instance and id.

    Raises:
        RecordRefused: A snapshot can't be read.
        StorageError: See `Storage.scan`.
    """
    names = await journal_names(storage)
    return tuple([await journal_info(storage, instance, agent_id) for instance, agent_id in names])


async def journal_info(storage: Storage, instance: str, agent_id: str) -> JournalInfo:
    """Return what the last snapshot says of a durable agent; no class of it needs to be imported.

    Raises:
        AgentNotFound: There is no such agent.
        RecordRefused: The snapshot can't be read.
        StorageError: See `Storage.get`.
    """
    archive = archive_of(storage, instance, agent_id)
    if not await archive.owned():
        raise AgentNotFound(agent_id)
    saved = await archive.saved()
    try:
        fields = json.loads(saved.value)
        if fields["format"] == FORMAT:
            return JournalInfo(instance, agent_id, fields["class"], fields["vsn"], fields["number"])
        problem = f"its format is {shown(fields['format'])}, and this jido_trio knows {FORMAT}"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = said(error)
    raise RecordRefused(saved.key, problem)


async def read_entries(
    storage: Storage, instance: str, agent_id: str, *, first: int = 1, last: int | None = None
) -> JournalPages[dict[str, Any]]:
    """Return the inputs of a durable agent as the plain data that is on disk; no class needs to be imported.

    Going through them raises `RecordRefused` where one can't be read, or is missing.

    Args:
        storage: Where they are.
        instance: The name of the agent's instance.
        agent_id: The agent's id.
        first: The number of the first that is wanted; those before it may be gone already.
        last: The number of the last; None for all.

    Raises:
        AgentNotFound: There is no such agent.
        InvalidDefinition: `first` or `last` is no number of an input.
        StorageError: See `Storage.scan`.
    """
    checks.whole("read_entries", "first", first)
    checks.whole("read_entries", "last", last, or_none="None for all")
    archive = archive_of(storage, instance, agent_id)
    if not await archive.owned():
        raise AgentNotFound(agent_id)
    page = await archive.page("past/", archive.past(first))
    return JournalPages(archive, _plain, number_in(page[0]) - 1 if page else first - 1, last)


def _plain(record: Record) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(record.value)["entry"]
        signal = entry["input"]["signal"]
        if isinstance(signal["type"], str) and "data" in signal and entry["number"] == number_in(record):
            return entry
        problem = "it is no input of that number"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        problem = said(error)
    raise RecordRefused(record.key, problem)


async def open_journal(storage: Storage, instance: str, agent_id: str, *, upto: int | None = None) -> JournalReader:
    """Return the journal of a durable agent, to be gone through. The modules of its classes must have been imported.

    Going through it raises `RecordRefused` where an input can't be read, or is missing; and `Conflict` where the agent
    has let go of it meanwhile: open it again.

    Args:
        storage: Where it is.
        instance: The name of the agent's instance.
        agent_id: The agent's id.
        upto: The number of the last input that is wanted; None for all.

    Raises:
        AgentNotFound: There is no such agent.
        RecordRefused: A record can't be read, one is missing, or a class isn't found.
        StorageError: See `Storage.scan`.
    """
    archive, bases = await _kept(storage, instance, agent_id)
    return _reader(archive, bases[0], upto)


async def read_journal(storage: Storage, instance: str, agent_id: str) -> Journal:
    """Return the journal of a durable agent, all of it. The modules of its classes must have been imported.

    Raises:
        AgentNotFound: There is no such agent.
        Conflict: The agent cuts it again and again while it is read.
        RecordRefused: A record can't be read, one is missing, or a class isn't found.
        StorageError: See `Storage.scan`.
    """
    left = _TRIES
    while True:
        reader = await open_journal(storage, instance, agent_id)
        entries: list[Entry] = []
        try:
            async for page in reader.pages:
                entries += page
        except Conflict:
            left -= 1
            if not left:
                raise
            continue
        return Journal(reader.begin, reader.number, tuple(entries))


_TRIES = 5
"""So often is a journal read again that the agent cuts meanwhile."""


def _reader(archive: Archive, base: Record, upto: int | None) -> JournalReader:
    begin = archive.read_snapshot(base, _class_of(base))
    pages = JournalPages(archive, lambda record: _entry(archive, record), begin.number, upto)
    return JournalReader(begin.agent, begin.number, pages)


def _entry(archive: Archive, record: Record) -> Entry:
    entry: Entry = archive.read(record, entry_of)
    return entry


def _class_of(record: Record) -> type[Agent[Any]]:
    try:
        cls = named_class(json.loads(record.value)["class"])
    except Misfit as error:
        raise RecordRefused(record.key, said(error), error.missing) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordRefused(record.key, said(error)) from None
    if not issubclass(cls, Agent):
        raise RecordRefused(record.key, f"{shown(cls)} is no class of agents any more")
    return cls


async def compact_journal(
    storage: Storage, instance: str, agent_id: str, keep: int, *, on_page: Callable[[int], None] | None = None
) -> int:
    """Let go of all inputs but the last `keep`; return how many were let go.

    Args:
        storage: Where they are.
        instance: The name of the agent's instance.
        agent_id: The agent's id.
        keep: How many of the last inputs stay.
        on_page: Told now and then of the number of the input that was come to.

    Raises:
        AgentNotFound: There is no such agent.
        Conflict: The agent is started, or its journal cut, again and again meanwhile; nothing was changed.
        InvalidDefinition: `keep` is no such number.
        RecordRefused: See `open_journal`.
        ReplayDiverged: The code comes to another state than the journal says; nothing was changed.
        StorageError: See `Storage.commit`.
    """
    checks.whole("compact_journal", "keep", keep)
    left = _TRIES
    while True:
        archive, bases = await _kept(storage, instance, agent_id)
        try:
            return await _compacted(storage, archive, bases[0], keep, on_page)
        except Conflict:
            left -= 1
            if not left:
                raise


async def _compacted(
    storage: Storage, archive: Archive, base: Record, keep: int, on_page: Callable[[int], None] | None
) -> int:
    """Let go of inputs from the beginning on, unless the journal begins elsewhere by then."""
    epoch = await archive.owned()
    snapshot = await archive.saved()
    saved = _number_of(archive, snapshot)
    number = await _last_from(archive, saved) - keep
    reader = _reader(archive, base, number)
    gone = number - reader.number
    if gone <= 0:
        return 0
    agent = reader.begin
    async for page in reader.pages:
        agent = replay(agent, page)
        if on_page is not None:
            on_page(page[-1].number)
    after = Snapshot(agent, number)
    await storage.commit(
        [
            Check(archive.owner, epoch),
            Check(base.key, base.revision),
            archive.snapshot(after, base=True),
            *([evolve(archive.snapshot(after), expected=snapshot.revision)] if number > saved else []),
            archive.without_bases_before(number),
            archive.note(await archive.ids_upto(number, (type(agent).durable or Durable()).remembers)),
            DeleteRange(archive.past(0), archive.past(number + 1)),
        ]
    )
    return gone


async def journal_span(storage: Storage, instance: str, agent_id: str) -> tuple[int, int]:
    """Return the number of the input from which the journal of an agent can be folded on, and that of the last.

    Raises:
        AgentNotFound: There is no such agent.
        RecordRefused: A record can't be read, or is missing.
        StorageError: See `Storage.scan`.
    """
    archive, bases = await _kept(storage, instance, agent_id)
    return number_in(bases[0]), await last_number(archive)


async def _kept(storage: Storage, instance: str, agent_id: str) -> tuple[Archive, list[Record]]:
    """Return the archive of an agent, and the records of what its journal can be folded from."""
    archive = archive_of(storage, instance, agent_id)
    if not await archive.owned():
        raise AgentNotFound(agent_id)
    bases = await archive.range("base/")
    if not bases:
        raise RecordRefused(archive.base(0), "it is missing, and the journal can't be folded without it")
    return archive, bases


async def last_number(archive: Archive) -> int:
    """Return the number of the last input: that of the snapshot, or of what came after it."""
    return await _last_from(archive, _number_of(archive, await archive.saved()))


def _number_of(archive: Archive, snapshot: Record) -> int:
    number: int = archive.read(snapshot, lambda value: int(json.loads(value)["number"]))
    return number


async def _last_from(archive: Archive, number: int) -> int:
    later = await archive.range("past/", archive.past(number + 1))
    return number_in(later[-1]) if later else number


def number_in(record: Record) -> int:
    """Return the number in the key of an input, or of what the journal can be folded from."""
    try:
        return int(record.key[-16:])
    except ValueError:
        raise RecordRefused(record.key, "its key has no number of an input") from None

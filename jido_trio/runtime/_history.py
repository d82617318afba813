"""History: the journals of durable agents, read from a storage, whether their program runs or not.

Nothing is owned and nothing is fired. Only `compact_journal` writes: it lets go of inputs at the beginning, in one
commit with what the rest is folded from, and only while nobody has started the agent meanwhile.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from attrs import frozen

from jido_trio.core import Agent, Entry, replay
from jido_trio.data import Misfit, named_class, unpack
from jido_trio.errors import AgentNotFound, InvalidDefinition, RecordRefused
from jido_trio.redact import said, shown
from jido_trio.runtime._archive import Snapshot, archive_of, entry_of
from jido_trio.storage import Check, Delete, DeleteRange, Op, Record, Storage, within


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


async def list_journals(storage: Storage) -> tuple[JournalInfo, ...]:
    """Return the durable agents in a storage, by instance and id.

    Raises:
        RecordRefused: A snapshot can't be read.
        StorageError: See `Storage.scan`.
    """
    found: list[JournalInfo] = []
    start, end = " ", within("")[1]
    while True:
        records = await storage.scan(start, end, 1)
        if not records:
            return tuple(sorted(found, key=lambda info: (info.instance, info.agent_id)))
        parts = records[0].key.split("/")
        at = "/".join(parts[:3]) + "/"
        if len(parts) > 3 and parts[1] == "agent":
            saved = await storage.get(f"{at}now/agent")
            if saved is None:
                raise RecordRefused(f"{at}now/agent", "it is missing, and other records of the agent are there")
            found.append(_info(saved, unquote(parts[0]), unquote(parts[2])))
        start = within(at)[1]


def _info(record: Record, instance: str, agent_id: str) -> JournalInfo:
    try:
        fields = json.loads(record.value)
        return JournalInfo(instance, agent_id, fields["class"], fields["vsn"], fields["number"])
    except (ValueError, KeyError, TypeError) as error:
        raise RecordRefused(record.key, said(error)) from None


async def read_entries(storage: Storage, instance: str, agent_id: str) -> tuple[dict[str, Any], ...]:
    """Return the inputs of a durable agent as the plain data that is on disk; no class needs to be imported.

    Raises:
        AgentNotFound: There is no such agent.
        RecordRefused: One can't be read.
        StorageError: See `Storage.scan`.
    """
    archive = archive_of(storage, instance, agent_id)
    if not await archive.owned():
        raise AgentNotFound(agent_id)
    plain: list[dict[str, Any]] = []
    for record in await archive.range("past/"):
        try:
            plain.append(json.loads(record.value)["entry"])
        except (ValueError, KeyError, TypeError) as error:
            raise RecordRefused(record.key, said(error)) from None
    return tuple(plain)


async def read_journal(storage: Storage, instance: str, agent_id: str) -> Journal:
    """Return the journal of a durable agent. The modules of its classes must have been imported.

    Raises:
        AgentNotFound: There is no such agent.
        RecordRefused: A record can't be read, one is missing, or a class isn't found.
        StorageError: See `Storage.scan`.
    """
    archive = archive_of(storage, instance, agent_id)
    if not await archive.owned():
        raise AgentNotFound(agent_id)
    bases = await archive.range("base/")
    if not bases:
        raise RecordRefused(archive.base(0), "it is missing, and the journal can't be folded without it")
    begin = archive.read_snapshot(bases[0], _class_of(bases[0]))
    after = archive.past(begin.number)
    entries = [archive.read(record, entry_of) for record in await archive.range("past/") if record.key > after]
    numbers = [entry.number for entry in entries]
    if numbers != list(range(begin.number + 1, begin.number + 1 + len(numbers))):
        raise RecordRefused(archive.past(begin.number + 1), f"the journal has a gap: it goes on with {numbers[:3]}")
    return Journal(begin.agent, begin.number, tuple(entries))


def _class_of(record: Record) -> type[Agent[Any]]:
    try:
        cls = named_class(unpack(record.value)["class"])
    except (Misfit, KeyError, TypeError) as error:
        raise RecordRefused(record.key, said(error)) from None
    if not issubclass(cls, Agent):
        raise RecordRefused(record.key, f"{shown(cls)} is no class of agents any more")
    return cls


async def compact_journal(storage: Storage, instance: str, agent_id: str, keep: int) -> int:
    """Let go of all inputs but the last `keep`; return how many were let go.

    Raises:
        AgentNotFound: There is no such agent.
        Conflict: The agent was started meanwhile; nothing was changed.
        RecordRefused: See `read_journal`.
        ReplayDiverged: The code comes to another state than the journal says; nothing was changed.
        StorageError: See `Storage.commit`.
    """
    archive = archive_of(storage, instance, agent_id)
    epoch = await archive.owned()
    journal = await read_journal(storage, instance, agent_id)
    gone = len(journal.entries) - keep
    if gone <= 0:
        return 0
    number = journal.number + gone
    ops: list[Op] = [Check(archive.owner, epoch), archive.snapshot(Snapshot(journal.at(number), number), base=True)]
    bases = [int(record.key[-16:]) for record in await archive.range("base/")]
    ops += [Delete(archive.base(base)) for base in bases if base < number]
    ops.append(DeleteRange(archive.past(0), archive.past(number + 1)))
    await storage.commit(ops)
    return gone

"""Agent files: a durable agent with all that it has on disk, as one file that can be carried to another storage.

    {"jido_trio":"agent","format":1,"instance":"shop","agent":"o-1","class":"shop:Order","vsn":null,"number":3}
    {"key":"base/0000000000000000","record":{...}}
    {"key":"now/agent","record":{...}}
    ...
    {"records":12,"sha256":"..."}

Each record is there byte for byte, as it was written. The last line counts them, and has the hash of all before it: a
file that was cut off or changed is refused. The owner's record stays behind: who imports the agent is nobody's yet, and
what waits in its inbox comes before all that its first owner will accept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

import trio
from attrs import frozen

from jido_trio import checks
from jido_trio.core import Agent, replay
from jido_trio.core.inner import check_class
from jido_trio.data import pack
from jido_trio.errors import (
    AgentFileRefused,
    AgentKept,
    AgentNotFound,
    Conflict,
    JidoError,
    RecordRefused,
)
from jido_trio.redact import said, shown, shown_error
from jido_trio.runtime._archive import Archive, archive_of
from jido_trio.storage import MemoryStorage, Op, Put, Record, Storage
from jido_trio.storage.inner import checked_storage

FORMAT: Final = 1
"""Of the file."""

OWNER, INBOX = "now/owner", "now/inbox/"

_TRIES = 10
"""How often an agent is read that changes meanwhile."""

_KEY, _RECORD = b'{"key":', b',"record":'


@frozen
class AgentFile:
    """What is in the file of an agent."""

    instance: str
    """The name of the instance that it was exported from."""
    agent_id: str
    class_name: str
    """As `module:Class`."""
    vsn: str | None
    number: int
    """Of the input that its snapshot is of."""
    records: int
    """How many there are."""


async def export_agent(storage: Storage, instance: str, agent_id: str, path: str | PathLike[str]) -> AgentFile:
    """Write a durable agent into a new file: state, journal, inbox, timers, effects that aren't done.

    It is as it was at one moment, whether it runs or not. The file can be read by its user only.

    Raises:
        AgentNotFound: There is no such agent.
        Conflict: It changes all the time; hibernate it first.
        FileExistsError: There is such a file, which was left as it is. Any other `OSError`: it can't be written.
        InvalidDefinition: The path is none.
        RecordRefused: Its snapshot can't be read.
        StorageError: See `Storage.scan`.
    """
    name = checks.path("export_agent", "path", path)
    archive = archive_of(storage, instance, agent_id)
    if not await archive.owned():
        raise AgentNotFound(agent_id)
    records = await _read(archive)
    told = _told(archive, instance, records)
    data = _written(told, [(archive.name_of(record.key), _checked(record)) for record in records])
    await trio.to_thread.run_sync(_write_new, Path(name), data)
    return told


async def read_agent_file(path: str | PathLike[str]) -> AgentFile:
    """Return what is in a file, whose form and hash are checked; no class needs to be imported.

    Raises:
        AgentFileRefused: It is cut off, was changed, or is no file of an agent.
        InvalidDefinition: The path is none.
        OSError: It can't be read.
    """
    name = checks.path("read_agent_file", "path", path)
    told, _ = _parsed(name, await trio.Path(name).read_bytes())
    return told


async def import_agent(
    storage: Storage,
    instance: str,
    path: str | PathLike[str],
    *,
    id: str | None = None,
    agent: type[Agent[Any]] | None = None,
) -> AgentFile:
    """Put the agent of a file into a storage, in one commit; it isn't started.

    Args:
        storage: Where to.
        instance: The name of the instance that it will belong to.
        path: The file.
        id: The id that it gets; that of the file if not given.
        agent: Its class: everything is read and its last inputs are folded by it first. If not given, its first start
            finds out whether the code fits.

    Raises:
        AgentFileRefused: The file is cut off, was changed, is none of an agent, or isn't for this class or version.
        AgentKept: The storage has an agent of that id.
        InvalidDefinition: The storage is none, or isn't open; the path is none, or the id, or the class.
        OSError: The file can't be read.
        StorageError: See `Storage.commit`.

    Nothing was changed then.
    """
    checked_storage(storage)
    name = checks.path("import_agent", "path", path)
    if agent is not None:
        check_class("import_agent", "agent", agent)
    told, records = _parsed(name, await trio.Path(name).read_bytes())
    archive = archive_of(storage, instance, told.agent_id if id is None else id)
    ops = _imported(archive, records)
    if agent is not None:
        await _check(name, instance, archive.agent_id, ops, agent)
    if await archive.owned():
        raise AgentKept(archive.agent_id)
    try:
        await storage.commit(ops)
    except Conflict:
        raise AgentKept(archive.agent_id) from None
    return told


# ---- reading the storage


async def _read(archive: Archive) -> list[Record]:
    """Return all records of an agent, as they were at one moment, without the owner's."""
    left = _TRIES
    while True:
        records = await archive.range("")
        changed = await _changed_since(archive, records)
        if changed is None:
            return [record for record in records if archive.name_of(record.key) != OWNER]
        left -= 1
        if not left:
            raise changed


async def _changed_since(archive: Archive, records: Sequence[Record]) -> Conflict | None:
    """Return what has changed while the records were read, or None: a journal only grows, the rest is compared."""
    now = {record.key: record for record in records if archive.name_of(record.key).startswith("now/")}
    past = [record.key for record in records if archive.name_of(record.key).startswith("past/")]
    again = {record.key: record for record in await archive.range("now/")}
    for key in now.keys() | again.keys():
        one, other = now.get(key), again.get(key)
        if one != other:
            return Conflict(key, one.revision if one is not None else 0, other.revision if other is not None else 0)
    more = await archive.page("past/", past[-1] if past else "")
    return Conflict(more[-1].key, 0, more[-1].revision) if len(more) > len(past[-1:]) else None


def _told(archive: Archive, instance: str, records: Sequence[Record]) -> AgentFile:
    for record in records:
        if archive.name_of(record.key) == "now/agent":
            try:
                fields = json.loads(record.value)
                name, vsn, number = fields["class"], fields["vsn"], fields["number"]
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise RecordRefused(record.key, said(error)) from None
            return AgentFile(instance, archive.agent_id, name, vsn, number, len(records))
    raise RecordRefused(f"{archive.prefix}now/agent", "it is missing, and other records of the agent are there")


# ---- the file


def _checked(record: Record) -> bytes:
    """Return the value of a record, which must be a line."""
    try:
        if b"\n" not in record.value and record.value.decode():
            return record.value
    except UnicodeDecodeError:
        pass
    raise RecordRefused(record.key, "it is no line of text, as a record is")


def _written(told: AgentFile, records: Sequence[tuple[str, bytes]]) -> bytes:
    head = {
        "jido_trio": "agent",
        "format": FORMAT,
        "instance": told.instance,
        "agent": told.agent_id,
        "class": told.class_name,
        "vsn": told.vsn,
        "number": told.number,
    }
    lines = [_line(head), *(_KEY + json.dumps(key).encode() + _RECORD + value + b"}\n" for key, value in records)]
    body = b"".join(lines)
    return body + _line({"records": len(records), "sha256": hashlib.sha256(body).hexdigest()})


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that isn't there; one that can't be written whole is not left behind."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def _parsed(path: str, data: bytes) -> tuple[AgentFile, list[tuple[str, bytes]]]:
    """Return what is in a file.

    Raises:
        AgentFileRefused: It is cut off, was changed, or is no file of an agent.
    """
    lines = data.split(b"\n")
    head = _object(lines[0])
    if head.get("jido_trio") != "agent":
        raise AgentFileRefused(path, "its first line isn't that of an agent's file")
    if head.get("format") != FORMAT:
        raise AgentFileRefused(path, f"its format is {shown(head.get('format'))}, and this jido_trio knows {FORMAT}")
    end = _object(lines[-2]) if len(lines) > 2 else {}
    if lines[-1] or "sha256" not in end:
        raise AgentFileRefused(path, "it is cut off: the last line, with the hash, is missing")
    body = data[: len(data) - len(lines[-2]) - 1]
    if hashlib.sha256(body).hexdigest() != end["sha256"]:
        raise AgentFileRefused(path, "its hash isn't what its last line says: it was changed, or damaged")
    try:
        records = [_record(line) for line in lines[1:-2]]
        told = AgentFile(
            head["instance"], head["agent"], head["class"], head["vsn"], head["number"], int(end["records"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise AgentFileRefused(path, said(error)) from None
    if len(records) != told.records or "now/agent" not in dict(records):
        raise AgentFileRefused(path, f"it has {len(records)} records, of {told.records}, or not that of the agent")
    return told, records


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _record(line: bytes) -> tuple[str, bytes]:
    if not line.startswith(_KEY) or not line.endswith(b"}"):
        raise ValueError(f"no record: {shown(line[:80])}")
    key, end = json.JSONDecoder().raw_decode(line[len(_KEY) :].decode())
    start = len(_KEY) + len(line[len(_KEY) :].decode()[:end].encode())
    if not isinstance(key, str) or key == OWNER or line[start : start + len(_RECORD)] != _RECORD:
        raise ValueError(f"no record: {shown(line[:80])}")
    return key, line[start + len(_RECORD) : -1]


# ---- into a storage


def _imported(archive: Archive, records: Sequence[tuple[str, bytes]]) -> list[Op]:
    """Return the commit that writes them: what waits in the inbox is of an owner before the first."""
    waiting = 0
    ops: list[Op] = [Put(archive.owner, pack({"who": "import"}), expected=0)]
    for key, value in sorted(records):
        if key.startswith(INBOX):
            waiting += 1
            key = f"{INBOX}{0:010d}.{waiting:012d}"  # noqa: PLW2901
        ops.append(Put(f"{archive.prefix}{key}", value, expected=0))
    return ops


async def _check(path: str, instance: str, id: str, ops: Sequence[Op], cls: type[Agent[Any]]) -> None:
    """Start the agent in memory, and stop at its last input."""
    memory = MemoryStorage()
    await memory.commit(ops)
    remembers = cls.durable.remembers if cls.durable is not None else 0
    try:
        found = await archive_of(memory, instance, id).claim(cls.new(id), "import", remembers)
        replay(found.snapshot.agent, found.entries)
    except JidoError as error:
        raise AgentFileRefused(path, shown_error(error)) from error

"""Archive: what one durable agent has in the storage of its instance.

    INSTANCE/agent/ID/now/agent          the agent after some input: the snapshot
    INSTANCE/agent/ID/now/effect/N.I     directive I of input N, which hasn't been seen done
    INSTANCE/agent/ID/now/effect/N.~K    the same, K of those whose inputs, up to N, the journal has let go
    INSTANCE/agent/ID/now/ids            the ids of the last signals, up to some input: see `Ids`
    INSTANCE/agent/ID/now/inbox/E.K      a signal that was accepted, by owner E or for it, and isn't handled yet
    INSTANCE/agent/ID/now/owner          who has the agent; its revision is the owner's epoch
    INSTANCE/agent/ID/now/timer/T        a signal for later, and when it is due
    INSTANCE/agent/ID/now/tried          a start went on with what it found, and didn't come to its end: see `_suspects`
    INSTANCE/agent/ID/past/N             input N, and the mark of the state after it: the journal
    INSTANCE/agent/ID/base/N             the agent after input N, from which the journal can be folded

Whoever starts the agent claims it: the owner's record gets a new revision, and all that is written from then on is
written with a check of that. So one who has lost the agent to another process can write nothing more, and notices.

What can't be read is refused, with the record's key: nothing is overwritten, and no agent begins anew in its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from attrs import asdict, define, evolve, frozen

from jido_trio.core import Agent, Cron, Entry, Missed, Signal
from jido_trio.core.inner import checkpointed, restored
from jido_trio.data import Misfit, class_name, pack, recorded_name, unpack
from jido_trio.errors import ActionError, Conflict, InvalidDefinition, OwnershipLost, RecordRefused, Unstorable
from jido_trio.redact import said, shown, shown_error
from jido_trio.storage import Check, DeleteRange, Op, Put, Record, Storage, within
from jido_trio.storage.inner import checked_storage

FORMAT = 1
"""Of a snapshot's record."""

LONGEST = 600
"""Characters of what an agent's keys begin with."""

PAGE = 500
"""So many records are read at once."""

_ID = re.compile(rb'\{"id":"([^"\\]*)"')
"""What an input's record begins with, if its signal has a plain id that must not come again, or has none."""


@frozen
class Snapshot:
    """An agent after one of its inputs."""

    agent: Agent[Any]
    number: int
    """Of that input; 0 for an agent that hasn't had any."""


@frozen
class Effect:
    """A directive that is to be carried out, and the signal that led to it."""

    signal: Signal
    directive: Any


@frozen
class Place:
    """Where a directive was asked for."""

    number: int
    """Of the input; of the last one that the journal has let go, if it was one of these."""
    index: int
    """Among the directives of that input; among all that are known of inputs before the journal."""
    before: bool = False
    """Whether the journal has let its input go."""


@frozen
class Due:
    """A signal for later."""

    at: float
    """In seconds since 1970."""
    signal: Signal
    missed: Missed = "one"
    """What becomes of it if the agent doesn't run then."""
    cron: Cron | None = None
    """The job whose next time it is; its signal is what its ticks are like."""
    declared: bool = False
    """Whether the class has the job, and not the agent alone."""


@frozen
class Waiting:
    """A signal in the inbox."""

    signal: Signal
    once: bool
    """Whether it is passed over if a signal with its id was handled before."""


@frozen
class Ids:
    """Ids of the signals of the last inputs, which must not come again; oldest first.

    They stand in the inputs themselves. So that a start needn't read so many of these, all ids are noted together from
    time to time, and the inputs are asked for later ones alone.
    """

    number: int
    """Of the last of these inputs."""
    remembers: int
    """So many of a kind are known, at most."""
    signals: tuple[str, ...]
    ticks: tuple[str, ...]
    """They take no place of others."""


@frozen
class Found:
    """What was there when the agent was claimed, by key and in order."""

    snapshot: Snapshot
    entries: tuple[Entry, ...]
    """The inputs after the snapshot."""
    ids: Ids
    noted: int
    """The number of the input up to which they were noted."""
    inbox: dict[str, Waiting]
    effects: dict[str, Effect]
    timers: dict[str, Due]
    bases: tuple[int, ...]
    """The numbers of the inputs after which the journal can be folded from."""
    is_new: bool
    """Whether there was nothing."""
    tries: dict[str, int] | None = None
    """How often each record was begun without coming to an end, where that was noted."""


_NONE_NOTED = Ids(0, -1, (), ())


@define(eq=False)
class Archive:
    """The records of one agent."""

    agent_id: str
    _storage: Storage
    _at: str
    """What all of its keys begin with."""
    epoch: int = 0
    """The revision of the owner's record, since it was claimed."""
    _accepted: int = 0

    # ---- keys

    @property
    def owner(self) -> str:
        """The key of the owner's record."""
        return f"{self._at}now/owner"

    @property
    def prefix(self) -> str:
        """What the keys of all its records begin with."""
        return self._at

    def name_of(self, key: str) -> str:
        """Return a key without what all keys of the agent begin with."""
        return key.removeprefix(self._at)

    def is_of_another(self, key: str) -> bool:
        """Whether a record isn't one of this agent."""
        return not key.startswith(self._at)

    def next_inbox(self) -> str:
        """Return the key of a signal that its owner accepts now."""
        self._accepted += 1
        return f"{self._at}now/inbox/{self.epoch:010d}.{self._accepted:012d}"

    def inbox_from(self, epoch: int, name: str) -> str:
        """Return the key of a signal that another puts in, while the agent isn't here; `name` is unique."""
        return f"{self._at}now/inbox/{epoch:010d}.~{quote(name, safe='')}"

    def effect(self, number: int, index: int) -> str:
        """Return the key of directive `index` of input `number`."""
        return f"{self._at}now/effect/{number:016d}.{index:04d}"

    def effect_at(self, place: Place) -> str:
        """Return the key of the directive of a place."""
        if place.before:
            return f"{self._at}now/effect/{place.number:016d}.~{place.index:04d}"
        return self.effect(place.number, place.index)

    @property
    def ids(self) -> str:
        """The key of the note of the last signals' ids."""
        return f"{self._at}now/ids"

    def timer(self, name: str) -> str:
        """Return the key of a timer."""
        return f"{self._at}now/timer/{quote(name, safe='')}"

    @property
    def tried(self) -> str:
        """The key of the note that a start went on with what it found."""
        return f"{self._at}now/tried"

    def timer_in(self, record: str) -> str | None:
        """Return the name of the timer whose record it is; None if it is of something else."""
        at = self.timer("")
        return unquote(record.removeprefix(at)) if record.startswith(at) else None

    def input_of(self, effect: str) -> int:
        """Return the number of the input that an effect followed from."""
        return int(effect.removeprefix(f"{self._at}now/effect/").partition(".")[0])

    def past(self, number: int) -> str:
        """Return the key of an input."""
        return f"{self._at}past/{number:016d}"

    # ---- what is written

    def packed(self, value: object) -> bytes:
        """Return the value as bytes.

        Raises:
            Unstorable: Part of it can't be kept.
        """
        try:
            return pack(value)
        except Misfit as misfit:
            what, _, where = str(misfit).rpartition(" @ ")
            raise Unstorable(self.agent_id, f"{where}: {said(what)}") from None

    def base(self, number: int) -> str:
        """Return the key of what the journal can be folded from."""
        return f"{self._at}base/{number:016d}"

    def snapshot(self, snapshot: Snapshot, *, base: bool = False) -> Put:
        """Return the operation that writes a snapshot, in the place of the last one or to fold the journal from.

        Raises:
            Unstorable: Part of it can't be kept.
        """
        agent = snapshot.agent
        cls = type(agent)
        try:
            strategy_state = checkpointed(agent)
        except ActionError as refused:
            raise Unstorable(self.agent_id, said(refused)) from refused
        record = {
            "format": FORMAT,
            "class": recorded_name(cls),
            "vsn": cls.vsn,
            "number": snapshot.number,
            "state": agent.state,
            "strategy_state": strategy_state,
        }
        return Put(self.base(snapshot.number) if base else f"{self._at}now/agent", self.packed(record))

    def without_bases_before(self, number: int) -> DeleteRange:
        """Return the operation that lets go of each that is of an earlier input, whoever has written it."""
        return DeleteRange(self.base(0), self.base(number))

    def entry(self, entry: Entry, id: str) -> Put:
        """Return the operation that writes an input; with the id that must not come again, if there is one."""
        return Put(self.past(entry.number), self.packed({"id": id, "entry": entry}), expected=0)

    def note(self, ids: Ids) -> Put:
        """Return the operation that notes the ids of the last signals."""
        return Put(self.ids, json.dumps(asdict(ids), separators=(",", ":")).encode())

    def later(self, record: str, due: Due) -> Put:
        """Return the operation that writes a signal for later, in the place of what has that record."""
        value: dict[str, Any] = {"at": due.at, "signal": due.signal}
        if due.cron is not None:
            value |= {"signal": None, "cron": due.cron, "declared": due.declared}
        elif due.missed != "one":
            value["missed"] = due.missed
        return Put(record, self.packed(value))

    def waiting(self, record: str, signal: Signal, *, once: bool) -> Put:
        """Return the operation that puts a signal into the inbox."""
        return Put(record, self.packed({"once": once, "signal": signal}), expected=0)

    async def write(self, ops: Iterable[Op]) -> None:
        """Commit `ops`, as the owner of the agent.

        Raises:
            OwnershipLost: Another has claimed the agent meanwhile; nothing was changed.
            StorageError: See `Storage.commit`.
        """
        try:
            await self._storage.commit((Check(self.owner, self.epoch), *ops))
        except Conflict as conflict:
            if conflict.key != self.owner:
                raise
            raise OwnershipLost(self.agent_id) from None

    # ---- what is read

    async def owned(self) -> int:
        """Return the revision of the owner's record; 0 if the agent was never started."""
        record = await self._storage.get(self.owner)
        return record.revision if record is not None else 0

    async def saved(self) -> Record:
        """Return the record of the last snapshot.

        Raises:
            RecordRefused: There is none.
            StorageError: See `Storage.get`.
        """
        record = await self._storage.get(f"{self._at}now/agent")
        if record is None:
            raise RecordRefused(f"{self._at}now/agent", "it is missing, and other records of the agent are there")
        return record

    async def is_of(self, cls: type[Agent[Any]]) -> bool:
        """Whether the last snapshot is of an agent of that class, and of its version.

        Raises:
            RecordRefused: It can't be read.
            StorageError: See `Storage.get`.
        """
        record = await self.saved()
        written: bool = self.read(record, lambda _: is_written_by(record, cls))
        return written

    async def claim(self, begin: Agent[Any], who: str, remembers: int) -> Found:
        """Make the caller the owner of the agent, and return what is there; if nothing is, `begin` is written.

        Raises:
            OwnershipLost: Another claimed it at the same moment.
            RecordRefused: A record can't be read, or was written by another class or version.
            StorageError: See `Storage`.
        """
        revision = await self.owned()
        saved = await self._storage.get(f"{self._at}now/agent")
        first: list[Op] = []
        if saved is not None:
            self.read_snapshot(saved, type(begin))  # what can't be read is refused before anything is changed
        elif revision:
            raise RecordRefused(f"{self._at}now/agent", "it is missing, and other records of the agent are there")
        else:
            first = [self.snapshot(Snapshot(begin, 0)), self.snapshot(Snapshot(begin, 0), base=True)]
        try:
            await self._storage.commit((Put(self.owner, pack({"who": who}), expected=revision), *first))
        except Conflict:
            raise OwnershipLost(self.agent_id) from None
        self.epoch, self._accepted = revision + 1, 0
        # Only now is it sure that nobody changes it any more.
        records = {record.key: record for record in await self.range("", self.base(0), self.past(0))}
        saved = records.get(f"{self._at}now/agent")
        if saved is None:
            raise RecordRefused(f"{self._at}now/agent", "it is missing")
        snapshot = self.read_snapshot(saved, type(begin))
        is_old = not is_written_by(saved, type(begin))
        noted = self.read(records[self.ids], ids_of) if self.ids in records else _NONE_NOTED
        if noted.remembers < remembers:  # it wasn't told to remember so many
            noted = evolve(noted, number=max(snapshot.number - remembers, 0), remembers=remembers)
        ids, entries = await self._journal(snapshot.number, noted)
        bases = tuple(int(key[-16:]) for key in records if key.startswith(f"{self._at}base/"))
        if is_old:
            if entries:
                raise RecordRefused(
                    saved.key, "later inputs are not in it: start the agent with the version before, once"
                )
            await self.write(
                [
                    self.snapshot(snapshot),
                    self.without_bases_before(snapshot.number),
                    self.snapshot(snapshot, base=True),
                ]
            )
            bases = (snapshot.number,)
        tried = records.get(self.tried)
        tries = self.read(tried, lambda value: dict(unpack(value)["tries"])) if tried is not None else None
        opened = self._open_ends(records.values())
        return Found(snapshot, entries, ids, noted.number, *opened, bases, bool(first), tries)

    async def ids_upto(self, number: int, remembers: int) -> Ids:
        """Return the ids of the last signals up to an input, as they are noted, and as they stand in the inputs.

        Raises:
            RecordRefused: A record can't be read.
            StorageError: See `Storage.scan`.
        """
        record = await self._storage.get(self.ids)
        noted = self.read(record, ids_of) if record is not None else Ids(0, remembers, (), ())
        after = max(noted.number, number - remembers)
        inputs = await self.range("past/", self.past(after + 1), self.past(number + 1))
        signals = (*noted.signals, *filter(None, (self.read(each, id_of) for each in inputs)))
        last = signals[-remembers:] if remembers else ()
        return Ids(max(noted.number, number), remembers, last, noted.ticks)

    async def _journal(self, number: int, noted: Ids) -> tuple[Ids, tuple[Entry, ...]]:
        """Return the ids of the last signals, and the inputs after `number`."""
        ids = list(noted.signals)
        entries: list[Entry] = []
        after, unnoted = self.past(number), self.past(noted.number)
        for record in await self.range("past/", self.past(min(number, noted.number) + 1)):
            found = _ID.match(record.value)
            id = found[1].decode() if found is not None else self.read(record, id_of)
            if id and record.key > unnoted:
                ids.append(id)
            if record.key > after:
                entries.append(self.read(record, entry_of))
        numbers = [entry.number for entry in entries]
        if numbers != list(range(number + 1, number + 1 + len(numbers))):
            raise RecordRefused(self.past(number + 1), f"the journal has a gap: it goes on with {numbers[:3]}")
        return evolve(noted, signals=tuple(ids)), tuple(entries)

    def _open_ends(self, records: Iterable[Record]) -> tuple[dict[str, Waiting], dict[str, Effect], dict[str, Due]]:
        inbox: dict[str, Waiting] = {}
        effects: dict[str, Effect] = {}
        timers: dict[str, Due] = {}
        for record in records:
            kind = record.key.removeprefix(f"{self._at}now/").split("/")[0]
            if kind == "inbox":
                inbox[record.key] = self.read(record, lambda value: Waiting(**unpack(value)))
            elif kind == "effect":
                effects[record.key] = self.read(record, lambda value: Effect(**unpack(value)))
            elif kind == "timer":
                timers[record.key] = self.read(record, due_of)
        return inbox, effects, timers

    def read_snapshot(self, record: Record, cls: type[Agent[Any]]) -> Snapshot:
        """Return the agent in a record.

        Raises:
            RecordRefused: It can't be read, or was written by another class or version.
        """
        fields: dict[str, Any] = self.read(record, json.loads)
        if fields.get("format") != FORMAT:
            raise RecordRefused(
                record.key, f"its format is {shown(fields.get('format'))}, and this jido_trio knows {FORMAT}"
            )
        name = recorded_name(cls)
        formerly = cls.durable.formerly if cls.durable is not None else ()
        if fields["class"] != name and fields["class"] not in formerly:
            raise RecordRefused(record.key, f"it is an agent of class {said(fields['class'])}, not of {name}")
        if fields["vsn"] != cls.vsn:
            fields["state"] = migrated(record.key, fields, cls)
        fields = self.read(record, lambda _: {key: unpack_plain(value) for key, value in fields.items()})
        if type(fields["state"]) is not cls.record.cls:
            raise RecordRefused(record.key, _of_another(fields["state"], cls.record.cls))
        try:
            strategy_state = restored(cls, fields["strategy_state"])
        except ActionError as refused:
            raise RecordRefused(record.key, said(refused)) from refused
        return Snapshot(cls(self.agent_id, fields["state"], strategy_state), fields["number"])

    def read(self, record: Record, read: Any) -> Any:
        """Return what `read` makes of a record.

        Raises:
            RecordRefused: It can't be read.
        """
        try:
            return read(record.value)
        except Misfit as error:
            raise RecordRefused(record.key, said(error), error.missing) from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RecordRefused(record.key, said(error)) from None

    async def range(self, kind: str, start: str = "", end: str = "") -> list[Record]:
        """Return the records of a kind, in order, from key `start` on, up to `end` and without it."""
        records: list[Record] = []
        while page := await self.page(kind, start, end):
            records += page
            if len(page) < PAGE:
                break
            start = page[-1].key + "\x01"
        return records

    async def page(self, kind: str, start: str = "", end: str = "") -> Sequence[Record]:
        """Return the first records of a kind, in order, from key `start` on; at most `PAGE` of them."""
        begin, last = within(f"{self._at}{kind}")
        return await self._storage.scan(max(begin, start), end or last, PAGE)


def archive_of(storage: Storage, instance: str, agent_id: str) -> Archive:
    """Return the records of the agent with that id.

    Raises:
        InvalidDefinition: The storage is none, or isn't open; the id is no text, is too long for a key, or UTF-8 can't
            write it.
    """
    checked_storage(storage)
    at = f"{_quoted('the instance name', instance)}/agent/{_quoted('id', agent_id)}/"
    if len(at) > LONGEST:
        raise InvalidDefinition(
            f"id={shown(agent_id)} is too long for a durable agent: the keys of its records would begin with "
            f"{len(at)} characters, and {LONGEST} are the most",
            field="id",
            value=agent_id,
        )
    return Archive(agent_id, storage, at)


def _quoted(what: str, text: object) -> str:
    try:
        if isinstance(text, str) and text:
            return quote(text, safe="")
        why = "it must be a text that is not empty"
    except UnicodeEncodeError:
        why = "UTF-8 can't write it; choose another"
    raise InvalidDefinition(f"{what} {shown(text)} can't be in the key of a record: {why}", value=text)


def is_written_by(record: Record, cls: type[Agent[Any]]) -> bool:
    """Whether the snapshot in a record is of an agent of that class, in its version."""
    fields = json.loads(record.value)
    return (fields["class"], fields["vsn"]) == (recorded_name(cls), cls.vsn)


def check_storable(cls: type[Agent[Any]]) -> None:
    """Refuse an agent class whose agents can't be kept.

    Raises:
        InvalidDefinition: It, or its state class, isn't found again by its name.
    """
    for each in (cls, cls.record.cls):
        try:
            class_name(each)
        except Misfit as misfit:
            raise InvalidDefinition(f"{cls.__qualname__} can't be durable: {said(misfit)}") from None


def unpack_plain(plain: object) -> Any:
    """Return the value that plain data stands for; see `unpack`."""
    return unpack(json.dumps(plain).encode()) if isinstance(plain, dict | list) else plain


def migrated(key: str, fields: dict[str, Any], cls: type[Agent[Any]]) -> Any:
    """Return the state of an older version as plain data of this one.

    Raises:
        RecordRefused: There is no way from that version to this, a migration raised, or what it gave doesn't fit.
    """
    version, options = fields["vsn"], cls.durable
    chain = list(options.migrations) if options is not None else []
    if version not in chain:
        known = ", ".join(map(str, chain)) or "none"
        raise RecordRefused(
            key,
            f"it was written by version {shown(version)} of {cls.__qualname__}, and this is {shown(cls.vsn)}, "
            f"which has migrations from: {known}",
        )
    assert options is not None  # noqa: S101  # it has migrations
    try:
        state: Any = unpack_plain({name: value for name, value in fields["state"].items() if name != "$"})
        for each in chain[chain.index(version) :]:
            state = options.migrations[each](state)
        return json.loads(pack(cls.record.fit(state)))
    except Exception as error:  # whatever a migration does wrong, the record stays as it is
        raise RecordRefused(key, f"the migration from version {shown(version)} failed: {shown_error(error)}") from error


def id_of(value: bytes) -> str:
    """Return the id in an input's record."""
    return str(json.loads(value)["id"])


def ids_of(value: bytes) -> Ids:
    """Return the ids in the note of them."""
    fields = json.loads(value)
    number, remembers = fields["number"], fields["remembers"]
    signals, ticks = tuple(fields["signals"]), tuple(fields["ticks"])
    if not {type(number), type(remembers)} == {int} or not all(isinstance(each, str) for each in (*signals, *ticks)):
        raise TypeError(f"two numbers and two lists of ids were expected, not {shown(fields)}")
    return Ids(number, remembers, signals, ticks)


def schedule_name(key: str) -> str:
    """Return what the timer of a schedule with that key is called."""
    return f"key {key}"


def due_of(value: bytes) -> Due:
    """Return the signal for later in its record."""
    fields = dict(unpack(value))
    if fields.get("cron") is not None:
        fields["signal"] = fields["cron"].message
    return Due(**fields)


def entry_of(value: bytes) -> Entry:
    """Return the input in its record."""
    entry = unpack(value)["entry"]
    if type(entry) is not Entry:
        raise TypeError(f"an Entry was expected, not {shown(entry)}")
    return entry


def _of_another(state: object, wanted: type) -> str:
    name = recorded_name(wanted)
    if recorded_name(type(state)) != name:
        return f"its state is {shown(state)}, not of {wanted.__name__}"
    return (
        f"its state is of {name}, and the agent's is another class of that name: the module was loaded twice, as where "
        "a program is imported by its own name, too; keep agents in a module that isn't the program"
    )

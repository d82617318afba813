"""Thread: what was said and done, in order. Entries are appended and never change.

A thread is a value, and may be a field of an agent's state. One that grows for years needn't be there whole: `tail`
keeps the last entries, which have their numbers still, and `SaveThread` has all of them kept in the storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self, TypeAlias

import attrs
from attrs import evolve, field, frozen

from jido_trio import checks
from jido_trio.core._action import KEPT, Effect
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.world import current


def _is_mapping(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping):
        raise InvalidDefinition(
            f"{attribute.name}={shown(value)} must be a mapping: {{'text': ...}}", field=attribute.name, value=value
        )


def _is_text(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidDefinition(
            f"{attribute.name}={shown(value)} of a {type(owner).__name__} must be a text that is not empty",
            field=attribute.name,
            value=value,
        )


@frozen
class ThreadEntry:
    """One entry of a thread. What isn't given is filled in when it is appended; later facts are new entries."""

    kind: str = field(default="note", validator=_is_text)
    """What it is: "message", "tool_call", or any other word."""
    payload: Mapping[str, Any] = field(factory=dict, converter=KEPT, validator=_is_mapping)  # type: ignore[misc]  # a Converter
    refs: Mapping[str, Any] = field(factory=dict, converter=KEPT, validator=_is_mapping)  # type: ignore[misc]  # a Converter
    """What it is about: ids of signals, of other entries."""
    id: str = ""
    seq: int = -1
    """Its number in the thread, from 0."""
    at: datetime | None = None


Appended: TypeAlias = ThreadEntry | Mapping[str, Any]
"""An entry, or its fields."""


@frozen
class Thread:
    """Entries in order, the last ones or all; `Thread.new()` makes an empty one."""

    id: str = field(validator=_is_text)
    created_at: datetime
    updated_at: datetime
    rev: int = 0
    """How many entries it has had: also how many there are, unless only the last are here."""
    entries: tuple[ThreadEntry, ...] = ()
    metadata: Mapping[str, Any] = field(factory=dict, converter=KEPT, validator=_is_mapping)  # type: ignore[misc]  # a Converter

    def __attrs_post_init__(self) -> None:
        given: object = self.entries
        if not isinstance(given, tuple) or not all(isinstance(each, ThreadEntry) for each in given):
            raise checks.refused(f"thread {shown(self.id)}", "entries", given, "must be a tuple of ThreadEntry")
        if self.entries and (self.entries[0].seq, self.entries[-1].seq) != (self.first, self.rev - 1):
            raise InvalidDefinition(
                f"thread {shown(self.id)} of {self.rev} entries can't have those from {self.entries[0].seq} to "
                f"{self.entries[-1].seq}: make one with Thread.new() and append",
                field="entries",
            )

    @classmethod
    def new(cls, id: str | None = None, *, metadata: Mapping[str, Any] | None = None) -> Self:
        """Return an empty thread; its id is `thread_...` if none is given."""
        world = current()
        now = world.now()
        return cls(f"thread_{world.ids()}" if id is None else id, now, now, metadata=metadata or {})

    @property
    def first(self) -> int:
        """The number of the first entry that is here; that of the next, if none is."""
        return self.rev - len(self.entries)

    @property
    def entry_count(self) -> int:
        """How many entries it has had."""
        return self.rev

    @property
    def last(self) -> ThreadEntry | None:
        """The last entry."""
        return self.entries[-1] if self.entries else None

    def append(self, *entries: Appended) -> Self:
        """Return the thread with these at its end, numbered; ids and times that are given are kept.

        Raises:
            InvalidDefinition: One is neither an entry nor the fields of one.
        """
        world = current()
        now = world.now()
        numbered: list[ThreadEntry] = []
        for seq, entry in enumerate(map(entry_of, entries), start=self.rev):
            numbered.append(evolve(entry, seq=seq, id=entry.id or f"entry_{world.ids()}", at=entry.at or now))
        if not numbered:
            return self
        return evolve(self, rev=self.rev + len(numbered), entries=(*self.entries, *numbered), updated_at=now)

    def get_entry(self, seq: int) -> ThreadEntry | None:
        """Return the entry of that number, or None if it isn't here."""
        return self.entries[seq - self.first] if self.first <= seq < self.rev else None

    def filter_by_kind(self, *kinds: str) -> tuple[ThreadEntry, ...]:
        """Return the entries of these kinds that are here, in order."""
        return tuple(entry for entry in self.entries if entry.kind in kinds)

    def slice(self, start: int, end: int) -> tuple[ThreadEntry, ...]:
        """Return the entries from number `start` to `end`, both included, that are here."""
        return tuple(entry for entry in self.entries if start <= entry.seq <= end)

    def tail(self, count: int) -> Self:
        """Return the thread with its last `count` entries only; they keep their numbers."""
        checks.whole("Thread.tail", "count", count)
        return evolve(self, entries=self.entries[max(len(self.entries) - count, 0) :])


def entry_of(given: object) -> ThreadEntry:
    """Return an entry, or make one of its fields.

    Raises:
        InvalidDefinition: It is neither.
    """
    if isinstance(given, ThreadEntry):
        return given
    if isinstance(given, Mapping):
        names = {field.name for field in attrs.fields(ThreadEntry)}
        unknown = [name for name in given if name not in names]
        if not unknown:
            return ThreadEntry(**given)
        raise InvalidDefinition(f"an entry has no {shown(unknown[0])}{checks.did_you_mean(unknown[0], names)}")
    raise InvalidDefinition(f"{shown(given)} is no entry of a thread: give a ThreadEntry, or a mapping of its fields")


@frozen
class SaveThread(Effect):
    """Have the entries of a thread kept in the storage of the instance; those that are there already stay as they are.

    To save it again is harmless. What was saved is read with `ThreadStore`.
    """

    thread: Thread

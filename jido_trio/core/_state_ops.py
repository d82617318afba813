"""State operations: what an action may return to change the state more finely than by a merge.

They are applied in the order they were returned, after the merge; each leaves a valid state, or the whole result is
refused. A state is typed: a key that is deleted goes back to its default.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from attrs import field, frozen

from jido_trio.checks import refused
from jido_trio.core._action import KEPT, Effect
from jido_trio.core._thread import Appended, Thread, ThreadEntry, entry_of
from jido_trio.data import Schema
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

T = TypeVar("T")
Path: TypeAlias = tuple[Hashable, ...]


def _path(path: str | Iterable[Hashable]) -> Path:
    """Split "cart.total" at its dots; a key with a dot in it needs the tuple."""
    steps = tuple(path.split(".") if isinstance(path, str) else _several("path", path, "SetPath or DeletePath"))
    if not steps or "" in steps:
        raise InvalidDefinition(f"a path names at least one key, and none of them is empty: got {shown(path)}")
    return steps


def _keys(keys: str | Iterable[str]) -> tuple[str, ...]:
    return (keys,) if isinstance(keys, str) else tuple(_several("keys", keys, "DeleteKeys"))


def _several(name: str, given: object, owner: str) -> Iterable[Any]:
    if not isinstance(given, Iterable):
        raise refused(owner, name, given, "must be a text, or several keys")
    return given


@frozen
class SetState(Effect):
    """Merge these changes deeply, as a mapping returned by `run` is merged."""

    attrs: Mapping[str, Any] = field(converter=KEPT)  # type: ignore[misc]  # a Converter

    def apply(self, state: T, record: Schema[T]) -> T:
        """Return the state with the changes in it."""
        return record.merge(state, self.attrs)


@frozen
class ReplaceState(Effect):
    """Put this in the place of the whole state: a state, or a mapping to make one of."""

    state: Any = field(converter=KEPT)  # type: ignore[misc]  # a Converter

    def apply(self, state: T, record: Schema[T]) -> T:
        """Return the new state, checked; nothing of the old one is kept."""
        return record.replace(state, self.state)


@frozen
class DeleteKeys(Effect):
    """Put these fields back to their defaults; those the state doesn't have are ignored."""

    keys: tuple[str, ...] = field(converter=_keys)

    def apply(self, state: T, record: Schema[T]) -> T:
        """Return the state without what was in those fields."""
        return record.reset(state, self.keys)


@frozen
class SetPath(Effect):
    """Put `value` at the end of `path`, in the place of what is there; mappings on the way are made where missing.

    Whatever is neither a mapping nor an attrs value on the way is replaced by a mapping, if its field takes one.
    """

    path: Path = field(converter=_path)
    """Keys, or one string with dots between them."""
    value: Any = field(converter=KEPT)  # type: ignore[misc]  # a Converter

    def apply(self, state: T, record: Schema[T]) -> T:
        """Return the state with the value in it."""
        return record.put(state, self.path, self.value)


@frozen
class DeletePath(Effect):
    """Take away what is at the end of `path`; nothing happens where something on the way is missing.

    A key of a mapping is removed, a field of an attrs value goes back to its default.
    """

    path: Path = field(converter=_path)
    """Keys, or one string with dots between them."""

    def apply(self, state: T, record: Schema[T]) -> T:
        """Return the state without it."""
        return record.cut(state, self.path)  # type: ignore[no-any-return]  # a state without something is a state


def _entries(given: Appended | Iterable[Appended]) -> tuple[ThreadEntry, ...]:
    if not isinstance(given, ThreadEntry | Iterable):
        raise refused("AppendEntries", "entries", given, "must be an entry, or several")
    several = (given,) if isinstance(given, ThreadEntry | Mapping) else tuple(given)
    return tuple(map(entry_of, several))


@frozen
class AppendEntries(Effect):
    """Append entries to the thread in a field of the state; one is made where the field has None."""

    entries: tuple[ThreadEntry, ...] = field(converter=_entries)
    """One or several, each an entry or a mapping of its fields."""
    into: str = "thread"
    """The name of the field."""

    def apply(self, state: T, record: Schema[T]) -> T:
        """Return the state with the longer thread in it."""
        thread = getattr(state, self.into, None)
        if thread is None:
            thread = Thread.new()
        if not isinstance(thread, Thread):
            raise InvalidDefinition(f"field {shown(self.into)} of the state holds {shown(thread)}, which is no thread")
        return record.put(state, (self.into,), thread.append(*self.entries))


StateOp: TypeAlias = SetState | ReplaceState | DeleteKeys | SetPath | DeletePath | AppendEntries
"""Changes the state of the agent, and nothing else."""

"""State operations: what an action may return to change the state more finely than by a merge.

They are applied in the order they were returned, after the merge; each leaves a valid state, or the whole result is
refused. A state is typed: a key that is deleted goes back to its default.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from attrs import field, frozen, has

from jido_trio.core._action import Effect
from jido_trio.data import FrozenDict, Schema, freeze, schema_of, under
from jido_trio.errors import InvalidDefinition

T = TypeVar("T")
Path: TypeAlias = tuple[Hashable, ...]


def _path(path: str | Iterable[Hashable]) -> Path:
    """Split "cart.total" at its dots; a key with a dot in it needs the tuple."""
    steps = tuple(path.split(".")) if isinstance(path, str) else tuple(path)
    if not steps or "" in steps:
        raise InvalidDefinition(f"a path names at least one key, and none of them is empty: got {path!r}")
    return steps


def _keys(keys: str | Iterable[str]) -> tuple[str, ...]:
    return (keys,) if isinstance(keys, str) else tuple(keys)


@frozen
class SetState(Effect):
    """Merge these changes deeply, as a mapping returned by `run` is merged."""

    attrs: Mapping[str, Any] = field(converter=freeze)

    def apply(self, state: T, record: Schema[T]) -> T:
        """Return the state with the changes in it."""
        return record.merge(state, self.attrs)


@frozen
class ReplaceState(Effect):
    """Put this in the place of the whole state: a state, or a mapping to make one of."""

    state: Any = field(converter=freeze)

    def apply(self, _state: T, record: Schema[T]) -> T:
        """Return the new state, checked; nothing of the old one is kept."""
        return record.fit(self.state)


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
    value: Any = field(converter=freeze)

    def apply(self, state: T, _record: Schema[T]) -> T:
        """Return the state with the value in it."""
        return _put(state, self.path, self.value)  # type: ignore[no-any-return]  # `_put` into a state is a state


@frozen
class DeletePath(Effect):
    """Take away what is at the end of `path`; nothing happens where something on the way is missing.

    A key of a mapping is removed, a field of an attrs value goes back to its default.
    """

    path: Path = field(converter=_path)
    """Keys, or one string with dots between them."""

    def apply(self, state: T, _record: Schema[T]) -> T:
        """Return the state without it."""
        return _cut(state, self.path)  # type: ignore[no-any-return]  # a state without something is a state


StateOp: TypeAlias = SetState | ReplaceState | DeleteKeys | SetPath | DeletePath
"""Changes the state of the agent, and nothing else."""


def _get(value: Any, key: Hashable) -> Any:
    if isinstance(value, Mapping):
        return value.get(key)
    return getattr(value, str(key), None)


def _put(value: Any, path: Sequence[Hashable], new: Any) -> Any:
    if not path:
        return new
    key, *rest = path
    inner = under(key, _put, _get(value, key), rest, new)
    if has(type(value)):
        return schema_of(type(value)).replace(value, {str(key): inner})
    return FrozenDict({**(value if isinstance(value, Mapping) else {}), key: inner})


def _cut(value: Any, path: Sequence[Hashable]) -> Any:
    key, *rest = path
    if has(type(value)):
        record = schema_of(type(value))
        if rest and key in record.names:
            return record.replace(value, {str(key): under(key, _cut, _get(value, key), rest)})
        return record.reset(value, [str(key)]) if not rest else value
    if not isinstance(value, Mapping) or key not in value:
        return value
    if rest:
        return FrozenDict({**value, key: under(key, _cut, value[key], rest)})
    return FrozenDict({other: item for other, item in value.items() if other != key})

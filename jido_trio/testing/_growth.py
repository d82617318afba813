"""Growth: containers of a state at any size, so that it can be told how a command's cost grows with them."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias, Union, cast, get_args, get_origin

import attrs

from jido_trio.core import Agent
from jido_trio.data import schema_of

Growth: TypeAlias = Callable[[int], Any]
"""Makes a value of a size; or the n-th value of a type, another for each n if there are so many."""

_ITEMS: Mapping[Any, Growth] = {
    int: lambda n: n,
    str: lambda n: f"k{n}",
    float: float,
    bool: lambda n: n % 2 == 0,
    bytes: lambda n: b"%d" % n,
    date: lambda n: date(2000, 1, 1) + timedelta(days=n),
    datetime: lambda n: datetime(2000, 1, 1) + timedelta(days=n),  # noqa: DTZ001 - it has none
    Decimal: Decimal,
    Any: lambda n: n,
    object: lambda n: n,
}
_ROOM = 4
"""Values in values are made so far: a type may speak of itself."""
_LISTS = (list, tuple, set, frozenset, Sequence, AbstractSet)


def grown_fields(cls: type[Agent[Any]]) -> Iterator[tuple[str, Growth]]:
    """Return the containers of the state that can have any size, and how to make one."""
    for one in attrs.fields(cls.record.cls):
        grow = _growth(one.type) if one.init else None
        if grow is not None:
            yield str(one.alias), grow


def _growth(declared: Any, room: int = _ROOM) -> Growth | None:
    origin: Any = get_origin(declared)
    if origin in (Union, types.UnionType):
        return next((grow for arg in get_args(declared) if (grow := _growth(arg, room)) is not None), None)
    if not isinstance(origin, type) or not issubclass(origin, (Mapping, *_LISTS)):
        return None
    args = [arg for arg in get_args(declared) if arg is not Ellipsis]
    items = [_item(arg, room) for arg in args]
    if None in items or (issubclass(origin, tuple) and Ellipsis not in get_args(declared)):
        return None
    key, value = cast("Any", items[0]), cast("Any", items[-1])
    if issubclass(origin, Mapping):
        return lambda size: {key(n): value(n) for n in range(size)}
    return lambda size: [key(n) for n in range(size)]


def _item(declared: Any, room: int = _ROOM) -> Growth | None:
    """Return how the n-th value of a type is made, which is another for each n if there are so many."""
    if room == 0:
        return None
    if declared in _ITEMS:
        return _ITEMS[declared]
    origin: Any = get_origin(declared)
    if origin is Literal:
        return lambda n: get_args(declared)[n % len(get_args(declared))]
    if origin in (Union, types.UnionType):
        return next((made for arg in get_args(declared) if (made := _item(arg, room)) is not None), None)
    if isinstance(declared, type) and issubclass(declared, Enum):
        return lambda n: list(declared)[n % len(declared)]
    if isinstance(declared, type) and attrs.has(declared):
        fields = {str(one.alias): _item(one.type, room - 1) for one in attrs.fields(declared) if one.init}
        needed = schema_of(declared).required
        if any(fields[name] is None for name in needed):
            return None
        made_of = {name: make for name, make in fields.items() if make is not None}
        return lambda n: declared(**{name: make(n) for name, make in made_of.items()})
    if isinstance(origin, type) and issubclass(origin, tuple) and Ellipsis not in get_args(declared):
        parts = [_item(arg, room) for arg in get_args(declared)]
        return None if None in parts else lambda n: tuple(cast("Any", part)(n) for part in parts)
    grow = _growth(declared, room)
    return None if grow is None else lambda n: grow(1)

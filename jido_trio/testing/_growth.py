"""Growth: containers of a state at any size, so that it can be told how a command's cost grows with them."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

import attrs

from jido_trio.core import Agent
from jido_trio.data import schema_of
from jido_trio.data.inner import arguments_of, filled_in

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
    time: lambda n: (datetime(2000, 1, 1) + timedelta(seconds=n)).time(),  # noqa: DTZ001 - nor has this
    timedelta: lambda n: timedelta(seconds=n),
    Decimal: Decimal,
    Fraction: Fraction,
    complex: complex,
    UUID: lambda n: UUID(int=n),
    Path: lambda n: Path(f"k{n}"),
    PurePath: lambda n: PurePath(f"k{n}"),
    PurePosixPath: lambda n: PurePosixPath(f"k{n}"),
    Any: lambda n: n,
    object: lambda n: n,
}
_ROOM = 4
"""Values in values are made so far: a type may speak of itself."""
_LISTS = (list, tuple, set, frozenset, Collection, Sequence, AbstractSet)
_BARE: Mapping[Any, Any] = {
    dict: dict[str, Any],
    list: list[Any],
    tuple: tuple[Any, ...],
    set: set[Any],
    frozenset: frozenset[Any],
}


def grown_fields(cls: type[Agent[Any]]) -> Iterator[tuple[tuple[str, ...], Growth]]:
    """Return where containers of any size are in the state and in its values, and how to make them."""
    yield from _grown_in(cls._state_type, ())


def _grown_in(declared: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Growth]]:
    cls, given = get_origin(declared) or declared, arguments_of(declared)
    for one in attrs.fields(cls) if len(path) < _ROOM else ():
        if not one.init:
            continue
        here, held = (*path, str(one.alias)), _meant(filled_in(one.type, given))
        grow = _growth(held)
        if grow is not None:
            yield from ((here, one) for one in (grow, *_other_growths(held)))
        elif isinstance(get_origin(held) or held, type) and attrs.has(get_origin(held) or held):
            yield from _grown_in(held, here)


def _other_growths(declared: Any) -> Iterator[Growth]:
    """Return how else a container may look: each item the same, where there are few, or each leading to the next."""
    origin: Any = get_origin(declared)
    args = [_meant(arg) for arg in get_args(declared) if arg is not Ellipsis]
    if not isinstance(origin, type) or not args:
        return
    make = cast("Any", _item(args[0]))
    if issubclass(origin, Mapping):
        inner: Any = get_origin(args[-1])
        if args[0] == args[-1]:
            yield lambda size: {make(n): make(n + 1) for n in range(size)}
        elif isinstance(inner, type) and issubclass(inner, _LISTS) and _meant(get_args(args[-1])[0]) == args[0]:
            yield lambda size: {make(n): [make(n + 1)] for n in range(size)}
    elif issubclass(origin, Sequence) and _has_few(args[0]):
        for which in (0, 1):
            yield lambda size, which=which: [make(which)] * size  # type: ignore[misc]


def _has_few(declared: Any) -> bool:
    """Tell whether a type has few values."""
    return (
        declared is bool
        or get_origin(declared) is Literal
        or (isinstance(declared, type) and issubclass(declared, Enum))
    )


def _meant(declared: Any) -> Any:
    """Return the type that another is a name for, or has something said about."""
    if isinstance(declared, NewType):
        return _meant(declared.__supertype__)
    if get_origin(declared) is Annotated:
        return _meant(get_args(declared)[0])
    if isinstance(declared, TypeVar):
        return _meant(next(iter(declared.__constraints__), declared.__bound__ or int))
    return _BARE.get(declared, declared) if isinstance(declared, type) else declared


def _growth(declared: Any, room: int = _ROOM) -> Growth | None:
    declared = _meant(declared)
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
    declared = _meant(declared)
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
    if isinstance(declared, type) and issubclass(declared, tuple) and hasattr(declared, "_make"):
        parts = [_item(one, room) for one in get_type_hints(declared).values()]
        return None if None in parts else lambda n: declared(*(cast("Any", part)(n) for part in parts))
    if isinstance(origin, type) and issubclass(origin, tuple) and Ellipsis not in get_args(declared):
        parts = [_item(arg, room) for arg in get_args(declared)]
        return None if None in parts else lambda n: tuple(cast("Any", part)(n) for part in parts)
    grow = _growth(declared, room)
    return None if grow is None else lambda n: grow(1)

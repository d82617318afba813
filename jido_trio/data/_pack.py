"""Values as bytes and back, exactly: what a storage keeps of states, signals and directives.

It is JSON that a person can read. What JSON has is written as it is; for the rest there is an object with one key that
begins with `$`: `{"$tuple": [...]}`, `{"$datetime": "2026-11-25T12:00:00"}`. A value of an attrs class names its class,
`{"$": "shop.orders:Order", "total": 5}`, and comes back with its fields as they were: converters and validators are not
asked, as they were when it was made.

Only classes of modules that the program has imported are found again; no module is imported for a name in a record.
"""

from __future__ import annotations

import json
import math
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from jido_trio.data._freeze import FrozenDict, FrozenList
from jido_trio.data._problem import Key, Misfit, Problem, Step
from jido_trio.errors import ErrorValue
from jido_trio.redact import said, shown

__all__ = ["class_name", "named_class", "pack", "unpack"]

Path: TypeAlias = tuple[Step, ...]

_LARGEST = 1 << 62


def pack(value: object) -> bytes:
    """Return `value` as bytes from which `unpack` makes an equal one, of the same classes.

    Raises:
        Misfit: Part of it can't be kept: a live object, a function, a class made inside of a function. It says where.
    """
    return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False).encode()


def unpack(data: bytes) -> Any:
    """Return the value that `pack` made bytes of.

    Raises:
        Misfit: It is no such value; or a class of it isn't there any more, or has other fields.
    """
    try:
        return _value(json.loads(data), ())
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, RecursionError) as error:
        if isinstance(error, Misfit):
            raise
        raise Misfit([Problem(f"it can't be read: {said(error)}")]) from None


# Classes by name


def class_name(cls: type, path: Path = ()) -> str:
    """Return the name that `named_class` finds the class by.

    Raises:
        Misfit: It isn't found by a name.
    """
    name = f"{cls.__module__}:{cls.__qualname__}"
    if _found(name) is not cls:
        raise _misfit(
            f"class {shown(name)} isn't found again by its name: define it at the top of a module that is imported",
            path,
        )
    return name


def named_class(name: object, path: Path = ()) -> type:
    """Return the class of that name, of a module that is imported.

    Raises:
        Misfit: There is none.
    """
    cls = _found(name)
    if isinstance(cls, type):
        return cls
    raise _misfit(
        f"there is no class {shown(name)}: import its module first; if it was renamed, keep the old name for it", path
    )


def _found(name: object) -> object:
    module, _, path = name.partition(":") if isinstance(name, str) else ("", "", "")
    found: object = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


# From values to plain data. Where something can't be kept, its path is found on the way out: most things can.


def _plain(value: Any) -> Any:
    kind = type(value)
    write = _WRITERS.get(kind)
    if write is not None:
        return write(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        return value if -_LARGEST < value < _LARGEST else {"$int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    return _plain_of_class(value, kind)


def _plain_of_class(value: Any, kind: type) -> Any:
    if isinstance(value, type):
        return {"$type": class_name(value)}
    if isinstance(value, Enum):
        return {"$enum": class_name(kind), "value": _plain(value.value)}
    if attrs.has(kind) and not issubclass(kind, BaseException):
        return _fields(value, kind)
    if isinstance(value, ErrorValue):
        _, (cls, args, state) = value.__reduce__()
        return {"$error": class_name(cls), "args": _plain(args), "state": _plain(state)}
    if isinstance(value, tuple):
        return {"$tuple": _each(value), "of": class_name(kind)}
    raise _misfit(f"a value of class {shown(kind.__qualname__)} can't be kept: {shown(value)}", ())


def _fields(value: Any, kind: type) -> dict[str, Any]:
    plain: dict[str, Any] = {"$": class_name(kind)}
    name = ""
    try:
        for name in _names(kind):
            plain[name] = _plain(getattr(value, name))
    except Misfit as misfit:
        raise _under(misfit, name) from None
    return plain


def _each(values: Iterable[Any]) -> list[Any]:
    plain: list[Any] = []
    try:
        for value in values:
            plain.append(_plain(value))  # noqa: PERF401  # its length tells where it went wrong
    except Misfit as misfit:
        raise _under(misfit, Key(len(plain))) from None
    return plain


def _mapping(value: Mapping[Any, Any]) -> Any:
    key: Any = None
    try:
        if all(type(key) is str and not key.startswith("$") for key in value):
            plain = {}
            for key, each in value.items():
                plain[key] = _plain(each)
            return plain
        pairs = []
        for key, each in value.items():
            pairs.append([_plain(key), _plain(each)])
    except Misfit as misfit:
        raise _under(misfit, Key(key)) from None
    return {"$dict": pairs}


def _set(value: Iterable[Any]) -> Any:
    plain = [_plain(each) for each in value]
    return {"$set": sorted(plain, key=lambda each: json.dumps(each, sort_keys=True))}


_WRITERS: dict[type, Callable[[Any], Any]] = {
    FrozenDict: _mapping,
    dict: _mapping,
    FrozenList: _each,
    list: _each,
    tuple: lambda value: {"$tuple": _each(value)},
    frozenset: _set,
    set: _set,
    bytes: lambda value: {"$bytes": b64encode(value).decode()},
    datetime: lambda value: {"$datetime": value.isoformat(), "fold": value.fold},
    date: lambda value: {"$date": value.isoformat()},
    time: lambda value: {"$time": value.isoformat()},
    timedelta: lambda value: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    Decimal: lambda value: {"$decimal": str(value)},
    UUID: lambda value: {"$uuid": str(value)},
    complex: lambda value: {"$complex": [value.real, value.imag]},
}


WRITABLE = frozenset(_WRITERS)
"""Classes, beside those of JSON, whose values can be kept."""


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


def _misfit(what: str, path: Path) -> Misfit:
    return Misfit([Problem(what, path)])


def _under(misfit: Misfit, step: Step) -> Misfit:
    return Misfit([problem.under(step) for problem in misfit.problems])


# And back


def _value(plain: Any, path: Path) -> Any:
    if type(plain) is list:
        return FrozenList([_value(each, (*path, Key(index))) for index, each in enumerate(plain)])
    if type(plain) is not dict:
        return plain
    tag = next(iter(plain), "")
    if not tag.startswith("$"):
        return FrozenDict({key: _value(each, (*path, Key(key))) for key, each in plain.items()})
    read = _READERS.get(tag)
    if read is None:
        raise _misfit(f"the tag {shown(tag)} means nothing to this version", path)
    return read(plain, path)


def _values(plain: Iterable[Any], path: Path) -> list[Any]:
    return [_value(each, (*path, Key(index))) for index, each in enumerate(plain)]


def _record(plain: dict[str, Any], path: Path) -> Any:
    cls = named_class(plain["$"], path)
    if not attrs.has(cls):
        raise _misfit(f"{shown(plain['$'])} is no attrs class any more", path)
    names = _names(cls)
    given = plain.keys() - {"$"}
    if given != set(names):
        missing, unknown = sorted(set(names) - given), sorted(given - set(names))
        raise _misfit(
            f"the fields of {shown(plain['$'])} are others now: {_listed('missing', missing)}"
            f"{_listed('unknown', unknown)}. Migrate the record, or keep the class of that version",
            path,
        )
    value = object.__new__(cls)
    for name in names:
        object.__setattr__(value, name, _value(plain[name], (*path, name)))
    return value


def _listed(what: str, names: list[str]) -> str:
    return f"{what} {', '.join(names)} " if names else ""


def _error(plain: dict[str, Any], path: Path) -> Any:
    cls = named_class(plain["$error"], path)
    if not issubclass(cls, ErrorValue):
        raise _misfit(f"{shown(plain['$error'])} is no error of ours any more", path)
    rebuilt, _ = cls.__reduce__(cls.__new__(cls))[:2]
    return rebuilt(cls, _value(plain["args"], path), dict(_value(plain["state"], path)))


def _tuple(plain: dict[str, Any], path: Path) -> Any:
    values = _values(plain["$tuple"], path)
    if "of" not in plain:
        return tuple(values)
    cls: Any = named_class(plain["of"], path)
    return cls._make(values) if hasattr(cls, "_make") else cls(values)


_READERS: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "$": _record,
    "$error": _error,
    "$type": lambda plain, path: named_class(plain["$type"], path),
    "$enum": lambda plain, path: named_class(plain["$enum"], path)(_value(plain["value"], path)),
    "$tuple": _tuple,
    "$set": lambda plain, path: frozenset(_values(plain["$set"], path)),
    "$dict": lambda plain, path: FrozenDict([(_value(key, path), _value(each, path)) for key, each in plain["$dict"]]),
    "$int": lambda plain, _: int(plain["$int"], 16),
    "$float": lambda plain, _: float(plain["$float"]),
    "$bytes": lambda plain, _: b64decode(plain["$bytes"], validate=True),
    "$datetime": lambda plain, _: datetime.fromisoformat(plain["$datetime"]).replace(fold=plain["fold"]),
    "$date": lambda plain, _: date.fromisoformat(plain["$date"]),
    "$time": lambda plain, _: time.fromisoformat(plain["$time"]),
    "$timedelta": lambda plain, _: timedelta(*plain["$timedelta"]),
    "$decimal": lambda plain, _: Decimal(plain["$decimal"]),
    "$uuid": lambda plain, _: UUID(plain["$uuid"]),
    "$complex": lambda plain, _: complex(*plain["$complex"]),
}

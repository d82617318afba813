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
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from jido_trio.data._freeze import FrozenDict, FrozenList, attribute_names
from jido_trio.data._names import recorded_name, script
from jido_trio.data._problem import Key, Misfit, Problem, Step
from jido_trio.errors import ErrorValue
from jido_trio.redact import said, shown

__all__ = ["class_name", "named_class", "pack", "unpack"]

Place: TypeAlias = tuple[Step, ...]

Writer: TypeAlias = Callable[[Any], str]

_LARGEST = 1 << 62


def pack(value: object) -> bytes:
    """Return `value` as bytes from which `unpack` makes an equal one, of the same classes.

    Raises:
        Misfit: Part of it can't be kept: a live object, a function, a class made inside of a function. It says where.
    """
    return _text(value).encode()


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


def class_name(cls: type, path: Place = ()) -> str:
    """Return the name that `named_class` finds the class by.

    Raises:
        Misfit: It isn't found by a name.
    """
    name = recorded_name(cls)
    if not any(found is cls for found in _found(name)):
        raise _misfit(
            f"class {shown(name)} isn't found again by its name: define it at the top of a module that is imported",
            path,
        )
    return name


def named_class(name: object, path: Place = ()) -> type:
    """Return the class of that name, of a module that is imported.

    Raises:
        Misfit: There is none.
    """
    for cls in _found(name):
        if isinstance(cls, type):
            return cls
    why = f"there is no class {shown(name)}: import its module first; if it was renamed, keep the old name for it"
    raise Misfit([Problem(why, path, missing=name if isinstance(name, str) else "")])


def _found(name: object) -> Iterator[object]:
    """Generate what has that name: in the script first, if it is of the script, and in a module."""
    module, _, path = name.partition(":") if isinstance(name, str) else ("", "", "")
    for each in ["__main__", module] if module == script() else [module]:
        found: object = sys.modules.get(each)
        for part in path.split("."):
            found = getattr(found, part, None)
        yield found


# From values to JSON. Where something can't be kept, its path is found on the way out: most things can.


def _text(value: Any) -> str:
    kind = value.__class__
    return (_WRITERS.get(kind) or _writer(kind))(value)


def _writer(kind: type) -> Writer:
    """Return what writes values of a class that JSON has no word for."""
    if issubclass(kind, type):
        return lambda value: f'{{"$type":{_quoted(class_name(value))}}}'
    if issubclass(kind, Enum):
        return lambda value: f'{{"$enum":{_quoted(class_name(kind))},"value":{_text(value.value)}}}'
    if attrs.has(kind) and not issubclass(kind, BaseException):
        return _learned(kind)
    if issubclass(kind, ErrorValue):
        return _error_text
    if issubclass(kind, tuple):
        return _tuple_text
    return _refuse


def _refuse(value: object) -> str:
    raise _misfit(f"a value of class {shown(type(value).__qualname__)} can't be kept: {shown(value)}", ())


def _learned(kind: type) -> Writer:
    """Return what writes values of an attrs class, from now on; one that had its name before is forgotten."""
    write = _record_writer(kind)  # it asks each time whether its name leads to the class
    _WRITERS.pop(_NAMED.pop(recorded_name(kind), kind), None)
    _NAMED[recorded_name(kind)], _WRITERS[kind] = kind, write
    return write


def _record_writer(kind: type) -> Writer:
    """Return what writes values of an attrs class, written out field by field: each input of an agent has some."""
    names, known = attribute_names(kind), class_name(kind)
    module, name, modules = kind.__module__, kind.__qualname__, sys.modules

    def check() -> None:
        if getattr(modules.get(module), name, None) is not kind:
            class_name(kind)  # one in another class, or one that isn't found any more

    space: dict[str, Any] = {"check": check, "names": names, "Misfit": Misfit, "under": _under, "quoted": _quoted}
    space |= {"get": _WRITERS.get, "writer": _writer, "begins": f'{{"$":{_quoted(known)}'}
    lines = ["def write(value):", " check()", " try:"]
    for number, each in enumerate(names):
        space[f"before{number}"] = f",{_quoted(each)}:"
        lines += [
            f"  v = value.{each}",
            f"  if v.__class__ is str: t{number} = quoted(v)",
            f"  elif v is None: t{number} = 'null'",
            f"  else: at = {number}; t{number} = (get(v.__class__) or writer(v.__class__))(v)",
        ]
    fields = "".join(f"{{before{number}}}{{t{number}}}" for number in range(len(names)))
    lines += [f"  return f'{{begins}}{fields}}}}}'", " except Misfit as misfit:"]
    lines.append("  raise under(misfit, names[at]) from None")
    exec("\n".join(lines), space)  # noqa: S102  # of names that are identifiers, as attrs itself does it
    write: Writer = space["write"]
    return write


def _error_text(value: ErrorValue) -> str:
    _, (cls, args, state) = value.__reduce__()
    return f'{{"$error":{_quoted(class_name(cls))},"args":{_text(args)},"state":{_text(state)}}}'


def _items(values: Iterable[Any]) -> str:
    parts: list[str] = []
    try:
        for value in values:
            parts.append(_text(value))  # noqa: PERF401  # its length tells where it went wrong
    except Misfit as misfit:
        raise _under(misfit, Key(len(parts))) from None
    return f"[{','.join(parts)}]"


def _mapping(value: Mapping[Any, Any]) -> str:
    text, get, quoted = "", _WRITERS.get, _quoted
    key: Any = None
    try:
        for key, each in value.items():
            if key.__class__ is not str or key[:1] == "$":
                return f'{{"$dict":{_pairs(value)}}}'
            kind = each.__class__
            text += f",{quoted(key)}:{quoted(each) if kind is str else (get(kind) or _writer(kind))(each)}"
    except Misfit as misfit:
        raise _under(misfit, Key(key)) from None
    return f"{{{text[1:]}}}"


def _pairs(value: Mapping[Any, Any]) -> str:
    parts: list[str] = []
    key: Any = None
    try:
        for key, each in value.items():
            parts.append(f"[{_text(key)},{_text(each)}]")
    except Misfit as misfit:
        raise _under(misfit, Key(key)) from None
    return f"[{','.join(parts)}]"


def _set(value: Iterable[Any]) -> str:
    return f'{{"$set":[{",".join(sorted(map(_text, value)))}]}}'


def _tuple_text(value: tuple[Any, ...]) -> str:
    items = _items(value)
    if type(value) is tuple:
        return f'{{"$tuple":{items}}}'
    return f'{{"$tuple":{items},"of":{_quoted(class_name(type(value)))}}}'


def _int(value: int) -> str:
    return int.__repr__(value) if -_LARGEST < value < _LARGEST else f'{{"$int":"{value:#x}"}}'


def _float(value: float) -> str:
    return float.__repr__(value) if math.isfinite(value) else f'{{"$float":"{value!r}"}}'


def _tagged(tag: str, text: Callable[[Any], str]) -> Writer:
    return lambda value: f'{{"${tag}":{_quoted(text(value))}}}'


_quoted: Callable[[str], str] = json.encoder.encode_basestring_ascii

_PLAIN: dict[type, Writer] = {
    str: _quoted,
    int: _int,
    float: _float,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}

_TAGGED: dict[type, Writer] = {
    FrozenDict: _mapping,
    dict: _mapping,
    FrozenList: _items,
    list: _items,
    tuple: _tuple_text,
    frozenset: _set,
    set: _set,
    bytes: _tagged("bytes", lambda value: b64encode(value).decode()),
    datetime: lambda value: f'{{"$datetime":{_quoted(value.isoformat())},"fold":{value.fold}}}',
    date: _tagged("date", date.isoformat),
    time: _tagged("time", time.isoformat),
    timedelta: lambda value: f'{{"$timedelta":[{value.days},{value.seconds},{value.microseconds}]}}',
    Decimal: _tagged("decimal", str),
    UUID: _tagged("uuid", str),
    complex: lambda value: f'{{"$complex":[{_float(value.real)},{_float(value.imag)}]}}',
}

_WRITERS: dict[type, Writer] = {**_PLAIN, **_TAGGED}
_NAMED: dict[str, type] = {}
"""The attrs classes among them, by name: a module that is loaded again has new ones."""


WRITABLE = frozenset(_TAGGED)
"""Classes, beside those of JSON, whose values can be kept."""


def _misfit(what: str, path: Place) -> Misfit:
    return Misfit([Problem(what, path)])


def _under(misfit: Misfit, step: Step) -> Misfit:
    return Misfit([problem.under(step) for problem in misfit.problems])


# And back


def _value(plain: Any, path: Place) -> Any:
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


def _values(plain: Iterable[Any], path: Place) -> list[Any]:
    return [_value(each, (*path, Key(index))) for index, each in enumerate(plain)]


def _record(plain: dict[str, Any], path: Place) -> Any:
    cls = named_class(plain["$"], path)
    if not attrs.has(cls):
        raise _misfit(f"{shown(plain['$'])} is no attrs class any more", path)
    names = attribute_names(cls)
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


def _error(plain: dict[str, Any], path: Place) -> Any:
    cls = named_class(plain["$error"], path)
    if not issubclass(cls, ErrorValue):
        raise _misfit(f"{shown(plain['$error'])} is no error of ours any more", path)
    rebuilt, _ = cls.__reduce__(cls.__new__(cls))[:2]
    return rebuilt(cls, _value(plain["args"], path), dict(_value(plain["state"], path)))


def _tuple(plain: dict[str, Any], path: Place) -> Any:
    values = _values(plain["$tuple"], path)
    if "of" not in plain:
        return tuple(values)
    cls: Any = named_class(plain["of"], path)
    return cls._make(values) if hasattr(cls, "_make") else cls(values)


_READERS: dict[str, Callable[[dict[str, Any], Place], Any]] = {
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
    "$complex": lambda plain, path: complex(*_values(plain["$complex"], path)),
}

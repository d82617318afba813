"""Text that tells a whole value: two runs agree if their texts do. Unlike `==`, it sees the order of mappings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import cached_property
from itertools import takewhile
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import attrs

from jido_trio.redact import shown, type_name

_ROOM = 60
"""Containers in containers are looked into so far."""


def told(value: object) -> str:
    """Return text for any value: of an object that has no text of its own, what it holds; no address of ours."""
    return _told(value, _ROOM)


def _told(value: Any, room: int) -> str:
    if room < 0:
        return "..."
    kind, deeper = type(value), room - 1
    if kind in PLAIN:
        return repr(value)
    if isinstance(value, Enum):
        return f"{type_name(kind)}.{value.name}"
    if isinstance(value, type | FunctionType | BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, MethodType):
        return f"{_told(value.__self__, deeper)}.{value.__name__}"
    if isinstance(value, ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, BaseException):
        return _listed(type_name(kind), [_told(value.args, deeper), _told(vars(value), deeper)])
    if attrs.has(kind):
        fields = ((field.name, getattr(value, field.name, None)) for field in attrs.fields(kind))
        return _listed(type_name(kind), (f"{name}={_told(held, deeper)}" for name, held in fields))
    if isinstance(value, Mapping):
        return _listed("dict", (f"{_told(key, deeper)}: {_told(item, deeper)}" for key, item in value.items()))
    if isinstance(value, AbstractSet):
        return _listed("set", sorted(_told(item, deeper) for item in value))
    if isinstance(value, list | tuple):
        return _listed("tuple" if isinstance(value, tuple) else "list", (_told(item, deeper) for item in value))
    return _other(value, kind, lambda held: _told(held, deeper))


def _own_text(value: Any) -> str:
    """Return the text that a value's class gives it; "" if that gives none, or raises."""
    own_repr: Any = type(value).__repr__
    try:
        return "" if own_repr is object.__repr__ else repr(value).replace(hex(id(value)), "0x")
    except Exception:  # noqa: BLE001 - of whatever is in a state
        return ""


def _copied_by(value: Any) -> dict[str, Any]:
    """Return what a value that hides all that it holds would be copied by."""
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 - it can't be copied
        return {}
    return {"": reduced[1:3]} if isinstance(reduced, tuple) else {}


PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Types of values that hold no others."""


def _listed(kind: str, parts: Iterable[str]) -> str:
    return f"{kind}({', '.join(parts)})"


def _other(value: Any, kind: type, tell: Callable[[object], str]) -> str:
    """Tell of a value by what it holds, and by its own text if it has one; not by what it has worked out of that."""
    if isinstance(value, PurePath):
        return repr(value)
    cached = {name for base in kind.__mro__ for name, one in vars(base).items() if isinstance(one, cached_property)}
    held = {name: one for name, one in getattr(value, "__dict__", {}).items() if name not in cached}
    for base in kind.__mro__:
        names = base.__dict__.get("__slots__", ())
        held |= {name: getattr(value, name, None) for name in ([names] if isinstance(names, str) else names)}
    own = _own_text(value)
    if not own and not held and kind.__module__ != "builtins":
        held = _copied_by(value)
    for name in (type_name(kind), kind.__qualname__):
        if own.startswith(f"{name}(") and not held:
            return f"{type_name(kind)}{own.removeprefix(name)}"
    return f"{type_name(kind)}({own}{tell(held) if held else ''})"


def differing(one: str, other: str, around: int = 60) -> str:
    """Return where two texts differ, in words: by the largest part of a whole that isn't too long to be read."""
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    for begin in _parts_at(one, at)[1:]:
        mine, others = (text[begin : _end_of(text, begin)] for text in (one, other))
        if mine != others and max(len(mine), len(others)) <= around * 2:
            return f"{shown(mine, around * 3)} and then {shown(others, around * 3)}"
    begin = max(one.rfind(" ", 0, at) + 1, at - around)
    return f"{shown(one[begin : at + around], around * 3)} and then {shown(other[begin : at + around], around * 3)}"


def _parts_at(text: str, at: int) -> list[int]:
    """Return where the parts begin in which a place is, the whole first."""
    begins = [0]
    for n, mark in takewhile(lambda found: found[0] < at, _marks(text)):
        if mark == "(":
            begins.append(n + 1)
        elif mark == ")":
            begins.pop()
        else:
            begins[-1] = n + 2
        if not begins:
            return [0]
    return begins


def _end_of(text: str, begin: int) -> int:
    depth = 0
    for n, mark in _marks(text[begin:]):
        if depth == 0 and mark != "(":
            return begin + n
        depth += {"(": 1, ")": -1}.get(mark, 0)
    return len(text)


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """Return the brackets and commas that stand in no text within it."""
    return ((found.start(), found[1]) for found in _MARK.finditer(text) if found[1])


_MARK = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|([()]|,(?=\ ))""", re.DOTALL)

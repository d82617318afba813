"""Text made of a stranger's value: names, reasons, messages, reprs. Imports nothing of ours.

What users give us is shown in errors, reports and logs, often when something has failed already. Their `__repr__` may
raise, recurse without end, return megabytes or something that is no text. So text of it is made here and only here: in
one line, bounded, printable, and never with an exception but KeyboardInterrupt and its kin, which are not ours to stop.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

__all__ = ["said", "shown", "shown_error"]


def shown(value: object, limit: int = 200) -> str:
    """Return the `repr` of any value: one line of at most `limit` characters.

    Of large containers only the beginning is looked at, so the cost is bounded as well.
    """
    return _line(_safely(value, lambda: _repr(value, limit, _DEPTH), "repr"), limit)


def said(value: object, limit: int = 500) -> str:
    """Return the `str` of any value: one line of at most `limit` characters."""
    return _line(_safely(value, lambda: _str(value), "str"), limit)


def shown_error(error: BaseException, limit: int = 500) -> str:
    """Return "module.Type: message" of an exception, as a traceback ends: one line of at most `limit` characters."""
    kind, message = type_name(type(error)), said(error, limit)
    return _line(f"{kind}: {message}" if message else kind, limit)


def type_name(cls: type) -> str:
    """Return the name of a class with its module, unless that is builtins or the program itself."""
    name, module = _name(cls), type.__dict__["__module__"].__get__(cls)
    return name if not isinstance(module, str) or module in ("builtins", "__main__") else f"{_plain(module)}.{name}"


_DEPTH = 6
"""Containers in containers are looked into so far; what is deeper is `...`."""

_MANY = 2000
"""Whatever the limit, no more characters of one text are looked at to find what may be shown of it."""

_BITS = 1000
"""An int with more is told by its size: Python refuses to write those of 4,300 digits, or takes very long."""


def _safely(value: object, make: Callable[[], str], how: str) -> str:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - whatever a stranger's method does, there must be a text
        return f"<{_name(type(value))}, whose {how} raised {_name(type(error))}>"


def _name(cls: type) -> str:
    # Not cls.__qualname__: a metaclass may have its own idea of it, and raise.
    return _plain(type.__dict__["__qualname__"].__get__(cls))


def _plain(text: str) -> str:
    """Return the same text as an exact str: a subclass may do anything when it is cut or joined."""
    return str.__str__(text)


def _line(text: str, limit: int) -> str:
    text = text[: max(limit, _MANY) + 1]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escaped(char) for char in text)
    return text if len(text) <= limit else text[: max(limit - 3, 0)] + "..."


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _str(value: object) -> str:
    if type(value) is int:
        return _int(value)
    return _plain(value if isinstance(value, str) else str(value))


def _repr(value: Any, limit: int, depth: int) -> str:
    """Return a repr no longer than about `limit`, walking through plain containers only as far as can be shown."""
    cls = type(value)
    if cls is str or cls is bytes:
        return repr(value[:limit]) + ("" if len(value) <= limit else "...")
    if cls is int:
        return _int(value)
    own: object = cls.__repr__
    if own in _WALKED and depth <= 0 and value:
        return "..."
    if own is dict.__repr__:
        return _joined("{", _items(value, limit, depth), "}", len(value), limit)
    if own is list.__repr__:
        return _joined("[", _each(value, limit, depth), "]", len(value), limit)
    if cls is tuple:
        return _joined("(", _each(value, limit, depth), ",)" if len(value) == 1 else ")", len(value), limit)
    if cls is set and value:
        return _joined("{", _each(value, limit, depth), "}", len(value), limit)
    if cls is frozenset and value:
        return _joined("frozenset({", _each(value, limit, depth), "})", len(value), limit)
    return _plain(repr(value))


_WALKED: frozenset[object] = frozenset({cls.__repr__ for cls in (dict, list, tuple, set, frozenset)})


def _int(value: int) -> str:
    return repr(value) if value.bit_length() <= _BITS else f"<an int of {value.bit_length()} bits>"


def _each(values: Iterable[object], limit: int, depth: int) -> Iterable[str]:
    return (_safe_repr(value, limit, depth) for value in values)


def _items(values: Mapping[object, object], limit: int, depth: int) -> Iterable[str]:
    for key, value in values.items():
        yield f"{_safe_repr(key, limit, depth)}: {_safe_repr(value, limit, depth)}"


def _safe_repr(value: object, limit: int, depth: int) -> str:
    return _safely(value, lambda: _repr(value, limit, depth - 1), "repr")


def _joined(begin: str, parts: Iterable[str], end: str, count: int, limit: int) -> str:
    taken, length = list[str](), 0
    for part in islice(parts, limit // 2 + 1):
        taken.append(part)
        length += len(part) + 2
        if length > limit:
            break
    if len(taken) < count:
        taken.append("...")
    return begin + ", ".join(taken) + end

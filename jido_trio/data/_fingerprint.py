"""Bytes that are equal for equal values, in every process: what ids made inside `cmd` are derived from."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import attrs


def fingerprint(*values: object) -> bytes:
    """Return bytes for plain data, attrs values, exceptions, classes and functions; others go by their `repr`.

    Mappings and sets are put in order, so neither how they were filled nor the seed of hashes shows.
    """
    return _text(values).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    match value:
        case Mapping():
            return _listed("dict", sorted(f"{_text(key)}:{_text(item)}" for key, item in value.items()))
        case list() | tuple():
            return _listed("list", map(_text, value))
        case AbstractSet():
            return _listed("set", sorted(map(_text, value)))
        case BaseException():
            return _listed(_name(type(value)), (_text(value.args), _text(vars(value))))
        case _ if attrs.has(type(value)):
            fields = (field.name for field in attrs.fields(type(value)) if field.eq)
            return _listed(_name(type(value)), (f"{name}={_text(getattr(value, name))}" for name in fields))
        case _ if hasattr(value, "__qualname__"):
            return _name(value)
    return repr(value)


def _listed(kind: str, parts: Iterable[str]) -> str:
    return f"{kind}({','.join(parts)})"


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"

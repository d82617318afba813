"""What types show of a value that `pack` can't keep, before there is one."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, get_args, get_origin

import attrs

from jido_trio.data._pack import WRITABLE
from jido_trio.data._problem import Problem, Step
from jido_trio.errors import ErrorValue
from jido_trio.redact import shown

_OPEN = {object, type, Any, int, str, float, bool, type(None)}


def unstorable(cls: type) -> list[Problem]:
    """Return the fields of an attrs class whose types say that their values can't be kept; what is open may do."""
    return list(_of_class(cls, (), frozenset()))


def _of_class(cls: type, path: tuple[Step, ...], above: frozenset[type]) -> Iterator[Problem]:
    try:
        hints = typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001  # what can't be resolved says nothing
        return
    for field in attrs.fields(cls):
        yield from _of(hints.get(field.name, Any), (*path, field.name), above | {cls})


def _of(hint: Any, path: tuple[Step, ...], above: frozenset[type]) -> Iterator[Problem]:
    origin = get_origin(hint)
    if hint is Callable or origin is Callable:
        yield Problem("functions can't be kept", path)
    elif origin is type or hint in above:
        return
    elif origin is not None:
        if not attrs.has(origin):
            for argument in get_args(hint):
                yield from _of(argument, path, above)
    elif isinstance(hint, type) and not _may_be_kept(hint):
        yield Problem(f"values of class {shown(hint.__qualname__)} can't be kept", path)
    elif isinstance(hint, type) and attrs.has(hint):
        yield from _of_class(hint, path, above)


def _may_be_kept(cls: type) -> bool:
    if cls in _OPEN or cls in WRITABLE or attrs.has(cls) or issubclass(cls, Enum | tuple | ErrorValue):
        return True
    # What others may satisfy, or a part of the language that is no class of its values.
    return inspect.isabstract(cls) or typing.is_typeddict(cls) or getattr(cls, "_is_protocol", False)

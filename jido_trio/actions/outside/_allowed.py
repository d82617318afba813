"""What a program allows an action to do."""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from jido_trio import checks
from jido_trio.core import Context
from jido_trio.errors import Permanent

T = TypeVar("T")


def allowed(context: Context[Any], kind: type[T], action: str) -> T:
    """Return the resource of that class, which says what is allowed.

    Raises:
        Permanent: There is none, so nothing is.
    """
    found: T | None = context.resources.get(kind)
    if found is None:
        name = kind.__name__
        raise Permanent(f"action {action!r} may do nothing here: give the instance resources={{{name}: {name}(...)}}")
    return found


def texts(owner: str, field: str, given: object) -> None:
    """Refuse what is no mapping of texts to texts that the system can take.

    Raises:
        InvalidDefinition: It is none.
    """
    if not isinstance(given, Mapping):
        raise checks.refused(owner, field, given, "must be a mapping")
    for key, value in given.items():
        if not (_is_text(key) and _is_text(value)) or not key:
            raise checks.refused(owner, field, given, f"must hold texts, and {key!r} is none, or what it leads to")


def is_path(given: object) -> bool:
    """Whether it may be a path at all."""
    return isinstance(given, os.PathLike) or _is_text(given)


def _is_text(given: object) -> bool:
    return isinstance(given, str) and "\0" not in given

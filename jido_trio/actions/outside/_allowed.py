"""What a program allows an action to do."""

from typing import Any, TypeVar

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

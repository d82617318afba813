"""Generic classes with arguments: which type a type variable stands for."""

from typing import Any, Generic, Protocol, TypeVar, Union, get_args, get_origin


def arguments_of(declared: Any) -> dict[Any, Any]:
    """Return the type for each variable of a class and of its bases: `Box[int]` has {T: int}."""
    cls = get_origin(declared) or declared
    own = dict(zip(getattr(cls, "__parameters__", ()), get_args(declared), strict=False))
    found = dict[Any, Any]()
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        if get_origin(base) not in (Generic, Protocol):
            found |= arguments_of(filled_in(base, own))
    return found | own


def filled_in(declared: Any, arguments: dict[Any, Any]) -> Any:
    """Return a type with its variables replaced; one that nobody has given is its default, its bound, or anything."""
    if isinstance(declared, TypeVar) or hasattr(declared, "__bound__"):
        return arguments[declared] if declared in arguments else _unbound(declared)
    parameters = getattr(declared, "__parameters__", ())
    if not parameters or isinstance(declared, type):
        return declared
    return declared[tuple(filled_in(each, arguments) for each in parameters)]


def _unbound(variable: Any) -> Any:
    has_default = getattr(variable, "has_default", lambda: False)
    if has_default():
        return variable.__default__
    constraints = getattr(variable, "__constraints__", ())
    return Union[constraints] if constraints else variable.__bound__ or Any  # noqa: UP007 - of a tuple


__all__ = ["arguments_of", "filled_in"]

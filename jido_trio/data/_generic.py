"""Types that stand for others: a type variable in a generic class with arguments, `Self`, the name of a type."""

from operator import is_
from types import UnionType
from typing import Annotated, Any, Generic, Literal, Protocol, Self, TypeVar, Union, get_args, get_origin


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


def is_name(declared: Any) -> bool:
    """Tell whether a type is the name of another: `Pair` of `type Pair = ...`, with arguments or without."""
    alias = get_origin(declared) or declared
    return hasattr(alias, "__value__") and not isinstance(alias, type)


def named(declared: Any) -> Any:
    """Return what a name stands for."""
    alias = get_origin(declared) or declared
    given = dict(zip(getattr(alias, "__type_params__", ()), get_args(declared), strict=False))
    return filled_in(alias.__value__, given)


def with_self(declared: Any, cls: Any) -> Any:
    """Return a type with `Self` replaced by the class it is declared in."""
    if declared is Self:
        return cls
    old, origin = get_args(declared), get_origin(declared)
    new = tuple(with_self(each, cls) for each in (old[:1] if origin is Annotated else old))
    if origin is Literal or all(map(is_, new, old)):
        return declared
    if origin is Annotated:
        return Annotated[new[0], *declared.__metadata__]
    return Union[new] if origin in (Union, UnionType) else origin[new]  # noqa: UP007 - of a tuple


def _unbound(variable: Any) -> Any:
    has_default = getattr(variable, "has_default", lambda: False)
    if has_default():
        return variable.__default__
    constraints = getattr(variable, "__constraints__", ())
    return Union[constraints] if constraints else variable.__bound__ or Any  # noqa: UP007 - of a tuple


__all__ = ["arguments_of", "filled_in", "is_name", "named", "with_self"]

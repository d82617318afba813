"""Which plan the values of a declared type have."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, MutableSet, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

import attrs

from jido_trio.data._codec import has_hook, key_type, structurer
from jido_trio.data._freeze import FrozenDict, FrozenList, freeze
from jido_trio.data._merge import Entries, Fitted, Free, Items, Maybe, Places, Plan
from jido_trio.errors import InvalidDefinition

Find: TypeAlias = Callable[[Any], Plan]
"""Returns the plan of an attrs class, generic ones with their arguments."""

EXACT = frozenset({int, str, bool})
"""Types whose values are kept as they are; most fields have one, so they get a short way."""


def plan_for(declared: Any, free: Free, nested: Find) -> Plan:
    """Return how values of a declared type are made and changed.

    Raises:
        InvalidDefinition: Its values can't be checked, or can't be frozen.
    """
    if declared in (Any, object, None):
        return free
    origin, args = get_origin(declared) or declared, get_args(declared)
    if has_hook(declared):
        return _whole(declared, free, nested)
    if origin is Annotated:
        return plan_for(args[0], free, nested)
    if hasattr(declared, "__supertype__"):
        return plan_for(declared.__supertype__, free, nested)
    _refuse_changeable(declared)
    if isinstance(origin, type) and attrs.has(origin) and not issubclass(origin, BaseException):
        return nested(declared)
    if is_dataclass(origin):
        return nested(declared)  # which refuses it
    return _container(origin, args, free, nested) or _whole(declared, free, nested)


def _container(origin: Any, args: tuple[Any, ...], free: Free, nested: Find) -> Plan | None:
    if origin in _MAPPINGS:
        key, value = args if len(args) == 2 else (Any, Any)
        return Entries(plan_for(key_type(key), free, nested), plan_for(value, free, nested))
    if origin in _KINDS:
        return Items(_KINDS[origin], plan_for(args[0] if args else Any, free, nested))
    if origin is tuple:
        if not args or Ellipsis in args:
            return Items(tuple, plan_for(args[0] if args else Any, free, nested))
        return Places(tuple, free, places=[plan_for(each, free, nested) for each in args if each != ()])
    if origin in (Union, UnionType):
        some = [each for each in args if each is not NoneType]
        if len(some) == 1 < len(args):
            return Maybe(plan_for(some[0], free, nested))
    return None


_MAPPINGS = frozenset({dict, Mapping, MutableMapping, FrozenDict, MappingProxyType})
_KINDS: Mapping[Any, type] = {
    list: list,
    FrozenList: list,
    MutableSequence: list,
    Sequence: tuple,
    set: frozenset,
    frozenset: frozenset,
    AbstractSet: frozenset,
    MutableSet: frozenset,
}
"""As what the containers of Python are kept."""


def _refuse_changeable(declared: Any) -> None:
    """Refuse a class whose values can be changed, and that freezing would take from who declared it."""
    cls = get_origin(declared) or declared
    if not isinstance(cls, type) or cls in _MAPPINGS or cls in _KINDS or attrs.has(cls):
        return
    for kind, instead in _INSTEAD:
        if issubclass(cls, kind):
            raise InvalidDefinition(
                f"a field can't be declared as {_told(declared)}: a {cls.__name__} can be changed, and values are "
                f"shared between an agent's past and future. Declare it as {instead}, which takes one and keeps it "
                "frozen"
            )


_INSTEAD: tuple[tuple[Any, str], ...] = (
    ((bytearray, memoryview), "bytes"),
    (Mapping, "dict[..., ...]"),
    (MutableSequence, "list[...] or tuple[..., ...]"),
    (MutableSet, "frozenset[...]"),
)


def _told(declared: Any) -> str:
    return declared.__name__ if isinstance(declared, type) else str(declared)


def _whole(declared: Any, free: Free, nested: Find) -> Plan:
    try:
        structured = structurer(declared)
    except Exception as error:  # cattrs' complaint about a type nobody can make of data
        raise InvalidDefinition(f"a field can't be declared as {declared!r}: {error}") from error
    if declared in EXACT:
        return Fitted(_exact(declared, structured), free)
    if isinstance(declared, type) and declared in _UNCHANGING:
        return Fitted(structured, free)
    records = {cls: nested(whole) for whole, cls in _records_in(declared)}

    def fit(value: Any) -> Any:
        plan = records.get(type(value))
        return freeze(structured(value)) if plan is None else plan.fit(value)

    return Fitted(fit, free)


_UNCHANGING = frozenset({float, complex, bytes})


def _exact(cls: type, structured: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        return value if type(value) is cls else structured(value)

    return fit


def _records_in(declared: Any) -> Iterator[tuple[Any, type]]:
    """Return the attrs classes in a union, and what is no attrs class but should be one."""
    for part in (declared, *get_args(declared)):
        cls = get_origin(part) or part
        if isinstance(cls, type) and (attrs.has(cls) or is_dataclass(cls)) and not issubclass(cls, BaseException):
            yield part, cls

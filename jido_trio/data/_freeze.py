"""Data that nobody can change: dicts, lists and sets as they are in JSON and Python, without their mutators.

A signal's data and an agent's state are shared by whoever holds them; frozen, they can be handed on without a copy.
A FrozenDict or FrozenList is frozen all the way down and knows how deep it is, so nothing is gone through twice: what
is frozen already comes back as it is, at once.
"""

import copy
from collections.abc import Callable, ItemsView, Iterable, KeysView, Mapping, MutableSequence, MutableSet
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from operator import is_
from types import NoneType
from typing import Any, NoReturn, Self, SupportsIndex, TypeVar
from uuid import UUID

import attrs

from jido_trio.data._known import of_class
from jido_trio.data._problem import Key, Misfit

__all__ = ["MAX_DEPTH", "FrozenDict", "FrozenList", "freeze", "is_frozen", "thaw"]

K = TypeVar("K")
V = TypeVar("V")

MAX_DEPTH = 100
"""So many containers may be nested in each other. Data that is deeper is refused, or it would fail much later: when it
is compared, hashed, copied or written, each of which uses the stack."""


def _refusing(remedy: str) -> Any:
    """Return a method in place of every mutator."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise TypeError(remedy)

    return refuse


class FrozenDict(dict[K, V]):
    """A dict whose values are frozen all the way down; equal to the dict it was made of, hashable if its values are.

    `frozen | {...}` is a new FrozenDict; `dict(frozen)` and `frozen.copy()` are plain dicts, `thaw(frozen)` is plain
    all the way down.

    Raises:
        Misfit: A value in it can be changed and can't be frozen, or it is nested too deeply.
    """

    __slots__ = ("depth", "plan")
    depth: int
    """How many containers are nested in each other at most, this one included."""
    plan: object
    """The note of the last plan of a field that it was found to fit."""

    def __new__(cls, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), /) -> Self:
        """Return the items frozen."""
        frozen = super().__new__(cls)
        _set_depth(frozen, 1 + _fill(frozen, items if isinstance(items, Mapping) else dict(items), MAX_DEPTH - 1))
        _set_plan(frozen, None)
        return frozen

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), /) -> None:
        # It is filled when it is new: calling this once more must not change it.
        pass

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refusing(
        "a FrozenDict can't be changed: make a new one with frozen | {key: value}, or change thaw(frozen), a plain copy"
    )
    __setattr__ = __delattr__ = _refusing("a FrozenDict can't be changed: its keys are read as frozen['key']")

    def __or__(self, other: Any) -> Any:
        if not isinstance(other, dict):
            return NotImplemented
        return with_items(self, FrozenDict(other))

    def __ror__(self, other: Any) -> Any:
        return with_items(FrozenDict(other), self) if isinstance(other, dict) else NotImplemented

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none because it can change
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type["FrozenDict[K, V]"], tuple[dict[K, V]]]:
        return FrozenDict, (dict(self),)


class FrozenList(list[V]):
    """A list whose items are frozen all the way down; equal to the list it was made of, hashable if its items are.

    `frozen + [...]` is a new FrozenList; slices, `list(frozen)` and `frozen.copy()` are plain lists, `thaw(frozen)`
    is plain all the way down.

    Raises:
        Misfit: An item in it can be changed and can't be frozen, or it is nested too deeply.
    """

    __slots__ = ("depth", "plan")
    depth: int
    """How many containers are nested in each other at most, this one included."""
    plan: object
    """The note of the last plan of a field that it was found to fit."""

    def __new__(cls, items: Iterable[V] = (), /) -> Self:
        """Return the items frozen."""
        frozen = super().__new__(cls)
        list.extend(frozen, _frozen_items(items, MAX_DEPTH - 1))
        _set_depth_of_list(frozen, 1 + _deepest(frozen))
        _set_plan_of_list(frozen, None)
        return frozen

    def __init__(self, items: Iterable[V] = (), /) -> None:
        pass

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = remove = reverse = (
        sort
    ) = _refusing(
        "a FrozenList can't be changed: make a new one with frozen + [item], or change thaw(frozen), a plain copy"
    )
    __setattr__ = __delattr__ = _refusing("a FrozenList can't be changed")

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, list):
            return super().__add__(other)
        more = FrozenList(other)
        return frozen_list(super().__add__(more), max(self.depth, more.depth))

    def __mul__(self, times: SupportsIndex) -> "FrozenList[V]":
        return frozen_list(super().__mul__(times), self.depth)

    __rmul__ = __mul__

    def __hash__(self) -> int:  # type: ignore[override]  # a list has none because it can change
        return hash(tuple(self))

    def __reduce__(self) -> tuple[type["FrozenList[V]"], tuple[list[V]]]:
        return FrozenList, (list(self),)


_set_depth, _set_plan = FrozenDict.depth.__set__, FrozenDict.plan.__set__  # type: ignore[attr-defined]
_set_depth_of_list, _set_plan_of_list = FrozenList.depth.__set__, FrozenList.plan.__set__  # type: ignore[attr-defined]
_new_dict, _new_list = dict.__new__, list.__new__


def with_items(old: FrozenDict[K, V], new: FrozenDict[K, V], plan: object = None) -> FrozenDict[K, V]:
    """Return both in one, where `new` wins: a copy of `old`, of which only what is new is looked at."""
    both = _new_dict(FrozenDict)
    dict.update(both, old)
    dict.update(both, new)
    _set_depth(both, max(old.depth, new.depth))
    _set_plan(both, plan)
    return both


def without_key(old: FrozenDict[K, V], key: K, plan: object = None) -> FrozenDict[K, V]:
    """Return the others of its items."""
    rest = _new_dict(FrozenDict)
    dict.update(rest, old)
    dict.__delitem__(rest, key)
    _set_depth(rest, old.depth)
    _set_plan(rest, plan)
    return rest


def frozen_dict(items: Mapping[K, V], plan: object = None) -> FrozenDict[K, V]:
    """Return items that are frozen as a FrozenDict."""
    frozen = _new_dict(FrozenDict)
    dict.update(frozen, items)
    depth = 1 + _deepest(items.values())
    _set_depth(frozen, depth)
    _set_plan(frozen, plan)
    if depth > MAX_DEPTH:
        raise Misfit([TOO_DEEP])
    return frozen


def frozen_list(items: Iterable[V], depth: int | None = None, plan: object = None) -> FrozenList[V]:
    """Return items that are frozen as a FrozenList, without looking into them when their depth is known."""
    frozen = _new_list(FrozenList)
    list.extend(frozen, items)
    if depth is None:
        depth = 1 + _deepest(frozen)
    _set_depth_of_list(frozen, depth)
    _set_plan_of_list(frozen, plan)
    if depth > MAX_DEPTH:
        raise Misfit([TOO_DEEP])
    return frozen


Kept = TypeVar("Kept", bound=FrozenDict[Any, Any] | FrozenList[Any])


def fits(frozen: Kept, plan: object) -> Kept:
    """Return it with a note that it was found to fit a plan, so that this needn't be looked at again."""
    object.__setattr__(frozen, "plan", plan)
    return frozen


# Freezing ----------------------------------------------------------------------------------------------------------


def freeze(value: Any) -> Any:
    """Return `value` with every container in it replaced by one that can't be changed.

    Mappings become FrozenDicts; lists, deques and arrays FrozenLists; sets frozensets; bytearrays bytes. Tuples and
    frozen attrs values keep their class, with what they hold frozen. What is frozen already comes back as it is, and so
    do values of classes it doesn't know: whether those can change is for their class to say.

    Raises:
        Misfit: An attrs value in it is of a class that isn't frozen; or it is nested deeper than 100 containers, or
            holds itself.
    """
    return value if type(value) in ATOMS else _frozen(value, MAX_DEPTH)


ATOMS = frozenset({NoneType, bool, int, float, complex, str, bytes, Decimal, date, datetime, time, timedelta, UUID})
"""Classes whose values hold nothing that could change, found by a look at the exact class alone."""

TOO_DEEP = f"data nested deeper than {MAX_DEPTH} levels, or a container that holds itself"


def _frozen(value: Any, room: int) -> Any:
    """Return `value` frozen; it may have `room` levels of containers."""
    cls = type(value)
    if cls in ATOMS:
        return value
    if cls is FrozenDict or cls is FrozenList:
        if value.depth > room:
            raise Misfit([TOO_DEEP])
        return value
    how = _way(cls)
    if how is None:
        return value
    if room < 1:
        raise Misfit([TOO_DEEP])
    return how(value, room - 1)


def _frozen_at(key: object, value: Any, room: int) -> Any:
    try:
        return _frozen(value, room)
    except Misfit as misfit:
        raise _found_at(Key(key), misfit) from None


def _found_at(step: Any, misfit: Misfit) -> Misfit:
    """Return the misfit of the container; of what is too deep nobody wants to read the path."""
    if any(problem.what is TOO_DEEP for problem in misfit.problems):
        return misfit
    return Misfit(problem.under(step) for problem in misfit.problems)


def _fill(frozen: FrozenDict[Any, Any], items: Mapping[Any, Any], room: int) -> int:
    """Put items, frozen, into a new FrozenDict; return the greatest depth of its values."""
    if ATOMS.issuperset(map(type, items.values())):  # as mostly
        dict.update(frozen, items)
        return 0
    values = {key: item if type(item) in ATOMS else _frozen_at(key, item, room) for key, item in items.items()}
    dict.update(frozen, values)
    return _deepest(values.values())


def _frozen_items(items: Iterable[Any], room: int) -> list[Any]:
    plain = list(items)
    if ATOMS.issuperset(map(type, plain)):
        return plain
    return [item if type(item) in ATOMS else _frozen_at(index, item, room) for index, item in enumerate(plain)]


def _deepest(values: Iterable[Any]) -> int:
    """Return the greatest depth of some values that are frozen."""
    return max([depth_of(value) for value in values if type(value) not in ATOMS], default=0)


def depth_of(value: Any) -> int:
    """Return how many containers are nested in a frozen value at most, itself included."""
    cls = type(value)
    if cls is FrozenDict or cls is FrozenList:
        return int(value.depth)
    if isinstance(value, tuple | frozenset) and not isinstance(value, Enum):
        return 1 + _deepest(value)
    if attrs.has(cls) and not isinstance(value, BaseException):
        return 1 + _deepest([getattr(value, name, None) for name in attribute_names(cls)])
    return 0


def _mapping(value: Mapping[Any, Any], room: int) -> Any:
    frozen = _new_dict(FrozenDict)
    _set_depth(frozen, 1 + _fill(frozen, value, room))
    _set_plan(frozen, None)
    return frozen


def _list(value: Iterable[Any], room: int) -> Any:
    return frozen_list(_frozen_items(value, room))


def _tuple(value: tuple[Any, ...], room: int) -> Any:
    items = _frozen_items(value, room)
    return value if all(map(is_, items, value)) else _tuple_of(type(value), items, value)


def _tuple_of(cls: type[Any], items: list[Any], old: tuple[Any, ...]) -> Any:
    """Return other items in a tuple of the same class: a named tuple, or any that somebody has written."""
    if cls is tuple:
        return tuple(items)
    try:
        new = tuple.__new__(cls, items)
    except TypeError:  # one of those that are written in C: time.struct_time, os.stat_result
        return cls(items)
    for name, attribute in getattr(old, "__dict__", {}).items():
        setattr(new, name, attribute)
    return new


def _set(value: AbstractSet[Any], room: int) -> Any:
    plain = list(value)
    items = _frozen_items(plain, room)
    return value if isinstance(value, frozenset) and all(map(is_, items, plain)) else frozenset(items)


def _record_way(cls: type) -> Callable[[Any, int], Any]:
    names = attribute_names(cls)
    changeable = f"a value of class {cls.__qualname__} can be changed: declare its class with @attrs.frozen"

    def record(value: Any, room: int) -> Any:
        changed = dict[str, Any]()
        for name in names:
            try:
                old = getattr(value, name)
            except AttributeError:  # one without init and without default, that nobody has set
                continue
            if type(old) not in ATOMS:
                try:
                    new = _frozen(old, room)
                except Misfit as misfit:
                    raise _found_at(name, misfit) from None
                if new is not old:
                    changed[name] = new
        return with_attributes(value, changed) if changed else value

    def refuse(_: Any, __: int) -> NoReturn:
        raise Misfit([changeable])

    return record if is_frozen(cls) else refuse


def _bytes(value: Any, _: int) -> bytes:
    return bytes(value)


@of_class
def _way(cls: type) -> Callable[[Any, int], Any] | None:
    """Return how values of a class are frozen; None for those that are taken as they are."""
    if issubclass(cls, Enum | BaseException | type):
        return None
    if attrs.has(cls):
        return _record_way(cls)
    return next((freezing for kind, freezing in _WAYS if issubclass(cls, kind)), None)


_WAYS: tuple[tuple[Any, Callable[[Any, int], Any]], ...] = (
    (Mapping, _mapping),
    ((bytearray, memoryview), _bytes),
    (MutableSequence, _list),
    (tuple, _tuple),
    ((frozenset, MutableSet, KeysView, ItemsView), _set),
)


# attrs -------------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Frozen:
    """attrs gives all frozen classes one `__setattr__`: here is one to compare with."""


def is_frozen(cls: type) -> bool:
    """Whether `cls` is an attrs class whose values can't be changed."""
    return attrs.has(cls) and cls.__setattr__ is _Frozen.__setattr__


@of_class
def attribute_names(cls: type) -> tuple[str, ...]:
    """Return the attributes of an attrs class, those that its constructor doesn't take included."""
    return tuple(field.name for field in attrs.fields(cls))


def with_attributes(value: V, attributes: Mapping[str, object]) -> V:
    """Return a copy of an attrs value with other attributes, past its constructor."""
    changed = copy.copy(value)
    for name, new in attributes.items():
        object.__setattr__(changed, name, new)  # how attrs fills a frozen value, too
    return changed


# Thawing -----------------------------------------------------------------------------------------------------------


def thaw(value: Any) -> Any:
    """Return `value` with plain dicts, lists and sets, new ones, in place of all frozen ones."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    if isinstance(value, tuple) and not isinstance(value, Enum):
        items = [thaw(item) for item in value]
        return value if all(map(is_, items, value)) else _tuple_of(type(value), items, value)
    return set(value) if isinstance(value, AbstractSet) else value

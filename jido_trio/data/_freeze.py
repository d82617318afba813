"""Data that nobody can change: dicts, lists and sets as they are in JSON and Python, without their mutators.

A signal's data and an agent's state are shared by whoever holds them; frozen, they can be handed on without a copy.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any, NoReturn, SupportsIndex, TypeAlias, TypeVar

__all__ = ["FrozenDict", "FrozenList", "freeze", "thaw"]

K = TypeVar("K")
V = TypeVar("V")


def _refusing(remedy: str) -> Any:
    """Return a method in place of every mutator."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise TypeError(remedy)

    return refuse


def _refrozen(merged: Any) -> Any:
    return merged if merged is NotImplemented else FrozenDict(merged)


class FrozenDict(dict[K, V]):
    """A dict whose values are frozen all the way down; equal to the dict it was made of, hashable if its values are.

    `frozen | {...}` is a new FrozenDict; `dict(frozen)` and `frozen.copy()` are plain dicts, `thaw(frozen)` is plain
    all the way down.
    """

    __slots__ = ()

    def __init__(self, items: Mapping[K, V] | Iterable[tuple[K, V]] = (), /) -> None:
        super().__init__({key: freeze(value) for key, value in dict(items).items()})

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refusing(
        "a FrozenDict can't be changed: make a new one with frozen | {key: value}, or change thaw(frozen), a plain copy"
    )

    def __or__(self, other: Any) -> Any:
        return _refrozen(super().__or__(other))

    def __ror__(self, other: Any) -> Any:
        return _refrozen(super().__ror__(other))

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none because it can change
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type["FrozenDict[K, V]"], tuple[dict[K, V]]]:
        return FrozenDict, (dict(self),)


class FrozenList(list[V]):
    """A list whose items are frozen all the way down; equal to the list it was made of, hashable if its items are.

    `frozen + [...]` is a new FrozenList; slices, `list(frozen)` and `frozen.copy()` are plain lists, `thaw(frozen)`
    is plain all the way down.
    """

    __slots__ = ()

    def __init__(self, items: Iterable[V] = (), /) -> None:
        super().__init__(map(freeze, items))

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = remove = reverse = (
        sort
    ) = _refusing(
        "a FrozenList can't be changed: make a new one with frozen + [item], or change thaw(frozen), a plain copy"
    )

    def __add__(self, other: Any) -> Any:
        return FrozenList(super().__add__(other))

    def __mul__(self, times: SupportsIndex) -> "FrozenList[V]":
        return FrozenList(super().__mul__(times))

    __rmul__ = __mul__

    def __hash__(self) -> int:  # type: ignore[override]  # a list has none because it can change
        return hash(tuple(self))

    def __reduce__(self) -> tuple[type["FrozenList[V]"], tuple[list[V]]]:
        return FrozenList, (list(self),)


def freeze(value: Any) -> Any:
    """Return `value` with every dict, list, set and bytearray in it replaced by one that can't be changed.

    Frozen values come back as they are. So do values of classes it doesn't know, attrs values among them: whether
    those can change is for their class to say.
    """
    return value if type(value) in _FROZEN else _converted(value, _FREEZE)


def thaw(value: Any) -> Any:
    """Return `value` with plain dicts, lists and sets, new ones, in place of all frozen ones."""
    return _converted(value, _THAW)


Conversions: TypeAlias = tuple[tuple[type, Callable[[Any], Any]], ...]


def _converted(value: Any, conversions: Conversions) -> Any:
    for kind, convert in conversions:
        if isinstance(value, kind):
            return convert(value)
    return value


def _each(change: Callable[[Any], Any], values: tuple[Any, ...]) -> Any:
    # A named tuple takes its items one by one, and says so with this method.
    make = getattr(type(values), "_make", tuple)
    return make(change(value) for value in values)


_FROZEN = frozenset(
    {NoneType, bool, int, float, complex, str, bytes, frozenset, FrozenDict, FrozenList}
    | {Decimal, date, datetime, time, timedelta}
)
"""Classes whose values are frozen as they are, found by a look at the exact class alone."""

_FREEZE: Conversions = (
    (Mapping, FrozenDict),
    (list, FrozenList),
    (tuple, lambda values: _each(freeze, values)),
    (set, frozenset),
    (bytearray, bytes),
)
_THAW: Conversions = (
    (Mapping, lambda items: {key: thaw(value) for key, value in items.items()}),
    (list, lambda items: [thaw(item) for item in items]),
    (tuple, lambda values: _each(thaw, values)),
    (AbstractSet, set),
)

"""How the values of a field are made and changed, by what the field is declared as: the one path algebra.

A mapping merged onto a mapping or onto an attrs value goes in key by key; everything else, lists too, is replaced. A
path puts or cuts at its end, through mappings and attrs values alike. Only what is new is looked at: what was there has
been checked, so one key into a mapping of 100,000 costs a copy of it at most.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from operator import is_
from typing import Any, Protocol, cast

import attrs
from attrs import field, frozen

from jido_trio.data._codec import ITEMS, unexpected
from jido_trio.data._freeze import (
    FrozenDict,
    FrozenList,
    fits,
    freeze,
    frozen_dict,
    frozen_list,
    with_items,
    without_key,
)
from jido_trio.data._problem import Key, Misfit, Problem, Step, under


class Plan(Protocol):
    """How values of one declared type are made and changed. Whatever it returns is checked and frozen.

    Raises:
        Misfit: What was given doesn't fit.
    """

    def fit(self, value: Any, /) -> Any:
        """Return a value as a field keeps it: the very same if it can be."""
        ...

    def merge(self, old: Any, new: Any, /) -> Any:
        """Return what a field holds after `new` was merged onto `old`."""
        ...

    def replace(self, old: Any, new: Any, /) -> Any:
        """Return `new` as a field keeps it that held `old`: what they share has been looked at."""
        ...

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Return `old` with `new` at the end of a path; mappings on the way are made where missing."""
        ...

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Return `old` without what is at the end of a path that isn't empty; the same if nothing is there."""
        ...


def quick(plan: Plan) -> Plan:
    """Return the plan as functions that are written out use it: one without paths, that need not tell what is wrong."""
    return getattr(plan, "quick", plan)  # the plans below have one where it differs


@frozen
class Free:
    """Of no declared type: frozen and otherwise as it is; where there are attrs values, their own plans hold."""

    find: Callable[[type], Plan]
    """Returns the plan of an attrs class."""

    def fit(self, value: Any, /) -> Any:
        """Return it frozen."""
        return freeze(value)

    def merge(self, old: Any, new: Any, /) -> Any:
        """Merge by what there is."""
        if not isinstance(new, Mapping):
            return freeze(new)
        if isinstance(old, Mapping):
            items = {key: self._merged_at(key, old, item) for key, item in new.items()}
            return with_items(freeze(old), frozen_dict(items))
        return self.find(type(old)).merge(old, new) if _is_record(old) else freeze(new)

    def _merged_at(self, key: Hashable, old: Mapping[Hashable, Any], item: Any) -> Any:
        return under(Key(key), self.merge, old[key], item) if key in old else under(Key(key), freeze, item)

    def replace(self, _old: Any, new: Any, /) -> Any:
        """Return the new value frozen."""
        return freeze(new)

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Put by what there is; what is neither a mapping nor an attrs value gives way to a mapping."""
        if not path:
            return freeze(new)
        if _is_record(old):
            return self.find(type(old)).put(old, path, new)
        key, *rest = path
        there = freeze(old) if isinstance(old, Mapping) else _EMPTY
        return with_items(there, frozen_dict({key: under(Key(key), self.put, there.get(key), rest, new)}))

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Cut by what there is."""
        if _is_record(old):
            return self.find(type(old)).cut(old, path)
        key, *rest = path
        if not isinstance(old, Mapping) or key not in old:
            return old
        if not rest:
            return without_key(freeze(old), key)
        inner = under(Key(key), self.cut, old[key], rest)
        return old if inner is old[key] else with_items(freeze(old), frozen_dict({key: inner}))


_EMPTY: FrozenDict[Any, Any] = FrozenDict()


def _is_record(value: object) -> bool:
    return attrs.has(type(value)) and not isinstance(value, BaseException)


@frozen
class Fitted:
    """Of a type whose values are taken whole: made by one function, which freezes them."""

    fit: Callable[[Any], Any]
    free: Free

    def merge(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one, a mapping merged onto it."""
        return self.fit(self.free.merge(old, new) if isinstance(new, Mapping) else new)

    def replace(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one."""
        return old if new is old else self.fit(new)

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Put by what there is; the whole is checked then."""
        return self.fit(self.free.put(old, path, new) if path else new)

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Cut by what there is; the whole is checked then."""
        less = self.free.cut(old, path)
        return old if less is old else self.fit(less)


@frozen
class Maybe:
    """A value of another plan, or None."""

    plan: Plan

    @property
    def quick(self) -> Plan:
        """The same of the written out functions."""
        return Maybe(quick(self.plan))

    def fit(self, value: Any, /) -> Any:
        """Let None pass."""
        return None if value is None else self.plan.fit(value)

    def merge(self, old: Any, new: Any, /) -> Any:
        """Merge onto what is there; onto None nothing can be merged."""
        if new is None:
            return None
        return self.plan.fit(new) if old is None else self.plan.merge(old, new)

    def replace(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one."""
        return self.fit(new) if old is None or new is None else self.plan.replace(old, new)

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Put into what is there, or into a new value."""
        return None if new is None and not path else self.plan.put(old, path, new)

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Cut from what is there."""
        return None if old is None else self.plan.cut(old, path)


@frozen
class Entries:
    """A mapping, kept as a FrozenDict."""

    key: Plan
    value: Plan
    note: object = field(factory=object)
    """Is left with what was found to fit."""

    @property
    def quick(self) -> Plan:
        """The same of the written out functions."""
        return Entries(quick(self.key), quick(self.value), self.note)

    def fit(self, value: Any, /) -> Any:
        """Fit every key and every value."""
        if type(value) is FrozenDict and value.plan is self.note:
            return value
        if not isinstance(value, Mapping):
            raise Misfit([str(unexpected("an object", value))])
        return self._kept(value, self._each(value.items(), lambda _, item: self.value.fit(item)))

    def _kept(self, old: Mapping[Any, Any], items: dict[Any, Any]) -> FrozenDict[Any, Any]:
        same = type(old) is FrozenDict and len(old) == len(items)
        if same and all(map(is_, old.values(), items.values())) and all(map(is_, old, items)):
            return fits(cast("FrozenDict[Any, Any]", old), self.note)
        return frozen_dict(items, self.note)

    def _each(self, items: Iterable[tuple[Any, Any]], make: Callable[[Any, Any], Any]) -> dict[Any, Any]:
        made, wrong = dict[Any, Any](), list[Problem]()
        for key, item in items:
            try:
                own = self.key.fit(key)
                made[own] = make(own, item)
            except Misfit as misfit:
                wrong += [problem.under(Key(key)) for problem in misfit.problems]
        if wrong:
            raise Misfit(wrong)
        return made

    def merge(self, old: Any, new: Any, /) -> Any:
        """Merge the values of keys that are there, add the others."""
        if new is old:
            return old
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            return self.fit(new)
        old = self._there(old)

        def merged(key: Any, item: Any) -> Any:
            return self.value.merge(old[key], item) if key in old else self.value.fit(item)

        return with_items(old, frozen_dict(self._each(new.items(), merged)), self.note)

    def replace(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one."""
        if not (type(old) is FrozenDict is type(new) and old.plan is self.note is not new.plan):
            return self.fit(new)
        there = old.get
        others = {key: item for key, item in new.items() if there(key, old) is not item or type(key) is not str}
        try:
            items = self._each(others.items(), lambda _, item: self.value.fit(item))
        except Misfit:  # in its order among the others
            return self.fit(new)
        if not all(map(is_, items, others)):
            return self.fit(new)
        same = all(map(is_, items.values(), others.values()))
        return fits(new, self.note) if same else with_items(new, frozen_dict(items), self.note)

    def _there(self, old: Any) -> FrozenDict[Any, Any]:
        """Return what is there already: of a value that somebody has just made, it may be any mapping."""
        if type(old) is FrozenDict:
            return old
        return self.fit(old) if isinstance(old, Mapping) else _EMPTY

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Put into the value of a key."""
        if not path:
            return self.fit(new)
        there = self._there(old)
        first, *rest = path
        key = under(Key(first), self.key.fit, first)
        inner = under(Key(first), self.value.put, there.get(key), rest, new)
        return with_items(there, frozen_dict({key: inner}), self.note)

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Remove a key, or cut from its value."""
        first, *rest = path
        try:
            key = self.key.fit(first)
        except Misfit:  # no such key can be there
            return old
        if not isinstance(old, Mapping) or key not in old:
            return old
        old = self._there(old)
        if not rest:
            return without_key(old, key, self.note)
        inner = under(Key(first), self.value.cut, old[key], rest)
        return old if inner is old[key] else with_items(old, frozen_dict({key: inner}), self.note)


@frozen
class Items:
    """A list, tuple or set of equal items; the class of a tuple is kept where its items are."""

    kind: type
    """list, tuple or frozenset."""
    item: Plan
    note: object = field(factory=object)
    """Is left with what was found to fit."""

    @property
    def quick(self) -> Plan:
        """The same of the written out functions."""
        return Items(self.kind, quick(self.item), self.note)

    def fit(self, value: Any, /) -> Any:
        """Fit every item."""
        if type(value) is FrozenList and self.kind is list and value.plan is self.note:
            return value
        if not isinstance(value, ITEMS):
            raise Misfit([str(unexpected("a list", value))])
        old = list(value)
        items = fitted_items(old, [self.item] * len(old))
        return self._kept(value if all(map(is_, items, old)) else items)

    def _kept(self, items: Collection[Any]) -> Any:
        if self.kind is list:
            return fits(items, self.note) if type(items) is FrozenList else frozen_list(items, plan=self.note)
        return items if isinstance(items, self.kind) else self.kind(items)

    def merge(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one."""
        return self.replace(old, new)

    def replace(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one."""
        if new is old:
            return old
        if not isinstance(old, tuple | FrozenList) or not isinstance(new, tuple | list) or self.kind is frozenset:
            return self.fit(new)
        shared = len(old) if len(old) <= len(new) and all(map(is_, old, new)) else 0
        there = set[int]() if shared else set(map(id, old))
        try:
            items = [item if id(item) in there else self.item.fit(item) for item in new[shared:]]
        except Misfit:  # with its place among the others
            return self.fit(new)
        return self._kept(new if all(map(is_, items, new[shared:])) else [*new[:shared], *items])

    def put(self, _old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Put the whole; there is no path into a list."""
        return self.fit(_nested(path, new))

    def cut(self, old: Any, _path: Sequence[Hashable], /) -> Any:
        """Leave it as it is; there is no path into a list."""
        return old


@frozen
class Places(Items):
    """A tuple with a type for each place."""

    places: Sequence[Plan] = ()

    @property
    def quick(self) -> Plan:
        """The same of the written out functions."""
        return Places(tuple, self.item, self.note, [quick(each) for each in self.places])

    def fit(self, value: Any, /) -> Any:
        """Fit the items, each to its place."""
        if not isinstance(value, ITEMS):
            raise Misfit([str(unexpected("a list", value))])
        old = list(value)
        if len(old) != len(self.places):
            raise Misfit([str(unexpected(f"a list of {len(self.places)}", value))])
        items = fitted_items(old, self.places)
        return value if isinstance(value, tuple) and all(map(is_, items, old)) else tuple(items)

    def replace(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one."""
        return old if new is old else self.fit(new)


def fitted_items(values: Collection[Any], plans: Iterable[Plan]) -> list[Any]:
    """Return values fitted, each to its plan; the misfit tells all that is wrong."""
    items, wrong = list[Any](), list[Problem]()
    for index, (value, plan) in enumerate(zip(values, plans, strict=True)):
        try:
            items.append(plan.fit(value))
        except Misfit as misfit:
            wrong += [problem.under(Key(index)) for problem in misfit.problems]
    if wrong:
        raise Misfit(wrong)
    return items


def _nested(path: Sequence[Hashable], new: Any) -> Any:
    for key in reversed(path):
        new = {key: new}
    return new


def step_of(name: object) -> Step:
    """Return the step to a field; what is called a field by mistake may be anything."""
    return name if isinstance(name, str) else Key(name)

"""Bounds: what the validators of attrs say of a field, so that values are made within it, and not looked for.

Validators that aren't known say no afterwards, to values that were made in vain. So nothing here need be complete.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
from attrs import evolve, frozen, validators

LONGEST = 3
"""Items that a container has at most, unless its validator asks for more."""


@frozen
class Bounds:
    """What a value may be; None where nothing is said."""

    low: Any = None
    high: Any = None
    above_low: bool = False
    """Whether it must be more than `low`; else it may be `low`."""
    below_high: bool = False
    options: tuple[Any, ...] | None = None
    shortest: int = 0
    longest: int | None = None
    pattern: re.Pattern[str] | None = None
    whole: bool = False
    """Whether the pattern is of the whole text."""
    keys: Bounds | None = None
    items: Bounds | None = None
    unread: bool = False
    """Whether another validator has its say, too, of whom nothing is known."""
    hints: tuple[Any, ...] = ()
    """Values that the code of whoever has the field speaks of."""
    beside: tuple[Any, ...] = ()
    """Values that the code beside it speaks of."""
    zoned: bool = False
    """Whether times have a zone."""

    def of_part(self, part: Bounds | None) -> Bounds:
        """Return what a part of a container may be."""
        return evolve(part or NOWHERE, hints=self.hints, beside=self.beside, zoned=self.zoned)

    @property
    def sizes(self) -> tuple[int, int]:
        """The sizes of a container to generate."""
        most = max(self.shortest, LONGEST) if self.longest is None else min(self.longest, self.shortest + LONGEST)
        return self.shortest, most


NOWHERE = Bounds()


def bounds_of(validator: Any) -> Bounds:
    """Return what a validator of attrs says, as far as it is one of attrs' own."""
    bounds = NOWHERE
    for one in each_validator(validator):
        read = _READ.get(type(one))
        if read is not None:
            bounds = read(bounds, one)
        elif one is not None:
            bounds = evolve(bounds, unread=True)
    return bounds


def each_validator(validator: Any) -> Iterator[Any]:
    """Return the validators that one is made of."""
    if type(validator) is _AND:
        for one in validator._validators:  # noqa: SLF001 - attrs tells them in no other way
            yield from each_validator(one)
    elif type(validator) is _OPTIONAL:
        yield from each_validator(validator.validator)
    else:
        yield validator


def _number(bounds: Bounds, one: Any) -> Bounds:
    if one.compare_func in (operator.ge, operator.gt):
        if bounds.low is not None and bounds.low >= one.bound:
            return bounds
        return evolve(bounds, low=one.bound, above_low=one.compare_func is operator.gt)
    if bounds.high is not None and bounds.high <= one.bound:
        return bounds
    return evolve(bounds, high=one.bound, below_high=one.compare_func is operator.lt)


def _max_len(bounds: Bounds, one: Any) -> Bounds:
    return evolve(bounds, longest=one.max_length if bounds.longest is None else min(bounds.longest, one.max_length))


def _matches(bounds: Bounds, one: Any) -> Bounds:
    return evolve(bounds, pattern=one.pattern, whole=one.match_func.__name__ == "fullmatch")


def _iterable(bounds: Bounds, one: Any) -> Bounds:
    outside = bounds_of(one.iterable_validator)
    return evolve(_with_sizes(bounds, outside), items=bounds_of(one.member_validator))


def _mapping(bounds: Bounds, one: Any) -> Bounds:
    outside = bounds_of(one.mapping_validator)
    keys, items = bounds_of(one.key_validator), bounds_of(one.value_validator)
    return evolve(_with_sizes(bounds, outside), keys=keys, items=items)


def _with_sizes(bounds: Bounds, other: Bounds) -> Bounds:
    return evolve(bounds, shortest=max(bounds.shortest, other.shortest), longest=other.longest or bounds.longest)


def _sorted(options: Any) -> tuple[Any, ...]:
    """Return options in an order that doesn't depend on hashes."""
    return tuple(sorted(options, key=repr)) if isinstance(options, set | frozenset) else tuple(options)


def _no_validator(_: object, __: attrs.Attribute[Any], ___: object) -> None: ...


_AND: Any = type(validators.and_(_no_validator, _no_validator))
_OPTIONAL: Any = type(validators.optional(_no_validator))
_READ: Mapping[type, Callable[[Bounds, Any], Bounds]] = {
    type(validators.ge(0)): _number,
    type(validators.in_([0])): lambda bounds, one: evolve(bounds, options=_sorted(one.options)),
    type(validators.min_len(1)): lambda bounds, one: evolve(bounds, shortest=max(bounds.shortest, one.min_length)),
    type(validators.max_len(1)): _max_len,
    type(validators.matches_re("")): _matches,
    type(validators.deep_iterable(_no_validator)): _iterable,
    type(validators.deep_mapping(_no_validator, _no_validator)): _mapping,
}

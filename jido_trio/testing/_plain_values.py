"""Values of plain types, made within what validators say of them: numbers, texts, bytes, times, paths."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path, PurePath
from types import NoneType
from typing import Any, TypeAlias, get_origin
from weakref import WeakKeyDictionary

from attrs import evolve
from hypothesis import Phase, find, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import (
    HypothesisException,
    HypothesisWarning,
    InvalidArgument,
    NoSuchExample,
    ResolutionFailed,
    Unsatisfiable,
)

from jido_trio.core import Action
from jido_trio.testing._bounds import Bounds
from jido_trio.world import seeded

Values: TypeAlias = st.SearchStrategy[Any]


class NoValues(Exception):
    """No values can be made of a type."""


def plain_values(declared: Any, bounds: Bounds) -> Values:
    """Generate values of a type that holds no others.

    Raises:
        NoValues: None can be made.
    """
    make = _MADE.get(declared) if isinstance(declared, type) else None
    return known(declared) if make is None else make(bounds)


def known(declared: Any) -> Values:
    """Generate values of a type as Hypothesis knows it.

    Raises:
        NoValues: It doesn't; or they would be functions, which are nothing outside of the test that they are made in.
    """
    is_action = isinstance(declared, type) and issubclass(declared, Action)
    if is_action or Callable in (declared, get_origin(declared)):
        raise NoValues(declared)
    found = st.from_type(declared)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HypothesisWarning)  # that it makes only one value is no news
            found.validate()
    except (ResolutionFailed, InvalidArgument) as error:
        raise NoValues(declared) from error
    if not isinstance(declared, type) or issubclass(declared, Enum | bool | NoneType):
        return found
    made = _made_by(found)
    if not _some(declared, made):
        raise NoValues(declared)
    return made


@st.composite
def _made_by(draw: st.DrawFn, found: Values) -> Any:
    """Generate what a class makes of values that fit its annotations; it may refuse them, by whatever error."""
    try:
        return draw(found)
    except HypothesisException:
        raise
    except Exception:  # noqa: BLE001 - of whatever makes it
        reject()


def _some(declared: type, made: Values) -> bool:
    """Tell whether a class makes anything."""
    if declared not in _KNOWN:
        _KNOWN[declared] = _makes(made)
    return _KNOWN[declared]


_FEW = settings(max_examples=50, database=None, deadline=None, phases=[Phase.generate])
_KNOWN: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def _floats(bounds: Bounds) -> Values:
    low, high = (None if bound is None else float(bound) for bound in (bounds.low, bounds.high))
    floats = st.floats(
        low, high, allow_nan=False, allow_infinity=False, exclude_min=bounds.above_low, exclude_max=bounds.below_high
    )
    return floats | _integers(_hundredfold(bounds)).map(lambda hundredths: hundredths / 100)


def _hundredfold(bounds: Bounds) -> Bounds:
    """Return where hundredths are, which people have: no larger ones than they have, and none at a bound."""
    low = 0 if bounds.low is None else max(bounds.low, -_USUAL)
    high = low + _USUAL if bounds.high is None else min(bounds.high, _USUAL)
    return evolve(bounds, low=low * 100, high=high * 100, above_low=True, below_high=True)


_USUAL = 1000
"""Prices, weights and distances are seldom more."""


def _integers(bounds: Bounds) -> Values:
    low, high = bounds.low, bounds.high
    if low is not None:
        low = math.floor(low) + 1 if bounds.above_low else math.ceil(low)
    if high is not None:
        high = math.ceil(high) - 1 if bounds.below_high else math.floor(high)
    return st.nothing() if _crossed(low, high) else st.integers(low, high)


def _crossed(low: Any, high: Any) -> bool:
    return low is not None and high is not None and bool(low > high)


def _texts(bounds: Bounds) -> Values:
    if bounds.pattern is None:
        return st.text(min_size=bounds.shortest, max_size=bounds.longest)
    found = _matching(bounds.pattern, whole=bounds.whole)
    if not bounds.shortest and bounds.longest is None:
        return found
    fits = bounds.pattern.fullmatch if bounds.whole else bounds.pattern.search
    several = st.lists(found, min_size=1, max_size=max(2, bounds.shortest)).map("".join)
    cut = several.map(lambda text: text[: bounds.longest])
    return cut.filter(lambda text: len(text) >= bounds.shortest and fits(text) is not None)


@cache
def _matching(pattern: re.Pattern[str], *, whole: bool) -> Values:
    """Generate texts that match a pattern, of any letters, and of the few that it names, each of which counts then."""
    few = st.from_regex(pattern, fullmatch=whole, alphabet=st.sampled_from(sorted({*pattern.pattern, *_LETTERS})))
    any_letters = st.from_regex(pattern, fullmatch=whole)
    return any_letters | few if _makes(few) else any_letters


_LETTERS = "019aAzZ "


def _makes(values: Values) -> bool:
    """Tell whether some value can be made."""
    try:
        find(values.map(lambda _: True), bool, settings=_FEW, random=seeded(0).random)
    except (InvalidArgument, NoSuchExample, Unsatisfiable):
        return False
    return True


def _bytes(bounds: Bounds) -> Values:
    return st.binary(min_size=bounds.shortest, max_size=bounds.longest)


def _between(make: Callable[..., Values], **options: Any) -> Callable[[Bounds], Values]:
    """Return what makes values between bounds, if there are some."""

    def values(bounds: Bounds) -> Values:
        ends = {"min_value": bounds.low, "max_value": bounds.high}
        given = {name: end for name, end in ends.items() if end is not None}
        if _crossed(bounds.low, bounds.high):
            return st.nothing()
        return _open(make(**given, **(options if given else {})), bounds)

    return values


def _usual(make: Callable[..., Values], low: Any, high: Any, **options: Any) -> Callable[[Bounds], Values]:
    """Return the same, of values such as people have unless a bound says more: the year 9999 is no matter of most."""
    between = _between(make, **options)

    def values(bounds: Bounds) -> Values:
        if bounds.low is not None or bounds.high is not None:
            return between(bounds)
        return between(evolve(bounds, low=low, high=high))

    return values


def _open(values: Values, bounds: Bounds) -> Values:
    """Leave out the ends that are not meant."""
    left_out = [end for end, out in ((bounds.low, bounds.above_low), (bounds.high, bounds.below_high)) if out]
    return values.filter(lambda value: value not in left_out) if left_out else values


def _datetimes(bounds: Bounds) -> Values:
    """Generate times without a zone; with one, if the bounds have one, or perhaps, if a validator might ask for it."""
    ends = {"min_value": bounds.low, "max_value": bounds.high}
    given: dict[str, Any] = {name: end.replace(tzinfo=None) for name, end in ends.items() if isinstance(end, datetime)}
    zones = {end.tzinfo for end in ends.values() if isinstance(end, datetime) and end.tzinfo is not None}
    if _crossed(bounds.low, bounds.high):
        return st.nothing()
    if zones:
        return _open(st.datetimes(**given, timezones=st.sampled_from(sorted(zones, key=repr))), bounds)
    usual: dict[str, Any] = {"min_value": datetime(1900, 1, 1), "max_value": datetime(2100, 12, 31)}  # noqa: DTZ001 - of any zone
    if given:  # without a zone: one with a zone can't be compared with them
        return _open(st.datetimes(**given), bounds)
    if bounds.zoned:
        return st.datetimes(**usual, timezones=st.just(UTC))
    naive = st.datetimes(**usual)
    return naive | st.datetimes(timezones=st.just(UTC)) if bounds.unread else naive


def _paths(_: Bounds) -> Values:
    parts = st.lists(st.sampled_from(["a", "b.txt", "..", "\u00fc", "c d"]), max_size=3)
    return parts.map(lambda held: Path(*held))


_MADE: Mapping[type, Callable[[Bounds], Values]] = {
    float: _floats,
    int: _integers,
    str: _texts,
    bytes: _bytes,
    date: _usual(st.dates, date(1900, 1, 1), date(2100, 12, 31)),
    datetime: _datetimes,
    timedelta: _usual(st.timedeltas, timedelta(days=-3650), timedelta(days=3650)),
    Decimal: _usual(st.decimals, Decimal(-(10**12)), Decimal(10**12), allow_nan=False, allow_infinity=False),
    Fraction: _between(st.fractions),
    Path: _paths,
    PurePath: _paths,
}

"""Echoes: steps that name again what was named before. What two say by chance is seldom the same.

An agent is told of a cart, and then that this cart is gone, as its code is about: by chance it would be another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import attrs
from attrs import define, field
from hypothesis import strategies as st

from jido_trio.core import Action, Agent, Signal

Marks: TypeAlias = int
"""Which steps say something again: two bits for each."""

_BITS = 2
ALL_AGAIN: Marks = 1
"""Of one step: all that it names is named again."""
_NAMED = (str, int, float, bytes, date, datetime, Decimal, UUID)
"""Types of which a value may name something."""
_NUMBERS = (int, float, Decimal)
"""Of these two may well be of one type and have nothing in common."""
_ROOM = 3
"""So deep it is looked for values in a state."""


def marks(agent: Agent[Any], steps: Sequence[Any], overridden: Mapping[Any, Any]) -> st.SearchStrategy[Marks]:
    """Generate which steps say something again; none of them in half of the cases, or where none can."""
    each = int("10" * len(steps) or "0", 2)
    if all(one is other for one, other in zip(steps, echoed(agent, steps, each, overridden), strict=True)):
        return st.just(0)  # to choose would only make the same trial in several ways
    if len(steps) <= _FEW:
        return st.sampled_from((0, each))
    return st.just(0) | st.integers(0, (1 << _BITS * len(steps)) - 1)


_FEW = 2
"""Steps of which each says one thing again, or none does: more choices would make more trials that are alike."""


def echoed(agent: Agent[Any], steps: Sequence[Any], marks: Marks, overridden: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Return steps of which those that are marked name what the state holds, or a step before them has named.

    Args:
        agent: Who goes through them.
        steps: What it is told.
        marks: Of two bits for each step, the first says that all is named again, the second that just one thing is.
        overridden: The classes and fields that are generated as somebody has said, and so are left alone.
    """
    said, found = _Said(), list[Any]()
    said.of_state(agent.state)
    for step in steps:
        how = marks & ((1 << _BITS) - 1)
        marks >>= _BITS
        told = _again(step, said, overridden, most=None if how == 1 else 1) if how else step
        found.append(told)
        said.of_step(told)
    return tuple(found)


@define(eq=False)
class _Said:
    """What was named so far, the last of each name and of each type."""

    by_name: dict[tuple[str, type], Any] = field(factory=dict)
    by_type: dict[type, Any] = field(factory=dict)

    def of_state(self, state: Any) -> None:
        """Take what a state holds."""
        for one in attrs.fields(type(state)):
            self._held(one.name, getattr(state, one.name, None), _ROOM)

    def _held(self, name: str, value: Any, room: int) -> None:
        if type(value) in _NAMED:
            self.by_name.setdefault((name, type(value)), value)
        elif room and attrs.has(type(value)):
            for one in attrs.fields(type(value)):
                self._held(one.name, getattr(value, one.name, None), room - 1)
        elif room and isinstance(value, Mapping | AbstractSet | list | tuple):
            for item in sorted(value, key=repr)[:1] if isinstance(value, AbstractSet) else [*value][:1]:
                if type(item) in _NAMED:
                    self.by_type.setdefault(type(item), item)
                else:
                    self._held(name, item, room - 1)
            for item in [*value.values()][:1] if isinstance(value, Mapping) else ():
                self._held(name, item, room - 1)

    def of_step(self, step: Any) -> None:
        """Take what a step names."""
        for name, value in [*_params(step).items()][::-1]:
            if type(value) in _NAMED:
                self.by_name[name, type(value)] = self.by_type[type(value)] = value

    def like(self, name: str, value: Any) -> Any:
        """Return what was named of that name and type, or of that type, but for numbers; None if nothing was."""
        kind = type(value)
        return self.by_name.get((name, kind), None if kind in _NUMBERS else self.by_type.get(kind))


def _params(step: Any) -> Mapping[str, Any]:
    """Return what a step says, by name."""
    match step:
        case Action():
            return {str(one.alias): getattr(step, one.name) for one in _fields(type(step)) if one.init}
        case Signal(data=Mapping() as data):
            return data
        case (_, Mapping() as params, *_):
            return params
    return {}


def _again(step: Any, said: _Said, overridden: Mapping[Any, Any], *, most: int | None) -> Any:
    """Return a step that says again what was said; the step itself where that doesn't fit."""
    free = {name: value for name, value in _params(step).items() if not _is_overridden(step, name, overridden)}
    found = {name: other for name, value in free.items() if (other := said.like(name, value)) not in (None, value)}
    changed = dict([*found.items()][:most])
    if not changed:
        return step
    try:
        return _with(step, changed)
    except Exception:  # noqa: BLE001 - of a validator, or of a converter
        return step


def _with(step: Any, changed: Mapping[str, Any]) -> Any:
    if isinstance(step, Signal):
        return attrs.evolve(step, data={**_params(step), **changed})
    if isinstance(step, Action):
        return type(step)(**{**_params(step), **changed})
    action, params, *more = step
    action(**{**params, **changed})  # or it says no
    return (action, {**params, **changed}, *more)


def _is_overridden(step: Any, name: str, overridden: Mapping[Any, Any]) -> bool:
    if not overridden:
        return False
    if isinstance(step, Signal):
        return True
    cls = type(step) if isinstance(step, Action) else step[0]
    types = {str(one.alias): one.type for one in _fields(cls)}
    return cls in overridden or (cls, name) in overridden or types.get(name) in overridden


def _fields(cls: Any) -> tuple[attrs.Attribute[Any], ...]:
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cls)
    return fields

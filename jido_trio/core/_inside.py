"""The world inside of `cmd` and `receive`: the time is the signal's, ids and numbers follow from what they are given.

The same agent and signal make the same ids, in any process, under any seed of hashes. A signal is known by source and
id, as in CloudEvents: sent twice, it is the same event twice. So what an agent makes because it receives a signal is
known by the agent's id and by these two, in whatever state the signal finds it: who hears of the event twice hears of
what followed from it under the same ids. A command that `cmd` is given has no such name. There ids follow from all
that differs: the agent's id and state, the action with its parameters, the signal that caused it. So do numbers always.

No number is worth a walk through a large state. So of a state no more than 64 values are looked at, of a command 256:
each container shares what it was given among its items, and one with more items than that counts by their number. Most
states are smaller, and beside the large part of a large one something small changes as a rule.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from types import BuiltinFunctionType, FunctionType
from typing import Any, Protocol, TypeAlias

import attrs

from jido_trio.core._cloudevents import moment
from jido_trio.core._learned import Learned
from jido_trio.core._signal import Signal
from jido_trio.redact import shown, type_name
from jido_trio.world import Derived

OF_STATE, OF_COMMAND = 64, 256
"""So many values enter the ids at most. The outcome of a run is a command that has the run's id five levels deep."""


Way: TypeAlias = Callable[[Any, float], str]
"""Sketches a value, with its share."""


class Identified(Protocol):
    """What ids are made for."""

    @property
    def id(self) -> str:
        """Whose they are."""
        ...

    @property
    def state(self) -> Any:
        """In which state."""
        ...


class Inside(Derived):
    """The world in which an agent goes through a command, because of a signal.

    Args:
        agent: Whose world it is.
        command: None if it is what the signal leads to.
        signal: None if nothing caused the command.
    """

    __slots__ = ()
    _given: tuple[Identified, object, Signal | None]

    def basis(self) -> bytes:
        """Return what follows from all that is given; the parts after the agent's id have no zeros in them."""
        agent, command, signal = self._given
        cause = "" if signal is None else f"{signal.source}\0{signal.id}"
        wanted = "" if command is None else sketch(command, OF_COMMAND)
        return f"{agent.id}\0{cause}\0{wanted}\0{sketch(agent.state)}".encode("utf-8", "surrogatepass")

    def origin(self) -> bytes:
        """Return what ids follow from: the signal that is received, if one is."""
        agent, command, signal = self._given
        if command is not None or signal is None:
            return self.basis()
        return f"{agent.id}\0{signal.source}\0{signal.id}\0\0".encode("utf-8", "surrogatepass")

    def now(self) -> datetime:
        """Return the time of the signal."""
        signal = self._given[2]
        return _BEGINNING if signal is None or signal.time is None else moment(signal.time)


_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""The time in a `cmd` that no signal caused: any would do, as long as it is always the same."""


def sketch(value: Any, share: float = OF_STATE) -> str:
    """Return text that is the same for equal values in every process, of at most about `share` of their parts."""
    return _WAYS[type(value)](value, share)


def _way(cls: type[Any]) -> Way:
    """Return how the values of a class are sketched."""
    for kinds, way in _KINDS:
        if issubclass(cls, kinds):
            return way
    return _record(cls) if attrs.has(cls) else _other


def _record(cls: type[Any]) -> Way:
    kind, names = type_name(cls), [field.name for field in attrs.fields(cls) if field.eq]
    return lambda value, share: _listed(kind, [getattr(value, name) for name in names], share)


def _mapping(value: Any, share: float) -> str:
    return _listed("dict", value.items(), 2 * share, sorted)  # the keys go for nothing


def _list(value: Any, share: float) -> str:
    return _listed("list", value, share)


def _set(value: Any, share: float) -> str:
    return _listed("set", value, share, sorted)


def _error(value: Any, share: float) -> str:
    return _listed(type_name(type(value)), (value.args, vars(value)), share)


def _listed(
    kind: str, parts: Collection[Any], share: float, in_order: Callable[[list[str]], Iterable[str]] = iter
) -> str:
    if len(parts) > share:
        return f"{kind}[{len(parts)}]"
    each = share / (len(parts) or 1)
    return f"{kind}({','.join(in_order([_WAYS[type(part)](part, each) for part in parts]))})"


def _named(value: Any, _: float) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _text(value: Any, _: float) -> str:
    return repr(value) if len(value) <= _LONG else f"{value[:_LONG]!r}+{len(value)}"


def _other(value: Any, _: float) -> str:
    return _ADDRESS.sub("", shown(value, _LONG))


_KINDS: tuple[tuple[Any, Way], ...] = (
    (Mapping, _mapping),
    ((list, tuple), _list),
    (AbstractSet, _set),
    (BaseException, _error),
    ((type, FunctionType, BuiltinFunctionType), _named),
)
_WAYS: Learned[type, Way] = Learned(_way)
_WAYS |= {
    str: _text,
    bytes: _text,
    int: lambda value, _: hex(value),  # in decimal, Python refuses those of 4,300 digits
    float: lambda value, _: repr(value + 0.0),  # -0.0 equals 0.0
    bool: lambda value, _: repr(value),
    type(None): lambda *_: "None",
}
_LONG = 200
"""Characters of a text that enter, besides their number."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""Where an object lies in memory: what a `repr` that nobody wrote says, and no two processes agree on."""

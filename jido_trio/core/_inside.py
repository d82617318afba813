"""The world inside of `cmd`: its time is the signal's, its ids and numbers follow from what `cmd` was given.

The same agent, command and signal make the same ids, in any process, under any seed of hashes. What differs makes
different ones: the agent's id, the signal's source and id, the action and its parameters, the state. A signal is known
by source and id, as in CloudEvents: sent twice, it counts as the same.

No id is worth a walk through a large state. So of a state no more than 64 values are looked at, of a command 256: each
container shares what it was given among its items, and one with more items than that counts by their number. Most
states are smaller, and beside the large part of a large one something small changes as a rule.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from types import BuiltinFunctionType, FunctionType
from typing import Any, Protocol

import attrs

from jido_trio.core._cloudevents import moment
from jido_trio.core._signal import Signal
from jido_trio.redact import shown, type_name
from jido_trio.world import World, derived

OF_STATE, OF_COMMAND = 64, 256
"""So many values enter the ids at most. The outcome of a run is a command that has the run's id five levels deep."""


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


def inside(agent: Identified, command: object, signal: Signal | None) -> World:
    """Return the world in which `agent` goes through `command`, because of `signal`."""

    def basis() -> bytes:
        cause = () if signal is None else (signal.source, signal.id)
        return repr((agent.id, cause, sketch(command, OF_COMMAND), sketch(agent.state, OF_STATE))).encode()

    return derived(basis, lambda: _BEGINNING if signal is None or signal.time is None else moment(signal.time))


_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""The time in a `cmd` that no signal caused: any would do, as long as it is always the same."""


def sketch(value: Any, share: float = OF_STATE) -> str:
    """Return text that is the same for equal values in every process, of at most about `share` of their parts."""
    cls: type[Any] = type(value)
    atom = _ATOMS.get(cls)
    if atom is not None:
        return atom(value)
    if isinstance(value, Mapping):
        return _listed("dict", value.items(), 2 * share, sorted)  # the keys go for nothing
    if isinstance(value, list | tuple):
        return _listed("list", value, share)
    if isinstance(value, AbstractSet):
        return _listed("set", value, share, sorted)
    if isinstance(value, BaseException):
        return _listed(type_name(cls), (value.args, vars(value)), share)
    if attrs.has(cls):
        return _listed(type_name(cls), [getattr(value, field.name) for field in attrs.fields(cls) if field.eq], share)
    if isinstance(value, type | FunctionType | BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    return _ADDRESS.sub("", shown(value, _LONG))


def _listed(
    kind: str,
    parts: Collection[Any],
    share: float,
    in_order: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> str:
    if len(parts) > share:
        return f"{kind}[{len(parts)}]"
    each = share / max(len(parts), 1)
    return f"{kind}({','.join(in_order(sketch(part, each) for part in parts))})"


def _text(value: Any) -> str:
    return repr(value) if len(value) <= _LONG else f"{value[:_LONG]!r}+{len(value)}"


_ATOMS: Mapping[type, Callable[[Any], str]] = {
    str: _text,
    bytes: _text,
    int: hex,  # in decimal, Python refuses those of 4,300 digits
    float: lambda value: repr(value + 0.0),  # -0.0 equals 0.0
    bool: repr,
    type(None): repr,
}
_LONG = 200
"""Characters of a text that enter, besides their number."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""Where an object lies in memory: what a `repr` that nobody wrote says, and no two processes agree on."""

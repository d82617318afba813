"""Twins: equal values that are other objects, as they are when an agent is replayed, or was read from storage.

Equal sets may be gone through in another order, even in one process: it is that in which their items came, where two of
these have one place. And a text may be the very object that a constant of the code is, or just equal to it.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from attrs import frozen

from jido_trio.testing._hints import compared_constants

T = TypeVar("T")

EQUAL = "of an equal agent"
_TURNED = f"{EQUAL}, whose sets were filled the other way round"
_KIN = "where texts and numbers are the very constants that the code names"


@frozen(eq=False)
class Twin:
    """An agent and a step that are equal to those of a trial."""

    words: str
    """In what they are other."""
    agent: Any
    step: Any


def twins_of(agent: object, step: object, *, sets: bool) -> list[Twin]:
    """Return what is equal to an agent and a step, as far as these can be copied; `sets` if they hold some."""
    twin = Twin(_TURNED if sets else EQUAL, twin_of(agent, sets=sets), twin_of(step, sets=sets))
    found = [] if twin.agent is None or twin.step is None else [twin]
    kin = kin_of((agent, step))
    return found if kin is None else [*found, Twin(_KIN, *kin)]


def twin_of(value: T, *, sets: bool = True) -> T | None:
    """Return an equal value of other objects, whose sets are filled the other way round; None if it can't be copied.

    Args:
        value: Whatever is in a trial.
        sets: Whether there are some.
    """
    return _copied(value, _turned if sets else None)


def kin_of(value: T) -> T | None:
    """Return a twin with the constants of the code in the place of what is equal to them; None if nothing is."""
    if not _constants:
        return None
    found: list[int] = []

    def place(part: Any) -> int | None:
        at = _constants.get((type(part), part)) if type(part) in _PLAIN else None
        if at is not None:
            found.append(at)
        return at

    copied = _copied(value, place)
    return copied if found else None


def learn_constants(modules: Iterable[str]) -> None:
    """Have twins be made with what code in these modules compares by `is`."""
    for name in modules:
        module = sys.modules.get(name)
        for constant in () if module is None else compared_constants(module):
            if isinstance(constant, float) and not constant:
                continue  # the two noughts are equal, and other values
            _constants[type(constant), constant] = len(_objects)
            _objects.append(constant)


_PLAIN = (str, bytes, int, float)
_constants: dict[tuple[type, Any], int] = {}
_objects: list[Any] = []


def _turned(part: Any) -> Any:
    return (type(part), [*part][::-1]) if type(part) in (set, frozenset) and len(part) > 1 else None


def _copied(value: T, instead: Callable[[Any], Any] | None) -> T | None:
    try:
        if instead is None:
            same: T = pickle.loads(pickle.dumps(value))  # noqa: S301 - it is its own
            return same
        into = io.BytesIO()
        _Writer(into, instead).dump(value)
        return _Reader(io.BytesIO(into.getvalue())).load()  # type: ignore[no-any-return]  # it is its own
    except Exception:  # noqa: BLE001 - not everything that may be in a state can
        return None


class _Writer(pickle.Pickler):
    """Writes a value, and something else instead of some of its parts."""

    def __init__(self, into: io.BytesIO, instead: Callable[[Any], Any]) -> None:
        super().__init__(into)
        self.persistent_id = instead  # type: ignore[method-assign]  # no method: it is asked for each part


class _Reader(pickle.Unpickler):
    def persistent_load(self, what: Any) -> Any:
        if isinstance(what, int):
            return _objects[what]
        kind, items = what
        return kind(items)

"""What was found out about types, remembered as long as these live: programs make classes while they run.

An answer that doesn't lead to its class is kept beside it (`of_class`): the class is known by its `id`, and whoever
has the `id` after it is another. What forgets it is no function of Python's, to which an interrupt could come. One that
does would keep its class alive from there, so it is kept on the class itself (`Known`), and both go together. Types
that are no classes, `Box[int]`, have no place of their own: of these the last ones are remembered.
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Generic, TypeVar
from weakref import ref

T = TypeVar("T")

MANY = 1000
"""So many types that are no classes are remembered."""


def of_class(find: Callable[[Any], T]) -> Callable[[Any], T]:
    """Return `find`, asked once for each class; what it returns may not lead to the class."""
    known = dict[int, tuple[ref[type], T]]()

    @wraps(find)
    def found(cls: type) -> T:
        there = known.get(id(cls))
        if there is not None and there[0]() is cls:
            return there[1]
        answer = find(cls)
        known[id(cls)] = ref(cls, partial(known.pop, id(cls))), answer
        return answer

    return found


class Known(Generic[T]):
    """Answers by type; they may lead to the type."""

    def __init__(self, name: str) -> None:
        self._mark = f"__jido_{name}__"
        self._since = object()
        self._others = dict[Any, T]()

    def get(self, declared: Any) -> T | None:
        """Return what is known of a type."""
        known = getattr(declared, self._mark, None)
        if known is not None and known[0] is declared and known[1] is self._since:  # not of a base, nor forgotten
            answer: T = known[2]
            return answer
        return self._others.get(declared)

    def put(self, declared: Any, answer: T) -> None:
        """Remember it."""
        if isinstance(declared, type) and not getattr(declared, "_is_protocol", False):  # whose attributes count
            try:
                type.__setattr__(declared, self._mark, (declared, self._since, answer))
            except TypeError:  # it is one of Python's own, and lives as long as the process
                pass
            else:
                return
        if len(self._others) >= MANY:
            self._others.clear()
        self._others[declared] = answer

    def clear(self) -> None:
        """Forget everything."""
        self._since = object()
        self._others.clear()


__all__ = ["Known", "of_class"]

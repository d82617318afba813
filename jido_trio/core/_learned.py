"""What is worked out once for each class or signal type, and remembered within bounds. Imports nothing of ours."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Learned(dict[K, V], Generic[K, V]):
    """Values by key, each made when it is first asked for; of too many the oldest is forgotten."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[K], V]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: K) -> V:
        if len(self) >= _REMEMBERED:
            self.pop(next(iter(self)), None)
        made = self[key] = self._make(key)
        return made


_REMEMBERED = 4096
"""Signal types come from outside, so there may be any number of them."""

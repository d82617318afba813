"""The order in which Trio runs tasks, decided by us: the one place that knows the inside of Trio's run loop.

Trio gathers the tasks that can run, and runs each once; then it gathers again. In which order it runs those of a round
is chance. For tests it can sort them by age and have a random number generator of its own shuffle them
(`_ALLOW_DETERMINISTIC_SCHEDULING`, as pytest-trio asks for under Hypothesis). We stand in for that generator. Deadlines
that are equal are told apart by the addresses of their scopes; we stand in for `id`, too, and number them.

None of that is promised by Trio. So it is tried out before it is relied upon: see `order_is_known`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import trio
from trio.testing import MockClock

Task: TypeAlias = trio.lowlevel.Task
Order: TypeAlias = Callable[[list[Task]], list[Task]]
"""Given the tasks of a round, oldest first, returns them in the order in which they are to run."""

RUN_LOOP: Any = sys.modules.get("trio._core._run")
_NAMES = ("_ALLOW_DETERMINISTIC_SCHEDULING", "_r")


class _Shuffler:
    """Stands in for Trio's random number generator."""

    def __init__(self, order: Order, other: Any) -> None:
        self._order = order
        self._other = other

    def shuffle(self, batch: list[Task]) -> None:
        """Put the tasks of a round into the order wanted: Trio takes them from the end."""
        if len(batch) > 1:
            batch[:] = reversed(self._order(batch))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._other, name)


@contextmanager
def ordered_by(order: Order) -> Generator[None]:
    """Have `order` decide inside of the block, for all Trio runs of the process; where Trio isn't known, do nothing."""
    before = {name: getattr(RUN_LOOP, name, None) for name in _NAMES}
    if None in before.values():
        yield
        return
    numbers, counted = WeakKeyDictionary[Any, int](), count(1)

    def number(thing: Any) -> int:
        known = numbers.get(thing)
        if known is None:
            known = numbers[thing] = next(counted)
        return known

    RUN_LOOP._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001
    RUN_LOOP._r = _Shuffler(order, before["_r"])  # noqa: SLF001
    RUN_LOOP.id = number
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(RUN_LOOP, name, value)
        del RUN_LOOP.id


@cache
def order_is_known() -> bool:
    """Tell whether this version of Trio runs tasks in the order that it is told."""
    return all(_followed(backwards=backwards) for backwards in (False, True))


def _followed(*, backwards: bool) -> bool:
    ran: list[int] = []

    async def one(number: int) -> None:
        for _ in range(2):
            ran.append(number)
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(one, number)

    with ordered_by(lambda tasks: tasks[::-1] if backwards else tasks):
        trio.run(main, clock=MockClock())
    return ran == (list(reversed(range(4))) if backwards else list(range(4))) * 2

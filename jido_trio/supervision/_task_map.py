"""Results: a function mapped over items by supervised tasks, as many at once as its reader allows.

No task stands between the reader and the tasks that work: the reader itself takes items and starts tasks, when it asks
for a result. So it is ahead by `max_concurrency` items at most, and there is nothing to stop but the tasks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, Literal, Self, TypeAlias, TypeVar, get_args

import trio
from attrs import Attribute, define, field

from jido_trio import checks
from jido_trio.errors import InvalidDefinition, TaskTimedOut
from jido_trio.redact import shown
from jido_trio.supervision._task import Failed, Ok, Task, check_timeout, end

A = TypeVar("A")
T = TypeVar("T")

OnTimeout: TypeAlias = Literal["raise", "kill"]
"""What follows when an item takes too long: an exception from the loop, or a `Failed` among its results."""

Start: TypeAlias = Callable[[A, Callable[[Task[T]], None]], Task[T]]
"""Begins the task for an item; the function given is called when it is settled."""


def _check_concurrency(_: object, attribute: Attribute[int], value: object) -> None:
    checks.whole("", attribute.name, value, least=1)


def _check_on_timeout(_: object, attribute: Attribute[OnTimeout], value: object) -> None:
    if not (isinstance(value, str) and value in get_args(OnTimeout)):
        raise InvalidDefinition(
            f"on_timeout={shown(value)} must be 'raise' or 'kill' (a Failed among the results)",
            field="on_timeout",
            value=value,
        )


@define(eq=False, repr=False)
class Results(Generic[A, T]):
    """The results of `TaskSupervisor.map`: an async iterator, inside of its own `async with`.

    Entering the block is no checkpoint. Leaving it cancels what runs and waits until that has ended. Several tasks may
    read: each result goes to one of them.
    """

    _start: Start[A, T]
    _items: Iterator[A]
    max_concurrency: int = field(validator=_check_concurrency)
    ordered: bool = field(kw_only=True, validator=lambda *given: checks.flag("map", "ordered", given[2]))
    timeout: float | None = field(kw_only=True, validator=lambda *given: check_timeout(given[2]))
    on_timeout: OnTimeout = field(kw_only=True, validator=_check_on_timeout)
    _open: bool = field(default=False, init=False)
    _uncollected: dict[Task[T], None] = field(factory=dict, init=False)
    """The tasks whose result nobody has yet: those that run, and those that have ended."""
    _queue: deque[Task[T]] = field(factory=deque, init=False)
    """The tasks in the order of their results: of the items, or of the ends."""
    _no_more: Exception | None = field(default=None, init=False)
    """Why no more are started; raised after the last result."""
    _news: trio.Event = field(factory=trio.Event, init=False)
    """Set when the next one ends."""

    def __repr__(self) -> str:
        done = sum(task.done for task in self._uncollected)
        return f"<Results {len(self._uncollected) - done} running, {done} to collect>"

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False
        await trio.lowlevel.cancel_shielded_checkpoint()
        await end(list(self._uncollected))  # noqa: ASYNC102  # bounded by each task's shutdown

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Ok[T] | Failed:
        await trio.lowlevel.checkpoint()
        while True:
            self._fill()
            if self._queue and self._queue[0].done:
                return self._collect()
            if not self._uncollected:
                raise self._no_more or StopAsyncIteration
            await self._news.wait()

    def _fill(self) -> None:
        if not self._open:
            raise RuntimeError("results are there inside of their block only: async with tasks.map(...) as results")
        while self._no_more is None and len(self._uncollected) < self.max_concurrency:
            try:
                self._add(self._start(next(self._items), self._told))
            except StopIteration:
                self._no_more = StopAsyncIteration()
            except Exception as error:  # noqa: BLE001  # raised after the results of the items before
                self._no_more = error

    def _add(self, task: Task[T]) -> None:
        self._uncollected[task] = None
        if self.ordered:
            self._queue.append(task)

    def _told(self, task: Task[T]) -> None:
        if not self.ordered:
            self._queue.append(task)
        self._news.set()
        self._news = trio.Event()

    def _collect(self) -> Ok[T] | Failed:
        task = self._queue.popleft()
        del self._uncollected[task]
        outcome = task.outcome
        assert outcome is not None, task  # noqa: S101  # only those that are done are collected
        if self.on_timeout == "raise" and isinstance(outcome, Failed) and isinstance(outcome.error, TaskTimedOut):
            raise outcome.error
        return outcome

"""Requests that wait for their answers."""

from __future__ import annotations

import trio
from attrs import define, field

from jido_trio.supervision._events import CallResult, Closed


@define(eq=False)
class Answer:
    """Where the caller of a request waits."""

    arrived: trio.Event = field(factory=trio.Event)
    result: CallResult = field(factory=Closed)
    cause: BaseException | None = None
    """What failed, of a child that could not be started."""


@define(eq=False)
class Requests:
    """The requests of a supervisor, by number; 0 is for those that nobody waits for."""

    next_number: int = 1
    _open: dict[int, Answer] = field(factory=dict)
    unasked: CallResult | None = None
    """The last answer that nobody waits for."""

    def open(self) -> tuple[int, Answer]:
        """Return a new number, and where its answer will be."""
        number, self.next_number = self.next_number, self.next_number + 1
        answer = self._open[number] = Answer()
        return number, answer

    def answer(self, number: int, result: CallResult, cause: BaseException | None = None) -> None:
        """Tell the caller, if that still waits."""
        answer = self._open.pop(number, None)
        if answer is not None:
            answer.result, answer.cause = result, cause
            answer.arrived.set()
        elif not number:
            self.unasked = result

    def forget(self, number: int) -> None:
        """The caller waits no longer."""
        self._open.pop(number, None)

    def close(self) -> None:
        """Tell all callers that there will be no answer."""
        for number in list(self._open):
            self.answer(number, Closed())

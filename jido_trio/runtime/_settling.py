"""Settling: who waits until all is done that follows from a message to an agent.

What follows are its directives, the async actions they ask for, and what their outcomes lead to in turn. All of it is
done for the same signal, whose id tells it from the rest. A message is settled when directives for it have just been
carried out, no async action for it is under way, and no outcome of one waits. The life that it was handled in must see
it through: when that ends before, whoever waits is told so. Where the agent stops with it, the end is part of what
follows: who waits is told when it has ended, and its id is free.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import trio
from attrs import define, field, frozen
from outcome import Error, Value
from outcome import Outcome as Told

from jido_trio.core import Agent, Outcome, Signal
from jido_trio.errors import AgentCrashed, JidoError, NotSettled
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._messages import Outcome as OutcomeMessage
from jido_trio.terms import ExitKind

AgentT = TypeVar("AgentT", bound=Agent[Any])


@frozen
class Settled(Generic[AgentT]):
    """What came of a message, with all that followed from it."""

    agent: AgentT
    """The agent as it was when the last of it was done; messages of others may have come in between."""
    outcomes: tuple[Outcome, ...]
    """Of the async actions, in the order in which they ended."""
    incarnation: int
    """The life that did all of it."""


@define(eq=False)
class Waiter:
    """Who waits until one message is settled."""

    signal: str
    """Its id."""
    incarnation: int = 0
    """The life that has handled it; 0 while it waits."""
    under_way: dict[object, str] = field(factory=dict)
    """The async actions that aren't done, by name."""
    outcomes: list[Outcome] = field(factory=list)
    at_the_end: Settled[Any] | None = None
    """What it is told when the agent has ended, where that is all that is still to come."""
    told: Told[Settled[Any]] | None = None
    _task: trio.lowlevel.Task | None = None

    def tell(self, told: Told[Settled[Any]]) -> None:
        """Wake who waits; only the first that is told counts."""
        if self.told is None:
            self.told = told
            if self._task is not None:
                trio.lowlevel.reschedule(self._task)

    async def wait(self) -> Settled[Any]:
        """Return what it is told, or raise it."""
        if self.told is None:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._given_up)
        assert self.told is not None  # noqa: S101  # it is woken by that
        return self.told.unwrap()

    def _given_up(self, _: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


@define(eq=False)
class Settling:
    """Who waits at one agent until messages are settled; see `Belonging`."""

    _cell: Cell
    _waiters: list[Waiter] = field(factory=list)

    def began(self, job: object, signal: Signal, action: str) -> None:
        """Take note of an async action."""
        for waiter in self._waiters:
            if waiter.signal == signal.id:
                waiter.under_way[job] = action

    def ended(self, job: object, outcome: Outcome | None) -> None:
        """Take note of its end, of which the agent isn't told yet."""
        for waiter in self._waiters:
            if waiter.under_way.pop(job, None) is not None and outcome is not None:
                waiter.outcomes.append(outcome)

    def handled(self, signal: Signal) -> None:
        """Take note that the agent has handled a signal, or an outcome of it."""
        for waiter in self._waiters:
            if waiter.signal == signal.id and not waiter.incarnation:
                waiter.incarnation = self._cell.incarnation

    def done(self, signal: Signal) -> None:
        """Take note that directives for a signal have been carried out, or that there were none."""
        for waiter in self._waiters:
            if waiter.signal == signal.id and not waiter.under_way and not self._has_outcome(signal.id):
                settled = Settled(self._cell.agent, tuple(waiter.outcomes), waiter.incarnation)
                if self._cell.ending:
                    waiter.at_the_end = settled
                else:
                    waiter.tell(Value(settled))

    def _has_outcome(self, signal: str) -> bool:
        urgent = self._cell.mailbox.urgent or ()
        return any(isinstance(each, OutcomeMessage) and each.signal.id == signal for each in urgent)

    def cut_off(self, why: str) -> None:
        """Tell those whose message was handled that the life has ended before all was done."""
        for waiter in self._waiters:
            if waiter.incarnation and waiter.at_the_end is None:
                waiter.tell(Error(AgentCrashed(self._cell.id, waiter.incarnation, why)))

    @contextmanager
    def waiting(self, signal: Signal) -> Iterator[Waiter]:
        """Have one more wait while the block lasts."""
        waiter = Waiter(signal.id)
        self._waiters.append(waiter)
        try:
            yield waiter
        finally:
            self._waiters.remove(waiter)
            if not self._waiters and self._cell.settling is self:
                self._cell.settling = None
                self._cell.let_go(Settling)

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""
        self._tell_the_ended()
        self.cut_off("its life was ended")

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        self._tell_the_ended()
        refusal: JidoError = self._cell.refusal()
        for waiter in self._waiters:
            waiter.tell(Error(refusal))

    def _tell_the_ended(self) -> None:
        for waiter in self._waiters:
            if waiter.at_the_end is not None:
                waiter.tell(Value(waiter.at_the_end))


def settling_of(cell: Cell) -> Settling:
    """Return who waits at an agent."""
    settling = cell.kept(Settling)
    if settling is None:
        settling = Settling(cell)
        cell.keep(settling)
        cell.settling = settling
    return settling


def not_settled(cell: Cell, waiter: Waiter, seconds: float) -> NotSettled:
    """Return the error for who has waited too long."""
    return NotSettled(cell.id, seconds, tuple(waiter.under_way.values()))

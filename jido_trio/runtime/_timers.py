"""Timers of agents: signals that an agent sends itself for later. Schedule, CancelSchedule.

A schedule with a key can be replaced and cancelled until it is handled: one that is due, and waits in the mailbox, is
taken out of it. So a cancelled time-out is never heard, however busy the agent is.
"""

from __future__ import annotations

from collections.abc import Mapping

import trio
from attrs import define, field

from jido_trio.core import CancelSchedule, Schedule, Signal
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._clock import Timer
from jido_trio.runtime._inbox import Inbox
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._messages import Due
from jido_trio.terms import ExitKind

_FEW = 64
"""So many keys may be kept of schedules that have been handled, before they are looked through."""


@define(eq=False)
class Schedules:
    """The timers of one agent. They outlive its lives, and end with it."""

    _cell: Cell
    _pending: set[Timer] = field(factory=set)
    _to_come: dict[str, Timer] = field(factory=dict)
    """Those of them that have a key."""
    _due: dict[str, Due] = field(factory=dict)
    """What has come under a key, and may wait in the mailbox."""
    _sweep_at: int = _FEW

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, seconds: float, signal: Signal, key: str | None = None) -> None:
        """Send the agent `signal` in so many seconds, in the place of what has that key."""
        if key is not None:
            self.cancel(key)
        message = Due(signal)

        def fire() -> None:
            self._pending.discard(timer)
            if key is not None:
                del self._to_come[key]
                self._is_due(key, message)
            if not self._pending and not self._due:
                self._cell.let_go(Schedules)
            self._cell.put(message)

        timer = self._cell.instance.timers.after(seconds, fire)
        self._pending.add(timer)
        if key is not None:
            self._to_come[key] = timer

    def cancel(self, key: str) -> None:
        """Cancel what has that key, if it hasn't been handled."""
        timer, message = self._to_come.pop(key, None), self._due.pop(key, None)
        if timer is not None:
            timer.cancel()
            self._pending.discard(timer)
        if message is not None:
            self._cell.mailbox.take_back(message)

    def is_scheduled(self, key: str) -> bool:
        """Tell whether there is one with that key, which may be due, and handled since."""
        return key in self._to_come or key in self._due

    def _is_due(self, key: str, message: Due) -> None:
        if len(self._due) >= self._sweep_at:
            waiting = set(map(id, self._cell.mailbox.urgent or ()))
            self._due = {key: one for key, one in self._due.items() if id(one) in waiting}
            self._sweep_at = _FEW + 2 * len(self._due)
        self._due[key] = message

    def inspect(self) -> Mapping[str, object]:
        """Return the seconds until each is due."""
        now = trio.current_time()
        return {"timers": sorted(timer.due - now for timer in self._pending)}

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        for timer in self._pending:
            timer.cancel()
        self._pending.clear()
        self._to_come.clear()
        self._due.clear()


def is_scheduled(cell: Cell, key: str) -> bool:
    """Tell whether an agent, durable or not, has a schedule with that key, which may be due and wait in its mailbox."""
    return any(each.is_scheduled(key) for each in (cell.kept(Schedules), cell.kept(Inbox)) if each is not None)


@interpret.register
def _(directive: Schedule, runtime: Runtime) -> None:
    schedules = runtime.cell.kept(Schedules)
    if schedules is None:
        schedules = Schedules(runtime.cell)
        runtime.cell.keep(schedules)
    schedules.add(directive.delay, directive.message, directive.key)


@interpret.register
def _(directive: CancelSchedule, runtime: Runtime) -> None:
    schedules = runtime.cell.kept(Schedules)
    if schedules is not None:
        schedules.cancel(directive.key)

"""Timers of agents: signals that an agent sends itself for later. Schedule."""

from __future__ import annotations

from attrs import define, field

from jido_trio.core import Schedule, Signal
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._clock import Timer
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._mailbox import Own
from jido_trio.terms import ExitKind


@define(eq=False)
class Schedules:
    """The timers of one agent. They outlive its lives, and end with it."""

    _cell: Cell
    _pending: set[Timer] = field(factory=set)

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, seconds: float, signal: Signal) -> None:
        """Send the agent `signal` in so many seconds."""

        def fire() -> None:
            self._pending.discard(timer)
            if not self._pending:
                self._cell.let_go(Schedules)
            self._cell.put(Own(signal))

        timer = self._cell.instance.timers.after(seconds, fire)
        self._pending.add(timer)

    def up(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        for timer in self._pending:
            timer.cancel()
        self._pending.clear()


@interpret.register
def _(directive: Schedule, runtime: Runtime) -> None:
    schedules = runtime.cell.kept(Schedules)
    if schedules is None:
        schedules = Schedules(runtime.cell)
        runtime.cell.keep(schedules)
    schedules.add(directive.delay, directive.message)

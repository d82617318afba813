"""Cron: the jobs of agents that aren't durable. Cron, CronCancel.

A job has one next time. When it has come, the tick is put into the mailbox, and the next time is found: what came
meanwhile was missed. Where a tick of the job still waits in the mailbox, another is put in only if all are wanted: an
agent that is busy has one to catch up with, not a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from jido_trio.core import Agent, Cron, CronCancel, tick
from jido_trio.core.inner import comes_at, first_due, is_same_job, next_due
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._clock import DayTimer
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._messages import Due
from jido_trio.terms import ExitKind


@define(eq=False)
class _Job:
    cron: Cron
    due: float
    """Its next time, in seconds since 1970."""
    timer: DayTimer | None = None
    waiting: Due | None = None
    """Its last tick, which may wait in the mailbox."""


@define(eq=False)
class Jobs:
    """The jobs of one agent. They outlive its lives, and end with it."""

    _cell: Cell
    _jobs: dict[str, _Job] = field(factory=dict)

    def add(self, cron: Cron) -> None:
        """Begin a job, in the place of what has its key; one that says the same goes on.

        Raises:
            InvalidDefinition: It never comes any more.
        """
        known = self._jobs.get(cron.key)
        if known is not None and is_same_job(known.cron, cron):
            return
        job = _Job(cron, first_due(cron, self._now()))
        self.cancel(cron.key)
        self._jobs[cron.key] = job
        self._arm(job)

    def cancel(self, key: str) -> None:
        """End the job with that key, and take back its tick, if it hasn't been handled."""
        job = self._jobs.pop(key, None)
        if job is None:
            return
        if job.timer is not None:
            job.timer.cancel()
        if job.waiting is not None:
            self._cell.mailbox.take_back(job.waiting)

    def change(self, before: type[Agent[Any]], after: type[Agent[Any]]) -> None:
        """Have the jobs of another class, in the place of those of the one before."""
        declared = {cron.key for cron in after.schedules}
        for cron in before.schedules:
            if cron.key not in declared:
                self.cancel(cron.key)
        for cron in after.schedules:
            self.add(cron)

    def _arm(self, job: _Job) -> None:
        at = comes_at(self._cell.id, job.cron, job.due)
        job.timer = self._cell.instance.timers.at_time(at, self._now, lambda: self._come(job))

    def _come(self, job: _Job) -> None:
        cron, cell = job.cron, self._cell
        waits = any(one is job.waiting for one in cell.mailbox.urgent or ())
        message = Due(tick(cell.id, cron, job.due)) if cron.missed == "all" or not waits else None
        job.due = next_due(cron, job.due, max(self._now(), job.due))
        self._arm(job)
        if message is not None:
            job.waiting = message
            cell.put(message)

    def _now(self) -> float:
        return self._cell.instance.world.now().timestamp()

    def inspect(self) -> Mapping[str, object]:
        """Return when each comes next."""
        return {"jobs": {key: datetime.fromtimestamp(job.due, UTC).isoformat() for key, job in self._jobs.items()}}

    def up(self) -> None:
        """See `Belonging`. Those of the class begin."""
        for cron in type(self._cell.initial).schedules:
            self.add(cron)

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        for job in self._jobs.values():
            if job.timer is not None:
                job.timer.cancel()
        self._jobs.clear()


def jobs_of(cell: Cell) -> Jobs:
    """Return the jobs of an agent."""
    jobs = cell.kept(Jobs)
    if jobs is None:
        jobs = Jobs(cell)
        cell.keep(jobs)
    return jobs


@interpret.register
def _(directive: Cron, runtime: Runtime) -> None:
    jobs_of(runtime.cell).add(directive)


@interpret.register
def _(directive: CronCancel, runtime: Runtime) -> None:
    jobs = runtime.cell.kept(Jobs)
    if jobs is not None:
        jobs.cancel(directive.key)

"""Worker: one thread that does what tasks ask for, and does together what has come meanwhile.

A job can be withdrawn until the thread takes it. From then on its caller waits, cancelled or not: the disk decides. So
whatever happens in the thread, those whose jobs it has taken are told, and the thread goes on.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import outcome
import trio
from attrs import define, field

GROUP = 256
"""So many jobs are done together at most."""

Work: TypeAlias = Callable[[Any], Any]
"""What a job does with the connection of the thread."""


@define(eq=False)
class Job:
    """What one caller waits for."""

    work: Work
    task: trio.lowlevel.Task
    taken: threading.Lock = field(factory=threading.Lock)
    """Whoever gets it decides: the thread that does the job, or the caller that withdraws it."""


Done: TypeAlias = list[tuple[Job, outcome.Outcome[Any]]]
"""Jobs, each with its answer or its error."""


@define(eq=False)
class Worker:
    """The jobs of one thread."""

    _jobs: queue.SimpleQueue[Job | None] = field(factory=queue.SimpleQueue)
    _loop: trio.lowlevel.TrioToken = field(factory=trio.lowlevel.current_trio_token)

    @trio.lowlevel.enable_ki_protection  # Ctrl-C after the job was put, and not yet waited for, would leave it there
    async def ask(self, work: Work) -> Any:
        """Have the thread do `work`, and return what it returns."""
        job = Job(work, trio.lowlevel.current_task())

        def withdraw(_: object) -> trio.lowlevel.Abort:
            withdrawn = job.taken.acquire(blocking=False)
            return trio.lowlevel.Abort.SUCCEEDED if withdrawn else trio.lowlevel.Abort.FAILED

        self._jobs.put(job)
        return await trio.lowlevel.wait_task_rescheduled(withdraw)

    def close(self) -> None:
        """Have the thread end when it has done the jobs that are there."""
        self._jobs.put(None)

    def serve(self, do: Callable[[list[Job]], Done]) -> None:
        """Be the thread: do jobs, in groups, until `close`."""
        over = False
        while not over:
            group, over = self._next_group()
            if group:
                self._loop.run_sync_soon(_deliver, _done(do, group))

    def _next_group(self) -> tuple[list[Job], bool]:
        group: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            if job.taken.acquire(blocking=False):
                group.append(job)
            if len(group) == GROUP:
                return group, False
            try:
                job = self._jobs.get_nowait() if group else self._jobs.get()
            except queue.Empty:
                return group, False
        return group, True


def _done(do: Callable[[list[Job]], Done], group: list[Job]) -> Done:
    done = outcome.capture(do, group)
    if isinstance(done, outcome.Error):  # a bug of the storage's: without an answer they would wait for ever
        return [(job, outcome.Error(done.error)) for job in group]
    return done.value


def _deliver(done: Done) -> None:
    for job, result in done:
        trio.lowlevel.reschedule(job.task, result)

"""Tasks of agents: actions that have effects. RunInstruction, CancelRun.

An async action runs in a task of the life that asked for it, outside of `cmd`, beside the others or in a lane. What
came of it goes through `cmd` as a message of its own, in that life and in no other. The next life is told, by a
`jido.instruction.interrupted` for each, which actions of former lives were under way or waited for their turn, or were
done and not yet told of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from attrs import define, field

from jido_trio.core import CancelRun, Instruction, RunInstruction, Signal
from jido_trio.core import Outcome as CoreOutcome
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._job import Job
from jido_trio.runtime._lanes import start
from jido_trio.runtime._messages import News, Outcome
from jido_trio.runtime._progress import Listeners
from jido_trio.terms import ExitKind
from jido_trio.world import using

SHOWN = 10
"""So many of an agent's async actions are named where it is looked at."""


@define(eq=False)
class UnderWay:
    """The async actions of the current life of an agent, in the order in which they were asked for."""

    _cell: Cell
    _jobs: dict[Job, None] = field(factory=dict)

    def start(
        self,
        directive: RunInstruction,
        runtime: Runtime,
        tell: Callable[[Instruction], None],
        on_begun: Callable[[], None] | None = None,
    ) -> None:
        """Run one that is asked for now, or let it wait in its lane."""

        def told(instruction: Instruction) -> None:
            self._jobs.pop(job, None)
            tell(instruction)
            self._ended(job, instruction.params["outcome"])
            if self._cell.settling is not None:
                self._cell.settling.ended(job, instruction.params["outcome"])

        job = Job(directive, runtime, self._cell.incarnation, told, on_begun)
        self._jobs[job] = None
        if self._cell.settling is not None:
            self._cell.settling.began(job, runtime.signal, job.name)
        start(job)

    def cancel(self, asked: CancelRun) -> None:
        """Cancel those that are asked for."""
        for job in list(self._jobs):
            named = job.directive.instruction.id if asked.tag is None else job.directive.tag
            if named == (asked.id if asked.tag is None else asked.tag):
                job.cancel(asked.reason)

    def _ended(self, job: Job, outcome: CoreOutcome | None) -> None:
        listeners = self._cell.kept(Listeners)
        if listeners is not None:
            listeners.tell(job, job.update(outcome=outcome, ended=True))

    def inspect(self) -> Mapping[str, object]:
        """Return how far the first of them are."""
        return {"actions": [job.inspect() for job in islice(self._jobs, SHOWN)]}

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`. The new life is told of those of former lives before anything else that waits."""
        jobs, self._jobs = self._jobs, {}
        for job in jobs:
            self._ended(job, None)
        now = self._cell.incarnation
        done = [each for each in self._cell.mailbox.urgent or () if isinstance(each, Outcome)]
        told = [self._interrupted(job) for job in jobs if not job.is_kept]
        told += [self._untold(each) for each in done if not each.record and each.incarnation < now]
        for number, signal in enumerate(told):
            self._cell.mailbox.put_early(News(signal), number)

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""

    def _interrupted(self, job: Job) -> Signal:
        asked = job.directive
        return self._told(
            asked.instruction, asked.meta, None, job.runtime.signal, job.incarnation, begun=job.begun is not None
        )

    def _untold(self, message: Outcome) -> Signal:
        outcome: CoreOutcome = message.instruction.params["outcome"]
        return self._told(outcome.instruction, outcome.meta, outcome, message.signal, message.incarnation, begun=True)

    def _told(
        self,
        instruction: Instruction,
        meta: Mapping[str, Any],
        outcome: CoreOutcome | None,
        signal: Signal,
        incarnation: int,
        *,
        begun: bool,
    ) -> Signal:
        data = {
            "id": instruction.id,
            "action": instruction.action_class.name,
            "instruction": instruction,
            "outcome": outcome,
            "meta": meta,
            "incarnation": incarnation,
            "signal": signal.id,
            "begun": begun,
        }
        with using(self._cell.instance.world):
            return Signal("jido.instruction.interrupted", data, source=self._cell.instance.source)


def under_way(cell: Cell) -> UnderWay:
    """Return what keeps account of the agent's async actions."""
    kept = cell.kept(UnderWay)
    if kept is None:
        kept = UnderWay(cell)
        cell.keep(kept)
    return kept


@interpret.register
def _(directive: RunInstruction, runtime: Runtime) -> None:
    cell, signal = runtime.cell, runtime.signal
    incarnation = cell.incarnation
    under_way(cell).start(directive, runtime, lambda tell: cell.put(Outcome(signal, tell, incarnation)))


@interpret.register
def _(directive: CancelRun, runtime: Runtime) -> None:
    under_way(runtime.cell).cancel(directive)

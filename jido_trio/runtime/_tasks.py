"""Tasks of agents: actions that have effects. RunInstruction.

An async action runs in a task of the life that asked for it, outside of `cmd`, beside the others or in a lane. What
came of it goes through `cmd` as a message of its own, in that life and in no other. The next life is told, by a
`jido.instruction.interrupted` for each, which actions of former lives were under way or waited for their turn, or were
done and not yet told of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from jido_trio.core import Instruction, RunInstruction, Signal
from jido_trio.core import Outcome as CoreOutcome
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._job import Job
from jido_trio.runtime._lanes import start
from jido_trio.runtime._mailbox import News, Outcome
from jido_trio.terms import ExitKind
from jido_trio.world import using


@define(eq=False)
class UnderWay:
    """The async actions of the current life of an agent, in the order in which they were asked for."""

    _cell: Cell
    _jobs: dict[Job, None] = field(factory=dict)

    def start(self, directive: RunInstruction, runtime: Runtime) -> None:
        """Run one that is asked for now, or let it wait in its lane."""
        incarnation = self._cell.incarnation

        def tell(instruction: Instruction) -> None:
            self._jobs.pop(job, None)
            self._cell.put(Outcome(runtime.signal, instruction, incarnation))

        job = Job(directive, runtime, incarnation, tell)
        self._jobs[job] = None
        start(job)

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`. The new life is told of those of former lives before anything else that waits."""
        jobs, self._jobs = self._jobs, {}
        done = [each for each in self._cell.mailbox.urgent or () if isinstance(each, Outcome)]
        told = [self._interrupted(job) for job in jobs]
        told += [self._untold(each) for each in done if each.incarnation < self._cell.incarnation]
        for number, signal in enumerate(told):
            self._cell.mailbox.put_early(News(signal), number)

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""

    def _interrupted(self, job: Job) -> Signal:
        asked = job.directive
        return self._told(asked.instruction, asked.meta, None, job.runtime.signal, job.incarnation, begun=job.begun)

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


@interpret.register
def _(directive: RunInstruction, runtime: Runtime) -> None:
    under_way = runtime.cell.kept(UnderWay)
    if under_way is None:
        under_way = UnderWay(runtime.cell)
        runtime.cell.keep(under_way)
    under_way.start(directive, runtime)

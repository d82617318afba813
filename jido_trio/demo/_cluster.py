"""The cluster: a coordinator that has the work list, and workers that read. All agents and actions of the demo.

    coordinator ── document.given ──► worker        read this one
    coordinator ◄─ document.read ──── worker        what it says, or why nobody can read it
    coordinator ◄── Replace(...) ──── supervisor    the worker is gone; its next life finds the answer in its mailbox

Nothing is lost, whatever crashes. A document leaves the list only when it is settled, and the coordinator hears of each
crash. Should it crash itself, it begins anew with the whole list: documents are read twice then, which harms nobody. A
durable one goes on where it was, in another process if need be.
"""

from collections.abc import Iterable

from jido_trio.core import (
    Action,
    Agent,
    Context,
    Durable,
    Effect,
    Emit,
    Instruction,
    Outcome,
    Result,
    RunInstruction,
    ToAgent,
    emit_to,
)
from jido_trio.demo._amounts import Amounts, largest_of_each
from jido_trio.demo._facts import Facts
from jido_trio.demo._pool import Readers
from jido_trio.demo._work import Desk, Settled, Work

COORDINATOR = "coordinator"


class Read(Action):
    """Reads a file. It is async, so it runs beside the agent; the process that reads dies with the worker.

    How far it is can be seen: in the live view, and by `jido-trio inspect --agent worker-1`.
    """

    path: str

    async def run(self, context: Context[object]) -> Facts:
        return await context.resources[Readers].read(self.path, context.progress)


class Take(Action):
    """Begins with a document: has it read, then summarised. Given twice, with a kill in between, it is read once."""

    path: str
    careful: bool = False

    def run(self, context: Context[Desk]) -> Result:
        desk = Desk(self.path, self.careful)
        if context.state == desk:
            return None
        summarise = SummariseCarefully if self.careful else Summarise
        return desk, RunInstruction(Instruction(Read(path=self.path)), result_action=summarise, meta={"desk": desk})


class Summarise(Action):
    """Tells the coordinator what came of `Read`, unless a former life began with it: it was given out again.

    It has a bug: it assumes that a document names one currency. Minutes with pounds and euros crash the worker.
    """

    outcome: Outcome

    def run(self, context: Context[Desk]) -> Result:
        desk, facts, error = context.state, self.outcome.result, self.outcome.error
        if self.outcome.meta["desk"] != desk:
            return None
        if error is None:
            told = {"facts": facts, "largest": self.largest(facts.amounts)}
        else:
            told = {"refused": getattr(error, "reason", error.message)}
        read = {"worker": context.agent.id, "path": desk.path, **told}
        # The worker waits for room in the coordinator's mailbox, however many workers there are.
        return Desk(), Emit("document.read", read, dispatch=ToAgent(COORDINATOR), when_full="wait")

    def largest(self, amounts: Amounts) -> tuple[str, ...]:
        if not amounts:
            return ()
        (_the_only_one,) = {currency for currency, _ in amounts}
        return largest_of_each(amounts)


class SummariseCarefully(Summarise):
    """Tells it where `Summarise` crashed: currency by currency."""

    def largest(self, amounts: Amounts) -> tuple[str, ...]:
        return largest_of_each(amounts)


class Worker(Agent[Desk], routes={"document.given": Take}):
    """Reads one document at a time."""


def give(work: Work, worker: str, settled: Iterable[Effect] = ()) -> Result:
    """Give the worker the next document, if there is one, and tell what is settled."""
    work = work.give(worker)
    job = work.at[worker]
    given = [emit_to(worker, "document.given", {"path": job.path, "careful": job.careful})] if job else []
    # Only what changed: the list of all documents is long, and whatever an action returns is checked.
    return {"given": work.given, "again": work.again, "at": work.at}, [*settled, *given]


class Start(Action):
    """A process begins with the list, or goes on with it. Its workers are new, and are hired next."""

    def run(self, context: Context[Work]) -> Result:
        work = context.state.started()
        return {"again": work.again, "at": work.at, "starts": work.starts}

    def reply(self, agent: "Coordinator") -> int:
        """How many processes have begun with it, this one too."""
        return agent.state.starts


class Hire(Action):
    """A worker is there: it is given something to do, if it has nothing."""

    worker: str

    def run(self, context: Context[Work]) -> Result:
        return None if context.state.at.get(self.worker) else give(context.state, self.worker)


class Settle(Action):
    """A worker has come to the end of a document. One that a former coordinator gave is given again in its turn."""

    worker: str
    path: str
    facts: Facts | None = None
    largest: tuple[str, ...] = ()
    refused: str = ""

    def run(self, context: Context[Work]) -> Result:
        job = context.state.at.get(self.worker)
        if job is None:
            return give(context.state, self.worker)
        if job.path != self.path:
            return None
        settled = Settled(self.path, self.worker, self.facts, self.largest, job.careful, self.refused)
        return give(context.state, self.worker, [settled])


class Replace(Action):
    """A worker crashed: what becomes of its document is decided, and its next life gets something to do."""

    worker: str
    error: str
    killed: bool = False

    def run(self, context: Context[Work]) -> Result:
        work, settled = context.state.crashed(self.worker, self.error, killed=self.killed)
        return give(work, self.worker, settled)


class Coordinator(Agent[Work], routes={"document.read": Settle}):
    """Knows which documents are still to be read, and who is at which. It is sent the other actions as they are."""


class DurableCoordinator(Coordinator, durable=Durable(effects="at_least_once")):
    """Goes on where it was, whoever died. What it says is settled is said at least once."""

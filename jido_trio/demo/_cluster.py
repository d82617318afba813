"""The cluster: a coordinator that has the work list, and workers that read. All agents and actions of the demo.

    coordinator ── document.given ──► worker        read this one
    coordinator ◄─ document.read ──── worker        what it says, or why nobody can read it
    coordinator ◄─ worker.crashed ─── supervisor    the worker is gone; its next life finds the answer in its mailbox

Nothing is lost, whatever crashes. A document leaves the list only when it is settled, and the coordinator hears of each
crash. Should it crash itself, it begins anew with the whole list: documents are read twice then, which harms nobody.
"""

from collections.abc import Iterable
from decimal import Decimal

from attrs import frozen

from jido_trio.core import Action, Agent, Context, Effect, Instruction, Outcome, Result, RunInstruction, emit_to
from jido_trio.demo._facts import Facts
from jido_trio.demo._pool import readers
from jido_trio.demo._work import Settled, Work

COORDINATOR = "coordinator"


class Read(Action):
    """Reads a file. It is async, so it runs beside the agent, which meanwhile hears what it is told."""

    path: str

    async def run(self, _context: object) -> Facts:
        """Return the facts of the document, found by a process that dies with the worker if the worker does."""
        return await readers.get().read(self.path)


@frozen
class Desk:
    """The state of a worker: the document it is at, if any, and whether that is to be taken with care."""

    path: str = ""
    careful: bool = False


class Take(Action):
    """Begins with a document: has it read, then summarised."""

    path: str
    careful: bool = False

    def run(self, context: Context[Desk]) -> Result:
        """Begin, unless it is at this one: given twice, with a kill in between."""
        desk = Desk(self.path, self.careful)
        if context.state == desk:
            return None
        summarise = SummariseCarefully if self.careful else Summarise
        return desk, RunInstruction(Instruction(self.reading()), result_action=summarise, meta={"desk": desk})

    def reading(self) -> Action:
        """Return the action that reads the document."""
        return Read(path=self.path)


class Summarise(Action):
    """Tells the coordinator what came of `Read`.

    It has a bug: it takes it that a document names one currency. Minutes with pounds and euros crash the worker.
    """

    outcome: Outcome

    def run(self, context: Context[Desk]) -> Result:
        """Report the document, unless a former life of this worker began with it: it was given out again."""
        desk = context.state
        if self.outcome.meta["desk"] != desk:
            return None
        told = {"worker": context.agent.id, "path": desk.path, **self.told()}
        return Desk(), emit_to(COORDINATOR, "document.read", told)

    def told(self) -> dict[str, object]:
        """Return what there is to say of it."""
        facts, error = self.outcome.result, self.outcome.error
        if error is not None:
            return {"refused": getattr(error, "reason", error.message)}
        return {"facts": facts, "largest": self.largest(facts.amounts)}

    def largest(self, amounts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Return the largest amount of money."""
        if not amounts:
            return ()
        (currency,) = {currency for currency, _ in amounts}
        return (f"{currency} {max(Decimal(number) for _, number in amounts)}",)


class SummariseCarefully(Summarise):
    """Tells it where `Summarise` crashed: currency by currency."""

    def largest(self, amounts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """Return the largest amount of each currency."""
        largest: dict[str, Decimal] = {}
        for currency, number in amounts:
            largest[currency] = max(Decimal(number), largest.get(currency, Decimal(number)))
        return tuple(f"{currency} {number}" for currency, number in largest.items())


class Killed(Exception):
    """What an agent crashes with when it is told to."""


class Die(Action):
    """Crashes the agent, whatever it is at: the chaos that `--chaos` asks for."""

    def run(self, _context: object) -> Result:
        """Crash."""
        raise Killed("killed by chaos")


class Worker(Agent[Desk], routes={"document.given": Take, "chaos.kill": Die}):
    """Reads one document at a time."""


def give(work: Work, worker: str, settled: Iterable[Effect] = ()) -> Result:
    """Give the worker the next document, if there is one, and tell what is settled."""
    work = work.give(worker)
    job = work.at[worker]
    effects: list[Effect] = [*settled]
    if job is not None:
        effects.append(emit_to(worker, "document.given", {"path": job.path, "careful": job.careful}))
    # Only what changed: the list of all documents is long, and whatever an action returns is checked.
    return {"given": work.given, "again": work.again, "at": work.at}, effects


class Hire(Action):
    """A worker is there."""

    worker: str

    def run(self, context: Context[Work]) -> Result:
        """Give it something to do, if it has nothing."""
        return None if context.state.at.get(self.worker) else give(context.state, self.worker)


class Settle(Action):
    """A worker has come to the end of a document."""

    worker: str
    path: str
    facts: Facts | None = None
    largest: tuple[str, ...] = ()
    refused: str = ""

    def run(self, context: Context[Work]) -> Result:
        """Settle it, unless it was given by a former life of the coordinator: this one gives it again in its turn."""
        job = context.state.at.get(self.worker)
        if job is None:
            return give(context.state, self.worker)
        if job.path != self.path:
            return None
        settled = Settled(self.path, self.worker, self.facts, self.largest, job.careful, self.refused)
        return give(context.state, self.worker, [settled])


class Replace(Action):
    """A worker crashed."""

    worker: str
    error: str
    killed: bool = False

    def run(self, context: Context[Work]) -> Result:
        """Decide what becomes of its document, and give its next life something to do."""
        work, settled = context.state.crashed(self.worker, self.error, killed=self.killed)
        return give(work, self.worker, settled)


class Coordinator(
    Agent[Work],
    routes={"worker.hired": Hire, "worker.crashed": Replace, "document.read": Settle, "chaos.kill": Die},
):
    """Knows which documents are still to be read, and who is at which."""

"""The ledger of a run: what the cluster says is settled, which lives began and which crashed. Outside of all agents."""

from collections.abc import Awaitable
from typing import Any, TypeAlias, TypeVar

import trio
from attrs import define, field, frozen

from jido_trio.core import Direct, Directive
from jido_trio.demo._cluster import Worker
from jido_trio.demo._report import Began, Crash
from jido_trio.demo._shelf import Shelf
from jido_trio.demo._work import Settled
from jido_trio.runtime import Runtime, interpret
from jido_trio.supervision import CrashReport

Entry: TypeAlias = Settled | Crash | Began
EntryT = TypeVar("EntryT", Settled, Crash, Began)


@define(eq=False)
class Ledger:
    """Everything that happened in a run, in order."""

    entries: list[Entry] = field(factory=list)
    done: int = 0
    refused: int = 0
    """How many documents are done, and refused."""
    settled: set[str] = field(factory=set)
    shelf: Shelf | None = None
    """Where what is settled is kept, if the run is to go on after its process died."""
    _more: trio.Event = field(factory=trio.Event)

    def enter(self, entry: Entry) -> None:
        """Write down an entry. It is done before a restart goes on, so no more than that is."""
        self.entries.append(entry)
        if isinstance(entry, Settled) and entry.path not in self.settled:
            self.done += not entry.refused
            self.refused += bool(entry.refused)
            self.settled.add(entry.path)
        self._more.set()
        self._more = trio.Event()

    async def wait_for_more(self) -> None:
        """Wait for the next entry."""
        await self._more.wait()

    async def wait_until_settled(self, documents: int) -> None:
        """Wait until so many documents are done or refused."""
        while len(self.settled) < documents:
            await self.wait_for_more()

    def of(self, kind: type[EntryT]) -> tuple[EntryT, ...]:
        """Return the entries of one kind."""
        return tuple(entry for entry in self.entries if isinstance(entry, kind))


def crash_of(report: CrashReport) -> Crash:
    """Return the entry for a crash report."""
    kind = report.failure.type if report.failure is not None else ""
    error = str(report.failure) if report.failure is not None else report.exit
    return Crash(report.child, report.incarnation, report.at, error, killed=kind.endswith(".Killed"))


@interpret.register
def _(directive: Settled, runtime: Runtime) -> Awaitable[None] | None:
    ledger = runtime.resources[Ledger]
    if ledger.shelf is not None:
        return _kept(directive, ledger, ledger.shelf)
    ledger.enter(directive)
    return None


async def _kept(settled: Settled, ledger: Ledger, shelf: Shelf) -> None:
    await shelf.put(settled)
    ledger.enter(settled)


@frozen
class Begin(Directive):
    """A life begins. The first thing that it does, and so the end of what a restart takes."""


@interpret.register
def _(_directive: Begin, runtime: Runtime) -> None:
    runtime.resources[Ledger].enter(Began(runtime.agent.id, trio.current_time()))


@frozen
class Announced(Direct):
    """Runs instructions as `Direct` does, and has each life begin with a `Begin`."""

    def init(self, agent: Any) -> tuple[Any, tuple[Directive, ...]]:
        """Return the agent as it is, and the directive."""
        return agent, (Begin(),)


class MeasuredWorker(Worker, strategy=Announced()):
    """A worker whose restarts are timed."""

"""A run of the demo: the cluster under supervision, the chaos it was told to cause, the view, and the report."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import trio
from attrs import asdict, define, evolve, field, frozen

from jido_trio.core import Action
from jido_trio.demo._chaos import cause
from jido_trio.demo._cluster import COORDINATOR, Coordinator, DurableCoordinator, Hire, Replace, Start
from jido_trio.demo._documents import find_documents
from jido_trio.demo._ledger import Ledger, MeasuredWorker, crash_of
from jido_trio.demo._pool import Readers
from jido_trio.demo._report import Began, Chaos, Crash, Report, Run, Store, report_of
from jido_trio.demo._shelf import Found, Shelf
from jido_trio.demo._view import Progress, Silent, View
from jido_trio.demo._work import Settled, Work
from jido_trio.errors import CallError, RestartIntensityExceeded
from jido_trio.redact import said
from jido_trio.runtime import AgentRef, Jido, wait_state
from jido_trio.storage import Storage, open_sqlite
from jido_trio.supervision import CrashReport, SupervisorView
from jido_trio.supervision import Report as SupervisorReport

SAMPLES = Path(__file__).with_name("samples")
TOGETHER = 0.02
"""Seconds within which what happens is shown together."""
SECOND = 1
"""So long the view stays as it is, at most, when nothing happens: it shows the time, too."""


@frozen
class Options:
    """What the demo is asked to do."""

    input: Path = SAMPLES
    workers: int = 4
    chaos: Chaos | None = None
    inspect: str | None = None
    """Where `jido-trio inspect` can look at it while it runs."""
    store: Path | None = None
    """A file in which the run is kept: if its process dies, the next one goes on."""

    def from_anywhere(self) -> "Options":
        """Return them with a folder that the next start finds, from wherever that is, where there will be one."""
        if self.store is None:
            return self
        return evolve(self, input=Path(os.path.abspath(self.input)))  # noqa: PTH100  # links stay as they are


async def run_demo(options: Options = Options(), view: View | None = None) -> Report:
    """Read all documents below a folder, and return the report. Ctrl-C ends it early, with what is done so far.

    Raises:
        NoDocuments: There is no such folder, or nothing in it.
        InvalidDefinition: The store is about another folder.
        StorageError: The store can't be opened, or read.
    """
    options = options.from_anywhere()
    documents = await trio.to_thread.run_sync(find_documents, options.input)
    # More processes than processors would only share them.
    readers = Readers(min(options.workers, max(2, os.cpu_count() or 1)))
    return await run_cluster(tuple(map(str, documents)), options, readers, view)


async def run_cluster(
    documents: tuple[str, ...], options: Options, readers: Readers, view: View | None = None
) -> Report:
    """Read these documents, and return the report.

    Args:
        documents: Their paths.
        options: `input` is only what the report calls them.
        readers: What the workers read with.
        view: What shows the run; nothing if None.
    """
    shown = view if view is not None else Silent()
    with shown:
        run = await Cluster(documents, options, readers, shown).run()
    return report_of(run)


@define(eq=False)
class Cluster:
    """The cluster of one run."""

    documents: tuple[str, ...]
    options: Options
    readers: Readers
    view: View
    ledger: Ledger = field(factory=Ledger)
    workers: tuple[AgentRef[Any], ...] = ()
    coordinator: AgentRef[Coordinator] | None = None
    began: float = field(factory=trio.current_time)
    store: Store | None = None
    gave_up: str = ""
    shown: int = 0
    """So many entries of the ledger were shown."""
    interrupted: bool = False
    record: Run = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.record = Run(str(self.options.input), self.documents)

    async def run(self) -> Run:
        """Run until every document is settled, or Ctrl-C; return what is on record."""
        async with self._opened_store() as storage:
            return await self._run(storage)

    @asynccontextmanager
    async def _opened_store(self) -> AsyncIterator[Storage | None]:
        """Open the store, if there is to be one, and take up what is in it."""
        if self.options.store is None:
            yield None
            return
        async with open_sqlite(self.options.store) as storage:
            shelf = Shelf(storage)
            self.documents = (await shelf.take(Found(str(self.options.input), self.documents))).documents
            self.record = Run(str(self.options.input), self.documents)
            for settled in await shelf.settled():
                self.ledger.enter(settled)
            self.ledger.shelf = shelf
            self.shown = len(self.ledger.entries)
            yield storage

    async def _run(self, storage: Storage | None) -> Run:
        jido = Jido(
            "demo",
            storage=storage,
            # As many as a folder of bad files needs: each crashes at most two workers; and those of chaos.
            max_restarts=1000 + 2 * len(self.documents),
            resources={Readers: self.readers, Ledger: self.ledger},
            services=self.readers.services(),
            on_report=self._report,
            inspect=self.options.inspect,
        )
        try:
            async with jido:
                await self._read_all(jido)
        except RestartIntensityExceeded as error:
            self.gave_up = f"{error} It said: {error.__cause__}"
        return evolve(self.record, gave_up=self.gave_up, messages=asdict(jido.ledger()))

    async def _read_all(self, jido: Jido) -> None:
        ids = [f"worker-{number}" for number in range(1, self.options.workers + 1)]
        # No budget for each: which worker meets the bad files is chance, and a parked one would keep its document.
        self.workers = tuple([await jido.start_agent(MeasuredWorker, id=id, budget=None) for id in ids])
        work = Work(self.documents)
        kind = Coordinator if self.options.store is None else DurableCoordinator
        self.coordinator = await jido.start_agent(kind, id=COORDINATOR, state=work, mailbox_size=100_000, budget=None)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch_for_interrupt, nursery.cancel_scope)
                nursery.start_soon(self._show_what_happens, jido, self.coordinator)
                if self.options.store is not None:
                    nursery.start_soon(self._watch_for_loss, self.coordinator, nursery.cancel_scope)
                    await self._note_start(self.options.store, self.coordinator)
                if self.options.chaos is not None:
                    nursery.start_soon(cause, self.options.chaos, self.workers)
                self._hire()
                await self.ledger.wait_until_settled(len(self.documents))
                nursery.cancel_scope.cancel("every document is settled")
        finally:
            # Now, while crashes and incarnations are of one moment: agents may still crash while they are stopped.
            self.record = self._recorded(jido.tree())
            self._show(jido, self.coordinator, last=True)

    async def _note_start(self, path: Path, coordinator: AgentRef[Coordinator]) -> None:
        starts = coordinator.agent.state.starts
        with suppress(CallError):  # it is lost already: the run is ended for that
            starts = await coordinator.call(Start(), timeout=None)
        self.store = Store(str(path), starts, len(self.ledger.settled))

    async def _watch_for_loss(self, coordinator: AgentRef[Coordinator], run: trio.CancelScope) -> None:
        """End the run if another process takes the coordinator away."""
        try:
            await wait_state(coordinator, lambda _: False, timeout=None)
        except CallError as lost:
            self.gave_up = said(lost)
            run.cancel(self.gave_up)

    def _hire(self) -> None:
        for worker in self.workers:
            self._tell(Hire(worker=worker.id))

    def _tell(self, action: Action) -> None:
        if self.coordinator is not None and self.coordinator.running:
            self.coordinator.cast_nowait(action)

    def _report(self, report: SupervisorReport) -> None:
        """Have the coordinator hear of a crash. It is called before the restart, so nothing else comes in between."""
        if not isinstance(report, CrashReport) or report.failure is None:
            return
        if report.child != COORDINATOR and report.child not in {worker.id for worker in self.workers}:
            return  # a process that reads: who waits for it is told
        crash = crash_of(report)
        self.ledger.enter(crash)
        if report.child == COORDINATOR:
            self._hire()
        else:
            self._tell(Replace(worker=crash.agent, error=crash.error, killed=crash.killed))

    async def _show_what_happens(self, jido: Jido, coordinator: AgentRef[Coordinator]) -> None:
        while True:
            self._show(jido, coordinator)
            with trio.move_on_after(SECOND):
                await self.ledger.wait_for_more()
            await trio.sleep(TOGETHER)

    def _show(self, jido: Jido, coordinator: AgentRef[Coordinator], *, last: bool = False) -> None:
        news, self.shown = self.ledger.entries[self.shown :], len(self.ledger.entries)
        seconds, state = trio.current_time() - self.began, coordinator.agent.state
        far = {worker.id: far for worker in self.workers if (far := _far(worker))}
        progress = Progress(seconds, state, self.ledger.done, self.ledger.refused, jido.tree(), far)
        self.view.show(progress, news, last=last)

    async def _watch_for_interrupt(self, run: trio.CancelScope) -> None:
        with trio.open_signal_receiver(signal.SIGINT) as signals:
            async for _ in signals:
                self.interrupted = True
                run.cancel("Ctrl-C")

    def _recorded(self, tree: SupervisorView) -> Run:
        workers = {worker.id for worker in self.workers}
        below = [child for view in tree.children if view.supervisor for child in view.supervisor.children]
        return Run(
            input=str(self.options.input),
            documents=self.documents,
            settled=self.ledger.of(Settled),
            crashes=tuple(crash for crash in self.ledger.of(Crash) if crash.agent != COORDINATOR),
            began=self.ledger.of(Began),
            incarnations={child.id: child.incarnation for child in below if child.id in workers},
            seconds=trio.current_time() - self.began,
            interrupted=self.interrupted,
            chaos=self.options.chaos,
            store=self.store,
        )


def _far(worker: AgentRef[Any]) -> str:
    """How far what a worker reads says that it is."""
    actions = worker.inspect().actions
    return (actions[0].progress or "").strip("'") if actions else ""

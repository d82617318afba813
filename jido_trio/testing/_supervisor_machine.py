"""A machine that drives a running supervisor: calls, crashes and time, in any order; what it does is held to laws."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import trio
import trio.testing
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from jido_trio.errors import ChildRefused, RestartIntensityExceeded, StartFailed, SupervisorStopped
from jido_trio.supervision import Child, CrashReport, Report, Supervisor, open_supervisor
from jido_trio.terms import Restart, RestartStrategy
from jido_trio.testing._machine import TrioStateMachine, step

ids: st.SearchStrategy[str] = st.sampled_from("abcd")
restarts: st.SearchStrategy[Restart] = st.sampled_from(["permanent", "transient", "temporary"])
ends: st.SearchStrategy[str] = st.sampled_from(["return", "crash"])
REFUSALS = (ChildRefused, StartFailed, SupervisorStopped)


class _Crash(Exception):
    """What a child was told to crash with; its text is unique."""


class SupervisorMachine(TrioStateMachine):
    """A state machine of a supervisor with children "a" to "d", which do as they are told.

        class Workers(SupervisorMachine):
            async def work(self, id: str) -> None:
                await my_worker(id)

        TestWorkers = Workers.TestCase

    Hypothesis starts, restarts, terminates and deletes children, has them crash alone and together, while they start
    and while they stop, lets time pass, and stops the supervisor. Whatever it does, a child has one life at a time,
    each crash is reported once, no more restarts than tolerated happen, what runs is what the supervisor says, all ends
    in reverse order, and nothing outlives the supervisor. Add rules and invariants of your own, with `step`.
    """

    options: ClassVar[Mapping[str, Any]] = {"max_seconds": 5}
    """What the supervisor is opened with, besides its strategy and `max_restarts`, which Hypothesis chooses."""

    async def work(self, id: str) -> None:
        """Do what a child does once it runs. When it returns, the child goes on to wait for what it is told."""

    async def set_up(self) -> None:
        """Prepare what is noted."""
        self.alive: Counter[str] = Counter()
        """How many lives each child has."""
        self.order: list[str] = []
        self.ended: list[str] = []
        self.crashes: list[str] = []
        self.reports: list[str] = []
        self.restarts: list[float] = []
        self.orders: dict[str, trio.MemorySendChannel[str]] = {}
        self.at_start: dict[str, str] = {}
        self.at_stop: dict[str, str] = {}
        self.supervisor: Supervisor | None = None
        self.gave_up: RestartIntensityExceeded | None = None
        self.over = trio.Event()
        self.order_at_stop: list[str] = []
        self.running_at_stop: set[str] = set()
        self.ended_by_itself: set[str] = set()

    # ---- the children

    async def live(self, id: str, *, task_status: trio.TaskStatus[None]) -> None:
        """Be a life of a child."""
        self.ended_by_itself.discard(id)
        self.alive[id] += 1
        assert self.alive[id] == 1, f"two lives of {id}"
        send, orders = trio.open_memory_channel[str](math.inf)  # as long as it works, it takes none
        crashed = False
        try:
            match self.at_start.pop(id, "ready"):
                case "crash":
                    self.crash(f"{id} starting")
                case "slow":
                    await trio.sleep(1)
                case "slow crash":
                    await trio.sleep(1)
                    self.crash(f"{id} starting slowly")
            self.order.append(id)
            self.orders[id] = send
            task_status.started()
            await self.work(id)
            if await orders.receive() == "crash":
                self.crash(f"{id} running")
        except _Crash:
            crashed = True
            raise
        finally:
            self.orders.pop(id, None)
            with trio.CancelScope(shield=True):
                match self.at_stop.pop(id, "clean"):
                    case "crash" if not crashed:  # else it would hide the first
                        self.alive[id] -= 1
                        self.ended.append(id)
                        self.crash(f"{id} stopping")
                    case "slow":
                        await trio.sleep(1)
                    case "very slow":
                        await trio.sleep(2)
            self.alive[id] -= 1
            self.ended.append(id)

    def crash(self, where: str) -> NoReturn:
        """Crash, with a text of its own."""
        text = f"{len(self.crashes)}: {where}"
        self.crashes.append(text)
        raise _Crash(text) from None

    def child(self, id: str, restart: Restart) -> Child:
        """Return a child that does as it is told."""
        return Child(id, self.live, id, restart=restart)

    def note(self, report: Report) -> None:
        """Keep what was reported."""
        assert isinstance(report, CrashReport)
        if report.failure is not None:
            self.reports.append(report.failure.message)

    # ---- the supervisor

    @initialize(
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        max_restarts=st.integers(0, 5),
        first=st.lists(st.tuples(ids, restarts), max_size=3, unique_by=lambda pair: pair[0]),
    )
    @step
    async def open(self, strategy: RestartStrategy, max_restarts: int, first: Sequence[tuple[str, Restart]]) -> None:
        """Open the supervisor, with some children."""
        self.max_restarts = max_restarts

        async def run(task_status: trio.TaskStatus[Supervisor]) -> None:
            children = [self.child(id, restart) for id, restart in first]
            try:
                async with open_supervisor(
                    children, strategy=strategy, max_restarts=max_restarts, on_report=self.note, **self.options
                ) as supervisor:
                    task_status.started(supervisor)
                    await trio.sleep_forever()
            except RestartIntensityExceeded as error:
                self.gave_up = error
            self.over.set()

        self.supervisor = await self.nursery.start(run)
        assert self.order == [id for id, _ in first]

    def running(self) -> Supervisor:
        """Return the supervisor, which must have been opened."""
        assert self.supervisor is not None
        return self.supervisor

    def begin_stop(self) -> None:
        """Ask the supervisor to stop, and note who ran then."""
        view = self.running().tree()
        if view.phase == "up":
            self.order_at_stop = [child.id for child in view.children]
            self.running_at_stop = {child.id for child in view.children if child.state == "running"}
            self.ended.clear()
        self.running().stop()

    def tell(self, id: str, what: str) -> None:
        """Tell a child what to do, if it runs."""
        if id in self.orders:
            self.ended_by_itself.add(id)
            self.orders[id].send_nowait(what)

    @rule(id=ids, restart=restarts, patience=st.sampled_from([0.5, 9]))
    @step
    async def start_child(self, id: str, restart: Restart, patience: float) -> None:
        """Start a child, or lose patience."""
        with trio.move_on_after(patience):
            try:
                ref = await self.running().start_child(self.child(id, restart))
            except REFUSALS:
                return
            assert ref.incarnation > 0 or restart == "temporary"  # which may have ended with others, and be gone

    @rule(id=ids, verb=st.sampled_from(["terminate_child", "restart_child", "delete_child"]))
    @step
    async def call(self, id: str, verb: str) -> None:
        """Ask for something."""
        with trio.fail_after(60):
            try:
                await getattr(self.running(), verb)(id)
            except REFUSALS:
                return
        if verb != "restart_child":
            assert self.alive[id] == 0

    @rule(id=ids)
    @step
    async def child_terminates_itself(self, id: str) -> None:
        """Ask for it without waiting, as a child would."""
        self.running().terminate_child_soon(id)

    @rule(id=ids, end=ends)
    @step
    async def end_child(self, id: str, end: str) -> None:
        """Have a child return, or crash."""
        self.tell(id, end)

    @rule(victims=st.lists(ids, min_size=2, max_size=4, unique=True))
    @step
    async def crash_together(self, victims: Sequence[str]) -> None:
        """Have several crash at the same time."""
        for id in victims:
            self.tell(id, "crash")
        await trio.testing.wait_all_tasks_blocked()

    @rule(id=ids, what=st.sampled_from(["crash", "slow", "slow crash"]))
    def prepare_start(self, id: str, what: str) -> None:
        """Say how the next start of a child is."""
        self.at_start[id] = what

    @rule(id=ids, what=st.sampled_from(["crash", "slow"]))
    def prepare_stop(self, id: str, what: str) -> None:
        """Say how the next stop of a child is."""
        self.at_stop[id] = what

    @rule(seconds=st.sampled_from([0.5, 1, 5, 6]))
    @step
    async def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        await trio.sleep(seconds)

    @rule()
    @step
    async def look(self) -> None:
        """Ask who there is."""
        with trio.fail_after(60):
            try:
                rows = await self.running().which_children()
                counts = await self.running().count_children()
            except SupervisorStopped:
                return
        assert counts.specs >= len([row for row in rows if row.state == "restarting"])

    @precondition(lambda self: not self.over.is_set())
    @rule()
    @step
    async def stop(self) -> None:
        """Stop the supervisor."""
        self.begin_stop()

    @precondition(lambda self: len(self.orders) > 1 and not self.over.is_set())
    @rule(at=st.integers(0, 3), becomes=st.sampled_from(["slow", "slow crash"]))
    @step
    async def stop_while_one_starts(self, at: int, becomes: str) -> None:
        """Stop the supervisor while a child starts."""
        running = [child.id for child in self.running().tree().children if child.state == "running"]
        if len(running) < 2:
            return
        *others, last = running
        victim = others[at % len(others)]
        self.at_start[victim], self.at_stop[last] = becomes, "very slow"
        self.tell(victim, "crash")
        await trio.testing.wait_all_tasks_blocked()
        self.begin_stop()

    # ---- the laws

    @invariant()
    def at_most_one_life_of_each_child(self) -> None:
        """Check that no child has two lives."""
        assert all(0 <= lives <= 1 for lives in self.alive.values())

    @invariant()
    def no_crash_is_reported_twice_or_made_up(self) -> None:
        """Check the reports."""
        assert Counter(self.reports) <= Counter(self.crashes)

    @invariant()
    def no_more_restarts_than_tolerated_while_it_is_up(self) -> None:
        """Check the restarts."""
        if self.supervisor is not None:
            view = self.supervisor.inspect()
            assert view.phase != "up" or view.restarts <= self.max_restarts

    @invariant()
    def what_is_told_to_run_runs(self) -> None:
        """Check that what is said to be stopped has ended."""
        if self.supervisor is not None:
            for child in self.supervisor.tree().children:
                if child.state in ("stopped", "restarting", "ended"):
                    assert self.alive[child.id] == 0, child

    @invariant()
    def nothing_runs_once_it_is_over(self) -> None:
        """Check that nothing outlives the supervisor."""
        if self.supervisor is not None and self.over.is_set():
            assert +self.alive == Counter(), "something outlives its supervisor"

    @invariant()
    def what_ran_when_it_was_stopped_ends_in_reverse(self) -> None:
        """Check the order of ends."""
        ended = [id for id in self.ended if id in self.running_at_stop - self.ended_by_itself]
        order = [id for id in reversed(self.order_at_stop) if id in self.running_at_stop - self.ended_by_itself]
        assert ended == order[: len(ended)]

    async def tear_down(self) -> None:
        """Stop the supervisor; each crash must have been reported once."""
        if self.supervisor is None:
            return
        await trio.testing.wait_all_tasks_blocked()
        self.begin_stop()
        with trio.fail_after(1_000):
            await self.supervisor.wait()
            assert +self.alive == Counter(), "something runs when the supervisor says that it has ended"
            await self.over.wait()
        self.what_ran_when_it_was_stopped_ends_in_reverse()
        self.nothing_runs_once_it_is_over()
        assert sorted(self.reports) == sorted(self.crashes), "each crash is reported once"
        if self.gave_up is not None:
            assert self.gave_up.restarts > self.max_restarts
            assert isinstance(self.gave_up.__cause__, _Crash) or self.gave_up.__cause__ is None

"""The real supervisor, driven by Hypothesis: calls, crashes and time, in any order."""

from collections import Counter

import trio
import trio.testing
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from jido_trio.errors import ChildRefused, RestartIntensityExceeded, StartFailed, SupervisorStopped
from jido_trio.supervision import Child, CrashReport, Report, Supervisor, open_supervisor
from jido_trio.testing._machine import TrioStateMachine, step

ids = st.sampled_from("abcd")
restarts = st.sampled_from(["permanent", "transient", "temporary"])
ends = st.sampled_from(["return", "crash"])
REFUSALS = (ChildRefused, StartFailed, SupervisorStopped)


class Crash(Exception):
    """What a child was told to crash with; its text is unique."""


class SupervisorMachine(TrioStateMachine):
    """Children do as they are told while they start, run and stop; what they do is checked against a few laws."""

    async def set_up(self) -> None:
        self.alive: Counter[str] = Counter()
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
        self.ended_by_itself.discard(id)
        self.alive[id] += 1
        assert self.alive[id] == 1, f"two lives of {id}"
        send, orders = trio.open_memory_channel[str](10)
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
            if await orders.receive() == "crash":
                self.crash(f"{id} running")
        except Crash:
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

    def crash(self, where: str) -> None:
        text = f"{len(self.crashes)}: {where}"
        self.crashes.append(text)
        raise Crash(text) from None

    def child(self, id: str, restart: str) -> Child:
        return Child(id, self.live, id, restart=restart)  # type: ignore[arg-type]  # one of three words

    def note(self, report: Report) -> None:
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
    async def open(self, strategy, max_restarts, first):
        self.max_restarts = max_restarts

        async def run(task_status: trio.TaskStatus[Supervisor]) -> None:
            children = [self.child(id, restart) for id, restart in first]
            try:
                async with open_supervisor(
                    children, strategy=strategy, max_restarts=max_restarts, max_seconds=5, on_report=self.note
                ) as supervisor:
                    task_status.started(supervisor)
                    await trio.sleep_forever()
            except RestartIntensityExceeded as error:
                self.gave_up = error
            self.over.set()

        self.supervisor = await self.nursery.start(run)
        assert self.order == [id for id, _ in first]

    def running(self) -> Supervisor:
        assert self.supervisor is not None
        return self.supervisor

    def begin_stop(self) -> None:
        view = self.running().tree()
        if view.phase == "up":
            self.order_at_stop = [child.id for child in view.children]
            self.running_at_stop = {child.id for child in view.children if child.state == "running"}
            self.ended.clear()
        self.running().stop()

    def tell(self, id: str, what: str) -> None:
        if id in self.orders:
            self.ended_by_itself.add(id)
            self.orders[id].send_nowait(what)

    @rule(id=ids, restart=restarts, patience=st.sampled_from([0.5, 9]))
    @step
    async def start_child(self, id, restart, patience):
        with trio.move_on_after(patience):
            try:
                ref = await self.running().start_child(self.child(id, restart))
            except REFUSALS:
                return
            assert ref.incarnation > 0

    @rule(id=ids, verb=st.sampled_from(["terminate_child", "restart_child", "delete_child"]))
    @step
    async def call(self, id, verb):
        with trio.fail_after(60):
            try:
                await getattr(self.running(), verb)(id)
            except REFUSALS:
                return
        if verb != "restart_child":
            assert self.alive[id] == 0

    @rule(id=ids)
    @step
    async def child_terminates_itself(self, id):
        self.running().terminate_child_soon(id)

    @rule(id=ids, end=ends)
    @step
    async def end_child(self, id, end):
        self.tell(id, end)

    @rule(victims=st.lists(ids, min_size=2, max_size=4, unique=True))
    @step
    async def crash_together(self, victims):
        for id in victims:
            self.tell(id, "crash")
        await trio.testing.wait_all_tasks_blocked()

    @rule(id=ids, what=st.sampled_from(["crash", "slow", "slow crash"]))
    def prepare_start(self, id, what):
        self.at_start[id] = what

    @rule(id=ids, what=st.sampled_from(["crash", "slow"]))
    def prepare_stop(self, id, what):
        self.at_stop[id] = what

    @rule(seconds=st.sampled_from([0.5, 1, 5, 6]))
    @step
    async def pass_time(self, seconds):
        await trio.sleep(seconds)

    @rule()
    @step
    async def look(self):
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
    async def stop(self):
        self.begin_stop()

    @precondition(lambda self: len(self.orders) > 1 and not self.over.is_set())
    @rule(at=st.integers(0, 3), becomes=st.sampled_from(["slow", "slow crash"]))
    @step
    async def stop_while_one_starts(self, at, becomes):
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
    def at_most_one_life_of_each_child(self):
        assert all(0 <= lives <= 1 for lives in self.alive.values())

    @invariant()
    def no_crash_is_reported_twice_or_made_up(self):
        assert Counter(self.reports) <= Counter(self.crashes)

    @invariant()
    def no_more_restarts_than_tolerated_while_it_is_up(self):
        if self.supervisor is not None:
            view = self.supervisor.tree()
            assert view.phase != "up" or view.restarts <= self.max_restarts

    @invariant()
    def what_is_told_to_run_runs(self):
        if self.supervisor is not None:
            for child in self.supervisor.tree().children:
                if child.state in ("stopped", "restarting", "ended"):
                    assert self.alive[child.id] == 0, child

    @invariant()
    def nothing_runs_once_it_is_over(self):
        if self.supervisor is not None and self.over.is_set():
            assert +self.alive == Counter(), "something outlives its supervisor"

    @invariant()
    def what_ran_when_it_was_stopped_ends_in_reverse(self):
        ended = [id for id in self.ended if id in self.running_at_stop - self.ended_by_itself]
        order = [id for id in reversed(self.order_at_stop) if id in self.running_at_stop - self.ended_by_itself]
        assert ended == order[: len(ended)]

    async def tear_down(self) -> None:
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
            assert isinstance(self.gave_up.__cause__, Crash) or self.gave_up.__cause__ is None


TestSupervisor = SupervisorMachine.TestCase
TestSupervisor.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

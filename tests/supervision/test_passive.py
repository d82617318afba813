"""Passive lives: children that need no task."""

import contextvars
from collections.abc import Callable

import pytest
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from jido_trio.errors import (
    ChildRefused,
    InvalidDefinition,
    RestartIntensityExceeded,
    StartFailed,
    SupervisorStopped,
)
from jido_trio.supervision import (
    Backoff,
    Child,
    CrashReport,
    OverrunReport,
    PassiveLife,
    Shutdown,
    Supervisor,
    dynamic_supervisor_child,
    open_dynamic_supervisor,
    open_supervisor,
    supervisor_child,
)
from jido_trio.supervision import _events as ev
from tests.supervision._bench import Bench, child


@define
class Row:
    """A passive child that writes down its calls, and ends at once when it is asked to."""

    calls: list[str] = field(factory=list)
    lives: list[PassiveLife] = field(factory=list)

    @property
    def life(self) -> PassiveLife:
        """The last one that began."""
        return self.lives[-1]

    def begin(self, life: PassiveLife) -> None:
        self.calls.append(f"begin {life.child.id}{life.incarnation}")
        self.lives.append(life)

    def stop(self, life: PassiveLife) -> None:
        self.calls.append(f"stop {life.child.id}{life.incarnation}")
        life.end()

    def kill(self, life: PassiveLife) -> None:
        self.calls.append(f"kill {life.child.id}{life.incarnation}")


class Slow(Row):
    """One that doesn't end when it is asked to."""

    def stop(self, life: PassiveLife) -> None:
        self.calls.append(f"stop {life.child.id}{life.incarnation}")


class FailingOnce(Row):
    """One whose begin raises in one of its lives."""

    failing: int = 1

    def begin(self, life: PassiveLife) -> None:
        super().begin(life)
        if life.incarnation == self.failing:
            raise ValueError("no")


class FailingAgain(FailingOnce):
    failing = 2


@pytest.fixture
def row():
    return Row()


@pytest.fixture
def reports():
    return []


def states(supervisor: Supervisor) -> dict[str, tuple[str, int]]:
    return {child.id: (child.state, child.incarnation) for child in supervisor.tree().children}


async def supervise(children: list[Child], do: Callable[[], object]) -> None:
    """Run a supervisor until it ends by what `do` has begun."""
    async with open_supervisor(children, on_report=lambda report: None) as supervisor:
        do()
        await supervisor.wait()


async def test_passive_children_begin_in_order_and_stop_in_reverse(row):
    async with open_supervisor([Child("a", row), Child("b", row)]):
        row.calls.append("up")

    assert row.calls == ["begin a1", "begin b1", "up", "stop b1", "stop a1"]


async def test_first_steps_of_tasks_and_begins_come_in_the_order_of_the_children(row):
    async def task(name: str) -> None:
        row.calls.append(f"step {name}")
        await trio.sleep_forever()

    children = [Child("a", row), Child("b", task, "b"), Child("c", row), Child("d", task, "d"), Child("e", row)]
    async with open_supervisor(children):
        assert row.calls == ["begin a1", "step b", "begin c1", "step d", "begin e1"]


async def test_a_crash_is_answered_by_the_next_life_before_it_returns(row, reports):
    async with open_supervisor([Child("a", row)], on_report=reports.append) as supervisor:
        row.life.crashed(ValueError("bad row"))
        assert row.calls == ["begin a1", "begin a2"]
        assert states(supervisor) == {"a": ("running", 2)}

    (report,) = reports
    assert str(report) == "child 'a' of supervisor 'supervisor' ended while running: ValueError: bad row"


async def test_an_ended_life_has_no_more_say(row, reports):
    async with open_supervisor([Child("a", row)], on_report=reports.append) as supervisor:
        first = row.life
        first.crashed(ValueError())
        first.crashed(ValueError())
        first.end()
        first.kill()
        assert states(supervisor) == {"a": ("running", 2)}
        with pytest.raises(RuntimeError, match="has ended"):
            first.run(trio.sleep_forever)

    assert len(reports) == 1


async def test_a_normal_end_is_answered_by_the_restart_type(row):
    children = [Child("a", row, restart="permanent"), Child("b", row, restart="transient")]
    async with open_supervisor(children, on_report=lambda report: None) as supervisor:
        for life in row.lives[:]:
            life.end()
        assert states(supervisor) == {"a": ("running", 2), "b": ("stopped", 1)}
        await supervisor.restart_child("b")
        assert states(supervisor)["b"] == ("running", 2)
        row.life.crashed(Shutdown("enough"))
        assert states(supervisor)["b"] == ("stopped", 2)


async def test_a_child_may_find_its_arguments_in_its_spec(row):
    template = Child("template", row, "one")
    async with open_dynamic_supervisor() as supervisor:
        await supervisor.start_child(template.instance("a", "two"))
        assert row.life.child.args == ("one", "two")


async def test_a_restart_by_a_sibling_stops_and_begins_passive_children(row):
    children = [Child("a", row), Child("b", row), Child("c", row)]
    async with open_supervisor(children, strategy="rest_for_one", on_report=lambda report: None):
        row.calls.clear()
        row.lives[1].crashed(ValueError())
        assert row.calls == ["stop c1", "begin b2", "begin c2"]


async def test_begin_is_called_in_the_context_of_the_supervisor_and_keeps_its_changes_to_itself(row):
    who = contextvars.ContextVar("who", default="nobody")

    class Asking(Row):
        def begin(self, life: PassiveLife) -> None:
            super().begin(life)
            self.calls.append(who.get())
            who.set(f"life {life.incarnation}")

    asking = Asking()
    who.set("opener")
    async with open_supervisor([Child("a", asking)], on_report=lambda report: None):
        who.set("block")
        asking.life.crashed(ValueError())
        assert asking.calls == ["begin a1", "opener", "begin a2", "opener"]
        assert who.get() == "block"


# ---- starts that fail


async def test_a_begin_that_raises_is_a_failed_start():
    row, failing = Row(), FailingOnce()
    with pytest.raises(StartFailed) as caught:
        async with open_supervisor([Child("a", row), Child("b", failing)], on_report=lambda report: None):
            raise AssertionError("not reached")

    assert isinstance(caught.value.__cause__, ValueError)
    assert row.calls == ["begin a1", "stop a1"]
    assert failing.calls == ["begin b1"]


@pytest.mark.parametrize("start", ["start_child", "start_child_nowait"])
async def test_a_child_whose_begin_raises_is_not_kept(start, reports):
    async with open_dynamic_supervisor(on_report=reports.append) as supervisor:
        with pytest.raises(StartFailed, match="ValueError: no") as caught:
            await start_by(supervisor, start, Child("a", FailingOnce()))
        assert isinstance(caught.value.__cause__, ValueError)
        assert states(supervisor) == {}
        await start_by(supervisor, start, Child("a", Row()))

    assert [report.during for report in reports] == ["starting"]


async def start_by(supervisor: Supervisor, how: str, child: Child) -> None:
    if how == "start_child":
        await supervisor.start_child(child)
    else:
        supervisor.start_child_nowait(child)


@pytest.mark.parametrize("start", ["start_child", "start_child_nowait"])
@pytest.mark.parametrize("how", ["crashed", "end"])
async def test_a_life_that_ends_before_begin_returns_was_never_up(start, how, reports):
    class Brief(Row):
        def begin(self, life: PassiveLife) -> None:
            super().begin(life)
            if how == "crashed":
                life.crashed(ValueError("at once"))
            else:
                life.end()

    async with open_dynamic_supervisor(on_report=reports.append) as supervisor:
        if how == "crashed":
            with pytest.raises(StartFailed, match="at once"):
                await start_by(supervisor, start, Child("a", Brief()))
        else:
            await start_by(supervisor, start, Child("a", Brief()))
        assert states(supervisor) == {}

    assert len(reports) == (how == "crashed")


async def test_a_restart_whose_begin_raises_is_tried_again(reports):
    row = FailingAgain()
    async with open_supervisor([Child("a", row)], on_report=reports.append) as supervisor:
        row.life.crashed(ValueError())
        assert states(supervisor) == {"a": ("running", 3)}

    assert [report.during for report in reports] == ["running", "starting"]


async def test_a_begin_that_always_raises_makes_the_supervisor_give_up():
    class Failing(Row):
        def begin(self, life: PassiveLife) -> None:
            super().begin(life)
            if life.incarnation > 1:
                raise ValueError("no")

    row = Failing()
    with pytest.raises(RestartIntensityExceeded):
        await supervise([Child("a", row)], lambda: row.life.crashed(ValueError()))

    assert row.calls == ["begin a1", "begin a2", "begin a3", "begin a4"]


async def test_a_backoff_pauses_before_the_next_begin(row, autojump_clock):
    child = Child("a", row, backoff=Backoff(first=10, jitter=0))
    async with open_supervisor([child], on_report=lambda report: None) as supervisor:
        await trio.sleep(1)
        row.life.crashed(ValueError())
        assert states(supervisor) == {"a": ("backing_off", 1)}
        await trio.sleep(10.5)
        assert states(supervisor) == {"a": ("running", 2)}


# ---- stops


async def test_a_life_that_takes_its_time_to_stop_is_killed_when_it_is_over(autojump_clock, reports):
    row = Slow()
    async with open_supervisor([Child("a", row, shutdown=3)], on_report=reports.append):
        pass

    assert trio.current_time() == 3
    assert row.calls == ["begin a1", "stop a1", "kill a1"]
    assert [(report.during, report.exit) for report in reports] == [("stopping", "killed")]


async def test_a_life_that_ends_in_time_is_not_killed(autojump_clock, reports):
    row = Slow()

    async def end_soon() -> None:
        await trio.sleep(2)
        assert row.life.stopping
        row.life.end()

    child = Child("a", row, shutdown=3)
    async with trio.open_nursery() as nursery, open_supervisor([child], on_report=reports.append):
        nursery.start_soon(end_soon)

    assert trio.current_time() == 2
    assert row.calls == ["begin a1", "stop a1"]
    assert reports == []


async def test_a_brutal_stop_kills(row):
    async with open_supervisor([Child("a", row, shutdown="brutal")], on_report=lambda report: None):
        pass

    assert row.calls == ["begin a1", "kill a1"]


async def test_a_kill_is_a_crash(row, reports):
    async with open_supervisor([Child("a", row)], on_report=reports.append) as supervisor:
        supervisor.kill_child("a")
        assert row.calls == ["begin a1", "kill a1", "begin a2"]

    assert [report.exit for report in reports] == ["killed"]


async def test_a_kill_of_a_life_that_is_stopping_changes_nothing(autojump_clock, reports):
    slow = Slow()
    async with open_supervisor([Child("a", slow, shutdown=5)], on_report=reports.append) as supervisor:
        supervisor.terminate_child_soon("a")
        supervisor.kill_child("a")
        slow.life.end()

    assert slow.calls == ["begin a1", "stop a1"]
    assert reports == []


@pytest.mark.parametrize("call", ["stop", "kill"])
async def test_a_call_that_raises_is_reported_and_ends_the_life_all_the_same(call, reports):
    class Raising(Row):
        def stop(self, life: PassiveLife) -> None:
            raise ValueError("stop")

        def kill(self, life: PassiveLife) -> None:
            raise ValueError("kill")

    children = [Child("a", Raising(), shutdown="brutal" if call == "kill" else 5)]
    async with open_supervisor(children, on_report=reports.append):
        pass

    assert f"ValueError: {call}" in "\n".join(map(str, reports))


async def test_a_child_is_stopped_before_it_began(row):
    """It waits for the first step of a task, and the tree is stopped meanwhile."""
    async with open_dynamic_supervisor() as supervisor:
        supervisor.start_child_soon(Child("task", trio.sleep_forever))
        supervisor.start_child_soon(Child("row", row))
        supervisor.stop()

    assert row.calls == []


# ---- tasks


async def test_a_life_with_a_task_becomes_passive_again_when_that_returns(row):
    async def work(name: str) -> None:
        row.calls.append(f"work {name}")
        await trio.lowlevel.checkpoint()

    async with open_supervisor([Child("a", row)]) as supervisor:
        row.life.run(work, "one")
        with pytest.raises(RuntimeError, match="has a task already"):
            row.life.run(work, "one")
        await wait_all_tasks_blocked()
        row.life.run(work, "two")
        await wait_all_tasks_blocked()
        assert states(supervisor) == {"a": ("running", 1)}

    assert row.calls == ["begin a1", "work one", "work two", "stop a1"]


async def test_what_leaves_the_task_is_a_crash_of_the_life(row, reports):
    async def work() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("bad row")

    async with open_supervisor([Child("a", row)], on_report=reports.append):
        row.life.run(work)
        await wait_all_tasks_blocked()
        assert row.calls == ["begin a1", "begin a2"]

    (report,) = reports
    assert report.failure.frames[-1].function.endswith("work")


async def test_the_task_of_a_life_can_still_use_a_child_that_started_before_when_the_block_is_cancelled(
    row, autojump_clock
):
    class Working(Slow):
        def begin(self, life: PassiveLife) -> None:
            super().begin(life)
            life.run(self.work)

        async def work(self) -> None:
            await trio.sleep(2)
            row.calls.append("work done")

    with trio.move_on_after(1):
        async with open_supervisor([Child("a", row), Child("b", Working(), shutdown=5)]):
            await trio.sleep_forever()
    assert row.calls == ["begin a1", "work done", "stop a1"]


async def test_lives_never_overlap(row, autojump_clock, reports):
    async def work() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2)
            row.calls.append("task over")

    async with open_supervisor([Child("a", row)], on_report=reports.append):
        row.life.run(work)
        await wait_all_tasks_blocked()
        row.life.crashed(ValueError("bad row"))
        assert row.calls == ["begin a1"]
        await trio.sleep(2.5)
        assert row.calls == ["begin a1", "task over", "begin a2"]

    assert [str(report.failure) for report in reports] == ["ValueError: bad row"]


async def test_a_task_that_fails_while_it_is_cancelled_for_a_crash_is_told_of_with_it(row, reports):
    async def work() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("in the clean-up")

    async with open_supervisor([Child("a", row)], on_report=reports.append):
        row.life.run(work)
        await wait_all_tasks_blocked()
        row.life.crashed(ValueError("bad row"))
        await wait_all_tasks_blocked()

    (report,) = reports
    assert [part.type for part in report.failure.parts] == ["ValueError", "KeyError"]


async def test_a_stop_waits_for_the_task_and_the_life_has_ended_when_that_returns(autojump_clock, reports):
    row = Slow()

    async with open_supervisor([Child("a", row)], on_report=reports.append):
        row.life.run(trio.sleep, 2)

    assert trio.current_time() == 2
    assert row.calls == ["begin a1", "stop a1"]
    assert reports == []


async def test_a_task_that_overruns_the_stop_is_cancelled_and_then_told_of(autojump_clock, reports):
    row = Slow()

    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(12)

    async with open_supervisor([Child("a", row, shutdown=3)], on_report=reports.append):
        row.life.run(stubborn)

    assert trio.current_time() == 12
    assert row.calls == ["begin a1", "stop a1", "kill a1"]
    overrun, crash = reports
    assert isinstance(overrun, OverrunReport)
    assert overrun.seconds == 8
    assert any(frame.function.endswith("stubborn") for frame in overrun.stack)
    assert isinstance(crash, CrashReport)
    assert crash.exit == "killed"


async def test_a_kill_ends_the_task_too(row, reports):
    async with open_supervisor([Child("a", row)], on_report=reports.append) as supervisor:
        row.life.run(trio.sleep_forever)
        await wait_all_tasks_blocked()
        supervisor.kill_child("a")
        row.life.crashed(ValueError("too late"))
        assert row.calls == ["begin a1", "kill a1"]
        await wait_all_tasks_blocked()
        assert row.calls == ["begin a1", "kill a1", "begin a2"]

    assert [report.exit for report in reports] == ["killed"]


async def test_a_begin_that_has_a_task_and_raises_has_failed_when_the_task_has_ended(reports):
    class Failing(Row):
        def begin(self, life: PassiveLife) -> None:
            super().begin(life)
            life.run(self.work)
            raise ValueError("no")

        async def work(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                self.calls.append("task over")

    row = Failing()
    async with open_dynamic_supervisor(on_report=reports.append) as supervisor:
        with pytest.raises(StartFailed, match="ValueError: no"):
            await supervisor.start_child(Child("a", row))
        assert row.calls == ["begin a1", "task over"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
async def test_an_interrupt_in_a_task_takes_the_tree_down_and_is_raised_again(row, interrupt):
    async def work() -> None:
        await trio.lowlevel.checkpoint()
        raise interrupt

    with pytest.raises(interrupt):
        await supervise([Child("a", row), Child("b", row)], lambda: row.lives[0].run(work))

    assert row.calls == ["begin a1", "begin b1", "stop b1"]


async def test_an_interrupt_in_begin_takes_the_tree_down_and_is_raised_again(reports):
    class Interrupted(Row):
        def begin(self, life: PassiveLife) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        async with open_supervisor([Child("a", Interrupted())], on_report=reports.append):
            raise AssertionError("not reached")


# ---- the quick way


async def test_a_child_is_started_without_waiting(row):
    async with open_dynamic_supervisor(max_children=1) as supervisor:
        ref = supervisor.start_child_nowait(Child("a", row))
        assert ref.running
        with pytest.raises(ChildRefused) as again:
            supervisor.start_child_nowait(Child("a", row))
        with pytest.raises(ChildRefused) as full:
            supervisor.start_child_nowait(Child("b", row))
        assert (again.value.reason, full.value.reason) == ("already_started", "max_children")

    with pytest.raises(SupervisorStopped):
        supervisor.start_child_nowait(Child("b", row))


class BreaksItsSibling(Row):
    """Its begin ends the life of a sibling, and then raises `error`."""

    def __init__(self, sibling: Row, error: Exception | None) -> None:
        super().__init__()
        self.sibling = sibling
        self.error = error

    def begin(self, life: PassiveLife) -> None:
        self.sibling.life.crashed(ValueError("of the sibling"))
        super().begin(life)
        if self.error is not None:
            raise self.error


async def test_a_start_without_waiting_that_fails_has_its_own_error_whatever_failed_after_it(reports):
    sibling = FailingAgain()
    children = [Child("sibling", sibling)]
    async with open_supervisor(children, on_report=reports.append, max_restarts=10) as supervisor:
        with pytest.raises(StartFailed, match="KeyError: 'mine'") as failed:
            supervisor.start_child_nowait(Child("a", BreaksItsSibling(sibling, KeyError("mine"))))
    assert repr(failed.value.__cause__) == "KeyError('mine')"


async def test_a_start_without_waiting_is_not_failed_by_a_sibling_that_could_not_come_back(reports):
    sibling = FailingAgain()
    children = [Child("sibling", sibling)]
    async with open_supervisor(children, on_report=reports.append, max_restarts=10) as supervisor:
        ref = supervisor.start_child_nowait(Child("a", BreaksItsSibling(sibling, None)))
        assert ref.running
    assert [(report.child, report.during) for report in reports] == [("sibling", "running"), ("sibling", "starting")]


async def test_only_what_is_passive_can_be_started_without_waiting():
    async with open_supervisor() as supervisor:
        with pytest.raises(InvalidDefinition, match="child 'a' needs a task"):
            supervisor.start_child_nowait(Child("a", trio.sleep_forever))


async def test_a_busy_supervisor_starts_nothing_without_waiting(row):
    async def slow(task_status: trio.TaskStatus[None]) -> None:
        await trio.sleep_forever()

    class Starting(Row):
        def begin(self, life: PassiveLife) -> None:
            with pytest.raises(trio.WouldBlock):
                supervisor.start_child_nowait(Child("inner", Row()))
            super().begin(life)

    async with open_dynamic_supervisor() as supervisor:
        supervisor.start_child_nowait(Child("outer", Starting()))
        supervisor.start_child_soon(Child("task", trio.sleep_forever))
        with pytest.raises(trio.WouldBlock):
            supervisor.start_child_nowait(Child("a", row))
        await wait_all_tasks_blocked()
        supervisor.start_child_nowait(Child("a", row))
        supervisor.start_child_soon(Child("slow", slow))
        await wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            supervisor.start_child_nowait(Child("b", row))


async def test_ten_thousand_are_started_crash_and_are_stopped(reports):
    row = Row()
    ids = [str(number) for number in range(10_000)]
    async with open_dynamic_supervisor(max_restarts=20_000, on_report=reports.append) as supervisor:
        for id in ids:
            supervisor.start_child_nowait(Child(id, row))
        for life in row.lives[:]:
            life.crashed(ValueError())
        assert set(states(supervisor).values()) == {("running", 2)}

    assert len(reports) == 10_000
    assert row.calls[-10_000:] == [f"stop {id}2" for id in ids]


# ---- nested


async def test_a_passive_crash_that_is_one_too_many_ends_a_nested_supervisor(row, reports):
    inner = supervisor_child("inner", [Child("a", row)], max_restarts=1, on_report=reports.append)
    async with open_supervisor([inner], on_report=reports.append) as supervisor:
        row.life.crashed(ValueError())
        row.life.crashed(ValueError())
        await wait_all_tasks_blocked()
        assert supervisor.child("inner").incarnation == 2
        assert row.calls == ["begin a1", "begin a2", "begin a1"]


async def test_a_child_that_is_gone_for_good_is_told_of(row):
    gone = []
    pool = dynamic_supervisor_child("pool", on_gone=lambda *how: gone.append(how))
    async with open_supervisor([pool], on_report=lambda report: None) as supervisor:
        inner = supervisor.child("pool").value
        assert isinstance(inner, Supervisor)
        for id in "abc":
            inner.start_child_nowait(Child(id, row, restart="temporary"))
        row.lives[0].end()
        row.lives[1].crashed(ValueError())
        inner.kill_child("c")
        assert gone == [("a", "normal"), ("b", "crash"), ("c", "killed")]


async def test_a_child_whose_further_life_would_be_in_vain_is_parked_and_can_be_restarted(autojump_clock):
    lives: list[PassiveLife] = []

    class Hopeless:
        def begin(self, life: PassiveLife) -> None:
            lives.append(life)

        def stop(self, life: PassiveLife) -> None:
            life.end()

        def kill(self, life: PassiveLife) -> None:
            """Nothing is held."""

    async with open_supervisor([Child("a", Hopeless())], on_report=lambda _: None) as supervisor:
        lives[-1].in_vain = True
        lives[-1].crashed(ValueError("as ever"))
        parked = supervisor.tree().children[0].state
        await supervisor.restart_child("a")

        assert (parked, supervisor.tree().children[0].state, len(lives)) == ("parked", "running", 2)


@pytest.mark.parametrize(("restart", "state"), [("permanent", "parked"), ("transient", "parked"), ("temporary", None)])
def test_only_a_child_that_would_be_restarted_is_parked(restart, state):
    bench = Bench.of([child("a", restart=restart), child("b")])
    bench.fact(ev.ChildExited("a", 1, "crash", in_vain=True))
    assert bench.states.get("a") == state
    assert bench.tree.window.count == 0


def test_a_child_with_a_backoff_pauses_even_if_a_further_life_seems_to_be_in_vain():
    bench = Bench.of([child("a", backoff=Backoff())])
    bench.fact(ev.ChildExited("a", 1, "crash", in_vain=True))
    assert bench.states == {"a": "backing_off"}

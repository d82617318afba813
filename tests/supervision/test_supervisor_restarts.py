"""A running supervisor: restarts, and what they leave alone."""

# the block of a supervisor is what raises

import contextvars
import gc
from functools import partial

import pytest
import trio

from jido_trio.errors import RestartIntensityExceeded
from jido_trio.supervision import Child, Report, open_supervisor, supervisor_child
from jido_trio.supervision._life import active
from tests.supervision._diary import Diary, crashing, crashing_once

MANY = 1_000_000
"""So many restarts that the window doesn't matter."""


@pytest.fixture
def diary():
    return Diary()


@pytest.fixture
def reports():
    return []


async def test_a_crashed_child_comes_back_and_its_sibling_never_notices(diary, autojump_clock):
    async with open_supervisor([diary.child("a"), diary.child("b", crashing_once())]) as supervisor:
        await trio.sleep(10)
        lives = {child.id: child.incarnation for child in supervisor.tree().children}
    assert lives == {"a": 1, "b": 2}
    assert diary == ["+a", "+b", "-b", "+b", "-b", "-a"]


async def test_each_crash_is_reported_once_with_its_error_before_the_restart(diary, reports, autojump_clock):
    def report(report: Report) -> None:
        reports.append(report)
        diary.append(f"report {report.incarnation}")

    child = diary.child("a", crashing(1))
    async with open_supervisor([child], name="top", max_restarts=9, on_report=report):
        await trio.sleep(2.5)
    assert diary == ["+a", "-a", "report 1", "+a", "-a", "report 2", "+a", "-a"]
    assert {(r.supervisor, r.child, r.during, r.exit, r.failure.message) for r in reports} == {
        ("top", "a", "running", "crash", "boom")
    }
    assert [report.at for report in reports] == [1, 2]


async def test_a_crash_while_the_supervisor_is_busy_keeps_its_own_error(diary, reports, autojump_clock):
    async def breaks():
        raise OSError("flush")

    leaving = diary.child("leaving", at_the_end=breaks)
    crashed = Child("crashed", crashing(2))
    async with open_supervisor([crashed, leaving], on_report=reports.append) as supervisor:
        await trio.sleep(1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.start_child, diary.child("slow", ready_after=5))
            await trio.sleep(0.5)
            nursery.start_soon(supervisor.terminate_child, "leaving")
    assert {report.child: report.failure.message for report in reports} == {"crashed": "boom", "leaving": "flush"}


async def test_giving_up_over_a_crash_that_had_to_wait_has_it_as_the_cause(diary, autojump_clock):
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([diary.child("a", crashing(1)), diary.child("b")], max_restarts=0) as supervisor:
            await supervisor.start_child(diary.child("slow", ready_after=5))
    assert repr(gave_up.value.__cause__) == "ValueError('boom')"


async def test_two_children_that_crash_at_once_each_keep_their_own_error(reports, autojump_clock):
    children = [Child(id, crashing(1, partial(ValueError, id)), restart="temporary") for id in "abc"]
    async with open_supervisor(children, on_report=reports.append):
        await trio.sleep(5)
    assert sorted((report.child, report.failure.message) for report in reports) == [("a", "a"), ("b", "b"), ("c", "c")]


@pytest.mark.parametrize(
    ("strategy", "after"),
    [
        ("one_for_one", ["-b", "+b"]),
        ("one_for_all", ["-b", "-c", "-a", "+a", "+b", "+c"]),
        ("rest_for_one", ["-b", "-c", "+b", "+c"]),
    ],
)
async def test_a_strategy_restarts_in_order_what_goes_down_together(strategy, after, diary, autojump_clock):
    children = [diary.child("a"), diary.child("b", crashing_once()), diary.child("c")]
    async with open_supervisor(children, strategy=strategy):
        await trio.sleep(10)
        assert diary[3:] == after


async def test_the_next_life_never_overlaps_the_one_before_grandchildren_included(autojump_clock):
    alive, most = 0, 0

    async def grandchild():
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)
            alive -= 1

    async def child():
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(grandchild)
            await trio.sleep(1)
            raise ValueError("boom")

    async with open_supervisor([Child("a", child)], max_restarts=MANY) as supervisor:
        await trio.sleep(100)
        assert supervisor.child("a").incarnation > 10
    assert most == 3


async def test_a_restart_of_a_group_waits_for_the_clean_up_of_each(diary, autojump_clock):
    async def linger():
        await trio.sleep(3)

    children = [diary.child("a", crashing_once()), diary.child("b", at_the_end=linger, shutdown=1)]
    async with open_supervisor(children, strategy="one_for_all"):
        await trio.sleep(10)
        assert diary == ["+a", "+b", "-a", "-b", "+a", "+b"]


async def test_what_a_life_did_to_context_variables_ends_with_it(autojump_clock):
    variable = contextvars.ContextVar("variable", default="clean")
    variable.set("opened")
    seen = []

    async def child():
        seen.append(variable.get())
        variable.set("dirty")
        await trio.sleep(1)
        raise ValueError("boom")

    async with open_supervisor([Child("a", child)], max_restarts=MANY) as supervisor:
        variable.set("changed later")
        await trio.sleep(3.5)
        await supervisor.terminate_child("a")
        await supervisor.restart_child("a")
        await trio.sleep(0.5)
    assert seen == ["opened"] * 5


async def test_exceptions_of_later_lives_do_not_chain_to_those_of_earlier_ones(autojump_clock):
    contexts = []

    async def child():
        await trio.sleep(1)
        error = ValueError("boom")
        try:
            raise error
        finally:
            contexts.append(error.__context__)

    async with open_supervisor([Child("a", child)], max_restarts=MANY):
        await trio.sleep(100.5)
    assert contexts == [None] * 100


async def test_what_a_crashed_life_held_is_free(autojump_clock):
    class Held: ...

    async def child():
        held = Held()
        await trio.sleep(1)
        raise ValueError("boom", held)

    reports: list[object] = []
    async with open_supervisor([Child("a", child)], max_restarts=MANY, on_report=reports.append):
        await trio.sleep(50.5)
        gc.collect()
        assert sum(type(thing) is Held for thing in gc.get_objects()) == 1
        assert len(reports) == 50


async def test_a_crash_loop_does_not_starve_others(autojump_clock):
    crashes = 0

    async def crash():
        nonlocal crashes
        crashes += 1
        raise ValueError("boom")

    async with open_supervisor([Child("a", crash)], max_restarts=MANY, on_report=lambda report: None):
        for _ in range(100):
            await trio.lowlevel.checkpoint()
    assert 10 < crashes < 1_000


async def test_a_crash_loop_still_answers_calls(autojump_clock):
    async def crash():
        raise ValueError("boom")

    async with open_supervisor([Child("a", crash)], max_restarts=MANY, on_report=lambda report: None) as supervisor:
        await supervisor.terminate_child("a")
        assert supervisor.child("a").running is False


async def test_a_restart_whose_start_always_fails_still_answers_calls(autojump_clock):
    starts = 0

    async def never_again(task_status):
        nonlocal starts
        starts += 1
        if starts > 1:
            raise OSError("port taken")
        task_status.started()
        await trio.sleep(1)
        raise ValueError("boom")

    child = Child("a", never_again)
    async with open_supervisor([child], max_restarts=MANY, on_report=lambda report: None) as supervisor:
        await trio.sleep(1)
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        await supervisor.terminate_child("a")
        assert starts > 5
        assert supervisor.tree().children[0].state == "stopped"


async def test_a_ref_means_the_same_child_over_all_its_lives(diary, autojump_clock):
    async with open_supervisor([diary.child("a", crashing_once(), ready_after=1)]) as supervisor:
        ref = supervisor.child("a")
        before = (ref.running, ref.incarnation)
        await trio.sleep(10)
        assert before == (True, 1)
        assert (ref.running, ref.incarnation, ref.value) == (True, 2, "value of a")
    assert ref.running is False


async def test_the_window_goes_by_trios_clock(autojump_clock):
    with pytest.raises(RestartIntensityExceeded):
        async with open_supervisor([Child("a", crashing(1))], max_restarts=3, max_seconds=3):
            await trio.sleep(1_000)
    assert trio.current_time() == 4

    with trio.move_on_after(1_000) as scope:
        async with open_supervisor(
            [Child("a", crashing(1))], max_restarts=3, max_seconds=2.999, on_report=lambda report: None
        ):
            await trio.sleep(1_000)
    assert scope.cancelled_caught


async def test_nested_supervisors_escalate_step_by_step(diary, autojump_clock):
    leaf = diary.child("leaf", crashing(1))
    inner = supervisor_child("inner", [leaf], max_restarts=1, max_seconds=60)
    outer = supervisor_child("outer", [inner], max_restarts=1, max_seconds=60)
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([outer], max_restarts=1, max_seconds=60, name="top"):
            await trio.sleep(1_000)
    assert diary.count("+leaf") == 8
    names = []
    error: BaseException | None = gave_up.value
    while isinstance(error, RestartIntensityExceeded):
        names.append(error.supervisor)
        error = error.__cause__
    assert names == ["top", "outer", "inner"]


async def test_a_life_cancelled_unasked_was_killed(reports, autojump_clock):
    async def live(life):
        if life.incarnation == 1:
            active(life).scope.cancel()
        await trio.sleep_forever()

    async with open_supervisor([Child("a", live, restart="transient")], on_report=reports.append) as supervisor:
        await trio.sleep(1)
        assert supervisor.child("a").incarnation == 2
    assert [(report.during, report.exit) for report in reports] == [("running", "killed")]

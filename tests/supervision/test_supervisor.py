"""A running supervisor: start, stop, and what its block sees."""

# ruff: noqa: PT012  # the block of a supervisor is what raises

from functools import partial

import pytest
import trio

from jido_trio.errors import RestartIntensityExceeded, StartFailed
from jido_trio.supervision import Child, CrashReport, OverrunReport, Shutdown, open_supervisor, supervisor_child
from tests.supervision._diary import Diary, crashing


@pytest.fixture
def diary():
    return Diary()


@pytest.fixture
def reports():
    return []


async def fails_to_start(task_status):
    await trio.sleep(1)
    raise ValueError("no database")


# ---- starting


async def test_children_start_in_order_and_stop_in_reverse(diary, autojump_clock):
    async with open_supervisor([diary.child(id) for id in "abc"]):
        await trio.sleep(1)
    assert diary == ["+a", "+b", "+c", "-c", "-b", "-a"]


async def test_a_child_starts_once_the_one_before_is_ready(diary, autojump_clock):
    async with open_supervisor([diary.child("a", ready_after=5), diary.child("b", ready_after=1)]):
        assert trio.current_time() == 6
        diary.append("block")
    assert diary[:5] == ["…a", "+a", "…b", "+b", "block"]


async def test_the_value_of_a_ref_is_what_the_child_said_when_it_was_ready(diary, autojump_clock):
    async with open_supervisor([diary.child("a", ready_after=1)]) as supervisor:
        assert supervisor.child("a").value == "value of a"


async def test_a_supervisor_without_children_runs(autojump_clock):
    async with open_supervisor() as supervisor:
        assert await supervisor.which_children() == ()


async def test_a_child_that_fails_to_start_fails_the_block_with_its_error_as_the_cause(autojump_clock):
    with pytest.raises(StartFailed, match="no database") as failed:
        async with open_supervisor([Child("db", fails_to_start)], name="top"):
            pytest.fail("the block must not be entered")
    assert (failed.value.supervisor, failed.value.child) == ("top", "db")
    assert isinstance(failed.value.__cause__, ValueError)


async def test_a_failed_start_stops_those_before_it_in_reverse_and_starts_none_after_it(diary, autojump_clock):
    children = [diary.child("a"), diary.child("b"), Child("c", fails_to_start), diary.child("d")]
    with pytest.raises(StartFailed) as failed:
        async with open_supervisor(children):
            pytest.fail("the block must not be entered")
    assert diary == ["+a", "+b", "-b", "-a"]
    assert repr(failed.value.__cause__) == "ValueError('no database')"


async def test_a_child_that_is_not_ready_in_time_has_failed_to_start(diary, autojump_clock):
    with pytest.raises(StartFailed, match="start_timeout=2 s") as failed:
        async with open_supervisor([diary.child("slow", ready_after=5, start_timeout=2)]):
            pytest.fail("the block must not be entered")
    assert isinstance(failed.value.__cause__, TimeoutError)
    assert trio.current_time() == 2


async def test_a_child_that_was_ready_in_time_may_run_longer(diary, autojump_clock):
    async with open_supervisor([diary.child("a", ready_after=1, start_timeout=2)]):
        await trio.sleep(10)
        assert diary == ["…a", "+a"]


async def test_a_child_that_returns_without_being_ready_has_failed_to_start(autojump_clock):
    async def forgets(task_status):
        await trio.sleep(1)

    with pytest.raises(StartFailed, match=r"without calling task_status.started\(\)"):
        async with open_supervisor([Child("a", forgets)]):
            pytest.fail("the block must not be entered")


async def test_a_child_that_is_ready_twice_crashes(reports, autojump_clock):
    async def twice(task_status):
        task_status.started()
        task_status.started()

    async with open_supervisor([Child("a", twice, restart="temporary")], on_report=reports.append):
        await trio.sleep(1)
    assert "twice in one life" in reports[0].failure.message


async def test_the_failed_start_of_a_nested_supervisor_is_that_of_its_own_supervisor(diary, autojump_clock):
    group = supervisor_child("group", [diary.child("b"), Child("c", fails_to_start)])
    with pytest.raises(StartFailed) as failed:
        async with open_supervisor([diary.child("a"), group]):
            pytest.fail("the block must not be entered")
    assert diary == ["+a", "+b", "-b", "-a"]
    inner = failed.value.__cause__
    assert isinstance(inner, StartFailed)
    assert (failed.value.child, inner.child) == ("group", "c")
    assert isinstance(inner.__cause__, ValueError)


async def test_a_start_that_is_cancelled_takes_down_what_was_started(diary, autojump_clock):
    with trio.move_on_after(3) as scope:
        async with open_supervisor([diary.child("a"), diary.child("slow", ready_after=10)]):
            pytest.fail("the block must not be entered")
    assert scope.cancelled_caught
    assert diary == ["+a", "…slow", "-a"]


async def test_an_error_of_a_start_that_is_cancelled_is_reported(reports, autojump_clock):
    async def fails_when_cancelled(task_status):
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("clean-up")

    with trio.move_on_after(3):
        async with open_supervisor([Child("a", fails_when_cancelled)], on_report=reports.append):
            pytest.fail("the block must not be entered")
    assert [report.failure.message for report in reports] == ["clean-up"]


async def test_auto_shutdown_by_a_child_that_ended_during_the_start_ends_the_block_at_once(diary, autojump_clock):
    async def ends():
        await trio.sleep(1)

    quick = diary.child("quick", ends, restart="transient", significant=True)
    async with open_supervisor([quick, diary.child("slow", ready_after=5)], auto_shutdown="any_significant") as top:
        await trio.sleep(1_000)
    assert top.tree().phase == "ended"
    assert diary[-1] == "-slow"


# ---- stopping


async def test_leaving_the_block_with_an_error_stops_the_children_first(diary, autojump_clock):
    with pytest.raises(KeyError, match="mine"):
        async with open_supervisor([diary.child("a")]):
            await trio.sleep(1)
            raise KeyError("mine")
    assert diary == ["+a", "-a"]


async def test_on_outer_cancellation_a_child_can_still_use_one_that_started_before_it(diary, autojump_clock):
    ask, answer = trio.Event(), trio.Event()

    async def serve():
        await ask.wait()
        answer.set()
        await trio.sleep_forever()

    async def flush():
        ask.set()
        with trio.fail_after(1):
            await answer.wait()
        diary.append("flushed")

    with trio.move_on_after(3):
        async with open_supervisor([diary.child("db", serve), diary.child("web", at_the_end=flush)]):
            await trio.sleep(1_000)
    assert diary == ["+db", "+web", "flushed", "-web", "-db"]


async def test_cancelling_the_block_stops_the_children_in_reverse_order(diary, autojump_clock):
    async def linger():
        await trio.sleep(1)

    with trio.move_on_after(3):
        async with open_supervisor([diary.child(id, at_the_end=linger) for id in "abc"]):
            await trio.sleep(1_000)
    assert diary[-3:] == ["-c", "-b", "-a"]
    assert trio.current_time() == 6


async def test_a_child_that_was_being_stopped_for_a_call_does_not_hurry_the_others(diary, autojump_clock):
    def lingering(seconds):
        return partial(trio.sleep, seconds)

    children = [diary.child("a", at_the_end=lingering(3)), diary.child("b"), diary.child("c", at_the_end=lingering(9))]
    async with open_supervisor(children) as supervisor:
        supervisor.terminate_child_soon("a")
        await trio.sleep(1)
    assert diary[3:] == ["-a", "-c", "-b"]


def trapping(diary, seconds, **options):
    async def finish(life):
        asked = trio.Event()
        life.trap_stop(asked.set)
        try:
            await asked.wait()
            diary.append("asked")
            await trio.sleep(seconds)
            diary.append("finished")
        finally:
            diary.append("ended")

    return Child("a", finish, **options)


async def test_a_child_that_traps_its_stop_has_its_shutdown_seconds_to_finish(diary, reports, autojump_clock):
    async with open_supervisor([trapping(diary, 4, shutdown=5)], on_report=reports.append):
        await trio.sleep(1)
    assert diary == ["asked", "finished", "ended"]
    assert (trio.current_time(), reports) == (5, [])


async def test_a_child_that_traps_its_stop_is_cancelled_when_its_seconds_are_over(diary, reports, autojump_clock):
    async with open_supervisor([trapping(diary, 60, shutdown=5)], on_report=reports.append):
        await trio.sleep(1)
    assert diary == ["asked", "ended"]
    assert trio.current_time() == 6
    assert [report.exit for report in reports if isinstance(report, CrashReport)] == ["killed"]


@pytest.mark.parametrize("attempt", range(10))
async def test_a_child_that_obeys_when_it_is_cancelled_is_never_said_to_ignore_its_stop(
    attempt, diary, reports, autojump_clock
):
    async with open_supervisor([trapping(diary, 60, shutdown=5)], on_report=reports.append):
        await trio.sleep(1)
    assert [report for report in reports if isinstance(report, OverrunReport)] == []


async def test_a_brutal_stop_does_not_ask(diary, reports, autojump_clock):
    async with open_supervisor([trapping(diary, 4, shutdown="brutal")], on_report=reports.append):
        await trio.sleep(1)
    assert (diary, trio.current_time(), reports) == (["ended"], 1, [])


async def test_a_child_without_a_limit_is_waited_for_as_long_as_it_takes(diary, reports, autojump_clock):
    async with open_supervisor([trapping(diary, 10_000, shutdown=None)], on_report=reports.append):
        await trio.sleep(1)
    assert diary == ["asked", "finished", "ended"]
    assert reports == []


async def test_a_child_asked_to_stop_before_its_first_step_and_obeying_at_once_is_not_said_to_be_killed(
    diary, reports, autojump_clock
):
    async with open_supervisor(on_report=reports.append) as supervisor:
        supervisor.start_child_soon(trapping(diary, 0))
    assert diary[-1] == "ended"
    assert reports == []


async def test_a_stop_handler_that_raises_is_reported_and_the_tree_still_goes_down_in_order(
    diary, reports, autojump_clock
):
    def broken():
        raise OSError("handler")

    async def traps(life):
        life.trap_stop(broken)
        diary.append("+b")
        try:
            await trio.sleep_forever()
        finally:
            diary.append("-b")

    async with open_supervisor([diary.child("a"), Child("b", traps), diary.child("c")], on_report=reports.append):
        await trio.sleep(1)
    assert diary[-3:] == ["-c", "-b", "-a"]
    assert any("handler" in str(report) for report in reports)


async def test_a_limit_for_the_whole_supervisor_cancels_what_still_runs(diary, autojump_clock):
    stubborn = trapping(diary, 10_000, shutdown=None)
    async with open_supervisor([diary.child("z"), stubborn], shutdown=3):
        await trio.sleep(1)
    assert trio.current_time() == 4
    assert diary[:2] == ["+z", "asked"]
    assert sorted(diary[2:]) == ["-z", "ended"]


async def test_a_nested_supervisor_stops_its_children_in_order_within_its_own_time(diary, autojump_clock):
    async def linger():
        await trio.sleep(1)

    group = supervisor_child("group", [diary.child("b", at_the_end=linger), diary.child("c", at_the_end=linger)])
    async with open_supervisor([diary.child("a"), group, diary.child("d")]):
        await trio.sleep(1)
    assert diary == ["+a", "+b", "+c", "+d", "-d", "-c", "-b", "-a"]


async def test_a_nested_supervisor_whose_time_is_over_takes_its_children_down_at_once(diary, autojump_clock):
    group = supervisor_child("group", [trapping(diary, 10_000, shutdown=None)], shutdown=2)
    async with open_supervisor([group]):
        await trio.sleep(1)
    assert diary == ["asked", "ended"]
    assert trio.current_time() == 3


@pytest.mark.parametrize("shutdown", [5, "brutal"])
async def test_a_child_that_ignores_its_stop_is_named_with_its_stack_again_and_again(shutdown, reports, autojump_clock):
    async def stubborn():
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(17)

    child = Child("a", stubborn, shutdown=shutdown, restart="temporary")
    async with open_supervisor([child], name="top", on_report=reports.append):
        await trio.sleep(1)
    overruns = [report for report in reports if isinstance(report, OverrunReport)]
    assert [report.seconds for report in overruns] == [5, 10, 15]
    assert {(report.supervisor, report.child, report.incarnation) for report in overruns} == {("top", "a", 1)}
    assert any(frame.function.endswith("stubborn") for frame in overruns[0].stack)


async def test_a_child_cancelled_by_the_limit_of_the_whole_supervisor_is_named_when_it_ignores_that(
    reports, autojump_clock
):
    async def stubborn():
        with trio.CancelScope(shield=True):
            await trio.sleep(20)

    async with open_supervisor([Child("a", stubborn, shutdown=None)], shutdown=2, on_report=reports.append):
        await trio.sleep(1)
    assert any(isinstance(report, OverrunReport) for report in reports)


async def test_an_error_while_stopping_is_reported_and_not_restarted(diary, reports, autojump_clock):
    async def breaks():
        raise OSError("flush")

    children = [diary.child("a"), diary.child("b", at_the_end=breaks), diary.child("c")]
    async with open_supervisor(children, on_report=reports.append):
        await trio.sleep(1)
    assert diary == ["+a", "+b", "+c", "-c", "-a"]
    assert [(report.child, report.during, report.failure.message) for report in reports] == [("b", "stopping", "flush")]


async def test_the_error_half_of_a_cancelled_group_is_reported(reports, autojump_clock):
    async def cleans_up_badly():
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("clean-up")

    async def several():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(cleans_up_badly)

    async with open_supervisor([Child("a", several)], on_report=reports.append):
        await trio.sleep(1)
    (report,) = reports
    assert (report.during, report.exit, report.failure.type) == ("stopping", "crash", "ExceptionGroup")
    assert [part.message for part in report.failure.parts] == ["clean-up"]


async def test_stop_ends_the_block_and_the_supervisor(diary, autojump_clock):
    async with open_supervisor([diary.child("a")]) as supervisor:
        supervisor.stop()
        await trio.sleep(1_000)
    await supervisor.wait()
    assert diary == ["+a", "-a"]


# ---- ending by itself


async def test_giving_up_raises_one_plain_error_whose_cause_is_the_last_crash(diary, autojump_clock):
    children = [diary.child("a"), diary.child("b", crashing(1)), diary.child("c")]
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor(children, max_restarts=1, max_seconds=9, name="top"):
            await trio.sleep(1_000)
    error = gave_up.value
    assert (error.supervisor, error.child, error.restarts, error.max_restarts, error.max_seconds) == (
        *("top", "b", 2, 1, 9),
    )
    assert repr(error.__cause__) == "ValueError('boom')"
    assert diary == ["+a", "+b", "+c", "-b", "+b", "-b", "-c", "-a"]


async def test_giving_up_for_the_only_child_has_its_crash_as_the_cause_too(autojump_clock):
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([Child("a", crashing(1))], max_restarts=0):
            await trio.sleep(1_000)
    assert repr(gave_up.value.__cause__) == "ValueError('boom')"


async def test_an_error_of_the_block_while_the_supervisor_gives_up_is_not_lost(diary, autojump_clock):
    async def block():
        async with open_supervisor([diary.child("a", crashing(1))], max_restarts=0):
            try:
                await trio.sleep_forever()
            finally:
                raise KeyError("mine")

    with pytest.raises(BaseExceptionGroup) as both:
        await block()
    assert [type(error) for error in both.value.exceptions] == [RestartIntensityExceeded, KeyError]


async def test_giving_up_while_the_block_waits_for_an_answer_raises_the_one_plain_error(diary, autojump_clock):
    with pytest.raises(RestartIntensityExceeded):
        async with open_supervisor([diary.child("a", crashing(1))], max_restarts=0) as supervisor:
            supervisor.start_child_soon(diary.child("slow", ready_after=5))
            await trio.sleep(2)
            await supervisor.terminate_child("a")  # behind the crash of a, for which the supervisor gives up


async def test_an_end_while_the_block_waits_for_an_answer_is_as_quiet_as_any_other(diary, autojump_clock):
    async def stops_it():
        await trio.sleep(1)
        supervisor.stop()

    async with open_supervisor() as supervisor:
        await supervisor.start_child(diary.child("a", stops_it, at_the_end=partial(trio.sleep, 3)))
        await supervisor.start_child(diary.child("slow", ready_after=50))
        diary.append("never")
    assert diary == ["+a", "…slow", "-a"]


async def test_a_nested_supervisor_that_gives_up_is_restarted_and_counts_in_its_own_supervisor(diary, autojump_clock):
    group = supervisor_child("group", [diary.child("b"), diary.child("c", crashing(1))], max_restarts=1)
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([diary.child("a"), group], max_restarts=1, max_seconds=60, name="top"):
            await trio.sleep(1_000)
    assert diary.count("+c") == 4
    assert diary.count("+a") == 1
    inner = gave_up.value.__cause__
    assert isinstance(inner, RestartIntensityExceeded)
    assert (gave_up.value.supervisor, inner.supervisor) == ("top", "group")
    assert repr(inner.__cause__) == "ValueError('boom')"


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_nested_supervisor_that_is_not_permanent_may_give_up_alone(restart, diary, autojump_clock):
    group = supervisor_child("group", [diary.child("b", crashing(1))], max_restarts=0, restart=restart)
    async with open_supervisor([diary.child("a"), group], max_restarts=0) as supervisor:
        await trio.sleep(10)
        assert not supervisor.child("group").running
        assert supervisor.child("a").running


async def test_auto_shutdown_ends_the_block_without_an_error(diary, autojump_clock):
    job = diary.child("job", partial(trio.sleep, 3), restart="transient", significant=True)
    async with open_supervisor([diary.child("a"), job], auto_shutdown="any_significant"):
        await trio.sleep(1_000)
    assert diary == ["+a", "+job", "-job", "-a"]
    assert trio.current_time() == 3


async def test_auto_shutdown_of_a_nested_supervisor_is_a_shutdown_to_its_own(diary, reports, autojump_clock):
    job = diary.child("job", partial(trio.sleep, 3), restart="transient", significant=True)
    group = supervisor_child("group", [job], auto_shutdown="any_significant", restart="transient")
    async with open_supervisor([group], on_report=reports.append) as supervisor:
        await trio.sleep(10)
        assert supervisor.tree().children[0].state == "stopped"
    assert reports == []


async def test_a_child_that_raises_shutdown_ends_on_purpose(reports, autojump_clock):
    child = Child("a", crashing(1, lambda: Shutdown("enough")), restart="transient")
    async with open_supervisor([child], on_report=reports.append) as supervisor:
        await trio.sleep(10)
        assert supervisor.child("a").incarnation == 1
    assert reports == []


async def test_a_supervisor_says_in_one_line_what_it_is_at(diary, autojump_clock):
    async with open_supervisor([diary.child("a")], name="top") as supervisor:
        assert repr(supervisor) == "<Supervisor 'top' up, 1 children>"
    assert repr(supervisor) == "<Supervisor 'top' ended, 1 children>"

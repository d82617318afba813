"""Tasks: who learns what of a function that runs supervised, and who doesn't."""

from functools import partial
from typing import Any

import pytest
import trio

from jido_trio.errors import (
    ChildRefused,
    InvalidDefinition,
    SupervisorStopped,
    TaskCrashed,
    TaskError,
    TaskStopped,
    TaskTimedOut,
)
from jido_trio.supervision import (
    Failed,
    Ok,
    Shutdown,
    TaskSupervisor,
    open_supervisor,
    open_task_supervisor,
    task_supervisor_child,
)


@pytest.fixture
def reports():
    return []


@pytest.fixture(name="tasks")
async def open_tasks(reports):
    async with open_task_supervisor(name="tasks", on_report=reports.append) as tasks:
        yield tasks


async def double(number, after=1.0):
    await trio.sleep(after)
    return 2 * number


async def crash(after=1.0):
    await trio.sleep(after)
    raise ValueError("boom")


async def shield(seconds):
    """Clean up so long when cancelled."""
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await trio.sleep(seconds)


# ---- fire and forget


async def test_what_is_started_soon_runs_with_its_arguments(tasks, autojump_clock):
    seen = []

    async def note(*args):
        seen.append(args)

    assert tasks.start_soon(note, 1, "two") is None
    await trio.sleep(1)
    assert seen == [(1, "two")]


async def test_a_crash_is_reported_and_touches_nobody(tasks, reports, autojump_clock):
    tasks.start_soon(crash)
    other = tasks.start(double, 4, 5)
    assert await other.wait() == 8
    assert [(report.child, report.exit, str(report.failure)) for report in reports] == [
        ("crash#1", "crash", "ValueError: boom")
    ]


async def test_an_ended_task_is_forgotten(tasks, autojump_clock):
    tasks.start_soon(double, 1)
    assert (tasks.count, len(tasks.tree().children)) == (1, 1)
    await trio.sleep(2)
    assert (tasks.count, len(tasks.tree().children)) == (0, 0)


@pytest.mark.parametrize(
    ("fn", "name", "id"),
    [
        (double, None, "double#1"),
        (partial(partial(double), 3), None, "double#1"),
        (double, "mail", "mail#1"),
        (partial(double, 3), "mail", "mail#1"),
    ],
)
async def test_a_task_is_called_as_its_function_or_as_its_name(fn, name, id, tasks, autojump_clock):
    assert tasks.start(fn, 1, name=name).id == id


async def test_a_callable_object_is_called_as_its_class(tasks, autojump_clock):
    class Sleeper:
        async def __call__(self):
            await trio.sleep(1)

    assert tasks.start(Sleeper()).id == "Sleeper#1"


async def test_a_coroutine_is_refused_with_the_remedy(tasks, autojump_clock):
    with pytest.raises(InvalidDefinition, match="pass the async function itself"):
        tasks.start_soon(double(1))
    assert tasks.count == 0


async def test_no_more_than_max_children_run(autojump_clock):
    async with open_task_supervisor(max_children=1, name="one") as tasks:
        first = tasks.start(double, 1)
        with pytest.raises(ChildRefused) as refused:
            tasks.start_soon(double, 2)
        assert (refused.value.supervisor, refused.value.reason) == ("one", "max_children")
        await first.wait()
        await tasks.run(double, 2)


async def test_the_sink_of_reports_may_start_a_task(autojump_clock):
    told = []

    async def tell(text):
        told.append(text)

    async with open_task_supervisor(on_report=lambda report: tasks.start_soon(tell, report.child)) as tasks:
        tasks.start_soon(crash)
        await trio.sleep(2)
    assert told == ["crash#1"]


# ---- waiting


async def test_waiting_gives_the_value(tasks, autojump_clock):
    assert await tasks.start(double, 21).wait() == 42
    assert trio.current_time() == 1


async def test_a_value_is_there_for_everyone_who_waits_and_for_good(tasks, autojump_clock):
    task, values = tasks.start(double, 21), []

    async def wait():
        values.append(await task.wait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wait)
    assert [*values, await task.wait(), await task.wait(timeout=0)] == [42] * 4


async def test_the_crash_of_a_task_is_raised_where_it_is_waited_for(tasks, autojump_clock):
    task = tasks.start(crash)
    with pytest.raises(TaskCrashed) as crashed:
        await task.wait()
    assert (crashed.value.supervisor, crashed.value.task, crashed.value.error) == (
        "tasks",
        "crash#1",
        "ValueError: boom",
    )
    assert repr(crashed.value.__cause__) == "ValueError('boom')"


async def test_a_crash_is_isolated_until_it_is_waited_for(tasks, autojump_clock):
    task = tasks.start(crash)
    await trio.sleep(5)
    assert isinstance(task.error, TaskCrashed)


async def test_each_who_waits_gets_an_exception_of_his_own(tasks, autojump_clock):
    task, errors = tasks.start(crash), []
    for _ in range(2):
        with pytest.raises(TaskCrashed) as crashed:
            await task.wait()
        errors.append(crashed.value)
    assert errors[0] is not errors[1]
    assert errors[0].__cause__ is errors[1].__cause__


async def test_the_cause_is_kept_where_another_exception_is_being_handled(tasks, autojump_clock):
    async def wait():
        try:
            raise KeyError("other")
        except KeyError:
            await tasks.start(crash).wait()

    with pytest.raises(TaskCrashed) as crashed:
        await wait()
    assert isinstance(crashed.value.__cause__, ValueError)


async def test_a_crash_within_a_cancelled_nursery_is_no_cancellation(tasks, autojump_clock):
    async def untidy():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("boom")

    task = tasks.start(untidy)
    await trio.sleep(1)
    task.cancel()
    with pytest.raises(TaskCrashed) as crashed:
        await task.wait()
    assert isinstance(crashed.value.__cause__, ExceptionGroup)
    assert [repr(error) for error in crashed.value.__cause__.exceptions] == ["ValueError('boom')"]


async def test_ending_on_purpose_is_told_to_who_waits_and_not_reported(tasks, reports, autojump_clock):
    async def leave():
        raise Shutdown("nothing to do")

    with pytest.raises(TaskStopped) as stopped:
        await tasks.start(leave).wait()
    assert stopped.value.reason == "nothing to do"
    assert reports == []


async def test_ending_on_purpose_from_a_nursery_is_told_too(tasks, autojump_clock):
    async def leave():
        async with trio.open_nursery():
            raise Shutdown("from within")

    with pytest.raises(TaskStopped) as stopped:
        await tasks.start(leave).wait()
    assert stopped.value.reason == "it ended on purpose"


async def test_waiting_with_a_timeout_ends_the_waiting_and_not_the_task(tasks, autojump_clock):
    task = tasks.start(double, 1, 5)
    with pytest.raises(TaskTimedOut) as late:
        await task.wait(timeout=2)
    assert (trio.current_time(), late.value.seconds, late.value.stopped) == (2, 2, False)
    assert await task.wait(timeout=4) == 2


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1", True])
async def test_a_timeout_that_is_no_time_is_refused(timeout, tasks, autojump_clock):
    task = tasks.start(double, 1)
    with pytest.raises(InvalidDefinition, match="timeout"):
        await task.wait(timeout=timeout)
    with pytest.raises(InvalidDefinition, match="timeout"):
        tasks.open_task(double, 1, timeout=timeout)


async def test_a_cancelled_waiter_leaves_the_task_alone(tasks, autojump_clock):
    task = tasks.start(double, 1, 5)
    with trio.move_on_after(1):
        await task.wait()
    assert trio.current_time() == 1
    assert await task.wait() == 2


async def test_what_a_task_came_to_is_there_as_a_value(tasks, autojump_clock):
    good, bad = tasks.start(double, 1), tasks.start(crash)
    assert (good.done, good.outcome, good.error) == (False, None, None)
    await trio.sleep(2)
    assert (good.done, good.outcome, good.error) == (True, Ok(2), None)
    assert good.outcome.unwrap() == 2
    assert isinstance(bad.outcome, Failed)
    with pytest.raises(TaskCrashed):
        bad.outcome.unwrap()


async def test_a_task_tells_its_state_in_one_line(tasks, autojump_clock):
    good, bad = tasks.start(double, 1), tasks.start(crash)
    assert repr(good) == "<Task 'double#1' of 'tasks': runs>"
    assert repr(tasks) == "<TaskSupervisor 'tasks' open, 2 tasks>"
    await trio.sleep(2)
    assert repr(good) == "<Task 'double#1' of 'tasks': ok>"
    assert repr(bad) == "<Task 'crash#2' of 'tasks': crash>"


# ---- ending a task


async def test_a_cancelled_task_is_stopped(tasks, reports, autojump_clock):
    task = tasks.start(trio.sleep_forever)
    task.cancel()
    with pytest.raises(TaskStopped) as stopped:
        await task.wait()
    assert stopped.value.reason == "it was cancelled"
    assert reports == []


async def test_a_task_that_is_cancelled_at_once_ends_at_its_first_checkpoint(tasks, autojump_clock):
    steps = []

    async def step():
        steps.append("first")
        await trio.lowlevel.checkpoint()
        steps.append("second")

    task = tasks.start(step)
    task.cancel()
    assert isinstance(await task.shutdown(), Failed)
    assert steps == ["first"]


async def test_cancelling_an_ended_task_changes_nothing(tasks, autojump_clock):
    task = tasks.start(double, 1)
    await task.wait()
    task.cancel()
    assert (task.outcome, task.cancel_called) == (Ok(2), False)


async def test_shutdown_waits_for_the_clean_up_and_gives_what_became_of_it(tasks, autojump_clock):
    task = tasks.start(shield, 3)
    await trio.sleep(1)
    outcome = await task.shutdown()
    assert trio.current_time() == 4
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, TaskStopped)


async def test_shutdown_of_an_ended_task_gives_its_value(tasks, autojump_clock):
    task = tasks.start(double, 1)
    await trio.sleep(2)
    assert await task.shutdown() == Ok(2)


async def test_a_task_that_traps_its_stop_may_still_come_to_a_value(tasks, autojump_clock):
    task = tasks.start(obedient, 3)
    await trio.sleep(1)
    assert await task.shutdown(5) == Ok("tidy")
    assert trio.current_time() == 4


@pytest.mark.parametrize(
    ("limit", "ended"),
    [(2, 3), ("brutal", 1), (None, 11), ("default", 6)],
    ids=["seconds", "brutal", "none", "default"],
)
async def test_a_task_that_traps_its_stop_is_cancelled_when_its_limit_is_over(limit, ended, tasks, autojump_clock):
    task = tasks.start(obedient, 10)
    await trio.sleep(1)
    outcome = await task.shutdown(limit)
    assert trio.current_time() == ended
    assert isinstance(outcome, Ok) == (limit is None)


async def test_a_task_is_asked_to_stop_once(tasks, autojump_clock):
    asked = []

    async def count(life):
        life.trap_stop(lambda: asked.append(trio.current_time()))
        await trio.sleep_forever()

    task = tasks.start(count)
    await trio.sleep(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task.shutdown, 2)
        nursery.start_soon(task.shutdown, 3)
    assert (asked, trio.current_time()) == ([1], 3)


async def obedient(seconds, life):
    """Take so long to end when asked."""
    asked = trio.Event()
    life.trap_stop(asked.set)
    await asked.wait()
    await trio.sleep(seconds)
    return "tidy"


# ---- linked


async def test_run_gives_the_value(tasks, autojump_clock):
    assert await tasks.run(double, 21) == 42


async def test_the_crash_of_a_linked_task_ends_the_block(tasks, reports, autojump_clock):
    with pytest.raises(TaskCrashed) as crashed:
        async with tasks.open_task(crash):
            await trio.sleep(10)
    assert trio.current_time() == 1
    assert isinstance(crashed.value.__cause__, ValueError)
    assert len(reports) == 1


async def test_the_crash_of_a_linked_task_cannot_be_outrun_by_a_block_without_checkpoints(tasks, autojump_clock):
    with pytest.raises(TaskCrashed):
        async with tasks.open_task(crash, 0):
            await trio.testing.wait_all_tasks_blocked()


async def test_a_crash_while_the_block_is_left_is_raised_from_it(tasks, autojump_clock):
    async def crash_when_cancelled():
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("boom")

    with pytest.raises(TaskCrashed):
        async with tasks.open_task(crash_when_cancelled):
            await trio.sleep(1)


async def test_waiting_within_the_block_raises_the_same_plain_error(tasks, autojump_clock):
    with pytest.raises(TaskCrashed):
        async with tasks.open_task(crash) as task:
            await task.wait()


async def test_the_end_of_the_block_cancels_the_linked_task_and_waits_for_it(tasks, autojump_clock):
    async with tasks.open_task(shield, 3) as task:
        await trio.sleep(1)
    assert (trio.current_time(), tasks.count) == (4, 0)
    assert isinstance(task.error, TaskStopped)


async def test_an_error_of_the_block_ends_the_linked_task_and_is_raised_plain(tasks, autojump_clock):
    with pytest.raises(KeyError):
        async with tasks.open_task(trio.sleep_forever) as task:
            raise KeyError("mine")
    assert task.done


async def test_a_cancelled_block_ends_the_linked_task(tasks, autojump_clock):
    with trio.move_on_after(1) as scope:
        async with tasks.open_task(shield, 3) as task:
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert (trio.current_time(), task.done) == (4, True)


async def test_cancelling_run_ends_its_task(tasks, autojump_clock):
    with trio.move_on_after(1):
        await tasks.run(trio.sleep_forever)
    assert (trio.current_time(), tasks.count) == (1, 0)


async def test_ending_a_linked_task_on_purpose_is_no_error_of_the_block(tasks, autojump_clock):
    async with tasks.open_task(trio.sleep_forever) as task:
        await task.shutdown()
        await trio.sleep(1)
    assert trio.current_time() == 1


async def test_a_linked_task_that_ends_itself_on_purpose_ends_the_block(tasks, autojump_clock):
    async def leave():
        raise Shutdown("enough")

    with pytest.raises(TaskStopped) as stopped:
        async with tasks.open_task(leave):
            await trio.sleep_forever()
    assert stopped.value.reason == "enough"


async def test_a_linked_task_that_has_its_value_leaves_the_block_alone(tasks, autojump_clock):
    async with tasks.open_task(double, 1) as task:
        await trio.sleep(10)
    assert task.outcome == Ok(2)


async def test_a_linked_task_may_run_no_longer_than_its_timeout(tasks, reports, autojump_clock):
    with pytest.raises(TaskTimedOut) as late:
        await tasks.run(double, 1, 10, timeout=2)
    assert (trio.current_time(), late.value.seconds, late.value.stopped) == (2, 2, True)
    assert reports == []


# ---- the supervisor


async def test_who_waits_is_told_at_once_when_the_supervisor_stops(autojump_clock):
    told = []

    async def wait(task):
        with pytest.raises(TaskStopped) as stopped:
            await task.wait()
        told.append((trio.current_time(), stopped.value.reason))

    async with trio.open_nursery() as nursery:
        async with open_task_supervisor() as tasks:
            nursery.start_soon(wait, tasks.start(shield, 3))
            await trio.sleep(1)
        assert trio.current_time() == 4
    assert told == [(1, "its supervisor stopped")]


async def test_a_linked_caller_is_told_at_once_when_the_supervisor_stops(autojump_clock):
    async def run(tasks):
        with pytest.raises(TaskStopped):
            await tasks.run(shield, 3)
        assert trio.current_time() == 1

    async with trio.open_nursery() as nursery, open_task_supervisor() as tasks:
        nursery.start_soon(run, tasks)
        await trio.sleep(1)


async def test_stop_from_anywhere_ends_all_tasks_together(autojump_clock):
    async with open_task_supervisor() as tasks:
        running = [tasks.start(shield, seconds) for seconds in (1, 2, 3)]
        await trio.sleep(1)
        tasks.stop()
        assert all(task.done for task in running)
        await tasks.wait()
    assert trio.current_time() == 4


async def test_a_task_that_crashes_while_its_supervisor_stops_is_reported(autojump_clock):
    async def crash_when_cancelled():
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("boom")

    reports: list[Any] = []
    async with open_task_supervisor(on_report=reports.append) as tasks:
        task = tasks.start(crash_when_cancelled)
        await trio.sleep(1)
    assert isinstance(task.error, TaskStopped)
    assert [(report.during, str(report.failure)) for report in reports] == [("stopping", "ValueError: boom")]


async def test_a_task_that_traps_its_stop_has_its_seconds_when_the_supervisor_stops(autojump_clock):
    ended = []

    async def note(seconds, life):
        try:
            await obedient(seconds, life)
        finally:
            ended.append((seconds, trio.current_time()))

    async with open_task_supervisor(task_shutdown=2, on_report=lambda report: None) as tasks:
        tasks.start_soon(note, 1)
        tasks.start_soon(note, 9)
        await trio.sleep(1)
    assert ended == [(1, 2), (9, 3)]


async def test_a_stopped_supervisor_starts_nothing(autojump_clock):
    async with open_task_supervisor(name="gone") as tasks:
        pass
    for start in (tasks.start, tasks.start_soon):
        with pytest.raises(SupervisorStopped):
            start(double, 1)
    with pytest.raises(SupervisorStopped):
        await tasks.run(double, 1)
    assert repr(tasks) == "<TaskSupervisor 'gone' closed, 0 tasks>"


async def test_a_task_that_starts_another_while_it_is_stopped_is_told(autojump_clock):
    told: list[str] = []

    async def start_another():
        try:
            await trio.sleep_forever()
        finally:
            try:
                tasks.start_soon(double, 1)
            except SupervisorStopped as error:
                told.append(error.supervisor)

    async with open_task_supervisor(name="tasks") as tasks:
        tasks.start_soon(start_another)
        await trio.sleep(1)
    assert told == ["tasks"]


async def test_an_interrupt_in_a_task_ends_the_supervisor_and_all_who_wait_are_told(autojump_clock):
    told = []

    async def interrupt():
        await trio.sleep(1)
        raise KeyboardInterrupt

    async def wait(task):
        try:
            await task.wait()
        except TaskError as error:
            told.append((type(error), trio.current_time()))
        with pytest.raises(SupervisorStopped):
            tasks.start_soon(double, 1)

    with pytest.RaisesGroup(KeyboardInterrupt):
        async with trio.open_nursery() as nursery, open_task_supervisor() as tasks:
            nursery.start_soon(wait, tasks.start(trio.sleep_forever))
            nursery.start_soon(wait, tasks.start(interrupt))
            await trio.sleep_forever()
    assert told == [(TaskStopped, 1), (TaskStopped, 1)]


@pytest.mark.parametrize("limit", [-1, "fast", True])
def test_a_task_shutdown_that_is_none_is_refused_before_anything_runs(limit):
    with pytest.raises(InvalidDefinition) as refused:
        open_task_supervisor(task_shutdown=limit)
    assert refused.value.field == "task_shutdown"


# ---- in a tree


def value(supervisor) -> TaskSupervisor:
    value = supervisor.child("tasks").value
    assert isinstance(value, TaskSupervisor)
    return value


async def test_a_tree_offers_its_task_supervisor_as_the_value_of_the_child(autojump_clock):
    async with open_supervisor([task_supervisor_child("tasks")]) as supervisor:
        assert value(supervisor).name == "tasks"
        assert await value(supervisor).run(double, 21) == 42


async def test_in_a_tree_the_crashes_of_tasks_are_no_crash_of_their_supervisor(autojump_clock):
    async with open_supervisor([task_supervisor_child("tasks", on_report=lambda report: None)]) as supervisor:
        for _ in range(10):
            value(supervisor).start_soon(crash, 0)
        await trio.sleep(1)
        assert supervisor.child("tasks").incarnation == 1


async def test_a_restarted_task_supervisor_is_a_new_one_and_who_waits_for_the_old_is_told(autojump_clock):
    async with open_supervisor(
        [task_supervisor_child("tasks", max_children=1)], on_report=lambda report: None
    ) as supervisor:
        before = value(supervisor)
        task = before.start(trio.sleep_forever)
        supervisor.kill_child("tasks")
        with pytest.raises(TaskStopped):
            await task.wait()
        await trio.sleep(1)
        assert value(supervisor) is not before
        assert await value(supervisor).run(double, 1) == 2


async def test_a_tree_stops_its_tasks_within_their_limits(autojump_clock):
    async with open_supervisor([task_supervisor_child("tasks")]) as supervisor:
        task = value(supervisor).start(shield, 3)
        await trio.sleep(1)
    assert trio.current_time() == 4
    assert isinstance(task.error, TaskStopped)

"""A running supervisor: calls, in every state, from inside and outside."""

# the block of a supervisor is what raises

from functools import partial

import pytest
import trio

from jido_trio.errors import ChildRefused, InvalidDefinition, StartFailed, SupervisorStopped
from jido_trio.supervision import Child, ChildRow, Counts, open_supervisor, supervisor_child
from tests.supervision._diary import Diary, crashing


@pytest.fixture
def diary():
    return Diary()


async def fails_to_start(task_status):
    raise ValueError("no database")


async def nothing_to_run(task_status):
    task_status.ignore()


# ---- start_child


async def test_start_child_returns_once_the_child_is_ready(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        ref = await supervisor.start_child(diary.child("a", ready_after=3))
        assert trio.current_time() == 3
        assert (ref.id, ref.running, ref.incarnation, ref.value) == ("a", True, 1, "value of a")


async def test_start_child_that_fails_raises_with_the_cause_and_keeps_no_spec(autojump_clock):
    async with open_supervisor(name="top", on_report=lambda report: None) as supervisor:
        with pytest.raises(StartFailed, match="'a' of supervisor 'top' failed while starting: ValueError") as failed:
            await supervisor.start_child(Child("a", fails_to_start))
        assert repr(failed.value.__cause__) == "ValueError('no database')"
        assert await supervisor.which_children() == ()


async def test_a_child_with_nothing_to_run_is_there_but_does_not_run(autojump_clock):
    async with open_supervisor() as supervisor:
        ref = await supervisor.start_child(Child("a", nothing_to_run))
        assert ref.running is False
        assert await supervisor.which_children() == (ChildRow("a", "undefined", None, "worker"),)


@pytest.mark.parametrize(("stopped", "reason"), [(False, "already_started"), (True, "already_present")])
async def test_start_child_refuses_an_id_that_is_taken(stopped, reason, diary, autojump_clock):
    async with open_supervisor([diary.child("a")], name="top") as supervisor:
        if stopped:
            await supervisor.terminate_child("a")
        with pytest.raises(ChildRefused) as refused:
            await supervisor.start_child(diary.child("a"))
    error = refused.value
    assert (error.supervisor, error.child, error.call, error.reason) == ("top", "a", "start_child", reason)


async def test_a_child_started_later_is_stopped_first(diary, autojump_clock):
    async with open_supervisor([diary.child("a")]) as supervisor:
        await supervisor.start_child(diary.child("b"))
    assert diary == ["+a", "+b", "-b", "-a"]


# ---- terminate_child, restart_child, delete_child


async def test_terminate_child_returns_once_the_child_has_ended(diary, autojump_clock):
    async def linger():
        await trio.sleep(3)

    async with open_supervisor([diary.child("a", at_the_end=linger)]) as supervisor:
        await supervisor.terminate_child("a")
        assert diary == ["+a", "-a"]
        assert trio.current_time() == 3


async def test_a_terminated_child_is_started_again_by_restart_child_only(diary, autojump_clock):
    async with open_supervisor([diary.child("a")]) as supervisor:
        await supervisor.terminate_child("a")
        await trio.sleep(100)
        assert supervisor.child("a").running is False
        ref = await supervisor.restart_child("a")
        assert (ref.running, ref.incarnation) == (True, 2)
        assert supervisor.tree().restarts == 0


async def test_restart_child_that_fails_raises_and_leaves_it_stopped(autojump_clock):
    starts = []

    async def second_fails(task_status):
        starts.append(1)
        if len(starts) == 2:
            raise ValueError("no database")
        task_status.started()
        await trio.sleep_forever()

    async with open_supervisor([Child("a", second_fails)], on_report=lambda report: None) as supervisor:
        await supervisor.terminate_child("a")
        with pytest.raises(StartFailed) as failed:
            await supervisor.restart_child("a")
        assert repr(failed.value.__cause__) == "ValueError('no database')"
        assert supervisor.tree().children[0].state == "stopped"
        assert (await supervisor.restart_child("a")).incarnation == 3


async def test_a_deleted_child_is_gone_with_all_it_left(diary, autojump_clock):
    async with open_supervisor([diary.child("a")]) as supervisor:
        ref = supervisor.child("a")
        await supervisor.terminate_child("a")
        await supervisor.delete_child("a")
        assert (ref.running, ref.incarnation, ref.value) == (False, 0, None)
        assert await supervisor.which_children() == ()


@pytest.mark.parametrize(
    ("call", "id", "reason"),
    [
        ("terminate_child", "b", "not_found"),
        ("restart_child", "b", "not_found"),
        ("delete_child", "b", "not_found"),
        ("child_spec", "b", "not_found"),
        ("restart_child", "a", "running"),
        ("delete_child", "a", "running"),
    ],
)
async def test_a_refused_call_says_which_on_whom_and_why(call, id, reason, diary, autojump_clock):
    async with open_supervisor([diary.child("a")], name="top") as supervisor:
        with pytest.raises(ChildRefused) as refused:
            await getattr(supervisor, call)(id)
    error = refused.value
    assert (error.supervisor, error.child, error.call, error.reason) == ("top", id, call, reason)
    assert call in str(error)


async def test_terminate_of_an_earlier_life_is_refused_and_leaves_the_later_one(diary, autojump_clock):
    async with open_supervisor([diary.child("a", crashing(1))]) as supervisor:
        await trio.sleep(1.5)
        with pytest.raises(ChildRefused):
            await supervisor.terminate_child("a", incarnation=1)
        assert supervisor.child("a").running


async def test_a_child_that_was_deleted_and_started_again_is_the_last_in_order(diary, autojump_clock):
    async with open_supervisor([diary.child("a"), diary.child("b")]) as supervisor:
        await supervisor.terminate_child("a")
        await supervisor.delete_child("a")
        await supervisor.start_child(diary.child("a"))
        assert [row.id for row in await supervisor.which_children()] == ["a", "b"]
        diary.clear()
    assert diary == ["-a", "-b"]


async def test_a_kill_of_a_child_that_is_stopping_changes_nothing(diary, autojump_clock):
    reports: list[object] = []
    child = diary.child("a", at_the_end=partial(trio.sleep, 2))
    async with open_supervisor([child], on_report=reports.append) as supervisor:
        supervisor.terminate_child_soon("a")
        await trio.sleep(1)
        supervisor.kill_child("a")
    assert diary == ["+a", "-a"]
    assert reports == []


async def test_a_child_may_terminate_itself(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        await supervisor.start_child(diary.child("a", lambda: supervisor.terminate_child("a")))
        await trio.sleep(1)
        assert diary == ["+a", "-a"]
        assert supervisor.tree().children[0].state == "stopped"


async def test_a_child_may_stop_its_supervisor(diary, autojump_clock):
    async def stop():
        supervisor.stop()
        await trio.sleep_forever()

    async with open_supervisor([diary.child("a")]) as supervisor:
        await supervisor.start_child(diary.child("b", stop))
        await trio.sleep(1_000)
    assert diary == ["+a", "+b", "-b", "-a"]


async def test_calls_that_answer_nothing_are_done_in_their_order(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        supervisor.start_child_soon(diary.child("a", ready_after=2))
        supervisor.terminate_child_soon("a")
        supervisor.start_child_soon(diary.child("b"))
        await trio.sleep(5)
        assert diary == ["…a", "+a", "-a", "+b"]


# ---- busy, suspended, over


async def test_a_call_while_the_supervisor_is_busy_waits_for_its_turn(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        supervisor.start_child_soon(diary.child("slow", ready_after=5))
        assert await supervisor.count_children() == Counts(specs=1, active=1, supervisors=0, workers=1)
        assert trio.current_time() == 5


async def test_a_caller_that_gives_up_waiting_leaves_the_supervisor_in_order(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        with trio.move_on_after(1) as scope:
            await supervisor.start_child(diary.child("slow", ready_after=5))
        assert scope.cancelled_caught
        await supervisor.terminate_child("slow")
        assert diary == ["…slow", "+slow", "-slow"]


async def test_a_caller_whose_supervisor_ends_is_told_so(diary, autojump_clock):
    async def ask():
        with pytest.raises(SupervisorStopped, match="'top' is not running"):
            await supervisor.start_child(diary.child("slow", ready_after=50))
        diary.append("told")

    async with trio.open_nursery() as nursery, open_supervisor(name="top") as supervisor:
        nursery.start_soon(ask)
        await trio.sleep(1)
    assert diary == ["…slow", "told"]


async def test_the_end_of_a_supervisor_answers_every_caller_that_waits(diary, autojump_clock):
    async def ask(id: str) -> None:
        with pytest.raises(SupervisorStopped, match="'top' is not running"):
            await supervisor.start_child(diary.child(id, ready_after=50))
        diary.append(f"told {id}")

    async with trio.open_nursery() as nursery, open_supervisor(name="top") as supervisor:
        for id in "abc":
            nursery.start_soon(ask, id)
        await trio.sleep(1)
    assert sorted(diary[1:]) == ["told a", "told b", "told c"]


async def test_every_call_after_the_end_is_refused(diary, autojump_clock):
    async with open_supervisor([diary.child("a")]) as supervisor:
        pass
    calls = [
        lambda: supervisor.start_child(diary.child("b")),
        lambda: supervisor.terminate_child("a"),
        lambda: supervisor.restart_child("a"),
        lambda: supervisor.delete_child("a"),
        lambda: supervisor.child_spec("a"),
        supervisor.which_children,
        supervisor.count_children,
    ]
    for call in calls:
        with pytest.raises(SupervisorStopped):
            await call()


async def test_calls_that_answer_nothing_do_nothing_after_the_end(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        pass
    supervisor.start_child_soon(diary.child("a"))
    supervisor.terminate_child_soon("a")
    supervisor.stop()
    supervisor.resume()
    assert diary == []
    assert supervisor.tree().children == ()


async def test_the_end_starts_nothing_that_still_waits(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        supervisor.start_child_soon(diary.child("slow", ready_after=5))
        supervisor.start_child_soon(diary.child("late"))
    assert diary == ["…slow"]


async def test_a_suspended_supervisor_lets_ends_wait(diary, autojump_clock):
    async with open_supervisor([diary.child("a", crashing(1))], on_report=lambda report: None) as supervisor:
        await supervisor.suspend()
        await trio.sleep(3)
        assert (supervisor.child("a").incarnation, supervisor.tree().children[0].state) == (1, "ended")
        supervisor.resume()
        assert supervisor.child("a").incarnation == 2


async def test_suspend_while_busy_is_undone_by_resume(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        supervisor.start_child_soon(diary.child("slow", ready_after=5))
        await supervisor.suspend()
        supervisor.resume()
        with trio.fail_after(60):
            assert (await supervisor.count_children()).active == 1


# ---- looking in


async def test_which_count_and_spec_tell_what_there_is(diary, autojump_clock):
    worker = diary.child("a")
    async with open_supervisor([worker, supervisor_child("group")]) as supervisor:
        assert await supervisor.which_children() == (
            ChildRow("group", "running", 1, "supervisor"),
            ChildRow("a", "running", 1, "worker"),
        )
        assert await supervisor.count_children() == Counts(specs=2, active=2, supervisors=1, workers=1)
        assert await supervisor.child_spec("a") == worker


async def test_the_tree_is_told_down_to_the_leaves(diary, autojump_clock):
    group = supervisor_child("group", [diary.child("leaf", restart="transient")], strategy="one_for_all")
    async with open_supervisor([group], name="top") as supervisor:
        top = supervisor.tree()
    (child,) = top.children
    nested = child.supervisor
    assert nested is not None
    (leaf,) = nested.children
    assert (top.name, top.phase, top.strategy, top.max_restarts, top.max_seconds) == ("top", "up", "one_for_one", 3, 5)
    assert (child.id, child.kind, child.restart) == ("group", "supervisor", "permanent")
    assert (nested.name, nested.strategy) == ("group", "one_for_all")
    assert (leaf.id, leaf.kind, leaf.restart, leaf.state, leaf.incarnation) == (
        *("leaf", "worker", "transient", "running", 1),
    )


async def test_the_tree_is_told_also_while_the_supervisor_is_busy(diary, autojump_clock):
    async with open_supervisor() as supervisor:
        supervisor.start_child_soon(diary.child("slow", ready_after=5))
        assert [child.state for child in supervisor.tree().children] == ["starting"]


@pytest.mark.parametrize("id", [None, [], {}, b"a", 5], ids=repr)
async def test_an_id_that_no_child_can_have_is_refused_and_ends_nothing(id):
    async with open_supervisor([Child("a", trio.sleep_forever)]) as supervisor:
        for ask in (
            supervisor.terminate_child,
            supervisor.restart_child,
            supervisor.delete_child,
            supervisor.child_spec,
        ):
            with pytest.raises(InvalidDefinition, match=r"id=.* of a child of supervisor 'supervisor' must be a text"):
                await ask(id)
        for tell in (supervisor.terminate_child_soon, supervisor.kill_child, supervisor.is_within, supervisor.child):
            with pytest.raises(InvalidDefinition, match="must be a text"):
                tell(id)
        assert supervisor.child("a").running


async def test_a_life_that_is_to_be_ended_has_a_whole_number():
    async with open_supervisor([Child("a", trio.sleep_forever)], name="top") as supervisor:
        with pytest.raises(InvalidDefinition, match="incarnation='1' of supervisor 'top' must be a whole number"):
            await supervisor.terminate_child("a", incarnation="1")  # type: ignore[arg-type]
        assert supervisor.child("a").running

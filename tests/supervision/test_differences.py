"""Where this is not OTP, on purpose; docs/supervision/differences.md lists all of it, with the test that shows it."""

import re
from pathlib import Path

import pytest
import trio

from jido_trio.errors import ChildRefused, InvalidDefinition, RestartIntensityExceeded
from jido_trio.supervision import Backoff, Child, open_dynamic_supervisor, open_supervisor, supervisor_child
from jido_trio.supervision import _events as ev
from jido_trio.supervision._calls import rows_of
from tests.supervision._bench import Bench, child, ready
from tests.supervision._diary import Diary, crashing

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "supervision" / "differences.md"


def silent(_: object) -> None:
    """A sink for tests whose crashes are no news."""


@pytest.fixture
def diary():
    return Diary()


def test_every_difference_names_a_test_that_there_is():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| (?!OTP|--)", line)]
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)", tests))
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert len(rows) > 20
    assert [row for row, names in zip(rows, named, strict=True) if not names] == []
    assert {name for names in named for name in names} - there == set()


async def test_a_window_may_be_a_fraction_of_a_second(autojump_clock):
    children = [Child("a", crashing(0.3))]
    with pytest.raises(RestartIntensityExceeded):
        async with open_supervisor(children, max_restarts=1, max_seconds=0.3, on_report=silent):
            await trio.sleep_forever()
    async with open_supervisor(children, max_restarts=1, max_seconds=0.25, on_report=silent):
        await trio.sleep(100)


def test_three_restarts_in_five_seconds_are_tolerated_unless_told_otherwise():
    bench = Bench.of([child("a")])
    assert [bench.ends("a", at=at)[-1] for at in (0, 1, 2)] == ["start a2", "start a3", "start a4"]
    assert bench.ends("a", at=5)[-1] == "finish TreeGaveUp"


async def test_a_killed_supervisor_ends_after_its_children(diary, autojump_clock):
    async def clean_up() -> None:
        await trio.sleep(3)

    group = supervisor_child("group", [diary.child("a", at_the_end=clean_up)], shutdown="brutal")
    async with open_supervisor([group]) as top:
        await top.terminate_child("group")
        assert diary == ["+a", "-a"]
        assert trio.current_time() == 3


async def test_a_child_that_does_not_tell_when_it_is_ready_can_not_fail_to_start(autojump_clock):
    starts: list[float] = []

    async def crashes_at_once() -> None:
        starts.append(trio.current_time())
        if len(starts) == 1:
            raise OSError("taken")
        await trio.sleep_forever()

    async with open_supervisor([Child("a", crashes_at_once)], on_report=silent) as supervisor:
        await trio.sleep(1)
        assert supervisor.child("a").incarnation == 2


async def test_ids_of_a_pool_are_unique_and_names(diary, autojump_clock):
    async with open_dynamic_supervisor() as pool:
        await pool.start_child(diary.child("a"))
        with pytest.raises(ChildRefused) as refused:
            await pool.start_child(diary.child("a"))
        assert refused.value.reason == "already_started"
        await pool.terminate_child("a")
        with pytest.raises(ChildRefused) as refused:
            await pool.terminate_child("a")
        assert refused.value.reason == "not_found"


def pool_with_one_restarting() -> Bench:
    """A pool of a and b; b is being started again after a crash, which is about to fail."""
    bench = Bench.of([child("a"), Child("b", ready)], kind="pool", max_restarts=9, obedient=False)
    bench.starts("b")
    bench.ends("b")
    return bench


def test_a_pool_counts_right_after_a_child_was_terminated_whose_restart_had_failed():
    bench = pool_with_one_restarting()
    bench.terminate("b")  # waits, and has its turn before the next try
    bench.fails("b")
    assert bench.counts() == ev.Counts(specs=1, active=1, supervisors=0, workers=1)


def test_a_child_of_a_pool_that_is_being_restarted_is_listed_by_its_id():
    bench = pool_with_one_restarting()
    bench.post(ev.Suspend())  # before the next try
    bench.fails("b")
    assert [(row.id, row.state) for row in rows_of(bench.tree)] == [("b", "restarting"), ("a", "running")]


def test_a_restart_in_a_pool_with_nothing_to_run_leaves_nothing_behind():
    bench = Bench.of([Child("a", ready)], kind="pool", obedient=False)
    bench.starts("a")
    bench.ends("a")
    bench.fails("a", ignored=True)
    assert bench.states == {}
    assert bench.start_child(child("a")) == ["start a1", "answer 1 Running"]


async def test_a_child_of_a_dynamic_supervisor_may_have_no_time_to_stop(diary, autojump_clock):
    async with open_dynamic_supervisor() as pool:
        await pool.start_child(diary.child("a", shutdown=0))
        await pool.terminate_child("a")
    assert diary == ["+a", "-a"]


def test_a_child_is_checked_before_its_place_in_a_tree_is():
    with pytest.raises(InvalidDefinition) as refused:
        Child("a", trio.sleep_forever, restart="temporary", significant=True, shutdown=-1)
    assert refused.value.field == "shutdown"
    with pytest.raises(InvalidDefinition) as refused:
        open_supervisor([Child("a", trio.sleep_forever, restart="temporary", significant=True)])
    assert refused.value.field == "significant"


async def test_a_child_that_waits_for_its_restart_can_be_restarted_and_deleted(diary, autojump_clock):
    children = [diary.child(id, crashing(1), backoff=Backoff(first=50)) for id in "ab"]
    async with open_supervisor(children, on_report=silent) as supervisor:
        await trio.sleep(2)
        await supervisor.restart_child("a")
        await supervisor.delete_child("b")
        assert [(child.id, child.state) for child in supervisor.tree().children] == [("a", "running")]


async def test_leaving_the_block_ends_the_supervisor(diary, autojump_clock):
    async with open_supervisor([diary.child("a"), diary.child("b")]) as supervisor:
        pass
    assert diary == ["+a", "+b", "-b", "-a"]
    assert supervisor.tree().phase == "ended"

"""Cases of OTP's and Elixir's own tests that no other test here is about; see docs/supervision/otp-checklist.md."""

import math

import pytest
import trio

from jido_trio.errors import ChildRefused, RestartIntensityExceeded, StartFailed
from jido_trio.supervision import Child, Shutdown, open_dynamic_supervisor, open_supervisor, supervisor_child
from tests.supervision._diary import Diary

MANY = 1_000_000
STRATEGIES = ["one_for_one", "one_for_all", "rest_for_one"]


def silent(_: object) -> None:
    """A sink for tests whose crashes are no news."""


@pytest.fixture
def diary():
    return Diary()


def failing_to_restart(times: float, starts: list[float]):
    """Return a function that crashes in its first life, and whose start then fails so many times."""

    async def live(task_status):
        starts.append(trio.current_time())
        if 1 < len(starts) <= 1 + times:
            raise OSError("port taken")
        task_status.started()
        if len(starts) == 1:
            await trio.sleep(1)
            raise ValueError("boom")
        await trio.sleep_forever()

    return live


# ---- starting


async def test_two_supervisors_of_one_name_run_side_by_side(diary, autojump_clock):
    async with (
        open_supervisor([diary.child("a")], name="twin") as one,
        open_supervisor([diary.child("a")], name="twin") as other,
    ):
        await one.terminate_child("a")
        assert (one.child("a").running, other.child("a").running) == (False, True)


# ---- restart types


async def ends_normally():
    await trio.sleep(1)


async def ends_with_shutdown():
    await trio.sleep(1)
    raise Shutdown


async def ends_with_a_reason():
    await trio.sleep(1)
    raise Shutdown("no more work")


async def crashes():
    await trio.sleep(1)
    raise ValueError("boom")


ENDS = [ends_normally, ends_with_shutdown, ends_with_a_reason, crashes, trio.sleep_forever]
COMES_BACK = {
    "permanent": [True, True, True, True, True],
    "transient": [False, False, False, True, True],
    "temporary": [False, False, False, False, False],
}
CELLS = [(restart, end, back) for restart, row in COMES_BACK.items() for end, back in zip(ENDS, row, strict=True)]


async def lives_after_one_end(supervisor, end) -> int:
    if end is trio.sleep_forever:  # it doesn't end by itself
        await trio.sleep(1)
        supervisor.kill_child("a")
    await trio.sleep(0.5 if end is trio.sleep_forever else 1.5)
    return supervisor.child("a").incarnation if supervisor.child("a").running else 0


@pytest.mark.parametrize(("restart", "end", "back"), CELLS)
async def test_a_child_of_each_type_comes_back_from_each_end_or_not(restart, end, back, autojump_clock):
    async with open_supervisor([Child("a", end, restart=restart)], max_restarts=MANY, on_report=silent) as supervisor:
        assert await lives_after_one_end(supervisor, end) == (2 if back else 0)


@pytest.mark.parametrize(("restart", "end", "back"), CELLS)
async def test_a_child_started_later_comes_back_as_one_of_the_first(restart, end, back, autojump_clock):
    async with open_supervisor([], max_restarts=MANY, on_report=silent) as supervisor:
        await supervisor.start_child(Child("a", end, restart=restart))
        assert await lives_after_one_end(supervisor, end) == (2 if back else 0)


@pytest.mark.parametrize(("restart", "end", "back"), CELLS)
async def test_a_child_of_a_pool_comes_back_or_is_forgotten(restart, end, back, autojump_clock):
    async with open_dynamic_supervisor(max_restarts=MANY, on_report=silent) as pool:
        await pool.start_child(Child("a", end, restart=restart))
        assert await lives_after_one_end(pool, end) == (2 if back else 0)
        assert (await pool.count_children()).specs == int(back)


# ---- strategies


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("times", [1, 2])
async def test_a_start_that_fails_during_a_restart_is_tried_until_it_succeeds(strategy, times, diary, autojump_clock):
    starts: list[float] = []
    children = [diary.child("a"), Child("b", failing_to_restart(times, starts)), diary.child("c")]
    async with open_supervisor(children, strategy=strategy, max_restarts=1 + times, on_report=silent) as supervisor:
        await trio.sleep(10)
        states = [child.state for child in supervisor.tree().children]
    assert (states, len(starts)) == (["running"] * 3, 2 + times)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_start_that_fails_for_good_uses_the_restarts_up(strategy, diary, autojump_clock):
    starts: list[float] = []
    children = [diary.child("a"), Child("b", failing_to_restart(math.inf, starts)), diary.child("c")]
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor(children, strategy=strategy, max_restarts=3, on_report=silent):
            await trio.sleep(1_000)
    assert (gave_up.value.child, repr(gave_up.value.__cause__), len(starts)) == ("b", "OSError('port taken')", 4)
    assert diary.count("+a") == diary.count("-a")
    assert diary.count("+c") == diary.count("-c")


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_supervisor_of_any_strategy_that_gives_up_hands_the_crash_on(strategy, diary, autojump_clock):
    group = supervisor_child(
        "group", [diary.child("a"), diary.child("b", crashes)], strategy=strategy, max_restarts=1, on_report=silent
    )
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([diary.child("first"), group], max_restarts=1, max_seconds=60, on_report=silent):
            await trio.sleep(1_000)
    assert (gave_up.value.child, diary.count("+b"), diary.count("+first")) == ("group", 4, 1)
    assert diary[-1] == "-first"


# ---- loops of restarts that fail


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_supervisor_whose_restarts_fail_for_ever_answers_and_ends_the_loop_when_asked(
    strategy, diary, autojump_clock
):
    starts: list[float] = []
    children = [diary.child("a"), Child("b", failing_to_restart(math.inf, starts)), diary.child("c")]
    async with open_supervisor(children, strategy=strategy, max_restarts=MANY, on_report=silent) as supervisor:
        await trio.sleep(1)
        while len(starts) < 10:
            await trio.lowlevel.checkpoint()
        rows = {row.id: row.state for row in await supervisor.which_children()}
        await supervisor.terminate_child("b")
        tries = len(starts)
        await trio.sleep(100)
        assert rows["b"] == "restarting"
        assert (len(starts), supervisor.child("b").running) == (tries, False)


async def test_a_pool_whose_restarts_fail_for_ever_answers_and_ends_the_loop_when_asked(autojump_clock):
    starts: list[float] = []
    async with open_dynamic_supervisor(max_restarts=MANY, on_report=silent) as pool:
        await pool.start_child(Child("a", failing_to_restart(math.inf, starts)))
        await trio.sleep(1)
        while len(starts) < 10:
            await trio.lowlevel.checkpoint()
        await pool.terminate_child("a")
        tries = len(starts)
        await trio.sleep(100)
        assert (len(starts), await pool.which_children()) == (tries, ())


# ---- counting


async def counted(supervisor) -> tuple[int, int, int, int]:
    counts = await supervisor.count_children()
    rows = await supervisor.which_children()
    assert len(rows) == counts.specs
    assert sum(row.kind == "supervisor" for row in rows) == counts.supervisors
    return counts.specs, counts.active, counts.supervisors, counts.workers


async def test_the_counts_are_right_after_every_change(diary, autojump_clock):
    children = [diary.child("a"), supervisor_child("group", [diary.child("inner")])]
    async with open_supervisor(children, on_report=silent) as supervisor:
        seen = [await counted(supervisor)]
        await supervisor.start_child(Child("b", crashes, restart="transient"))
        seen.append(await counted(supervisor))
        await trio.sleep(1.5)  # it has crashed and is back
        seen.append(await counted(supervisor))
        await supervisor.terminate_child("a")
        seen.append(await counted(supervisor))
        await supervisor.terminate_child("group")
        seen.append(await counted(supervisor))
        await supervisor.restart_child("group")
        seen.append(await counted(supervisor))
        await supervisor.delete_child("a")
        seen.append(await counted(supervisor))
    assert seen == [(2, 2, 1, 1), (3, 3, 1, 2), (3, 3, 1, 2), (3, 2, 1, 2), (3, 1, 1, 2), (3, 2, 1, 2), (2, 2, 1, 1)]


async def test_a_thousand_children_are_counted_as_they_come_and_go(autojump_clock):
    async with open_dynamic_supervisor() as pool:
        assert await counted(pool) == (0, 0, 0, 0)
        for number in range(1_000):
            await pool.start_child(Child(str(number), trio.sleep_forever, restart="temporary"))
        assert await counted(pool) == (1_000, 1_000, 0, 1_000)
        for number in range(0, 1_000, 2):
            await pool.terminate_child(str(number))
        assert await counted(pool) == (500, 500, 0, 500)


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_only_a_spec_that_is_kept_can_be_restarted_after_its_end(restart, autojump_clock):
    async with open_supervisor([Child("a", ends_normally, restart=restart)]) as supervisor:
        await trio.sleep(2)
        if restart == "transient":
            await supervisor.restart_child("a")
            assert supervisor.child("a").running
        else:
            with pytest.raises(ChildRefused) as refused:
                await supervisor.restart_child("a")
            assert refused.value.reason == "not_found"


# ---- stopping


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
async def test_a_child_that_returns_when_it_is_asked_to_stop_is_not_reported(restart, autojump_clock):
    async def live(life):
        asked = trio.Event()
        life.trap_stop(asked.set)
        await asked.wait()

    reports: list[object] = []
    async with open_supervisor([Child("a", live, restart=restart)], on_report=reports.append):
        await trio.sleep(1)
    assert reports == []


async def test_a_pool_with_children_of_every_limit_is_gone_when_the_slowest_is(diary, autojump_clock):
    async def slowly(life):
        asked = trio.Event()
        life.trap_stop(asked.set)
        await asked.wait()
        await trio.sleep(7)

    async def hang(life):
        life.trap_stop(lambda: None)
        await trio.sleep_forever()

    async with open_dynamic_supervisor(on_report=silent) as pool:
        await pool.start_child(Child("killed", hang, shutdown="brutal"))
        await pool.start_child(Child("hangs", hang, shutdown=5))
        await pool.start_child(Child("slow", slowly, shutdown=None))
        await pool.start_child(diary.child("obeys"))
        began = trio.current_time()
    assert trio.current_time() - began == 7


# ---- dynamic


async def test_a_child_that_fails_to_start_in_a_pool_leaves_nothing_and_takes_no_place(diary, autojump_clock):
    async def fail(task_status):
        raise OSError("port taken")

    async with open_dynamic_supervisor(max_children=1, on_report=silent) as pool:
        with pytest.raises(StartFailed) as failed:
            await pool.start_child(Child("a", fail))
        await pool.start_child(diary.child("b"))
        assert repr(failed.value.__cause__) == "OSError('port taken')"
        assert [row.id for row in await pool.which_children()] == ["b"]

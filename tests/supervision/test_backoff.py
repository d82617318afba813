"""Backoff: the pause before a restart. The schedule, what the reducer makes of it, and a running supervisor."""

import math
from itertools import pairwise

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.errors import ChildRefused, InvalidDefinition, RestartIntensityExceeded, StartFailed
from jido_trio.supervision import Backoff, Child, open_dynamic_supervisor, open_supervisor
from jido_trio.supervision import _events as ev
from jido_trio.world import seeded, using
from tests.supervision._bench import Bench, child, ready
from tests.supervision._diary import Diary, crashing


def silent(_: object) -> None:
    """A sink for tests whose crashes are no news."""


# ---- the schedule


def test_each_pause_is_longer_by_the_factor_until_the_cap():
    backoff = Backoff(first=0.5, factor=2, cap=5)
    assert [backoff.pause(failures) for failures in range(6)] == [0.5, 1, 2, 4, 5, 5]


def test_a_factor_of_1_is_always_the_same_pause():
    assert [Backoff(first=2, factor=1).pause(failures) for failures in (0, 1, 1_000_000)] == [2, 2, 2]


def test_a_first_pause_of_0_is_none_at_all_however_often_it_fails():
    assert [Backoff(first=0).pause(failures) for failures in (0, 1, 10_000)] == [0, 0, 0]


def test_a_cap_below_the_first_pause_is_the_pause():
    assert [Backoff(first=10, cap=3).pause(failures) for failures in (0, 1, 9)] == [3, 3, 3]


seconds = st.floats(0, allow_nan=False, allow_infinity=False) | st.integers(0, 100)
factors = st.floats(1, allow_nan=False, allow_infinity=False) | st.integers(1, 10)


@given(seconds, factors, seconds, st.integers(0, 10**9))
def test_no_pause_overflows_or_passes_the_cap_and_none_is_shorter_than_the_one_before(first, factor, cap, failures):
    backoff = Backoff(first=first, factor=factor, cap=cap)
    assert 0 <= backoff.pause(failures) <= backoff.pause(failures + 1) <= cap


@pytest.mark.parametrize("value", [-1, math.inf, math.nan, True, "1", None])
@pytest.mark.parametrize("name", ["first", "factor", "cap", "jitter", "reset_after"])
def test_what_is_no_pause_is_refused_by_name(name, value):
    with pytest.raises(InvalidDefinition, match=name) as refused:
        Backoff(**{name: value})
    assert refused.value.field == name


@pytest.mark.parametrize(("name", "value"), [("factor", 0.5), ("jitter", 1.5)])
def test_a_factor_below_1_and_a_jitter_above_1_are_refused(name, value):
    with pytest.raises(InvalidDefinition, match=name):
        Backoff(**{name: value})


def test_a_child_takes_a_backoff_only():
    with pytest.raises(InvalidDefinition) as refused:
        Child("a", trio.sleep_forever, backoff=5)  # type: ignore[arg-type]  # what is tested
    assert refused.value.field == "backoff"


# ---- the reducer


PATIENT = Backoff(first=1, factor=2, cap=4, reset_after=60)


def waits(bench: Bench) -> list[ev.Wait]:
    return [command for command in bench.commands if isinstance(command, ev.Wait)]


def due(bench: Bench) -> list[str]:
    """Let the last pause be over."""
    return bench.post(waits(bench)[-1].due)


def crash(bench: Bench, id: str, *, lasted: float = 0) -> list[str]:
    return bench.fact(ev.ChildExited(id, bench.incarnation(id), "crash", lasted))


def test_a_crash_is_reported_and_the_child_waits():
    bench = Bench.of([child("a", backoff=PATIENT)])
    assert crash(bench, "a") == ["report a1 running crash"]
    assert bench.states == {"a": "backing_off"}
    assert due(bench) == ["start a2"]


def test_pauses_grow_with_each_failure():
    bench = Bench.of([child("a", backoff=PATIENT)])
    for _ in range(5):
        crash(bench, "a")
        due(bench)
    assert [wait.seconds for wait in waits(bench)] == [1, 2, 4, 4, 4]


def test_a_life_that_lasted_makes_the_next_pause_the_first_again():
    bench = Bench.of([child("a", backoff=PATIENT)])
    for lasted in (1, 59.9, 60, 1):
        crash(bench, "a", lasted=lasted)
        due(bench)
    assert [wait.seconds for wait in waits(bench)] == [1, 2, 1, 2]


def test_a_child_that_backs_off_does_not_count_against_the_window():
    bench = Bench.of([child("a", backoff=PATIENT), child("b")], max_restarts=0)
    for _ in range(9):
        crash(bench, "a")
        due(bench)
    assert (bench.tree.window.count, bench.tree.phase) == (0, "up")


def test_without_a_backoff_a_restart_is_at_once_and_counted():
    bench = Bench.of([child("a")], max_restarts=1)
    assert crash(bench, "a") == ["report a1 running crash", "start a2"]
    assert (waits(bench), bench.tree.window.count) == ([], 1)


@pytest.mark.parametrize(
    ("strategy", "down", "up"),
    [
        ("one_for_one", [], ["start b2"]),
        ("one_for_all", ["stop c1", "stop a1"], ["start a2", "start b2", "start c2"]),
        ("rest_for_one", ["stop c1"], ["start b2", "start c2"]),
    ],
)
def test_a_group_goes_down_first_waits_and_comes_back_together(strategy, down, up):
    bench = Bench.of([child("a"), child("b", backoff=PATIENT), child("c")], strategy=strategy)
    assert crash(bench, "b") == ["report b1 running crash", *down]
    assert not bench.tree.busy
    assert due(bench) == up


def test_a_start_that_fails_while_restarting_backs_off_too():
    bench = Bench.of([Child("a", ready, backoff=PATIENT)], max_restarts=0, obedient=False)
    bench.starts("a")
    crash(bench, "a")
    for _ in range(3):
        due(bench)
        assert bench.fails("a") == [f"report a{bench.incarnation('a')} starting crash"]
    assert [wait.seconds for wait in waits(bench)] == [1, 2, 4, 4]


def test_a_pause_that_is_over_after_the_child_was_deleted_and_added_anew_starts_nothing():
    bench = Bench.of([child("a", backoff=PATIENT)])
    crash(bench, "a")
    bench.delete("a")
    bench.start_child(child("a", backoff=PATIENT))
    crash(bench, "a")
    first, _ = waits(bench)
    assert bench.post(first.due) == []
    assert due(bench) == ["start a2"]


@pytest.mark.parametrize("call", ["terminate", "delete", "restart"])
def test_a_pause_that_was_cut_short_starts_nothing_later(call):
    bench = Bench.of([child("a", backoff=PATIENT), child("b")])
    crash(bench, "a")
    getattr(bench, call)("a")
    assert due(bench) == []


def test_a_group_that_is_to_come_back_early_and_fails_goes_on_backing_off():
    bench = Bench.of([Child("a", ready, backoff=PATIENT), Child("b", ready)], strategy="one_for_all", obedient=False)
    bench.starts("a")
    bench.starts("b")
    crash(bench, "a")
    bench.fact(ev.ChildExited("b", 1, "shutdown"))
    assert bench.restart("a") == ["start a2"]
    assert bench.fails("a") == ["report a2 starting crash", "answer 1 NotStarted"]
    assert bench.states == {"a": "backing_off", "b": "stopped"}
    due(bench)
    assert bench.starts("a") == ["start b2"]


def test_a_group_that_comes_back_early_is_answered_once_all_of_it_is_there():
    bench = Bench.of([child("a", backoff=PATIENT), Child("b", ready)], strategy="one_for_all")
    crash(bench, "a")
    assert bench.restart("a") == ["start a2", "start b2", "answer 1 Running"]


def test_a_sibling_that_fails_as_a_group_comes_back_early_is_tried_again():
    bench = Bench.of(
        [child("a", backoff=PATIENT), Child("b", ready)], strategy="one_for_all", max_restarts=9, obedient=False
    )
    bench.starts("b")
    crash(bench, "a")
    bench.fact(ev.ChildExited("b", 1, "shutdown"))
    bench.restart("a")
    assert bench.fails("b") == ["report b2 starting crash", "answer 1 NotStarted", "stop a2"]


def test_a_child_that_comes_back_early_and_has_nothing_to_run_is_answered_so_and_the_others_come_back():
    bench = Bench.of([Child("a", ready, backoff=PATIENT), Child("b", ready)], strategy="one_for_all", obedient=False)
    bench.starts("a")
    bench.starts("b")
    crash(bench, "a")
    bench.fact(ev.ChildExited("b", 1, "shutdown"))
    bench.restart("a")
    assert bench.fails("a", ignored=True) == ["start b2"]
    assert bench.starts("b") == ["answer 1 Ignored"]


def test_a_restart_asked_for_is_answered_when_the_tree_stops_meanwhile():
    bench = Bench.of([Child("a", ready, backoff=PATIENT)], obedient=False)
    bench.starts("a")
    crash(bench, "a")
    bench.restart("a")
    assert bench.fact(ev.StopTree()) == ["answer 1 Closed", "stop a2"]


# ---- a running supervisor


@pytest.fixture
def diary():
    return Diary()


class Starts(dict[str, list[float]]):
    """When children were started."""

    def child(self, id: str, life_seconds: float = 0, **options) -> Child:
        times = self.setdefault(id, [])

        async def live() -> None:
            times.append(trio.current_time())
            await trio.sleep(life_seconds)
            raise ValueError("boom")

        return Child(id, live, **options)

    def gaps(self, id: str) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self[id])]


async def test_restarts_are_apart_by_the_schedule_to_the_second(autojump_clock):
    starts = Starts()
    async with open_supervisor([starts.child("a", backoff=PATIENT)], max_restarts=0, on_report=silent):
        await trio.sleep(20)
    assert starts["a"] == [0, 1, 3, 7, 11, 15, 19]


async def test_jitter_only_ever_lengthens_a_pause_up_to_its_share(autojump_clock):
    starts = Starts()
    backoff = Backoff(first=1, factor=2, cap=8, jitter=0.5)
    with using(seeded(1)):
        async with open_supervisor([starts.child("a", backoff=backoff)], on_report=silent):
            await trio.sleep(1_000)
    gaps = starts.gaps("a")
    assert len(gaps) > 50
    assert all(least <= gap <= 1.5 * least for least, gap in zip([1, 2, 4] + [8] * len(gaps), gaps, strict=False))


async def test_a_hundred_children_that_fail_together_come_back_spread(autojump_clock):
    starts = Starts()
    children = [starts.child(str(n), backoff=Backoff(first=1, jitter=1)) for n in range(100)]
    with using(seeded(1)):
        async with open_supervisor(children, on_report=silent):
            await trio.sleep(2)
    second = sorted(times[1] for times in starts.values())
    assert len(set(second)) == 100
    tenths = {int(time * 10) for time in second}
    assert tenths == set(range(10, 20))


async def test_the_same_world_gives_the_same_pauses(autojump_clock):
    async def run() -> list[float]:
        starts = Starts()
        with using(seeded(7)):
            async with open_supervisor([starts.child("a", backoff=Backoff(jitter=1))], on_report=silent):
                await trio.sleep(100)
        return starts.gaps("a")

    one, two = await run(), await run()
    assert one == pytest.approx(two)


async def test_a_life_that_lasted_starts_the_schedule_again(autojump_clock):
    starts = Starts()
    backoff = Backoff(first=1, factor=10, cap=100, reset_after=5)
    async with open_supervisor([starts.child("a", 5, backoff=backoff)], on_report=silent):
        await trio.sleep(20)
    assert starts["a"] == [0, 6, 12, 18]


async def test_a_child_with_a_backoff_never_takes_its_supervisor_down(autojump_clock):
    starts = Starts()
    async with open_supervisor([starts.child("a", backoff=PATIENT)], max_restarts=0, on_report=silent) as supervisor:
        await trio.sleep(10_000)
        assert supervisor.tree().phase == "up"


async def test_a_sibling_without_one_still_counts(autojump_clock):
    starts = Starts()
    children = [starts.child("a", backoff=PATIENT), starts.child("b", 1)]
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor(children, max_restarts=2, on_report=silent):
            await trio.sleep_forever()
    assert (gave_up.value.child, gave_up.value.restarts) == ("b", 3)


async def test_a_group_is_down_during_the_pause(diary, autojump_clock):
    children = [diary.child("a"), diary.child("b", crashing(1), backoff=Backoff(first=5)), diary.child("c")]
    async with open_supervisor(children, strategy="rest_for_one", on_report=silent):
        await trio.sleep(5.9)
        assert diary == ["+a", "+b", "+c", "-b", "-c"]
        await trio.sleep(0.2)
        assert diary[5:] == ["+b", "+c"]


async def test_a_supervisor_ends_at_once_while_children_back_off(diary, autojump_clock):
    async with open_supervisor([diary.child("a", crashing(1), backoff=Backoff(first=30))], on_report=silent):
        await trio.sleep(2)
    assert trio.current_time() == 2
    await trio.sleep(100)
    assert diary == ["+a", "-a"]


@pytest.mark.parametrize("call", ["terminate_child", "delete_child"])
async def test_what_was_stopped_while_it_backed_off_never_comes_back(call, diary, autojump_clock):
    children = [diary.child("a", crashing(1), backoff=Backoff(first=5))]
    async with open_supervisor(children, on_report=silent) as supervisor:
        await trio.sleep(2)
        await getattr(supervisor, call)("a")
        await trio.sleep(100)
        assert diary == ["+a", "-a"]
        assert not supervisor.child("a").running


async def test_restart_child_ends_the_pause_and_the_old_one_starts_nothing(diary, autojump_clock):
    children = [diary.child("a", crashing(10), backoff=Backoff(first=5, factor=1))]
    async with open_supervisor(children, on_report=silent) as supervisor:
        await trio.sleep(11)
        ref = await supervisor.restart_child("a")
        assert (ref.incarnation, trio.current_time()) == (2, 11)
        await trio.sleep(8)
        assert (ref.incarnation, ref.running) == (2, True)


async def test_a_child_that_is_stopped_and_restarted_during_the_pause_lives_once(diary, autojump_clock):
    children = [diary.child("a", crashing(3), backoff=Backoff(first=5))]
    async with open_supervisor(children, on_report=silent) as supervisor:
        await trio.sleep(4)
        await supervisor.terminate_child("a")
        await supervisor.restart_child("a")
        await trio.sleep(2.5)
        assert diary == ["+a", "-a", "+a"]


async def test_while_it_backs_off_its_id_is_taken(diary, autojump_clock):
    children = [diary.child("a", crashing(1), backoff=Backoff(first=5))]
    async with open_supervisor(children, on_report=silent) as supervisor:
        await trio.sleep(2)
        with pytest.raises(ChildRefused) as refused:
            await supervisor.start_child(diary.child("a"))
        assert refused.value.reason == "already_present"
        (row,) = await supervisor.which_children()
        assert (row.state, row.incarnation) == ("restarting", None)


async def test_an_early_restart_that_fails_says_so_and_the_child_goes_on_backing_off(autojump_clock):
    starts: list[float] = []

    async def live(task_status: trio.TaskStatus[None]) -> None:
        starts.append(trio.current_time())
        if len(starts) == 2:
            raise OSError("taken")
        task_status.started()
        await trio.sleep(1 if len(starts) == 1 else math.inf)
        raise ValueError("boom")

    children = [Child("a", live, backoff=Backoff(first=5, factor=2))]
    async with open_supervisor(children, on_report=silent) as supervisor:
        await trio.sleep(2)
        with pytest.raises(StartFailed):
            await supervisor.restart_child("a")
        await trio.sleep(20)
    assert starts == [0, 2, 12]


async def test_a_dynamic_child_backs_off_and_can_be_stopped_meanwhile(diary, autojump_clock):
    async with open_dynamic_supervisor(max_children=1, on_report=silent) as supervisor:
        await supervisor.start_child(diary.child("a", crashing(1), backoff=Backoff(first=5)))
        await trio.sleep(2)
        with pytest.raises(ChildRefused):
            await supervisor.start_child(diary.child("b"))
        await supervisor.terminate_child("a")
        await supervisor.start_child(diary.child("b"))
        await trio.sleep(100)
    assert diary == ["+a", "-a", "+b", "-b"]


@pytest.mark.parametrize("restart", ["transient", "permanent"])
async def test_a_normal_end_is_followed_by_a_pause_only_where_it_is_followed_by_a_restart(restart, autojump_clock):
    starts: list[float] = []

    async def live() -> None:
        starts.append(trio.current_time())
        await trio.sleep(1)

    async with open_supervisor([Child("a", live, restart=restart, backoff=PATIENT)], on_report=silent):
        await trio.sleep(3.5)
    assert starts == ([0] if restart == "transient" else [0, 2])

"""Budget: how many restarts one child may have, and what follows when it has used them up."""

import pytest
import trio

from jido_trio.errors import ChildRefused, InvalidDefinition, RestartIntensityExceeded
from jido_trio.supervision import Backoff, Budget, Child, open_supervisor, supervisor_child
from jido_trio.supervision import _events as ev
from tests.supervision._bench import Bench, child
from tests.supervision._diary import Diary, crashing

MANY = 1_000
"""So many restarts of the supervisor that only the budget matters."""


def silent(_: object) -> None:
    """A sink for tests whose crashes are no news."""


@pytest.fixture
def diary():
    return Diary()


# ---- the declaration


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_restarts", -1),
        ("max_restarts", 1.5),
        ("max_restarts", True),
        ("max_seconds", -1),
        ("max_seconds", "5"),
        ("exhausted", "parked"),
    ],
)
def test_what_is_no_budget_is_refused_by_name(name, value):
    with pytest.raises(InvalidDefinition, match=name) as refused:
        Budget(**{name: value})
    assert (refused.value.field, refused.value.value) == (name, value)


def test_a_word_nearly_right_is_guessed():
    with pytest.raises(InvalidDefinition, match="did you mean 'park'"):
        Budget(exhausted="parked")  # type: ignore[arg-type]  # what is tested


def test_a_child_takes_a_budget_only():
    with pytest.raises(InvalidDefinition) as refused:
        Child("a", trio.sleep_forever, budget=3)  # type: ignore[arg-type]  # what is tested
    assert refused.value.field == "budget"


# ---- the reducer


def bench_of(exhausted: str, **flags) -> Bench:
    """A supervisor of a, which has a budget of 2 restarts within 5 seconds, and b."""
    budget = Budget(max_restarts=2, max_seconds=5, exhausted=exhausted)  # type: ignore[arg-type]  # one of three words
    return Bench.of([child("a", budget=budget), child("b")], max_restarts=MANY, **flags)


def test_within_its_budget_a_child_is_restarted():
    bench = bench_of("park")
    for at in (0, 2, 6, 8, 12):  # never three within 5 seconds
        assert bench.ends("a", at=at)[-1] == f"start a{bench.incarnation('a')}"


def test_a_restart_at_the_very_edge_of_the_budgets_window_counts():
    bench = bench_of("park")
    bench.ends("a", at=0)
    bench.ends("a", at=1)
    assert bench.ends("a", at=5) == ["report a3 running crash"]
    assert bench.states == {"a": "parked", "b": "running"}


def test_an_exhausted_child_escalates_as_if_the_supervisor_had_had_enough():
    bench = bench_of("escalate")
    for _ in range(3):
        said = bench.ends("a")
    assert said == ["report a3 running crash", "stop b1", "finish TreeGaveUp"]
    assert bench.commands[-1] == ev.Finish(ev.TreeGaveUp("a", restarts=3, max_restarts=2, max_seconds=5))


@pytest.mark.parametrize(("exhausted", "state"), [("park", "parked"), ("stop", "stopped")])
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_a_parked_or_stopped_child_leaves_its_siblings_alone(exhausted, state, strategy):
    bench = bench_of(exhausted, strategy=strategy)
    for _ in range(3):
        said = bench.ends("a")
    assert said == ["report a3 running crash"]
    assert (bench.states["a"], bench.states["b"]) == (state, "running")


@pytest.mark.parametrize(("exhausted", "counted"), [("park", 0), ("stop", 0), ("escalate", 2)])
def test_what_a_budget_counts_that_never_escalates_does_not_count_above(exhausted, counted):
    bench = bench_of(exhausted)
    for _ in range(3):
        bench.ends("a")
    assert bench.tree.window.count == counted


@pytest.mark.parametrize("exhausted", ["park", "stop"])
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_many_children_within_their_budgets_are_not_too_much_together(exhausted, strategy):
    budget = Budget(max_restarts=2, max_seconds=5, exhausted=exhausted)
    ids = [str(number) for number in range(10)]
    bench = Bench.of([child(id, budget=budget) for id in ids], max_restarts=0, strategy=strategy)
    for id in ids:
        bench.ends(id)
    assert bench.tree.phase == "up"
    assert set(bench.states.values()) == {"running"}


def test_failed_restarts_within_a_budget_do_not_count_above():
    bench = Bench.of([Child("a", _never_ready, budget=Budget(max_restarts=2, exhausted="park"))], max_restarts=0)
    bench.ends("a")
    bench.fails("a")
    bench.post(ev.TryAgain("a"))
    assert (bench.tree.window.count, bench.tree.phase) == (0, "up")


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_parked_child_does_not_come_back_with_its_group(strategy):
    budget = Budget(max_restarts=0, exhausted="park")
    bench = Bench.of([child("a"), child("b", budget=budget), child("c")], strategy=strategy)
    bench.ends("b")
    assert bench.ends("a") == ["report a1 running crash", "stop c1", "start a2", "start c2"]
    assert bench.states["b"] == "parked"


def test_a_stopped_child_is_as_one_that_ended_for_good():
    budget = Budget(max_restarts=0, exhausted="stop")
    significant = child("a", restart="transient", significant=True, budget=budget)
    bench = Bench.of([significant, child("b")], auto_shutdown="any_significant")
    assert bench.ends("a") == ["report a1 running crash", "stop b1", "finish TreeShutDown"]


def test_a_parked_child_is_not_one_that_ended_for_good():
    budget = Budget(max_restarts=0, exhausted="park")
    significant = child("a", restart="transient", significant=True, budget=budget)
    bench = Bench.of([significant, child("b")], auto_shutdown="all_significant")
    bench.ends("a")
    assert bench.tree.phase == "up"


def test_a_stopped_child_of_a_pool_is_forgotten():
    bench = Bench.of([child("a", budget=Budget(max_restarts=0, exhausted="stop"))], kind="pool")
    bench.ends("a")
    assert bench.states == {}


def test_failed_starts_are_paid_from_the_budget_too():
    bench = Bench.of(
        [Child("a", _never_ready, backoff=Backoff(), budget=Budget(max_restarts=1, exhausted="park"))], obedient=False
    )
    bench.starts("a")
    bench.ends("a")
    bench.post(ev.Due("a", 0, 1))
    bench.fails("a")
    assert bench.states == {"a": "parked"}


async def _never_ready(task_status: trio.TaskStatus[None]) -> None:
    """What is never run."""


# ---- a running supervisor


async def test_the_error_of_an_exhausted_budget_names_its_numbers_and_its_crash(autojump_clock):
    budget = Budget(max_restarts=1, max_seconds=30)
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([Child("a", crashing(1), budget=budget)], max_restarts=MANY, on_report=silent):
            await trio.sleep_forever()
    error = gave_up.value
    assert (error.child, error.restarts, error.max_restarts, error.max_seconds) == ("a", 2, 1, 30)
    assert repr(error.__cause__) == "ValueError('boom')"
    assert trio.current_time() == 2


async def test_a_parked_child_is_visible_and_comes_back_when_it_is_told_to(diary, autojump_clock):
    budget = Budget(max_restarts=1, exhausted="park")
    children = [diary.child("a", crashing(1), budget=budget), diary.child("b")]
    async with open_supervisor(children, on_report=silent) as supervisor:
        await trio.sleep(60)
        parked, running = supervisor.tree().children
        assert (parked.state, parked.incarnation, running.state, running.incarnation) == ("parked", 2, "running", 1)
        assert parked.last_crash is not None
        assert "boom" in parked.last_crash
        rows = {row.id: row.state for row in await supervisor.which_children()}
        assert rows == {"a": "undefined", "b": "running"}

        assert (await supervisor.restart_child("a")).incarnation == 3
        assert supervisor.tree().children[0].state == "running"
    assert diary.count("+b") == 1


async def test_a_parked_child_can_be_deleted_but_not_added_again_before(diary, autojump_clock):
    budget = Budget(max_restarts=0, exhausted="park")
    async with open_supervisor([diary.child("a", crashing(1), budget=budget)], on_report=silent) as supervisor:
        await trio.sleep(2)
        with pytest.raises(ChildRefused) as refused:
            await supervisor.start_child(diary.child("a"))
        assert refused.value.reason == "already_present"
        await supervisor.delete_child("a")
        assert supervisor.tree().children == ()


async def test_a_budget_and_a_backoff_together_wait_and_then_give_up(autojump_clock):
    budget = Budget(max_restarts=2, max_seconds=60)
    patient = Child("a", crashing(1), backoff=Backoff(first=1, factor=2), budget=budget)
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([patient], max_restarts=0, on_report=silent):
            await trio.sleep_forever()
    assert gave_up.value.restarts == 3
    assert trio.current_time() == 1 + 1 + 1 + 2 + 1


async def test_an_exhausted_child_escalates_one_supervisor_at_a_time(diary, autojump_clock):
    budget = Budget(max_restarts=0)
    group = supervisor_child("group", [diary.child("a", crashing(1), budget=budget)], on_report=silent)
    async with open_supervisor([group, diary.child("b")], on_report=silent) as supervisor:
        await trio.sleep(1.5)
        assert {child.id: child.incarnation for child in supervisor.tree().children} == {"group": 2, "b": 1}

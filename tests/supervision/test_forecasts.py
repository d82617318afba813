"""Forecasts: what is said of a tree, case by case, and what can't be forecast."""

import math

import pytest
import trio

from jido_trio.errors import InvalidDefinition
from jido_trio.supervision import (
    Backoff,
    Budget,
    Child,
    Happening,
    at,
    dynamic_supervisor_child,
    every,
    forecast,
    nested_spec,
    start_fails,
    supervisor_child,
)
from jido_trio.supervision import _rehearsal as rehearsal


async def ready(task_status: trio.TaskStatus[None]) -> None:
    """A child that tells when it is up; no forecast runs it."""


def child(id: str, **options) -> Child:
    return Child(id, trio.sleep_forever, **options)


DB, WEB = child("db"), child("web")


def lines(told) -> list[str]:
    return [f"{happening.at:g} {happening.what} {happening.path}{happening.incarnation}" for happening in told.timeline]


def test_a_crash_loop_is_told_to_its_end():
    told = forecast([DB, WEB], {"db": every(0.5)}, max_restarts=1)
    assert lines(told) == [
        "0 start db1",
        "0 start web1",
        "0.5 crash db1",
        "0.5 start db2",
        "1 crash db2",
        "1 give_up .1",
        "1 stop web1",
    ]
    assert (told.survives, told.seconds, told.starts, told.restarts) == (False, 1, {"db": 2, "web": 1}, 1)
    assert told.most_restarts == {".": 2}
    assert told.states == {"db": "stopped", "web": "stopped"}


def test_its_text_says_when_why_who_goes_down_with_it_and_what_would_help():
    assert str(forecast([DB, WEB], {"db": every(0.25)})) == (
        "gives up after 1 s: db started 4 times; takes web down; survives with backoff=Backoff() for db"
    )


def test_what_survives_says_how_it_fared():
    told = forecast([DB, WEB], {"db": every(2)}, seconds=9)
    assert (told.survives, told.gave_up, told.end) == (True, None, None)
    assert str(told) == "survives 9 s: db started 5 times"
    assert str(forecast([DB], {})) == "survives 60 s"


def test_what_stays_down_in_a_tree_that_survives_is_named():
    parked = child("db", budget=Budget(max_restarts=0, exhausted="park"))
    assert str(forecast([parked, WEB], {"db": every(1), "web": every(20)})) == (
        "survives 60 s: web started 4 times; db is parked at last"
    )


def test_an_escalation_is_told_step_by_step():
    group = supervisor_child("group", [DB, child("cache")], max_restarts=1)
    told = forecast([group, WEB], {"group/db": every(0.25)}, max_restarts=2)
    assert told.gave_up is not None
    assert [(end.supervisor, end.child, end.restarts) for end in told.gave_up.chain] == [
        ("group", "group/db", 2),
        (".", "group", 3),
    ]
    assert str(told) == (
        "gives up after 1.5 s: group/db started 6 times; group gave up 3 times; takes group/cache and web down; "
        "survives with backoff=Backoff() for group/db"
    )


def test_a_failed_start_is_one_only_for_a_child_that_tells_when_it_is_up():
    told = forecast([Child("db", ready)], {"db": start_fails(1)})
    assert lines(told) == ["0 start_failed db1", "0 start_failed .1"]
    assert told.end is not None
    assert (told.end.why, told.gave_up, str(told)) == (
        "start_failed",
        None,
        "fails to start after 0 s: db started once",
    )
    assert lines(forecast([DB], {"db": start_fails(1)})) == ["0 start db1", "0 crash db1", "0 start db2"]


def test_a_restart_whose_starts_fail_uses_up_the_window_at_once():
    told = forecast([Child("db", ready)], {"db": (at(1), start_fails(since=2))}, max_restarts=3)
    assert told.gave_up is not None
    assert (told.gave_up.at, told.starts) == (1, {"db": 4})


def test_starts_are_counted_over_the_lives_of_the_supervisor_above():
    group = supervisor_child("group", [Child("db", ready)], max_restarts=0)
    told = forecast([group], {"group/db": (every(1), start_fails(2))}, max_restarts=5, seconds=1.5)
    assert [line for line in lines(told) if "db" in line] == [
        "0 start group/db1",
        "1 crash group/db1",
        "1 start_failed group/db1",
        "1 start group/db1",
    ]


def test_crashes_at_given_times_take_whatever_life_there_is():
    told = forecast([DB], {"db": at(3, 1)}, seconds=5)
    assert [happening.at for happening in told.timeline if happening.what == "crash"] == [1, 3]


def test_a_backoff_is_waited_for_with_jitter_at_its_middle():
    patient = child("db", backoff=Backoff(first=1, factor=2, jitter=0.5))
    told = forecast([patient], {"db": at(1)}, seconds=5)
    assert lines(told) == ["0 start db1", "1 crash db1", "1 back_off db1", "2.25 start db2"]


def test_significant_children_may_shut_the_tree_down():
    told = forecast(
        [child("job", restart="temporary", significant=True), WEB], {"job": at(2)}, auto_shutdown="any_significant"
    )
    assert told.end is not None
    assert (told.end.why, told.end.child, told.gave_up) == ("auto_shutdown", "job", None)
    assert str(told) == "shuts down after 2 s: job started once; takes web down"


def test_where_no_backoff_helps_none_is_named():
    told = forecast([Child("db", ready)], {"db": start_fails(1)})
    assert told.survives_with == ()


def test_every_culprit_is_given_a_backoff():
    told = forecast([DB, WEB], {"db": every(0.5), "web": every(0.7)})
    assert set(told.survives_with) == {"db", "web"}


def test_a_tree_that_loops_within_one_instant_is_cut_short(monkeypatch):
    monkeypatch.setattr(rehearsal, "MOST", 50)
    endless = Child("db", ready, backoff=Backoff(first=0))
    told = forecast([endless], {"db": (at(1), start_fails(since=2))})
    assert (told.cut, told.seconds) == (True, 1)
    assert str(told).endswith("cut short: more than 49 things happen by then")


def test_a_restart_loop_without_a_pause_is_cut_short_too(monkeypatch):
    monkeypatch.setattr(rehearsal, "MOST", 50)
    told = forecast([Child("db", ready)], {"db": (at(1), start_fails(since=2))}, max_restarts=1_000_000)
    assert (told.cut, told.seconds) == (True, 1)


def test_nothing_of_the_users_is_run():
    async def explodes() -> None:
        raise AssertionError

    assert forecast([Child("a", explodes)], {"a": every(10)}, seconds=55).starts == {"a": 6}


def test_a_happening_is_told_in_a_line():
    assert str(Happening(1.5, "back_off", "group/db", 2)) == "   1.500 s  group/db backs off (life 2)"


def test_a_path_that_is_none_is_refused_with_the_nearest_one():
    group = supervisor_child("group", [DB])
    with pytest.raises(InvalidDefinition, match="did you mean 'group/db'"):
        forecast([group], {"group/bd": every(1)})
    with pytest.raises(InvalidDefinition, match="there are group, group/db"):
        forecast([group], {"x": every(1)})


def test_a_supervisor_fails_only_by_its_children():
    with pytest.raises(InvalidDefinition, match="name one of them"):
        forecast([supervisor_child("group", [DB])], {"group": every(1)})


def test_a_tree_that_can_not_be_opened_can_not_be_forecast():
    with pytest.raises(InvalidDefinition, match="two children"):
        forecast([DB, DB], {})
    with pytest.raises(InvalidDefinition, match="max_restarts"):
        forecast([DB], {}, max_restarts=-1)
    with pytest.raises(InvalidDefinition, match="seconds"):
        forecast([DB], {}, seconds=math.inf)


@pytest.mark.parametrize("failure", ["every(1)", 1, None, [every(1), "x"]])
def test_what_is_no_failure_is_refused(failure):
    with pytest.raises(InvalidDefinition) as refused:
        forecast([DB], {"db": failure})
    assert refused.value.field == "failures"


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (every, (0,)),
        (every, (math.nan,)),
        (every, ("1",)),
        (at, (0,)),
        (at, (1, -1)),
        (start_fails, (0,)),
        (start_fails, (1.5,)),
        (start_fails, (True,)),
    ],
)
def test_failures_at_no_time_and_starts_of_no_number_are_refused(call, arguments):
    with pytest.raises(InvalidDefinition):
        call(*arguments)


def test_starts_since_none_are_refused():
    with pytest.raises(InvalidDefinition) as refused:
        start_fails(since=0)
    assert refused.value.field == "since"


def test_the_spec_below_a_supervisor_can_be_had_and_a_worker_has_none():
    spec = nested_spec(supervisor_child("group", [DB], max_restarts=9))
    assert spec is not None
    assert (spec.children, spec.flags.max_restarts) == ((DB,), 9)
    pool = nested_spec(dynamic_supervisor_child("pool"))
    assert pool is not None
    assert pool.flags.is_pool
    assert nested_spec(DB) is None


def test_a_backoff_is_no_remedy_for_a_child_that_uses_up_its_budget():
    spent = child("a", budget=Budget(max_restarts=1, max_seconds=60))
    found = forecast([spent], {"a": every(1)}, max_restarts=3, max_seconds=60, seconds=50)
    assert found.gave_up is not None
    assert found.survives_with == ()

"""What follows from a child's end, by OTP's rules; no task, no clock."""

from typing import Any

import pytest

from jido_trio.supervision import Child
from jido_trio.supervision import _events as ev
from tests.supervision._bench import Bench, child, children, ready

SIGNIFICANT: dict[str, Any] = {"restart": "transient", "significant": True}

# ---- restart types


@pytest.mark.parametrize(
    ("restart", "exit", "said", "states"),
    [
        ("permanent", "normal", ["report a1 running normal", "start a2"], {"a": "running"}),
        ("permanent", "shutdown", ["report a1 running shutdown", "start a2"], {"a": "running"}),
        ("permanent", "killed", ["report a1 running killed", "start a2"], {"a": "running"}),
        ("permanent", "crash", ["report a1 running crash", "start a2"], {"a": "running"}),
        ("transient", "normal", [], {"a": "stopped"}),
        ("transient", "shutdown", [], {"a": "stopped"}),
        ("transient", "killed", ["report a1 running killed", "start a2"], {"a": "running"}),
        ("transient", "crash", ["report a1 running crash", "start a2"], {"a": "running"}),
        ("temporary", "normal", [], {}),
        ("temporary", "shutdown", [], {}),
        ("temporary", "killed", ["report a1 running killed"], {}),
        ("temporary", "crash", ["report a1 running crash"], {}),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_restart_type_and_end_decide_whether_a_child_comes_back(restart, exit, said, states, late):
    spec = child("a", restart=restart)
    bench = Bench.of([] if late else [spec])
    if late:
        bench.start_child(spec)
    assert bench.ends("a", exit) == said
    assert bench.states == states


# ---- strategies


@pytest.mark.parametrize(
    ("strategy", "crashed", "said"),
    [
        ("one_for_one", "a", ["start a2"]),
        ("one_for_one", "b", ["start b2"]),
        ("one_for_one", "c", ["start c2"]),
        ("one_for_all", "a", ["stop c1", "stop b1", "start a2", "start b2", "start c2"]),
        ("one_for_all", "b", ["stop c1", "stop a1", "start a2", "start b2", "start c2"]),
        ("one_for_all", "c", ["stop b1", "stop a1", "start a2", "start b2", "start c2"]),
        ("rest_for_one", "a", ["stop c1", "stop b1", "start a2", "start b2", "start c2"]),
        ("rest_for_one", "b", ["stop c1", "start b2", "start c2"]),
        ("rest_for_one", "c", ["start c2"]),
    ],
)
def test_a_strategy_takes_down_in_reverse_and_brings_up_in_order(strategy, crashed, said):
    bench = Bench.of(children("abc"), strategy=strategy)
    assert bench.ends(crashed) == [f"report {crashed}1 running crash", *said]


def test_each_stop_and_start_of_a_group_waits_for_the_one_before():
    bench = Bench.of([], strategy="one_for_all", obedient=False)
    for id in "abc":
        bench.start_child(Child(id, ready))
        bench.starts(id)

    steps = [
        bench.ends("a"),
        bench.ends("c", "shutdown"),
        bench.ends("b", "shutdown"),
        bench.starts("a"),
        bench.starts("b"),
        bench.starts("c"),
    ]
    assert steps == [["report a1 running crash", "stop c1"], ["stop b1"], ["start a2"], ["start b2"], ["start c2"], []]


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_temporary_sibling_goes_down_with_the_group_and_does_not_come_back(strategy):
    bench = Bench.of([child("a"), child("t", restart="temporary"), child("c")], strategy=strategy)
    assert bench.ends("a")[1:] == ["stop c1", "stop t1", "start a2", "start c2"]
    assert bench.states == {"a": "running", "c": "running"}


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_transient_sibling_that_has_ended_comes_back_with_the_group(strategy):
    bench = Bench.of([child("a"), child("t", restart="transient")], strategy=strategy)
    bench.ends("t", "normal")
    assert bench.ends("a")[1:] == ["start a2", "start t2"]


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_terminated_sibling_comes_back_with_the_group(strategy):
    bench = Bench.of(children("ab"), strategy=strategy)
    bench.terminate("b")
    assert bench.ends("a")[1:] == ["start a2", "start b2"]


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
@pytest.mark.parametrize(("restart", "exit"), [("temporary", "crash"), ("transient", "normal")])
def test_an_end_that_is_no_restart_leaves_the_group_alone(strategy, restart, exit):
    bench = Bench.of([child("t", restart=restart), child("b")], strategy=strategy, max_restarts=0)
    assert [line for line in bench.ends("t", exit) if not line.startswith("report")] == []
    assert bench.states["b"] == "running"


def test_a_sibling_that_ended_itself_before_its_stop_is_not_handled_again():
    bench = Bench.of(children("abc"), strategy="one_for_all", obedient=False, max_restarts=1)
    bench.ends("a")
    assert bench.ends("b") == []
    assert bench.ends("c", "shutdown") == ["report b1 running crash", "start a2", "start b2", "start c2"]


def test_a_sibling_outside_of_the_group_that_ended_meanwhile_has_its_turn_afterwards():
    bench = Bench.of(children("abc"), strategy="rest_for_one", obedient=False)
    bench.ends("b")
    bench.ends("a")
    assert bench.ends("c", "shutdown") == ["start b2", "start c2", "report a1 running crash", "stop c2"]


# ---- intensity


def test_max_restarts_are_survived_and_one_more_is_not():
    bench = Bench.of(children("ab"), max_restarts=3, max_seconds=5)
    for _ in range(3):
        assert bench.ends("a")[-1].startswith("start")
    assert bench.ends("a") == ["report a4 running crash", "stop b1", "finish TreeGaveUp"]


@pytest.mark.parametrize(("at", "given_up"), [(5.0, True), (5.001, False)])
def test_a_restart_exactly_max_seconds_ago_counts_and_one_before_does_not(at, given_up):
    bench = Bench.of(children("a"), max_restarts=1, max_seconds=5)
    bench.ends("a", at=0.0)
    assert ("finish TreeGaveUp" in bench.ends("a", at=at)) is given_up


def test_restarts_count_over_all_children():
    bench = Bench.of(children("abcd"), max_restarts=3)
    assert [bench.ends(id)[-1] for id in "abcd"] == ["start a2", "start b2", "start c2", "finish TreeGaveUp"]


def test_the_restart_of_a_group_counts_once():
    bench = Bench.of(children("abc"), strategy="one_for_all", max_restarts=2)
    bench.ends("a")
    bench.ends("b")
    assert bench.states == dict.fromkeys("abc", "running")
    assert bench.ends("c")[-1] == "finish TreeGaveUp"


@pytest.mark.parametrize("exit", ["normal", "shutdown"])
def test_ends_that_are_answered_by_a_restart_count_crash_or_not(exit):
    bench = Bench.of(children("a"), max_restarts=0)
    assert bench.ends("a", exit)[-1] == "finish TreeGaveUp"


def test_one_who_gives_up_stops_the_others_in_reverse_and_not_the_one_that_ended():
    bench = Bench.of(children("abc"), max_restarts=0)
    assert bench.ends("b") == ["report b1 running crash", "stop c1", "stop a1", "finish TreeGaveUp"]


def test_giving_up_names_the_child_and_how_many_restarts_the_window_held():
    bench = Bench.of(children("a"), max_restarts=2)
    for _ in range(3):
        bench.ends("a")
    finish = bench.commands[-1]
    assert isinstance(finish, ev.Finish)
    assert isinstance(finish.outcome, ev.TreeGaveUp)
    assert (finish.outcome.child, finish.outcome.restarts) == ("a", 3)


# ---- restarts that fail


def failing(**flags) -> Bench:
    """A child whose restart is under way."""
    bench = Bench.of([child("x"), Child("a", ready)], obedient=False, **flags)
    bench.starts("a")
    bench.ends("a")
    return bench


def test_a_restart_that_fails_is_tried_again_and_counts_again():
    bench = failing(max_restarts=2)
    assert bench.fails("a") == ["report a2 starting crash", "start a3"]
    assert bench.fails("a") == ["report a3 starting crash", "stop x1"]
    assert bench.ends("x", "shutdown") == ["finish TreeGaveUp"]


def test_requests_have_their_turn_between_two_tries():
    bench = failing()
    assert bench.terminate("a") == []  # busy
    assert bench.fails("a") == ["report a2 starting crash", "answer 1 Done"]
    assert bench.states == {"x": "running", "a": "stopped"}


def test_a_restart_that_says_there_is_nothing_to_run_is_done():
    bench = failing()
    assert bench.fails("a", ignored=True) == []
    assert bench.states["a"] == "stopped"


def test_children_that_fail_to_restart_take_turns():
    bench = Bench.of([Child("a", ready), Child("b", ready)], obedient=False, max_restarts=5)
    bench.starts("a")
    bench.starts("b")
    said = [*bench.ends("a"), *bench.ends("b")]
    for id in "abab":
        said += bench.fails(id)
    assert [line for line in said if line.startswith("start")] == [
        *("start a2", "start b2", "start a3", "start b3", "start a4"),
    ]


def group(strategy: str) -> Bench:
    """Three that say when they are up; b has crashed, and its restart fails."""
    bench = Bench.of([], strategy=strategy, obedient=False, max_restarts=5)
    for id in "abc":
        bench.start_child(Child(id, ready))
        bench.starts(id)
    bench.ends("b")
    while any(state == "stopping" for state in bench.states.values()):
        bench.ends(next(id for id, state in bench.states.items() if state == "stopping"), "shutdown")
    if strategy == "one_for_all":
        bench.starts("a")
    return bench


def test_one_for_all_takes_all_down_again_when_a_start_fails():
    bench = group("one_for_all")
    assert bench.fails("b") == ["report b2 starting crash", "stop a2"]
    assert bench.states == {"a": "stopping", "b": "stopped", "c": "stopped"}
    assert bench.ends("a", "shutdown") == ["start a3"]


def test_rest_for_one_tries_again_from_the_one_that_failed():
    bench = group("rest_for_one")
    assert bench.fails("b") == ["report b2 starting crash", "start b3"]
    assert bench.starts("b") == ["start c2"]
    assert bench.incarnation("a") == 1


def test_to_terminate_the_failed_one_cancels_the_restart_of_the_whole_group():
    bench = group("rest_for_one")
    bench.terminate("b")
    bench.fails("b")
    assert bench.states == {"a": "running", "b": "stopped", "c": "stopped"}


# ---- boot


def test_children_start_one_after_the_other():
    bench = Bench.of([Child("a", ready), Child("b", ready)], obedient=False)
    assert bench.starts("a") == ["start b1"]
    assert bench.starts("b") == ["booted"]


def test_a_failed_start_stops_those_before_it_in_reverse_and_is_not_tried_again():
    bench = Bench.of([child("a"), child("b"), Child("c", ready), child("d")], obedient=False)
    assert bench.fails("c") == ["report c1 starting crash", "stop b1"]
    assert bench.ends("b", "shutdown") == ["stop a1"]
    assert bench.ends("a", "shutdown") == ["finish TreeBootFailed"]


@pytest.mark.parametrize(("restart", "states"), [("permanent", {"a": "stopped"}), ("temporary", {})])
def test_a_child_with_nothing_to_run_is_kept_unless_it_is_temporary(restart, states):
    bench = Bench.of([Child("a", ready, restart=restart)], obedient=False)
    assert bench.fails("a", ignored=True) == ["booted"]
    assert bench.states == states


def test_a_child_that_ends_while_others_still_start_is_restarted_after_the_boot():
    bench = Bench.of([child("a"), Child("b", ready)], obedient=False)
    assert bench.ends("a") == []
    assert bench.starts("b") == ["booted", "report a1 running crash", "start a2"]


# ---- auto_shutdown


@pytest.mark.parametrize(
    ("restart", "exit", "over"),
    [
        ("transient", "normal", True),
        ("transient", "shutdown", True),
        ("transient", "crash", False),
        ("temporary", "normal", True),
        ("temporary", "crash", True),
    ],
)
@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
def test_the_end_for_good_of_a_significant_child_ends_the_supervisor(auto_shutdown, restart, exit, over):
    bench = Bench.of([child("a"), child("s", restart=restart, significant=True)], auto_shutdown=auto_shutdown)
    assert (bench.ends("s", exit)[-2:] == ["stop a1", "finish TreeShutDown"]) is over


@pytest.mark.parametrize(("auto_shutdown", "over"), [("any_significant", True), ("all_significant", False)])
def test_any_means_the_first_and_all_the_last_of_them(auto_shutdown, over):
    bench = Bench.of(children("st", **SIGNIFICANT), auto_shutdown=auto_shutdown)
    assert (bench.ends("s", "normal")[-1:] == ["finish TreeShutDown"]) is over
    assert over or bench.ends("t", "normal") == ["finish TreeShutDown"]


def test_a_terminated_significant_child_ends_nothing_but_counts_as_gone():
    bench = Bench.of(children("st", **SIGNIFICANT), auto_shutdown="all_significant")
    assert bench.terminate("s")[-1] == "answer 1 Done"
    assert bench.ends("t", "normal") == ["finish TreeShutDown"]


def test_a_significant_child_whose_restart_failed_is_still_there():
    bench = Bench.of(
        [Child("s", ready, **SIGNIFICANT), child("t", **SIGNIFICANT)], auto_shutdown="all_significant", obedient=False
    )
    bench.starts("s")
    bench.ends("s")
    bench.ends("t", "normal")
    assert "finish TreeShutDown" not in bench.fails("s")
    bench.starts("s")
    assert bench.ends("s", "normal") == ["finish TreeShutDown"]


def test_a_significant_sibling_stopped_with_its_group_ends_nothing():
    bench = Bench.of(
        [child("a"), child("s", restart="temporary", significant=True)],
        strategy="one_for_all",
        auto_shutdown="any_significant",
    )
    assert bench.ends("a")[1:] == ["stop s1", "start a2"]


def test_an_insignificant_child_ends_nothing():
    bench = Bench.of([child("a", restart="temporary")], auto_shutdown="any_significant")
    assert bench.ends("a", "normal") == []


# ---- stopping


def test_a_tree_stops_in_reverse_one_after_the_other():
    bench = Bench.of(children("abc"), obedient=False)
    steps = [bench.fact(ev.StopTree()), *(bench.ends(id, "shutdown") for id in "cba")]
    assert steps == [["stop c1"], ["stop b1"], ["stop a1"], ["finish TreeStopped"]]


def test_a_pool_stops_all_together():
    bench = Bench.of(kind="pool", obedient=False)
    for id in "abc":
        bench.start_child(child(id))
    assert sorted(bench.fact(ev.StopTree())) == ["stop a1", "stop b1", "stop c1"]
    assert [bench.ends(id, "shutdown") for id in "bca"] == [[], [], ["finish TreeStopped"]]


def test_a_crash_while_stopping_is_told_and_not_restarted():
    bench = Bench.of(children("ab"), obedient=False)
    bench.fact(ev.StopTree())
    assert bench.ends("b", "crash") == ["report b1 stopping crash", "stop a1"]


@pytest.mark.parametrize(("shutdown", "told"), [(5, True), ("brutal", False)])
def test_a_child_killed_when_its_time_is_over_is_told_of_unless_it_was_meant_to_be(shutdown, told):
    bench = Bench.of([child("a", shutdown=shutdown)], obedient=False)
    bench.fact(ev.StopTree())
    assert ("report a1 stopping killed" in bench.ends("a", "killed")) is told


def test_a_child_that_ended_before_its_stop_is_told_of_and_not_stopped():
    bench = Bench.of(children("ab"), obedient=False)
    bench.fact(ev.StopTree())
    bench.ends("a", "crash")
    assert bench.ends("b", "shutdown") == ["report a1 running crash", "finish TreeStopped"]


def test_to_stop_twice_is_to_stop_once():
    bench = Bench.of(children("a"), obedient=False)
    bench.fact(ev.StopTree())
    assert bench.fact(ev.StopTree()) == []
    bench.ends("a", "shutdown")
    assert bench.fact(ev.StopTree()) == []


def test_a_tree_whose_time_is_over_cancels_all_that_runs():
    bench = Bench.of(children("abc"), obedient=False)
    bench.fact(ev.StopTree())
    assert bench.fact(ev.KillTree()) == ["stop c1", "stop b1", "stop a1"]
    assert [command.limit for command in bench.commands if isinstance(command, ev.StopLife)][-3:] == ["brutal"] * 3
    assert [bench.ends(id, "killed")[-1:] for id in "abc"][-1] == ["finish TreeStopped"]


def test_to_kill_a_tree_that_gave_up_leaves_its_outcome():
    bench = Bench.of(children("ab"), obedient=False, max_restarts=0)
    bench.ends("a")
    bench.fact(ev.KillTree())
    assert bench.ends("b", "killed")[-1] == "finish TreeGaveUp"
    assert bench.fact(ev.KillTree()) == []


def test_a_tree_told_to_stop_while_it_starts_starts_nothing_more():
    bench = Bench.of([child("a"), Child("b", ready), child("c")], obedient=False)
    assert bench.fact(ev.StopTree()) == ["stop b1"]
    assert bench.fails("b") == ["stop a1"]
    assert bench.ends("a", "shutdown") == ["finish TreeStopped"]


def test_the_end_of_a_child_stopped_for_a_call_is_not_taken_for_that_of_the_one_the_tree_waits_for():
    bench = Bench.of(children("abc"), obedient=False)
    bench.terminate("a")
    assert bench.fact(ev.StopTree())[-1] == "stop c1"
    assert bench.ends("a", "shutdown") == []
    assert bench.ends("c", "shutdown") == ["stop b1"]
    assert bench.ends("b", "shutdown") == ["finish TreeStopped"]


def restarting_while_it_stops() -> Bench:
    """Of three, the first is being restarted, and the last was asked to stop for the end of the tree."""
    bench = Bench.of([Child("a", ready), child("b"), child("c")], obedient=False)
    bench.starts("a")
    bench.ends("a")
    bench.fact(ev.StopTree())
    assert bench.states == {"a": "starting", "b": "running", "c": "stopping"}
    return bench


def test_a_restart_that_becomes_ready_while_the_tree_stops_does_not_hurry_it():
    bench = restarting_while_it_stops()
    assert bench.starts("a") == []
    assert bench.ends("c", "shutdown") == ["stop b1"]
    assert bench.ends("b", "shutdown") == ["stop a2"]
    assert bench.ends("a", "shutdown") == ["finish TreeStopped"]


def test_a_restart_that_fails_while_the_tree_stops_is_told_and_changes_nothing_else():
    bench = restarting_while_it_stops()
    assert bench.fails("a") == ["report a2 starting crash"]
    assert bench.ends("c", "shutdown") == ["stop b1"]
    assert bench.ends("b", "shutdown") == ["finish TreeStopped"]


def test_a_restart_with_nothing_to_run_while_the_tree_stops_changes_nothing_else():
    bench = restarting_while_it_stops()
    assert bench.fails("a", ignored=True) == []
    assert bench.ends("c", "shutdown") == ["stop b1"]
    assert bench.ends("b", "shutdown") == ["finish TreeStopped"]


def test_a_restart_still_under_way_is_stopped_in_its_turn():
    bench = restarting_while_it_stops()
    bench.ends("c", "shutdown")
    assert bench.ends("b", "shutdown") == ["stop a2"]
    assert bench.fails("a") == ["finish TreeStopped"]


@pytest.mark.parametrize("becomes", ["starts", "fails"])
def test_the_outcome_of_a_start_that_a_call_asked_for_does_not_hurry_the_end(becomes):
    bench = Bench.of(children("ab"), obedient=False)
    bench.start_child(Child("new", ready))
    assert bench.fact(ev.StopTree()) == ["answer 1 Closed", "stop new1"]
    getattr(bench, becomes)("new")
    assert bench.states["b"] == ("stopping" if becomes == "fails" else "running")


def test_a_first_start_that_fails_once_the_tree_gives_up_leaves_its_outcome():
    bench = Bench.of([Child("a", ready), Child("b", ready)], obedient=False)
    bench.starts("a")
    bench.fact(ev.KillTree())
    assert bench.fails("b") == []
    assert bench.ends("a", "killed")[-1] == "finish TreeStopped"


# ---- calls on a tree that ends


@pytest.mark.parametrize(
    "request_of",
    [
        lambda n: ev.StartChild(n, child("new")),
        lambda n: ev.TerminateChild(n, "a"),
        lambda n: ev.RestartChild(n, "a"),
        lambda n: ev.DeleteChild(n, "a"),
        ev.WhichChildren,
        ev.CountChildren,
        lambda n: ev.GetChildSpec(n, "a"),
        ev.Suspend,
    ],
)
def test_a_tree_that_goes_down_answers_every_call_at_once_and_does_nothing_for_it(request_of):
    bench = Bench.of(children("ab"), obedient=False)
    bench.fact(ev.StopTree())
    tree = bench.tree
    assert bench.post(request_of(7)) == ["answer 7 Closed"]
    assert bench.tree == tree


def test_calls_that_wait_are_answered_when_the_tree_begins_to_go_down():
    bench = Bench.of(children("ab"), obedient=False)
    bench.terminate("b")
    assert [bench.terminate("a"), bench.post(ev.WhichChildren(3))] == [[], []]
    assert bench.fact(ev.StopTree()) == ["answer 1 Closed", "answer 2 Closed", "answer 3 Closed"]


def test_what_was_posted_before_the_tree_went_down_is_void():
    bench = Bench.of([child("a"), child("b"), Child("c", ready)], obedient=False)
    bench.starts("c")
    bench.ends("c")
    bench.ends("a")
    assert bench.fact(ev.StopTree()) == ["stop c2"]
    assert bench.fails("c") == ["stop b1"]
    assert bench.ends("b", "shutdown") == ["report a1 running crash", "finish TreeStopped"]


# ---- what is out of date


def test_the_end_of_an_earlier_life_is_void():
    bench = Bench.of(children("a"))
    bench.ends("a")
    tree = bench.tree
    assert bench.fact(ev.ChildExited("a", 1, "crash")) == []
    assert bench.tree == tree


@pytest.mark.parametrize(
    "fact",
    [
        ev.ChildExited("nobody", 1, "crash"),
        ev.ChildStarted("nobody", 1),
        ev.ChildStartFailed("nobody", 1),
        ev.ChildStarted("a", 1),
        ev.ChildStartFailed("a", 1),
        ev.Resume(),
    ],
)
def test_a_fact_that_fits_nothing_is_void(fact):
    bench = Bench.of(children("a"))
    tree = bench.tree
    assert bench.fact(fact) == []
    assert bench.tree == tree


def test_an_end_that_waits_is_void_once_the_child_was_stopped():
    bench = Bench.of([child("a"), Child("slow", ready)], obedient=False)
    bench.terminate("a")
    bench.ends("a")
    assert bench.starts("slow") == ["booted", "report a1 running crash", "answer 1 Done"]
    assert bench.states["a"] == "stopped"


def test_an_end_that_waits_is_void_for_a_later_child_of_the_same_id():
    bench = Bench.of([child("a"), child("x", restart="temporary"), child("c")], strategy="one_for_all", obedient=False)
    bench.ends("a")
    bench.start_child(child("x"))
    bench.ends("x", "normal")
    bench.ends("c", "shutdown")
    assert bench.states == {"a": "running", "c": "running", "x": "running"}


# ---- suspend


def test_a_suspended_tree_handles_ends_and_requests_once_it_is_resumed_in_their_order():
    bench = Bench.of(children("ab"))
    bench.post(ev.Suspend())
    assert bench.ends("b") == []
    assert bench.terminate("a") == []
    assert bench.fact(ev.Resume()) == ["report b1 running crash", "start b2", "stop a1", "answer 1 Done"]


def test_a_suspended_tree_can_be_stopped():
    bench = Bench.of(children("a"))
    bench.post(ev.Suspend())
    assert bench.fact(ev.StopTree()) == ["stop a1", "finish TreeStopped"]

"""What a supervisor answers, for a child in each state."""

import pytest

from jido_trio.supervision import Child, ChildRow, Counts
from jido_trio.supervision import _events as ev
from tests.supervision._bench import Bench, child, children, ready


def with_child(state: str, **options) -> Bench:
    """A tree whose child `a` is in that state; nothing is obeyed by itself."""
    bench = Bench.of([child("a", **options)], obedient=False)
    if state == "stopped":
        bench.terminate("a")
        bench.ends("a", "shutdown")
    if state == "absent":
        bench.terminate("a")
        bench.ends("a", "shutdown")
        bench.delete("a")
    return bench


def restarting() -> Bench:
    """A tree whose child `a` failed to restart; the next try waits behind what is posted before the failure."""
    bench = Bench.of([Child("a", ready)], obedient=False)
    bench.starts("a")
    bench.ends("a")
    return bench


def answer(said: list[str]) -> str:
    (last,) = [line for line in said if line.startswith("answer")]
    return last.split()[-1]


@pytest.mark.parametrize(
    ("state", "call", "result"),
    [
        ("running", "start", "already_started"),
        ("running", "restart", "running"),
        ("running", "delete", "running"),
        ("stopped", "start", "already_present"),
        ("stopped", "terminate", "Done"),
        ("stopped", "restart", "Running"),
        ("stopped", "delete", "Done"),
        ("absent", "start", "Running"),
        ("absent", "terminate", "not_found"),
        ("absent", "restart", "not_found"),
        ("absent", "delete", "not_found"),
    ],
)
def test_a_call_is_answered_by_the_state_of_the_child(state, call, result):
    bench = with_child(state)
    said = bench.start_child(child("a")) if call == "start" else getattr(bench, call)("a")
    assert answer(said) == result


@pytest.mark.parametrize(
    ("call", "result"),
    [("terminate", "Done"), ("restart", "restarting"), ("delete", "restarting"), ("start", "already_present")],
)
def test_a_call_on_a_child_whose_restart_failed(call, result):
    bench = restarting()
    said = bench.start_child(child("a")) if call == "start" else getattr(bench, call)("a")
    assert said == []  # busy with the restart
    assert answer(bench.fails("a")) == result


def test_terminate_is_answered_once_the_child_has_ended():
    bench = with_child("running")
    assert bench.terminate("a") == ["stop a1"]
    assert bench.ends("a", "shutdown") == ["answer 1 Done"]


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_a_terminated_child_is_not_restarted_and_only_a_temporary_one_is_forgotten(restart):
    bench = Bench.of([child("a", restart=restart)])
    assert bench.terminate("a") == ["stop a1", "answer 1 Done"]
    assert bench.states == ({} if restart == "temporary" else {"a": "stopped"})


@pytest.mark.parametrize(("incarnation", "result"), [(2, "Done"), (1, "not_found"), (3, "not_found"), (None, "Done")])
def test_terminate_of_one_incarnation_means_that_life_only(incarnation, result):
    bench = Bench.of(children("a"))
    bench.ends("a")
    assert answer(bench.terminate("a", incarnation)) == result


def test_start_child_is_answered_once_the_child_is_up():
    bench = Bench.of(obedient=False)
    assert bench.start_child(Child("a", ready)) == ["start a1"]
    assert bench.starts("a") == ["answer 1 Running"]


def test_a_new_child_that_fails_to_start_leaves_nothing_and_counts_nothing():
    bench = Bench.of(obedient=False, max_restarts=0)
    bench.start_child(Child("a", ready))
    assert bench.fails("a") == ["report a1 starting crash", "answer 1 NotStarted"]
    assert bench.states == {}


def test_a_new_child_with_nothing_to_run_keeps_its_place():
    bench = Bench.of(obedient=False)
    bench.start_child(Child("a", ready))
    assert bench.fails("a", ignored=True) == ["answer 1 Ignored"]
    assert answer(bench.start_child(Child("a", ready))) == "already_present"


def test_restart_child_that_fails_leaves_the_child_stopped_and_counts_nothing():
    bench = Bench.of([Child("a", ready)], obedient=False, max_restarts=0)
    bench.starts("a")
    bench.terminate("a")
    bench.ends("a", "shutdown")
    assert bench.restart("a") == ["start a2"]
    assert bench.fails("a") == ["report a2 starting crash", "answer 2 NotStarted"]
    assert bench.states == {"a": "stopped"}


def test_restart_child_of_a_child_with_nothing_to_run_is_answered_so():
    bench = Bench.of([Child("a", ready)], obedient=False)
    bench.fails("a", ignored=True)
    bench.restart("a")
    assert bench.fails("a", ignored=True) == ["answer 1 Ignored"]


def test_a_child_added_later_comes_last_also_when_it_was_there_before():
    bench = Bench.of(children("ab"))
    bench.terminate("a")
    bench.delete("a")
    bench.start_child(child("a"))
    assert list(bench.states) == ["b", "a"]


def test_a_call_that_interrupts_nothing_waits_and_is_answered_in_order():
    bench = Bench.of([child("a"), child("b")], obedient=False)
    bench.terminate("a")
    assert bench.terminate("b") == []
    assert bench.ends("a", "shutdown") == ["answer 1 Done", "stop b1"]


def test_a_call_interrupted_by_the_end_of_the_tree_is_told_so():
    bench = Bench.of(obedient=False)
    bench.start_child(Child("a", ready))
    assert bench.fact(ev.StopTree()) == ["answer 1 Closed", "stop a1"]
    assert bench.fails("a") == ["finish TreeStopped"]


def test_children_are_listed_newest_first_with_their_state():
    bench = Bench.of([child("a"), child("s", kind="supervisor"), child("t", restart="transient")])
    bench.ends("a")
    bench.ends("t", "normal")
    assert bench.rows() == (
        ChildRow("t", "undefined", None, "worker"),
        ChildRow("s", "running", 1, "supervisor"),
        ChildRow("a", "running", 2, "worker"),
    )


def test_a_child_whose_restart_failed_is_listed_as_restarting():
    bench = restarting()
    bench.post(ev.WhichChildren(9))
    bench.fails("a")
    assert ev.AnswerCall(9, (ChildRow("a", "restarting", None, "worker"),)) in bench.commands


def test_children_are_counted_by_what_they_are_and_whether_they_run():
    bench = Bench.of([child("a"), child("s", kind="supervisor"), child("t", restart="transient")])
    bench.ends("t", "normal")
    assert bench.counts() == Counts(specs=3, active=2, supervisors=1, workers=2)


def test_the_spec_of_a_child_is_given_back():
    bench = Bench.of(children("a"))
    bench.post(ev.GetChildSpec(1, "a"))
    assert bench.commands[-1] == ev.AnswerCall(1, child("a"))
    bench.post(ev.GetChildSpec(2, "b"))
    assert bench.commands[-1] == ev.AnswerCall(2, ev.Refused("b", "not_found"))


# ---- pools


def pool(ids: str = "", **flags) -> Bench:
    bench = Bench.of(kind="pool", **flags)
    for id in ids:
        bench.start_child(child(id))
    return bench


def test_a_pool_refuses_more_than_max_children_before_anything_starts():
    bench = pool("ab", max_children=2)
    assert bench.start_child(child("c"))[-1:] == ["answer 3 max_children"]


def test_the_place_of_a_child_that_has_gone_is_free_again():
    bench = pool("ab", max_children=2)
    bench.terminate("a")
    assert answer(bench.start_child(child("c"))) == "Running"


def test_a_child_of_a_pool_that_is_being_restarted_keeps_its_place():
    bench = Bench.of(kind="pool", max_children=1, obedient=False)
    bench.start_child(Child("a", ready))
    bench.starts("a")
    bench.ends("a")
    bench.start_child(child("b"))
    assert answer(bench.fails("a")) == "max_children"


@pytest.mark.parametrize(
    ("restart", "exit", "there"),
    [
        ("permanent", "normal", True),
        ("permanent", "crash", True),
        ("transient", "normal", False),
        ("transient", "crash", True),
        ("temporary", "normal", False),
        ("temporary", "crash", False),
    ],
)
def test_a_child_of_a_pool_that_ends_for_good_is_forgotten(restart, exit, there):
    bench = pool()
    bench.start_child(child("a", restart=restart))
    bench.ends("a", exit)
    assert ("a" in bench.states) is there


def test_a_child_of_a_pool_is_restarted_alone():
    bench = pool("abc")
    assert bench.ends("b") == ["report b1 running crash", "start b2"]


@pytest.mark.parametrize("call", ["restart", "delete"])
def test_children_of_a_pool_have_no_spec_of_their_own(call):
    assert answer(getattr(pool("a"), call)("a")) == "simple_one_for_one"


def test_a_pool_counts_its_children():
    assert pool("ab").counts() == Counts(specs=2, active=2, supervisors=0, workers=2)


class Idle:
    """A child that needs no task."""

    def begin(self, life: object) -> None: ...
    def stop(self, life: object) -> None: ...
    def kill(self, life: object) -> None: ...


def test_a_passive_child_for_which_nobody_waits_runs_as_soon_as_it_is_started():
    bench = Bench.of(kind="pool", obedient=False)
    assert bench.post(ev.StartChild(0, Child("a", Idle()))) == ["start a1"]
    assert bench.states == {"a": "running"}


@pytest.mark.parametrize("ignored", [True, False])
def test_a_passive_child_that_was_never_up_is_forgotten(ignored):
    bench = Bench.of(kind="pool", obedient=False)
    bench.post(ev.StartChild(0, Child("a", Idle())))
    assert bench.fails("a", ignored=ignored) == ([] if ignored else ["report a1 starting crash"])
    assert bench.states == {}


def test_a_restart_of_a_passive_child_that_fails_is_tried_again_and_counted():
    bench = Bench.of([Child("a", Idle())], max_restarts=2)
    assert bench.ends("a") == ["report a1 running crash", "start a2"]
    assert bench.fails("a") == ["report a2 starting crash", "start a3"]
    assert bench.fails("a") == ["report a3 starting crash", "finish TreeGaveUp"]

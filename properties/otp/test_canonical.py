import pytest
from attrs import evolve

from properties.otp._canonical import canonical, differences
from properties.otp._planted import BUGS, by_heart, recordings, with_bug
from properties.otp._scenario import Crash, Scenario, SlowRestart, Stop, Supervisor
from properties.otp._trace import ALIVE, Event, Trace, TraceStep

pytestmark = pytest.mark.workshop


def pool(strategy, *steps):
    return Scenario(id="x", tags=(), tree=Supervisor(strategy=strategy), steps=steps)


def trace_of(*events):
    return Trace("x", (TraceStep("start", ["ok"], (), {}), TraceStep("crash", ["ok"], events, {})), ALIVE)


def test_a_trace_does_not_differ_from_itself():
    assert not any(differences(each.scenario, each.trace, each.trace) for each in recordings())


@pytest.mark.parametrize(("bug", "field"), BUGS, ids=lambda value: getattr(value, "__name__", value))
def test_each_kind_of_wrong_trace_is_caught_in_its_field(bug, field):
    known = recordings()[:200]
    engine = with_bug(by_heart(known), bug)
    found = [differences(each.scenario, each.trace, engine(each.scenario)) for each in known]
    assert field in {difference.field for some in found for difference in some}


def test_a_difference_names_the_step_its_op_and_both_sides():
    recording = next(each for each in recordings() if len(each.trace.steps) > 3)
    steps = list(recording.trace.steps)
    steps[2] = evolve(steps[2], result=["wrong"])
    (difference,) = differences(recording.scenario, recording.trace, evolve(recording.trace, steps=tuple(steps)))
    assert (difference.step, difference.op, difference.field) == (2, steps[2].op, "result")
    assert (difference.expected, difference.actual) == (recording.trace.steps[2].result, ["wrong"])


@pytest.mark.parametrize("strategy", ["dynamic", "simple_one_for_one"])
def test_the_order_in_which_a_pool_ends_is_open(strategy):
    first, second = Event("exit", "root/a", 1, "shutdown"), Event("exit", "root/b", 1, "shutdown")
    scenario = pool(strategy, Crash("root/z", "error"))
    assert not differences(scenario, trace_of(first, second), trace_of(second, first))


def test_the_order_in_which_a_static_supervisor_stops_its_children_is_not():
    first, second = Event("exit", "root/a", 1, "shutdown"), Event("exit", "root/b", 1, "shutdown")
    assert differences(pool("one_for_one", Crash("root/z", "error")), trace_of(first, second), trace_of(second, first))


def test_trees_below_a_pool_end_interleaved_but_each_in_its_own_order():
    ends = [Event("exit", path, 1, "shutdown") for path in ("root/a/y", "root/b/y", "root/b", "root/a/x", "root/a")]
    settled = [ends[0], ends[3], ends[4], ends[1], ends[2]]
    scenario = pool("dynamic", Crash("root/z", "error"))
    assert list(canonical(scenario, trace_of(*ends)).steps[1].events) == settled
    assert differences(scenario, trace_of(*ends), trace_of(*reversed(ends)))


def test_the_crash_that_a_step_asked_for_stays_before_what_it_caused():
    crashed, stopped = Event("exit", "root/b", 1, "error"), Event("exit", "root/a", 1, "shutdown")
    scenario = pool("dynamic", Crash("root/b", "error"))
    assert differences(scenario, trace_of(crashed, stopped), trace_of(stopped, crashed))


def test_an_engine_may_answer_in_tuples():
    assert TraceStep("start", ("ok", ("a", None)), [], {}).result == ["ok", ["a", None]]


def test_what_has_no_place_in_a_trace_is_refused():
    with pytest.raises(TypeError, match="has no place in a trace"):
        TraceStep("start", ["ok", object()], [], {})


def slow_restart(*, until_stop):
    step = SlowRestart("root/a", "error", "root/s/b", (Stop("root", "normal"),), "ready", until_stop=until_stop)
    return Scenario(id="x", tags=(), tree=Supervisor(strategy="one_for_all"), steps=(step,))


RAN = Event("exit", "root/a", 1, "error"), Event("start", "root/a", 2)
CAME_UP = Event("start", "root/s", 2), Event("start", "root/s/b", 2), Event("start", "root/z", 2)
WENT_DOWN = Event("exit", "root/z", 2, "shutdown"), Event("exit", "root/s/b", 2, "shutdown")
END = Event("exit", "root/a", 2, "shutdown"), Event("exit", "root", 1, "normal")


def test_where_a_step_says_so_what_comes_of_a_slow_start_that_a_stop_met_is_open():
    finished, given_up = trace_of(*RAN, *CAME_UP, *WENT_DOWN, *END), trace_of(*RAN, CAME_UP[0], *END)
    assert not differences(slow_restart(until_stop=True), finished, given_up)
    assert differences(slow_restart(until_stop=False), finished, given_up)


def test_how_that_ends_which_ran_when_the_stop_came_is_not():
    lives_on = trace_of(*RAN, *CAME_UP, *WENT_DOWN, END[1])
    assert differences(slow_restart(until_stop=True), trace_of(*RAN, *END), lives_on)
    assert differences(slow_restart(until_stop=True), trace_of(*RAN, *END), trace_of(*RAN, *END[::-1]))

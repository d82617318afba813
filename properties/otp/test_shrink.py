import pytest
from attrs import evolve

from properties.otp._compare import shrunk
from properties.otp._generate import scenario, scenarios
from properties.otp._oracle import open_oracle
from properties.otp._planted import forgets_a_restart, recordings, with_bug
from properties.otp._scenario import Advance, Batch, Crash, Scenario, Supervisor, Worker, items_of
from properties.otp._shrink import shrink, simpler, without_chunks

pytestmark = pytest.mark.workshop


def crashes(one):
    return [item for step in one.steps for item in items_of(step) if isinstance(item, Crash)]


def busy():
    return next(each for each in scenarios(0, 200) if len(crashes(each)) > 8 and each.tree.strategy == "one_for_all")


def test_a_scenario_shrinks_to_the_one_step_that_matters():
    target = crashes(busy())[5].target
    small = shrink(busy(), lambda one: any(crash.target == target for crash in crashes(one)))
    assert small.steps == (Crash(target, "error"),)
    assert small.tree == Supervisor(strategy="one_for_all", intensity=0, period=1, children=())


def test_children_and_fields_that_do_not_matter_go():
    def shows(one):
        return any(child.id == "b" and child.restart == "transient" for child in one.tree.children or ())

    kids = (Worker(id="a"), Worker(id="b", restart="transient", shutdown=20, fail_on=(2, 3)), Worker(id="c"))
    tree = Supervisor(strategy="rest_for_one", intensity=5, period=2, children=kids)
    small = shrink(Scenario(id="x", tags=(), tree=tree, steps=(Advance(3),), phase_ms=5), shows)
    left = Supervisor(strategy="rest_for_one", intensity=0, period=1, children=(Worker(id="b", restart="transient"),))
    assert small == Scenario(id="x", tags=(), tree=left, steps=())


def test_a_batch_of_one_becomes_its_item():
    batch = Batch("root", (Crash("root/a", "kill"), Crash("root/b", "kill")))
    tree = Supervisor(strategy="one_for_one")
    small = shrink(
        Scenario(id="x", tags=(), tree=tree, steps=(batch,)),
        lambda one: len(crashes(one)) == 1 or one.steps == (batch,),
    )
    assert small.steps == (Crash("root/a", "error"),)


def test_numbers_get_lower():
    tree = Supervisor(strategy="one_for_one", intensity=9)
    start = Scenario(id="x", tags=(), tree=tree, steps=(Advance(7321),))
    small = shrink(
        start,
        lambda one: (
            (one.tree.intensity or 0) >= 3 and any(isinstance(step, Advance) and step.ms >= 1000 for step in one.steps)
        ),
    )
    assert (small.tree.intensity, small.steps) == (3, (Advance(1000),))


def test_shrinking_is_deterministic_and_keeps_what_shows():
    def shows(one):
        return len(crashes(one)) >= 3

    assert shrink(busy(), shows) == shrink(busy(), shows)
    assert len(crashes(shrink(busy(), shows))) == 3


def test_no_more_tries_are_made_than_allowed():
    asked = []

    def shows(one):
        asked.append(one)
        return False

    shrink(busy(), shows, most_tries=20)
    assert len(asked) == 19


def test_a_child_that_ignores_its_stop_keeps_its_limit():
    child = Worker(id="a", on_shutdown="ignore", shutdown=20)
    tree = Supervisor(strategy="one_for_one", children=(child,))
    tried = [one.tree.children for one in simpler(Scenario(id="x", tags=(), tree=tree, steps=()))]
    assert (evolve(child, shutdown=None),) not in tried
    assert (evolve(child, on_shutdown=None),) in tried


def test_stretches_are_left_out_long_ones_first():
    assert list(without_chunks("abc")) == [(), ("a", "b"), ("a", "c"), ("b", "c")]


def test_every_simplification_of_a_recorded_scenario_is_another_scenario():
    for recording in recordings()[::60]:
        assert recording.scenario not in set(simpler(recording.scenario))


def test_a_planted_bug_of_an_engine_shrinks_to_three_steps_at_most(erl):
    with open_oracle() as oracle:
        engine = with_bug(oracle, forgets_a_restart)
        start = next(each for each in map(scenario, range(100)) if engine(each) != oracle(each) and len(each.steps) > 6)
        small = shrunk("planted", engine, oracle, start)
    assert small.differences[0].field == "events"
    assert len(small.recording.scenario.steps) <= 3

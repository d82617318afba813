from hashlib import sha256

import pytest

from properties.otp._canonical import differences
from properties.otp._codec import scenario_line
from properties.otp._generate import scenario, scenarios, slow_start
from properties.otp._oracle import run
from properties.otp._scenario import SlowRestart, Stop, Supervisor, supervisors

pytestmark = pytest.mark.workshop


def digest(first, count):
    lines = "\n".join(map(scenario_line, scenarios(first, count)))
    return sha256(lines.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("first", "golden"), [(0, "952c21521163feca"), (1_000, "58833ab498ff4311"), (123_456, "0c73f682672d901b")]
)
def test_scenarios_depend_on_nothing_but_their_seed(first, golden):
    assert digest(first, 100) == golden
    assert scenario_line(scenario(first + 7)) == scenario_line([*scenarios(first, 8)][-1])


def test_slow_starts_depend_on_nothing_but_their_seed_either():
    lines = "\n".join(map(scenario_line, scenarios(0, 100, slow_start)))
    assert sha256(lines.encode()).hexdigest()[:16] == "9f186aa6a51aba28"


def test_slow_starts_go_on_in_every_way_stopped_or_not():
    steps = [step for each in scenarios(0, 400, slow_start) for step in each.steps if isinstance(step, SlowRestart)]
    met = {(step.go_on, any(isinstance(item, Stop) for item in step.meanwhile)) for step in steps}
    ways = ("ready", "ignore", "error", "bad_return", "raise", "exit", "kill")
    assert met == {(how, stopped) for how in ways for stopped in (False, True)}


def depth_of(spec):
    return 1 + max(map(depth_of, spec.children or ()), default=0) if isinstance(spec, Supervisor) else 0


def test_trees_reach_five_levels_and_twelve_children_and_scripts_forty_steps():
    some = list(scenarios(0, 800))
    assert max(depth_of(each.tree) for each in some) == 5
    assert max(len(spec.children or ()) for each in some for _, spec in supervisors(each)) == 12
    assert max(len(each.steps) for each in some) == 40


def test_every_rule_is_aimed_at():
    tags = {tag for each in scenarios(0, 800) for tag in each.tags}
    assert tags == {
        "api", "auto_shutdown", "bad_spec", "batch", "deep", "escalation", "group", "ignore", "intensity", "large",
        "pool", "random", "restart_failure", "restarting", "start_failure", "stopping", "window",
    }  # fmt: skip


@pytest.mark.long
def test_erlang_does_the_same_twice_also_on_two_schedulers(erl):
    some = list(scenarios(50_000, 120))
    once, again = run(some), run(some, schedulers=2)
    assert [one.id for one, two, three in zip(some, once, again, strict=True) if differences(one, two, three)] == []

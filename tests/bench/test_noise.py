"""What has changed between two runs of the benchmarks, and what is noise."""

from itertools import product
from statistics import median

import pytest
from attrs import evolve

from jido_trio.bench._machine import this_machine
from jido_trio.bench._measure import Comparison, Measured, Ratio
from jido_trio.bench._noise import as_text, chance_of, changes
from jido_trio.bench._table import Run


def a_run(**ratios):
    """A run in which each benchmark had these ratios, round by round."""
    return Run(this_machine(), (0.0, 0.0), 7, False, tuple(comparison(name, each) for name, each in ratios.items()))


def comparison(name, ratios):
    ours = Measured("ours", "takes what it is told", median(ratios), None, None, min(ratios), 0.0, tuple(ratios))
    bare = Measured("bare", "takes one", 1.0, None, None, 1.0, 0.0, (1.0,) * len(ratios))
    ratio = Ratio("bare", median(ratios), min(ratios), max(ratios))
    return Comparison(name, name, "µs", 10, None, None, ours, (bare,), (ratio,))


def verdict(before, after):
    [change] = changes(a_run(call=before), a_run(call=after))
    return change.verdict


STEADY = [1.00, 1.01, 0.99, 1.02, 1.00, 0.98, 1.01]


def test_rounds_that_all_lie_higher_are_slower_and_the_other_way_round_faster():
    slow = [1.3 * ratio for ratio in STEADY]
    assert verdict(STEADY, slow) == "slower"
    assert verdict(slow, STEADY) == "faster"


def test_rounds_that_lie_among_each_other_are_noise():
    assert verdict([0.8, 1.4, 1.0, 0.9, 1.3, 1.1, 0.7], [0.9, 1.5, 1.2, 0.8, 1.4, 1.3, 0.9]) == "noise"


def test_a_change_that_is_certain_and_small_is_noise():
    assert verdict(STEADY, [ratio * 1.03 + 0.0001 for ratio in STEADY]) == "noise"


def test_of_two_rounds_nothing_can_be_said():
    assert verdict([1.0, 1.1], [2.0, 2.1]) == "too few rounds"


def test_the_same_figures_are_the_same():
    assert verdict([1.0, 1.0], [1.0, 1.0]) == "same"


def test_the_more_benchmarks_there_are_the_less_is_said_of_each():
    slow = [1.3 * ratio for ratio in STEADY[:6]]
    one, many = {"a": STEADY[:6]}, {f"b{number}": STEADY[:6] for number in range(30)}

    assert changes(a_run(**one), a_run(a=slow))[0].verdict == "slower"
    assert {change.verdict for change in changes(a_run(**many), a_run(**dict.fromkeys(many, slow)))} == {
        "too few rounds"
    }


def test_only_what_is_in_both_runs_is_compared():
    assert [change.name for change in changes(a_run(a=STEADY, b=STEADY), a_run(b=STEADY, c=STEADY))] == ["b"]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 4), (5, 5)])
def test_the_chance_of_a_rank_sum_is_counted_exactly(n, m):
    values = list(range(n + m))
    # All ways to deal the values to two samples, and how far apart each has them.
    deals = [deal for deal in product([True, False], repeat=n + m) if sum(deal) == n]
    apart = {deal: min(wrong := sum(a > b for a, b in product(*sides(values, deal))), n * m - wrong) for deal in deals}
    for deal in deals:
        as_far = sum(least <= apart[deal] for least in apart.values()) / len(deals)
        assert chance_of(*sides(values, deal)) == pytest.approx(as_far)


def sides(values, deal):
    return [v for v, mine in zip(values, deal, strict=True) if mine], [
        v for v, mine in zip(values, deal, strict=True) if not mine
    ]


def test_a_comparison_is_told_with_the_greatest_change_first_and_what_the_runs_differ_in():
    before, after = a_run(a=STEADY, b=STEADY), a_run(a=STEADY, b=[2 * ratio for ratio in STEADY])
    after = evolve(after, quick=True, cpu=True, machine=evolve(after.machine, cpu="another"))
    lines = as_text(before, after, changes(before, after)).splitlines()

    assert lines[0].startswith("before: ")
    assert "another" in lines[1]
    assert lines[2:4] == [
        "a run was quick: its figures mean little",
        "one run counts the processor's time, the other real time: they can't be compared",
    ]
    assert lines[5].split()[:6] == ["b", "bare", "1.00x", "2.00x", "+100.0%", "slower"]

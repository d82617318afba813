import pytest
from attrs import evolve

from benchmarks.before import ROOT, Figure, _calls, medians, table, table_of_calls

pytestmark = pytest.mark.workshop

CALL = Figure("call, one caller", 8.0, "reply", 1.0, 1.0)


def test_medians_are_taken_of_times_and_of_ratios_each_by_itself():
    turns = [{"call": evolve(CALL, time=time, ratio=ratio)} for time, ratio in ((9, 1.0), (8, 1.5), (30, 1.1))]
    assert medians(turns) == {"call": evolve(CALL, time=9, ratio=1.1)}


def test_the_table_says_how_the_ratios_have_changed_and_whether_what_must_be_is_reached():
    shown = table({"call": CALL}, {"call": evolve(CALL, time=6.0, ratio=0.75)}).splitlines()[2:]
    assert shown == ["| call, one caller | reply | 8.0 µs | 1.00x | 6.0 µs | 0.75x | 0.75 | 1x: reached |"]


def test_a_bound_that_is_missed_is_called_so_and_where_there_is_none_nothing_is_said():
    figures = {"call": evolve(CALL, ratio=1.2), "hop": evolve(CALL, must=None)}
    _, _, call, hop = table(figures, figures).splitlines()
    assert call.endswith("| 1.00 | 1x: missed |")
    assert hop.endswith("| 1.00 |  |")


def test_calls_of_functions_are_counted_with_the_package_of_a_checkout():
    calls = _calls(ROOT)
    assert table_of_calls(calls, calls).splitlines()[2].startswith("| call | ")
    assert [name for name, counts in calls.items() if not 10 < counts["Python"] < 1000] == []

"""The restarts that still count."""

import pytest

from jido_trio.supervision._window import Window


def filled(*times: float, max_restarts: int = 3, max_seconds: float = 5) -> Window:
    window = Window(max_restarts, max_seconds)
    for now in times:
        window = window.add(now)
    return window


def test_max_restarts_in_a_window_are_tolerated():
    assert not filled(0, 1, 2).exceeded


def test_one_more_is_too_much():
    assert filled(0, 1, 2, 3).exceeded


def test_a_restart_exactly_max_seconds_ago_still_counts():
    assert filled(0, 1, 2, 5).exceeded


def test_a_restart_longer_ago_does_not_count():
    assert not filled(0, 1, 2, 5.001).exceeded


def test_no_restart_is_tolerated_when_max_restarts_is_0():
    assert filled(0, max_restarts=0).exceeded


def test_restarts_that_have_left_the_window_are_forgotten():
    assert filled(0, 1, 2, 100).times == (100,)


def test_restarts_at_the_same_moment_all_count():
    assert filled(7, 7, 7).count == 3


@pytest.mark.parametrize(("now", "used"), [(2, 3), (5, 3), (5.5, 2), (7, 1), (7.5, 0)])
def test_used_tells_how_many_count_at_a_moment(now, used):
    assert filled(0, 1, 2).used(now) == used


def test_windows_with_the_same_restarts_are_equal_however_they_came_to_be():
    assert filled(0, 100, 101) == filled(100, 101)


def test_adding_leaves_the_window_it_was_added_to_alone():
    window = filled(0)
    window.add(1)
    assert window.times == (0,)

"""Planted races are found, made small, and found again by their script; what only looks like one is not."""

import logging

import pytest

from jido_trio.testing import simulate
from properties.races import CORRECT, RACES, Race, explored, table
from properties.races import Found as Row


def named(race: Race) -> str:
    return race.name


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.CRITICAL)


def test_there_are_races_of_many_kinds():
    assert len(RACES) >= 12
    assert len({race.name for race in (*RACES, *CORRECT)}) == len(RACES) + len(CORRECT)


@pytest.mark.parametrize("race", RACES, ids=named)
def test_a_race_is_found_and_its_script_finds_it_again(race):
    exploration = explored(race)

    assert exploration.failure is not None
    assert 1 < exploration.runs <= 1000
    again = simulate(race.app, script=exploration.script, kills=race.kills, faults=race.faults)
    assert type(again.error) is type(exploration.failure.error)
    assert again.log == exploration.failure.log
    assert simulate(race.app, script={}, kills=race.kills).error is None  # it takes the choices of the script


@pytest.mark.parametrize("race", CORRECT, ids=named)
def test_a_program_that_is_right_in_all_orders_is_run_in_all_of_them(race):
    exploration = explored(race)

    assert exploration.failure is None
    assert exploration.exhaustive


def test_a_table_tells_rates_and_runs():
    rows = [Row(RACES[0], 1, 4, 1, 0.5), Row(CORRECT[0], 0, 0, 0, 0, exhaustive=True)]

    assert "| lost update |" in table(rows)
    assert "| 100% | 4 | 1 | 50.0% |" in table(rows)
    assert "| 0% | all there are | | 0.0% |" in table(rows)

"""kill -9 of a request over HTTP, in small and here alone; and what goes wrong would be noticed."""

import sys

import pytest
from attrs import evolve

from properties.campaigns import _beside
from properties.campaigns._beside import Died, Swept, Trials
from properties.campaigns._provider import open_provider

RIGHT = Died("a tool begins", answered=True, starts=1, paid=2, looked=1, payments=1, refused=0)


@pytest.mark.long
@pytest.mark.seconds(120)
def test_killed_at_some_points_it_answers_and_nothing_is_done_twice(tmp_path):
    with (
        open_provider() as provider,
        _beside._program(sys.executable, "properties.campaigns._asks_by_jido_trio") as ours,
    ):
        deaths = list(_beside.deaths(Trials(ours, provider, tmp_path), share=5))
    assert len(deaths) > 8
    assert [died.wrong for died in deaths if died.wrong] == []


@pytest.mark.parametrize(
    ("died", "says"),
    [
        (evolve(RIGHT, answered=False, said="KeyError: 1"), "no answer after 1 starts: KeyError: 1"),
        (evolve(RIGHT, payments=2), "effects 2"),
        (evolve(RIGHT, refused=1), "refused 1"),
        (evolve(RIGHT, paid=4), "paid 4"),
    ],
)
def test_what_must_not_be_is_told(died, says):
    assert RIGHT.wrong is None
    assert says in (died.wrong or "")


def test_a_row_counts_over_all_points():
    swept = Swept("it", [RIGHT, evolve(RIGHT, paid=3), evolve(RIGHT, payments=0), evolve(RIGHT, payments=2, refused=2)])
    assert swept.row() == "| it | 4 | 4 | 1 | 1 | 1 | 2 |"
    assert list(swept.places()) == ["| it | a tool begins | 4 | 1 | 1 | 1 |"]

"""Real load, in small, and that planted faults are found. In full: `python -m properties.campaigns soak`."""

import pytest

from properties.campaigns._soak import growth, laws, soaked
from properties.campaigns._soak_plants import PLANTS

pytestmark = pytest.mark.workshop


def test_under_load_each_message_has_one_fate_and_the_ledgers_agree_with_who_counts_beside():
    run = soaked(1.5, 6000, 200)

    assert [(law, problem) for law, problem in laws(run) if problem is not None] == []
    done = run.told["done"]
    assert min(done["crashes"], done["kills"], done["stops"], done["floods"], run.sent) > 0


QUICK = ("lost", "doubled")
"""These are planted each time, the others in the long run: each takes its time in real seconds."""


@pytest.mark.parametrize(
    "plant", [pytest.param(plant, marks=[] if plant in QUICK else [pytest.mark.long]) for plant in PLANTS]
)
def test_a_planted_fault_is_found(plant):
    run = soaked(1.5, 6000, 100, plant=plant)

    assert run.errors == ""
    assert [law for law, problem in laws(run) if problem is not None] != []


def test_a_program_that_fails_is_told_of():
    [(law, problem)] = laws(soaked(1, 1, 1, plant="unheard of"))

    assert law == "the program came to its end"
    assert "KeyError" in str(problem)


@pytest.mark.parametrize(
    ("memory", "grows"),
    [
        ([50_000_000] * 60, False),
        ([50_000_000 + 100_000 * (second % 7) for second in range(60)], False),
        ([min(50_000_000, 5_000_000 * second) for second in range(60)], False),
        ([50_000_000 + 500_000 * second for second in range(60)], True),
        ([50_000_000, 90_000_000], False),
    ],
    ids=["flat", "up and down", "warming up", "growing", "too few to tell"],
)
def test_memory_that_grows_after_the_warm_up_is_told_of(memory, grows):
    assert (growth(memory) is not None) == grows

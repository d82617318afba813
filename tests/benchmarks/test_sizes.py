"""The benchmark over sizes runs, and has a row for each kind of change."""

import pytest

from benchmarks import sizes
from benchmarks.sizes import costs, main

pytestmark = pytest.mark.workshop


@pytest.fixture(autouse=True)
def one_round(monkeypatch):
    monkeypatch.setattr(sizes, "ROUNDS", 1)


def test_every_kind_of_change_has_a_cost():
    assert all(micros >= 0 for micros in costs(3).values())


def test_it_prints_a_column_for_each_size(capsys):
    main(["2", "1,000"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["entries", "2", "1,000"]
    assert len(lines) == 9

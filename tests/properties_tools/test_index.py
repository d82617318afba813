"""The index of laws is that of the tests that there are, and the campaign of laws tells what it did."""

import pytest

from properties.campaigns import _laws
from properties.index import BEGIN, PAGE, index

pytestmark = pytest.mark.workshop


def test_the_page_names_no_law_that_there_is_not():
    kept = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].splitlines()
    assert set(kept) <= set(index().splitlines()), "python -m properties.index"
    assert len(kept) > 150


def test_the_index_names_tests_invariants_and_machines():
    for name in ("Programs.laws_hold", "TestSupervisor", "test_random_programs"):
        assert f"`{name}`" in index()


@pytest.mark.long
def test_a_campaign_of_laws_runs_a_file_with_other_seeds_and_writes_a_report(tmp_path):
    report = tmp_path / "laws.md"
    met = _laws.campaign(1, report, only="slots", profile="default")
    assert next(met) == ("test_slots with seed 1", None)
    assert report.read_text().startswith("# Laws\n\n1 runs, 0 failed.")


def test_a_report_shows_what_failed():
    failed = _laws.Round("test_x", 3, 1.5, "1 failed", "E  assert 1 == 2")
    assert "2 runs, 1 failed" in _laws.told([_laws.Round("test_y", 3, 1, "1 passed"), failed])
    assert "## test_x, seed 3\n\n```\nE  assert 1 == 2\n```" in _laws.told([failed])


def test_a_campaign_whose_time_is_over_ends(tmp_path):
    assert list(_laws.campaign(0, tmp_path / "laws.md")) == []

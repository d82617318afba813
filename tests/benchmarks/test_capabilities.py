"""The table of what unused capabilities cost; never how much it is."""

import pytest

from benchmarks.capabilities import PATHS, table

pytestmark = pytest.mark.workshop


def test_each_path_stands_in_the_table_with_what_has_changed():
    before = dict.fromkeys(PATHS, (100, 2.0))
    lines = table(before, before | {"call": (110, 2.5)}).splitlines()

    assert len(lines) == 2 + len(PATHS)
    assert lines[2] == "| `cmd` with an action | 100 | 100 | the same | 2.00 | 2.00 |"
    assert lines[4] == "| a call of an agent that waits for it | 100 | 110 | +10.0% | 2.00 | 2.50 |"

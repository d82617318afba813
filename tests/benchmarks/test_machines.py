"""The benchmark of machines runs, and has a row for each."""

import logging

import pytest

from benchmarks.machines import MACHINES, main

pytestmark = pytest.mark.workshop


def test_each_machine_has_a_row_beside_one_that_does_nothing(capsys):
    try:
        main(["3"], rounds=1, examples=2)
    finally:
        logging.disable(logging.NOTSET)
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:3] == ["ms", "an", "example"]
    assert [row[:30].rstrip() for row in rows] == list(MACHINES)
    assert "1.0x" in rows[0]

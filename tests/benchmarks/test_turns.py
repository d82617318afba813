"""The benchmark of turns runs, and has rows for each way; the figures are its own business."""

import sys

import pytest

from benchmarks import turns
from benchmarks._outside import output

pytestmark = [pytest.mark.long, pytest.mark.seconds(120)]  # it is a program with a server, and real requests


def test_it_prints_a_row_for_each_way_and_for_others_with_and_without_those_that_stall():
    command = [sys.executable, "-m", "benchmarks.turns", "--rounds", "1", "--turns", "2", "--stalled", "3"]
    rows = [line.split(" | ")[0] for line in output(command).splitlines() if " ms |" in line]
    assert rows == [*(f"| {way.name}" for way in (*turns.WAYS, *turns.ALL_WAYS)), "| 0", "| 3"]

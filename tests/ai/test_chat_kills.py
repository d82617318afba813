"""A program that speaks with a model is killed with -9, and goes on when it is started again."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("chat_program.py")
POINTS = 41


def ran(folder, at):
    return subprocess.run(
        [sys.executable, PROGRAM, folder, str(at)], capture_output=True, text=True, timeout=60, check=False
    )


def _each(at):
    return pytest.param(at, marks=[] if at == 9 else [pytest.mark.long])


def test_there_are_no_more_points_than_are_tried(tmp_path):
    assert ran(tmp_path, 0).stdout == f"done {POINTS}\n"


@pytest.mark.parametrize("at", [_each(at) for at in range(1, POINTS + 1)])
def test_killed_at_any_point_it_answers_and_nothing_was_done_twice(tmp_path, at):
    killed = ran(tmp_path, at)
    assert killed.returncode == -9
    again = ran(tmp_path, 0)
    assert again.stdout.startswith("done"), again.stderr
    counts = Counter((tmp_path / "notes").read_text().splitlines())
    assert not [line for line in counts if line.startswith("INVALID")]
    assert counts["pay"] <= 1
    requests = sum(count for line, count in counts.items() if line.startswith("request"))
    assert requests <= 3

"""A program that speaks with a model over HTTP is killed with -9; llmock counts what it asks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.judges

PROGRAM = Path(__file__).parents[1] / "chat_program.py"


@pytest.fixture
def ran(judge, tmp_path):
    """Run the program, to be killed at a point; 0 is none."""

    def ran(at):
        environment = {**os.environ, "PROVIDER_URL": judge.base_url("openai")}
        return subprocess.run(
            [sys.executable, PROGRAM, tmp_path, str(at)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment,
        )

    return ran


def effects(folder):
    notes = folder / "notes"
    return notes.read_text().splitlines().count("pay") if notes.exists() else 0


def test_it_takes_two_requests(judge, ran, tmp_path):
    points = int(ran(0).stdout.split()[-1])
    assert points > 25
    assert (len(judge.requests), effects(tmp_path)) == (2, 1)


@pytest.mark.parametrize("at", range(4, 27, 7))
def test_killed_at_a_point_it_answers_and_pays_once_more_at_most(judge, ran, tmp_path, at):
    assert ran(at).returncode == -9
    before = len(judge.requests)
    again = ran(0)
    assert again.stdout, again.stderr
    assert before <= 2
    assert len(judge.requests) <= 3
    assert effects(tmp_path) <= 1
    judge.assert_resilient()

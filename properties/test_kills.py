"""kill -9, in small, and that planted faults are found. In full: `python -m properties.campaigns kills`.

In processes of their own: what forks must have no threads.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from properties.campaigns._plants import PLANTS
from tests.storage.postgres import program

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed and forked as POSIX has it")


def output(*args: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", *args], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_kill_9_loses_nothing_that_was_acknowledged_and_has_nothing_handled_twice():
    assert "kills: 3 places\n0 went wrong" in output("properties.campaigns", "kills", "--share", "33")


@pytest.mark.skipif(program("initdb") is None, reason="no PostgreSQL is installed here")
def test_kill_9_loses_nothing_on_postgres_either():
    assert "kills-postgres: 2 places\n0 went wrong" in output("properties.campaigns", "kills-postgres", "--share", "50")


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_fault_is_found(plant):
    assert output("properties.campaigns._kills", plant).strip() not in ("", "None")

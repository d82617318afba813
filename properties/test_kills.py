"""kill -9, in small, and that planted faults are found. In full: `python -m properties.campaigns kills`.

In processes of their own: what forks must have no threads.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from properties.campaigns._kill_points import FAMILIES
from properties.campaigns._plants import PLANTS

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="processes are killed and forked as POSIX has it"),
    pytest.mark.seconds(120),
]


def output(*args: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", *args], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def divided(families: Sequence[str], part: int) -> list[Any]:
    """Each second of the families is for every run, the others are for the long one: the other storage has those."""
    return [
        pytest.param(family, marks=[] if at % 2 == part else [pytest.mark.long]) for at, family in enumerate(families)
    ]


@pytest.mark.parametrize("family", divided(list(FAMILIES), 0))
def test_kill_9_loses_nothing_that_was_acknowledged_and_has_nothing_handled_twice(family):
    told = output("properties.campaigns", f"kills-{family}", "--share", "40")
    assert "\n0 went wrong" in told
    assert int(told.partition(" deaths:")[0].split()[-1]) >= 25


def test_there_are_planted_faults_enough():
    assert len(PLANTS) >= 25


@pytest.mark.parametrize(
    "plant", [pytest.param(plant, marks=[] if at % 9 == 0 else [pytest.mark.long]) for at, plant in enumerate(PLANTS)]
)
def test_a_planted_fault_is_found(plant):
    assert output("properties.campaigns._kills", plant).strip() not in ("", "None")

"""kill -9, in small, and that planted faults are found. In full: `python -m properties.campaigns kills`.

In processes of their own: what forks must have no threads.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from properties.campaigns._kill_points import FAMILIES
from properties.campaigns._plants import PLANTS

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="processes are killed and forked as POSIX has it"),
    pytest.mark.seconds(300),
]


def output(*args: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", *args], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@cache
def told(*campaigns: str) -> str:
    """What campaigns tell, a small part of each: one process for all, and whose test comes first waits for it."""
    return output("properties.campaigns", *campaigns, "--share", "160")


def deaths(campaign: str, among: Sequence[str]) -> int:
    """How many deaths a campaign tells of, of several that ran and in which nothing went wrong."""
    all_of_them = told(*among)
    assert "\n0 went wrong" in all_of_them
    _, _, its_own = all_of_them.partition(f"{campaign}: ")
    return int(its_own.partition(" deaths:")[0].split()[-1])


def divided(campaigns: Sequence[str], part: int) -> list[Any]:
    """Each second of the campaigns is for every run, the others are for the long one: the other storage has those."""
    now, later = campaigns[part::2], campaigns[1 - part :: 2]
    return [
        *(pytest.param(each, now, id=each) for each in now),
        *(pytest.param(each, later, id=each, marks=pytest.mark.long) for each in later),
    ]


@pytest.mark.parametrize(("campaign", "among"), divided([f"kills-{family}" for family in FAMILIES], 0))
def test_kill_9_loses_nothing_that_was_acknowledged_and_has_nothing_handled_twice(campaign, among):
    assert deaths(campaign, among) >= 6


def test_there_are_planted_faults_enough():
    assert len(PLANTS) >= 25


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(plant, marks=pytest.mark.workshop if at % 9 == 0 else pytest.mark.long)
        for at, plant in enumerate(PLANTS)
    ],
)
def test_a_planted_fault_is_found(plant):
    assert output("properties.campaigns._kills", plant).strip() not in ("", "None")

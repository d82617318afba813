"""Our engines do what Erlang/OTP does: on every recording, and on scenarios that are new each release."""

import pytest

from properties.otp._codec import Recording, read_recordings
from properties.otp._compare import mismatch
from properties.otp._engines import ENGINES
from properties.otp._generate import scenarios
from properties.otp._oracle import run
from properties.otp._planted import BROAD, DEEP, EDGES
from properties.otp._show import show_mismatch

OURS = [name for name in ENGINES if name != "erl"]


def hold(name, recordings):
    """Replay the recordings on the engine of that name, and fail with what differs, told for people."""
    with ENGINES[name]() as engine:
        found = [each for recording in recordings if (each := mismatch(name, engine, recording))]
    assert not found, f"{len(found)} differ; the first:\n{show_mismatch(found[0])}"


def live(first, count):
    """Ask the installed Erlang/OTP about the scenarios of so many seeds."""
    fresh = list(scenarios(first, count))
    return [Recording(scenario, trace) for scenario, trace in zip(fresh, run(fresh), strict=True)]


@pytest.fixture(scope="module")
def fresh(erl):
    return live(10_000, 200)


@pytest.fixture(scope="module")
def campaign(erl):
    return live(20_000, 2_000)


def test_ours_are_the_reducer_and_the_trio_supervisor():
    assert OURS == ["reducer", "trio"]


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("path", [BROAD, DEEP, EDGES], ids=["broad", "deep", "edges"])
def test_the_engine_does_what_was_recorded(path, name):
    hold(name, read_recordings(path))


@pytest.mark.parametrize("name", OURS)
def test_the_engine_does_what_erlang_does_with_new_scenarios(name, fresh):
    hold(name, fresh)


@pytest.mark.long
@pytest.mark.parametrize("name", OURS)
def test_the_engine_does_what_erlang_does_with_very_many(name, campaign):
    hold(name, campaign)

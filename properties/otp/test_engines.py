"""Our engines do what Erlang/OTP does: on every recording, and on scenarios that are new each release."""

import pytest

from jido_trio.supervision import _decide, _events
from properties.otp._codec import Recording, read_recordings
from properties.otp._compare import mismatch
from properties.otp._engines import ENGINES
from properties.otp._generate import scenario, scenarios, slow_start
from properties.otp._oracle import run
from properties.otp._planted import BROAD, DEEP, EDGES, SLOW_STARTS
from properties.otp._show import show_mismatch

OURS = [name for name in ENGINES if name != "erl"]


def hold(name, recordings):
    """Replay the recordings on the engine of that name, and fail with what differs, told for people."""
    with ENGINES[name]() as engine:
        found = [each for recording in recordings if (each := mismatch(name, engine, recording))]
    assert not found, f"{len(found)} differ; the first:\n{show_mismatch(found[0])}"


def live(first, count, of=scenario):
    """Ask the installed Erlang/OTP about the scenarios of so many seeds."""
    fresh = list(scenarios(first, count, of))
    return [Recording(one, trace) for one, trace in zip(fresh, run(fresh), strict=True)]


@pytest.fixture(scope="module")
def fresh(erl):
    return live(10_000, 100)


@pytest.fixture(scope="module")
def fresh_slow_starts(erl):
    return live(10_000, 30, slow_start)


@pytest.fixture(scope="module")
def campaign(erl):
    return [*live(20_000, 2_000), *live(20_000, 1_000, slow_start)]


def test_ours_are_the_reducer_and_the_trio_supervisor():
    assert OURS == ["reducer", "trio"]


SHARE = 8
"""Of the recordings that take long one in so many is replayed each time, of the long campaign all ..."""
SHARE_OF_SLOW_STARTS = 4
"""... and of these more, so that a rule about them that is broken is found."""

RECORDED = {
    "broad-reducer": (BROAD, 1),
    "broad-trio": (BROAD, SHARE),
    "deep-reducer": (DEEP, 1),
    "deep-trio": (DEEP, SHARE),
    "edges-reducer": (EDGES, 1),
    "edges-trio": (EDGES, 1),
    "slow starts-reducer": (SLOW_STARTS, SHARE_OF_SLOW_STARTS),
    "slow starts-trio": (SLOW_STARTS, SHARE_OF_SLOW_STARTS),
}


@pytest.mark.parametrize("which", RECORDED)
def test_the_engine_does_what_was_recorded(which):
    path, share = RECORDED[which]
    hold(which.rpartition("-")[2], list(read_recordings(path))[::share])


@pytest.mark.long
@pytest.mark.parametrize("which", [which for which, (_, share) in RECORDED.items() if share > 1])
def test_the_engine_does_all_that_was_recorded(which):
    hold(which.rpartition("-")[2], read_recordings(RECORDED[which][0]))


@pytest.mark.parametrize(
    ("event", "unguarded"),
    [(_events.ChildStarted, _decide._on_start), (_events.ChildStartFailed, _decide._on_start_failed)],
    ids=["ready", "failed"],
)
def test_a_start_that_moves_a_stop_on_is_found_within_the_share(event, unguarded, monkeypatch):
    at_the_end = {**_decide._AT_THE_END, event: unguarded}
    monkeypatch.setattr(_decide, "_DECISIONS", {**_decide._DECISIONS, "ending": at_the_end})
    with ENGINES["reducer"]() as engine:
        share = list(read_recordings(SLOW_STARTS))[::SHARE_OF_SLOW_STARTS]
        assert sum(mismatch("reducer", engine, recording) is not None for recording in share) > 3


@pytest.mark.parametrize("name", OURS)
def test_the_engine_does_what_erlang_does_with_new_scenarios(name, fresh):
    hold(name, fresh)


@pytest.mark.parametrize("name", OURS)
def test_the_engine_does_what_erlang_does_with_new_slow_starts(name, fresh_slow_starts):
    hold(name, fresh_slow_starts)


@pytest.mark.long
@pytest.mark.parametrize("name", OURS)
def test_the_engine_does_what_erlang_does_with_very_many(name, campaign):
    hold(name, campaign)

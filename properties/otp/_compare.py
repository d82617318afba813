"""Replaying scenarios on an engine, and holding the result against Erlang's."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from properties.otp._canonical import Difference, differences
from properties.otp._codec import Recording
from properties.otp._engine import Engine
from properties.otp._scenario import Scenario
from properties.otp._shrink import shrink


@frozen
class Mismatch:
    """A scenario on which an engine and a real Erlang/OTP disagree."""

    engine: str
    recording: Recording
    differences: tuple[Difference, ...]


def compare(engine: Engine, recording: Recording) -> tuple[Difference, ...]:
    """Return where the engine differs from the recording; an engine that raises differs as a whole."""
    try:
        actual = engine(recording.scenario)
    except Exception as error:  # noqa: BLE001 - whatever breaks an engine is a finding, to be reported and shrunk
        return (Difference(0, "engine", "raised", "a trace", f"{type(error).__name__}: {error}"),)
    return differences(recording.scenario, recording.trace, actual)


def mismatch(name: str, engine: Engine, recording: Recording) -> Mismatch | None:
    """Return how the engine called `name` differs from the recording, if it does."""
    found = compare(engine, recording)
    return Mismatch(name, recording, found) if found else None


def shrunk(name: str, engine: Engine, oracle: Engine, scenario: Scenario) -> Mismatch:
    """Return the smallest mismatch that the scenario's boils down to, asking Erlang anew at every try."""

    def recorded(smaller: Scenario) -> Recording:
        return Recording(smaller, oracle(smaller))

    smallest = shrink(scenario, _disagree(engine, recorded))
    recording = recorded(smallest)
    return Mismatch(name, recording, compare(engine, recording))


def _disagree(engine: Engine, recorded: Callable[[Scenario], Recording]) -> Callable[[Scenario], bool]:
    return lambda scenario: bool(compare(engine, recorded(scenario)))

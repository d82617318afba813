"""Engines with a planted bug, and one without: to show that each bug is caught, named and shrunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from attrs import evolve

from properties.otp._codec import Recording, read_recordings
from properties.otp._engine import Engine
from properties.otp._scenario import Scenario
from properties.otp._trace import Event, Final, Trace

CORPUS = Path(__file__).with_name("corpus")
BROAD, DEEP, EDGES = CORPUS / "broad.jsonl", CORPUS / "deep.jsonl", CORPUS / "edges.jsonl"
SLOW_STARTS = CORPUS / "slow_starts.jsonl"


@cache
def recordings() -> list[Recording]:
    """Return every recording of the corpus."""
    return [each for path in (BROAD, DEEP, EDGES, SLOW_STARTS) for each in read_recordings(path)]


def by_heart(known: Iterable[Recording]) -> Engine:
    """Return an engine that knows the recordings by heart, and nothing else."""
    traces = {recording.scenario: recording.trace for recording in known}
    return traces.__getitem__


def with_bug(engine: Engine, bug: Callable[[Trace], Trace]) -> Engine:
    """Return the engine with a bug in what it tells."""

    def broken(scenario: Scenario, /) -> Trace:
        return bug(engine(scenario))

    return broken


def forgets_a_restart(trace: Trace) -> Trace:
    """The bug: no process is ever started a third time."""
    steps = (evolve(step, events=[event for event in step.events if not _third(event)]) for step in trace.steps)
    return evolve(trace, steps=tuple(steps))


def _third(event: Event) -> bool:
    return event.what == "start" and event.n == 3


def swaps_events(trace: Trace) -> Trace:
    """The bug: the last two events of each step are told in the wrong order."""
    steps = (evolve(step, events=(*step.events[:-2], *step.events[-2:][::-1])) for step in trace.steps)
    return evolve(trace, steps=tuple(steps))


def wrong_class(trace: Trace) -> Trace:
    """The bug: whoever was killed is said to have been shut down."""
    steps = (
        evolve(
            step,
            events=[
                evolve(each, exit_class="shutdown") if each.exit_class == "killed" else each for each in step.events
            ],
        )
        for step in trace.steps
    )
    return evolve(trace, steps=tuple(steps))


def wrong_answers(trace: Trace) -> Trace:
    """The bug: every step answers ok."""
    return evolve(trace, steps=tuple(evolve(step, result=["ok"]) for step in trace.steps))


def loses_rows(trace: Trace) -> Trace:
    """The bug: the last child of each supervisor is left out of the state."""
    steps = (evolve(step, state={path: rows[:-1] for path, rows in step.state.items()}) for step in trace.steps)
    return evolve(trace, steps=tuple(steps))


def stops_early(trace: Trace) -> Trace:
    """The bug: the last step is missing."""
    return evolve(trace, steps=trace.steps[:-1])


def never_dies(trace: Trace) -> Trace:
    """The bug: every tree is said to live."""
    return evolve(trace, final=Final("alive"))


BUGS: tuple[tuple[Callable[[Trace], Trace], str], ...] = (
    (forgets_a_restart, "events"),
    (swaps_events, "events"),
    (wrong_class, "events"),
    (wrong_answers, "result"),
    (loses_rows, "state"),
    (stops_early, "steps"),
    (never_dies, "final"),
)
"""Each bug, and the field in which it must be seen."""

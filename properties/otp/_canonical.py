"""What of a trace is significant, and where two traces differ.

OTP leaves one thing open: the order in which the children of one pool end when they are stopped together. Whatever
stands below such a child (a whole tree, where the child is a supervisor) keeps its own order, but two of these trees
end interleaved, as the scheduler likes. Everything else is significant, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from attrs import evolve, frozen

from properties.otp._scenario import POOLS, Crash, Scenario, Step, items_of, supervisors
from properties.otp._trace import Event, Trace, TraceStep

COMPARED = ("result", "events", "state")


@frozen
class Difference:
    """One place where two traces of a scenario disagree."""

    step: int  # 0 is the start of the tree
    op: str
    field: str
    expected: object
    actual: object


def differences(scenario: Scenario, expected: Trace, actual: Trace) -> tuple[Difference, ...]:
    """Return every significant difference, in the order of the steps."""
    want, have = canonical(scenario, expected), canonical(scenario, actual)
    found = [
        Difference(at, one.op, field, getattr(one, field), getattr(other, field))
        for at, (one, other) in enumerate(zip(want.steps, have.steps, strict=False))
        for field in COMPARED
        if getattr(one, field) != getattr(other, field)
    ]
    end = min(len(want.steps), len(have.steps))
    if len(want.steps) != len(have.steps):
        found.append(Difference(end, "end", "steps", len(want.steps), len(have.steps)))
    if want.final != have.final:
        found.append(Difference(end, "end", "final", want.final, have.final))
    return tuple(found)


def canonical(scenario: Scenario, trace: Trace) -> Trace:
    """Return the trace with what OTP leaves open brought into one order."""
    # Outer pools first: they bring together what their inner ones then sort.
    pools = sorted({path for path, spec in supervisors(scenario) if spec.strategy in POOLS}, key=lambda p: p.count("/"))
    if not pools:
        return trace
    done: Sequence[Step | None] = (None, *scenario.steps)
    steps = [_settle(got, pools, step) for step, got in zip(done, trace.steps, strict=False)]
    return evolve(trace, steps=(*steps, *trace.steps[len(steps) :]))


def _settle(got: TraceStep, pools: Iterable[str], step: Step | None) -> TraceStep:
    events = list(got.events)
    pinned = _asked_for(events, step)
    for pool in pools:
        events = list(_sorted_within(pool, events, pinned))
    return evolve(got, events=tuple(events))


def _asked_for(events: Iterable[Event], step: Step | None) -> frozenset[Event]:
    """The exits that the step itself demanded: these came first, and stay where they are."""
    targets = {item.target for item in items_of(step) if isinstance(item, Crash)} if step else set()
    first: dict[str, Event] = {}
    for event in events:
        if event.what == "exit" and event.path in targets:
            first.setdefault(event.path, event)
    return frozenset(first.values())


def _sorted_within(pool: str, events: Iterable[Event], pinned: frozenset[Event]) -> Iterator[Event]:
    below = f"{pool}/"

    def is_open(event: Event) -> bool:
        return event.what == "exit" and event.path.startswith(below) and event not in pinned

    def child_of_pool(event: Event) -> str:
        return event.path[len(below) :].partition("/")[0]

    for is_run, run in groupby(events, is_open):
        ends = list(run)
        yield from sorted(ends, key=child_of_pool) if is_run else ends

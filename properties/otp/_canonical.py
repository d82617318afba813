"""What of a trace is significant, and where two traces differ.

A supervisor of ours that is asked to stop during a slow start begins to at once; OTP's finishes that start first, and
what belongs to it. Where a step says so (`until_stop`), what comes of that start is left out, on both sides: the slow
child, the supervisor that was being started with it, all below that, and whatever is started later. What ran when the
stop came is compared, in order, as are the answers and what is left.

OTP leaves one thing open: the order in which the children of one pool end when they are stopped together. Whatever
stands below such a child (a whole tree, where the child is a supervisor) keeps its own order, but two of these trees
end interleaved, as the scheduler likes. Everything else is significant, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from attrs import evolve, frozen

from properties.otp._scenario import POOLS, Crash, Scenario, SlowRestart, Step, items_of, supervisors
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
    if not pools and not any(isinstance(step, SlowRestart) for step in scenario.steps):
        return trace
    done: Sequence[Step | None] = (None, *scenario.steps)
    steps = [_settle(got, pools, step) for step, got in zip(done, trace.steps, strict=False)]
    return evolve(trace, steps=(*steps, *trace.steps[len(steps) :]))


def _settle(got: TraceStep, pools: Iterable[str], step: Step | None) -> TraceStep:
    events = list(got.events)
    if isinstance(step, SlowRestart) and step.until_stop:
        events = [event for event in events if (event.path, event.n) not in _of_slow_start(events, step.held)]
    pinned = _asked_for(events, step)
    for pool in pools:
        events = list(_sorted_within(pool, events, pinned))
    return evolve(got, events=tuple(events))


def _of_slow_start(events: Sequence[Event], held: str) -> set[tuple[str, int]]:
    """The processes that the slow start was to give, or that came after it."""
    begun = [event for event in events if event.what != "exit"]
    at = next((at for at, event in enumerate(begun) if event.path == held), len(begun))
    above = next((event.path for event in begun[:at] if held.startswith(f"{event.path}/")), held)
    with_it = (event for event in begun[:at] if f"{event.path}/".startswith(f"{above}/"))
    return {(event.path, event.n) for event in (*with_it, *begun[at:])}


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

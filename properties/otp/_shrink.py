"""The smallest scenario that still shows what a bigger one showed.

Greedy and deterministic: try the smaller scenarios one after the other, boldest first; go on from the first that still
shows it; stop when none does. Every try asks the engines, so tries that were asked before are not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve, fields

from properties.otp._codec import scenario_line
from properties.otp._scenario import (
    Advance,
    Batch,
    Child,
    Crash,
    Item,
    Scenario,
    SlowRestart,
    StartChild,
    Step,
    Stop,
    Supervisor,
    Worker,
)

T = TypeVar("T")

STRUCTURE = frozenset({"id", "strategy", "children", "template"})
SIMPLEST: Mapping[str, tuple[object, ...]] = {"intensity": (0, 1), "period": (1, 5)}
"""What to try for a field, simplest first; any other is tried without a value, so that OTP's default applies."""


def shrink(scenario: Scenario, shows: Callable[[Scenario], bool], *, most_tries: int = 2_000) -> Scenario:
    """Return a smallest scenario for which `shows` still holds, as it must for `scenario`."""
    tried = {scenario_line(scenario)}
    smallest = scenario
    while len(tried) < most_tries:
        better = next(_still_showing(smallest, shows, tried, most_tries), None)
        if better is None:
            break
        smallest = better
    return smallest


def _still_showing(
    scenario: Scenario, shows: Callable[[Scenario], bool], tried: set[str], most_tries: int
) -> Iterator[Scenario]:
    for smaller in simpler(scenario):
        line = scenario_line(smaller)
        if line in tried:
            continue
        if len(tried) >= most_tries:
            return
        tried.add(line)
        if shows(smaller):
            yield smaller


def simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Yield the scenarios one simplification away, boldest first."""
    for steps in without_chunks(scenario.steps):
        yield evolve(scenario, steps=steps)
    for tree in _simpler_spec(scenario.tree):
        if isinstance(tree, Supervisor):
            yield evolve(scenario, tree=tree)
    for at, step in enumerate(scenario.steps):
        for less in _simpler_step(step):
            yield evolve(scenario, steps=(*scenario.steps[:at], less, *scenario.steps[at + 1 :]))
    if scenario.phase_ms:
        yield evolve(scenario, phase_ms=0)


def without_chunks(values: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Yield `values` without a stretch: the long stretches first, the last ones first."""
    size = len(values)
    while size:
        for start in range(len(values) - size, -1, -size):
            yield (*values[:start], *values[start + size :])
        size //= 2


def _simpler_step(step: Step) -> Iterator[Step]:
    match step:
        case Batch():
            yield from _simpler_batch(step)
        case SlowRestart(meanwhile=meanwhile):
            for fewer in without_chunks(meanwhile):
                yield evolve(step, meanwhile=fewer)
        case StartChild():
            for child in _simpler_spec(step.child):
                yield evolve(step, child=child)
        case Crash() | Stop() if step.reason != "error":
            yield evolve(step, reason="error")
        case Advance():
            for ms in _lower(step.ms):
                yield Advance(ms)
        case _:
            return


def _simpler_batch(batch: Batch) -> Iterator[Step]:
    if len(batch.items) == 1:
        yield batch.items[0]
    for items in without_chunks(batch.items):
        if items:
            yield evolve(batch, items=items)
    for at, item in enumerate(batch.items):
        for less in _simpler_step(item):
            if isinstance(less, Item):
                yield evolve(batch, items=(*batch.items[:at], less, *batch.items[at + 1 :]))


def _simpler_spec(spec: Child) -> Iterator[Child]:
    """Yield the spec without some children, then with one field simpler, then with one child simpler."""
    if isinstance(spec, Supervisor) and spec.children:
        for children in without_chunks(spec.children):
            yield evolve(spec, children=children)
    yield from _simpler_fields(spec)
    if isinstance(spec, Supervisor):
        if spec.template is not None:
            for template in _simpler_fields(spec.template):
                if isinstance(template, Worker):
                    yield evolve(spec, template=template)
        children = spec.children or ()
        for at, child in enumerate(children):
            for less in _simpler_spec(child):
                yield evolve(spec, children=(*children[:at], less, *children[at + 1 :]))


def _simpler_fields(spec: Child) -> Iterator[Child]:
    for name in (at.name for at in fields(type(spec)) if at.name not in STRUCTURE):
        if name == "shutdown" and isinstance(spec, Worker) and spec.on_shutdown == "ignore":
            continue  # its short limit is all that ever ends it
        for value in _simpler_values(name, getattr(spec, name)):
            said: dict[str, Any] = {name: value}
            yield evolve(spec, **said)


def _simpler_values(name: str, value: object) -> Iterator[object]:
    options = SIMPLEST.get(name, (None,))
    yield from options[: options.index(value)] if value in options else options
    if isinstance(value, tuple):
        yield from (fewer for fewer in without_chunks(value) if fewer)
    elif isinstance(value, int) and name in SIMPLEST:
        yield from _lower(value)


def _lower(number: int) -> Iterator[int]:
    for less in (number // 1000 * 1000, number // 2, number - 1):
        if 0 < less < number:
            yield less

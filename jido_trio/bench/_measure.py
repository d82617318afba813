"""Contenders take turns, in rounds, in one process. The medians of the rounds are compared.

Before each turn garbage is collected; during it the collector is on. The first tenth of a turn warms up and is
dropped, and so is a short round before the first. A ratio is taken within each round, so a machine that is slower for
a while slows both sides. The ratio that is printed is the median of these.
"""

import gc
from collections.abc import Callable, Sequence
from statistics import median

from attrs import frozen

from jido_trio.bench._stopwatch import percentile


@frozen
class Contender:
    """One way to do what a benchmark measures."""

    name: str
    does: str
    """What exactly is timed, for the reader of the table."""
    sample: Callable[[int], list[float]]
    """Does it so many times, and returns the measurements in the benchmark's unit."""
    missing: Callable[[], str | None] = lambda: None
    """Says what this machine lacks, if it can't take part."""
    outside: bool = False
    """Whether it runs in a process of its own; it is left out when it must be quick."""


@frozen
class Benchmark:
    """Something of ours, beside the same in bare Trio."""

    name: str
    title: str
    ours: Contender
    bare: tuple[Contender, ...]
    """Ratios are given to each; the bounds are about the first."""
    size: int = 1500
    """What a turn is given: how many measurements to make, or how many children to have."""
    must: float | None = None
    """The ratio that must not be exceeded."""
    aim: float | None = None
    """The ratio hoped for."""
    unit: str = "µs"
    rounds: int | None = None
    """At most so many rounds, where a turn is long."""
    long: bool = False
    """Whether it runs only when it is asked for by name."""


@frozen
class Measured:
    """What one contender took: medians over the rounds, in the benchmark's unit."""

    name: str
    does: str
    p50: float
    p99: float | None
    """None where a turn had too few measurements to tell."""
    p999: float | None
    lowest: float
    spread: float
    """Between the highest and the lowest round's p50, as part of their median."""
    rounds: tuple[float, ...]
    """The p50 of each round."""


@frozen
class Ratio:
    """Ours divided by bare Trio, p50 by p50."""

    to: str
    ratio: float
    lowest: float
    highest: float


@frozen
class Comparison:
    """A benchmark that was run."""

    name: str
    title: str
    unit: str
    size: int
    must: float | None
    aim: float | None
    ours: Measured
    bare: tuple[Measured, ...]
    ratios: tuple[Ratio, ...]
    missing: tuple[str, ...] = ()
    """Who could not take part, and why."""

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is what it must be; None where nothing is demanded, or nobody is there to compare with."""
        return self.ratios[0].ratio <= self.must if self.must is not None and self.ratios else None


def compare(benchmark: Benchmark, *, rounds: int, size: int) -> Comparison:
    """Run the benchmark, with those contenders that this machine has."""
    reasons = {contender.name: contender.missing() for contender in benchmark.bare}
    present = [contender for contender in benchmark.bare if reasons[contender.name] is None]
    ours, *bare = _rounds((benchmark.ours, *present), min(rounds, benchmark.rounds or rounds), size)
    # A bound is about the first contender: without it there is none.
    bounded = present[:1] == list(benchmark.bare[:1])
    return Comparison(
        benchmark.name,
        benchmark.title,
        benchmark.unit,
        size,
        benchmark.must if bounded else None,
        benchmark.aim if bounded else None,
        ours,
        tuple(bare),
        tuple(_ratio(ours, other) for other in bare),
        tuple(f"{name}: {reason}" for name, reason in reasons.items() if reason is not None),
    )


def _rounds(contenders: Sequence[Contender], rounds: int, size: int) -> list[Measured]:
    turns: list[list[list[float]]] = [[] for _ in contenders]
    for contender in contenders:
        if not contender.outside:
            _turn(contender, min(size, 50))
    for number in range(rounds):
        # There and back again: whoever comes first in one round comes last in the next.
        order = range(len(contenders)) if number % 2 == 0 else reversed(range(len(contenders)))
        for index in order:
            turns[index].append(_warm(_turn(contenders[index], size)))
    return [_measured(contender, turn) for contender, turn in zip(contenders, turns, strict=True)]


def _turn(contender: Contender, size: int) -> list[float]:
    gc.collect()
    return contender.sample(size)


def _warm(values: list[float]) -> list[float]:
    return values[len(values) // 10 :]


def _measured(contender: Contender, turns: Sequence[list[float]]) -> Measured:
    middles = [percentile(turn, 50) for turn in turns]
    return Measured(
        contender.name,
        contender.does,
        p50=median(middles),
        p99=_tail(turns, 99, at_least=100),
        p999=_tail(turns, 99.9, at_least=1000),
        lowest=min(map(min, turns)),
        spread=(max(middles) - min(middles)) / median(middles),
        rounds=tuple(middles),
    )


def _tail(turns: Sequence[list[float]], percent: float, *, at_least: int) -> float | None:
    if min(map(len, turns)) < at_least:
        return None
    return median(percentile(turn, percent) for turn in turns)


def _ratio(ours: Measured, bare: Measured) -> Ratio:
    ratios = [mine / theirs for mine, theirs in zip(ours.rounds, bare.rounds, strict=True)]
    return Ratio(bare.name, median(ratios), min(ratios), max(ratios))

"""How is measured: contenders take turns, in rounds, in one process; compared are the medians of the rounds.

Before each turn garbage is collected, during it the collector is off. The first tenth of a turn warms up and is
dropped, and so is a short round before the first. A ratio is taken within each round, so that a machine that is
slower for a while slows both sides; the ratio printed is the median of these.
"""

import gc
from collections.abc import Callable, Sequence
from statistics import median

from attrs import frozen

from benchmarks._stopwatch import percentile


@frozen
class Contender:
    """One way to do what a benchmark measures."""

    name: str
    does: str
    """What exactly is timed, for the reader of the table."""
    sample: Callable[[int], list[float]]
    """Does it so many times, and returns the measurements in the benchmark's unit."""


@frozen
class Benchmark:
    """Something of ours, beside the same in bare Trio."""

    name: str
    title: str
    ours: Contender
    bare: tuple[Contender, ...]
    """Ratios are given to each; the target is about the first."""
    size: int = 1500
    """What a turn is given: how many measurements to make, or how many children to have."""
    target: float | None = None
    """The ratio aimed at, at most."""
    unit: str = "µs"


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
    target: float | None
    ours: Measured
    bare: tuple[Measured, ...]
    ratios: tuple[Ratio, ...]

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None without one."""
        return None if self.target is None else self.ratios[0].ratio <= self.target


def compare(benchmark: Benchmark, *, rounds: int, size: int) -> Comparison:
    """Run the benchmark."""
    contenders = (benchmark.ours, *benchmark.bare)
    turns: list[list[list[float]]] = [[] for _ in contenders]
    for contender in contenders:
        _turn(contender, min(size, 50))
    for number in range(rounds):
        # There and back again: whoever comes first in one round comes last in the next.
        order = range(len(contenders)) if number % 2 == 0 else reversed(range(len(contenders)))
        for index in order:
            turns[index].append(_warm(_turn(contenders[index], size)))
    ours, *bare = (_measured(contender, turn) for contender, turn in zip(contenders, turns, strict=True))
    ratios = tuple(_ratio(ours, other) for other in bare)
    return Comparison(
        benchmark.name, benchmark.title, benchmark.unit, size, benchmark.target, ours, tuple(bare), ratios
    )


def _turn(contender: Contender, size: int) -> list[float]:
    gc.collect()
    gc.disable()
    try:
        return contender.sample(size)
    finally:
        gc.enable()


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

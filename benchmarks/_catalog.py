"""All benchmarks by name, and running them."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks import _cmd, _lives, _messages, _restarts
from benchmarks._machine import load, this_machine
from benchmarks._measure import Benchmark, Comparison, compare
from benchmarks._table import Run

BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark for module in (_restarts, _messages, _cmd, _lives) for benchmark in module.BENCHMARKS
}

ROUNDS = 7
QUICK_ROUNDS = 2
QUICK_PART = 50
"""A quick turn is so many times shorter."""


def run(
    names: Sequence[str] = (),
    *,
    rounds: int = ROUNDS,
    quick: bool = False,
    tell: Callable[[Comparison], None] = lambda _: None,
) -> Run:
    """Run the benchmarks of those names, or all; `tell` is called after each."""
    before = load()
    rounds = QUICK_ROUNDS if quick else rounds
    comparisons = []
    for name in names or BENCHMARKS:
        benchmark = BENCHMARKS[name]
        size = max(10, benchmark.size // QUICK_PART) if quick else benchmark.size
        comparisons.append(compare(benchmark, rounds=rounds, size=size))
        tell(comparisons[-1])
    return Run(this_machine(), (before, load()), rounds, quick, tuple(comparisons))

"""All benchmarks by name, and running them."""

from collections.abc import Callable, Mapping, Sequence

from attrs import evolve

from benchmarks import _cmd, _lives, _messages, _programs, _restarts
from benchmarks._machine import load, this_machine
from benchmarks._measure import Benchmark, Comparison, compare
from benchmarks._table import Run

BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark
    for module in (_cmd, _messages, _lives, _restarts, _programs)
    for benchmark in module.BENCHMARKS
}

SHORT = tuple(name for name, benchmark in BENCHMARKS.items() if not benchmark.long)

ROUNDS = 7
QUICK_ROUNDS = 2
QUICK_PART = 50
"""A quick turn is so many times shorter ..."""
QUICK_SIZE = 200
"""... and at most so long."""


def run(
    names: Sequence[str] = (),
    *,
    rounds: int = ROUNDS,
    quick: bool = False,
    cpu: bool = False,
    tell: Callable[[Comparison], None] = lambda _: None,
) -> Run:
    """Run the benchmarks of those names, or all that aren't long; `tell` is called after each."""
    before = load()
    rounds = QUICK_ROUNDS if quick else rounds
    comparisons = []
    for name in names or SHORT:
        benchmark = _quick(BENCHMARKS[name]) if quick else BENCHMARKS[name]
        comparisons.append(compare(benchmark, rounds=rounds, size=benchmark.size))
        tell(comparisons[-1])
    return Run(this_machine(), (before, load()), rounds, quick, tuple(comparisons), cpu)


def _quick(benchmark: Benchmark) -> Benchmark:
    """Make it short, and leave out what must start a process first."""
    size = min(max(10, benchmark.size // QUICK_PART), QUICK_SIZE)
    inside = tuple(bare for bare in benchmark.bare if not bare.outside)
    bounded = inside[:1] == benchmark.bare[:1]
    return evolve(benchmark, size=size, bare=inside, must=benchmark.must if bounded else None)

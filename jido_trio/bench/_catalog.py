"""All benchmarks by name, and running them."""

from collections.abc import Callable, Iterable, Mapping

from attrs import evolve

from jido_trio.bench import _cmd, _lives, _messages, _restarts
from jido_trio.bench._machine import load, this_machine
from jido_trio.bench._measure import Benchmark, Comparison, compare
from jido_trio.bench._table import Run

BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark for module in (_cmd, _messages, _lives, _restarts) for benchmark in module.BENCHMARKS
}

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "restart": ("restart-agent", "restart-child"),
    "call": ("call", "call-100"),
    "cast": ("cast-nowait", "cast"),
    "start": ("start-agent", "start-10000"),
    "memory": ("memory-agent",),
}
"""What can be asked for in one word: these benchmarks."""

ROUNDS = 7
QUICK_ROUNDS = 2
QUICK_PART = 50
"""A quick turn is so many times shorter ..."""
QUICK_SIZE = 200
"""... and at most so long."""


def run(
    benchmarks: Iterable[Benchmark],
    *,
    rounds: int = ROUNDS,
    quick: bool = False,
    cpu: bool = False,
    tell: Callable[[Comparison], None] = lambda _: None,
) -> Run:
    """Run the benchmarks; `tell` is called after each."""
    before = load()
    rounds = QUICK_ROUNDS if quick else rounds
    comparisons = []
    for each in benchmarks:
        benchmark = _quick(each) if quick else each
        comparisons.append(compare(benchmark, rounds=rounds, size=benchmark.size))
        tell(comparisons[-1])
    return Run(this_machine(), (before, load()), rounds, quick, tuple(comparisons), cpu)


def _quick(benchmark: Benchmark) -> Benchmark:
    """Make it short, and leave out what must start a process first."""
    size = min(max(10, benchmark.size // QUICK_PART), QUICK_SIZE)
    inside = tuple(bare for bare in benchmark.bare if not bare.outside)
    bounded = inside[:1] == benchmark.bare[:1]
    return evolve(benchmark, size=size, bare=inside, must=benchmark.must if bounded else None)

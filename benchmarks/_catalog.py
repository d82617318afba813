"""The benchmarks of `jido-trio bench`, with Erlang beside them, and those of a clone alone."""

from collections.abc import Callable, Mapping, Sequence

from attrs import evolve

from benchmarks import _programs
from benchmarks._outside import erlang
from jido_trio.bench import _catalog
from jido_trio.bench._catalog import ROUNDS
from jido_trio.bench._measure import Benchmark, Comparison, Contender
from jido_trio.bench._table import Run

_RESTARTED = erlang("restart.escript", does="a fresh process, under `supervisor`")
_SPAWNED = erlang("field.escript", "start", does="`spawn`, until the process runs")
_CALLED = erlang("field.escript", "call", does="request and reply, with a monitor")
_CAST = erlang("field.escript", "cast", does="a message, until it is received")

_BESIDE: Mapping[str, tuple[Contender, ...]] = {
    "restart-child": (_RESTARTED,),
    "call": (_CALLED,),
    "cast-nowait": (_CAST,),
    "start-10000": (_SPAWNED,),
    "start-200000": (_SPAWNED,),
}


def _with_erlang(benchmark: Benchmark) -> Benchmark:
    if benchmark.name == "restart-agent":  # what must be is about Erlang here
        return evolve(benchmark, bare=(_RESTARTED, *benchmark.bare), must=1, aim=0.5)
    return evolve(benchmark, bare=(*benchmark.bare, *_BESIDE.get(benchmark.name, ())))


BENCHMARKS: Mapping[str, Benchmark] = {
    benchmark.name: benchmark for benchmark in (*map(_with_erlang, _catalog.BENCHMARKS.values()), *_programs.BENCHMARKS)
}

SHORT = tuple(name for name, benchmark in BENCHMARKS.items() if not benchmark.long)


def run(
    names: Sequence[str] = (),
    *,
    rounds: int = ROUNDS,
    quick: bool = False,
    cpu: bool = False,
    tell: Callable[[Comparison], None] = lambda _: None,
) -> Run:
    """Run the benchmarks of those names, or all that aren't long; `tell` is called after each."""
    benchmarks = [BENCHMARKS[name] for name in names or SHORT]
    return _catalog.run(benchmarks, rounds=rounds, quick=quick, cpu=cpu, tell=tell)

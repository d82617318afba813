"""The known programs of the actor field: ours, in bare Trio, in Erlang."""

from collections.abc import Callable

from benchmarks import _bare_field as bare
from benchmarks import _field as field
from benchmarks._outside import erlang
from jido_trio.bench._measure import Benchmark, Contender
from jido_trio.bench._messages import SEND

Sample = Callable[[int], list[float]]


def _program(
    name: str,
    title: str,
    ours: Sample,
    theirs: Sample,
    *,
    size: int,
    script: str | None = None,
    rounds: int = 3,
    long: bool = False,
) -> Benchmark:
    contenders = (
        Contender("tasks", "a task and a memory channel for each actor", theirs),
        erlang("field.escript", script or name, does="a process for each actor, on one scheduler"),
    )
    does = (ours.__doc__ or "").splitlines()[0]
    return Benchmark(name, title, Contender("agents", does, ours), contenders, size=size, rounds=rounds, long=long)


BENCHMARKS = (
    Benchmark(
        "hop",
        "a hop from agent to agent by Emit",
        Contender("Emit", "to an agent by its id: `cmd` run, the signal made and sent", field.ping_pong),
        (SEND,),
        size=5000,
        must=0.7,
        aim=0.4,
    ),
    _program("ping-pong", "ping-pong", field.ping_pong, bare.ping_pong, size=20_000),
    _program("thread-ring", "thread ring of 503", field.thread_ring, bare.thread_ring, size=20_000),
    _program("fork-join", "fork-join, creating", field.fork_join, bare.fork_join, size=5_000),
    _program("counting", "counting", field.counting, bare.counting, size=50_000),
    _program("big", "big, a hundred to a hundred", field.big, bare.big, size=20_000),
    _program("dictionary", "concurrent dictionary", field.dictionary, bare.dictionary, size=10_000),
    _program("skynet", "Skynet, ten thousand leaves", field.skynet, bare.skynet, size=10_000),
    _program(
        "skynet-million",
        "Skynet, a million leaves",
        field.skynet,
        bare.skynet,
        size=1_000_000,
        script="skynet",
        rounds=1,
        long=True,
    ),
)

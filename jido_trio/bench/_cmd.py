"""`cmd` of the README's counter, by itself: no runtime, no task."""

from jido_trio.bench import _bare_trio as bare
from jido_trio.bench._counter import CounterAgent, Increment
from jido_trio.bench._measure import Benchmark, Contender
from jido_trio.bench._stopwatch import Stopwatch

EVOLVE = Contender("evolve", "`attrs.evolve` of the state", bare.step)


def cmd(laps: int, batch: int = 50) -> list[float]:
    """As in the README: the action is made for each `cmd`."""
    watch, agent = Stopwatch(), CounterAgent.new()
    for _ in range(laps):
        watch.start()
        for _ in range(batch):
            agent, _directives = CounterAgent.cmd(agent, Increment(amount=5))
        watch.split(batch)
    return watch.laps


def cmd_made(laps: int, batch: int = 50) -> list[float]:
    """With an action that is there already."""
    watch, agent, action = Stopwatch(), CounterAgent.new(), Increment(amount=5)
    for _ in range(laps):
        watch.start()
        for _ in range(batch):
            agent, _directives = agent.cmd(action)
        watch.split(batch)
    return watch.laps


BENCHMARKS = (
    Benchmark(
        "cmd",
        "cmd of the README's counter",
        Contender("cmd", "the action made and validated, run, its changes merged and validated", cmd),
        (EVOLVE,),
        size=200,
    ),
    Benchmark(
        "cmd-made",
        "cmd with an action that is there",
        Contender("cmd", "the action run, its changes merged and validated", cmd_made),
        (EVOLVE,),
        size=200,
        must=3,
        aim=2.2,
    ),
)

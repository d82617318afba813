"""How many examples a second machines play, beside a machine whose rules do nothing: what Hypothesis itself takes.

python -m benchmarks.machines [STEPS]

Milliseconds of processor time for an example of so many steps, a dozen if nothing is said; the least of several rounds.
"""

import logging
import sys
from collections.abc import Mapping
from time import process_time_ns
from typing import Any

import trio
from attrs import field, frozen, validators
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from jido_trio import Action, Agent, Context, Emit, Result, ToAgent
from jido_trio.testing import AgentMachine, RuntimeMachine, SupervisorMachine, TrioStateMachine, step

ROUNDS = 5
EXAMPLES = 60


@frozen
class Till:
    cents: int = 0


class Sell(Action):
    cents: int = field(validator=validators.in_([1, 10, 100]))

    def run(self, context: Context[Till]) -> Result:
        return {"cents": context.state.cents + self.cents}, Emit("sold", self.cents, dispatch=ToAgent("stock"))


class Close(Action):
    def run(self, context: Context[Till]) -> Result:
        return {"cents": 0}


class Tills(Agent[Till], routes={"sell": Sell, "close": Close}): ...


class Stock(Agent[Till], routes={"sold": Close}): ...


class Nothing(RuleBasedStateMachine):
    """What Hypothesis takes to choose steps that do nothing."""

    @rule(message=st.tuples(st.sampled_from("ab"), st.integers(0, 9)))
    def call(self, message: tuple[str, int]) -> None: ...

    @rule(seconds=st.sampled_from([0.0, 0.5]))
    def pass_time(self, seconds: float) -> None: ...

    @rule(id=st.sampled_from("ab"))
    def kill(self, id: str) -> None: ...

    @rule(ids=st.lists(st.sampled_from("ab"), max_size=6))
    def crowd(self, ids: list[str]) -> None: ...


class Sleep(TrioStateMachine):
    """The same with steps in a Trio run, one of which sleeps."""

    @rule(message=st.tuples(st.sampled_from("ab"), st.integers(0, 9)))
    @step
    async def call(self, message: tuple[str, int]) -> None: ...

    @rule(seconds=st.sampled_from([0.0, 0.5]))
    @step
    async def pass_time(self, seconds: float) -> None:
        await trio.sleep(seconds)

    @rule(ids=st.lists(st.sampled_from("ab"), max_size=6))
    @step
    async def crowd(self, ids: list[str]) -> None: ...


class OneAgent(AgentMachine):
    agent = Stock


class TwoAgents(RuntimeMachine):
    agents = {"till": Tills, "stock": Stock}


class Children(SupervisorMachine):
    async def work(self, id: str) -> None:
        await trio.sleep(0.25)


MACHINES: Mapping[str, type[Any]] = {
    "rules that do nothing": Nothing,
    "TrioStateMachine": Sleep,
    "AgentMachine": OneAgent,
    "RuntimeMachine, two agents": TwoAgents,
    "SupervisorMachine": Children,
}


def cost(machine: type[Any], steps: int, examples: int) -> float:
    """Return milliseconds of processor time for an example."""
    played = 0

    class Counted(machine):  # type: ignore[misc]  # any of them
        def __init__(self) -> None:
            nonlocal played
            played += 1
            super().__init__()

    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    began = process_time_ns()
    run_state_machine_as_test(Counted, settings=how)
    return (process_time_ns() - began) / played / 1e6


def main(arguments: list[str], *, rounds: int = ROUNDS, examples: int = EXAMPLES) -> None:
    logging.disable(logging.CRITICAL)
    steps = int(arguments[0]) if arguments else 12
    best = dict.fromkeys(MACHINES, float("inf"))
    for _ in range(rounds):
        for name, machine in MACHINES.items():
            best[name] = min(best[name], cost(machine, steps, examples))
    floor = best["rules that do nothing"]
    print(f"{'':30} ms an example  beside nothing  examples a second")
    for name, took in best.items():
        print(f"{name:30} {took:13.1f} {took / floor:14.1f}x {1000 / took:17.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])

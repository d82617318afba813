"""Machines of agents, instances and supervisors: what they find, and whom they leave alone."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from attrs import field, frozen, validators
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from jido_trio import Action, ActionError, Agent, Context, Emit, Result, Schedule, Signal, ToAgent, invariant
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import Runtime, interpret
from jido_trio.testing import (
    AgentMachine,
    CutShort,
    Hang,
    JumpClock,
    LoseReply,
    Raise,
    ReplyLost,
    RuntimeMachine,
    Slow,
    SupervisorMachine,
    crash_point,
    fault_point,
    law,
    step,
)

FEW = settings(
    max_examples=25,
    stateful_step_count=12,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


def failure_of(machine: type[Any], examples: int = 400) -> BaseException:
    """Return what a machine finds."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        run_state_machine_as_test(machine, settings=settings(FEW, max_examples=examples))
    return caught.value


def program_of(failure: BaseException) -> str:
    """Return the steps that lead to it."""
    return "\n".join(failure.__notes__)


@frozen
class Till:
    cents: int = 0


class Sell(Action):
    cents: int = field(validator=validators.in_([1, 10, 100]))

    def run(self, context: Context[Till]) -> Result:
        return {"cents": context.state.cents + self.cents}, Emit("sold", self.cents, dispatch=ToAgent("stock"))


class Refund(Action):
    cents: int = field(validator=validators.in_([1, 10, 100]))

    def run(self, context: Context[Till]) -> Result:
        if self.cents > context.state.cents:
            raise ActionError("not so much")
        return {"cents": context.state.cents - self.cents}, [Charge(), Schedule(5, Signal("close"))]


class Close(Action):
    def run(self, context: Context[Till]) -> Result:
        return {"cents": 0}


@frozen
class Charge:
    """Has an effect, in which it may crash."""


@interpret.register
async def _(directive: Charge, runtime: Runtime) -> None:
    await trio.sleep(0.1)
    crash_point("charged")


class Tills(Agent[Till], routes={"sell": Sell, "refund": Refund, "close": Close}):
    @invariant
    def never_in_debt(self) -> bool:
        return self.state.cents >= 0


class Count(Action):
    def run(self, context: Context[Till]) -> Result:
        return {"cents": context.state.cents + 1}


class Stock(Agent[Till], routes={"sold": Count}): ...


class Shop(RuntimeMachine):
    agents = {"till": Tills, "stock": Stock}
    points = ["charged"]


TestShop = Shop.TestCase
TestShop.settings = FEW


def test_an_invariant_of_an_agent_is_found_broken_in_the_running_one() -> None:
    class Loses(Action):
        def run(self, context: Context[Till]) -> Result:
            return {"cents": context.state.cents - 1}

    class Poor(Tills, routes={"lose": Loses}): ...

    class Machine(RuntimeMachine):
        agents = {"poor": Poor}

    told = failure_of(Machine)
    assert "never_in_debt doesn't hold for poor" in str(told)
    assert "'lose'" in program_of(told)


def test_a_crash_that_nobody_planned_is_a_failure_unless_it_is_allowed() -> None:
    class Breaks(Action):
        def run(self, context: Context[Till]) -> Result:
            raise ZeroDivisionError("a bug")

    class Broken(Agent[Till], routes={"break": Breaks}): ...

    class Machine(RuntimeMachine):
        agents = {"broken": Broken}

    class Tolerant(Machine):
        crashes = (ZeroDivisionError,)

    assert "nobody planned this crash" in str(failure_of(Machine))
    run_state_machine_as_test(Tolerant, settings=FEW)


def test_a_crash_at_a_named_point_is_found_that_an_effect_does_not_bear() -> None:
    paid: list[str] = []

    class Machine(RuntimeMachine):
        agents = {"till": Tills}
        points = ["charged"]
        crashes = ()

        @rule()
        @step
        async def sell_and_refund(self) -> None:
            await self.ask("till", Signal("sell", {"cents": 10}))
            await self.ask("till", Signal("refund", {"cents": 10}))
            await trio.sleep(1)
            paid.append("paid")

    told = failure_of(Machine)
    assert "PlannedCrash: charged" in str(told)
    assert "go_wrong_next_at(planned=('charged', Raise(" in program_of(told)


async def charged_slowly(directive: "ChargeSlowly", runtime: Runtime) -> None:
    await fault_point("charged")


@frozen
class ChargeSlowly:
    """Has an effect, in which anything may go wrong."""


interpret.register(ChargeSlowly, charged_slowly)


class SellSlowly(Sell):
    def run(self, context: Context[Till]) -> Result:
        return {"cents": context.state.cents + self.cents}, ChargeSlowly()


@pytest.mark.parametrize(
    ("fault", "crash"),
    [
        (Raise(OSError), OSError),
        (CutShort(), trio.TooSlowError),
        (Hang(), None),
        pytest.param(LoseReply(), ReplyLost, marks=pytest.mark.long),
        pytest.param(Slow(2.0), None, marks=pytest.mark.long),
        pytest.param(JumpClock(60.0), None, marks=pytest.mark.long),
    ],
)
def test_whatever_else_may_go_wrong_at_a_point_goes_wrong_there_and_the_instance_bears_it(fault, crash) -> None:
    happened: list[Any] = []

    class Machine(RuntimeMachine):
        agents = {"till": type("SlowTills", (Tills,), {}, routes={"sell": SellSlowly})}
        points = ["charged"]
        faults = {"charged": [fault]}
        crashes = () if crash is None else (crash,)

        async def tear_down(self) -> None:
            await super().tear_down()
            happened.extend(what for _, _, what in self.going_wrong.happened)

    run_state_machine_as_test(Machine, settings=FEW)
    assert set(happened) == {fault}


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        ({"charge": [Raise()]}, "faults has the point 'charge', and points doesn't"),
        ([], "nothing may go wrong at its points"),
        (["crash"], "'crash' is no fault"),
    ],
)
def test_faults_that_make_no_sense_are_refused(faults, why) -> None:
    machine = type("Machine", (RuntimeMachine,), {"agents": {"till": Tills}, "points": ["charged"], "faults": faults})
    assert why in str(failure_of(machine, examples=5))


def test_an_agent_that_keeps_something_outside_of_itself_is_found_beside_its_function() -> None:
    kept: list[int] = []

    class Remember(Action):
        def run(self, context: Context[Till]) -> Result:
            kept.append(1)
            return {"cents": len(kept)}

    class Impure(Agent[Till], routes={"remember": Remember}): ...

    class Machine(AgentMachine):
        agent = Impure

    assert "the living agent answers otherwise" in str(failure_of(Machine))


@law(Stock)
def counts_one_at_a_time(before: Stock, told: Any, after: Stock, directives: Sequence[object]) -> bool:
    return after.state.cents - before.state.cents == 1


class Jump(Action):
    def run(self, context: Context[Till]) -> Result:
        return {"cents": context.state.cents + 2}


class Jumpy(Stock, routes={"sold": Count, "jump": Jump}): ...


class StockMachine(AgentMachine):
    agent = Stock


class TillMachine(AgentMachine):
    agent = Tills


TestStock = StockMachine.TestCase
TestStock.settings = FEW


def test_a_law_of_its_author_is_found_broken_by_the_living_agent() -> None:
    class Machine(AgentMachine):
        agent = Jumpy

    assert str(failure_of(Machine)).startswith("counts_one_at_a_time is broken")


def test_a_new_life_that_goes_on_with_what_waits_is_not_accused() -> None:
    machine = TillMachine()
    machine.call(("agent", Signal("sell", {"cents": 100})))
    machine.crowd([("agent", Signal("refund", {"cents": 1})), ("agent", Signal("sell", {"cents": 10}))], 60.0)
    machine.begin_anew()
    assert machine.refs["agent"].agent.state == Till(10)
    machine.what_holds_of_every_instance()
    machine.teardown()


def test_what_a_rule_begins_that_is_no_step_is_waited_for_before_it_is_looked_at() -> None:
    class Machine(AgentMachine):
        agent = Stock

        @rule()
        def count(self) -> None:
            self.refs["agent"].cast_nowait(Signal("sold"))

    machine = Machine()
    machine.count()
    machine.what_holds_of_every_instance()
    assert machine.refs["agent"].agent.state == Till(1)
    machine.teardown()


def test_a_machine_shows_signals_as_code_to_paste_without_what_is_as_it_mostly_is() -> None:
    class Late(Agent[Till], routes={"sell": Sell}):
        @invariant
        def has_sold_little(self) -> bool:
            return self.state.cents < 100

    class Machine(AgentMachine):
        agent = Late

    program = program_of(failure_of(Machine))
    assert "Signal('sell', {'cents': 100}, source='/check', id='a', time='2024-05-06T07:08:09Z')" in " ".join(
        program.split()
    )


def test_a_machine_whose_agents_know_no_signal_says_so() -> None:
    class Deaf(Agent[Till], routes={}): ...

    class Machine(RuntimeMachine):
        agents = {"deaf": Deaf}

    with pytest.raises(InvalidDefinition, match="none of its agents has routes"):
        run_state_machine_as_test(Machine, settings=settings(FEW, max_examples=2))


class Workers(SupervisorMachine):
    async def work(self, id: str) -> None:
        await trio.sleep(0.25)


TestWorkers = Workers.TestCase
TestWorkers.settings = FEW


def test_a_temporary_child_that_is_gone_when_its_starter_looks_is_not_accused() -> None:
    machine = Workers()
    machine.open("one_for_all", 3, [("c", "permanent"), ("a", "temporary"), ("d", "transient")])
    machine.end_child("c", "return")
    machine.prepare_start("b", "slow")
    machine.start_child("b", "temporary", 9)
    machine.teardown()


def test_a_child_that_is_told_to_end_again_and_again_while_it_works_is_not_accused() -> None:
    machine = Workers()
    machine.open("one_for_one", 3, [("a", "permanent")])
    for _ in range(20):
        machine.end_child("a", "return")
    machine.teardown()


def test_a_child_that_ignores_its_end_is_found_by_the_machine_of_supervisors() -> None:
    class Machine(SupervisorMachine):
        def note(self, report: Any) -> None:
            """Lose one report in two."""
            if len(self.crashes) % 2:
                super().note(report)

    assert "each crash is reported once" in str(failure_of(Machine))

"""Plans that run: in one go, and step by step in the state of an agent, over its death if it is durable."""

from typing import Any

import pytest
import trio
from attrs import field, frozen

from jido_trio import Action, Agent, Context, InvalidDefinition, Jido, Permanent, Result
from jido_trio.core import From, Plan, PlanRun, StartPlan, Step
from jido_trio.errors import PlanFailed
from jido_trio.runtime import run_plan, wait_state
from jido_trio.storage import open_memory

LOG: list[str] = []


class Work(Action):
    name_: str
    seconds: float = 1
    fails: bool = False
    given: int = 0

    async def run(self, context: Context[Any]) -> Result:
        LOG.append(f"{self.name_} begins")
        await trio.sleep(self.seconds)
        if self.fails:
            raise Permanent(f"{self.name_} failed")
        LOG.append(f"{self.name_} is done")
        return {"sum": self.given + 1}

    async def undo(self, context: Context[Any], result: Result) -> None:
        LOG.append(f"{self.name_} is undone")
        if self.name_ == "stubborn":
            raise ValueError("can't")


@pytest.fixture(autouse=True)
def _log():
    LOG.clear()


async def test_steps_run_at_once_where_they_may_and_pass_on_results(autojump_clock):
    begin = trio.current_time()
    run = await run_plan(
        Plan(
            Step("a", Work, {"name_": "a", "seconds": 5}),
            Step("b", Work, {"name_": "b", "seconds": 3}),
            Step("c", Work, {"name_": "c", "given": From("a", "sum")}, needs="b"),
        )
    )
    assert trio.current_time() - begin == 6
    assert run.results["c"] == {"sum": 2}


async def test_a_plan_that_fails_is_undone_and_says_what_was_not(autojump_clock):
    plan = Plan(
        Step("a", Work, {"name_": "a"}),
        Step("b", Work, {"name_": "stubborn"}, needs="a"),
        Step("c", Work, {"name_": "c", "fails": True}, needs="b"),
    )
    with pytest.raises(PlanFailed) as caught:
        await run_plan(plan)
    assert LOG[-2:] == ["stubborn is undone", "a is undone"]
    failed = caught.value
    assert (failed.failed, failed.done, failed.undone) == ({"c": "c failed"}, ("a", "b"), ("a",))
    assert failed.not_undone == {"b": "ValueError: can't"}
    assert "c failed" in str(failed)
    assert "can't" in str(failed)


@frozen
class Desk:
    plan: PlanRun | None = None
    notes: list[str] = field(factory=list)


class DeskAgent(Agent[Desk]): ...


async def test_an_agent_runs_a_plan_step_by_step_in_its_state(autojump_clock):
    plan = Plan(Step("a", Work, {"name_": "a"}), Step("b", Work, {"name_": "b", "given": From("a", "sum")}))
    async with Jido("plans") as jido:
        desk = await jido.start_agent(DeskAgent)
        settled = await desk.call(StartPlan(plan=plan), until="settled")
        run = settled.agent.state.plan
        assert run is not None
        assert (run.status, run.done, run.results["b"]) == ("done", ("a", "b"), {"sum": 2})


async def test_the_steps_of_a_plan_that_was_forgotten_are_none_of_the_next_one(autojump_clock):
    def plan(seconds: float, given: int) -> Plan:
        return Plan(Step("a", Work, {"name_": "a", "seconds": seconds, "given": given}))

    async with Jido() as jido:
        desk = await jido.start_agent(DeskAgent)
        await desk.call(StartPlan(plan=plan(2, given=10)))
        await trio.sleep(1)
        settled = await desk.call(StartPlan(plan=plan(3, given=20)), until="settled")
        run = settled.agent.state.plan
        assert run is not None
        assert run.results == {"a": {"sum": 21}}


class Kept(Work, idempotent=True): ...


class DurableDesk(Agent[Desk], durable=True): ...


async def test_a_durable_agent_goes_on_with_its_plan_in_the_next_process(autojump_clock):
    plan = Plan(
        Step("a", Kept, {"name_": "a", "seconds": 10}),
        Step("b", Kept, {"name_": "b", "seconds": 10}, needs="a"),
        Step("c", Kept, {"name_": "c", "seconds": 10}, needs="b"),
    )
    async with open_memory() as storage:
        async with Jido("plans", storage=storage) as jido:
            desk = await jido.start_agent(DurableDesk, id="desk", shutdown="brutal")
            await desk.call(StartPlan(plan=plan))
            await trio.sleep(15)
        assert LOG == ["a begins", "a is done", "b begins"]
        async with Jido("plans", storage=storage) as jido:
            desk = await jido.start_agent(DurableDesk, id="desk")
            ended = await wait_state(desk, lambda state: state.plan is not None and state.plan.ended, timeout=60)
            run = ended.state.plan
    assert run is not None
    assert (run.status, run.done) == ("done", ("a", "b", "c"))
    assert LOG[3:] == ["b begins", "b is done", "c begins", "c is done"]


class Broken(Action):
    seconds: float = 1

    async def run(self, context: Context[Any]) -> Result:
        await trio.sleep(self.seconds)
        raise ZeroDivisionError("a bug")


async def test_a_bug_in_a_step_is_raised_as_it_is_and_nothing_is_undone(autojump_clock):
    plan = Plan(
        Step("a", Work, {"name_": "a"}),
        Step("b", Broken, {"seconds": 0.5}, needs="a"),
        Step("c", Work, {"name_": "c"}, needs="a"),
    )
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await run_plan(plan)
    assert LOG == ["a begins", "a is done", "c begins"]


async def test_what_is_no_plan_isnt_run():
    with pytest.raises(InvalidDefinition, match="5 is no plan"):
        await run_plan(5)  # type: ignore[arg-type]

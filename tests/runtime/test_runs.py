"""Actions that run outside of agents, for many items, and that are cancelled by name."""

from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Context, InvalidDefinition, Jido, Permanent, Result, RunInstruction
from jido_trio.core import CancelRun, Instruction
from jido_trio.errors import ActionCancelled, AgentCrashed, InvalidParams, InvalidResult
from jido_trio.runtime import Map, run, start_run
from tests.runtime.noting import Do, Heard, Notes, Noting


class Double(Action):
    n: int
    seconds: float = 0

    async def run(self, context: Context) -> Result:
        await trio.sleep(self.seconds)
        if self.n < 0:
            raise Permanent(f"{self.n} is negative")
        context.progress(self.n)
        return {"double": self.n * 2}


class Add(Action):
    n: int

    def run(self, context: Context) -> Result:
        return {"sum": context.state.total + self.n + context["more"]}


@frozen
class Total:
    total: int = 40


async def test_an_action_runs_without_an_agent():
    assert await run(Double(n=4)) == {"double": 8}


async def test_a_pure_action_does_too_with_a_state_and_a_context():
    assert await run(Add(n=1), {"more": 1}, state=Total()) == {"sum": 42}


async def test_an_instruction_brings_its_options_and_its_context():
    instruction = Instruction(Add, {"n": 1}, {"more": 1})
    assert await run(instruction, {"more": 5}, state=Total()) == {"sum": 42}
    with pytest.raises(InvalidParams):
        await run(Instruction(Add, {"m": 1}))


async def test_progress_and_resources_are_those_of_the_caller():
    class Use(Double):
        async def run(self, context: Context) -> Result:
            context.progress(context.resources["db"])
            return None

    seen: list[object] = []
    await run(Use(n=1), resources={"db": "open"}, on_progress=seen.append)
    await run(Use(n=1), resources={"db": "open"})
    assert seen == ["open"]


async def test_what_returns_what_it_must_not_is_refused():
    @frozen
    class Out:
        sum: str

    class Wrong(Add, output=Out): ...

    with pytest.raises(InvalidResult):
        await run(Wrong(n=1), {"more": 1}, state=Total())


async def test_what_is_no_action_is_refused():
    with pytest.raises(InvalidDefinition, match="3 can't be run"):
        await run(3)  # type: ignore[arg-type]


async def test_a_run_is_awaited_by_as_many_as_like(autojump_clock):
    async with trio.open_nursery() as nursery:
        handle = start_run(nursery, Double(n=4, seconds=5))
        with trio.move_on_after(1) as impatient:
            await handle.wait()
        assert impatient.cancelled_caught
        assert [await handle.wait(), await handle.wait()] == [{"double": 8}] * 2
        assert handle.done
        handle.cancel()
        assert await handle.wait() == {"double": 8}


async def test_a_run_that_fails_tells_each_who_waits(autojump_clock):
    async with trio.open_nursery() as nursery:
        handle = start_run(nursery, Double(n=-4))
        for _ in range(2):
            with pytest.raises(Permanent, match="-4 is negative"):
                await handle.wait()


async def test_a_run_is_cancelled(autojump_clock):
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        handle = start_run(nursery, Double(n=4, seconds=5))
        await trio.sleep(1)
        handle.cancel("no longer needed")
        handle.cancel("too late to say why")
        with pytest.raises(ActionCancelled, match="no longer needed"):
            await handle.wait()
    assert trio.current_time() - begin == 1


async def test_a_bug_in_a_run_leaves_its_nursery(autojump_clock):
    class Buggy(Double):
        async def run(self, context: Context) -> Result:
            raise ValueError("bug")

    with pytest.raises(ExceptionGroup) as caught:
        async with trio.open_nursery() as nursery:
            handle = start_run(nursery, Buggy(n=1))
    assert str(caught.value.exceptions[0]) == "bug"
    with pytest.raises(ActionCancelled, match="ValueError: bug"):
        await handle.wait()


async def test_a_map_gives_results_in_the_order_of_the_items_so_many_at_a_time(autojump_clock):
    begin = trio.current_time()
    items = tuple({"n": n, "seconds": 10 - n} for n in range(6))
    found: Any = await run(Map(action=Double, items=items, limit=2))
    assert found == {"results": [{"double": 2 * n} for n in range(6)]}
    assert trio.current_time() - begin == 23


async def test_the_first_failure_of_a_map_cancels_the_rest(autojump_clock):
    begin = trio.current_time()
    with pytest.raises(Permanent, match="-1 is negative"):
        await run(Map(action=Double, items=({"n": 1, "seconds": 60}, {"n": -1, "seconds": 1})))
    assert trio.current_time() - begin == 1


async def test_a_map_may_collect_failures(autojump_clock):
    found: Any = await run(Map(action=Double, items=({"n": -1}, {"m": 1}, {"n": 3}), on_failure="collect"))
    first, second, third = found["results"]
    assert (first.error.message, type(second.error), third.result) == ("-1 is negative", InvalidParams, {"double": 6})


async def test_a_map_of_nothing_is_nothing():
    assert await run(Map(action=Double, items=())) == {"results": []}


def double(n: int, **options: Any) -> RunInstruction:
    return RunInstruction(Instruction(Double(n=n, seconds=10), id=f"double-{n}"), Heard, **options)


async def test_an_async_action_of_an_agent_is_cancelled_by_its_id(autojump_clock):
    async with Jido("runs") as jido:
        agent = await jido.start_agent(Noting)
        await agent.call(Do(directives=[double(1), double(2)]))
        await trio.sleep(1)
        await agent.call(Do(directives=[CancelRun("double-1", reason="too slow")]))
        await trio.sleep(20)
        assert list(agent.agent.state.notes) == ["action 'double' was cancelled: too slow", {"double": 4}]


async def test_all_of_a_tag_are_cancelled_those_that_wait_in_a_lane_too(autojump_clock):
    async with Jido("runs") as jido:
        agent = await jido.start_agent(Noting)
        asked = [double(1, tag="a", lane="l"), double(2, tag="a", lane="l"), double(3, lane="l"), double(4)]
        await agent.call(Do(directives=asked))
        await trio.sleep(1)
        await agent.call(Do(directives=[CancelRun(tag="a"), CancelRun(tag="a"), CancelRun("nobody")]))
        await trio.sleep(30)
        notes = list(agent.agent.state.notes)
        assert notes[:2] == ["action 'double' was cancelled: it was asked to"] * 2
        assert notes[2:] == [{"double": 8}, {"double": 6}]


@pytest.mark.parametrize("options", [{}, {"id": "a", "tag": "b"}, {"id": 3}])
def test_a_cancel_that_names_nothing_or_too_much_is_refused(options):
    with pytest.raises(InvalidDefinition):
        CancelRun(**options)


async def test_an_action_within_an_action_has_the_same_context(autojump_clock):
    class Outer(Action):
        async def run(self, context: Context[Notes]) -> Result:
            inner: Any = await run(Double(n=3), context)
            many: Any = await run(Map(action=Double, items=({"n": 1},)), context)
            return {"notes": [inner["double"], many["results"][0]["double"]]}

    async with Jido("runs") as jido:
        agent = await jido.start_agent(Noting)
        settled = await agent.call(Do(directives=[RunInstruction(Instruction(Outer()))]), until="settled")
        assert list(settled.agent.state.notes) == [6, 2]


class Broken(Action):
    async def run(self, context: Context[Any]) -> Result:
        await trio.sleep(1)
        raise ZeroDivisionError("a bug")


@pytest.mark.parametrize("on_failure", ["stop", "collect"])
async def test_a_bug_in_one_of_many_is_raised_as_it_is(autojump_clock, on_failure):
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await run(Map(action=Broken, items=({},) * 3, limit=1, on_failure=on_failure))


class Twice(Action):
    async def run(self, context: Context[Any]) -> Result:
        raise ExceptionGroup("both", [ZeroDivisionError("a"), ValueError("b")])


async def test_bugs_that_came_together_are_told_one_by_one(autojump_clock):
    async with Jido("runs", on_report=lambda _: None) as jido:
        agent = await jido.start_agent(Noting)
        with pytest.raises(AgentCrashed) as crash:
            await agent.call(Twice(), until="settled")
        assert crash.value.error == "ExceptionGroup: both (2 sub-exceptions): ZeroDivisionError: a; ValueError: b"

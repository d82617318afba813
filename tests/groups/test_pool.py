"""Pools: workers are lent to one user at a time, in line, and come back however the block is left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen

from jido_trio import Action, ActionError, Agent, AgentCrashed, Context, InvalidDefinition, Jido, Result, Route, Signal
from jido_trio.errors import CallTimeout, DuplicateAgent, NoRoute, NoWorkerFree, PoolClosed
from jido_trio.groups import Answer, NoAnswer, Pool, open_pool
from jido_trio.runtime import Runtime, Settled, interpret


@frozen
class Done:
    count: int = 0


class Work(Action):
    amount: int = 1

    def run(self, context: Context[Done]) -> Result:
        return {"count": context.state.count + self.amount}


class Break(Action):
    def run(self, context: Context[Done]) -> Result:
        raise ZeroDivisionError("a bug")


class Worker(Agent[Done], routes=[Route("work", Work), Route("break", Break)]): ...


WORK = Signal("work")


@asynccontextmanager
async def pool(**options) -> AsyncIterator[tuple[Jido, Pool[Worker]]]:
    async with (
        Jido("shop", on_report=lambda _: None) as jido,
        open_pool(jido, Worker, name="press", **options) as workers,
    ):
        yield jido, workers


async def ids_of(workers: Pool[Worker], times: int) -> list[str]:
    seen = []
    for _ in range(times):
        async with workers.agent() as worker:
            seen.append(worker.id)
    return seen


async def test_the_workers_are_agents_of_the_instance_until_the_block_is_left(autojump_clock):
    async with Jido("shop") as jido:
        async with open_pool(jido, Worker, name="press", size=2):
            assert [ref.id for ref in jido.list_agents()] == ["press-1", "press-2"]
        assert jido.list_agents() == ()


async def test_a_worker_is_lent_to_one_user_at_a_time(autojump_clock):
    async with pool(size=2) as (_, workers), workers.agent() as one, workers.agent() as other:
        assert one.id != other.id


async def test_the_worker_that_came_back_last_is_lent_first(autojump_clock):
    async with pool(size=3) as (_, workers):
        assert len(set(await ids_of(workers, 3))) == 1


async def test_with_fifo_the_workers_take_turns(autojump_clock):
    async with pool(size=3, order="fifo") as (_, workers):
        assert await ids_of(workers, 4) == ["press-1", "press-2", "press-3", "press-1"]


async def test_a_worker_keeps_its_state_from_one_user_to_the_next(autojump_clock):
    async with pool(size=1) as (_, workers):
        await workers.call(WORK)
        assert (await workers.call(WORK)).state.count == 2


class Refuse(Action):
    def run(self, context: Context[Done]) -> Result:
        raise ActionError("out of paper")


class Stubborn(Worker, routes={"refuse": Refuse}): ...


async def test_a_worker_that_says_no_tells_its_user_unless_asked_not_to(autojump_clock):
    no = Signal("refuse")
    async with Jido("shop") as jido, open_pool(jido, Stubborn, name="press", size=1) as workers:
        with pytest.raises(ActionError, match="out of paper"):
            await workers.call(no)
        assert (await workers.call(no, check=False)).state.count == 0
        async with workers.map([no]) as results:
            assert [type(result) async for result in results] == [NoAnswer]
        async with workers.map([no], check=False) as results:
            assert [type(result) async for result in results] == [Answer]


async def test_users_wait_in_line_and_come_in_the_order_in_which_they_asked(autojump_clock):
    order = []

    async def use(workers: Pool[Worker], name: int) -> None:
        async with workers.agent(timeout=None):
            order.append(name)
            await trio.sleep(1)

    async with pool(size=1) as (_, workers), trio.open_nursery() as nursery:
        for name in range(5):
            nursery.start_soon(use, workers, name)
            await trio.testing.wait_all_tasks_blocked()
    assert order == [0, 1, 2, 3, 4]


async def test_who_waits_too_long_is_told_and_stands_in_line_no_more(autojump_clock):
    async with pool(size=1) as (_, workers):
        async with workers.agent():
            with pytest.raises(
                NoWorkerFree, match="all 1 workers of pool 'press' are lent, and none came back within 3 s"
            ):
                async with workers.agent(timeout=3):
                    pytest.fail("there is only one")
            assert workers.status().waiting == 0
        assert await ids_of(workers, 1) == ["press-1"]


async def test_timeout_0_asks_without_waiting(autojump_clock):
    async with pool(size=1) as (_, workers), workers.agent():
        began = trio.current_time()
        with pytest.raises(NoWorkerFree):
            async with workers.agent(timeout=0):
                pytest.fail("there is only one")
        assert trio.current_time() == began


async def test_a_user_that_is_cancelled_while_in_line_loses_no_worker(autojump_clock):
    async with pool(size=1) as (_, workers):
        async with workers.agent():
            with trio.move_on_after(1):
                await workers.call(WORK, checkout=None)
        assert (workers.status().free, workers.status().lent, workers.status().waiting) == (1, 0, 0)


async def test_a_worker_comes_back_from_a_block_that_raises(autojump_clock):
    async with pool(size=1) as (_, workers):
        with pytest.raises(KeyError):
            async with workers.agent():
                raise KeyError
        assert workers.status().free == 1


async def test_more_workers_are_started_when_all_are_lent_and_stopped_when_they_come_back(autojump_clock):
    async with pool(size=1, max_overflow=1) as (jido, workers):
        async with workers.agent(), workers.agent() as extra:
            assert (workers.status().lent, workers.status().overflow) == (2, 1)
            with pytest.raises(NoWorkerFree):
                await workers.call(WORK, checkout=0)
        assert len(jido.list_agents()) == 1
        assert extra.id == "press-2"


async def test_a_worker_that_crashes_is_restarted_and_lent_again(autojump_clock):
    async with pool(size=1) as (_, workers):
        await workers.call(WORK)
        with pytest.raises(AgentCrashed):
            await workers.call(Signal("break"))
        agent = await workers.call(WORK)
        assert (agent.id, agent.state.count) == ("press-1", 1)


async def test_a_worker_that_was_stopped_is_replaced(autojump_clock):
    async with pool(size=1) as (jido, workers):
        await jido.stop_agent("press-1")
        assert await ids_of(workers, 1) == ["press-2"]
        assert workers.status().free == 1


async def test_a_cast_is_handled_by_a_worker(autojump_clock):
    async with pool(size=1) as (_, workers):
        await workers.cast(WORK)
        assert (await workers.call(WORK)).state.count == 2


async def test_map_gives_results_in_order_each_on_its_own(autojump_clock):
    signals = [WORK, Signal("break"), Signal("nothing"), WORK]
    async with pool(size=2) as (_, workers), workers.map(signals) as results:
        seen = [result async for result in results]
    assert [type(result) for result in seen] == [Answer, NoAnswer, NoAnswer, Answer]
    errors = [result.error for result in seen if isinstance(result, NoAnswer)]
    assert [type(error) for error in errors] == [AgentCrashed, NoRoute]


async def test_map_takes_no_more_signals_than_its_reader_and_its_workers_can_take(autojump_clock):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield WORK

    async with pool(size=3) as (_, workers), workers.map(endless()) as results:
        for _ in range(10):
            await anext(results)
        await trio.testing.wait_all_tasks_blocked()
        assert taken <= 10 + 3 + 2


async def test_what_the_signals_raise_comes_after_the_results_before_it(autojump_clock):
    def two_and_a_bug():
        yield WORK
        yield WORK
        raise KeyError("no more")

    seen = []
    async with pool(size=2) as (_, workers):
        with pytest.RaisesGroup(KeyError, allow_unwrapped=True, flatten_subgroups=True):
            async with workers.map(two_and_a_bug()) as results:
                async for result in results:
                    seen.append(result)  # noqa: PERF401  # the loop raises
        assert workers.status().lent == 0
    assert len(seen) == 2


async def test_leaving_a_map_early_gives_all_workers_back(autojump_clock):
    async with pool(size=3) as (_, workers):
        async with workers.map([WORK] * 100) as results:
            await anext(results)
        assert (workers.status().free, workers.status().lent) == (3, 0)


async def test_a_pool_whose_ids_are_taken_leaves_nothing_behind(autojump_clock):
    async with Jido("shop") as jido:
        await jido.start_agent(Worker, id="press-2")
        with pytest.raises(DuplicateAgent):
            async with open_pool(jido, Worker, name="press", size=3):
                pytest.fail("it can't open")
        assert [ref.id for ref in jido.list_agents()] == ["press-2"]


@pytest.mark.parametrize("options", [{"size": 0}, {"size": True}, {"max_overflow": -1}, {"order": "lilo"}])
async def test_a_wrong_option_is_refused_by_name(options, autojump_clock):
    async with Jido("shop") as jido:
        with pytest.raises(InvalidDefinition, match=f"{next(iter(options))}=.* of pool 'press'"):
            async with open_pool(jido, Worker, name="press", **options):
                pytest.fail("it can't open")
        assert jido.list_agents() == ()


async def test_its_repr_tells_what_it_is_at(autojump_clock):
    async with pool(size=2) as (_, workers), workers.agent():
        assert repr(workers) == "<Pool 'press' 1 free, 1 lent, 0 waiting>"


class Slow(Action):
    async def run(self, context: Context[Done]) -> Result:
        await trio.sleep(3)
        return {"count": 10}


class Slowly(Agent[Done], routes={"slow": Slow}): ...


@frozen
class Hold:
    """A directive that keeps a worker busy."""


@interpret.register
async def _(directive: Hold, runtime: Runtime) -> None:
    await trio.sleep(9)


class Block(Action):
    def run(self, context: Context[Done]) -> Result:
        return Hold()


async def test_a_call_that_waits_until_all_is_settled_has_the_worker_as_long(autojump_clock):
    settled: list[Settled[Slowly]] = []
    async with (
        Jido("shop") as jido,
        open_pool(jido, Slowly, name="press", size=1) as workers,
        trio.open_nursery() as nursery,
    ):

        async def call() -> None:
            settled.append(await workers.call(Signal("slow"), until="settled"))

        nursery.start_soon(call)
        await trio.sleep(2)
        lent = workers.status().lent
        await trio.sleep(2)

    assert (lent, workers.status().lent) == (1, 0)
    assert settled[0].agent.state.count == 10


@pytest.mark.parametrize("seconds", [2, 8])
async def test_the_deadline_of_a_call_takes_the_place_of_the_timeout(autojump_clock, seconds):
    async with pool(size=1) as (_, workers):
        await workers.cast(Block())
        with pytest.raises(CallTimeout):
            await workers.call(WORK, deadline=trio.current_time() + seconds)

        assert trio.current_time() == seconds


async def test_the_deadline_of_a_call_is_for_the_wait_for_a_worker_too(autojump_clock):
    async with pool(size=1) as (_, workers), workers.agent():
        for send in (workers.call, workers.cast):
            began = trio.current_time()
            with pytest.raises(NoWorkerFree):
                await send(WORK, deadline=began + 2)

            assert trio.current_time() == began + 2


@pytest.mark.parametrize("deadline", [float("nan"), "soon", True])
async def test_a_deadline_that_is_no_time_is_refused_before_a_worker_is_lent(autojump_clock, deadline):
    async with pool(size=1) as (_, workers), workers.agent():
        for send in (workers.call, workers.cast):
            with pytest.raises(InvalidDefinition, match="deadline="):
                await send(WORK, deadline=deadline, checkout=None)


async def test_a_cast_may_have_a_deadline(autojump_clock):
    async with pool(size=1) as (jido, workers):
        await workers.cast(Block())
        await workers.cast(WORK, deadline=trio.current_time() + 1)
        await workers.cast(WORK, deadline=float("inf"))
        await trio.sleep(20)

        assert jido.ledger().expired == 1
        assert (await workers.call(WORK)).state.count == 2


async def test_a_worker_that_wants_another_of_its_pool_waits_until_the_time_is_over(autojump_clock):
    async with pool(size=1) as (_, workers), workers.agent() as worker:
        with pytest.raises(NoWorkerFree):
            await workers.call(WORK, checkout=2)

        assert trio.current_time() == 2
        assert (await worker.call(WORK)).state.count == 1


async def test_all_of_a_map_may_have_one_deadline(autojump_clock):
    async with pool(size=1) as (_, workers):
        async with workers.map([WORK, Block(), WORK, WORK], deadline=trio.current_time() + 7) as results:
            seen = [result async for result in results]

        assert [type(result) for result in seen] == [Answer, Answer, NoAnswer, NoAnswer]
        assert trio.current_time() == 7
        with pytest.raises(InvalidDefinition, match="deadline="):
            workers.map([WORK], deadline=float("nan"))


async def test_a_pool_isnt_used_after_its_block(autojump_clock):
    async with Jido() as jido:
        async with open_pool(jido, Worker, name="p", size=1) as press:
            pass
        for use in (press.call(WORK), press.cast(WORK), press.agent().__aenter__()):
            with pytest.raises(PoolClosed, match="'p'"):
                await use
        assert jido.list_agents() == ()


async def test_who_waits_or_has_a_worker_when_the_pool_is_left_is_turned_away_and_leaves_nothing(autojump_clock):
    told: list[str] = []
    async with Jido() as jido, trio.open_nursery() as nursery:

        async def use(seconds: float) -> None:
            try:
                async with press.agent(timeout=None):
                    await trio.sleep(seconds)
                told.append("used")
            except PoolClosed:
                told.append("closed")

        async with open_pool(jido, Worker, name="p", size=1) as press:
            nursery.start_soon(use, 5)
            await trio.sleep(1)
            nursery.start_soon(use, 5)
            await trio.sleep(1)
        await trio.sleep(10)
        assert told == ["closed", "used"]
        assert jido.list_agents() == ()


@pytest.mark.parametrize("name", ["", 5, None])
async def test_the_name_of_a_pool_must_be_a_text(autojump_clock, name):
    async with Jido() as jido:
        with pytest.raises(InvalidDefinition, match="name="):
            async with open_pool(jido, Worker, name=name):
                pass


async def test_a_worker_that_crashes_again_and_again_is_replaced_and_not_parked(autojump_clock):
    async with pool(size=1) as (jido, workers):
        for _ in range(101):
            with pytest.raises(AgentCrashed):
                await workers.call(Signal("break"))
        assert (await workers.call(WORK)).state.count == 1
        assert [worker.id for worker in jido.list_agents()] == ["press-2"]

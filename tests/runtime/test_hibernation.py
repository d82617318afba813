"""Hibernation: a durable agent ends with its state on disk, and goes on without folding its inputs."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio
import trio.testing

from jido_trio import AgentCrashed, InvalidDefinition, Jido, Signal
from jido_trio.errors import (
    AgentNotFound,
    AgentStopped,
    DuplicateAgent,
    OwnershipLost,
    RecordRefused,
    StorageFailed,
    Unstorable,
)
from jido_trio.runtime import AgentRef
from jido_trio.runtime._archive import archive_of
from jido_trio.storage import MemoryStorage, Op, Put, open_sqlite
from jido_trio.supervision import Backoff
from tests.runtime.durable import CHARGED, HOOKS, Holder, Large, Order, OrderState, Plain

LONG = {"notes": ["long" * 2000]}
"""A state that isn't written with each input."""


@pytest.fixture(autouse=True)
def nothing_charged():
    CHARGED.clear()
    HOOKS.clear()


class Storage(MemoryStorage):
    """Says no when it is told to, and takes its time when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails, self.seconds = False, 0.0

    async def commit(self, ops: Sequence[Op]) -> None:
        await trio.sleep(self.seconds)
        if self.fails:
            raise StorageFailed("test", "the disk is full")
        await super().commit(ops)


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


async def folded(storage: MemoryStorage, cls: Any = Large, id: str = "o-1") -> int:
    """Return how many inputs the next start has to fold."""
    past = await storage.scan(f"shop/agent/{id}/past/", f"shop/agent/{id}/past0")
    saved = await storage.get(f"shop/agent/{id}/now/agent")
    assert saved is not None
    number = archive_of(storage, "shop", id).read_snapshot(saved, cls).number
    return sum(1 for record in past if int(record.key[-16:]) > number)


async def large(jido: Jido, prices: int = 5) -> AgentRef[Any]:
    order = await jido.start_agent(Large, id="o-1", state=LONG)
    for _ in range(prices):
        await order.call(add(1))
    return order


async def test_a_hibernated_agent_is_gone_and_goes_on_when_it_thaws(tmp_path):
    async with Jido("shop", storage=open_sqlite(tmp_path / "shop.db")) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(add(5))
        await jido.hibernate(order)
        assert jido.whereis("o-1") is None
        with pytest.raises(AgentStopped):
            await order.call(add(1))
    async with Jido("shop", storage=open_sqlite(tmp_path / "shop.db")) as jido:
        assert (await jido.thaw(Order, "o-1")).agent.state == OrderState(5)


async def test_it_is_started_again_by_start_agent_too(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        await large(jido)
        await jido.hibernate("o-1")
        assert (await jido.start_agent(Large, id="o-1")).agent.state.total == 5


async def test_nothing_is_left_to_fold_of_a_large_state(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await large(jido)
        assert await folded(storage) > 0
        await jido.hibernate(order)
        assert await folded(storage) == 0


@pytest.mark.parametrize("seconds", [0, 1], ids=["while its task is there", "when it is at rest"])
async def test_nor_after_an_orderly_stop(seconds, autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await large(jido)
        await trio.sleep(seconds)
        await jido.stop_agent(order)
        assert await folded(storage) == 0
        assert (await jido.thaw(Large, "o-1")).agent.state.total == 5


async def test_nor_when_the_instance_is_left(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        await large(jido)
    assert await folded(storage) == 0


async def test_a_stop_that_comes_while_messages_wait_writes_the_state_too(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await large(jido)
        await trio.sleep(1)
        order.cast_nowait(add(1))
        await jido.stop_agent(order)
        assert await folded(storage) == 0


async def test_a_state_that_was_written_already_is_not_written_again(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(add(5))
        before = await storage.get("shop/agent/o-1/now/agent")
        await jido.hibernate(order)
        assert await storage.get("shop/agent/o-1/now/agent") == before


async def test_what_waits_is_handled_first(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await large(jido)
        for _ in range(300):
            order.cast_nowait(add(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(order.call, add(1))
            await trio.testing.wait_all_tasks_blocked()
            await jido.hibernate(order)
        assert (await jido.thaw(Large, "o-1")).agent.state.total == 306
        assert jido.dead_letters() == ()
        assert jido.ledger().balanced


async def test_a_call_that_comes_while_the_state_is_written_is_answered(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido:
        order = await large(jido)
        storage.seconds = 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.hibernate, order)
            await trio.sleep(0.5)
            assert (await order.call(add(1))).state.total == 6
        assert await folded(storage) == 0
        assert jido.whereis("o-1") is None


async def test_its_actions_with_effects_are_waited_for(autojump_clock):
    async def takes_time(_: object) -> None:
        await trio.sleep(10)

    HOOKS.append(takes_time)
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("fetch"))
        before = trio.current_time()
        await jido.hibernate(order)
        assert trio.current_time() - before == pytest.approx(10)
        assert (await jido.thaw(Order, "o-1")).agent.state.notes == ("fetched",)


async def test_several_that_hibernate_one_agent_all_return(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        await large(jido)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(jido.hibernate, "o-1")
        assert jido.list_agents() == ()


async def test_an_agent_runs_on_if_its_state_cannot_be_written(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido:
        order = await large(jido)
        storage.fails = True
        with pytest.raises(StorageFailed, match="the disk is full"):
            await jido.hibernate(order)
        storage.fails = False
        assert (await order.call(add(1))).state.total == 6
        assert order.incarnation == 1
        await jido.hibernate(order)
        assert await folded(storage) == 0


async def test_a_stop_goes_on_if_the_state_cannot_be_written_and_nothing_is_lost(autojump_clock, caplog):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido:
        order = await large(jido)
        storage.fails = True
        await jido.stop_agent(order)
        storage.fails = False
        assert (await jido.thaw(Large, "o-1")).agent.state.total == 5
    assert "its state wasn't written when it stopped" in caplog.text


async def test_a_stop_that_takes_too_long_is_cut_off_and_nothing_is_lost(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Large, id="o-1", state=LONG, shutdown=3)
        for _ in range(5):
            await order.call(add(1))
        storage.seconds, before = 100, trio.current_time()
        await jido.stop_agent(order)
        assert trio.current_time() - before == pytest.approx(3)
        storage.seconds = 0
        assert (await jido.thaw(Large, "o-1")).agent.state.total == 5


async def test_who_is_cancelled_in_time_leaves_the_agent_running(autojump_clock):
    async def takes_time(_: object) -> None:
        await trio.sleep(10)

    HOOKS.append(takes_time)
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("fetch"))
        with trio.move_on_after(1):
            await jido.hibernate(order)
        await trio.sleep(20)
        assert (await order.call(add(1))).state == OrderState(1, ("fetched",))


async def test_an_agent_that_crashes_meanwhile_hibernates_in_its_next_life(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage, on_report=lambda report: None) as jido:
        order = await large(jido)
        storage.seconds = 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.hibernate, order)
            await trio.sleep(0.5)
            with pytest.raises(AgentCrashed):
                await order.call(Signal("break"))
        assert jido.whereis("o-1") is None
        storage.seconds = 0
        assert (await jido.thaw(Large, "o-1")).agent.state.total == 5


@pytest.mark.parametrize("kill", [False, True], ids=["crashed", "killed"])
async def test_an_agent_that_pauses_before_its_restart_is_stopped_as_it_is(kill, autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1", budget=None, backoff=Backoff(first=100))
        await order.call(add(5))
        if kill:
            jido.kill_agent(order)
        else:
            with pytest.raises(AgentCrashed):
                await order.call(Signal("break"))
        before = trio.current_time()
        await jido.hibernate(order)
        assert trio.current_time() - before < 1
        assert jido.whereis("o-1") is None
        assert (await jido.thaw(Order, "o-1")).agent.state.total == 5


async def test_one_that_was_started_elsewhere_says_so(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as one, Jido("shop", storage=storage) as other:
        order = await large(one)
        await other.start_agent(Large, id="o-1")
        with pytest.raises(OwnershipLost):
            await one.hibernate(order)
        await trio.testing.wait_all_tasks_blocked()
        assert one.list_agents() == ()


async def test_an_agent_that_is_not_durable_is_refused(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        plain = await jido.start_agent(Plain, id="p-1")
        with pytest.raises(InvalidDefinition, match="agent 'p-1' of Plain isn't durable"):
            await jido.hibernate(plain)
        assert (await plain.call(add(1))).state.total == 1
        for wrong in (Plain, "Order"):
            with pytest.raises(InvalidDefinition, match="isn't durable"):
                await jido.thaw(wrong, "p-2")  # type: ignore[arg-type]


async def test_who_does_not_live_is_not_found(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        with pytest.raises(AgentNotFound, match="o-9"):
            await jido.hibernate("o-9")
        with pytest.raises(AgentNotFound, match="o-9"):
            await jido.thaw(Order, "o-9")
        assert jido.list_agents() == ()


async def test_nothing_is_written_for_who_was_never_started():
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        with pytest.raises(AgentNotFound):
            await jido.thaw(Order, "o-9")
    assert await storage.scan(" ", "\U0010ffff") == []


async def test_who_lives_can_not_be_thawed(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        await jido.start_agent(Order, id="o-1")
        with pytest.raises(DuplicateAgent):
            await jido.thaw(Order, "o-1")


async def test_without_a_storage_nothing_thaws():
    async with Jido("shop") as jido:
        with pytest.raises(InvalidDefinition, match="has no storage"):
            await jido.thaw(Order, "o-1")


async def test_a_record_that_cannot_be_read_starts_nothing_and_is_left_alone():
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        await jido.hibernate(await jido.start_agent(Order, id="o-1"))
        await storage.commit([Put("shop/agent/o-1/now/agent", b"broken")])
        with pytest.raises(RecordRefused, match="o-1/now/agent"):
            await jido.thaw(Order, "o-1")
        assert jido.list_agents() == ()
        record = await storage.get("shop/agent/o-1/now/agent")
        assert record is not None
        assert record.value == b"broken"


async def test_a_state_that_cannot_be_kept_is_told_of_and_the_agent_runs_on(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        holder = await jido.start_agent(Holder, id="h-1", state={"held": "long" * 2000})
        await holder.call(Signal("count"))
        await holder.call(Signal("hold"))
        with pytest.raises(Unstorable, match="held"):
            await jido.hibernate(holder)
        assert (await holder.call(Signal("count"))).state.count == 2
        assert holder.incarnation == 1


async def test_an_agent_of_a_partition_hibernates_and_thaws_there(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        tenant = await jido.partition("tenant")
        order = await tenant.start_agent(Order, id="o-1")
        await order.call(add(5))
        await tenant.hibernate(order)
        with pytest.raises(AgentNotFound):
            await jido.thaw(Order, "o-1")
        assert (await tenant.thaw(Order, "o-1")).agent.state.total == 5


async def test_a_watched_agent_hibernates_too(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), debug="on", on_report=lambda report: None) as jido:
        order = await large(jido)
        with pytest.raises(AgentCrashed):
            await order.call(Signal("break"))
        await jido.hibernate(order)
        assert (await jido.thaw(Large, "o-1")).agent.state.total == 5

"""Forgetting durable agents: all of it goes, in one commit, and nobody's who runs."""

import json
import socket
import subprocess
import sys

import pytest
import trio

from jido_trio import AgentNotFound, DuplicateAgent, InvalidDefinition, Jido, Signal
from jido_trio.errors import AgentLives, OwnershipLost
from jido_trio.groups import open_keyed
from jido_trio.runtime import forget_agent
from jido_trio.storage import MemoryStorage, Put, within
from tests.runtime.durable import Order


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


async def test_nothing_of_a_forgotten_agent_is_left_and_its_next_start_is_fresh(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order, neighbour = await jido.start_agent(Order, id="o-1"), await jido.start_agent(Order, id="o-10")
        await order.call(add(5))
        await order.call(Signal("later", {"seconds": 60, "text": "late", "key": "k"}))
        await neighbour.call(add(7))
        await jido.stop_agent(order)
        await jido.forget("o-1")
        assert not await storage.scan(*within("shop/agent/o-1/"))
        again = await jido.start_agent(Order, id="o-1")
        await trio.sleep(100)
        assert (again.agent.state.total, again.agent.state.notes) == (0, ())
        await jido.stop_agent(neighbour)
        assert (await jido.start_agent(Order, id="o-10")).agent.state.total == 7


async def test_one_that_runs_is_refused_and_runs_on(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1")
        with pytest.raises(AgentLives, match="instance shop has it"):
            await jido.forget(order)
        assert (await order.call(add(5))).state.total == 5


async def test_one_that_nothing_is_known_of_is_not_found(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        with pytest.raises(AgentNotFound):
            await jido.forget("nobody")
    async with Jido("shop") as jido:
        with pytest.raises(InvalidDefinition, match="has no storage"):
            await jido.forget("o-1")


async def test_one_of_another_process_that_runs_is_refused_unless_it_is_forced(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        await jido.start_agent(Order, id="o-1")
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as other:  # noqa: ASYNC220  # its end isn't waited for
        who = json.dumps({"who": f"{socket.gethostname()} {other.pid}"}).encode()
        await storage.commit([Put("shop/agent/o-1/now/owner", who)])
        with pytest.raises(AgentLives, match=f"process .*{other.pid} has it"):
            await forget_agent(storage, "shop", "o-1")
        await forget_agent(storage, "shop", "o-1", force=True)
    assert not await storage.scan(*within("shop/"))


@pytest.mark.parametrize("who", [b'{"who": "elsewhere 1"}', b'{"who": "?"}', b"nonsense", b"{}"])
async def test_whoever_had_it_does_not_matter_if_that_is_no_process_of_here(autojump_clock, who):
    storage = MemoryStorage()
    await storage.commit([Put("shop/agent/o-1/now/owner", who), Put("shop/agent/o-1/now/agent", b"broken")])
    await forget_agent(storage, "shop", "o-1")
    assert not await storage.scan(*within("shop/"))


async def test_one_that_runs_elsewhere_and_is_forgotten_by_force_stops_at_its_next_commit(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await forget_agent(storage, "shop", "o-1", force=True)
        with pytest.raises(OwnershipLost):
            await order.call(add(5))
    assert not await storage.scan(*within("shop/"))


async def test_one_that_is_started_at_the_same_moment_stays(autojump_clock):
    class Slow(MemoryStorage):
        async def get(self, key):
            found = await super().get(key)
            if key.endswith("owner") and self.meanwhile is not None:
                meanwhile, self.meanwhile = self.meanwhile, None
                await meanwhile()
            return found

        meanwhile = None

    storage = Slow()
    async with Jido("shop", storage=storage) as jido:
        await jido.stop_agent(await jido.start_agent(Order, id="o-1"))

        async def start() -> None:
            await (await jido.start_agent(Order, id="o-1")).call(add(5))

        storage.meanwhile = start
        with pytest.raises(AgentLives, match="just now"):
            await jido.forget("o-1")
        with pytest.raises(DuplicateAgent):
            await jido.start_agent(Order, id="o-1")
    assert await storage.scan(*within("shop/"))


async def test_a_keyed_agent_is_put_to_rest_and_forgotten(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido, open_keyed(jido, Order, name="orders") as orders:
        await orders.call("a", add(5))
        await orders.forget("a")
        assert not await storage.scan(*within("shop/"))
        assert (await orders.get("a")).agent.state.total == 0


async def test_a_keyed_agent_that_rests_is_forgotten_and_not_woken_for_its_schedules(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido, open_keyed(jido, Order, name="orders", idle=1) as orders:
        await orders.call("a", Signal("later", {"seconds": 60, "text": "late"}))
        await trio.sleep(10)
        assert orders.lookup("a") is None
        await orders.forget("a")
        await trio.sleep(100)
        assert orders.lookup("a") is None
        with pytest.raises(AgentNotFound):
            await orders.forget("a")


async def test_a_keyed_agent_that_was_forgotten_by_its_id_is_not_woken_for_its_schedules(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido, open_keyed(jido, Order, name="orders", idle=1) as orders:
        await orders.call("a", Signal("later", {"seconds": 60, "text": "late"}))
        await trio.sleep(10)
        await jido.forget("orders/a")
        await trio.sleep(100)
        assert not await storage.scan(*within("shop/"))


async def test_a_keyed_agent_whose_schedule_is_due_while_it_is_forgotten_stays_forgotten(autojump_clock):
    class Late(MemoryStorage):
        async def commit(self, ops):
            await trio.sleep(2)
            await super().commit(ops)

    storage = Late()
    async with Jido("shop", storage=storage) as jido, open_keyed(jido, Order, name="orders", idle=1) as orders:
        await orders.call("a", Signal("later", {"seconds": 60, "text": "late"}), timeout=None)
        await trio.sleep(59)  # it is due in one second
        assert orders.lookup("a") is None
        await orders.forget("a")
        await trio.sleep(100)
        assert not await storage.scan(*within("shop/"))


async def test_a_keyed_agent_that_is_attached_is_refused(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido, open_keyed(jido, Order, name="orders") as orders:
        async with orders.attach("a") as agent:
            with pytest.raises(AgentLives, match="a block that it is attached to"):
                await orders.forget("a")
            assert (await agent.call(add(5))).state.total == 5
        await orders.forget("a")


async def test_who_asks_for_a_key_that_is_being_forgotten_gets_a_fresh_agent(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido, open_keyed(jido, Order, name="orders") as orders:
        await orders.call("a", add(5))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(orders.forget, "a")
            await trio.testing.wait_all_tasks_blocked()
            assert (await orders.get("a")).agent.state.total == 0

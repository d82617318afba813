"""Keyed agents: one for each key, brought back when asked for, put to rest when not used, at most so many in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
import trio.testing

from jido_trio import AgentCrashed, InvalidDefinition, Jido, Signal
from jido_trio.core import Durable
from jido_trio.errors import (
    AgentNotFound,
    AgentStopped,
    CallTimeout,
    KeyedClosed,
    NoRoomForKey,
    OwnershipLost,
    RecordRefused,
    StorageFailed,
    ThawFailed,
    UpgradeFailed,
    WouldDeadlock,
)
from jido_trio.groups import Keyed, KeyedStatus, open_keyed
from jido_trio.storage import MemoryStorage, Op, Put, open_sqlite
from jido_trio.world import World, seeded
from tests.runtime.durable import HOOKS, Large, Order, OrderState, Plain
from tests.runtime.upgrades import Cents, to_cents, to_cents_of_few


@pytest.fixture(autouse=True)
def no_hooks():
    HOOKS.clear()


class Storage(MemoryStorage):
    """Takes its time, and says no, when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails, self.seconds = False, 0.0

    async def commit(self, ops: Sequence[Op]) -> None:
        await trio.sleep(self.seconds)
        if self.fails:
            raise StorageFailed("test", "the disk is full")
        await super().commit(ops)


def by_the_clock() -> World:
    """Return a world whose time of day goes on as Trio's clock does."""
    world, start = seeded(1), datetime(2026, 1, 1, tzinfo=UTC)
    return World(ids=world.ids, random=world.random, now=lambda: start + timedelta(seconds=trio.current_time()))


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


def orders(jido: Any, **options: Any) -> Any:
    return open_keyed(jido, Order, name="orders", **options)


@pytest.fixture
async def jido():
    async with Jido("shop", storage=MemoryStorage(), world=by_the_clock(), on_report=lambda report: None) as jido:
        yield jido


async def test_a_key_has_one_agent_and_another_key_another(jido, autojump_clock):
    async with orders(jido) as keyed:
        one = await keyed.get("o-1")
        assert await keyed.get("o-1") == one
        assert await keyed.get("o-2") != one
        assert one.id == "orders/o-1"


async def test_many_who_ask_at_once_get_one_agent(autojump_clock):
    storage, got = Storage(), list[Any]()
    storage.seconds = 1

    async def ask(keyed: Keyed[Order]) -> None:
        got.append(await keyed.get("o-1", state={"total": 10}))

    async with Jido("shop", storage=storage) as jido, orders(jido) as keyed:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask, keyed)
        assert len(got) == 20
        assert len(set(got)) == 1
        assert got[0].agent.state.total == 10


async def test_the_state_that_is_given_is_for_a_fresh_one(jido, autojump_clock):
    async with orders(jido) as keyed:
        assert (await keyed.get("o-1", state={"total": 10})).agent.state.total == 10
        await keyed.stop("o-1")
        assert (await keyed.get("o-1", state={"total": 99})).agent.state.total == 10


async def test_what_is_not_used_is_put_to_rest_and_comes_back_as_it_was(jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        await keyed.call("o-1", add(5))
        await trio.sleep(9.5)
        assert keyed.lookup("o-1") is not None
        await trio.sleep(1)
        assert keyed.lookup("o-1") is None
        assert jido.list_agents() == ()
        assert (await keyed.get("o-1")).agent.state.total == 5


async def test_it_comes_back_in_another_process(tmp_path):
    for total in (5, 10):
        async with Jido("shop", storage=open_sqlite(tmp_path / "shop.db")) as jido, orders(jido) as keyed:
            assert (await keyed.call("o-1", add(5))).state.total == total


@pytest.mark.parametrize("use", ["call", "call by ref", "get", "touch"])
async def test_a_use_of_it_begins_the_time_anew(use, jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        order = await keyed.get("o-1")
        for _ in range(5):
            await trio.sleep(8)
            if use == "call":
                await keyed.call("o-1", add(1))
            elif use == "call by ref":
                await order.call(add(1))
            elif use == "get":
                assert await keyed.get("o-1") == order
            else:
                keyed.touch("o-1")
        assert keyed.lookup("o-1") == order
        await trio.sleep(11)
        assert keyed.lookup("o-1") is None


async def test_to_look_it_up_is_no_use(jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        await keyed.get("o-1")
        for _ in range(3):
            await trio.sleep(4)
            keyed.lookup("o-1")
        assert keyed.lookup("o-1") is None


async def test_without_an_idle_time_it_stays(jido, autojump_clock):
    async with orders(jido, idle=None) as keyed:
        order = await keyed.get("o-1")
        await trio.sleep(80_000)
        assert keyed.lookup("o-1") == order


async def test_what_is_attached_stays_and_goes_when_the_last_block_is_left(jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        async with keyed.attach("o-1") as order:
            async with keyed.attach("o-1") as same:
                assert same == order
                await trio.sleep(100)
            await trio.sleep(100)
            assert (await order.call(add(1))).state.total == 1
            assert keyed.status().attached == 1
        await trio.sleep(9)
        assert keyed.lookup("o-1") is not None
        await trio.sleep(2)
        assert keyed.lookup("o-1") is None
        with pytest.raises(AgentStopped):
            await order.call(add(1))


async def test_a_block_that_is_left_by_an_error_or_cancelled_does_not_stay_attached(jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        with pytest.raises(ValueError, match="of the user"):
            async with keyed.attach("o-1"):
                raise ValueError("of the user")
        with trio.move_on_after(1):
            async with keyed.attach("o-1"):
                await trio.sleep_forever()
        assert keyed.status().attached == 0
        await trio.sleep(11)
        assert keyed.lookup("o-1") is None


async def test_what_has_something_to_do_is_not_put_to_rest(jido, autojump_clock):
    async def takes_time(_: object) -> None:
        await trio.sleep(100)

    HOOKS.append(takes_time)
    async with orders(jido, idle=10) as keyed:
        await keyed.call("o-1", Signal("fetch"))
        await trio.sleep(95)
        order = keyed.lookup("o-1")
        assert order is not None
        await trio.sleep(10)
        assert order.agent.state.notes == ("fetched",)
        await trio.sleep(15)
        assert keyed.lookup("o-1") is None


async def test_at_most_so_many_are_in_memory_and_the_least_recently_used_go(jido, autojump_clock):
    async with orders(jido, limit=3) as keyed:
        for key in ("a", "b", "c"):
            await keyed.call(key, add(1))
            await trio.sleep(1)
        await keyed.call("a", add(1))
        await keyed.get("d")
        assert keyed.status().keys == ("a", "c", "d")
        await keyed.get("e")
        assert keyed.status().keys == ("a", "d", "e")
        assert (await keyed.get("b")).agent.state.total == 1


async def test_thousand_keys_with_ten_in_memory(jido, autojump_clock):
    async def use(keyed: Keyed[Order], start: int) -> None:
        for number in range(start, 1000, 10):
            await keyed.call(f"key {number}", add(number), timeout=None)
            assert len(jido.list_agents()) <= 10

    async with orders(jido, limit=10) as keyed:
        async with trio.open_nursery() as nursery:
            for start in range(10):
                nursery.start_soon(use, keyed, start)
        for number in range(0, 1000, 37):
            assert (await keyed.get(f"key {number}")).agent.state.total == number
        assert keyed.status().in_memory == 10
    assert jido.list_agents() == ()


async def test_if_all_are_attached_who_asks_waits_until_one_is_free(jido, autojump_clock):
    async with orders(jido, limit=1) as keyed, trio.open_nursery() as nursery:

        async def hold() -> None:
            async with keyed.attach("a"):
                await trio.sleep(3)

        nursery.start_soon(hold)
        await trio.testing.wait_all_tasks_blocked()
        before = trio.current_time()
        await keyed.get("b")
        assert trio.current_time() - before == pytest.approx(3)


@pytest.mark.parametrize("seconds", [0, 2])
async def test_if_none_is_free_in_time_it_says_so(seconds, jido, autojump_clock):
    async with orders(jido, limit=1) as keyed, keyed.attach("a"):
        before = trio.current_time()
        with pytest.raises(NoRoomForKey, match=f"no room for key 'b' of 'orders': 1 .* within {seconds} s") as caught:
            await keyed.get("b", timeout=seconds)
        assert trio.current_time() - before == seconds
        assert caught.value.attached == 1
        assert keyed.status().waiting == 0
        assert keyed.status().keys == ("a",)


async def test_who_waits_for_room_and_is_cancelled_takes_none(jido, autojump_clock):
    async with orders(jido, limit=1) as keyed:
        async with keyed.attach("a"):
            with trio.move_on_after(1):
                await keyed.get("b", timeout=None)
        await keyed.get("c")
        assert keyed.status().keys == ("c",)


async def test_who_waits_for_room_comes_in_the_order_of_asking(jido, autojump_clock):
    came: list[str] = []

    async def ask(key: str) -> None:
        await keyed.get(key, timeout=None)
        came.append(key)

    async with orders(jido, limit=1) as keyed, trio.open_nursery() as nursery, keyed.attach("a"):
        for key in "bcde":
            nursery.start_soon(ask, key)
            await trio.testing.wait_all_tasks_blocked()
    assert came == list("bcde")


async def test_who_asks_while_it_is_put_to_rest_waits_and_gets_it_back(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido, open_keyed(jido, Large, name="orders", idle=10) as keyed:
        for _ in range(5):
            await keyed.call("o-1", add(1), timeout=None)
        order = await keyed.get("o-1", state={"notes": ["long" * 2000]})
        await order.call(Signal("note", {"text": "long" * 2000}))
        await order.call(add(1))
        storage.seconds = 2
        await trio.sleep(11)
        assert keyed.lookup("o-1") is None
        again = await keyed.get("o-1")
        assert again != order
        assert again.agent.state.total == 6


async def test_to_stop_a_key_puts_it_to_rest_at_once(jido, autojump_clock):
    async with orders(jido) as keyed:
        await keyed.call("o-1", add(5))
        async with keyed.attach("o-1"):
            await keyed.stop("o-1")
        assert jido.list_agents() == ()
        with pytest.raises(AgentNotFound, match="orders/o-1"):
            await keyed.stop("o-1")
        assert (await keyed.get("o-1")).agent.state.total == 5


async def test_several_that_stop_a_key_all_return(jido, autojump_clock):
    async with orders(jido) as keyed:
        await keyed.get("o-1")
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(keyed.stop, "o-1")
        assert keyed.status().in_memory == 0


async def test_who_asks_for_one_whose_stop_was_cancelled_gets_one_that_answers(jido, autojump_clock):
    async def takes_time(_: object) -> None:
        await trio.sleep(3)

    HOOKS.append(takes_time)
    async with orders(jido) as keyed, trio.open_nursery() as nursery:
        await keyed.call("a", add(1))
        await keyed.call("b", Signal("pay", {"amounts": [1]}))
        nursery.start_soon(jido.stop_agent, "orders/b")  # the supervisor is busy with it
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(1):
            await keyed.stop("a")
        order = await keyed.get("a")
        assert (await order.call(add(1))).state.total == 2
        assert keyed.lookup("a") == order


async def test_one_that_ends_by_itself_or_by_others_frees_its_place(jido, autojump_clock):
    async with orders(jido, limit=1) as keyed:
        order = await keyed.get("a")
        await jido.stop_agent(order)
        assert keyed.status() == KeyedStatus("orders", 0, 1, 0, 0, ())
        await keyed.get("b", timeout=0)


async def test_a_crash_leaves_it_where_it_was(jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        order = await keyed.get("o-1")
        await order.call(add(5))
        with pytest.raises(AgentCrashed):
            await keyed.call("o-1", Signal("break"))
        assert await keyed.get("o-1") == order
        assert order.agent.state.total == 5
        await trio.sleep(11)
        assert keyed.lookup("o-1") is None


async def test_a_record_that_cannot_be_used_starts_nothing_and_the_error_names_the_key(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido, orders(jido, limit=1) as keyed:
        await keyed.call("o-1", add(5))
        await keyed.stop("o-1")
        broken = Put("shop/agent/orders%2Fo-1/now/agent", b"broken")
        await storage.commit([broken])
        before = await storage.scan(" ", "\U0010ffff")
        for _ in range(2):
            with pytest.raises(ThawFailed, match="the agent of key 'o-1' of 'orders'") as caught:
                await keyed.get("o-1", state={"total": 1})
            assert isinstance(caught.value.__cause__, RecordRefused)
        assert await storage.scan(" ", "\U0010ffff") == before
        assert keyed.status().in_memory == 0
        await keyed.get("o-2", timeout=0)


async def test_a_storage_that_fails_is_told_of_and_the_next_who_asks_tries_again(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido, orders(jido) as keyed:
        storage.fails = True
        with pytest.raises(ThawFailed, match="the disk is full"):
            await keyed.get("o-1")
        storage.fails = False
        assert (await keyed.call("o-1", add(5))).state.total == 5


async def test_one_whose_state_cannot_be_written_runs_on_and_is_tried_again(autojump_clock, caplog):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido, open_keyed(jido, Large, name="orders", idle=10) as keyed:
        order = await keyed.get("o-1", state={"notes": ["long" * 2000]})
        for _ in range(3):
            await order.call(add(1))
        storage.fails = True
        await trio.sleep(15)
        assert keyed.lookup("o-1") == order
        assert "key 'o-1' can't be put to rest, and runs on" in caplog.text
        storage.fails = False
        assert (await order.call(add(1))).state.total == 4
        await trio.sleep(15)
        assert keyed.lookup("o-1") is None
        assert (await keyed.get("o-1")).agent.state.total == 4


async def test_who_is_cancelled_while_it_comes_leaves_it_to_the_next(autojump_clock):
    storage = Storage()
    storage.seconds = 5
    async with Jido("shop", storage=storage) as jido, orders(jido, limit=1) as keyed, trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            async with trio.open_nursery() as inner:
                inner.start_soon(keyed.get, "o-1")
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(keyed.get, "o-1")
        await trio.sleep(20)
        assert keyed.lookup("o-1") is not None


async def test_leaving_the_block_puts_all_to_rest(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        async with open_keyed(jido, Large, name="orders") as keyed:
            for key in "abc":
                await (await keyed.get(key, state={"notes": ["long" * 2000]})).call(add(5))
        assert jido.list_agents() == ()
        for call in (keyed.get("a"), keyed.call("a", add(1)), keyed.cast("a", add(1))):
            with pytest.raises(KeyedClosed, match="orders"):
                await call
        assert [(await jido.thaw(Large, f"orders/{key}")).agent.state.total for key in "abc"] == [5, 5, 5]


async def test_what_does_not_come_to_rest_in_time_is_stopped(jido, autojump_clock):
    async def takes_time(_: object) -> None:
        await trio.sleep(1000)

    HOOKS.append(takes_time)
    async with orders(jido, shutdown=10) as keyed:
        await keyed.call("a", Signal("fetch"))
        await keyed.call("b", add(5))
        before = trio.current_time()
    assert 10 <= trio.current_time() - before <= 16
    assert jido.list_agents() == ()
    assert (await jido.thaw(Order, "orders/b")).agent.state.total == 5


async def test_what_leaves_the_block_is_raised_plainly(jido, autojump_clock):
    async def use() -> None:
        async with orders(jido) as keyed:
            await keyed.get("a")
            raise ValueError("of the user")

    with pytest.raises(ValueError, match="of the user"):
        await use()
    assert jido.list_agents() == ()


async def test_a_block_that_is_cancelled_puts_all_to_rest(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        with trio.move_on_after(5) as scope:
            async with open_keyed(jido, Large, name="orders") as keyed:
                await (await keyed.get("a", state={"notes": ["long" * 2000]})).call(add(5))
                await trio.sleep_forever()
        assert scope.cancelled_caught
        assert jido.list_agents() == ()
        assert (await jido.thaw(Large, "orders/a")).agent.state.total == 5


async def test_a_storage_that_fails_at_the_end_is_told_of_and_nothing_is_lost(autojump_clock, caplog):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido:
        async with open_keyed(jido, Large, name="orders") as keyed:
            order = await keyed.get("a", state={"notes": ["long" * 2000]})
            for _ in range(3):
                await order.call(add(5))
            storage.fails = True
        assert jido.list_agents() == ()
        assert "key 'a' is stopped as it is" in caplog.text
        storage.fails = False
        assert (await jido.thaw(Large, "orders/a")).agent.state.total == 15


async def test_a_schedule_brings_back_an_agent_that_rests(jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        await keyed.call("a", Signal("later", {"seconds": 100, "text": "soon"}))
        await keyed.call("a", Signal("later", {"seconds": 300, "text": "late"}))
        await trio.sleep(50)
        assert keyed.lookup("a") is None
        await trio.sleep(55)
        order = keyed.lookup("a")
        assert order is not None
        assert order.agent.state.notes == ("soon",)
        await trio.sleep(100)
        assert keyed.lookup("a") is None
        await trio.sleep(100)
        assert (await keyed.get("a")).agent.state.notes == ("soon", "late")


async def test_one_that_cannot_be_brought_back_for_its_schedule_is_told_of_and_tried_again(autojump_clock, caplog):
    storage = Storage()
    world = by_the_clock()
    async with Jido("shop", storage=storage, world=world) as jido, orders(jido, idle=10) as keyed:
        await keyed.call("a", Signal("later", {"seconds": 100, "text": "soon"}))
        await trio.sleep(50)
        storage.fails = True
        await trio.sleep(55)
        assert "key 'a' of 'orders' could not be brought back" in caplog.text
        storage.fails = False
        await trio.sleep(61)
        order = keyed.lookup("a")
        assert order is not None
        assert order.agent.state.notes == ("soon",)


async def test_a_signal_of_a_durable_agent_brings_back_an_agent_that_rests(jido, autojump_clock):
    async with orders(jido, idle=10) as keyed:
        await keyed.call("a", add(1))
        await trio.sleep(11)
        sender = await jido.start_agent(Order, id="sender")
        await sender.call(Signal("forward", {"to": "orders/a", "price": 5}))
        await trio.sleep(1)
        order = keyed.lookup("a")
        assert order is not None
        assert order.agent.state.total == 6
        assert jido.dead_letters() == ()


async def test_two_groups_on_one_storage_are_apart(jido, autojump_clock):
    async with orders(jido) as keyed, open_keyed(jido, Order, name="others") as others:
        await keyed.call("a", add(1))
        assert (await others.call("a", add(5))).state.total == 5


async def test_a_name_is_for_one_group_and_free_when_it_was_left(jido, autojump_clock):
    async with orders(jido):
        with pytest.raises(InvalidDefinition, match="name='orders' is taken"):
            async with orders(jido):
                pass
    async with orders(jido) as keyed:
        await keyed.get("a")


async def test_a_group_in_a_partition_keeps_its_agents_there(jido, autojump_clock):
    tenant = await jido.partition("tenant")
    async with orders(jido) as keyed, orders(tenant, idle=10) as theirs:
        await keyed.call("a", add(1))
        await theirs.call("a", add(5))
        assert [ref.id for ref in tenant.list_agents()] == ["orders/a"]
        await trio.sleep(11)
        assert (await theirs.get("a")).agent.state.total == 5
        assert (await keyed.get("a")).agent.state.total == 1


KEYS = ["a/b", "a b", "..", "/", "%2F", "\0", "\n", "é" * 60, "\U0001f600", "key " * 60, "None", " "]


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
async def test_any_text_is_a_key(key, jido, autojump_clock):
    async with orders(jido) as keyed:
        await keyed.call(key, add(5))
        await keyed.stop(key)
        assert (await keyed.get(key)).agent.state.total == 5
        assert keyed.status().keys == (key,)


@pytest.mark.parametrize("key", ["", 5, None, b"a", ("a", 1), "\ud800"], ids=range(6))
async def test_what_is_no_key_is_refused(key, jido, autojump_clock):
    async with orders(jido) as keyed:
        with pytest.raises(InvalidDefinition, match=r"key=.* must be a text that is not empty"):
            await keyed.get(key)
        assert keyed.status().in_memory == 0


async def test_a_key_that_is_too_long_is_refused_and_takes_no_room(jido, autojump_clock):
    async with orders(jido, limit=1) as keyed:
        with pytest.raises(InvalidDefinition, match="too long for a durable agent"):
            await keyed.get("k" * 1000)
        await keyed.get("a", timeout=0)


async def test_a_state_that_does_not_fit_is_refused_and_takes_no_room(jido, autojump_clock):
    async with orders(jido, limit=1) as keyed:
        with pytest.raises(InvalidDefinition, match="total"):
            await keyed.get("a", state={"total": "much"})
        assert (await keyed.get("a", timeout=0)).agent.state == OrderState()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"name": ""}, "name=''"),
        ({"name": "a/b"}, "name='a/b'"),
        ({"name": 5}, "name=5"),
        ({"agent": Plain}, "declared with durable=True"),
        ({"agent": "Order"}, "declared with durable=True"),
        ({"idle": 0}, "idle"),
        ({"idle": "60"}, "idle"),
        ({"limit": 0}, "limit"),
        ({"limit": 2.5}, "limit"),
        ({"shutdown": -1}, "shutdown"),
        ({"restart": "always"}, "restart"),
    ],
    ids=str,
)
async def test_options_that_are_wrong_are_refused(options, what, jido, autojump_clock):
    wanted = {"agent": Order, "name": "orders"} | options
    with pytest.raises(InvalidDefinition, match=what):
        async with open_keyed(jido, wanted.pop("agent"), **wanted):
            pass
    async with orders(jido):
        pass


async def test_a_timeout_that_is_none_is_refused(jido, autojump_clock):
    async with orders(jido) as keyed:
        with pytest.raises(InvalidDefinition, match="timeout"):
            await keyed.get("a", timeout=-1)


async def test_without_a_storage_the_first_who_asks_is_told():
    async with Jido("shop") as jido, orders(jido) as keyed:
        with pytest.raises(InvalidDefinition, match="has no storage"):
            await keyed.get("a")


async def test_one_that_was_started_elsewhere_is_free_here(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido, orders(jido) as keyed, Jido("shop", storage=storage) as other:
        await keyed.get("a")
        await other.start_agent(Order, id="orders/a")
        with pytest.raises(OwnershipLost):
            await keyed.call("a", add(1))
        await trio.testing.wait_all_tasks_blocked()
        assert keyed.status().in_memory == 0


class InCents(Cents, vsn="2", durable=Durable(migrations={None: to_cents}, formerly=[Order])):
    """What orders become."""


class Failing(Cents, vsn="2", durable=Durable(migrations={None: to_cents_of_few}, formerly=[Order])):
    """What large orders can't become."""


async def test_all_of_them_become_ones_of_another_class_those_that_rest_when_they_are_brought_back(
    jido, autojump_clock
):
    async with orders(jido) as keyed:
        for key in ("up", "resting"):
            await keyed.call(key, add(5))
        await keyed.stop("resting")
        up = await keyed.get("up")
        renewed = await keyed.upgrade(InCents)
        assert renewed is keyed
        assert await renewed.get("up") == up
        assert up.agent.state.cents == 500
        assert (await renewed.call("resting", add(1))).state.cents == 600
        assert isinstance((await renewed.get("new")).agent, InCents)
        assert await renewed.upgrade(InCents) is keyed


async def test_what_comes_while_they_are_upgraded_is_upgraded_too(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido, orders(jido) as keyed:
        await keyed.call("a", add(1))
        storage.seconds = 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keyed.get, "b")
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(keyed.upgrade, InCents)
            await trio.sleep(0.5)
            nursery.start_soon(keyed.get, "c")
        for key in "abc":
            assert isinstance((await keyed.get(key)).agent, InCents)


async def test_one_that_is_coming_when_none_is_up_is_upgraded_too(autojump_clock):
    storage = Storage()
    async with Jido("shop", storage=storage) as jido, orders(jido) as keyed:
        storage.seconds = 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keyed.get, "b")
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(keyed.upgrade, InCents)
        assert isinstance((await keyed.get("b")).agent, InCents)


async def test_if_one_cannot_become_one_of_the_other_class_all_stay_as_they_were(jido, autojump_clock):
    async with orders(jido) as keyed:
        await keyed.call("small", add(1))
        await keyed.call("large", add(1000))
        with pytest.raises(UpgradeFailed):
            await keyed.upgrade(Failing)
        await keyed.stop("small")
        assert (await keyed.call("small", add(1))).state.total == 2
        assert (await keyed.call("large", add(1))).state.total == 1001


async def upgraded_in_part(keyed: Keyed[Order]) -> None:
    """Have "a" be one of the new class, and "b", which is busy, not."""

    async def takes_long(_: object) -> None:
        await trio.sleep(10)

    HOOKS.append(takes_long)
    for key in "ab":
        await keyed.call(key, add(5))
    await keyed.cast("b", Signal("pay", {"amounts": [1]}))
    await trio.sleep(1)
    with trio.move_on_after(1):
        await keyed.upgrade(InCents)
    assert isinstance((await keyed.get("a")).agent, InCents)
    assert isinstance((await keyed.get("b")).agent, Order)


async def test_after_an_upgrade_that_was_cancelled_each_comes_back(jido, autojump_clock):
    async with orders(jido) as keyed:
        await upgraded_in_part(keyed)
        await keyed.stop("a")
        await keyed.stop("b")
        a, b = [(await keyed.get(key)).agent for key in "ab"]
        assert (a.state.cents, b.state.cents) == (500, 600)


async def test_an_upgrade_that_was_cancelled_can_be_done_again(jido, autojump_clock):
    async with orders(jido) as keyed:
        await upgraded_in_part(keyed)
        await keyed.stop("a")
        assert isinstance((await keyed.get("a")).agent, InCents)
        await keyed.upgrade(InCents)
        assert isinstance((await keyed.get("b")).agent, InCents)


async def test_one_that_the_instance_has_upgraded_comes_back_as_such(jido, autojump_clock):
    async with orders(jido) as keyed:
        await keyed.call("a", add(5))
        await jido.upgrade(Order, InCents)
        await keyed.stop("a")
        assert (await keyed.get("a")).agent.state.cents == 500


@pytest.mark.parametrize(
    ("new", "what"), [(Cents, r"formerly=\[Order\]"), (Plain, "durable=True"), (5, "durable=True")]
)
async def test_a_class_that_they_cannot_become_is_refused(new, what, jido, autojump_clock):
    async with orders(jido) as keyed:
        await keyed.get("a")
        with pytest.raises(InvalidDefinition, match=what):
            await keyed.upgrade(new)


async def test_an_agent_cannot_stop_itself_by_its_key(jido, autojump_clock):
    refused: list[str] = []

    async def stops_itself(_: object) -> None:
        with pytest.raises(WouldDeadlock):
            await keyed.stop("a")
        refused.append("a")

    HOOKS.append(stops_itself)
    async with orders(jido) as keyed:
        await keyed.call("a", Signal("pay", {"amounts": [1]}))
        await trio.sleep(1)
        assert refused == ["a"]
        assert (await keyed.call("a", add(1))).state.total == 2


async def test_its_repr_says_how_many_are_in_memory(jido, autojump_clock):
    async with orders(jido) as keyed:
        await keyed.get("a")
        assert repr(keyed) == "<Keyed 'orders' 1 in memory>"


async def test_a_call_may_have_a_deadline_and_wait_until_all_is_settled(jido, autojump_clock):
    async with orders(jido) as keyed:
        settled = await keyed.call("o-1", add(5), deadline=trio.current_time() + 1, until="settled")
        assert settled.agent.state.total == 5
        with pytest.raises(CallTimeout):
            await keyed.call("o-1", add(5), deadline=trio.current_time())
        with pytest.raises(InvalidDefinition, match="deadline="):
            await keyed.call("o-2", add(5), deadline=float("nan"))
        assert keyed.lookup("o-2") is None


async def test_one_whose_storage_was_away_holds_no_place_and_is_brought_back(autojump_clock):
    storage = Storage()
    async with (
        Jido("shop", storage=storage, on_report=lambda _: None) as jido,
        open_keyed(jido, Order, name="orders", limit=1) as orders,
    ):
        await orders.call("a", add(1))
        storage.fails = True
        with pytest.raises(AgentCrashed):
            await orders.call("a", add(1))
        await trio.sleep(1)
        assert orders.status().in_memory == 0
        storage.fails = False
        assert (await orders.call("b", add(1))).state.total == 1
        assert (await orders.call("a", add(1))).state.total == 2

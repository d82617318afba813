"""`jido.upgrade`: agents that run go on as agents of another class, between two messages."""

from typing import Any

import pytest
import trio
import trio.testing
from attrs import frozen

from jido_trio import Action, Agent, Context, Jido, Result, Signal, SpawnAgent
from jido_trio.core import Durable
from jido_trio.errors import (
    AgentNotFound,
    InvalidDefinition,
    RecordRefused,
    StorageFailed,
    StorageUnknown,
    UpgradeFailed,
    WouldDeadlock,
)
from jido_trio.runtime import AgentRef, Runtime, get_children, interpret, read_journal, wait_state
from jido_trio.runtime._durable import DurableServer
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import Backoff, Budget
from tests.runtime.durable import HOOKS, ROUTES, Add, Careful, Order, OrderState, Plain
from tests.runtime.upgrades import AddCents, Cents, CentsState, Few, Stranded, to_cents


class PlainCents(Agent[CentsState], vsn="2", routes={**ROUTES, "add": AddCents}):
    """Orders in cents, not durable."""


class AddTwice(Add):
    def run(self, context: Context[OrderState]) -> Result:
        return {"total": context.state.total + 2 * self.price}


class PlainTwice(Plain, routes={**ROUTES, "add": AddTwice}, after_crash="committed", max_handle_time=3.0):
    """The same state, and other code."""


class OrderAgain(Order, vsn="2", durable=Durable(formerly=Order, effects="at_least_once")):
    """The same state, and what an order becomes."""


@pytest.fixture(autouse=True)
def _no_hooks():
    HOOKS.clear()
    yield
    HOOKS.clear()


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


KINDS = pytest.mark.parametrize(("old", "new"), [(Plain, PlainCents), (Order, Cents)], ids=["in memory", "durable"])


def jido(storage: MemoryStorage | None = None, **options) -> Jido:
    return Jido("shop", storage=storage or MemoryStorage(), **options)


@KINDS
async def test_an_agent_goes_on_as_one_of_another_class(autojump_clock, old, new):
    async with jido() as shop:
        order = await shop.start_agent(old, id="o-1", state={"total": 1})
        other = await shop.start_agent(Careful, id="c-1")
        await order.call(add(2))
        (ref,) = await shop.upgrade(old, new, migrate=to_cents)
        assert (await ref.call(add(4))).state == CentsState(700)
        assert (type(order.agent), type(other.agent)) == (new, Careful)
        assert ref == order


@KINDS
async def test_a_life_after_the_upgrade_begins_as_the_new_class(autojump_clock, old, new):
    async with jido(on_report=lambda _: None) as shop:
        order = await shop.start_agent(old, id="o-1", state={"total": 1})
        await order.call(add(2))
        await shop.upgrade(old, new, migrate=to_cents)
        await order.cast(Signal("break"))
        await trio.sleep(1)
        assert order.inspect().incarnation == 2
        began = CentsState(100) if old is Plain else CentsState(300)
        assert order.agent.state == began


@KINDS
async def test_messages_wait_and_none_is_lost(autojump_clock, old, new):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)
    async with jido() as shop, trio.open_nursery() as nursery:
        order = await shop.start_agent(old, id="o-1")
        answers = []

        async def ask(price):
            answers.append((await order.call(add(price), timeout=None)).state)

        await order.cast(Signal("pay", {"amounts": [1]}))
        await trio.testing.wait_all_tasks_blocked()
        for price in (2, 3):
            nursery.start_soon(ask, price)
            await trio.testing.wait_all_tasks_blocked()
        refs = list[AgentRef[Any]]()

        async def upgrade():
            refs.extend(await shop.upgrade(old, new, migrate=to_cents))

        nursery.start_soon(upgrade)
        await trio.sleep(1)
        assert (type(order.agent), refs, answers) == (old, [], [])
        gate.set()
        await trio.sleep(1)
        assert sorted(answer.cents for answer in answers) == [300, 600]
        assert refs == [order]
        ledger = shop.ledger()
        assert (ledger.accepted, ledger.handled) == (3, 3)


@frozen
class Family:
    born: int = 0


class Child(Agent[Family], routes={}): ...


class Bear(Action):
    def run(self, context: Context[Family]) -> Result:
        return {"born": context.state.born + 1}, [SpawnAgent(Child, "kid", id="kid")]


class Parent(Agent[Family], routes={"bear": Bear}): ...


class NewParent(Parent, vsn="2"): ...


async def test_children_stay(autojump_clock):
    async with jido() as shop:
        parent = await shop.start_agent(Parent, id="p")
        await parent.call(Signal("bear"))
        kid = shop.whereis("kid")
        await shop.upgrade(Parent, NewParent)
        assert shop.whereis("kid") == kid
        assert list(get_children(parent)) == ["kid"]
        assert type(parent.agent) is NewParent


@KINDS
async def test_timers_stay_and_fire_into_the_new_class(autojump_clock, old, new):
    async with jido() as shop:
        order = await shop.start_agent(old, id="o-1")
        await order.call(Signal("later", {"seconds": 10, "text": "late"}))
        await shop.upgrade(old, new, migrate=to_cents)
        await trio.sleep(11)
        assert order.agent.state.notes == ("late",)


@KINDS
async def test_an_async_action_that_runs_ends_in_the_new_class(autojump_clock, old, new):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)
    async with jido() as shop:
        order = await shop.start_agent(old, id="o-1")
        await order.cast(Signal("fetch"))
        await trio.testing.wait_all_tasks_blocked()
        await shop.upgrade(old, new, migrate=to_cents)
        gate.set()
        agent = await wait_state(order, lambda state: bool(state.notes))
        assert agent.state.notes == ("fetched",)
        assert type(order.agent) is new


@KINDS
async def test_old_and_new_live_beside_each_other_when_one_is_upgraded(autojump_clock, old, new):
    async with jido() as shop:
        one, two = [await shop.start_agent(old, id=id, state={"total": 1}) for id in ("o-1", "o-2")]
        await shop.upgrade(old, new, agent="o-1", migrate=to_cents)
        assert (type(one.agent), type(two.agent)) == (new, old)
        assert (await two.call(add(1))).state.total == 2
        await shop.upgrade(old, new, agent=two, migrate=to_cents)
        assert two.agent.state == CentsState(200)


@KINDS
async def test_a_migration_that_fails_leaves_all_of_them_as_they_were_and_tells_which(autojump_clock, old, new):
    def fragile(fields):
        if fields["total"] > 5:
            raise ValueError("too much")
        return to_cents(fields)

    async with jido() as shop:
        one, two = [await shop.start_agent(old, id=f"o-{total}", state={"total": total}) for total in (1, 9)]
        with pytest.raises(UpgradeFailed, match="'o-9', as ValueError: too much") as failed:
            await shop.upgrade(old, new, migrate=fragile)
        assert (dict(failed.value.failed), failed.value.upgraded) == ({"o-9": "ValueError: too much"}, ())
        assert (type(one.agent), type(two.agent)) == (old, old)
        assert (await two.call(add(1))).state.total == 10


@KINDS
async def test_a_state_that_has_become_one_that_cannot_be_brought_over_stays_while_the_others_go(
    autojump_clock, old, new
):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)

    def fragile(fields):
        if fields["total"] > 5:
            raise ValueError("too much")
        return to_cents(fields)

    async with jido() as shop, trio.open_nursery() as nursery:
        one, two = [await shop.start_agent(old, id=id) for id in ("o-1", "o-2")]
        await one.cast(Signal("pay", {"amounts": [1]}))
        await trio.testing.wait_all_tasks_blocked()

        async def upgrade():
            with pytest.raises(UpgradeFailed) as failed:
                await shop.upgrade(old, new, migrate=CountDown(fragile, one))
            assert (list(failed.value.failed), failed.value.upgraded) == (["o-1"], ("o-2",))

        class CountDown:
            """It fails for one agent from its second time on, as if its state had changed meanwhile."""

            def __init__(self, migrate, cell):
                self.migrate, self.seen = migrate, 0

            def __call__(self, fields):
                self.seen += fields["total"] == 1
                if fields["total"] == 1 and self.seen > 1:
                    raise ValueError("too much")
                return self.migrate(fields)

        nursery.start_soon(upgrade)
        await trio.testing.wait_all_tasks_blocked()
        gate.set()
        await trio.sleep(1)
        assert (type(one.agent), type(two.agent)) == (old, new)
        assert (await one.call(add(1))).state.total == 2


async def test_without_a_way_to_the_new_state_it_is_refused(autojump_clock):
    async with jido() as shop:
        await shop.start_agent(Order, id="o-1")
        with pytest.raises(UpgradeFailed, match="its state is a OrderState"):
            await shop.upgrade(Order, Stranded)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (Plain, Plain, "twice"),
        (Plain, Order, "only Order is durable"),
        (Order, Plain, "only Order is durable"),
        (Plain, "Cents", "must be a class of agents"),
        (Agent, Plain, "must be a class of agents"),
        (Order, type("Local", (Order,), {}), "isn't found again by its name"),
    ],
)
async def test_classes_that_do_not_go_together_are_refused(autojump_clock, old, new, why):
    async with jido() as shop:
        await shop.start_agent(Plain, id="o-1")
        with pytest.raises(InvalidDefinition, match=why):
            await shop.upgrade(old, new)


async def test_an_agent_that_is_not_there_or_of_another_class_is_refused(autojump_clock):
    async with jido() as shop:
        await shop.start_agent(Order, id="o-1")
        with pytest.raises(AgentNotFound):
            await shop.upgrade(Plain, PlainTwice, agent="nobody")
        with pytest.raises(InvalidDefinition, match="agent 'o-1' is one of Order, not of Plain"):
            await shop.upgrade(Plain, PlainTwice, agent="o-1")
        assert await shop.upgrade(Plain, PlainTwice) == ()


async def test_what_the_new_class_says_of_crashes_and_time_holds_unless_the_start_said_otherwise(autojump_clock):
    async with jido(on_report=lambda _: None) as shop:
        one: AgentRef[Any] = await shop.start_agent(Plain, id="o-1")
        two = await shop.start_agent(Plain, id="o-2", max_handle_time=7.0)
        await shop.upgrade(Plain, PlainTwice)
        assert (one._cell.max_handle_time, two._cell.max_handle_time) == (3.0, 7.0)
        await one.call(add(2))
        await one.cast(Signal("break"))
        await trio.sleep(1)
        assert one.agent.state.total == 4
        await shop.upgrade(PlainTwice, PlainCents, migrate=to_cents)
        await one.cast(Signal("break"))
        await trio.sleep(1)
        assert one.agent.state == CentsState()


@KINDS
async def test_an_agent_between_two_lives_is_upgraded_too(autojump_clock, old, new):
    async with jido(on_report=lambda _: None) as shop:
        order = await shop.start_agent(old, id="o-1", state={"total": 1}, backoff=Backoff(first=10))
        await order.cast(Signal("break"))
        await trio.sleep(1)
        assert order.inspect().at == "down"
        (ref,) = await shop.upgrade(old, new, migrate=to_cents)
        assert (await ref.call(add(1), timeout=None)).state == CentsState(200)


async def test_a_parked_agent_is_upgraded_in_memory_and_named_if_it_is_durable(autojump_clock):
    async with jido(on_report=lambda _: None) as shop:
        refs = list[AgentRef[Any]]()
        budget = Budget(max_restarts=0, max_seconds=5, exhausted="park")
        for id, old in {"p": Plain, "d": Order}.items():
            ref: AgentRef[Any] = await shop.start_agent(old, id=id, state={"total": 1}, budget=budget)
            refs.append(ref)
            await ref.cast(Signal("break"))
        await trio.sleep(1)
        await shop.upgrade(Plain, PlainCents, migrate=to_cents)
        with pytest.raises(UpgradeFailed, match="it is parked; resume it, or stop it"):
            await shop.upgrade(Order, Cents)
        for ref in refs:
            await shop.resume_agent(ref)
        states: list[object] = [(await ref.call(add(1))).state for ref in refs]
        assert states == [CentsState(200), OrderState(2)]


@KINDS
async def test_an_agent_that_stops_meanwhile_is_passed_over(autojump_clock, old, new):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)
    async with jido() as shop, trio.open_nursery() as nursery:
        order = await shop.start_agent(old, id="o-1")
        await order.cast(Signal("pay", {"amounts": [1]}))
        await trio.testing.wait_all_tasks_blocked()
        refs = [order]

        async def upgrade():
            refs[:] = await shop.upgrade(old, new, migrate=to_cents)

        nursery.start_soon(upgrade)
        await trio.testing.wait_all_tasks_blocked()
        await shop.stop_agent("o-1")
        await trio.sleep(1)
        assert refs == []


@KINDS
async def test_an_upgrade_that_is_cancelled_leaves_the_agent_that_was_busy_as_it_was(autojump_clock, old, new):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)
    async with jido() as shop:
        order = await shop.start_agent(old, id="o-1")
        await order.cast(Signal("pay", {"amounts": [1]}))
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(1) as scope:
            await shop.upgrade(old, new, migrate=to_cents)
        assert scope.cancelled_caught
        gate.set()
        await trio.sleep(1)
        assert type(order.agent) is old


@frozen
class Upgrade:
    """Have the instance be upgraded by one of its own agents."""


@interpret.register
async def _(directive: Upgrade, runtime: Runtime) -> None:
    await UPGRADES[0]()


UPGRADES: list[Any] = []


class Renew(Action):
    def run(self, context: Context[OrderState]) -> Result:
        return Upgrade()


class Renewing(Plain, routes={"renew": Renew}): ...


async def test_an_agent_cannot_wait_for_its_own_upgrade(autojump_clock):
    seen = []
    async with jido() as shop:
        order = await shop.start_agent(Renewing, id="o-1")

        async def upgrade():
            try:
                await shop.upgrade(Renewing, PlainTwice)
            except WouldDeadlock as error:
                seen.append(error.path)

        UPGRADES[:] = [upgrade]
        await order.cast(Signal("renew"))
        await trio.sleep(1)
    assert seen == [("o-1", "o-1")]


async def test_a_killed_life_is_followed_by_one_that_is_upgraded(autojump_clock):
    gate = trio.Event()

    async def hold(_):
        await gate.wait()

    HOOKS.append(hold)
    async with jido(on_report=lambda _: None, on_dead_directive=lambda _: None) as shop, trio.open_nursery() as nursery:
        order: AgentRef[Any] = await shop.start_agent(Plain, id="o-1")
        await order.cast(Signal("pay", {"amounts": [1]}))
        await trio.testing.wait_all_tasks_blocked()

        async def upgrade():
            await shop.upgrade(Plain, PlainCents, migrate=to_cents)

        nursery.start_soon(upgrade)
        await trio.testing.wait_all_tasks_blocked()
        shop.kill_agent("o-1")
        await trio.sleep(1)
        assert order.agent.state == CentsState()


# What is on disk


async def test_what_was_upgraded_is_started_as_the_new_class_and_no_more_as_the_old(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(2))
        await shop.upgrade(Order, Cents)
        await order.call(add(3))
    async with jido(storage) as shop:
        with pytest.raises(RecordRefused, match=r"an agent of class tests\.runtime\.upgrades:Cents, not of"):
            await shop.start_agent(Order, id="o-1")
        assert (await shop.start_agent(Cents, id="o-1")).agent.state == CentsState(500)
    journal = await read_journal(storage, "shop", "o-1")
    assert (journal.number, journal.begin.state, journal.at().state) == (1, CentsState(200), CentsState(500))


async def test_one_that_did_not_run_is_brought_over_when_it_is_started_as_the_new_class(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(2))
    async with jido(storage) as shop:
        with pytest.raises(RecordRefused, match=r"not of tests\.runtime\.upgrades:Cents"):
            await shop.start_agent(Cents, id="o-1")
    options = Durable(formerly=["tests.runtime.durable:Order"], migrations={None: dict})
    OrderAgain.durable, before = options, OrderAgain.durable
    try:
        async with jido(storage) as shop:
            order = await shop.start_agent(OrderAgain, id="o-1")
            assert (await order.call(add(3))).state.total == 5
        assert (await read_journal(storage, "shop", "o-1")).number == 1
    finally:
        OrderAgain.durable = before


@pytest.mark.parametrize("given", [7, [7], "Order", ["Order"]])
def test_what_was_formerly_another_class_is_said(given):
    with pytest.raises(InvalidDefinition, match="must be classes of agents"):
        Durable(formerly=given)


async def test_the_effects_of_the_new_class_follow_its_own_policy(autojump_clock):
    async with jido() as shop:
        order = await shop.start_agent(Order, id="o-1")
        await shop.upgrade(Order, OrderAgain)
        assert isinstance(order._cell, DurableServer)
        assert order._cell._open_book().options is OrderAgain.durable


class Failing(MemoryStorage):
    """A storage whose next commit of a snapshot fails, having been done or not."""

    error: Exception | None = None
    done = False

    async def commit(self, ops) -> None:
        error = self.error
        if error is not None and any("/base/" in getattr(op, "key", "") for op in ops):
            self.error = None
            if self.done:
                await super().commit(ops)
            raise error
        await super().commit(ops)


async def test_a_disk_that_says_no_leaves_the_old_one_serving(autojump_clock):
    storage = Failing()
    async with jido(storage) as shop:
        order: AgentRef[Any] = await shop.start_agent(Order, id="o-1")
        await order.call(add(2))
        storage.error = StorageFailed("shop.db", "the disk is full")
        with pytest.raises(UpgradeFailed, match="the disk is full"):
            await shop.upgrade(Order, Cents)
        assert (await order.call(add(3))).state == OrderState(5)
        await shop.upgrade(Order, Cents)
        assert (await order.call(add(1))).state == CentsState(600)


@pytest.mark.parametrize("done", [True, False])
async def test_where_nobody_knows_the_end_of_the_commit_the_next_life_sees_which_class_it_is_of(autojump_clock, done):
    storage = Failing()
    async with jido(storage, on_report=lambda _: None) as shop:
        order = await shop.start_agent(Order, id="o-1")
        await order.call(add(2))
        storage.done, storage.error = done, StorageUnknown("shop.db", "it broke off")
        (ref,) = await shop.upgrade(Order, Cents)
        assert (await ref.call(add(3))).state == CentsState(500)
        assert order.inspect().incarnation == 2
    async with jido(storage) as shop:
        assert (await shop.start_agent(Cents, id="o-1")).agent.state == CentsState(500)


async def test_a_migration_that_fails_in_the_first_place_changes_nothing_on_disk(autojump_clock):
    storage = MemoryStorage()
    async with jido(storage) as shop:
        await shop.start_agent(Order, id="o-1", state={"total": 500})
        before = dict(storage._records)
        with pytest.raises(UpgradeFailed, match="too much: 500"):
            await shop.upgrade(Order, Few)
        assert storage._records == before


async def test_partitions_are_upgraded_apart(autojump_clock):
    async with jido() as shop:
        tenant = await shop.partition("t")
        inner, outer = await tenant.start_agent(Plain, id="o-1"), await shop.start_agent(Plain, id="o-1")
        await tenant.upgrade(Plain, PlainTwice)
        assert (type(inner.agent), type(outer.agent)) == (PlainTwice, Plain)

"""Durable agents: what outlives a stop, a crash, another start; and what is refused."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
import trio.testing
from attrs import frozen

from jido_trio import Agent, AgentCrashed, DeadLetter, InvalidDefinition, Jido, Signal, SpawnAgent
from jido_trio.core import Durable
from jido_trio.errors import CallTimeout, OwnershipLost, RecordRefused, StorageCorrupt, StorageFailed
from jido_trio.runtime import get_children, wait_state
from jido_trio.runtime._archive import Archive
from jido_trio.runtime._durable import LINGER
from jido_trio.runtime._inbox import Inbox
from jido_trio.runtime._messages import Kept
from jido_trio.runtime._ref import cell_of
from jido_trio.storage import Delete, MemoryStorage, Put, open_sqlite, within
from jido_trio.supervision import Backoff
from jido_trio.world import seeded
from tests.runtime.agents import Notebook, do
from tests.runtime.durable import (
    CHARGED,
    HOOKS,
    Careful,
    Forgetful,
    Holder,
    HolderState,
    Large,
    Order,
    OrderState,
    Plain,
)


@pytest.fixture(autouse=True)
def nothing_charged():
    CHARGED.clear()
    HOOKS.clear()


async def takes_ten_seconds(_: object) -> None:
    await trio.sleep(10)


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


async def test_an_order_goes_on_where_it_was(tmp_path):
    async with Jido("shop", storage=open_sqlite(tmp_path / "shop.db")) as jido:
        order = await jido.start_agent(Order, id="o-1")
        assert (await order.call(add(5))).state.total == 5
        await order.cast(add(2))
    async with Jido("shop", storage=open_sqlite(tmp_path / "shop.db")) as jido:
        order = await jido.start_agent(Order, id="o-1")
        assert (await order.call(add(1))).state.total == 8


async def test_it_begins_fresh_under_another_id_and_another_instance(tmp_path):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        await (await jido.start_agent(Order, id="o-1")).call(add(5))
        other = await jido.start_agent(Order, id="o-2", state={"total": 100})
        assert (await other.call(add(1))).state.total == 101
    async with Jido("other shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        assert order.agent.state == OrderState()


@pytest.mark.parametrize(
    "signal", [add(1), Signal("pay", {"amounts": [1]})], ids=["without directives", "with an effect"]
)
async def test_records_that_another_writes_without_having_claimed_the_agent_are_refused(signal, autojump_clock):
    storage, letters, reports = MemoryStorage(), list[DeadLetter](), list[Any]()
    async with Jido("shop", storage=storage, on_report=reports.append, on_dead_letter=letters.append) as jido:
        order = await jido.start_agent(Order, id="o-1", budget=None, backoff=Backoff(first=10))
        await order.call(add(5))
        await storage.commit([Put("shop/agent/o-1/past/0000000000000002", b"{}")])
        with pytest.raises(AgentCrashed, match="another has changed it"):
            await order.call(signal, timeout=None)
        await trio.sleep(11)

        assert [report.failure.type.rpartition(".")[2] for report in reports[:2]] == ["Conflict", "RecordRefused"]
        assert order.agent.state.total == 5
    assert CHARGED == []


async def test_without_a_storage_it_is_refused_and_says_what_to_give():
    async with Jido("shop") as jido:
        with pytest.raises(InvalidDefinition, match=r"no storage: give it one, Jido\(storage=open_sqlite"):
            await jido.start_agent(Order, id="o-1")
        assert jido.whereis("o-1") is None


def test_what_is_no_storage_is_refused():
    with pytest.raises(InvalidDefinition, match="is no storage"):
        Jido("shop", storage="shop.db")  # type: ignore[arg-type]


def test_what_durable_may_be_is_said():
    with pytest.raises(InvalidDefinition, match="must be True, False, or Durable"):

        class Wrong(Agent[OrderState], durable="yes"): ...  # type: ignore[arg-type]


@frozen
class Nested:
    names: Mapping[str, Callable[[], str]]


@frozen
class Live:
    told: Callable[[int], None]
    nested: tuple[Nested, ...] = ()
    fine: Mapping[str, list[OrderState] | datetime | Any] = {}


def test_a_state_whose_types_show_that_it_cannot_be_kept_is_refused_with_each_path():
    said = r"functions can't be kept @ told; functions can't be kept @ nested\.names\. Hold plain data"
    with pytest.raises(InvalidDefinition, match=said):

        class Wrong(Agent[Live], durable=True): ...


async def test_an_agent_class_that_is_not_found_again_is_refused():
    class Hidden(Agent[OrderState], durable=True): ...

    async with Jido("shop", storage=MemoryStorage()) as jido:
        with pytest.raises(InvalidDefinition, match="isn't found again by its name"):
            await jido.start_agent(Hidden)


async def test_a_storage_that_cannot_be_opened_is_what_entering_raises(tmp_path):
    path = tmp_path / "diary.txt"
    path.write_text("my diary\n" * 1000)
    with pytest.raises(StorageCorrupt):
        async with Jido("shop", storage=open_sqlite(path)):
            pytest.fail("it is no storage")


async def test_a_crash_loses_nothing_that_was_answered(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(add(5))
        with pytest.raises(AgentCrashed, match="a bug"):
            await order.call(Signal("break"))
        assert (await order.call(add(1))).state.total == 6
        assert order.incarnation == 2


async def test_a_signal_that_crashed_the_agent_is_a_dead_letter_and_does_not_come_again(autojump_clock):
    storage = MemoryStorage()
    letters: list[DeadLetter] = []
    shop = Jido("shop", storage=storage, on_report=lambda report: None, on_dead_letter=letters.append)
    async with shop as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.cast(Signal("break"))
        await order.call(add(1))
        assert [(letter.signal.type, letter.crash) for letter in letters] == [("break", "RuntimeError: a bug")]
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        assert (await order.call(add(1))).state.total == 2
        assert order.incarnation == 1
        assert not jido.dead_letters()


async def test_what_came_before_the_crash_in_the_same_commit_stays(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for signal in (add(1), add(2), Signal("break"), add(4)):
            order.cast_nowait(signal)
        assert (await order.call(add(8))).state.total == 15


async def test_a_signal_is_handled_once_however_often_it_is_sent(autojump_clock):
    storage = MemoryStorage()
    five = add(5)
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.cast(five)
        await order.cast(five)
        assert (await order.call(five)).state.total == 5
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        assert (await order.call(five)).state.total == 5


async def test_an_id_is_forgotten_after_so_many_others(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Forgetful, id="o-1")
        five, six = add(5), add(6)
        await order.call(five)
        await order.call(six)
        assert (await order.call(six)).state.total == 11
        assert (await order.call(five)).state.total == 16


async def test_what_is_cast_is_on_disk_when_cast_returns(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        HOOKS.append(takes_ten_seconds)
        await order.cast(Signal("pay", {"amounts": [1]}))
        await trio.sleep(1)  # it is at the charge, and handles nothing meanwhile
        await order.cast(add(5))
        (waiting,) = await storage.scan(*within("shop/agent/o-1/now/inbox/"))
        assert b'"price":5' in waiting.value
        await wait_state(order, lambda state: state.total == 6)
        assert not await storage.scan(*within("shop/agent/o-1/now/inbox/"))


async def test_a_cast_waits_for_place(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1", mailbox_size=1)
        HOOKS.append(takes_ten_seconds)
        await order.cast(Signal("pay", {"amounts": [1]}))
        await trio.sleep(1)
        await order.cast(add(5))
        with trio.move_on_after(2) as patience:
            await order.cast(add(6))
        assert patience.cancelled_caught
        assert (await order.call(add(7), timeout=20)).state.total == 13


async def test_signals_between_durable_agents_are_one_commit_with_what_led_to_them(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        one = await jido.start_agent(Order, id="o-1")
        two = await jido.start_agent(Order, id="o-2")
        await one.call(Signal("forward", {"to": "o-2", "price": 7}))
        await wait_state(two, lambda state: state.total == 7)


async def test_a_signal_for_a_durable_agent_that_does_not_run_waits_for_its_start(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        one = await jido.start_agent(Order, id="o-1")
        two = await jido.start_agent(Order, id="o-2")
        await jido.stop_agent(two)
        await one.call(Signal("forward", {"to": "o-2", "price": 7}))
        await one.call(Signal("forward", {"to": "o-2", "price": 8}))
        two = await jido.start_agent(Order, id="o-2")
        await wait_state(two, lambda state: state.total == 15)
        assert not jido.dead_letters()


async def test_a_signal_for_nobody_is_a_dead_letter_and_for_others_it_goes_by_memory(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_dead_letter=lambda letter: None) as jido:
        one = await jido.start_agent(Order, id="o-1")
        plain = await jido.start_agent(Plain, id="p-1")
        await one.call(Signal("forward", {"to": "nobody", "price": 7}))
        await one.call(Signal("forward", {"to": "p-1", "price": 7}))
        await wait_state(plain, lambda state: state.total == 7)
        assert [letter.agent_id for letter in jido.dead_letters()] == ["nobody"]
        assert jido.ledger().balanced


async def test_directives_are_carried_out_in_order_each_with_a_key_of_its_own(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("pay", {"amounts": [1, 2]}))
        await order.call(Signal("pay", {"amounts": [3]}))
        await trio.testing.wait_all_tasks_blocked()
    assert [amount for amount, _ in CHARGED] == [1, 2, 3]
    assert len({key for _, key in CHARGED}) == 3


async def test_nothing_is_left_on_disk_of_what_is_done(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("pay", {"amounts": [1, 2]}))
        await order.call(Signal("fetch"))
        await wait_state(order, lambda state: state.notes == ("fetched",))
    left = [record.key for record in await storage.scan(*within("shop/agent/o-1/now/"))]
    assert left == ["shop/agent/o-1/now/agent", "shop/agent/o-1/now/owner"]


class Death(BaseException):
    """The end of a process, in a test."""


async def dies(storage, agent, *signals) -> None:
    """Run until a hook dies, as a process would: nothing is written from then on."""
    dead = DyingStorage(storage)

    async def die(_: object) -> None:
        if len(CHARGED) == 1 or not any(signal.type == "pay" for signal in signals):
            dead.dead = True
            raise Death

    HOOKS.append(die)

    async def run() -> None:
        async with Jido("shop", storage=dead, on_report=lambda report: None) as jido:
            order = await jido.start_agent(agent, id="o-1")
            for signal in signals:
                await order.call(signal)
            await trio.sleep(5)

    with pytest.raises((Death, BaseExceptionGroup)):
        await run()
    HOOKS.clear()


class DyingStorage(MemoryStorage):
    """Writes nothing more once it is dead."""

    def __init__(self, other: MemoryStorage) -> None:
        super().__init__()
        self._records, self._keys, self.dead = other._records, other._keys, False

    async def commit(self, ops) -> None:
        if self.dead:
            raise StorageFailed("test", "it is dead")
        await super().commit(ops)


async def test_after_a_death_an_effect_is_done_or_unknown_or_not_started(autojump_clock):
    storage = MemoryStorage()
    await dies(storage, Order, Signal("pay", {"amounts": [1, 2, 3]}))
    assert [amount for amount, _ in CHARGED] == [1]
    async with Jido("shop", storage=storage, on_dead_letter=lambda letter: None) as jido:
        await jido.start_agent(Order, id="o-1")
        await trio.sleep(1)
        assert [amount for amount, _ in CHARGED] == [1, 3]
        (letter,) = jido.dead_letters()
        assert "Charge(amount=2); whether that was done isn't known" in letter.reason
    async with Jido("shop", storage=storage) as jido:
        await jido.start_agent(Order, id="o-1")
        await trio.sleep(1)
        assert not jido.dead_letters()
    assert [amount for amount, _ in CHARGED] == [1, 3]


async def test_the_same_effect_of_an_agent_that_begins_anew_has_another_key(autojump_clock):
    for _ in range(2):
        async with Jido("shop", storage=MemoryStorage()) as jido:
            order = await jido.start_agent(Order, id="o-1")
            await order.call(Signal("pay", {"amounts": [1]}), until="settled")
    assert [amount for amount, _ in CHARGED] == [1, 1]
    assert len({key for _, key in CHARGED}) == 2


async def test_effects_that_may_be_done_again_are_done_again_with_the_same_key(autojump_clock):
    storage = MemoryStorage()
    await dies(storage, Careful, Signal("pay", {"amounts": [1, 2, 3]}))
    async with Jido("shop", storage=storage) as jido:
        await jido.start_agent(Careful, id="o-1")
        await trio.sleep(1)
    assert [amount for amount, _ in CHARGED] == [1, 2, 3]
    assert [key.split("/")[-2] for _, key in CHARGED] == [f"{1:016d}.000{n}" for n in range(3)]


async def test_an_action_that_was_running_comes_back_as_interrupted(autojump_clock, caplog):
    storage = MemoryStorage()
    await dies(storage, Order, Signal("fetch"))
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await trio.sleep(1)
        assert order.agent.state.notes == ()
    assert "cut off when its agent died" in caplog.text


async def test_an_idempotent_action_that_was_running_is_run_again(autojump_clock):
    storage = MemoryStorage()
    await dies(storage, Order, Signal("fetch", {"again": True}))
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await wait_state(order, lambda state: state.notes == ("fetched",))


async def test_a_schedule_outlives_the_process_and_fires_once(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("later", {"seconds": 0.0, "text": "now"}))
        await order.call(Signal("later", {"seconds": 1000, "text": "in a while"}))
        await wait_state(order, lambda state: state.notes == ("now",))
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await wait_state(order, lambda state: state.notes == ("now", "in a while"), timeout=2000)
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await trio.sleep(2000)
        assert order.agent.state.notes == ("now", "in a while")


async def test_a_schedule_that_was_missed_fires_at_the_start(autojump_clock):
    storage, start = MemoryStorage(), datetime(2026, 1, 1, tzinfo=UTC)
    async with Jido("shop", storage=storage, world=seeded(1, start)) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("later", {"seconds": 1000, "text": "missed"}))
    async with Jido("shop", storage=storage, world=seeded(1, start + timedelta(days=1))) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await wait_state(order, lambda state: state.notes == ("missed",), timeout=1)


async def test_schedules_that_were_missed_fire_in_the_order_of_their_times(autojump_clock):
    storage, start = MemoryStorage(), datetime(2026, 1, 1, tzinfo=UTC)
    async with Jido("shop", storage=storage, world=seeded(1, start)) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for seconds in (3000, 1000, 2000):
            await order.call(Signal("later", {"seconds": seconds, "text": f"after {seconds} s"}))
    async with Jido("shop", storage=storage, world=seeded(1, start + timedelta(days=1))) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await wait_state(order, lambda state: len(state.notes) == 3, timeout=1)
        assert order.agent.state.notes == ("after 1000 s", "after 2000 s", "after 3000 s")


async def test_a_cancelled_schedule_never_fires(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("later", {"seconds": 10, "text": "never", "key": "k"}))
        await order.call(Signal("cancel", {"key": "k"}))
        await trio.sleep(20)
        assert order.agent.state.notes == ()
    assert not await storage.scan(*within("shop/agent/o-1/now/timer/"))


async def test_a_schedule_with_a_key_takes_the_place_of_the_one_before(autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(Signal("later", {"seconds": 10, "text": "first", "key": "k"}))
        await order.call(Signal("later", {"seconds": 20, "text": "second", "key": "k"}))
        await trio.sleep(30)
        assert order.agent.state.notes == ("second",)


async def test_of_two_that_start_an_agent_the_first_loses_it_and_says_so(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as one, Jido("shop", storage=storage) as other:
        first = await one.start_agent(Order, id="o-1")
        await first.call(add(1))
        second = await other.start_agent(Order, id="o-1")
        assert (await second.call(add(2))).state.total == 3
        with pytest.raises(OwnershipLost, match="started elsewhere"):
            await first.call(add(4))
        with pytest.raises(OwnershipLost):
            await first.cast(add(4))
        assert not first.running
        assert (await second.call(add(8))).state.total == 11


async def test_without_the_check_of_the_owner_one_that_has_lost_its_agent_would_take_signals(
    autojump_clock, monkeypatch
):
    async def write(self: Archive, ops) -> None:
        await self._storage.commit(tuple(ops))

    monkeypatch.setattr(Archive, "write", write)
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as one, Jido("shop", storage=storage) as other:
        first = await one.start_agent(Order, id="o-1")
        second = await other.start_agent(Order, id="o-1")
        await first.cast(add(4))  # accepted, and `second` will never hear of it
        await trio.sleep(1)
        assert second.agent.state.total == 0


async def test_one_that_has_lost_its_agent_hears_of_it_at_a_cast_too(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as one, Jido("shop", storage=storage) as other:
        first = await one.start_agent(Order, id="o-1")
        second = await other.start_agent(Order, id="o-1")
        with pytest.raises(OwnershipLost):
            await first.cast(add(4))
        assert (await second.call(add(8))).state.total == 8


async def test_a_signal_that_comes_as_the_task_of_the_agent_stops_waiting_is_handled_once_and_by_one_task(
    autojump_clock,
):
    async with Jido("shop", storage=SlowStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1")
        cell = cell_of(order)
        for number in range(1, 4):
            await order.call(add(1))
            await trio.testing.wait_all_tasks_blocked()
            cell.instance.timers.after(LINGER, lambda: order.cast_nowait(Signal("pay", {"amounts": [1]})))
            await trio.sleep(LINGER + 0.5)
            order.cast_nowait(add(1))
            await trio.sleep(10)
            assert order.agent.state.total == 3 * number
        assert order.incarnation == 1
    assert [amount for amount, _ in CHARGED] == [1, 1, 1]


async def test_a_signal_that_another_owner_has_handled_in_between_is_not_handled_again(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(add(1))
        inbox = cell_of(order).kept(Inbox)
        assert inbox is not None
        inbox.arrive(Kept(add(2), inbox.archive.next_inbox()))  # its record was taken out before it came here
        await trio.sleep(1)
        assert order.agent.state.total == 1
        assert (await order.call(add(4))).state.total == 5


class SlowStorage(MemoryStorage):
    """Takes a second for each commit."""

    async def commit(self, ops) -> None:
        await trio.sleep(1)
        await super().commit(ops)


@pytest.mark.parametrize("signal", [add(1), Signal("pay", {"amounts": [1]})], ids=["state", "effect"])
async def test_one_that_has_lost_its_agent_and_notices_at_a_commit_stops_at_once(signal, autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as one, Jido("shop", storage=storage) as other:
        first = await one.start_agent(Order, id="o-1")
        await other.start_agent(Order, id="o-1")
        begin = trio.current_time()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def waits() -> None:
                with pytest.raises(OwnershipLost):
                    await wait_state(first, lambda _: False, timeout=None)

            await trio.testing.wait_all_tasks_blocked()
            first.cast_nowait(signal)
        assert not first.running
        assert trio.current_time() == begin


async def test_a_storage_that_fails_loses_no_message_that_was_accepted(autojump_clock):
    storage = FailingStorage()
    async with Jido("shop", storage=storage, on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1", backoff=Backoff(first=1))
        await order.cast(add(1))
        await order.call(add(2))
        await order.cast(add(4))
        storage.failures = 2
        with pytest.raises(AgentCrashed, match="no space left"):
            await order.call(add(8))
        assert (await order.call(add(16))).state.total == 23


class AwayStorage(MemoryStorage):
    """Is away at times, as the server of a database that is killed."""

    away = False

    def _check(self) -> None:
        if self.away:
            raise StorageFailed("test", "connection refused")

    async def get(self, key):
        self._check()
        return await super().get(key)

    async def scan(self, start, end, limit=1000):
        self._check()
        return await super().scan(start, end, limit)

    async def commit(self, ops) -> None:
        self._check()
        await super().commit(ops)


async def test_while_the_storage_is_away_calls_and_casts_are_told_and_an_agent_with_a_backoff_comes_back(
    autojump_clock,
):
    storage = AwayStorage()
    async with Jido("shop", storage=storage, on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1", backoff=Backoff(first=1))
        await order.call(add(1))
        storage.away = True
        with pytest.raises(AgentCrashed, match="connection refused"):
            await order.call(add(2))
        with pytest.raises(CallTimeout):  # its next life waits for the storage, and the call for that
            await order.call(add(4), timeout=0.5)
        order.cast_nowait(add(8))
        await trio.sleep(20)
        storage.away = False
        await trio.sleep(20)
        assert order.agent.state.total == 9
        await order.cast(add(16))
        assert (await order.call(add(32))).state.total == 57


async def test_while_the_storage_is_away_an_agent_without_a_backoff_is_parked_and_its_messages_wait(autojump_clock):
    storage = AwayStorage()
    async with Jido("shop", storage=storage, on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(add(1))
        storage.away = True
        order.cast_nowait(add(8))
        await trio.sleep(20)
        storage.away = False
        await trio.sleep(20)
        assert order.agent.state.total == 1
        await jido.resume_agent("o-1")
        assert (await order.call(add(16))).state.total == 25


class FailingStorage(MemoryStorage):
    """Fails a number of times."""

    failures = 0

    async def commit(self, ops) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageFailed("test", "no space left on device")
        await super().commit(ops)


async def test_a_record_of_another_version_or_class_is_refused_and_left_alone(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        await (await jido.start_agent(Order, id="o-1")).call(add(1))
        await jido.stop_agent("o-1")
        with pytest.raises(RecordRefused, match=r"shop/agent/o-1/now/agent.*class tests\.runtime\.durable:Order, not"):
            await jido.start_agent(Careful, id="o-1")
        order = await jido.start_agent(Order, id="o-1")
        assert order.agent.state.total == 1


@pytest.mark.parametrize("key", ["now/agent", "past/0000000000000001"])
async def test_a_record_that_cannot_be_read_is_refused_and_nothing_begins_anew(autojump_clock, key):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        await (await jido.start_agent(Large, id="o-1", state={"notes": ["long" * 2000]})).call(add(1))
        await jido.stop_agent("o-1")
        await storage.commit([Put(f"shop/agent/o-1/{key}", b"{torn")])
        with pytest.raises(RecordRefused, match=f"shop/agent/o-1/{key}.*Nothing was changed"):
            await jido.start_agent(Large, id="o-1")
        assert jido.whereis("o-1") is None
        torn = await storage.get(f"shop/agent/o-1/{key}")
        assert torn is not None
        assert torn.value == b"{torn"


async def test_what_cannot_be_kept_is_refused_with_its_path_and_nothing_is_committed(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        order = await jido.start_agent(Holder, id="o-1")
        with pytest.raises(AgentCrashed, match=r"\.held: a value of class"):
            await order.call(Signal("hold"))
        assert order.agent.state.held is None


async def test_what_came_before_what_cannot_be_kept_in_the_same_commit_stays(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        order = await jido.start_agent(Holder, id="o-1")
        for signal in (Signal("count"), Signal("count"), Signal("hold"), Signal("count")):
            order.cast_nowait(signal)
        assert (await order.call(Signal("count"))).state == HolderState(count=4)
        assert [letter.signal.type for letter in jido.dead_letters()] == ["hold"]
        assert order.incarnation == 2
        assert jido.ledger().balanced


async def test_an_agent_with_a_large_state_is_folded_from_its_snapshot(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Large, id="o-1", state={"notes": ["long" * 2000]})
        for price in range(25):
            await order.call(add(price))
        snapshot = await storage.get("shop/agent/o-1/now/agent")
        assert snapshot is not None
        assert snapshot.revision == 1 + 1 + 2  # the first, one as the size wasn't known yet, and each tenth
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Large, id="o-1")
        assert order.agent.state.total == sum(range(25))


class Watched(MemoryStorage):
    """Knows which records were read together."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def scan(self, start, end, limit=1000):
        found = await super().scan(start, end, limit)
        self.seen += [record.key for record in found]
        return found


NOTED = "shop/agent/o-1/now/ids"


async def remembering(storage: MemoryStorage) -> tuple[Signal, ...]:
    """Return what an agent has handled: many inputs whose ids were noted together, and some later ones."""
    signals = tuple(add(1) for _ in range(105))
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call_many(signals[:100])
        for signal in signals[100:]:
            await order.call(signal)
    return signals


async def known_by(agent: type[Agent[Any]], storage: MemoryStorage, signals: tuple[Signal, ...]) -> int:
    """Return how many of the signals a start knows again."""
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(agent, id="o-1")
        total: int = order.agent.state.total
        await order.call_many(signals)
        changed: int = order.agent.state.total - total
        return len(signals) - changed


async def test_a_start_reads_the_ids_that_were_noted_together_and_the_inputs_after_them():
    storage = Watched()
    signals = await remembering(storage)
    storage.seen.clear()
    assert await known_by(Order, storage, signals) == 105
    assert len([key for key in storage.seen if "/past/" in key]) == 5
    assert await known_by(Order, storage, (add(1),)) == 0


class Oblivious(Order, durable=Durable(remembers=0)):
    """It remembers no ids."""


async def test_a_start_of_one_that_remembers_no_ids_reads_no_inputs():
    storage = Watched()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Oblivious, id="o-1")
        for _ in range(5):
            await order.call(add(1))
    storage.seen.clear()
    async with Jido("shop", storage=storage) as jido:
        await jido.start_agent(Oblivious, id="o-1")
    assert [key for key in storage.seen if "/past/" in key] == []


async def test_a_start_reads_the_ids_in_the_inputs_where_they_were_not_noted():
    storage = MemoryStorage()
    signals = await remembering(storage)
    await storage.commit([Delete(NOTED)])
    assert await known_by(Order, storage, signals) == 105


async def test_a_class_that_remembers_more_than_was_noted_reads_the_inputs():
    storage = MemoryStorage()
    signals = await remembering(storage)
    noted = await storage.get(NOTED)
    assert noted is not None
    fields = json.loads(noted.value)
    assert fields["remembers"] == 256
    few = {**fields, "remembers": 2, "signals": fields["signals"][-2:]}
    await storage.commit([Put(NOTED, json.dumps(few).encode())])
    assert await known_by(Order, storage, signals) == 105


@pytest.mark.parametrize("value", [b"{torn", b"[]", b"{}", b'{"number":true,"remembers":1,"signals":[],"ticks":[]}'])
async def test_noted_ids_that_cannot_be_read_are_refused(value):
    storage = MemoryStorage()
    await remembering(storage)
    await storage.commit([Put(NOTED, value)])
    async with Jido("shop", storage=storage) as jido:
        with pytest.raises(RecordRefused, match=NOTED):
            await jido.start_agent(Order, id="o-1")


async def test_the_journal_is_cut_where_less_history_is_wanted(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Forgetful, id="o-1")
        for price in range(200):
            await order.call(add(price))
    left = await storage.scan(*within("shop/agent/o-1/past/"))
    assert 3 <= len(left) <= 6
    assert left[-1].key.endswith("0200")


async def test_a_kill_between_two_messages_loses_nothing(autojump_clock):
    async with Jido("shop", storage=MemoryStorage(), on_report=lambda report: None) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(add(1))
        jido.kill_agent(order)
        await order.cast(add(2))
        assert (await order.call(add(4))).state.total == 7
        assert order.incarnation == 2


async def test_the_ledger_balances_after_all_of_it(autojump_clock):
    async with Jido(
        "shop", storage=MemoryStorage(), on_report=lambda report: None, on_dead_letter=lambda letter: None
    ) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for signal in (add(1), Signal("break"), Signal("fetch"), Signal("unknown"), Signal("pay", {"amounts": [1]})):
            await order.cast(signal)
            order.cast_nowait(add(1))
        await trio.sleep(1)
        ledger = jido.ledger()
        assert ledger.balanced
        assert ledger.waiting == 0
        assert ledger.dead_lettered == 2


class Slow(MemoryStorage):
    """A storage that takes a second for its next commit, or for its next look at a record."""

    slow = ""

    async def _wait(self, what: str) -> None:
        if self.slow == what:
            self.slow = ""
            await trio.sleep(1)

    async def commit(self, ops) -> None:
        await self._wait("commit")
        await super().commit(ops)

    async def get(self, key):
        await self._wait("get")
        return await super().get(key)


@pytest.mark.parametrize("slow", ["commit", "get"])
async def test_a_message_that_waits_to_be_committed_by_itself_is_not_lost_when_its_life_is_killed(autojump_clock, slow):
    storage, answers = Slow(), list[int]()
    async with Jido("shop", storage=storage, on_report=lambda _: None) as jido, trio.open_nursery() as nursery:
        order = await jido.start_agent(Order, id="o-1")
        await jido.start_agent(Order, id="o-2")
        await jido.stop_agent("o-2")
        storage.slow = slow
        order.cast_nowait(Signal("add", {"price": 5}, id="s-1"))

        async def forward() -> None:
            agent = await order.call(Signal("forward", {"to": "o-2", "price": 7}), timeout=None)
            answers.append(agent.state.total)

        nursery.start_soon(forward)
        await trio.sleep(0.5)
        jido.kill_agent("o-1")
        await trio.sleep(5)
        assert (order.agent.state.total, answers) == (6, [6])
        other = await jido.start_agent(Order, id="o-2")
        await trio.sleep(1)
        assert other.agent.state.total == 7
        ledger = jido.ledger()
        assert (ledger.accepted, ledger.waiting) == (ledger.handled, 0)


class SlowlyReadStorage(MemoryStorage):
    """Takes a second for each answer."""

    async def scan(self, start: str, end: str, limit: int = 1000) -> Any:
        await trio.sleep(1)
        return await super().scan(start, end, limit)


@pytest.mark.parametrize("how", ["stop_agent", "hibernate"])
async def test_one_that_is_stopped_while_its_start_reads_has_ended_when_that_returns(how, autojump_clock):
    async with Jido("shop", storage=SlowlyReadStorage()) as jido, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: jido.start_agent(Order, id="o-1"))
        await trio.sleep(0.5)
        await getattr(jido, how)("o-1")
        assert jido.whereis("o-1") is None
        await trio.sleep(10)
        assert jido.list_agents() == ()


@pytest.mark.parametrize(("name", "id"), [("shop \ud800", "o-1"), ("shop", "o \ud800")])
async def test_a_name_that_utf_8_cant_write_is_refused(name, id):
    async with Jido(name, storage=MemoryStorage()) as jido:
        with pytest.raises(InvalidDefinition, match="UTF-8 can't write it"):
            await jido.start_agent(Order, id=id)


async def test_a_child_whose_record_cant_be_read_is_parked_at_once_and_goes_on_when_that_is_mended(autojump_clock):
    storage, reports = MemoryStorage(), list[Any]()
    async with Jido("shop", storage=storage) as jido:
        await (await jido.start_agent(Order, id="o-1")).call(add(5))
    [record] = await storage.scan(*within("shop/agent/o-1/now/agent"))
    await storage.commit([Put(record.key, b"damaged")])
    async with Jido("shop", storage=storage, on_report=reports.append) as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Order, tag="t", id="o-1")))
        await trio.sleep(10)
        order = get_children(parent)["t"]
        assert (order.inspect().supervised, order.incarnation, len(reports)) == ("parked", 1, 1)
        await storage.commit([Put(record.key, record.value)])
        await jido.resume_agent(order)
        assert (await order.call(add(1))).state.total == 6


async def test_a_program_that_is_imported_by_its_own_name_hears_that_its_classes_are_there_twice(tmp_path):
    (tmp_path / "twice.py").write_text(
        "import trio\n"
        "from attrs import frozen\n"
        "from jido_trio import Agent, Jido\n"
        "from jido_trio.storage import MemoryStorage\n"
        "@frozen\n"
        "class Count:\n"
        "    n: int = 0\n"
        "class Counter(Agent[Count], durable=True): ...\n"
        "async def main():\n"
        "    async with Jido(storage=MemoryStorage()) as jido:\n"
        "        await jido.start_agent(Counter, id='c')\n"
        "if __name__ == '__main__':\n"
        "    import twice\n"
        "    trio.run(twice.main)\n"
    )
    ran = await trio.run_process([sys.executable, "twice.py"], cwd=tmp_path, capture_stderr=True, check=False)
    assert "the agent's is another class of that name: the module was loaded twice" in ran.stderr.decode()

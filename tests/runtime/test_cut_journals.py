"""Journals of durable agents that somebody else cuts, whether the agent runs or not."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from functools import partial

import pytest

from jido_trio import Jido, Signal
from jido_trio.core import Durable
from jido_trio.runtime import compact_journal, journal_info, read_journal
from jido_trio.storage import DeleteRange, MemoryStorage
from tests.runtime.durable import Large, Order
from tests.runtime.upgrades import Cents


class Brief(Order, durable=Durable(remembers=1, history=3)):
    """It keeps little of its journal."""


class BriefAndLarge(Order, durable=Durable(remembers=1, history=3, snapshot_every=100)):
    """It keeps less of its journal than lies between two of its snapshots."""


class Mindful(Order, durable=Durable(remembers=1000, formerly=[Order])):
    """An order that remembers more."""


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


@pytest.mark.parametrize("keep", [0, 1, 2])
async def test_it_begins_at_an_upgrade_that_comes_later(autojump_clock, keep):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for price in (1, 2, 3):
            await order.call(add(price))
        await compact_journal(storage, "shop", "o-1", keep)
        await jido.upgrade(Order, Cents)
        await order.call(add(4))
    journal = await read_journal(storage, "shop", "o-1")
    assert (type(journal.begin), journal.number) == (Cents, 3)
    assert journal.at().state.cents == 1000


async def test_it_has_no_gap_where_its_agent_cuts_it_later(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Brief, id="o-1")
        for price in range(30):
            await order.call(add(price))
            if price == 10:
                await compact_journal(storage, "shop", "o-1", 0)
            assert (await read_journal(storage, "shop", "o-1")).at().state == order.agent.state


@pytest.mark.parametrize("keep", [0, 1, 5])
async def test_who_dies_after_it_was_cut_goes_on_though_its_last_snapshot_is_older(autojump_clock, keep):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Large, id="o-1", state={"notes": ["long" * 2000]})
        for price in range(8):
            await order.call(add(price))
        assert await compact_journal(storage, "shop", "o-1", keep) == 8 - keep
        await order.call(add(8))
        left_by_a_dead_process = deepcopy(storage)
    async with Jido("shop", storage=left_by_a_dead_process) as jido:
        order = await jido.start_agent(Large, id="o-1")
        assert order.agent.state.total == 36
        await order.call(add(9))
    assert (await read_journal(left_by_a_dead_process, "shop", "o-1")).at().state.total == 45


async def test_who_keeps_less_of_it_than_lies_between_two_snapshots_goes_on_after_its_death(autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(BriefAndLarge, id="o-1", state={"notes": ["long" * 2000]})
        for price in range(20):
            await order.call(add(price))
        left_by_a_dead_process = deepcopy(storage)
    async with Jido("shop", storage=left_by_a_dead_process) as jido:
        assert (await jido.start_agent(BriefAndLarge, id="o-1")).agent.state.total == 190


@pytest.mark.parametrize("inputs", [1, 70])
@pytest.mark.parametrize("cls", [Order, Mindful])
async def test_what_was_handled_before_is_passed_over_as_ever(autojump_clock, inputs, cls):
    storage, signals = MemoryStorage(), [add(1) for _ in range(inputs)]
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for signal in signals:
            await order.call(signal)
    assert await compact_journal(storage, "shop", "o-1", 0) == inputs
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(cls, id="o-1")
        for signal in signals:
            await order.call(signal)
        assert order.agent.state.total == inputs


class Meanwhile(MemoryStorage):
    """One in which something happens before the journal is cut, once."""

    then: Callable[[], Awaitable[object]] | None = None

    async def commit(self, ops):
        if self.then is not None and any(isinstance(op, DeleteRange) and "/past/" in op.start for op in ops):
            then, self.then = self.then, None
            await then()
        return await super().commit(ops)


@pytest.mark.parametrize("keeps", [0, 1, 3])
async def test_of_two_who_cut_it_at_once_each_leaves_no_gap(autojump_clock, keeps):
    storage = Meanwhile()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for price in (1, 2, 3, 4):
            await order.call(add(price))
        storage.then = partial(compact_journal, storage, "shop", "o-1", keeps)
        gone = await compact_journal(storage, "shop", "o-1", 2)
    journal = await read_journal(storage, "shop", "o-1")
    assert (journal.number, journal.at().state.total) == (max(2, 4 - keeps), 10)
    assert gone == max(0, keeps - 2)


async def test_an_upgrade_meanwhile_is_where_it_begins(autojump_clock):
    storage = Meanwhile()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for price in (1, 2, 3):
            await order.call(add(price))
        storage.then = partial(jido.upgrade, Order, Cents)
        assert await compact_journal(storage, "shop", "o-1", 1) == 0
        await order.call(add(4))
    journal = await read_journal(storage, "shop", "o-1")
    assert (type(journal.begin), journal.number, journal.at().state.cents) == (Cents, 3, 1000)


async def test_a_later_snapshot_is_not_written_over_by_a_cut(autojump_clock):
    storage = Meanwhile()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Large, id="o-1", state={"notes": ["long" * 2000]})
        for price in range(8):
            await order.call(add(price))
        storage.then = partial(jido.hibernate, order)  # it writes one
        assert await compact_journal(storage, "shop", "o-1", 2) == 6
    assert (await journal_info(storage, "shop", "o-1")).number == 8
    assert (await read_journal(storage, "shop", "o-1")).at().state.total == 28

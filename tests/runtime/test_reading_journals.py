"""Journals that are read while their agents go on, and cut them."""

from typing import Any

import pytest

from jido_trio import Jido, Signal
from jido_trio.errors import Conflict, RecordRefused
from jido_trio.runtime import compact_journal, open_journal, read_entries, read_journal
from jido_trio.storage import DeleteRange, MemoryStorage
from tests.runtime.durable import Order

INPUTS = 1200
"""More than are read at once."""


class Meanwhile(MemoryStorage):
    """One in which something happens after the first page of a journal was read."""

    then: Any = None
    times = 1

    async def scan(self, start, end, limit=1000):
        found = await super().scan(start, end, limit)
        if self.then is not None and self.times and found and "/past/" in found[0].key:
            self.times, then, self.then = self.times - 1, self.then, None
            await then()
            self.then = then
        return found


async def filled() -> Meanwhile:
    storage = Meanwhile()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for _ in range(INPUTS):
            await order.call(Signal("add", {"price": 1}))
    return storage


async def test_a_journal_that_is_cut_while_it_is_read_is_read_again(autojump_clock):
    storage = await filled()

    async def cut() -> None:
        then, storage.then = storage.then, None
        await compact_journal(storage, "shop", "o-1", 100)
        storage.then = then

    storage.then = cut
    journal = await read_journal(storage, "shop", "o-1")
    assert (journal.number, len(journal.entries)) == (INPUTS - 100, 100)
    assert journal.at().state.total == INPUTS


async def test_whoever_goes_through_it_page_by_page_is_told_that_it_was_cut(autojump_clock):
    storage = await filled()
    reader = await open_journal(storage, "shop", "o-1")
    await anext(reader.pages)
    await compact_journal(storage, "shop", "o-1", 100)
    with pytest.raises(Conflict, match="Read it again"):
        await anext(reader.pages)


async def test_one_that_has_lost_an_input_is_damaged(autojump_clock):
    storage = await filled()
    await storage.commit([DeleteRange("shop/agent/o-1/past/0000000000000700", "shop/agent/o-1/past/0000000000000701")])
    with pytest.raises(RecordRefused, match="has a gap"):
        await read_journal(storage, "shop", "o-1")


@pytest.mark.parametrize(("first", "numbers"), [(0, [1, 2]), (2, [2]), (3, []), (99, [])])
async def test_inputs_are_read_from_the_one_that_is_wanted_on(autojump_clock, first, numbers):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for _ in range(2):
            await order.call(Signal("add", {"price": 1}))
    pages = await read_entries(storage, "shop", "o-1", first=first)
    assert [entry["number"] async for page in pages for entry in page] == numbers

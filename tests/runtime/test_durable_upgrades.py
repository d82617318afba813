"""Durable agents of an older version: migrated when they start, or refused and left alone."""

import json

import pytest

from jido_trio import Jido, Signal
from jido_trio.core import Durable
from jido_trio.errors import InvalidDefinition, RecordRefused
from jido_trio.runtime import read_journal
from jido_trio.storage import MemoryStorage, Put
from tests.runtime.durable import Renewed


def test_what_migrations_are_is_said():
    with pytest.raises(InvalidDefinition, match="a mapping from each older vsn"):
        Durable(migrations=[lambda fields: fields])


AT = "shop/agent/r-1/"


async def written(vsn: str | None, fields: dict[str, object]) -> MemoryStorage:
    """A storage as a program of that version left it."""
    storage = MemoryStorage()
    state = {"$": "tests.runtime.durable:Priced", **fields}
    record = {"format": 1, "class": "tests.runtime.durable:Renewed", "vsn": vsn, "number": 0, "state": state}
    value = json.dumps({**record, "strategy_state": None}).encode()
    owner = Put(f"{AT}now/owner", b'{"who":"a program of the past"}')
    await storage.commit([Put(f"{AT}now/agent", value), Put(f"{AT}base/{0:016d}", value), owner])
    return storage


@pytest.mark.parametrize(("vsn", "fields"), [("1", {"price": "12.5"}), ("2", {"price": 12.5}), ("3", {"cents": 1250})])
async def test_every_older_version_is_read(autojump_clock, vsn, fields):
    storage = await written(vsn, fields)
    async with Jido("shop", storage=storage) as jido:
        agent = await jido.start_agent(Renewed, id="r-1")
        assert agent.agent.state.cents == 1250
        assert (await agent.call(Signal("cents", {"cents": 7}))).state.cents == 7
    async with Jido("shop", storage=storage) as jido:
        assert (await jido.start_agent(Renewed, id="r-1")).agent.state.cents == 7
    journal = await read_journal(storage, "shop", "r-1")
    assert (journal.begin.state.cents, journal.at().state.cents) == (1250, 7)


@pytest.mark.parametrize(
    ("vsn", "fields", "why"),
    [
        ("0", {"price": 1}, r"version '0' of Renewed, and this is '3', which has migrations from: 1, 2"),
        (None, {"price": 1}, "version None"),
        ("1", {"price": "twelve"}, "the migration from version '1' failed: ValueError: could not convert"),
        ("2", {"cost": 1}, "the migration from version '2' failed: KeyError"),
    ],
)
async def test_what_cannot_be_migrated_is_refused_and_left_alone(autojump_clock, vsn, fields, why):
    storage = await written(vsn, fields)
    before = dict(storage._records)
    async with Jido("shop", storage=storage) as jido:
        with pytest.raises(RecordRefused, match=why):
            await jido.start_agent(Renewed, id="r-1")
    assert storage._records == before

"""Agents as files: exported, carried, imported; what is damaged, is there already or isn't for the code is refused."""

import stat
from collections.abc import Sequence

import pytest
import trio
from attrs import evolve

from jido_trio import InvalidDefinition, Jido, Signal
from jido_trio.data import unpack
from jido_trio.errors import AgentFileRefused, AgentKept, AgentNotFound, Conflict, RecordRefused, ReplayDiverged
from jido_trio.runtime import AgentFile, export_agent, forget_agent, import_agent, read_agent_file, wait_state
from jido_trio.storage import MemoryStorage, Put, Record, open_sqlite, within
from tests.runtime.durable import CHARGED, HOOKS, Careful, Large, Order, Plain, Renewed


@pytest.fixture(autouse=True)
def nothing_charged():
    CHARGED.clear()
    HOOKS.clear()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "o-1.agent"


def add(price: int) -> Signal:
    return Signal("add", {"price": price})


async def exported(path, storage=None) -> AgentFile:
    async with Jido("shop", storage=storage or MemoryStorage()) as jido:
        order = await jido.start_agent(Order, id="o-1")
        for price in (1, 2, 3):
            await order.call(add(price))
        return await jido.export_agent(order, path)


async def everything(storage: MemoryStorage) -> Sequence[Record]:
    return await storage.scan(" ", "\U0010ffff")


async def test_an_agent_goes_on_in_another_storage(path, tmp_path):
    told = await exported(path)
    assert told == AgentFile("shop", "o-1", "tests.runtime.durable:Order", None, 3, told.records)
    assert await read_agent_file(path) == told
    async with Jido("other", storage=open_sqlite(tmp_path / "other.db")) as jido:
        assert await jido.import_agent(Order, path) == told
        assert jido.list_agents() == ()
        order = await jido.thaw(Order, "o-1")
        assert (await order.call(add(4))).state.total == 10


async def test_its_journal_goes_with_it_byte_for_byte(path, autojump_clock):
    one, other = MemoryStorage(), MemoryStorage()
    await exported(path, one)
    await import_agent(other, "shop", path)
    owner = "shop/agent/o-1/now/owner"
    before = {record.key: record.value for record in await everything(one) if record.key != owner}
    after = {record.key: record.value for record in await everything(other) if record.key != owner}
    assert before == after


async def test_it_gets_another_id_if_that_is_wanted(path, autojump_clock):
    await exported(path)
    async with Jido("shop", storage=MemoryStorage()) as jido:
        for id in ("o-2", "a/b", "\u00e9"):
            await jido.import_agent(Order, path, id=id)
            assert (await jido.thaw(Order, id)).agent.state.total == 6


async def test_what_waits_in_its_inbox_and_for_its_time_goes_with_it(path, autojump_clock):
    async def takes_time(_: object) -> None:
        await trio.sleep(10)

    HOOKS.append(takes_time)
    async with Jido("shop", storage=MemoryStorage()) as jido:
        for _ in range(12):  # it has had many owners
            await jido.hibernate(await jido.start_agent(Careful, id="o-1"))
        order = await jido.start_agent(Careful, id="o-1")
        await order.call(Signal("later", {"seconds": 1, "text": "soon"}))
        await order.call(Signal("pay", {"amounts": [5]}))
        for text in "abc":
            await order.cast(Signal("note", {"text": text}))
        await jido.export_agent("o-1", path)
    CHARGED.clear()
    storage = MemoryStorage()
    async with Jido("other", storage=storage) as jido:
        await jido.import_agent(Careful, path)
        order = await jido.thaw(Careful, "o-1")
        await order.cast(Signal("note", {"text": "d"}))
        waiting = await storage.scan(*within("other/agent/o-1/now/inbox/"))
        assert [unpack(record.value)["signal"].data["text"] for record in waiting] == list("abcd")
        await wait_state(order, lambda state: len(state.notes) == 5, timeout=20)
        assert [note for note in order.agent.state.notes if note != "soon"] == list("abcd")
        assert [amount for amount, _ in CHARGED] == [5]


async def test_a_large_state_is_exported_with_the_inputs_after_it(path, autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Large, id="o-1", state={"notes": ["long" * 2000]})
        for _ in range(25):
            await order.call(add(1))
        told = await jido.export_agent(order, path)
        assert told.number < 25
        await jido.import_agent(Large, path, id="o-2")
        assert (await jido.thaw(Large, "o-2")).agent.state.total == 25


async def test_one_that_does_not_run_is_exported_too(path, autojump_clock):
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1")
        await order.call(add(1))
        await jido.hibernate(order)
        assert (await jido.export_agent("o-1", path)).number == 1
    assert (await read_agent_file(path)).agent_id == "o-1"


class Restless(MemoryStorage):
    """Changes while it is read, so many times."""

    times = 0

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        found = await super().scan(start, end, limit)
        if self.times and "/past/" not in start:
            self.times -= 1
            await self.commit([Put("shop/agent/o-1/now/agent", self._records["shop/agent/o-1/now/agent"].value)])
        return found


class Growing(Restless):
    """Its journal grows while it is read."""

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        if self.times and "/past/" in start:
            self.times -= 1
            last = [key for key in self._keys if "/past/" in key][-1]
            key = f"{last[:-16]}{int(last[-16:]) + 1:016d}"
            await self.commit([Put(key, self._records[last].value)])
        return await MemoryStorage.scan(self, start, end, limit)


@pytest.mark.parametrize("kind", [Restless, Growing])
async def test_one_that_changes_meanwhile_is_read_again(kind, path, autojump_clock):
    storage = kind()
    await exported(path, storage)
    path.unlink()
    storage.times = 3
    await export_agent(storage, "shop", "o-1", path)
    storage.times = 1_000
    with pytest.raises(Conflict):
        await export_agent(storage, "shop", "o-1", path.with_name("another"))
    assert not path.with_name("another").exists()


async def test_a_file_that_is_there_is_left_as_it_is(path, autojump_clock):
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        await exported(path)
    assert path.read_text() == "mine"


async def test_only_its_user_may_read_the_file(path, autojump_clock):
    await exported(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_whole_is_not_left_behind(path, autojump_clock, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        await exported(path)
    assert not path.exists()


async def test_who_was_never_started_is_not_found(path, autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        with pytest.raises(AgentNotFound, match="o-9"):
            await jido.export_agent("o-9", path)
    assert not path.exists()


async def test_an_id_that_is_there_is_refused_and_nothing_changes(path, autojump_clock):
    storage = MemoryStorage()
    await exported(path, storage)
    before = await everything(storage)
    async with Jido("shop", storage=storage) as jido:
        with pytest.raises(AgentKept, match="'o-1'"):
            await jido.import_agent(Order, path)
    assert await everything(storage) == before


class Late(MemoryStorage):
    """Says that nobody has the agent, who is started just then."""

    async def get(self, key: str) -> Record | None:
        return None


async def test_one_that_is_started_at_the_same_moment_wins(path, autojump_clock):
    storage = Late()
    await storage.commit([Put("shop/agent/o-1/now/owner", b"{}")])
    await exported(path)
    before = await everything(storage)
    with pytest.raises(AgentKept):
        await import_agent(storage, "shop", path)
    assert await everything(storage) == before


@pytest.mark.parametrize("place", range(24))
async def test_a_file_that_was_changed_or_cut_off_is_refused(place, path, autojump_clock):
    await exported(path)
    data = path.read_bytes()
    at = len(data) * place // 24
    storage = MemoryStorage()
    for broken in (data[:at], data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data[:at] + data[at + 1 :]):
        path.write_bytes(broken)
        with pytest.raises(AgentFileRefused, match="can't be imported"):
            await import_agent(storage, "shop", path)
    assert await everything(storage) == []


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "first line"),
        (b"\0\xff" * 100, "first line"),
        (b"[]\n", "first line"),
        (b"[" * 100_000 + b"\n", "first line"),
        (b'{"jido_trio":"agent","format":2}\n', "its format is 2, and this jido_trio knows 1"),
        (b'{"jido_trio":"agent","format":1}\n', "cut off"),
    ],
    ids=range(6),
)
async def test_what_is_no_file_of_an_agent_is_refused(data, what, path):
    path.write_bytes(data)
    with pytest.raises(AgentFileRefused, match=what):
        await read_agent_file(path)


def resealed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a file with other content, and the hash that fits."""
    import hashlib
    import json

    lines = data.replace(old, new).split(b"\n")[:-2]
    body = b"\n".join(lines) + b"\n"
    end = {"records": len(lines) - 1, "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end).encode() + b"\n"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"key":"now/agent"', b'"key":"now/owner"', "no record"),
        (b'"key":"now/agent"', b'"key":7', "no record"),
        (b'"key":"now/agent"', b'"kex":"now/agent"', "no record"),
        (b'"key":"now/agent"', b'"key":"now/other"', "not that of the agent"),
        (b'"agent":"o-1",', b"", "agent"),
    ],
    ids=range(5),
)
async def test_a_file_whose_form_is_wrong_is_refused_though_its_hash_fits(old, new, what, path, autojump_clock):
    await exported(path)
    path.write_bytes(resealed(path.read_bytes(), old, new))
    with pytest.raises(AgentFileRefused, match=what):
        await read_agent_file(path)


async def test_another_class_or_version_is_refused_and_says_why(path, autojump_clock):
    await exported(path)
    storage = MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        for cls, cause in ((Large, RecordRefused), (Renewed, RecordRefused)):
            with pytest.raises(AgentFileRefused, match="of class") as caught:
                await jido.import_agent(cls, path)
            assert isinstance(caught.value.__cause__, cause)
        for wrong in (Plain, "Order"):
            with pytest.raises(InvalidDefinition, match="isn't durable"):
                await jido.import_agent(wrong, path)  # type: ignore[arg-type]
    assert await everything(storage) == []


async def test_inputs_that_lead_elsewhere_by_this_code_are_refused(path, autojump_clock):
    async with Jido("shop", storage=MemoryStorage()) as jido:
        order = await jido.start_agent(Large, id="o-1", state={"notes": ["long" * 2000]})
        for _ in range(5):
            await order.call(add(1))
        await jido.export_agent(order, path)
        path.write_bytes(resealed(path.read_bytes(), b'"price":1', b'"price":2'))
        with pytest.raises(AgentFileRefused, match="differs from its journal") as caught:
            await jido.import_agent(Large, path, id="o-2")
        assert isinstance(caught.value.__cause__, ReplayDiverged)


async def test_a_record_that_is_no_line_is_not_exported(path, autojump_clock):
    storage = MemoryStorage()
    await exported(path, storage)
    path.unlink()
    for value in (b"two\nlines", b"\xff", b""):
        await storage.commit([Put("shop/agent/o-1/now/inbox/1", value)])
        with pytest.raises(RecordRefused, match="no line of text"):
            await export_agent(storage, "shop", "o-1", path)


@pytest.mark.parametrize("value", [b"broken", b"{}", None], ids=["broken", "empty", "missing"])
async def test_an_agent_whose_snapshot_is_broken_is_not_exported(value, path, autojump_clock):
    storage = MemoryStorage()
    await exported(path, storage)
    path.unlink()
    record = storage._records["shop/agent/o-1/now/agent"]
    if value is None:
        storage._set(record.key, None)
    else:
        storage._set(record.key, evolve(record, value=value))
    with pytest.raises(RecordRefused, match="now/agent"):
        await export_agent(storage, "shop", "o-1", path)


async def test_without_a_storage_it_says_what_to_give(path):
    async with Jido("shop") as jido:
        for doing in (jido.export_agent("o-1", path), jido.import_agent(Order, path)):
            with pytest.raises(InvalidDefinition, match="has no storage"):
                await doing


@pytest.mark.parametrize("id", ["", 5, None], ids=str)
async def test_an_id_that_is_no_text_is_refused(path, id):
    storage = MemoryStorage()
    for use in (export_agent(storage, "shop", id, path), forget_agent(storage, "shop", id)):
        with pytest.raises(InvalidDefinition, match="must be a text that is not empty"):
            await use
    assert not path.exists()

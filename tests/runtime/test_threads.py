"""Threads in a storage: each entry a record, appended once, refused where something else is there."""

from typing import Any

import pytest
import trio
from attrs import evolve, field, frozen

from jido_trio import Action, Agent, Context, InvalidDefinition, Jido, Result, Signal
from jido_trio.core import AppendEntries, Durable, Memory, SaveThread, Thread
from jido_trio.errors import RecordRefused, ThreadConflict, Unstorable
from jido_trio.runtime import ThreadStore, list_journals
from jido_trio.storage import Delete, MemoryStorage, Put, open_sqlite


@frozen
class Mind:
    thread: Thread = field(factory=lambda: Thread.new("t"))
    memory: Memory = field(factory=Memory.new)


class Hear(Action):
    text: str

    def run(self, context: Context[Mind]) -> Result:
        return AppendEntries({"payload": {"text": self.text}})


class Forget(Action):
    def run(self, context: Context[Mind]) -> Result:
        return {"thread": context.state.thread.tail(1)}, [SaveThread(context.state.thread)]


ROUTES = {"hear": Hear, "forget": Forget}


class Friend(Agent[Mind], routes=ROUTES, durable=Durable(effects="at_least_once")):
    """It remembers all of it, somewhere."""


class Stranger(Agent[Mind], routes=ROUTES):
    """One that isn't durable."""


@pytest.fixture
def storage():
    return MemoryStorage()


@pytest.fixture
def store(storage):
    return ThreadStore(storage, "home")


def thread_of(*texts: str) -> Thread:
    return Thread.new("t").append(*({"payload": {"text": text}} for text in texts))


def texts_of(thread: Thread | None) -> list[str]:
    assert thread is not None
    return [entry.payload["text"] for entry in thread.entries]


async def test_what_is_not_there_is_none(store):
    assert await store.load("t") is None
    assert await store.list() == ()


async def test_a_thread_comes_back_as_it_was(store):
    thread = Thread.new("t", metadata={"who": "ada"}).append({"kind": "a"}, {"payload": {"n": [1]}})
    assert await store.save(thread) == 2
    assert await store.load("t") == thread


async def test_to_save_twice_writes_nothing_new(store, storage):
    thread = thread_of("a", "b")
    await store.save(thread)
    before = await storage.scan(" ", "\U0010ffff")
    assert await store.save(thread) == 0
    assert await storage.scan(" ", "\U0010ffff") == before
    assert await store.save(thread.append({"payload": {"text": "c"}})) == 1
    assert texts_of(await store.load("t")) == ["a", "b", "c"]


async def test_the_metadata_are_those_of_the_first_time(store):
    thread = Thread.new("t", metadata={"who": "ada"}).append({})
    await store.save(thread)
    await store.save(evolve(thread, metadata={"who": "bob"}).append({}))
    await store.append("t", {})
    loaded = await store.load("t")
    assert (loaded.metadata, loaded.created_at, loaded.rev) == ({"who": "ada"}, thread.created_at, 3)


async def test_a_thread_whose_end_is_missing_is_not_appended_to(store, storage):
    await store.save(thread_of("a", "b"))
    await storage.commit([Delete("home/thread/t/entry/0000000000000001")])
    before = await storage.scan(" ", "\U0010ffff")
    with pytest.raises(RecordRefused, match="are missing"):
        await store.append("t", {})
    assert await storage.scan(" ", "\U0010ffff") == before


async def test_of_an_empty_thread_nothing_is_written(store):
    assert await store.save(Thread.new("t")) == 0
    assert await store.load("t") is None


async def test_each_entry_is_a_record_of_its_own(store, storage):
    for text in "abc":
        await store.append("t", {"payload": {"text": text}})
    revisions = {record.key: record.revision for record in await storage.scan(" ", "\U0010ffff")}
    entries = {f"home/thread/t/entry/{seq:016d}": 1 for seq in range(3)}
    assert revisions == {**entries, "home/thread/t/head": 3}


async def test_a_tail_saves_what_is_new(store):
    thread = thread_of("a", "b")
    await store.save(thread)
    longer = thread.tail(1).append({"payload": {"text": "c"}})
    assert await store.save(longer) == 1
    assert texts_of(await store.load("t")) == ["a", "b", "c"]


async def test_a_tail_that_misses_entries_is_refused(store):
    thread = thread_of("a", "b", "c")
    await store.save(Thread.new("t").append({"id": thread.entries[0].id, "payload": {"text": "a"}}))
    with pytest.raises(ThreadConflict, match="1 entries are there, and this one begins with 2"):
        await store.save(thread.tail(1))
    assert texts_of(await store.load("t")) == ["a"]


async def test_one_with_fewer_entries_than_are_there_is_refused(store):
    thread = thread_of("a")
    await store.save(thread.append({"payload": {"text": "b"}}))
    with pytest.raises(ThreadConflict, match="2 entries are there, and this one has 1"):
        await store.save(thread)


async def test_one_with_another_entry_in_that_place_is_refused(store):
    await store.save(thread_of("a"))
    with pytest.raises(ThreadConflict, match="entry 0 is"):
        await store.save(thread_of("x", "y"))
    assert texts_of(await store.load("t")) == ["a"]


async def test_append_says_how_many_there_must_be(store):
    assert (await store.append("t", {"id": "mine"}, expected_rev=0)).rev == 1
    with pytest.raises(ThreadConflict, match="it has 1 entries, and 0 were expected"):
        await store.append("t", {}, expected_rev=0)
    thread = await store.append("t", {}, expected_rev=1)
    assert [entry.seq for entry in thread.entries] == [1]
    assert (await store.load("t")).entries[0].id == "mine"


async def test_many_who_append_at_once_leave_no_gap(store):
    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(store.append, "t", {"payload": {"text": str(number)}})
    thread = await store.load("t")
    assert [entry.seq for entry in thread.entries] == list(range(10))
    assert sorted(texts_of(thread)) == sorted(map(str, range(10)))


async def test_of_two_who_expect_the_same_one_is_refused(store):
    refused: list[ThreadConflict] = []

    async def append() -> None:
        try:
            await store.append("t", {}, expected_rev=0)
        except ThreadConflict as conflict:
            refused.append(conflict)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(append)
        nursery.start_soon(append)
    assert len(refused) == 1
    assert (await store.load("t")).rev == 1


async def test_a_part_of_it_is_read(store):
    await store.save(thread_of(*"abcde"))
    assert texts_of(await store.load("t", first=3)) == ["d", "e"]
    earlier = await store.load("t", rev=2)
    assert (earlier.rev, texts_of(earlier)) == (2, ["a", "b"])
    assert texts_of(await store.load("t", first=1, rev=3)) == ["b", "c"]
    assert texts_of(await store.load("t", first=9)) == []
    with pytest.raises(InvalidDefinition, match="rev=9"):
        await store.load("t", rev=9)


async def test_a_long_thread_is_read_whole(store):
    await store.append("t", *({"payload": {"text": str(number)}} for number in range(1200)))
    assert texts_of(await store.load("t")) == [str(number) for number in range(1200)]


async def test_threads_are_listed_and_deleted_and_those_of_others_stay(store, storage):
    ids = ("a", "a/b", "\u00e9", "t")
    for id in ids:
        await store.append(id, {})
    await ThreadStore(storage, "other").append("a", {})
    assert sorted(await store.list()) == sorted(ids)
    await store.delete("a")
    assert sorted(await store.list()) == sorted(ids[1:])
    assert await ThreadStore(storage, "other").list() == ("a",)
    assert await list_journals(storage) == ()


@pytest.mark.parametrize("id", ["", "x" * 1000], ids=["empty", "long"])
async def test_an_id_that_fits_no_key_is_refused(store, id):
    with pytest.raises(InvalidDefinition, match="empty, or too long"):
        await store.append(id, {})


async def test_a_record_that_is_missing_or_broken_is_an_error_and_nothing_is_appended(store, storage):
    await store.save(thread_of(*"abc"))
    entry, head = "home/thread/t/entry/0000000000000001", "home/thread/t/head"
    saved = {key: await storage.get(key) for key in (entry, head)}
    await storage.commit([Delete(entry)])
    with pytest.raises(RecordRefused, match="are missing"):
        await store.load("t")
    for key in (entry, head):
        for value in (b"broken", b"5", b"{}"):
            await storage.commit([Put(key, value)])
            with pytest.raises(RecordRefused):
                await store.load("t")
        await storage.commit([Put(key, saved[key].value)])
    await storage.commit([Put(head, b"broken")])
    with pytest.raises(RecordRefused):
        await store.append("t", {})


async def test_what_cannot_be_kept_is_refused(store):
    @frozen
    class Local:
        number: int = 1

    with pytest.raises((Unstorable, InvalidDefinition)):
        await store.append("t", {"payload": {"local": Local()}})
    assert await store.load("t") is None


async def heard(jido: Jido, friend: Any) -> None:
    for text in ("hello", "goodbye"):
        await friend.call(Signal("hear", {"text": text}))
    await friend.call(Signal("forget"))
    await friend.call(Signal("hear", {"text": "again"}))
    state = (await friend.call(Signal("forget"))).state
    assert (state.thread.rev, texts_of(state.thread)) == (3, ["again"])
    await jido.stop_agent(friend)


@pytest.mark.parametrize("cls", [Friend, Stranger])
async def test_an_agent_saves_its_thread_and_keeps_the_tail(cls, tmp_path):
    async with Jido("home", storage=open_sqlite(tmp_path / "home.db")) as jido:
        friend = await jido.start_agent(cls, id="ada")
        await heard(jido, friend)
        if cls is Friend:
            assert texts_of((await jido.thaw(Friend, "ada")).agent.state.thread) == ["again"]
    async with open_sqlite(tmp_path / "home.db") as storage:
        assert texts_of(await ThreadStore(storage, "home").load("t")) == ["hello", "goodbye", "again"]


async def test_an_agent_without_a_storage_says_what_to_give(autojump_clock):
    reports: list[Any] = []
    async with Jido("home", on_report=reports.append) as jido:
        friend = await jido.start_agent(Stranger, id="ada")
        await friend.call(Signal("hear", {"text": "hello"}))
        await friend.call(Signal("forget"))
        await trio.sleep(1)
    assert "has no storage" in str(reports[0])


async def test_thread_memory_and_identity_thaw_together(autojump_clock):
    async with Jido("home", storage=MemoryStorage()) as jido:
        friend = await jido.start_agent(Friend, id="ada")
        before = (await friend.call(Signal("hear", {"text": "hello"}))).state
        await jido.hibernate(friend)
        assert (await jido.thaw(Friend, "ada")).agent.state == before

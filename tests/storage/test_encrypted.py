"""Encrypted storages: they keep all promises, nothing is on disk that can be read, and a wrong key is refused."""

import base64
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio import InvalidDefinition, Jido, Signal
from jido_trio.errors import NotDecrypted, ThawFailed
from jido_trio.groups import open_keyed
from jido_trio.storage import Check, Cipher, MemoryStorage, Op, Put, Record, encrypt_anew, encrypted, open_sqlite
from jido_trio.storage.encryption import AesGcm
from jido_trio.testing import check_storage
from tests.runtime.durable import Large, Order

KEY, OTHER = b"k" * 32, b"o" * 32
AES = AesGcm(KEY)
CANARIES = (b"canary-in-a-state", b"canary-in-a-signal", b"canary-in-a-schedule", b"canary-in-a-large-state")


def memories(cipher: Cipher = AES):
    made: dict[str, MemoryStorage] = {}

    @asynccontextmanager
    async def opened(name: str):
        async with encrypted(made.setdefault(name, MemoryStorage()), cipher) as storage:
            yield storage

    return opened


def test_it_keeps_the_promises_of_a_storage():
    check_storage(memories(), examples=20)


def test_it_keeps_them_on_an_sqlite_file(tmp_path):
    check_storage(lambda name: encrypted(open_sqlite(tmp_path / f"{name}.db"), AesGcm(KEY)), examples=3)


@frozen
class Reversed:
    """A cipher of a user, which hides nothing."""

    def encrypt(self, data: bytes, associated: bytes) -> bytes:
        return base64.b64encode(associated + b"\0" + data)[::-1]

    def decrypt(self, data: bytes, associated: bytes) -> bytes:
        key, _, value = base64.b64decode(data[::-1], validate=True).partition(b"\0")
        if key != associated:
            raise LookupError(f"it belongs to {key!r}")
        return value


def test_any_cipher_will_do():
    check_storage(memories(Reversed()), examples=10)


@pytest.mark.parametrize("key", [b"k" * 16, b"k" * 24, b"k" * 32, AesGcm.new_key()], ids=range(4))
def test_what_was_encrypted_comes_back(key):
    cipher = AesGcm(key)
    for data in (b"", b"x", bytes(range(256)) * 1000):
        hidden = cipher.encrypt(data, b"at")
        assert AesGcm(key).decrypt(hidden, b"at") == data
        assert hidden != cipher.encrypt(data, b"at")


@pytest.mark.parametrize("place", range(0, 38, 2))
def test_what_was_changed_or_cut_off_is_refused(place):
    hidden = AesGcm(KEY).encrypt(b"data", b"at")
    for broken in (hidden[:place] + bytes([hidden[place] ^ 1]) + hidden[place + 1 :], hidden[:place]):
        with pytest.raises(ValueError, match=r"isn't encrypted|another key|was changed"):
            AesGcm(KEY).decrypt(broken, b"at")


def test_what_was_put_under_another_key_is_refused():
    with pytest.raises(ValueError, match="was changed, or was put here from elsewhere"):
        AesGcm(KEY).decrypt(AesGcm(KEY).encrypt(b"data", b"at"), b"elsewhere")


@pytest.mark.parametrize("key", [b"", b"short", b"k" * 33, "k" * 32, None, bytearray(32)], ids=range(6))
def test_what_is_no_key_is_refused_and_not_shown(key):
    with pytest.raises(InvalidDefinition, match="16, 24 or 32 bytes") as caught:
        AesGcm(key)
    assert "kkk" not in str(caught.value)
    with pytest.raises(InvalidDefinition):
        AesGcm(KEY, key)


def test_its_repr_does_not_show_the_key():
    assert repr(AesGcm(KEY, OTHER)) == "<AesGcm, 2 keys>"


async def used(storage: Any) -> None:
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(Order, id="o-1", state={"notes": ["canary-in-a-state"]})
        await order.call(Signal("note", {"text": "canary-in-a-signal"}))
        await order.call(Signal("later", {"seconds": 1000, "text": "canary-in-a-schedule"}))
        await order.call(Signal("forward", {"to": "o-1", "price": 5}))
        other = await jido.start_agent(Large, id="o-2", state={"notes": ["canary-in-a-large-state" * 500]})
        await other.call(Signal("add", {"price": 5}))


def on_disk(folder: Any) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_nothing_of_an_agent_can_be_read_on_disk(tmp_path):
    await used(encrypted(open_sqlite(tmp_path / "shop.db"), AesGcm(KEY)))
    found = on_disk(tmp_path)
    assert [canary for canary in CANARIES if canary in found or base64.b64encode(canary)[4:-4] in found] == []
    async with Jido("shop", storage=encrypted(open_sqlite(tmp_path / "shop.db"), AesGcm(KEY))) as jido:
        order = await jido.thaw(Order, "o-1")
        assert order.agent.state.notes[:2] == ("canary-in-a-state", "canary-in-a-signal")


async def test_without_encryption_all_of_it_can_be_read(tmp_path):
    await used(open_sqlite(tmp_path / "shop.db"))
    assert [canary for canary in CANARIES if canary not in on_disk(tmp_path)] == []


async def test_an_agent_does_not_start_with_another_key_and_nothing_changes(tmp_path):
    path = tmp_path / "shop.db"
    await used(encrypted(open_sqlite(path), AesGcm(KEY)))
    async with open_sqlite(path) as plain:
        before = await plain.scan(" ", "\U0010ffff")
    for cipher in (AesGcm(OTHER), Reversed()):
        with pytest.raises(NotDecrypted, match="can't be decrypted"):
            async with Jido("shop", storage=encrypted(open_sqlite(path), cipher)) as jido:
                await jido.start_agent(Order, id="o-1")
    async with open_sqlite(path) as plain:
        assert await plain.scan(" ", "\U0010ffff") == before


async def test_a_storage_that_is_not_encrypted_is_refused(tmp_path):
    await used(open_sqlite(tmp_path / "shop.db"))
    with pytest.raises(NotDecrypted, match="it isn't encrypted, or by another cipher"):
        async with encrypted(open_sqlite(tmp_path / "shop.db"), AesGcm(KEY)):
            pass


async def test_a_record_that_was_put_in_the_place_of_another_starts_nothing():
    inner = MemoryStorage()
    await used(encrypted(inner, AesGcm(KEY)))
    other = await inner.get("shop/agent/o-2/now/agent")
    assert other is not None
    await inner.commit([Put("shop/agent/o-1/now/agent", other.value)])
    async with Jido("shop", storage=encrypted(inner, AesGcm(KEY))) as jido:
        with pytest.raises(NotDecrypted, match="o-1/now/agent"):
            await jido.start_agent(Order, id="o-1")
        assert jido.list_agents() == ()


async def test_a_keyed_agent_that_cannot_be_decrypted_is_named(autojump_clock):
    inner = MemoryStorage()
    async with (
        Jido("shop", storage=encrypted(inner, AesGcm(KEY))) as jido,
        open_keyed(jido, Order, name="orders") as orders,
    ):
        await orders.call("ada", Signal("add", {"price": 5}))
        await orders.stop("ada")
        await inner.commit([Put("shop/agent/orders%2Fada/now/agent", b"broken")])
        with pytest.raises(ThawFailed, match="key 'ada'") as caught:
            await orders.get("ada")
        assert isinstance(caught.value.__cause__, NotDecrypted)


async def test_older_keys_read_and_the_new_one_writes():
    inner = MemoryStorage()
    async with encrypted(inner, AesGcm(KEY)) as storage:
        await storage.commit([Put("a", b"old"), Put("b", b"old")])
    async with encrypted(inner, AesGcm(OTHER, KEY)) as storage:
        assert await storage.get("a") == Record("a", 1, b"old")
        await storage.commit([Put("a", b"new", expected=1), Check("b", 1)])
    async with encrypted(inner, AesGcm(OTHER)) as storage:
        assert await storage.get("a") == Record("a", 2, b"new")
        with pytest.raises(NotDecrypted, match="with another key"):
            await storage.get("b")
        with pytest.raises(NotDecrypted):
            await storage.scan("a", "z")


async def test_after_all_was_encrypted_anew_the_old_key_is_not_needed(tmp_path):
    path = tmp_path / "shop.db"
    await used(encrypted(open_sqlite(path), AesGcm(KEY)))
    async with encrypted(open_sqlite(path), AesGcm(OTHER, KEY)) as storage:
        count = await encrypt_anew(storage)
        assert count == len(await storage.scan(" ", "\U0010ffff"))
    async with Jido("shop", storage=encrypted(open_sqlite(path), AesGcm(OTHER))) as jido:
        assert (await jido.thaw(Large, "o-2")).agent.state.total == 5
        assert (await jido.thaw(Order, "o-1")).agent.state.notes[0] == "canary-in-a-state"


async def test_many_records_are_encrypted_anew():
    inner = MemoryStorage()
    async with encrypted(inner, AesGcm(KEY)) as storage:
        puts: list[Op] = [Put(f"{number:04d}", b"x") for number in range(1200)]
        await storage.commit(puts)
    async with encrypted(inner, AesGcm(OTHER, KEY)) as storage:
        assert await encrypt_anew(storage) == 1200
    async with encrypted(inner, AesGcm(OTHER)) as storage:
        assert len(await storage.scan("0", "9", 5000)) == 1200


@pytest.mark.parametrize(
    ("storage", "cipher", "what"),
    [("shop.db", AesGcm(KEY), "is no storage"), (MemoryStorage(), KEY, "is no cipher"), (None, AesGcm(KEY), "storage")],
    ids=range(3),
)
async def test_what_is_no_storage_or_no_cipher_is_refused(storage, cipher, what):
    with pytest.raises(InvalidDefinition, match=what) as caught:
        async with encrypted(storage, cipher):
            pass
    assert caught.value.value is None or caught.value.field == "storage"


async def test_a_storage_that_is_open_is_not_closed(tmp_path):
    async with open_sqlite(tmp_path / "shop.db") as inner:
        async with encrypted(inner, AesGcm(KEY)) as storage:
            assert repr(storage) == f"<EncryptedStorage of {inner!r}>"
            await storage.commit([Put("a", b"1")])
        assert await inner.get("a") is not None
    await trio.lowlevel.checkpoint()

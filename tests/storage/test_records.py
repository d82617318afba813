"""Operations are checked when they are made, and what a storage is asked for before it does anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jido_trio.errors import InvalidDefinition
from jido_trio.storage import Check, Delete, DeleteRange, Put, encrypted, open_memory, open_sqlite, within


@pytest.mark.parametrize("key", ["", 5, None, b"a", "a\0", "\ud800", "k" * 1001])
def test_what_is_no_key_is_refused(key):
    for make in (lambda: Put(key, b""), lambda: Delete(key), lambda: Check(key, 1), lambda: DeleteRange("a", key)):
        with pytest.raises(InvalidDefinition, match="is no key"):
            make()


@pytest.mark.parametrize("value", ["text", None, bytearray(b"x"), 5])
def test_a_value_is_bytes(value):
    with pytest.raises(InvalidDefinition, match="must be bytes"):
        Put("a", value)


@pytest.mark.parametrize("revision", [-1, True, "1", 1.0])
def test_a_revision_is_a_whole_number(revision):
    for make in (lambda: Put("a", b"", revision), lambda: Delete("a", revision), lambda: Check("a", revision)):
        with pytest.raises(InvalidDefinition, match="must be a revision"):
            make()


def test_a_check_needs_a_revision():
    with pytest.raises(InvalidDefinition, match="must be a revision"):
        Check("a", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["p", "p/", "p/\U0010fffe", "pz"])
def test_within_has_all_keys_of_a_prefix(key):
    start, end = within("p")
    assert start <= key < end


@pytest.mark.parametrize("key", ["o\U0010ffff", "q", "P"])
def test_within_has_no_other_key(key):
    start, end = within("p")
    assert not start <= key < end


class Reversed:
    """Encrypts for nobody."""

    def encrypt(self, data: bytes, associated: bytes) -> bytes:
        return data[::-1]

    decrypt = encrypt


@asynccontextmanager
async def all_storages(path: Any) -> AsyncIterator[list[Any]]:
    async with open_memory() as memory, open_sqlite(path / "a.db") as sqlite, encrypted(memory, Reversed()) as hidden:
        yield [memory, sqlite, hidden]


@pytest.mark.parametrize(
    ("ops", "told"),
    [
        ([5], r"ops\[0\]=5 of commit must be a Put, Delete, DeleteRange or Check"),
        ([Put("a", b"1"), None], r"ops\[1\]=None"),
        ("ab", r"ops\[0\]='a'"),
        ({"a": b"1"}, r"ops\[0\]='a'"),
        (5, "ops=5 of commit must be a list of operations"),
        (Put("a", b"1"), r"must be a list of operations; for one alone, \[operation\]"),
    ],
)
async def test_what_is_no_operation_is_refused_and_nothing_is_changed(tmp_path, ops, told):
    async with all_storages(tmp_path) as storages:
        for storage in storages:
            with pytest.raises(InvalidDefinition, match=told):
                await storage.commit(ops)
            assert await storage.get("a") is None


@pytest.mark.parametrize("key", [None, 5, b"a", "a\0", "\ud800"])
async def test_what_can_be_no_key_is_not_looked_for(tmp_path, key):
    async with all_storages(tmp_path) as storages:
        for storage in storages:
            for ask in (lambda: storage.get(key), lambda: storage.scan(key, "b"), lambda: storage.scan("a", key)):  # noqa: B023
                with pytest.raises(InvalidDefinition, match="must be a text"):
                    await ask()


async def test_a_limit_is_a_whole_number_of_any_size(tmp_path):
    async with all_storages(tmp_path) as storages:
        for storage in storages:
            await storage.commit([Put("a", b"1"), Put("b", b"2")])
            for limit in (-1, True, 1.0, "1", None):
                with pytest.raises(InvalidDefinition, match="limit="):
                    await storage.scan("a", "c", limit)
            assert [len(await storage.scan("a", "c", limit)) for limit in (0, 1, 10**30)] == [0, 1, 2]

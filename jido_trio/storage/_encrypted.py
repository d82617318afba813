"""An encrypted storage: the values of another, which only who has the key can read.

Keys of records stay readable, as they are what a storage finds and orders records by. A value is bound to its key: one
that was put in the place of another is refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from attrs import evolve, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition, NotDecrypted
from jido_trio.redact import shown, shown_error
from jido_trio.storage._records import Op, Put, Record, Storage, checked_ops, opener_of

_FIRST = "\x01"
"""No key comes before it."""
_LAST = "\U0010ffff"

_PAGE = 500
"""So many records are encrypted anew in one commit."""


class Cipher(Protocol):
    """What encrypts values. Its methods are called in Trio's thread, often."""

    def encrypt(self, data: bytes, associated: bytes) -> bytes:
        """Return `data` encrypted, so that `decrypt` with the same `associated` gives it back."""
        ...

    def decrypt(self, data: bytes, associated: bytes) -> bytes:
        """Return what was encrypted with `associated`.

        Raises:
            Exception: The key is another, or `data` or `associated` isn't what it was. Its text is shown to people.
        """
        ...


@frozen(eq=False, repr=False)
class EncryptedStorage:
    """A storage whose values are encrypted; `encrypted` opens one."""

    _storage: Storage
    _cipher: Cipher

    def __repr__(self) -> str:
        return f"<EncryptedStorage of {self._storage!r}>"

    async def get(self, key: str) -> Record | None:
        """See `Storage`.

        Raises:
            NotDecrypted: The record isn't encrypted with this key.
            StorageError: See `Storage`.
        """
        record = await self._storage.get(key)
        return self._read(record) if record is not None else None

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        """See `Storage`.

        Raises:
            NotDecrypted: A record isn't encrypted with this key.
            StorageError: See `Storage`.
        """
        return [self._read(record) for record in await self._storage.scan(start, end, limit)]

    async def commit(self, ops: Sequence[Op]) -> None:
        """See `Storage`."""
        await self._storage.commit([self._hidden(op) for op in checked_ops(ops)])

    def _read(self, record: Record) -> Record:
        try:
            value = self._cipher.decrypt(record.value, record.key.encode())
        except Exception as error:
            raise NotDecrypted(record.key, shown_error(error)) from error
        return evolve(record, value=value)

    def _hidden(self, op: Op) -> Op:
        if isinstance(op, Put):
            return evolve(op, value=self._cipher.encrypt(op.value, op.key.encode()))
        return op


@asynccontextmanager
async def encrypted(
    storage: Storage | AbstractAsyncContextManager[Storage], cipher: Cipher
) -> AsyncIterator[EncryptedStorage]:
    """Open a storage whose values are encrypted by `cipher`.

        Jido("shop", storage=encrypted(open_sqlite("shop.db"), AesGcm(key)))

    Args:
        storage: Where the encrypted records are kept: what opens one, or one that is open, which is not closed.
        cipher: See `Cipher`; `jido_trio.storage.encryption` has one.

    Raises:
        InvalidDefinition: It is no storage, or no cipher.
        NotDecrypted: The first record that is there isn't encrypted with this key.
        StorageError: The storage can't be opened.
    """
    if not (callable(getattr(cipher, "encrypt", None)) and callable(getattr(cipher, "decrypt", None))):
        raise InvalidDefinition(
            f"cipher={shown(cipher)} is no cipher: give one with encrypt and decrypt, as AesGcm(key)", field="cipher"
        )
    async with opener_of(storage) as inner:
        hidden = EncryptedStorage(inner, cipher)
        await hidden.scan(_FIRST, _LAST, 1)
        yield hidden


async def encrypt_anew(storage: EncryptedStorage) -> int:
    """Write every record again, with the key that the cipher encrypts with now; return how many there were.

    So a key that was replaced isn't needed any more. Durable agents that run meanwhile lose what they have
    (`OwnershipLost`): do it while no program uses the storage. If it is cut off, do it again.

    Raises:
        Conflict: A record was changed meanwhile.
        InvalidDefinition: It is no storage that `encrypted` has opened.
        NotDecrypted: A record isn't encrypted with a key of the cipher.
        StorageError: See `Storage`.
    """
    given: object = storage
    if not isinstance(given, EncryptedStorage):
        why = "isn't encrypted: give what `async with encrypted(...) as storage` has opened"
        raise checks.refused("", "storage", storage, why)
    start, count = _FIRST, 0
    while records := await storage.scan(start, _LAST, _PAGE):
        await storage.commit([Put(record.key, record.value, expected=record.revision) for record in records])
        count += len(records)
        start = records[-1].key + "\x01"
    return count

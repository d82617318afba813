"""AES-GCM: encrypts, and notices what was changed.

    J1 | 4 bytes that tell the key | 12 bytes drawn at random | what was encrypted, and its tag of 16 bytes

A key may encrypt some four billion records before two of them have a good chance of the same 12 bytes, which would give
both away: NIST SP 800-38D, 8.3. Replace it long before that.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jido_trio.errors import InvalidDefinition
from jido_trio.world import real

MARK: Final = b"J1"
_ID, _NONCE, _TAG = 4, 12, 16
_HEAD = len(MARK) + _ID
SIZES = (16, 24, 32)
"""Bytes of a key."""


class AesGcm:
    """Encrypts with AES-GCM, by a key of 16, 24 or 32 bytes; `AesGcm.new_key()` makes one.

    Args:
        key: What is encrypted with from now on.
        older: Keys that were replaced: what was encrypted with them can be read.

    Raises:
        InvalidDefinition: A key isn't so long, or isn't bytes. It is not shown.
    """

    __slots__ = ("_by_id", "_id", "_key")

    def __init__(self, key: bytes, *older: bytes) -> None:
        self._by_id = {_id_of(each): AESGCM(each) for each in map(_checked, (key, *older))}
        self._id, self._key = _id_of(key), AESGCM(key)

    def __repr__(self) -> str:
        return f"<AesGcm, {len(self._by_id)} keys>"

    @staticmethod
    def new_key() -> bytes:
        """Return a new key of 32 bytes. Keep it where the storage isn't: without it nothing can be read."""
        return AESGCM.generate_key(256)

    def encrypt(self, data: bytes, associated: bytes) -> bytes:
        """See `Cipher`."""
        nonce = real.random.randbytes(_NONCE)  # of the operating system, also where the world is seeded
        return MARK + self._id + nonce + self._key.encrypt(nonce, data, associated)

    def decrypt(self, data: bytes, associated: bytes) -> bytes:
        """See `Cipher`.

        Raises:
            ValueError: It wasn't encrypted like this, or by none of these keys, or it was changed.
        """
        if not data.startswith(MARK) or len(data) < _HEAD + _NONCE + _TAG:
            raise ValueError("it isn't encrypted, or by another cipher")
        key = self._by_id.get(data[len(MARK) : _HEAD])
        if key is None:
            raise ValueError("it was encrypted with another key; give that as an older one")
        try:
            return key.decrypt(data[_HEAD : _HEAD + _NONCE], data[_HEAD + _NONCE :], associated)
        except InvalidTag:
            raise ValueError("it was changed, or was put here from elsewhere") from None


def _checked(key: object) -> bytes:
    if type(key) is not bytes or len(key) not in SIZES:
        what = f"{len(key)} bytes" if isinstance(key, bytes) else type(key).__name__
        raise InvalidDefinition(f"a key of AesGcm has 16, 24 or 32 bytes, not {what}; AesGcm.new_key() makes one")
    return key


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"jido_trio key id\0" + key).digest()[:_ID]

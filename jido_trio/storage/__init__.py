"""Storage: keeps bytes by key and revision, and changes many of them at once or none. Imports the leaves only.

It knows no agents: what a record means is the business of those who write it. Any class with the methods of `Storage`
will do; `jido_trio.testing.check_storage` says whether one keeps the promises.
"""

from jido_trio.storage._encrypted import Cipher, EncryptedStorage, encrypt_anew, encrypted
from jido_trio.storage._memory import MemoryStorage, open_memory
from jido_trio.storage._records import Check, Delete, DeleteRange, Op, Put, Record, Storage, within
from jido_trio.storage._sqlite import SqliteStorage, open_sqlite

__all__ = [
    "Check",
    "Cipher",
    "Delete",
    "DeleteRange",
    "EncryptedStorage",
    "MemoryStorage",
    "Op",
    "Put",
    "Record",
    "SqliteStorage",
    "Storage",
    "encrypt_anew",
    "encrypted",
    "open_memory",
    "open_sqlite",
    "within",
]

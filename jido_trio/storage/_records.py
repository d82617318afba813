"""Records, the operations on them, and what every storage promises.

A record is bytes under a key, with a revision that counts its changes from 1; a key that has no record has revision 0.
Keys are texts, ordered as Python orders them (by code point), so what belongs together has a prefix in common.

A commit is a list of operations, done all or not at all, one after the other. An operation may say which revision it
expects; if it finds another the whole commit is refused with `Conflict`. That is how two writers never overwrite each
other, and how one that has lost its place (`Check` of a record that names the owner) can write nothing more.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol, TypeAlias, cast

from attrs import Attribute, field, frozen

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

MAX_KEY = 1000
"""Characters of a key."""


def within(prefix: str) -> tuple[str, str]:
    """Return start and end of the range of all keys that begin with `prefix`, for `scan` and `DeleteRange`.

    Raises:
        InvalidDefinition: The prefix is no text.
    """
    checks.text("within", "prefix", prefix, blank=True)
    return prefix, prefix + "\U0010ffff"


def _key(_: object, attribute: "Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value or len(value) > MAX_KEY or not _encodable(value) or "\0" in value:
        raise InvalidDefinition(
            f"{attribute.name}={shown(value)} is no key: a key is a text of 1 to {MAX_KEY} characters, none of them "
            "NUL or half of a surrogate pair",
            field=attribute.name,
            value=value,
        )


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bytes(_: object, attribute: "Attribute[bytes]", value: object) -> None:
    if type(value) is not bytes:
        raise InvalidDefinition(
            f"{attribute.name}={shown(value)} must be bytes: encode it first", field=attribute.name, value=value
        )


def _must_be_revision(_: object, attribute: "Attribute[int]", value: object) -> None:
    if type(value) is not int or value < 0:
        raise InvalidDefinition(
            f"{attribute.name}={shown(value)} must be a revision: a whole number, 0 for no record",
            field=attribute.name,
            value=value,
        )


def _revision(_: object, attribute: "Attribute[int | None]", value: object) -> None:
    if value is not None and (type(value) is not int or value < 0):
        raise InvalidDefinition(
            f"{attribute.name}={shown(value)} must be a revision: a whole number, 0 for no record, or None for any",
            field=attribute.name,
            value=value,
        )


@frozen
class Record:
    """What a storage keeps under a key."""

    key: str
    revision: int
    """How often it was put since it is there, from 1."""
    value: bytes


@frozen
class Put:
    """Write a record. Its revision is one more than it was."""

    key: str = field(validator=_key)
    value: bytes = field(validator=_bytes)
    expected: int | None = field(default=None, validator=_revision)
    """The revision that it must have: 0 for a key without a record, None for whatever it is."""


@frozen
class Delete:
    """Remove a record, if it is there; its next revision is 1 again."""

    key: str = field(validator=_key)
    expected: int | None = field(default=None, validator=_revision)


@frozen
class DeleteRange:
    """Remove all records from key `start` on, up to `end` and without it."""

    start: str = field(validator=_key)
    end: str = field(validator=_key)


@frozen
class Check:
    """Change nothing, but refuse the commit if the record has another revision."""

    key: str = field(validator=_key)
    expected: int = field(validator=_must_be_revision)


Op: TypeAlias = Put | Delete | DeleteRange | Check


def checked_ops(ops: object) -> tuple[Op, ...]:
    """Return the operations of a commit.

    Raises:
        InvalidDefinition: They are none.
    """
    if not isinstance(ops, Iterable):
        raise checks.refused("commit", "ops", ops, "must be a list of operations; for one alone, [operation]")
    found = tuple(ops)
    for index, op in enumerate(found):
        if not isinstance(op, Op):
            raise checks.refused("commit", f"ops[{index}]", op, "must be a Put, Delete, DeleteRange or Check")
    return found


def check_key(key: object) -> None:
    """Refuse what `get` is asked for and can't be a key.

    Raises:
        InvalidDefinition: It is none.
    """
    if not isinstance(key, str) or not _encodable(key) or "\0" in key:
        raise checks.refused("get", "key", key, "must be a text, without NUL and halves of surrogate pairs")


def checked_scan(start: object, end: object, limit: object) -> int:
    """Refuse what `scan` is asked for and is no range; return the limit, which every database can count to.

    Raises:
        InvalidDefinition: It is none, or the limit is no whole number.
    """
    for name, key in (("start", start), ("end", end)):
        if not isinstance(key, str) or not _encodable(key) or "\0" in key:
            raise checks.refused("scan", name, key, "must be a text, without NUL and halves of surrogate pairs")
    checks.whole("scan", "limit", limit, least=0)
    return min(cast("int", limit), 2**63 - 1)


class Storage(Protocol):
    """Where records are kept.

    The promises, each a law of `check_storage`:

    1. A commit is atomic: all of its operations are done or none, and nobody sees some of them.
    2. Commits are ordered: each sees all that were done before it, and reads see all that were done before they began.
    3. A refused commit (`Conflict`) has changed nothing.
    4. What `commit` has returned for stays, whatever process dies then; what it means for power failures is said by
       each storage.
    5. A commit that was cancelled, or that raised `StorageUnknown`, was done whole or not at all.
    6. What can't be read as it was written is an error, never a missing record.
    """

    async def get(self, key: str) -> Record | None:
        """Return the record under `key`, or None.

        Raises:
            StorageError: It can't be read.
        """
        ...

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        """Return the first `limit` records from key `start` on, up to `end` and without it, ordered by key.

        Raises:
            StorageError: They can't be read.
        """
        ...

    async def commit(self, ops: Sequence[Op]) -> None:
        """Do all of `ops`, in order, or none.

        Raises:
            Conflict: A record has not the revision that was expected; nothing was changed.
            StorageError: It can't be written; nothing was changed.
            StorageUnknown: It can't be told whether it was done, as the connection broke, or the disk failed at its
                very end: look before you do it again.
        """
        ...


def checked_storage(storage: object) -> Storage:
    """Return an open storage; refuse what is none, and what would only open one.

    Raises:
        InvalidDefinition: It has no methods of a storage.
    """
    if not _is_open(storage):
        how = "as open_sqlite(path)"
        if hasattr(storage, "__aenter__"):
            why = "isn't open: write `async with ... as storage`, and give that storage"
        else:
            why = f"is no storage: give one that is open, {how}"
        raise checks.refused("", "storage", storage, why)
    return cast("Storage", storage)


def opener_of(storage: object) -> AbstractAsyncContextManager[Storage]:
    """Return what opens a storage; one that is open stays so.

    Raises:
        InvalidDefinition: It is neither.
    """
    if hasattr(storage, "__aenter__"):
        return cast("AbstractAsyncContextManager[Storage]", storage)  # what it opens is looked at when it is used
    if not _is_open(storage):
        why = "is no storage: give one that is open, or what opens it, as open_sqlite(path)"
        raise checks.refused("", "storage", storage, why)
    return nullcontext(cast("Storage", storage))


def _is_open(storage: object) -> bool:
    return all(callable(getattr(storage, name, None)) for name in ("get", "scan", "commit"))

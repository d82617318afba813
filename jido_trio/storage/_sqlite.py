"""Storage in an SQLite file: one thread owns the file, and commits together what has come meanwhile.

Theory of operation. SQLite blocks while it writes, so nothing of it runs in the event loop. One thread has the
connection. It takes all jobs that wait, does them in one transaction, each in a savepoint of its own, commits once, and
sends the answers back: under load the cost of reaching the disk is shared by all (group commit). A job that is refused
is undone to its savepoint, and the others stay. If the commit itself fails, all of the group have failed, and nothing
was changed.

SQLite's pages have no checksums, its write-ahead log has. So each row carries one, over key, revision and value; a row
that was damaged is an error when it is read. Damage of the structure is found by the check when the file is opened.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never, cast, get_args
from zlib import crc32

import outcome
import trio
from attrs import define, field

from jido_trio import checks
from jido_trio.errors import (
    Conflict,
    StorageClosed,
    StorageCorrupt,
    StorageError,
    StorageFailed,
    StorageLocked,
    StorageNewer,
    StorageUnknown,
)
from jido_trio.redact import said, shown_error
from jido_trio.storage._path import checked_path, remedy
from jido_trio.storage._records import (
    Check,
    Delete,
    DeleteRange,
    Op,
    Put,
    Record,
    check_key,
    checked_ops,
    checked_scan,
)
from jido_trio.storage._worker import Done, Job, Work, Worker

Verify: TypeAlias = Literal["none", "quick", "full"]
"""What is looked at when the file is opened: nothing; the structure; the structure and each record's checksum."""

APPLICATION_ID = 0x6A69646F
"""Says in the file's header whose it is: "jido"."""

FORMAT = 1
"""The version of the tables."""

_TABLE = """
CREATE TABLE records (
    key TEXT PRIMARY KEY COLLATE BINARY,
    revision INTEGER NOT NULL,
    value BLOB NOT NULL,
    checksum INTEGER NOT NULL
) WITHOUT ROWID
"""


@define(eq=False, repr=False)
class SqliteStorage:
    """Keeps records in an SQLite file; `open_sqlite` opens one."""

    path: str
    _connection: sqlite3.Connection
    _worker: Worker = field(factory=Worker)
    _closed: bool = False

    def __repr__(self) -> str:
        return f"<SqliteStorage {said(self.path)!r}{' closed' if self._closed else ''}>"

    async def get(self, key: str) -> Record | None:
        """See `Storage`."""
        check_key(key)
        record: Record | None = await self._ask(lambda db: _get(db, self.path, key))
        return record

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        """See `Storage`."""
        limit = checked_scan(start, end, limit)
        records: list[Record] = await self._ask(lambda db: _scan(db, self.path, start, end, limit))
        return records

    async def commit(self, ops: Sequence[Op]) -> None:
        """See `Storage`."""
        ops = checked_ops(ops)
        await self._ask(lambda db: _do_all(db, ops))

    # ---- in the event loop

    async def _ask(self, work: Work) -> Any:
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise StorageClosed(self.path)
        return await self._worker.ask(work)

    def close(self) -> None:
        """Take no more jobs; the thread ends when it has done those that are there."""
        self._closed = True
        self._worker.close()

    # ---- in the thread

    def serve(self) -> None:
        """Do jobs until `close`."""
        try:
            self._worker.serve(self._do)
        finally:
            self._connection.close()

    def _do(self, group: list[Job]) -> Done:
        db, is_at_the_end = self._connection, False
        try:
            db.execute("BEGIN IMMEDIATE")
            done = [(job, self._do_one(job, db)) for job in group]
            is_at_the_end = True
            db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  # whatever it is, each caller of the group is told
            _roll_back(db)
            failed = _error(self.path, error, is_at_the_end=is_at_the_end)
            return [(job, outcome.Error(failed)) for job in group]
        return done

    def _do_one(self, job: Job, db: sqlite3.Connection) -> outcome.Outcome[Any]:
        db.execute("SAVEPOINT job")
        result: outcome.Outcome[Any]
        try:
            result = outcome.Value(job.work(db))
        except sqlite3.Error:  # it may have ended the transaction
            raise
        except Exception as refused:  # noqa: BLE001  # it is this job's, and no business of the others
            db.execute("ROLLBACK TO job")
            result = outcome.Error(refused if isinstance(refused, StorageError) else _error(self.path, refused))
        db.execute("RELEASE job")
        return result


def _roll_back(db: sqlite3.Connection) -> None:
    try:
        db.execute("ROLLBACK")
    except sqlite3.Error:
        return  # SQLite has rolled back by itself, as it does when the disk is full


# ---- what is done in a transaction


def _get(db: sqlite3.Connection, path: str, key: str) -> Record | None:
    row = db.execute("SELECT key, revision, value, checksum FROM records WHERE key = ?", (key,)).fetchone()
    return None if row is None else _record(path, row)


def _scan(db: sqlite3.Connection, path: str, start: str, end: str, limit: int) -> list[Record]:
    rows = db.execute(
        "SELECT key, revision, value, checksum FROM records WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
        (start, end, limit),
    )
    return [_record(path, row) for row in rows]


def _record(path: str, row: tuple[str, int, bytes, int]) -> Record:
    key, revision, value, checksum = row
    if checksum != _checksum(key, revision, value):
        raise StorageCorrupt(path, f"the record {key!r} is not as it was written")
    return Record(key, revision, value)


def _checksum(key: str, revision: int, value: bytes) -> int:
    return crc32(value, crc32(f"{revision}:{key}".encode()))


def _do_all(db: sqlite3.Connection, ops: Sequence[Op]) -> None:
    for is_new, some in groupby(ops, _is_new):
        if is_new:
            _add(db, cast("list[Put]", list(some)))
        else:
            _do_each(db, some)


def _is_new(op: Op) -> bool:
    return isinstance(op, Put) and op.expected == 0


def _add(db: sqlite3.Connection, puts: list[Put]) -> None:
    """Write records that aren't there yet: inputs, for the most part, and many at a time."""
    rows, before = [(put.key, put.value, _checksum(put.key, 1, put.value)) for put in puts], db.total_changes
    try:
        db.executemany("INSERT INTO records VALUES (?, 1, ?, ?)", rows)
    except sqlite3.IntegrityError:
        _expect(db, puts[db.total_changes - before].key, 0)  # the first that is there; those before it were written
        raise


def _do_each(db: sqlite3.Connection, ops: Iterable[Op]) -> None:
    for op in ops:
        match op:
            case Put(key, value, expected):
                revision = _expect(db, key, expected) + 1
                db.execute(
                    "INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE "
                    "SET revision = excluded.revision, value = excluded.value, checksum = excluded.checksum",
                    (key, revision, value, _checksum(key, revision, value)),
                )
            case Delete(key, expected):
                if expected is not None:
                    _expect(db, key, expected)
                db.execute("DELETE FROM records WHERE key = ?", (key,))
            case DeleteRange(start, end):
                db.execute("DELETE FROM records WHERE key >= ? AND key < ?", (start, end))
            case Check(key, expected):
                _expect(db, key, expected)
            case _:
                assert_never(op)


def _expect(db: sqlite3.Connection, key: str, expected: int | None) -> int:
    row = db.execute("SELECT revision FROM records WHERE key = ?", (key,)).fetchone()
    found: int = row[0] if row is not None else 0
    if expected is not None and expected != found:
        raise Conflict(key, expected, found)
    return found


# ---- opening


@asynccontextmanager
async def open_sqlite(
    path: str | PathLike[str],
    *,
    power_safe: bool = False,
    verify: Verify = "quick",
    busy_timeout: float = 5.0,
) -> AsyncIterator[SqliteStorage]:
    """Open the SQLite file at `path`, made if it isn't there, until the block is left.

    What was committed outlives the process, however it dies. Leaving the block waits until what was begun is done.

    Args:
        path: The file. Beside it SQLite keeps two more while it is open, `-wal` and `-shm`.
        power_safe: Whether each commit waits until it has reached the disk. If not, the operating system has it: the
            last moments may be lost when the machine loses power, and the file is whole all the same.
        verify: What is looked at first: "none", "quick" the structure, "full" each record, too. It reads the file.
        busy_timeout: Seconds to wait for another process that writes to the file.

    Raises:
        StorageCorrupt: It is no SQLite file, or is damaged. It was left as it is.
        StorageNewer: A later version of jido_trio made it.
        StorageLocked: Another process didn't let go of it in time.
        StorageFailed: It can't be opened or made.
        InvalidDefinition: An option is wrong.
    """
    checks.flag("open_sqlite", "power_safe", power_safe)
    checks.one_of("open_sqlite", "verify", verify, get_args(Verify))
    checks.seconds("open_sqlite", "busy_timeout", busy_timeout)
    name = checked_path(path)
    connection = await trio.to_thread.run_sync(_connect, name, power_safe, verify, busy_timeout)
    storage = SqliteStorage(name, connection)
    thread = threading.Thread(target=storage.serve, name=f"jido_trio storage {Path(name).name}", daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        storage.close()
        with trio.CancelScope(shield=True):  # bounded by what the disk needs for the jobs that wait
            await trio.to_thread.run_sync(thread.join)


def _connect(path: str, power_safe: bool, verify: Verify, busy_timeout: float) -> sqlite3.Connection:  # noqa: FBT001
    try:
        db = sqlite3.connect(path, timeout=min(busy_timeout, _LONGEST), isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _error(path, error) from None
    try:
        _prepare(db, path, power_safe)
        _verify(db, path, verify)
    except sqlite3.Error as error:
        db.close()
        raise _error(path, error) from None
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: str, power_safe: bool) -> None:  # noqa: FBT001
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != APPLICATION_ID and (owner or version or tables):
        raise StorageCorrupt(path, "it is a database of another program")
    if version > FORMAT:
        raise StorageNewer(path, version, FORMAT)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
    if not tables:
        db.execute("BEGIN IMMEDIATE")
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # another may have been quicker
        if not tables:
            db.execute(_TABLE)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute("COMMIT")


def _verify(db: sqlite3.Connection, path: str, verify: Verify) -> None:
    if verify == "none":
        return
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise StorageCorrupt(path, said(found))
    if verify == "full":
        for row in db.execute("SELECT key, revision, value, checksum FROM records"):
            _record(path, row)


_LONGEST = 1_000_000
"""Seconds, 11 days; SQLite counts milliseconds in 32 bits."""

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_REFUSED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR}
"""Codes of a path that may be why."""


def _error(path: str, error: Exception, *, is_at_the_end: bool = False) -> StorageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if is_at_the_end and code == sqlite3.SQLITE_IOERR:
        # It is undone here, but all of it may stand in the log, and whoever opens the file next would find it there.
        return StorageUnknown(path, shown_error(error))
    if code in _LOCKED:
        return StorageLocked(path)
    if code in _CORRUPT or isinstance(error, UnicodeDecodeError):
        return StorageCorrupt(path, said(error))
    if code == sqlite3.SQLITE_FULL:
        return StorageFailed(path, shown_error(error), "Make room on the disk, and try again")
    return StorageFailed(path, shown_error(error), remedy(path) if code in _REFUSED else "")

"""Storage in a PostgreSQL database, for many processes: one thread has the connection, and commits in groups.

A commit is one call of a function in the database, which takes a lock of the table's own first. So commits are done one
after the other, whoever they come from, and each sees all that were done before it; a record that isn't there can be
checked as well as one that is. What has come while the thread was busy is sent together, in one transaction.

If the connection breaks while a group is under way, it may have been done or not: its callers are told so
(`StorageUnknown`). The next job connects anew.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from zlib import crc32

import outcome
import psycopg
import trio
from attrs import define, field
from psycopg import pq, sql

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

FORMAT = 1
"""The version of table and function; it is the table's comment."""

Db: TypeAlias = "psycopg.Connection[Any]"

_LOCK = "pg_advisory_xact_lock(hashtext('jido_trio'), hashtext({name}))"

_SCHEMA = """
CREATE TABLE {table} (
    key text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL,
    value bytea NOT NULL,
    checksum bigint NOT NULL
);
COMMENT ON TABLE {table} IS 'jido_trio 1';
CREATE FUNCTION {commit}(kinds text[], keys text[], ends text[], vals bytea[], sums bigint[], expect bigint[])
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
    refused bigint[];
BEGIN
    PERFORM {lock};
    BEGIN
        FOR i IN 1 .. coalesce(array_length(kinds, 1), 0) LOOP
            IF expect[i] IS NOT NULL THEN
                SELECT coalesce(max(revision), 0) INTO found FROM {table} WHERE key = keys[i];
                IF found <> expect[i] THEN
                    refused := ARRAY[i, found];
                    RAISE EXCEPTION SQLSTATE 'JT001';
                END IF;
            END IF;
            IF kinds[i] = 'put' THEN
                INSERT INTO {table} AS old VALUES (keys[i], 1, vals[i], sums[i])
                ON CONFLICT (key) DO UPDATE
                SET revision = old.revision + 1, value = excluded.value, checksum = excluded.checksum;
            ELSIF kinds[i] = 'delete' THEN
                DELETE FROM {table} WHERE key = keys[i];
            ELSIF kinds[i] = 'range' THEN
                DELETE FROM {table} WHERE key >= keys[i] COLLATE "C" AND key < ends[i] COLLATE "C";
            END IF;
        END LOOP;
    EXCEPTION WHEN SQLSTATE 'JT001' THEN
        RETURN refused;
    END;
    RETURN NULL;
END $$;
"""
"""What is refused is undone by the inner block, and told by what the function returns: place and revision."""


@define(eq=False, repr=False)
class PostgresStorage:
    """Keeps records in a table of a PostgreSQL database; `open_postgres` opens one."""

    name: str
    """Of the database and the table, without what is secret."""
    _conninfo: str
    _table: str
    _timeout: float
    _db: Db
    _worker: Worker = field(factory=Worker)
    _closed: bool = False

    def __repr__(self) -> str:
        return f"<PostgresStorage {said(self.name)!r}{' closed' if self._closed else ''}>"

    async def get(self, key: str) -> Record | None:
        """See `Storage`."""
        check_key(key)
        rows = await self._ask(self._read(sql.SQL(" WHERE key = %s"), (key,)))
        return rows[0] if rows else None

    async def scan(self, start: str, end: str, limit: int = 1000) -> Sequence[Record]:
        """See `Storage`."""
        limit = checked_scan(start, end, limit)
        where = sql.SQL(' WHERE key >= %s COLLATE "C" AND key < %s COLLATE "C" ORDER BY key LIMIT %s')
        rows: list[Record] = await self._ask(self._read(where, (start, end, limit)))
        return rows

    async def commit(self, ops: Sequence[Op]) -> None:
        """See `Storage`."""
        ops = checked_ops(ops)
        arguments = _arguments(ops)
        call = sql.SQL("SELECT {}(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::bigint[], %s::bigint[])").format(
            sql.Identifier(f"{self._table}_commit")
        )
        refused = (await self._ask(lambda db: db.execute(call, arguments)))[0][0]
        if refused is not None:
            place, found = refused
            op = ops[place - 1]
            assert not isinstance(op, DeleteRange)  # noqa: S101  # it expects nothing
            raise Conflict(op.key, op.expected or 0, found)

    # ---- in the event loop

    async def _ask(self, work: Work) -> Any:
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise StorageClosed(self.name)
        return await self._worker.ask(work)

    def _read(self, where: sql.SQL, arguments: tuple[object, ...]) -> Work:
        query = sql.SQL("SELECT key, revision, value, checksum FROM {}").format(sql.Identifier(self._table))
        return lambda db: db.execute(query + where, arguments)

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
            self._db.close()

    def _do(self, group: list[Job]) -> Done:
        try:
            if self._db.closed:
                self._db = _connect(self._conninfo, self._timeout)
        except psycopg.Error as error:
            return _all_failed(group, StorageFailed(self.name, said(error)))
        try:
            with self._db.transaction(), self._db.pipeline():
                cursors = [job.work(self._db) for job in group]
            return [(job, self._answer(cursor)) for job, cursor in zip(group, cursors, strict=True)]
        except Exception as error:  # noqa: BLE001  # whatever it is, each caller of the group is told
            whole = _is_whole(self._db, error)
            if not whole:
                self._db.close()
            return _all_failed(group, _error(self.name, error, broken=not whole))

    def _answer(self, cursor: psycopg.Cursor[Any]) -> outcome.Outcome[Any]:
        rows = cursor.fetchall()
        if len(rows) == 1 and len(rows[0]) == 1:
            return outcome.Value(rows)
        try:
            return outcome.Value([_record(self.name, row) for row in rows])
        except StorageCorrupt as corrupt:
            return outcome.Error(corrupt)


def _all_failed(group: list[Job], error: StorageError) -> Done:
    return [(job, outcome.Error(error)) for job in group]


def _is_whole(db: Db, error: Exception) -> bool:
    """Whether it was the server that refused, and the connection serves on.

    A connection that broke in the middle of a pipeline may stay in it, open for libpq and of no use to anyone.
    """
    told = isinstance(error, psycopg.Error) and error.sqlstate is not None
    idle = db.info.transaction_status == pq.TransactionStatus.IDLE
    return told and idle and db.pgconn.pipeline_status == pq.PipelineStatus.OFF


def _error(name: str, error: Exception, *, broken: bool) -> StorageError:
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return StorageLocked(name, "lock_timeout")
    if isinstance(error, psycopg.errors.DataCorrupted | psycopg.errors.IndexCorrupted):
        return StorageCorrupt(name, said(error))
    what = said(error) if isinstance(error, psycopg.Error) else shown_error(error)
    return StorageUnknown(name, what) if broken else StorageFailed(name, what)


def _arguments(ops: Sequence[Op]) -> tuple[list[Any], ...]:
    kinds, keys, ends, values, sums, expected = columns = ([], [], [], [], [], [])  # type: ignore[var-annotated]
    for op in ops:
        kinds.append(_KINDS[type(op)])
        keys.append(op.start if isinstance(op, DeleteRange) else op.key)
        ends.append(op.end if isinstance(op, DeleteRange) else None)
        values.append(op.value if isinstance(op, Put) else None)
        sums.append(_checksum(op.key, op.value) if isinstance(op, Put) else None)
        expected.append(None if isinstance(op, DeleteRange) else op.expected)
    return columns


_KINDS: dict[type, str] = {Put: "put", Delete: "delete", DeleteRange: "range", Check: "check"}


def _record(name: str, row: tuple[str, int, bytes, int]) -> Record:
    key, revision, value, checksum = row
    value = bytes(value)
    if checksum != _checksum(key, value):
        raise StorageCorrupt(name, f"the record {key!r} is not as it was written")
    return Record(key, revision, value)


def _checksum(key: str, value: bytes) -> int:
    return crc32(value, crc32(key.encode()))


# ---- opening


@asynccontextmanager
async def open_postgres(
    conninfo: str, *, table: str = "jido_records", lock_timeout: float = 5
) -> AsyncIterator[PostgresStorage]:
    """Open a storage in a PostgreSQL database; its table is made if it isn't there.

    Leaving the block waits until what was begun is done. It needs the extra `postgres`.

    Args:
        conninfo: Where the database is, as libpq takes it: "postgresql://user@host/shop".
        table: The table of the records. Those who share it share the storage.
        lock_timeout: Seconds to wait for another process that is at a commit, and for a connection.

    Raises:
        StorageFailed: The database can't be reached, or refuses.
        StorageCorrupt: The table is another program's.
        StorageNewer: A later version of jido_trio made it.
        StorageLocked: Another process didn't let go of it in time.
        InvalidDefinition: An option is wrong.
    """
    checks.text("open_postgres", "conninfo", conninfo, blank=True)
    _check_table(table)
    checks.seconds("open_postgres", "lock_timeout", lock_timeout)
    db = await trio.to_thread.run_sync(_opened, conninfo, table, lock_timeout)
    name = _name(db, table)
    storage = PostgresStorage(name, conninfo, table, lock_timeout, db)
    thread = threading.Thread(target=storage.serve, name=f"jido_trio storage {name}", daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        storage.close()
        with trio.CancelScope(shield=True):  # bounded by what the server needs for the jobs that wait
            await trio.to_thread.run_sync(thread.join)


def _check_table(table: object) -> None:
    checks.text("open_postgres", "table", table)
    if "\0" in str(table) or len(str(table).encode()) > _MAX_TABLE:
        why = f"must be a name of at most {_MAX_TABLE} bytes without NUL: the server would cut a longer one"
        raise checks.refused("open_postgres", "table", table, why)


_MAX_TABLE = 63 - len("_commit")
"""Bytes: a name has 63, and a function is called after the table."""


def _name(db: Db, table: str) -> str:
    return f"{db.info.host}:{db.info.port}/{db.info.dbname}/{table}"


def _opened(conninfo: str, table: str, timeout: float) -> Db:
    try:
        db = _connect(conninfo, timeout)
    except psycopg.Error as error:
        raise StorageFailed(f"PostgreSQL table {table}", said(error)) from None
    name = _name(db, table)
    try:
        with db.transaction():
            _prepare(db, name, table)
    except psycopg.Error as error:
        db.close()
        raise _error(name, error, broken=False) from None
    except BaseException:
        db.close()
        raise
    return db


def _connect(conninfo: str, timeout: float) -> Db:
    db = psycopg.connect(conninfo, autocommit=True, connect_timeout=max(1, round(timeout)), client_encoding="utf8")
    db.execute("SELECT set_config('lock_timeout', %s, false)", (f"{max(1, round(timeout * 1000))}ms",))
    return db


def _prepare(db: Db, name: str, table: str) -> None:
    lock = sql.SQL(_LOCK).format(name=sql.Literal(table))
    db.execute(sql.SQL("SELECT ") + lock)
    (encoding,) = _one(db, sql.SQL("SHOW server_encoding"))
    if encoding != "UTF8":
        raise StorageFailed(name, f"its encoding is {encoding}: make the database with ENCODING 'UTF8'")
    comment = _one(db, sql.SQL("SELECT to_regclass(%s), obj_description(to_regclass(%s), 'pg_class')"), table)
    if comment[0] is None:
        names = {"table": sql.Identifier(table), "commit": sql.Identifier(f"{table}_commit"), "lock": lock}
        db.execute(sql.SQL(_SCHEMA).format(**names))
        return
    program, _, version = (comment[1] or "").partition(" ")
    if program != "jido_trio" or not version.isdecimal():
        raise StorageCorrupt(name, "it is a table of another program")
    if int(version) > FORMAT:
        raise StorageNewer(name, int(version), FORMAT)


def _one(db: Db, query: sql.SQL, *names: str) -> Any:
    quoted = [sql.Identifier(each).as_string(db) for each in names for _ in range(2)]
    row = db.execute(query, quoted or None).fetchone()
    assert row is not None  # noqa: S101  # each of these gives one
    return row

"""Queries on a SQLite file, which they can't change."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio
from attrs import field, frozen, validators

from jido_trio import checks
from jido_trio.actions.outside._allowed import allowed, is_path
from jido_trio.core import Action, Context, Result
from jido_trio.errors import InvalidDefinition, Permanent, Transient
from jido_trio.redact import said, shown


@frozen
class SqliteFile:
    """The file that may be asked, and how much of it.

    Raises:
        InvalidDefinition: There is no such file, or a bound makes no sense.
    """

    path: str | os.PathLike[str]
    seconds: float = field(default=5.0, kw_only=True)
    """For one query, the wait for others who write included. A function of SQLite that can't be interrupted goes on in
    its thread after that."""
    max_rows: int = field(default=1000, kw_only=True)
    """More are cut off, and it is told."""
    max_bytes: int = field(default=1_000_000, kw_only=True)
    """Of one value, and of ten times as many all in all; rows after that are cut off, and it is told."""

    def __attrs_post_init__(self) -> None:
        if not is_path(self.path) or not Path(self.path).is_file():
            raise InvalidDefinition(f"path={shown(self.path)} of SqliteFile is no file")
        checks.seconds("SqliteFile", "seconds", self.seconds, above_zero=True)
        checks.whole("SqliteFile", "max_rows", self.max_rows, least=1)
        checks.whole("SqliteFile", "max_bytes", self.max_bytes, least=1)


class QuerySqlite(Action, category="sql", tags=["read"], idempotent=True):
    """Ask a SQLite database, and return the columns and rows. It can be read, and nothing else."""

    query: str = field(validator=validators.max_len(100_000))
    values: tuple[str | int | float | None, ...] = field(default=(), validator=validators.max_len(1000))
    """For the `?` in the query."""

    async def run(self, context: Context[Any]) -> Result:
        """Ask it, in a thread."""
        file = allowed(context, SqliteFile, self.name)
        given_up = False
        try:
            with trio.move_on_after(file.seconds):
                return await trio.to_thread.run_sync(
                    _asked, file, self.query, self.values, lambda: given_up, abandon_on_cancel=True
                )
        finally:
            given_up = True
        raise Transient(f"the query failed: it was interrupted after {file.seconds:g} s")


def _asked(file: SqliteFile, query: str, values: tuple[Any, ...], given_up: Callable[[], bool]) -> dict[str, Any]:
    uri = f"{Path(file.path).resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=file.seconds, isolation_level=None)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, file.max_bytes)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_authorizer(_allows)
        connection.set_progress_handler(given_up, _STEPS)
        cursor = connection.execute(query, values)
        rows, more = _fetched(cursor, file)
        columns = [each[0] for each in cursor.description or ()]
    except sqlite3.Error as error:
        kind = Transient if getattr(error, "sqlite_errorname", "") in _MAY_PASS else Permanent
        raise kind(f"the query failed: {said(error)}") from error
    except (ValueError, OverflowError, sqlite3.Warning) as error:
        raise Permanent(f"the query failed: {said(error)}") from error
    finally:
        connection.close()
    return {"columns": columns, "rows": rows, "more": more}


def _fetched(cursor: sqlite3.Cursor, file: SqliteFile) -> tuple[list[list[Any]], bool]:
    """Return the rows for which there is room, and whether there are more."""
    rows, room = list[list[Any]](), 10 * file.max_bytes
    for row in cursor:
        room -= sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
        if len(rows) == file.max_rows or room < 0:
            return rows, True
        rows.append(list(row))
    return rows, False


_STEPS = 10_000
"""Of SQLite's machine, between two looks at whether somebody still waits."""
_MAY_PASS = {"SQLITE_BUSY", "SQLITE_LOCKED"}
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_TAKES_CODE = {"load_extension", "fts3_tokenizer"}
"""Functions that have SQLite run other code: of a file, or at an address."""


def _allows(action: int, _: object, name: object, __: object, ___: object) -> int:
    if action in _READING or (action == sqlite3.SQLITE_FUNCTION and name not in _TAKES_CODE):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY

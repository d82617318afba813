"""A counter that is brought to a number, step by step, each committed; for any library. Imports only Python's own.

The arguments: the file, the number, how safe a commit is ("disk" or "system"), and "killed" if the process kills itself
there, as a crash would. It goes on where the file says that it was. The last line says how long it took, as JSON, by
the clock and in seconds of the processor.
"""

import json
import os
import signal
import sqlite3
import sqlite3.dbapi2
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

FILE = sys.argv[1]
TO = int(sys.argv[2])
SAFE = sys.argv[3]
LEVELS = {"disk": "FULL", "system": "NORMAL"}
"""What SQLite calls it, with a write-ahead log: each commit reaches the disk; or the operating system."""

_connect = sqlite3.connect
_opened: list[Any] = []
_began = process_time()
_first: list[tuple[float, float]] = []
"""When the first step was committed: by the clock, and in seconds of the processor."""


def alike() -> None:
    """Have all connections to SQLite be as safe, whatever the library says."""

    def connect(*args: Any, **named: Any) -> Any:
        connection = _connect(*args, **named)
        set_up(connection)
        _opened.append(connection)
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connect


def set_up(connection: Any) -> None:
    """Have a connection be as safe as is wanted."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={LEVELS[SAFE]}")


def begin() -> None:
    """The library is imported; from now on it is at work."""
    global _began  # noqa: PLW0603  # one program, one number
    _began = process_time()


def stepped() -> None:
    """A step is committed."""
    if not _first:
        _first.append((perf_counter(), process_time()))


def end(reached: int) -> None:
    """Tell how long it took, and die if that is wanted."""
    now, busy = perf_counter(), process_time()
    assert reached == TO, f"it is at {reached}, not at {TO}"
    first, first_busy = _first[0] if _first else (now, busy)
    rest = {"rest": now - first, "rest_busy": busy - first_busy}
    print(json.dumps({**rest, "first_busy": first_busy, "opening": first_busy - _began}), flush=True)
    if "killed" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)


def loop(at: int, step: Callable[[], int]) -> None:
    """Do steps until the number is reached."""
    while at < TO:
        at = step()
        stepped()
    end(at)

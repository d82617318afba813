"""Where a file of records is: what is no path of one, and what to do where it can't be opened.

A file is looked at by its status alone. Opened and closed again, it would lose the locks that SQLite has on it for
another storage of the same process.
"""

from __future__ import annotations

import errno
import os
from os import PathLike
from pathlib import Path

from jido_trio import checks
from jido_trio.redact import said, shown


def checked_path(path: str | PathLike[str]) -> str:
    """Return the path of a file as a text.

    Raises:
        InvalidDefinition: It is none.
    """
    name = checks.path("open_sqlite", "path", path)
    if name == ":memory:":
        raise checks.refused("open_sqlite", "path", path, "would keep nothing; for that there is open_memory()")
    return name


def remedy(path: str) -> str:
    """Return what to do about a file that can't be opened or written; nothing if it looks well."""
    file = Path(os.path.realpath(path))  # a link may lead to a folder that is not there
    try:
        return _remedy(file)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "Give a shorter path"
        if error.errno == errno.EACCES:
            return f"Let {_user()} enter the folders of that path, or give another one"
        return f"Look at the path: {said(error)}"


def _remedy(file: Path) -> str:
    if not _is_there(file.parent):
        return f"Make the folder {shown(str(file.parent))} first"
    if not file.parent.is_dir():
        return f"Give another path: {shown(str(file.parent))} is no folder"
    if file.is_dir():
        return f"It is a folder: give the path of a file, as {shown(str(file / 'jido.db'))}"
    if _is_there(file) and not _may(file, os.R_OK | os.W_OK):
        return f"Let {_user()} read and write the file, or give another path"
    if not _may(file.parent, os.W_OK | os.X_OK):
        return f"Let {_user()} write to the folder {shown(str(file.parent))}, where more files are kept beside it"
    return ""


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def _user() -> str:
    number = os.geteuid() if hasattr(os, "geteuid") else None
    return "the user of this process" + (f" ({number})" if number is not None else "")

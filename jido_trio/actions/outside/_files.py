"""Files below one folder, and no others.

A path is walked from the folder's own descriptor, one name after the other, and no symbolic link is ever followed. So
there is no moment between a check and a use in which somebody could put a link into the way; and neither `..` nor an
absolute path leads anywhere. What two paths have in common on disk, a hard link or a mount, is not looked at.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

import trio
from attrs import field, frozen, validators

from jido_trio import checks
from jido_trio.actions.outside._allowed import allowed, is_path
from jido_trio.core import Action, Context, Result
from jido_trio.errors import InvalidDefinition, Permanent
from jido_trio.redact import shown
from jido_trio.world import current

T = TypeVar("T")


@frozen
class Files:
    """A folder below which actions may read and, if it isn't read-only, write.

    Raises:
        InvalidDefinition: There is no such folder, or the system can't keep to it.
    """

    root: str | os.PathLike[str]
    read_only: bool = field(default=False, kw_only=True)
    max_bytes: int = field(default=10_000_000, kw_only=True)
    """Of one file, read or written."""
    max_entries: int = field(default=10_000, kw_only=True)
    """Of one folder that is listed."""

    def __attrs_post_init__(self) -> None:
        if os.open not in os.supports_dir_fd or not hasattr(os, "O_NOFOLLOW"):
            raise InvalidDefinition("files can't be confined to a folder on this system: it has no openat")
        if not is_path(self.root) or not Path(self.root).is_dir():
            raise InvalidDefinition(f"root={shown(self.root)} of Files is no folder")
        checks.flag("Files", "read_only", self.read_only)
        checks.whole("Files", "max_bytes", self.max_bytes, least=1)
        checks.whole("Files", "max_entries", self.max_entries, least=1)

    @contextmanager
    def folder(self, names: list[str]) -> Iterator[int]:
        """Open a folder below the root, without following links."""
        opened = os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for name in names:
                inner = os.open(name, _FOLDER, dir_fd=opened)
                os.close(opened)
                opened = inner
            yield opened
        finally:
            os.close(opened)

    @contextmanager
    def place(self, path: str) -> Iterator[tuple[int, str]]:
        """Open the folder that a path leads to, for the name at its end."""
        *names, last = parts(path)
        with self.folder(names) as folder:
            yield folder, last


_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def parts(path: str, *, empty: bool = False) -> list[str]:
    """Return the names of a relative path.

    Raises:
        Permanent: It is none, or may lead out of the folder that it is for.
    """
    names = [name for name in path.split("/") if name not in ("", ".")]
    if path.startswith("/") or ".." in names or "\0" in path or len(path) > _LONGEST:
        raise Permanent(f"path {shown(path, 80)} is refused: give one below the folder, as 'notes/today.txt'")
    if not names and not empty:
        raise Permanent(f"path {shown(path, 80)} is the folder itself: give the name of a file in it")
    return names


_LONGEST = 4096


async def _do(action: str, path: str, work: Callable[[], T]) -> T:
    """Do something with files in a thread; what the system says no to is a failure of the action."""
    try:
        return await trio.to_thread.run_sync(work)
    except OSError as error:
        why = "a symbolic link is in the way" if error.errno in (errno.ELOOP, errno.EMLINK) else error.strerror
        raise Permanent(f"{action} {shown(path, 80)}: {why}") from error
    except UnicodeError as error:
        raise Permanent(f"{action} {shown(path, 80)}: it is no such text, or no name of a file") from error


def _writable(context: Context[Any], action: str) -> Files:
    files = allowed(context, Files, action)
    if files.read_only:
        raise Permanent(f"action {action!r} may not write: Files is read-only here")
    return files


_PATH: Any = validators.max_len(_LONGEST)


class ReadFile(Action, category="files", tags=["read"], idempotent=True):
    """Read a text file."""

    path: str = field(validator=_PATH)
    encoding: Literal["utf-8", "latin-1"] = "utf-8"

    async def run(self, context: Context[Any]) -> Result:
        """Return its text."""
        files = allowed(context, Files, self.name)
        text = await _do(self.name, self.path, lambda: _read(files, self.path).decode(self.encoding))
        return {"path": self.path, "text": text}


def _read(files: Files, path: str) -> bytes:
    with files.place(path) as (folder, name), os.fdopen(_regular(name, os.O_RDONLY, folder), "rb") as file:
        content: bytes = file.read(files.max_bytes + 1)
    if len(content) > files.max_bytes:
        raise Permanent(f"file {shown(path, 80)} has more than {files.max_bytes} bytes")
    return content


def _regular(name: str, flags: int, folder: int) -> int:
    """Open a file that is one: what waits for somebody, a pipe or a device, is refused."""
    opened = os.open(name, flags | _FILE, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise Permanent(f"{shown(name, 80)} is no file")
    return opened


class WriteFile(Action, category="files", tags=["write"]):
    """Write a text file. In its mode "write" readers see the old text or the new one, never half of it."""

    path: str = field(validator=_PATH)
    text: str
    mode: Literal["write", "append", "create"] = "write"
    """"create" refuses a file that is there."""

    async def run(self, context: Context[Any]) -> Result:
        """Write it."""
        files = _writable(context, self.name)
        size = await _do(self.name, self.path, lambda: _write(files, self.path, self.text.encode(), self.mode))
        return {"path": self.path, "bytes": size}


def _write(files: Files, path: str, content: bytes, mode: str) -> int:
    if len(content) > files.max_bytes:
        raise Permanent(f"file {shown(path, 80)} would have more than {files.max_bytes} bytes")
    with files.place(path) as (folder, name):
        if mode == "write":
            _replace(folder, name, content)
        elif mode == "create":
            with os.fdopen(
                os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o644, dir_fd=folder), "wb"
            ) as f:
                f.write(content)
        else:
            _append(files, folder, name, content)
    return len(content)


def _append(files: Files, folder: int, name: str, content: bytes) -> None:
    opened = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _FILE, 0o644, dir_fd=folder)
    with os.fdopen(opened, "ab") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Permanent(f"{shown(name, 80)} is no file")
        if status.st_size + len(content) > files.max_bytes:
            raise Permanent(f"file {shown(name, 80)} would have more than {files.max_bytes} bytes")
        file.write(content)


def _replace(folder: int, name: str, content: bytes) -> None:
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISREG(there.st_mode):
            raise Permanent(f"{shown(name, 80)} is there, and is no file")
    beside = f".{name[:100]}.{current().ids()}"
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o644, dir_fd=folder)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(content)
        os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(beside, dir_fd=folder)
        raise


class ListFolder(Action, category="files", tags=["read"], idempotent=True):
    """List what is in a folder, in the order of the names."""

    path: str = field(default="", validator=_PATH)

    async def run(self, context: Context[Any]) -> Result:
        """Return the entries, each with its name, kind and size."""
        files = allowed(context, Files, self.name)
        return {"path": self.path, "entries": await _do(self.name, self.path, lambda: _entries(files, self.path))}


def _entries(files: Files, path: str) -> list[dict[str, Any]]:
    found = list[dict[str, Any]]()
    with files.folder(parts(path, empty=True)) as folder, os.scandir(folder) as entries:
        for each in entries:
            if len(found) == files.max_entries:
                raise Permanent(f"folder {shown(path, 80)} has more than {files.max_entries} entries")
            status = each.stat(follow_symlinks=False)
            found.append({"name": each.name, "kind": _kind(status.st_mode), "size": status.st_size})
    return sorted(found, key=lambda entry: str(entry["name"]))


def _kind(mode: int) -> str:
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(mode), "other")


class MakeFolder(Action, category="files", tags=["write"], idempotent=True):
    """Make a folder, and those above it; one that is there already is good, too."""

    path: str = field(validator=_PATH)

    async def run(self, context: Context[Any]) -> Result:
        """Make it."""
        files = _writable(context, self.name)
        await _do(self.name, self.path, lambda: _make(files, parts(self.path)))
        return {"path": self.path}


def _make(files: Files, names: list[str]) -> None:
    for count, name in enumerate(names):
        with files.folder(names[:count]) as folder, suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder)
    with files.folder(names):
        pass  # it is there, and is a folder


class DeleteFile(Action, category="files", tags=["write"]):
    """Delete a file, or a link itself; folders are left alone."""

    path: str = field(validator=_PATH)

    async def run(self, context: Context[Any]) -> Result:
        """Delete it."""
        files = _writable(context, self.name)

        def delete() -> None:
            with files.place(self.path) as (folder, name):
                os.unlink(name, dir_fd=folder)

        await _do(self.name, self.path, delete)
        return {"path": self.path}


class CopyFile(Action, category="files", tags=["write"]):
    """Copy a file; one that is there is replaced."""

    path: str = field(validator=_PATH)
    to: str = field(validator=_PATH)

    async def run(self, context: Context[Any]) -> Result:
        """Copy it."""
        files = _writable(context, self.name)
        size = await _do(self.name, self.path, lambda: _write(files, self.to, _read(files, self.path), "write"))
        return {"path": self.path, "to": self.to, "bytes": size}


class MoveFile(Action, category="files", tags=["write"]):
    """Move or rename a file; one that is there is replaced."""

    path: str = field(validator=_PATH)
    to: str = field(validator=_PATH)

    async def run(self, context: Context[Any]) -> Result:
        """Move it."""
        files = _writable(context, self.name)

        def move() -> None:
            with files.place(self.path) as (there, old), files.place(self.to) as (here, new):
                os.close(_regular(old, os.O_RDONLY, there))
                os.replace(old, new, src_dir_fd=there, dst_dir_fd=here)

        await _do(self.name, self.path, move)
        return {"path": self.path, "to": self.to}

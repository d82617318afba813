"""Inspector: a Unix socket at which an instance shows what it is at, to its own user and to nobody else.

One exchange for each connection: a line of JSON asks, a line of JSON answers, and the socket is closed. What can be
asked for is looked up, never run. Whoever connects and asks nothing, or doesn't read, is hung up on.

A file of a program that was killed stays behind. Nobody listens at it, so connecting is refused: then, and only then, a
socket that is in the way is removed.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import trio
from attrs import define, field

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import said, shown

logger = logging.getLogger("jido_trio.runtime")

Answer: TypeAlias = Callable[[str | None, int], dict[str, Any]]
"""Takes the id of an agent, or None for all, and how many agents to name at most."""

LONGEST_PATH = 100
"""Bytes of a path: systems have 104 or 108, with the end."""

LONGEST_REQUEST = 10_000
"""Bytes of a line that asks."""

PATIENCE = 5.0
"""Seconds that a connection may take."""

AT_ONCE = 8
"""So many connections are answered at the same time; others wait."""


def checked_path(path: object) -> str:
    """Return the path of a socket as text.

    Raises:
        InvalidDefinition: It is none, or too long for a socket.
    """
    if not isinstance(path, str | os.PathLike):
        raise checks.refused("", "inspect", path, "must be a path for a Unix socket, or None for no socket")
    text = os.fspath(path)
    if not isinstance(text, str) or not text or "\0" in text or any("\ud800" <= each <= "\udbff" for each in text):
        raise checks.refused("", "inspect", path, "must be a path for a Unix socket: a text that is not empty")
    if not hasattr(socket, "AF_UNIX"):
        raise checks.refused("", "inspect", path, "needs Unix sockets, which this system doesn't have")
    if len(os.fsencode(text)) > LONGEST_PATH:
        raise checks.refused("", "inspect", path, f"is too long for a Unix socket: at most {LONGEST_PATH} bytes")
    return text


@define(eq=False)
class Inspector:
    """Answers at a socket, which only the user of this process may connect to."""

    path: str
    _answer: Answer
    _listener: socket.socket | None = None
    _file: object = None
    """What tells our socket from one that took its place."""
    _scope: trio.CancelScope = field(factory=trio.CancelScope)
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(AT_ONCE))

    def listen(self) -> None:
        """Make the socket.

        Raises:
            InvalidDefinition: There can't be one at that path; or another program listens there.
        """
        try:
            _make_way(self.path)
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(self.path)
            self._file = _file_at(self.path)
            Path(self.path).chmod(stat.S_IRUSR | stat.S_IWUSR)  # before it listens, so that nobody was let in
            self._listener.listen()
        except OSError as error:
            if self._listener is not None:
                self._listener.close()
            raise _refused(self.path, said(error.strerror or error)) from error

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Answer, until it is closed."""
        assert self._listener is not None  # noqa: S101  # it listens
        listener = trio.socket.from_stdlib_socket(self._listener)
        try:
            with self._scope:
                await trio.serve_listeners(self._serve, [trio.SocketListener(listener)])
        except Exception:
            logger.exception("the inspector at %s has ended", shown(self.path))
        finally:
            listener.close()

    def close(self) -> None:
        """Answer no more, and remove the socket."""
        self._scope.cancel("the instance has ended")
        if self._file is not None:
            with suppress(OSError):
                if _file_at(self.path) == self._file:
                    Path(self.path).unlink()

    @trio.lowlevel.enable_ki_protection
    async def _serve(self, stream: trio.SocketStream) -> None:
        async with self._limiter, stream:
            with suppress(trio.BrokenResourceError), trio.move_on_after(PATIENCE):  # whoever is gone needs no answer
                line = await _line(stream)
                if line is not None:
                    await stream.send_all(_answered(self._answer, line))


def _make_way(path: str) -> None:
    """Remove a socket at which nobody listens."""
    try:
        mode = Path(path).lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise _refused(path, "there is a file or a folder, and no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(path)
        except BlockingIOError:
            pass  # many connect to it at this moment
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise _refused(path, "another program listens there")


def _refused(path: str, why: str) -> InvalidDefinition:
    return InvalidDefinition(
        f"inspect={shown(path)} can't be opened: {why}; give another path", field="inspect", value=path
    )


def _file_at(path: str) -> object:
    there = Path(path).lstat()
    return there.st_dev, there.st_ino


async def _line(stream: trio.SocketStream) -> bytes | None:
    line = b""
    while b"\n" not in line:
        more = await stream.receive_some()
        line += more
        if not more or len(line) > LONGEST_REQUEST:
            return None
    return line


def _answered(answer: Answer, line: bytes) -> bytes:
    try:
        told = answer(*_asked(line))
        return json.dumps(told).encode() + b"\n"
    except _Unreadable as error:
        told = {"error": str(error)}
    except Exception as error:
        logger.exception("an inspector can't show what the instance is at")
        told = {"error": f"it can't be shown: {shown(error)}"}
    return json.dumps(told).encode() + b"\n"


class _Unreadable(Exception):
    """What was asked for is no request."""


def _asked(line: bytes) -> tuple[str | None, int]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Unreadable(f"a line of JSON is expected: {said(error)}") from None
    agent, limit = (request.get("agent"), request.get("limit", 100)) if isinstance(request, dict) else (0, 0)
    if not isinstance(agent, str | None) or type(limit) is not int or limit < 0:
        raise _Unreadable('expected {"agent": an id or null, "limit": how many agents to name}')
    return agent, limit

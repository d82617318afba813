"""Lines of text as signals: what is appended to a file, what a child process says, what comes by a Unix socket.

A line is the data `{"line": text}`, without its end; bytes that are no UTF-8 are replaced. Longer lines than `longest`
are cut, and have `"cut": True`. Lines wait at their source while the agent's mailbox is full.
"""

import os
import stat
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

from jido_trio.core import Sensing, Sensor
from jido_trio.errors import InvalidDefinition

LONGEST = 65_536
CHUNK = 65_536

_above_0: Any = attrs.validators.gt(0)


@attrs.define
class LineBuffer:
    """Makes lines of bytes that come piece by piece."""

    longest: int
    """Bytes of a line that are kept."""
    _rest: bytes = b""
    _cut: bool = False

    def feed(self, more: bytes) -> Iterator[dict[str, object]]:
        """Return the lines that are whole now."""
        *whole, last = more.split(b"\n")
        for part in whole:
            self._add(part)
            yield self._line()
        self._add(last)

    def end(self) -> Iterator[dict[str, object]]:
        """Return what has no end of line."""
        if self._rest:
            yield self._line()

    def _add(self, part: bytes) -> None:
        room = self.longest - len(self._rest)
        self._cut = self._cut or len(part) > room
        self._rest += part[:room]

    def _line(self) -> dict[str, object]:
        text = self._rest.removesuffix(b"\r").decode(errors="replace")
        line: dict[str, object] = {"line": text, "cut": True} if self._cut else {"line": text}
        self._rest, self._cut = b"", False
        return line


class TailLines(Sensor):
    """Sends each line that is appended to a file, as `tail -F` does.

    The file may be missing, be cut, or be replaced by another, as when logs are rotated; then that is read from its
    beginning, once what the old one was given last has been sent. It is looked at every so many seconds; of one that is
    cut, what came since the last look is lost.
    """

    path: str
    type: str = "line"
    from_start: bool = False
    """Whether to begin with what is in the file already."""
    seconds: float = attrs.field(default=0.5, validator=_above_0)
    longest: int = attrs.field(default=LONGEST, validator=_above_0)

    async def run(self, sensing: Sensing) -> None:
        """Send lines until it is stopped."""
        tail, buffer = _Tail(self.path), LineBuffer(self.longest)
        try:
            if not self.from_start:
                await trio.to_thread.run_sync(tail.skip)
            while True:
                more = await trio.to_thread.run_sync(tail.read)
                for line in buffer.end() if more is None else buffer.feed(more):
                    await sensing.emit(self.type, line)
                if more is not None and len(more) < CHUNK:
                    await trio.sleep(self.seconds)
        finally:
            tail.close()


_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A pipe is opened without waiting for somebody to write."""


@attrs.define
class _Tail:
    """What a file is given, whatever its name is by then: it is kept open until another one has its name."""

    path: str
    _file: int | None = None
    _at: int = 0

    def skip(self) -> None:
        """Go to the end of what is there."""
        self._open()
        if self._file is not None:
            self._at = os.fstat(self._file).st_size

    def read(self) -> bytes | None:
        """Return what has come since, a piece at most; None where something else begins."""
        self._open()
        if self._file is None:
            return b""
        if os.fstat(self._file).st_size < self._at:
            self._at = 0
            return None
        os.lseek(self._file, self._at, os.SEEK_SET)
        more = os.read(self._file, CHUNK)
        self._at += len(more)
        if not more and self._is_replaced(self._file):
            self.close()
            return None
        return more

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            os.close(self._file)
        self._file, self._at = None, 0

    def _open(self) -> None:
        if self._file is None:
            try:
                self._file = os.open(self.path, _READING)
            except FileNotFoundError:
                return
            if not stat.S_ISREG(os.fstat(self._file).st_mode):
                self.close()
                raise OSError(f"{self.path} is no file: a sensor can't have the lines of a folder, a pipe or a device")

    def _is_replaced(self, file: int) -> bool:
        try:
            there = Path(self.path).stat()
        except FileNotFoundError:
            return False
        return not os.path.samestat(there, os.fstat(file))


def _command(_: object, __: object, command: list[str]) -> None:
    if not command:
        raise InvalidDefinition("command=[] must name a program, and its arguments")


class ProcessLines(Sensor):
    """Runs a program and sends each line that it prints. Another exit code than 0 is a crash of the sensor.

    The program is ended with the sensor: asked to, and killed after 5 seconds. There is no shell.
    """

    command: list[str] = attrs.field(validator=_command)
    type: str = "line"
    longest: int = attrs.field(default=LONGEST, validator=_above_0)

    async def run(self, sensing: Sensing) -> None:
        """Run the program to its end."""
        buffer = LineBuffer(self.longest)
        async with trio.open_nursery() as nursery:
            start = partial(trio.run_process, list(self.command), stdout=subprocess.PIPE)
            process: trio.Process = await nursery.start(start)
            if process.stdout is not None:
                async with process.stdout as output:
                    async for more in output:
                        for line in buffer.feed(bytes(more)):
                            await sensing.emit(self.type, line)
        for line in buffer.end():
            await sensing.emit(self.type, line)


class SocketLines(Sensor):
    """Listens at a Unix socket, and sends each line that somebody writes there. Several may, at the same time.

    A socket that nobody listens at any more, left by a program that died, is replaced; one that is in use is a crash.
    """

    path: str
    type: str = "line"
    longest: int = attrs.field(default=LONGEST, validator=_above_0)

    async def run(self, sensing: Sensing) -> None:
        """Listen until it is stopped."""
        with trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM) as listening:
            await self._bind(listening)
            try:
                listening.listen()
                await trio.serve_listeners(partial(self._read, sensing), [trio.SocketListener(listening)])
            finally:
                _remove(self.path)

    async def _bind(self, listening: trio.socket.SocketType) -> None:
        if _is_socket(self.path) and not await _is_answered(self.path):
            _remove(self.path)
        await listening.bind(self.path)

    async def _read(self, sensing: Sensing, stream: trio.SocketStream) -> None:
        buffer = LineBuffer(self.longest)
        try:
            async with stream:
                async for more in stream:
                    for line in buffer.feed(bytes(more)):
                        await sensing.emit(self.type, line)
        except trio.BrokenResourceError:  # who wrote has gone without a word: what came whole was sent
            return
        for line in buffer.end():
            await sensing.emit(self.type, line)


def _is_socket(path: str) -> bool:
    return Path(path).is_socket()


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


async def _is_answered(path: str) -> bool:
    try:
        stream = await trio.open_unix_socket(path)
    except OSError:
        return False
    await stream.aclose()
    return True

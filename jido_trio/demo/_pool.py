"""Reading in processes of their own, so that it can be killed in the middle, and never holds up the agents.

A thread would be no good: it can't be stopped, and while it matches a pattern against a long text it keeps Python's
interpreter lock, which every other thread then waits for.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import trio
from attrs import define, field

from jido_trio.data import structurer
from jido_trio.demo._documents import Unreadable
from jido_trio.demo._facts import Facts
from jido_trio.supervision import Child

COMMAND = (sys.executable, "-W", "ignore", "-m", "jido_trio.demo._process")

_facts = structurer(Facts)


def _no_news(_far: str) -> None: ...


class ReadingCrashed(Exception):
    """A bug in what reads documents, or the end of the process that read."""


@define(eq=False)
class Readers:
    """A fixed number of processes that read. One that is killed, or ends by itself, is replaced."""

    count: int = 1
    command: tuple[str, ...] = COMMAND
    _ready: tuple[trio.MemorySendChannel[_Reader], trio.MemoryReceiveChannel[_Reader]] = field(
        factory=lambda: trio.open_memory_channel["_Reader"](math.inf)
    )

    async def read(self, path: str, turn: Callable[[str], None] = _no_news) -> Facts:
        """Return the facts of a document, read by the next process that is free; cancelled, that one is killed.

        Args:
            path: Of the document.
            turn: Told how far it is: "page 3 of 12".

        Raises:
            Unreadable: For everything that can be wrong with a file.
            ReadingCrashed: The reading has a bug, or its process has ended.
        """
        reader = await self._ready[1].receive()
        try:
            answer = await reader.ask(path)
            while "page" in answer:
                turn(f"page {answer['page']} of {answer['of']}")
                answer = await reader.hear()
        except BaseException:  # it is in the middle of a document that nobody waits for any more
            reader.process.kill()
            raise
        self._ready[0].send_nowait(reader)
        if "unreadable" in answer:
            raise Unreadable(path, answer["unreadable"])
        if "crash" in answer:
            raise ReadingCrashed(answer["crash"])
        return _facts(answer["facts"])

    def services(self) -> list[Child]:
        """Return what has to run for that. They end when their processes end before they are ready."""
        return [Child(f"reader-{number}", self._keep_one) for number in range(1, self.count + 1)]

    async def _keep_one(self) -> None:
        while True:
            reader = _Reader(await _start(self.command))
            try:
                await reader.hear()
                self._ready[0].send_nowait(reader)
                await reader.process.wait()
            finally:
                with trio.CancelScope(shield=True):  # a killed process is gone within milliseconds
                    await reader.end()


async def _start(command: tuple[str, ...]) -> trio.Process:
    # A session of its own: Ctrl-C on the terminal is for the program, which then stops its readers in order.
    return await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


@define(eq=False)
class _Reader:
    """One process, and what it has said so far of its next line."""

    process: trio.Process
    """Started with pipes for its input and output."""
    _said: bytearray = field(factory=bytearray)

    async def ask(self, path: str) -> Any:
        """Have it read a document, and return its answer."""
        try:
            await _there(self.process.stdin).send_all(json.dumps(path).encode() + b"\n")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise await self._ended() from None
        return await self.hear()

    async def hear(self) -> Any:
        """Return the next thing it says."""
        while b"\n" not in self._said:
            try:
                more = await _there(self.process.stdout).receive_some()
            except trio.ClosedResourceError:
                more = b""
            if not more:
                raise await self._ended()
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return json.loads(line)

    async def _ended(self) -> ReadingCrashed:
        code = await self.process.wait()
        return ReadingCrashed(f"the process that read ended with exit code {code}")

    async def end(self) -> None:
        """Kill it, if it lives, and let go of it."""
        self.process.kill()
        await _there(self.process.stdin).aclose()
        await _there(self.process.stdout).aclose()
        await self.process.wait()


StreamT = TypeVar("StreamT")


def _there(pipe: StreamT | None) -> StreamT:
    assert pipe is not None  # noqa: S101  # as the process was started
    return pipe

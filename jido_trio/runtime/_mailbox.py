"""Mailbox: what was sent to an agent and isn't handled yet. It belongs to the agent's slot and outlives its lives.

A bounded queue with one consumer. Messages are taken one at a time, so that a crash loses none but the one being
handled. A stop has a lane of its own and is never behind the queue.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import trio
from attrs import define, field

T = TypeVar("T")


@define(eq=False, repr=False)
class Mailbox(Generic[T]):
    """At most `capacity` messages, but for those put with `put_over`."""

    capacity: int
    stopped: bool = False
    """Whether its agent was asked to stop: nothing more is taken."""
    closed: bool = False
    """Whether nothing more is put in, for good."""
    _queue: deque[T] = field(factory=deque)
    _consumer: trio.lowlevel.Task | None = None
    _senders: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    def __len__(self) -> int:
        return len(self._queue)

    def __repr__(self) -> str:
        return f"<Mailbox {len(self._queue)}/{self.capacity}{' stopped' if self.stopped else ''}>"

    def put_nowait(self, message: T) -> None:
        """Add a message.

        Raises:
            WouldBlock: It is full.
            ClosedResourceError: It is closed.
        """
        self._check_open()
        if len(self._queue) >= self.capacity:
            raise trio.WouldBlock
        self.put_over(message)

    async def put(self, message: T) -> None:
        """Add a message, as soon as there is room; a checkpoint only if there is none.

        Raises:
            ClosedResourceError: It is closed, or was closed meanwhile.
        """
        self._check_open()
        while len(self._queue) >= self.capacity:
            await self._senders.park()
            self._check_open()
        self.put_over(message)

    def put_over(self, message: T) -> None:
        """Add a message, room or not: what an agent sends itself could never wait for itself.

        Raises:
            ClosedResourceError: It is closed.
        """
        self._check_open()
        self._queue.append(message)
        self._wake()

    def stop(self) -> None:
        """Have the consumer take nothing more."""
        self.stopped = True
        self._wake()

    def reopen(self) -> None:
        """Let a new life take messages."""
        self.stopped = False

    def take_nowait(self) -> T | None:
        """Return the next message; None when there is none, or none is to be taken."""
        if self.stopped or not self._queue:
            return None
        message = self._queue.popleft()
        if self._senders:
            self._senders.unpark()
        return message

    async def take(self) -> T | None:
        """Return the next message, waiting for one; None when none is to be taken any more."""
        while not self._queue and not self.stopped:
            await self._wait()
        return self.take_nowait()

    async def wait_stopped(self) -> None:
        """Wait for the stop, taking nothing."""
        while not self.stopped:
            await self._wait()

    def close(self) -> list[T]:
        """Take in nothing more, and return what is left."""
        self.closed = True
        left = list(self._queue)
        self._queue.clear()
        self._senders.unpark_all()
        return left

    def _check_open(self) -> None:
        if self.closed:
            raise trio.ClosedResourceError

    async def _wait(self) -> None:
        self._consumer = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._consumer_cancelled)

    def _wake(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            trio.lowlevel.reschedule(consumer)

    def _consumer_cancelled(self, _: object) -> trio.lowlevel.Abort:
        self._consumer = None
        return trio.lowlevel.Abort.SUCCEEDED

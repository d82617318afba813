"""AgentRef: how others speak to an agent. It is the same over all lives of the agent."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Generic, TypeVar

import trio
from attrs import field, frozen

from jido_trio.core import Agent, Signal
from jido_trio.errors import AgentStopped, CallTimeout, MailboxFull
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._message import Message, Reply
from jido_trio.runtime._timers import Timers

AgentT = TypeVar("AgentT", bound=Agent[Any])

CALL_TIMEOUT = 5.0
"""Seconds that a call waits, unless it says otherwise."""


@frozen
class AgentRef(Generic[AgentT]):
    """An agent of an instance. Refs to the same agent are equal; one to an agent that was stopped stays stopped."""

    _cell: Cell
    _timers: Timers = field(eq=False, repr=False)

    def __repr__(self) -> str:
        cell = self._cell
        state = cell.closed or f"incarnation {cell.incarnation}, {len(cell.mailbox)} queued"
        return f"<AgentRef {cell.id!r} {state}>"

    @property
    def id(self) -> str:
        """The agent's id."""
        return self._cell.id

    @property
    def incarnation(self) -> int:
        """How often the agent was started."""
        return self._cell.incarnation

    @property
    def agent(self) -> AgentT:
        """The agent as its last `cmd` left it. Reading it sends nothing and waits for nothing."""
        agent: Any = self._cell.agent
        return agent  # type: ignore[no-any-return]  # a cell holds agents of one class

    @property
    def running(self) -> bool:
        """Whether it takes messages; also while it is being restarted."""
        return not self._cell.closed

    async def call(self, signal: Signal, *, timeout: float | None = CALL_TIMEOUT) -> AgentT:
        """Send `signal` and return the agent as its `cmd` left it; its directives are carried out afterwards.

        Args:
            signal: What to handle; calls and casts are handled in the order in which they came.
            timeout: Seconds to wait, for room in the mailbox and for the answer; None waits for ever.

        Raises:
            AgentCrashed: The agent crashed while it handled the signal; it may have acted.
            AgentStopped: The agent is, or was, stopped before it came to the signal.
            CallTimeout: No answer in time. A signal that still waited is withdrawn.
            NoRoute: None of the agent's routes matches.
            ValueError: The timeout is no time.
        """
        signal = _checked(signal)
        reply = Reply()
        if timeout is None:
            return await self._answer(signal, reply, math.inf)
        if not timeout >= 0:  # not a number is neither
            raise ValueError(f"timeout={timeout!r} must be seconds, 0 or more, or None to wait for ever")
        timer = self._timers.after(timeout, partial(self._expire, reply, timeout))
        try:
            return await self._answer(signal, reply, timeout)
        finally:
            timer.cancel()

    async def cast(self, signal: Signal) -> None:
        """Send `signal`; return once it is in the mailbox, which may have to get room first.

        Raises:
            AgentStopped: The agent is stopped.
        """
        message = Message(_checked(signal))
        await trio.lowlevel.checkpoint()
        try:
            await self._cell.mailbox.put(message)
        except trio.ClosedResourceError:
            raise AgentStopped(self.id, self._cell.closed) from None

    def cast_nowait(self, signal: Signal) -> None:
        """Send `signal`, at once or not at all.

        Raises:
            MailboxFull: There is no room.
            AgentStopped: The agent is stopped.
        """
        try:
            self._cell.mailbox.put_nowait(Message(_checked(signal)))
        except trio.WouldBlock:
            raise MailboxFull(self.id, self._cell.mailbox.capacity) from None
        except trio.ClosedResourceError:
            raise AgentStopped(self.id, self._cell.closed) from None

    async def _answer(self, signal: Signal, reply: Reply, seconds: float) -> AgentT:
        message = Message(signal, reply)
        try:
            self._cell.mailbox.put_nowait(message)
        except trio.ClosedResourceError:
            raise AgentStopped(self.id, self._cell.closed) from None
        except trio.WouldBlock:
            await self._put_within(message, seconds)
        agent: AgentT = await reply.wait()
        return agent

    async def _put_within(self, message: Message, seconds: float) -> None:
        with trio.move_on_after(seconds) as scope:
            try:
                await self._cell.mailbox.put(message)
            except trio.ClosedResourceError:
                raise AgentStopped(self.id, self._cell.closed) from None
        if scope.cancelled_caught:
            raise CallTimeout(self.id, seconds)

    def _expire(self, reply: Reply, seconds: float) -> None:
        reply.fail(CallTimeout(self.id, seconds))


def _checked(signal: object) -> Signal:
    if not isinstance(signal, Signal):
        raise TypeError(f"agents are sent signals, not {signal!r}; make one: Signal('type', {{'field': value}})")
    return signal

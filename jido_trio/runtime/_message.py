"""Messages of a mailbox, and the reply that a call waits for."""

from __future__ import annotations

from typing import Any

import trio
from attrs import define, field, frozen

from jido_trio.core import Agent, Instruction, Signal


@define(eq=False)
class Reply:
    """Where one caller waits. It is settled once: with an agent or an error."""

    settled: bool = False
    """Whether it has an answer, or nobody waits for one any more."""
    _agent: Agent[Any] | None = None
    _error: Exception | None = None
    _caller: trio.lowlevel.Task | None = None

    def answer(self, agent: Agent[Any]) -> None:
        """Give the caller the agent, unless the reply is settled."""
        self._settle(agent, None)

    def fail(self, error: Exception) -> None:
        """Have the caller get an error, unless the reply is settled."""
        self._settle(None, error)

    async def wait(self) -> Any:
        """Return the answer, or raise it."""
        if self.settled:
            await trio.lowlevel.checkpoint()
        else:
            self._caller = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._caller_cancelled)
        if self._error is not None:
            raise self._error
        return self._agent

    def _settle(self, agent: Agent[Any] | None, error: Exception | None) -> None:
        if self.settled:
            return
        self.settled, self._agent, self._error = True, agent, error
        caller, self._caller = self._caller, None
        if caller is not None:
            trio.lowlevel.reschedule(caller)

    def _caller_cancelled(self, _: object) -> trio.lowlevel.Abort:
        self.settled, self._caller = True, None
        return trio.lowlevel.Abort.SUCCEEDED


@frozen(eq=False, slots=False)
class Message:
    """A signal for an agent, and who waits for what comes of it."""

    signal: Signal
    reply: Reply | None = None
    instruction: Instruction | None = field(default=None, kw_only=True)
    """What to do about it, where the routes aren't asked: the outcome of an action that ran outside of `cmd`."""
    quiet: bool = field(default=False, kw_only=True)
    """Whether nobody need hear of it if it isn't handled: news of children and parents, outcomes of actions."""

    incarnation: int | None = field(default=None, kw_only=True)
    """The life that it is for, where it is for one only."""

    @property
    def withdrawn(self) -> bool:
        """Whether its caller has stopped waiting."""
        return self.reply is not None and self.reply.settled

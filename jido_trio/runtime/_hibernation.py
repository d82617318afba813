"""Hibernation: a durable agent ends with its state on disk, when it has nothing else to do."""

from __future__ import annotations

import logging
from typing import Any

import trio
from attrs import define, field

from jido_trio.core import Agent
from jido_trio.errors import OwnershipLost, StorageError, Unstorable
from jido_trio.redact import said, shown
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._changes import ChangingServer
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._failures import stop_soon
from jido_trio.runtime._mailbox_rules import MailboxRules
from jido_trio.runtime._waits import refuse_circle

logger = logging.getLogger("jido_trio.runtime")

HIBERNATED = "hibernated"
"""Why an agent was stopped that was put to rest."""


@define(eq=False)
class Hibernation:
    """One that was asked for, and that the agent comes to when it has nothing else to do."""

    _over: trio.Event = field(init=False, factory=trio.Event)
    _error: Exception | None = field(default=None, init=False)
    _waiting: int = field(default=0, init=False)

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still waits for it."""
        return self._waiting > 0

    async def wait(self) -> None:
        """Wait until it is over: the agent has ended, or crashed; or raise why it couldn't be done."""
        self._waiting += 1
        try:
            await self._over.wait()
        finally:
            self._waiting -= 1
        if self._error is not None:
            raise self._error

    def over(self, error: Exception | None = None) -> None:
        """Tell those who wait."""
        self._error = error
        self._over.set()


class HibernatingServer(ChangingServer):
    """An agent that is put to rest, and whose state is whole on disk when it ends."""

    __slots__ = ("_hibernation",)

    def __init__(self, agent: Agent[Any], instance: Instance, mailbox_size: int, rules: MailboxRules | None) -> None:
        super().__init__(agent, instance, mailbox_size, rules)
        self._hibernation: Hibernation | None = None

    async def hibernate(self) -> None:
        """Handle what waits, write the state, and end. Return when it has ended, or has no life to do so.

        Raises:
            OwnershipLost: Another has the agent.
            StorageError: The state couldn't be written; the agent runs on.
            Unstorable: Part of it can't be kept; the agent runs on.
        """
        refuse_circle(self)
        while not self.closed and self.state != "down":
            asked = self._hibernation
            if asked is None:
                asked = self._hibernation = Hibernation()
            self.wake()
            try:
                await asked.wait()
            finally:
                if not asked.is_wanted and self._hibernation is asked:
                    self._hibernation = None
        if self._lost is not None:
            raise self._lost

    def _wake_hibernation(self) -> None:
        asked, self._hibernation = self._hibernation, None
        if asked is not None:
            asked.over()

    def _shall_hibernate(self) -> bool:
        is_done = self._book is not None and not self._book.effects
        return self._hibernation is not None and is_done and not self.is_kept_busy

    async def _fall_asleep(self) -> bool:
        """Write the state and stop, if that is asked for and nothing is left to do. Return whether it was asked for."""
        asked = self._hibernation
        if asked is None or not self._shall_hibernate():
            return False
        try:
            await self._write_whole()
        except OwnershipLost:
            raise
        except (StorageError, Unstorable) as error:
            if self._hibernation is asked:
                self._hibernation = None
            asked.over(error)
            return True
        if asked is self._hibernation and not self._has_messages():  # nobody was faster
            self.ending = True
            stop_soon(self, HIBERNATED)
        return True

    async def _leave_whole(self) -> None:
        """Write the state as the life is asked to end. Nothing is lost if that can't be done: the inputs are there."""
        await self._absolve()
        if not self._is_behind():
            return
        try:
            await self._write_whole()
        except OwnershipLost:
            pass  # it is no business of this one any more
        except (StorageError, Unstorable) as error:
            logger.warning(
                "agent %s: its state wasn't written when it stopped: %s; its next start folds the last inputs instead",
                shown(self.id),
                said(error),
            )

    # ---- its ends

    def crashing(self, error: BaseException, at: AgentCrash) -> None:
        """See `Cell`."""
        super().crashing(error, at)
        self._wake_hibernation()

    def close(self, reason: str) -> None:
        """See `Cell`."""
        super().close(reason)
        self._wake_hibernation()

    def _let_go(self) -> None:
        super()._let_go()
        self._wake_hibernation()

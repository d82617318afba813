"""Upgrading, and what it has in common with the other changes that an agent makes between two messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio
from attrs import define, field

from jido_trio.core import Agent, Migration, migrated
from jido_trio.errors import AgentStopped
from jido_trio.terms import ExitKind


@define(eq=False)
class Wanted:
    """What is kept for an agent until it has changed so, or can't."""

    agent_id: str
    is_over: bool = field(default=False, init=False)
    error: Exception | None = field(default=None, init=False)
    """Why it can't be done."""
    _over: trio.Event = field(init=False, factory=trio.Event)

    def over(self, error: Exception | None = None) -> None:
        """It is done; or it can't be, and the agent is as it was."""
        self.is_over, self.error = True, error
        self._over.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it is over, for so long at most."""
        with trio.move_on_after(seconds):
            await self._over.wait()

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""
        if not self.is_over:
            self.over(AgentStopped(self.agent_id, "crashed" if exit == "crash" else "stopped"))


@define(eq=False)
class Upgrading(Wanted):
    """A class that an agent shall have."""

    cls: type[Agent[Any]]
    _migrate: Migration | None
    _between: Callable[[], None]
    """Has the agent look whether it can be done now."""

    def of(self, agent: Agent[Any]) -> Agent[Any]:
        """Return an agent as one of the new class.

        Raises:
            MigrationFailed: It can't become one.
        """
        return migrated(agent, self.cls, self._migrate)

    def again(self) -> None:
        """See `Belonging`. No message is being handled as a life begins."""
        self._between()

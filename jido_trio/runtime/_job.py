"""Jobs: async actions that an agent asked for, and how one is run: within its timeout, again if that may help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio
from attrs import define, field

from jido_trio.core import Action, Context, Instruction, Result, RunInstruction
from jido_trio.errors import ActionError, ActionTimedOut
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._interpreter import Runtime

BACKOFF = 0.25
LONGEST_BACKOFF = 30.0
"""Seconds before the first retry, doubled for each further one, and at most."""


@define(eq=False)
class Job:
    """An async action that a life of an agent asked for."""

    directive: RunInstruction
    runtime: Runtime
    incarnation: int
    """Of the life."""
    _tell: Callable[[Instruction], None]
    """Takes the instruction that tells the agent of the outcome."""
    _on_begun: Callable[[], None] | None = None
    begun: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        """The action's."""
        return self.directive.instruction.action_class.name

    @property
    def is_kept(self) -> bool:
        """Whether it is on disk, too, and begins in the next life if it doesn't in this one."""
        return bool(self.runtime.key)

    @property
    def crash(self) -> AgentCrash:
        """Tell of a crash of it."""
        return AgentCrash(self.runtime.agent, self.runtime.signal, instruction=self.directive.instruction)

    async def run(self) -> None:
        """Run the action, and tell the agent of what it returned, or of the failure it declared."""
        self.begun = True
        if self._on_begun is not None:
            self._on_begun()
        try:
            result = await self._execute(self.directive.instruction)
            tell = self.directive.finished(result, self.incarnation)
        except ActionError as error:
            self.failed(error)
        else:
            self._tell(tell)

    def failed(self, error: ActionError) -> None:
        """Tell the agent of a failure."""
        self._tell(self.directive.failed(error, self.incarnation))

    async def _execute(self, instruction: Instruction) -> Result:
        """Return what the action of `instruction` returns.

        Its opts: `timeout`, seconds for one attempt (none by default); `max_retries`, how often a failure that is
        declared retryable is tried again (0); `backoff`, seconds before the first retry, doubled each time up to 30
        (0.25).
        """
        action = instruction.bind()
        runtime = self.runtime
        agent = runtime.agent
        context = Context(
            agent.state, agent, runtime.signal, instruction.context, runtime.resources, self.incarnation, runtime.key
        )
        retries = instruction.opts.get("max_retries", 0)
        pause = instruction.opts.get("backoff", BACKOFF)
        attempt = 0
        while True:
            try:
                return await _attempt(action, context, instruction.opts.get("timeout"))
            except ActionError as error:
                if not error.retryable or attempt >= retries:
                    raise
            await trio.sleep(_pause(pause, attempt))
            attempt += 1


def _pause(first: float, attempt: int) -> float:
    return min(first * 2.0 ** min(attempt, 1000), LONGEST_BACKOFF)  # beyond, a float has no such power of two


async def _attempt(action: Action, context: Context[Any], seconds: float | None) -> Result:
    run: Any = action.run  # type: ignore[attr-defined]  # an instruction's action has one
    if seconds is None:
        return await run(context)  # type: ignore[no-any-return]
    with trio.move_on_after(seconds):
        return await run(context)  # type: ignore[no-any-return]
    raise ActionTimedOut(action.name, seconds)

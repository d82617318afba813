"""Runs an async action: within its timeout, again if that may help, outside of `cmd`."""

from __future__ import annotations

from typing import Any

import trio

from jido_trio.core import Action, Agent, Context, Instruction, Result, Signal
from jido_trio.errors import ActionError, ActionTimedOut

BACKOFF = 0.25
LONGEST_BACKOFF = 30.0
"""Seconds before the first retry, doubled for each further one, and at most."""


async def execute(instruction: Instruction, agent: Agent[Any], signal: Signal) -> Result:
    """Return what the action of `instruction` returns.

    Its opts: `timeout`, seconds for one attempt (none by default); `max_retries`, how often a failure that is declared
    retryable is tried again (0); `backoff`, seconds before the first retry, doubled each time up to 30 (0.25).

    Raises:
        ActionError: The action said no, its parameters don't fit, or it took too long; any other error is a bug.
    """
    action = instruction.bind()
    context = Context(agent.state, agent, signal, instruction.context)
    retries = instruction.opts.get("max_retries", 0)
    pause = instruction.opts.get("backoff", BACKOFF)
    for attempt in range(retries + 1):
        try:
            return await _attempt(action, context, instruction.opts.get("timeout"))
        except ActionError as error:
            if not error.retryable or attempt == retries:
                raise
        await trio.sleep(min(pause * 2**attempt, LONGEST_BACKOFF))
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _attempt(action: Action, context: Context[Any], seconds: float | None) -> Result:
    run: Any = action.run  # type: ignore[attr-defined]  # an instruction's action has one
    if seconds is None:
        return await run(context)  # type: ignore[no-any-return]
    with trio.move_on_after(seconds):
        return await run(context)  # type: ignore[no-any-return]
    raise ActionTimedOut(action.name, seconds)

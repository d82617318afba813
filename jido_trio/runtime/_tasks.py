"""Tasks of agents: actions that have effects. RunInstruction.

An async action runs in a task of the life that asked for it: within its timeout, again if that may help, outside of
`cmd`. What came of it goes through `cmd` as a message of its own.
"""

from __future__ import annotations

from typing import Any

import trio

from jido_trio.core import Action, Context, Instruction, Result, RunInstruction
from jido_trio.errors import ActionError, ActionTimedOut
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._mailbox import Outcome

BACKOFF = 0.25
LONGEST_BACKOFF = 30.0
"""Seconds before the first retry, doubled for each further one, and at most."""


@interpret.register
def _(directive: RunInstruction, runtime: Runtime) -> None:
    runtime.start_soon(_run, directive, runtime, runtime.cell.incarnation)


async def _run(directive: RunInstruction, runtime: Runtime, incarnation: int) -> None:
    try:
        tell = directive.finished(await execute(directive.instruction, runtime))
    except ActionError as error:
        tell = directive.failed(error)
    except Exception:
        life = runtime.cell.life
        if life is not None and life.incarnation == incarnation and life.detail is None:
            life.detail = AgentCrash(runtime.agent, runtime.signal, instruction=directive.instruction)
        raise
    runtime.cell.put(Outcome(runtime.signal, tell, incarnation))


async def execute(instruction: Instruction, runtime: Runtime) -> Result:
    """Return what the action of `instruction` returns.

    Its opts: `timeout`, seconds for one attempt (none by default); `max_retries`, how often a failure that is declared
    retryable is tried again (0); `backoff`, seconds before the first retry, doubled each time up to 30 (0.25).

    Raises:
        ActionError: The action said no, its parameters don't fit, or it took too long; any other error is a bug.
    """
    action = instruction.bind()
    agent = runtime.agent
    context = Context(agent.state, agent, runtime.signal, instruction.context, runtime.resources)
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

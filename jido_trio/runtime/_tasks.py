"""Tasks of agents: actions that have effects. RunInstruction.

An async action runs in a task of the life that asked for it: within its timeout, again if that may help, outside of
`cmd`. What came of it goes through `cmd` as a message of its own, in that life and in no other. The next life is told,
by a `jido.instruction.interrupted` for each, which actions of former lives were under way, or done and not yet told of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any

import trio
from attrs import define, field

from jido_trio.core import Action, Context, Instruction, Result, RunInstruction, Signal
from jido_trio.core import Outcome as CoreOutcome
from jido_trio.errors import ActionError, ActionTimedOut
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._mailbox import News, Outcome
from jido_trio.terms import ExitKind
from jido_trio.world import using

BACKOFF = 0.25
LONGEST_BACKOFF = 30.0
"""Seconds before the first retry, doubled for each further one, and at most."""


@define(eq=False)
class UnderWay:
    """The async actions of the current life of an agent, in the order in which they were asked for."""

    _cell: Cell
    _running: dict[int, tuple[RunInstruction, Signal, int]] = field(factory=dict)
    _numbers: count[int] = field(factory=count)

    def add(self, directive: RunInstruction, signal: Signal, incarnation: int) -> int:
        """Take note of one that is asked for, and return its number."""
        number = next(self._numbers)
        self._running[number] = directive, signal, incarnation
        return number

    def done(self, number: int) -> None:
        """Take note that it is done, and told of by an outcome."""
        self._running.pop(number, None)

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`. The new life is told of those of former lives before anything else that waits."""
        running, self._running = self._running, {}
        done = [each for each in self._cell.mailbox.urgent or () if isinstance(each, Outcome)]
        told = [self._interrupted(*each) for each in running.values()]
        told += [self._untold(each) for each in done if each.incarnation < self._cell.incarnation]
        for number, signal in enumerate(told):
            self._cell.mailbox.put_early(News(signal), number)

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""

    def _interrupted(self, directive: RunInstruction, signal: Signal, incarnation: int) -> Signal:
        return self._told(directive.instruction, directive.meta, None, signal, incarnation)

    def _untold(self, message: Outcome) -> Signal:
        outcome: CoreOutcome = message.instruction.params["outcome"]
        return self._told(outcome.instruction, outcome.meta, outcome, message.signal, message.incarnation)

    def _told(
        self,
        instruction: Instruction,
        meta: Mapping[str, Any],
        outcome: CoreOutcome | None,
        signal: Signal,
        incarnation: int,
    ) -> Signal:
        data = {
            "id": instruction.id,
            "action": instruction.action_class.name,
            "instruction": instruction,
            "outcome": outcome,
            "meta": meta,
            "incarnation": incarnation,
            "signal": signal.id,
        }
        with using(self._cell.instance.world):
            return Signal("jido.instruction.interrupted", data, source=self._cell.instance.source)


@interpret.register
def _(directive: RunInstruction, runtime: Runtime) -> None:
    under_way = runtime.cell.kept(UnderWay)
    if under_way is None:
        under_way = UnderWay(runtime.cell)
        runtime.cell.keep(under_way)
    incarnation = runtime.cell.incarnation
    number = under_way.add(directive, runtime.signal, incarnation)
    runtime.start_soon(_run, directive, runtime, incarnation, partial(under_way.done, number))


async def _run(directive: RunInstruction, runtime: Runtime, incarnation: int, done: Callable[[], None]) -> None:
    try:
        tell = directive.finished(await execute(directive.instruction, runtime, incarnation), incarnation)
    except ActionError as error:
        tell = directive.failed(error, incarnation)
    except Exception:
        life = runtime.cell.life
        if life is not None and life.incarnation == incarnation and life.detail is None:
            life.detail = AgentCrash(runtime.agent, runtime.signal, instruction=directive.instruction)
        raise
    done()
    runtime.cell.put(Outcome(runtime.signal, tell, incarnation))


async def execute(instruction: Instruction, runtime: Runtime, incarnation: int) -> Result:
    """Return what the action of `instruction` returns, which that life of the agent asked for.

    Its opts: `timeout`, seconds for one attempt (none by default); `max_retries`, how often a failure that is declared
    retryable is tried again (0); `backoff`, seconds before the first retry, doubled each time up to 30 (0.25).

    Raises:
        ActionError: The action said no, its parameters don't fit, or it took too long; any other error is a bug.
    """
    action = instruction.bind()
    agent = runtime.agent
    context = Context(
        agent.state, agent, runtime.signal, instruction.context, runtime.resources, incarnation, runtime.key
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

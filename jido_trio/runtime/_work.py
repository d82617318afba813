"""Work: the directives of one signal, while they are carried out, and what one of them is answered with."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeAlias

import trio
from attrs import AttrsInstance, define

from jido_trio.core import Agent, Error
from jido_trio.errors import ActionError
from jido_trio.runtime._crash import AgentCrash
from jido_trio.runtime._failures import is_judged
from jido_trio.runtime._interpreter import Runtime, interpret

Directives: TypeAlias = tuple[AttrsInstance, ...]

CRASHED = "the agent crashed at one before it"
CUT_OFF = "the life that gave it was ended"
STOPS = "the agent stops itself"
"""Why directives are not carried out."""


@define(eq=False)
class Work:
    """The directives of one signal, while a task carries them out."""

    before: Agent[Any]
    """The agent before the signal."""
    runtime: Runtime
    directives: Directives
    done: int
    """How many of them were begun."""

    @property
    def left(self) -> Directives:
        """Those that are not done, the one under way first."""
        return self.directives[self.done - 1 :]

    @property
    def rest(self) -> Directives:
        """Those that were not begun."""
        return self.directives[self.done :]

    def crash(self) -> AgentCrash:
        """Tell of the crash of the last one begun."""
        runtime = self.runtime
        return AgentCrash(self.before, runtime.signal, runtime.agent, tuple(self.directives), self.done - 1)


_interpreter_of = interpret.dispatch


@trio.lowlevel.disable_ki_protection
def interpreted(directive: object, runtime: Runtime) -> Awaitable[object] | None:
    """Carry out a directive; what it returns is to be awaited. A failure that is declared is an `Error`."""
    try:
        return _interpreter_of(directive.__class__)(directive, runtime)  # what `interpret` does, without its wrapper
    except ActionError as error:
        if is_judged(runtime.cell, error):
            raise
        return runtime.do(Error(error, context="directive"))


@trio.lowlevel.disable_ki_protection
async def awaited(waits: Awaitable[object], runtime: Runtime) -> None:
    """Await what takes time, where Ctrl-C may interrupt it. A failure that it declares is an `Error`."""
    try:
        await waits
    except ActionError as error:
        if is_judged(runtime.cell, error):
            raise
        more = runtime.do(Error(error, context="directive"))
    else:
        return
    if more is not None:
        await more

"""The interpreter: what each directive does. One open function; yours is registered beside ours.

    @interpret.register
    async def _(directive: Beep, runtime: Runtime) -> None:
        ...

The annotation picks the class. An interpreter runs in the agent's own task, after `cmd`, one directive after the other:
the next signal isn't taken before it has returned, and what it raises crashes the agent.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Protocol

from jido_trio.core import (
    Agent,
    Emit,
    Error,
    RunInstruction,
    Schedule,
    Signal,
    SpawnAgent,
    Stop,
    StopChild,
)
from jido_trio.errors import UnknownDirective


class Runtime(Protocol):
    """What an interpreter may do for the agent whose directive it carries out."""

    @property
    def agent(self) -> Agent[Any]:
        """The agent, after the `cmd` that returned the directive."""
        ...

    @property
    def signal(self) -> Signal:
        """The signal that led to it."""
        ...

    def emit(self, signal: Signal, dispatch: object = None) -> None:
        """Send a signal: to the agent itself, or where `dispatch` says. Failing to is reported, and no error."""

    def send_later(self, seconds: float, signal: Signal) -> None:
        """Send the agent a signal after that time; restarts of the agent don't matter."""

    def spawn_agent(self, directive: SpawnAgent) -> None:
        """Begin to start a child agent; the agent hears of it when it is up."""

    def stop_child(self, tag: str, reason: object) -> None:
        """Begin to stop the child of that tag, if there is one."""

    def run_instruction(self, directive: RunInstruction) -> None:
        """Run an async action in a task of this life of the agent."""

    def fail(self, error: Error) -> None:
        """Do what the agent's error policy says."""

    def stop(self, reason: object) -> None:
        """Stop the agent, for good; directives still to come are dropped."""


@singledispatch
async def interpret(directive: object, runtime: Runtime) -> None:
    """Carry out `directive` for the agent that `runtime` stands for.

    Raises:
        UnknownDirective: Nothing is registered for its class.
    """
    raise UnknownDirective(runtime.agent.id, repr(directive))


@interpret.register
async def _(directive: Emit, runtime: Runtime) -> None:
    runtime.emit(directive.signal, directive.dispatch)


@interpret.register
async def _(directive: Error, runtime: Runtime) -> None:
    runtime.fail(directive)


@interpret.register
async def _(directive: Schedule, runtime: Runtime) -> None:
    runtime.send_later(directive.delay, directive.message)


@interpret.register
async def _(directive: SpawnAgent, runtime: Runtime) -> None:
    runtime.spawn_agent(directive)


@interpret.register
async def _(directive: StopChild, runtime: Runtime) -> None:
    runtime.stop_child(directive.tag, directive.reason)


@interpret.register
async def _(directive: RunInstruction, runtime: Runtime) -> None:
    runtime.run_instruction(directive)


@interpret.register
async def _(directive: Stop, runtime: Runtime) -> None:
    runtime.stop(directive.reason)

"""The interpreter: what each directive does. One open function; yours is registered beside ours.

    @interpret.register
    def _(directive: Beep, runtime: Runtime) -> None:
        ...

The annotation picks the class. A `def` runs at once, right after the signal; an `async def` gets a task of the agent's
life. Either way directives are carried out one after the other, the next signal isn't taken before the last one is
done, and what an interpreter raises crashes the agent; but for an `ActionError`, which is an `Error` of the agent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import singledispatch
from typing import Any, Protocol, TypeVar

from attrs import field, frozen

from jido_trio.core import Agent, Emit, Resources, Schedule, Signal, Stop
from jido_trio.errors import UnknownDirective
from jido_trio.redact import shown
from jido_trio.runtime._cell import Cell, Instance

P = TypeVar("P")


class Task(Protocol):
    """What starts tasks of a life."""

    def start_task(self, runtime: Runtime, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run `async_fn(*args)` in a task of the current life, on behalf of `runtime`; what leaves it is a crash."""


@frozen
class Runtime:
    """What an interpreter is given: the agent whose directive it carries out, and what can be done for it.

    Whatever our own directives do can be done by carrying them out: `runtime.do(SpawnAgent(...))`. The rest are short
    forms of that.
    """

    agent: Agent[Any]
    """The agent, after the `cmd` that returned the directive."""
    signal: Signal
    """The signal that led to it."""
    cell: Cell = field(repr=False)
    """The agent's place in its instance; for effects that keep something for the agent."""
    _tasks: Task = field(repr=False)
    key: str = ""
    """Names this directive, for a durable agent: the same when it is carried out again after a death."""

    @property
    def resources(self) -> Resources:
        """What the instance was given as `resources`."""
        return self.cell.instance.resources

    def part(self, kind: Callable[[Instance], P]) -> P:
        """Return the instance's one part of that class, which is made when first asked for: what all agents share."""
        return self.cell.instance.part(kind)

    def do(self, directive: object) -> Awaitable[None] | None:
        """Carry out another directive now; to be awaited if its interpreter is an `async def`."""
        return interpret(directive, self)

    def emit(self, signal: Signal, dispatch: object = None) -> None:
        """Send a signal where `dispatch` says, or where the agent's go. If that can't be done, it is a dead letter."""
        self.do(Emit(signal, dispatch=dispatch))

    def send_later(self, seconds: float, signal: Signal) -> None:
        """Send the agent a signal after that time; restarts of the agent don't matter."""
        self.do(Schedule(seconds, signal))

    def stop(self, reason: object = "normal") -> None:
        """Stop the agent, for good; directives still to come are dropped."""
        self.do(Stop(reason))

    def start_soon(self, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run `async_fn(*args)` in a task of this life of the agent, beside what it does. What leaves it is a crash."""
        self._tasks.start_task(self, async_fn, *args)


@singledispatch
def interpret(directive: object, runtime: Runtime) -> Awaitable[None] | None:
    """Carry out `directive` for the agent that `runtime` stands for.

    Raises:
        UnknownDirective: Nothing is registered for its class.
    """
    raise UnknownDirective(runtime.agent.id, shown(directive))

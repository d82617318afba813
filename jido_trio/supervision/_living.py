"""What a supervisor's shell needs of a life, and what a life tells the shell: the two sides of each kind of life."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio

from jido_trio.supervision._child import Child
from jido_trio.supervision._report import Sink
from jido_trio.terms import ExitKind, ShutdownLimit

REPEAT = 5.0
"""Seconds between two looks at a child that ignores its stop."""


class Living(Protocol):
    """One incarnation of a child, as the shell knows it."""

    child: Child
    incarnation: int
    error: BaseException | None
    """What ended it, until that has been dealt with."""
    exit: ExitKind
    """How it ended, once it has."""
    detail: object
    """What it was at when it crashed, if it has said so."""
    in_vain: bool
    """Whether a further life would end likewise."""

    @property
    def value(self) -> object:
        """What was passed to `task_status.started`."""
        ...

    @property
    def done(self) -> bool:
        """Whether nothing of it is left."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        ...

    @property
    def began(self) -> float:
        """When it began, in seconds of Trio's clock; known for children with a backoff."""
        ...

    @property
    def task(self) -> trio.lowlevel.Task | None:
        """Its task, while it has one."""
        ...

    @property
    def is_asked_by_call(self) -> bool:
        """Whether it is asked to stop by a call, and not by cancelling it."""
        ...

    @property
    def asked_at(self) -> float | None:
        """When it was asked to stop, in seconds of Trio's clock."""
        ...

    @property
    def first_look(self) -> float:
        """When to look after it first, once it was asked to stop; infinity for never."""
        ...

    def begin(self) -> None:
        """Begin, if it wasn't stopped before its turn came."""

    def stop(self, now: float, limit: ShutdownLimit) -> None:
        """Ask it to end within the limit; what a call of the user's raises is raised."""

    def force(self) -> None:
        """End it the hard way, as asking it raised."""

    def kill(self) -> None:
        """End it at once."""

    def look(self) -> bool:
        """Do what can be done about a life that ignores its stop; return whether that is only to wait."""
        ...


class Owner(Protocol):
    """What a life tells its supervisor."""

    @property
    def context(self) -> contextvars.Context:
        """The context variables that a life begins with: those of where its supervisor was opened."""
        ...

    @property
    def sink(self) -> Sink:
        """Where its reports go."""
        ...

    def spawn(self, life: Living, run: Callable[[], Awaitable[None]]) -> None:
        """It needs a task that does `run`."""

    def step_taken(self) -> None:
        """The life whose turn it is to begin has taken its first step."""

    def started(self, life: Living) -> None:
        """It is up."""

    def failed(self, life: Living, *, ignored: bool) -> None:
        """It has ended before it was up, by its `error`; or it has nothing to run."""

    def ended(self, life: Living) -> None:
        """It has ended, as its `exit` says."""

    def complain(self, life: Living, error: Exception) -> None:
        """A call that was to stop it raised, which is no end of it."""

    def tell_of(self, life: Living, error: Exception, detail: object) -> None:
        """A part of it failed, and it lives on."""

    def interrupted(self, error: BaseException) -> None:
        """A KeyboardInterrupt, SystemExit or the like left it."""

    def broke(self, bug: BaseException) -> None:
        """There is a bug in what we do with it."""

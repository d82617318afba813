"""Failures of an agent, and the end that it gives itself: what an `Error` comes to. Error, Stop."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from attrs import define, evolve

from jido_trio.core import Error, ErrorPolicy, Stop
from jido_trio.core.inner import Crash, decide_error
from jido_trio.redact import said, shown, without_texts
from jido_trio.runtime._cell import Cell
from jido_trio.runtime._interpreter import Runtime, interpret
from jido_trio.runtime._messages import Own
from jido_trio.runtime._secrets import secrets_of
from jido_trio.terms import ExitKind

logger = logging.getLogger("jido_trio.runtime")


@define(eq=False)
class Errors:
    """How many `Error` directives there were in the current life of an agent."""

    incarnation: int = 0
    count: int = 0
    fatal: BaseException | None = None
    """The one that crashes this life, as the policy says."""

    def add(self, incarnation: int) -> int:
        """Count one more in that life, and return how many it has had."""
        if incarnation != self.incarnation:
            self.incarnation, self.count, self.fatal = incarnation, 0, None
        self.count += 1
        return self.count

    def inspect(self) -> Mapping[str, object]:
        """Return how many there were."""
        return {"errors": self.count}

    def up(self) -> None:
        """See `Belonging`."""

    def again(self) -> None:
        """See `Belonging`."""

    def gone(self, exit: ExitKind) -> None:
        """See `Belonging`."""


def stop_soon(cell: Cell, reason: object) -> None:
    """Have the agent stopped, and return at once."""
    cell.stop_reason = reason
    supervisor = cell.instance.supervisor
    if supervisor is not None:
        supervisor.terminate_child_soon(cell.id)


def is_judged(cell: Cell, error: BaseException) -> bool:
    """Whether the agent's error policy has said already that this error is a crash."""
    errors = cell.kept(Errors)
    return errors is not None and errors.fatal is error


@interpret.register
def _(directive: Stop, runtime: Runtime) -> None:
    runtime.cell.ending = True  # nothing more is handled, even if the supervisor comes to the stop late
    reason = directive.reason
    if reason is not None:
        reason = said(reason, hide=secrets_of(runtime.agent, runtime.signal))
    stop_soon(runtime.cell, reason)


@interpret.register
def _(directive: Error, runtime: Runtime) -> None:
    cell, error = runtime.cell, directive.error
    errors = cell.kept(Errors)
    if errors is None:
        errors = Errors()
        cell.keep(errors)
    policy: ErrorPolicy = type(runtime.agent).error_policy  # of the class: a function would be bound to the agent
    verdict = decide_error(policy, directive, errors.add(cell.incarnation), runtime.agent)
    hide = secrets_of(runtime.agent, runtime.signal)
    what, why = said(directive.context or "something"), said(error, hide=hide)
    logger.warning("agent %s: %s failed: %s", shown(cell.id), what, why)
    if verdict.problem is not None:
        logger.error("agent %s: %s", shown(cell.id), said(verdict.problem, hide=hide))
    # What goes wrong while an error is handled is logged only: it would be sent, and go wrong, for ever.
    if verdict.emit is not None and runtime.signal.type != verdict.emit.signal.type:
        signal = evolve(verdict.emit.signal, data=without_texts(verdict.emit.signal.data, hide))
        if verdict.emit.dispatch is None:  # to itself, wherever its other signals go
            cell.put(Own(signal))
        else:
            runtime.do(evolve(verdict.emit, signal=signal))
    if verdict.then == "crash":
        errors.fatal = error
        raise error
    if verdict.then == "stop":
        runtime.do(Stop(error))


@interpret.register
def _(directive: Crash, _runtime: Runtime) -> None:
    raise directive.error

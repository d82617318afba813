"""How a life's end, and a supervisor's, is told: which of the errors that met is raised. Pure.

Three kinds of errors meet. An *interrupt* is whatever is neither an `Exception` nor a cancellation: KeyboardInterrupt,
SystemExit, what a test framework ends a test by. It is nobody's crash, and nothing goes on after it. A *crash* is any
`Exception`. *Cancellation* belongs to the scope that was cancelled, which knows its own.

| what met | is raised |
|---|---|
| an interrupt, and anything | the first interrupt, as it is; the rest is its context |
| one error | that error |
| several errors, cancellations among them | a group of them |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import trio

from jido_trio.errors import RestartIntensityExceeded, StartFailed, SupervisionError
from jido_trio.redact import shown
from jido_trio.supervision._events import TreeBootFailed, TreeGaveUp, TreeOutcome


def is_interrupt(error: BaseException) -> bool:
    """Return whether it is an interrupt, and not a group that holds one."""
    return not isinstance(error, Exception | trio.Cancelled | BaseExceptionGroup)


def parted(error: BaseException | None) -> tuple[BaseException | None, Exception | None]:
    """Return the interrupt in what left a life, and the part of it that is a crash.

    A cancellation that left it is not its own: it is passed on as an interrupt is.
    """
    if error is None or isinstance(error, Exception):
        return None, error
    if not isinstance(error, BaseExceptionGroup):
        return error, None
    crash, rest = error.split(Exception)
    interrupt = next(filter(is_interrupt, _leaves(rest)), None) or next(_leaves(rest, trio.Cancelled), None)
    return interrupt, crash


def _leaves(error: BaseException | None, kind: type[BaseException] = BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part, kind)
    elif isinstance(error, kind):
        yield error


def error_of(
    name: str,
    outcome: TreeOutcome | None,
    cause: BaseException | None,
    told_of: Callable[[str, BaseException | None], str],
) -> SupervisionError | None:
    """Return the error that a supervisor ends by, from its cause; None if it was asked to end.

    Args:
        name: What the supervisor is called.
        outcome: How the tree ended, once it has.
        cause: What ended the last life, if an exception did.
        told_of: What may be told of that, as the error of a child.
    """
    match outcome:
        case TreeGaveUp(child, restarts, max_restarts, max_seconds, exit):
            error: SupervisionError = RestartIntensityExceeded(name, child, restarts, max_restarts, max_seconds, exit)
        case TreeBootFailed(child):
            error = StartFailed(name, child, told_of(child, cause))
        case _:
            return None
    error.__cause__ = cause
    return error


def conclude(
    name: str, interrupts: Sequence[BaseException], errors: Sequence[BaseException | None]
) -> BaseException | None:
    """Return the one error that the block of supervisor `name` ends by; None if there is none."""
    met = [error for error in errors if error is not None]
    if interrupts:
        first = interrupts[0]
        rest = [error for error in (*met, *interrupts[1:]) if type(error) is not type(first)]
        if rest and isinstance(first.__context__, trio.Cancelled | None):
            first.__context__ = rest[0]
        return first
    if len(met) > 1:
        return BaseExceptionGroup(f"supervisor {shown(name)} and its block both ended with an error", met)
    return met[0] if met else None

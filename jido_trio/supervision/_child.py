"""Child: what a supervisor must know to start, restart and stop one child."""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Hashable, Sequence
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any, Literal, Protocol, TypeGuard, cast, get_args

from attrs import field, fields, frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.supervision._backoff import Backoff, Budget
from jido_trio.terms import Kind, Restart, ShutdownLimit

WORKER_SHUTDOWN = 5.0
"""Seconds that a worker has to end after it was asked to, unless its spec says otherwise (OTP: 5000 ms)."""


class Calls(Protocol):
    """The calls of a child that needs no task; `Passive` says what they are for."""

    @property
    def begin(self) -> Callable[[Any], None]:
        """Begins a life."""
        ...

    @property
    def stop(self) -> Callable[[Any], None]:
        """Asks a life to end."""
        ...

    @property
    def kill(self) -> Callable[[Any], None]:
        """Ends a life."""
        ...


@frozen(init=False)
class Child:
    """A child of a supervisor: an async function, and how its ends are answered.

    `fn(*args)` is one life of the child. A function with a parameter `task_status` is ready once it has called
    `task_status.started(value)`, as with `trio.Nursery.start`; any other is ready as soon as it is scheduled. A
    function with a parameter `life` is given the `Life` that it is. A child that needs no task is a `Passive`.

    Args:
        id: Unique within the supervisor; names the child in reports and calls.
        fn: Async function, or a `Passive`. Returning ends the child normally; raising `Shutdown` ends it on purpose;
            any other exception is a crash.
        *args: Passed to `fn` in each life.
        restart: "permanent" is always restarted, "transient" only after a crash, "temporary" never.
        shutdown: Seconds it has to end after it was asked to; "brutal" to cancel it at once; None to wait as long
            as it takes. Default: 5 for workers, None for supervisors.
        significant: Whether its end may stop the supervisor, see `auto_shutdown`. Not for permanent children.
        kind: "worker" or "supervisor"; for counting, and for the default of `shutdown`.
        start_timeout: Seconds within which it must be ready, else its start has failed. None waits.
        backoff: Pauses before its restarts; None restarts at once, as OTP does.
        budget: Restarts that it may have by itself, and what follows when it has more. None sets no limit but the
            supervisor's.

    Raises:
        InvalidDefinition: An argument is not what it must be.

    Source: OTP `supervisor`, "Child specification".
    """

    id: str
    fn: Callable[..., Awaitable[object]] | Calls
    args: tuple[object, ...]
    restart: Restart
    shutdown: ShutdownLimit
    significant: bool
    kind: Kind
    start_timeout: float | None
    backoff: Backoff | None
    budget: Budget | None
    keywords: tuple[str, ...] = field(repr=False)
    """Which of `task_status` and `life` the function takes."""
    is_passive: bool = field(repr=False)
    """Whether it needs no task: its lives are begun, stopped and killed by calls."""

    def __init__(
        self,
        id: str,
        fn: Callable[..., Awaitable[object]] | Calls,
        /,
        *args: object,
        restart: Restart = "permanent",
        shutdown: ShutdownLimit | Literal["default"] = "default",
        significant: bool = False,
        kind: Kind = "worker",
        start_timeout: float | None = None,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
    ) -> None:
        _check_id(id)
        is_passive = _is_passive(fn)
        if not is_passive:
            _check_callable(id, fn)
        _check_word(id, "restart", restart, Restart)
        _check_word(id, "kind", kind, Kind)
        if shutdown == "default":
            shutdown = WORKER_SHUTDOWN if kind == "worker" else None
        _check_shutdown(id, shutdown)
        _check_significant(id, significant, restart)
        _check_start_timeout(id, start_timeout)
        _check_made_of(id, "backoff", backoff, Backoff)
        _check_made_of(id, "budget", budget, Budget)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it
            id,
            fn,
            args,
            restart,
            shutdown,
            significant,
            kind,
            start_timeout,
            backoff,
            budget,
            () if is_passive else _keywords(fn),
            is_passive,
        )

    def instance(self, id: str, *args: object) -> Child:
        """Return a child with this one as its template: with an id of its own, and `args` after the template's.

        Source: OTP `supervisor`, simple_one_for_one, whose `start_child` appends its arguments likewise.
        """
        _check_id(id)
        made = object.__new__(Child)
        made.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]
            **{
                **{field.name: getattr(self, field.name) for field in fields(Child)},
                "id": id,
                "args": (*self.args, *args),
            }
        )
        return made

    @property
    def reports_ready(self) -> bool:
        """Whether it tells when it is ready; a passive child does so by returning from `begin`."""
        return self.is_passive or "task_status" in self.keywords

    @property
    def passive(self) -> Calls:
        """What begins, stops and kills its lives, where it is passive."""
        return cast("Calls", self.fn)

    @property
    def function(self) -> Callable[..., Awaitable[object]]:
        """Its async function, where it isn't passive."""
        return cast("Callable[..., Awaitable[object]]", self.fn)


def _check_id(id: object) -> None:
    if not isinstance(id, str) or not id:
        raise InvalidDefinition(f"the id of a child must be a non-empty string, not {id!r}", field="id", value=id)


def _is_passive(fn: object) -> TypeGuard[Calls]:
    return all(callable(getattr(fn, name, None)) for name in ("begin", "stop", "kill"))


def _check_callable(id: str, fn: object) -> None:
    if inspect.iscoroutine(fn):
        fn.close()
        raise InvalidDefinition(
            f"child {id!r} was given a coroutine; pass the async function itself and its arguments: "
            f"Child({id!r}, fn, arg), not Child({id!r}, fn(arg))",
            field="fn",
            value=fn,
        )
    if not callable(fn):
        raise InvalidDefinition(f"child {id!r} needs an async function, not {fn!r}", field="fn", value=fn)


def _check_word(id: str, name: str, value: object, words: Any) -> None:
    known: Sequence[str] = get_args(words)
    if value not in known:
        near = get_close_matches(str(value), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidDefinition(
            f"{name}={value!r} of child {id!r} is not one of {', '.join(map(repr, known))}{hint}",
            field=name,
            value=value,
        )


def _check_shutdown(id: str, shutdown: object) -> None:
    if shutdown is None or shutdown == "brutal" or is_seconds(shutdown):
        return
    raise InvalidDefinition(
        f"shutdown={shutdown!r} of child {id!r} must be seconds (0 or more), 'brutal', or None to wait without limit",
        field="shutdown",
        value=shutdown,
    )


def _check_significant(id: str, significant: object, restart: Restart) -> None:
    if not isinstance(significant, bool):
        raise InvalidDefinition(
            f"significant={significant!r} of child {id!r} must be True or False", field="significant", value=significant
        )
    if significant and restart == "permanent":
        raise InvalidDefinition(
            f"child {id!r} is significant and permanent: a permanent child never ends for good. "
            "Make it transient or temporary",
            field="significant",
            value=True,
        )


def _check_start_timeout(id: str, seconds: object) -> None:
    if seconds is not None and not (is_seconds(seconds) and seconds):
        raise InvalidDefinition(
            f"start_timeout={seconds!r} of child {id!r} must be seconds above 0, or None",
            field="start_timeout",
            value=seconds,
        )


def _check_made_of(id: str, name: str, value: object, cls: type) -> None:
    if value is not None and not isinstance(value, cls):
        raise InvalidDefinition(
            f"{name}={value!r} of child {id!r} must be a {cls.__name__} or None", field=name, value=value
        )


def is_seconds(value: object) -> bool:
    """Return whether `value` is a finite number of seconds, 0 or more."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _keywords(fn: Any) -> tuple[str, ...]:
    while isinstance(fn, partial):
        fn = fn.func
    fn = getattr(fn, "__func__", fn)
    return _keywords_of(fn) if isinstance(fn, Hashable) else _keywords_of.__wrapped__(fn)


@lru_cache(maxsize=4096)
def _keywords_of(fn: Callable[..., object]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):  # builtins and some C callables have no signature
        return ()
    return tuple(name for name in ("task_status", "life") if name in parameters)

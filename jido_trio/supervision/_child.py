"""Child: what a supervisor must know to start, restart and stop one child."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from operator import attrgetter
from types import FunctionType, MethodType
from typing import Any, Literal, Protocol, cast, get_args

from attrs import Attribute, field, fields, frozen

from jido_trio.annotations import annotations_of, signature_of
from jido_trio.checks import one_of, refused, seconds
from jido_trio.redact import shown
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


def _owner(child: Child) -> str:
    return f"child {shown(child.id)}"


def _check_id(child: Child, _: Attribute[str], id: object) -> None:
    if not isinstance(id, str) or not id:
        raise refused("", "id", id, "can't be the id of a child: it must be a non-empty string")


def _check_fn(child: Child, _: Attribute[Any], fn: object) -> None:
    if child.is_passive:
        return
    if inspect.iscoroutine(fn):
        fn.close()
        id = shown(child.id)
        why = "is a coroutine; pass the async function itself and its arguments"
        raise refused(_owner(child), "fn", fn, f"{why}: Child({id}, fn, arg), not Child({id}, fn(arg))")
    if not callable(fn) or isinstance(fn, type):
        raise refused(_owner(child), "fn", fn, "must be an async function")
    if _is_surely_sync(fn):
        why = "must be an async function: write `async def`; a thread takes `trio.to_thread.run_sync`"
        raise refused(_owner(child), "fn", fn, why)


def _check_word(words: Any) -> Callable[[Child, Attribute[Any], object], None]:
    known: tuple[str, ...] = get_args(words)

    def check(child: Child, attribute: Attribute[Any], value: object) -> None:
        if value.__class__ is not str or value not in known:
            one_of(_owner(child), attribute.name, value, known)

    return check


def _check_shutdown(child: Child, _: Attribute[ShutdownLimit], value: object) -> None:
    if value is None or is_seconds(value) or (isinstance(value, str) and value == "brutal"):
        return
    why = "must be seconds (0 or more), 'brutal', or None to wait without limit"
    raise refused(_owner(child), "shutdown", value, why)


def _check_significant(child: Child, _: Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        raise refused(_owner(child), "significant", value, "must be True or False")
    if value and child.restart == "permanent":
        why = "can't be of a permanent child, which never ends for good: make it transient or temporary"
        raise refused(_owner(child), "significant", value, why)


def _check_start_timeout(child: Child, _: Attribute[float | None], value: object) -> None:
    if value is None:
        return
    seconds(_owner(child), "start_timeout", value, above_zero=True, or_none="None for no limit")
    if child.is_passive:
        raise refused(_owner(child), "start_timeout", value, "is for children with a task: `begin` can't be cut short")


def _check_made_of(cls: type) -> Callable[[Child, Attribute[Any], object], None]:
    def check(child: Child, attribute: Attribute[Any], value: object) -> None:
        if value is not None and not isinstance(value, cls):
            raise refused(_owner(child), attribute.name, value, f"must be a {cls.__name__} or None")

    return check


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
        *more: Passed to `fn` in each life.
        args: The same, given as a tuple; `more` come after them.
        restart: "permanent" is always restarted, "transient" only after a crash, "temporary" never.
        shutdown: Seconds it has to end after it was asked to; "brutal" to cancel it at once; None to wait as long
            as it takes. Default: 5 for workers, None for supervisors.
        significant: Whether its end may stop the supervisor, see `auto_shutdown`. Not for permanent children.
        kind: "worker" or "supervisor"; for counting, and for the default of `shutdown`.
        start_timeout: Seconds within which it must be ready, else its start has failed. None waits.
        backoff: Pauses before its restarts; None restarts at once, as OTP does.
        budget: Restarts that it may have by itself, and what follows when it has more; where that is to be parked or
            stopped, they don't count against its supervisor's. None sets no limit but the supervisor's.

    Raises:
        InvalidDefinition: An argument is not what it must be.

    Source: OTP `supervisor`, "Child specification".
    """

    id: str = field(validator=_check_id)
    fn: Callable[..., Awaitable[object]] | Calls = field(validator=_check_fn)
    args: tuple[object, ...]
    restart: Restart = field(validator=_check_word(Restart))
    kind: Kind = field(validator=_check_word(Kind))
    shutdown: ShutdownLimit = field(validator=_check_shutdown)
    significant: bool = field(validator=_check_significant)
    start_timeout: float | None = field(validator=_check_start_timeout)
    backoff: Backoff | None = field(validator=_check_made_of(Backoff))
    budget: Budget | None = field(validator=_check_made_of(Budget))
    is_passive: bool = field(repr=False, init=False)
    """Whether it needs no task: its lives are begun, stopped and killed by calls."""
    keywords: tuple[str, ...] = field(repr=False, init=False)
    """Which of `task_status` and `life` the function takes."""

    def __init__(
        self,
        id: str,
        fn: Callable[..., Awaitable[object]] | Calls,
        *more: object,
        args: tuple[object, ...] = (),
        restart: Restart = "permanent",
        shutdown: ShutdownLimit | Literal["default"] = "default",
        significant: bool = False,
        kind: Kind = "worker",
        start_timeout: float | None = None,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
    ) -> None:
        limit = shutdown
        given: object = args
        sort: object = kind
        if isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise refused(f"child {shown(id)}", "args", given, "must be several arguments: give a tuple, (argument,)")
        if isinstance(limit, str) and limit == "default":
            limit = None if isinstance(sort, str) and sort == "supervisor" else WORKER_SHUTDOWN
        is_passive = _is_passive(fn)
        object.__setattr__(self, "is_passive", is_passive)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it
            id, fn, tuple(args) + more, restart, kind, limit, significant, start_timeout, backoff, budget
        )
        object.__setattr__(self, "keywords", () if is_passive else _keywords(fn))

    def instance(self, id: str, *args: object) -> Child:
        """Return a child with this one as its template: with an id of its own, and `args` after the template's.

        Source: OTP `supervisor`, simple_one_for_one, whose `start_child` appends its arguments likewise.
        """
        made = object.__new__(Child)
        for put, checked in zip(_PUTS, _checked(self), strict=True):  # all that stays as it is
            put(made, checked)
        _put_id(made, id)
        _put_args(made, (*self.args, *args))
        if id.__class__ is not str or not id:
            _check_id(made, _ID, id)
        return made

    @property
    def counts_above(self) -> bool:
        """Whether its restarts count against its supervisor's intensity: nothing of its own limits them for good."""
        return self.backoff is None and (self.budget is None or self.budget.exhausted == "escalate")

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


_ID = fields(Child).id
_OTHERS = [field.name for field in fields(Child) if field.name not in ("id", "args")]
_put_id, _put_args, *_PUTS = (getattr(Child, name).__set__ for name in ("id", "args", *_OTHERS))
_checked = attrgetter(*_OTHERS)


def is_seconds(value: object) -> bool:
    """Return whether `value` is a number of seconds that Trio's clock can be moved by, 0 or more."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max


def _is_passive(fn: object) -> bool:
    return all(callable(getattr(fn, name, None)) for name in ("begin", "stop", "kill"))


def _is_surely_sync(fn: object) -> bool:
    """Return whether calling `fn` can't make a coroutine, as far as that can be told without calling it.

    Of a decorated function and of a lambda it can't, nor of one that says that it returns an awaitable.
    """
    plain = _plain(fn)
    if not isinstance(plain, FunctionType) or inspect.iscoroutinefunction(plain):
        return False
    says = str(annotations_of(plain).get("return", ""))
    return not (hasattr(plain, "__wrapped__") or plain.__name__ == "<lambda>" or "Await" in says or "Corout" in says)


def _keywords(fn: object) -> tuple[str, ...]:
    """Return which of `task_status` and `life` a function takes. No cache keeps them: functions come and go."""
    plain = _plain(fn)
    if isinstance(plain, FunctionType) and not hasattr(plain, "__wrapped__"):
        code = plain.__code__
        parameters: Any = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    else:
        try:
            parameters = signature_of(cast("Any", fn)).parameters
        except (TypeError, ValueError):  # builtins and some C callables have no signature
            return ()
    return tuple(name for name in ("task_status", "life") if name in parameters)


def _plain(fn: object) -> object:
    while isinstance(fn, partial):
        fn = fn.func
    return fn.__func__ if isinstance(fn, MethodType) else fn

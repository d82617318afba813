"""What follows from an `Error` directive: the agent's error policy, decided without doing anything."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

from attrs import field, frozen

from jido_trio.core._directives import Emit, Error
from jido_trio.core._signal import Signal
from jido_trio.data import freeze
from jido_trio.errors import InvalidDefinition

Word: TypeAlias = Literal["log", "emit", "stop", "crash"]


def _positive(_: object, __: object, count: Any) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InvalidDefinition(f"MaxErrors: count must be 1 or more, got {count!r}", field="count", value=count)


@frozen
class MaxErrors:
    """Stop at the `count`-th error since the agent started."""

    count: int = field(validator=_positive)


@frozen
class EmitErrors:
    """Send a `jido.agent.error` for every error, and go on."""

    dispatch: Any = field(default=None, converter=freeze)
    """Where to; None is the agent itself."""


class Reporting(Protocol):
    """The agent that an error is about."""

    @property
    def id(self) -> str:
        """What `jido.agent.error` calls it."""
        ...


Judge: TypeAlias = Callable[[Error, Any], Literal["continue", "stop"]]
"""Looks at the error and the agent; one that raises or answers anything else is reported, and the agent goes on."""

ErrorPolicy: TypeAlias = Word | MaxErrors | EmitErrors | Judge
"""log (the default): go on. emit: EmitErrors(). stop: stop, with the error as the reason. crash: as a bug would."""


@frozen
class Verdict:
    """What is to be done about one error; it is logged in any case."""

    then: Literal["continue", "stop", "crash"]
    emit: Emit | None = None
    """To be sent first."""
    problem: str | None = None
    """What is wrong with the policy itself, to be logged as well."""


GO_ON = Verdict("continue")


def checked_policy(owner: str, policy: object) -> ErrorPolicy:
    """Return `policy` if it is one."""
    words = get_args(Word)
    if isinstance(policy, (MaxErrors, EmitErrors)) or policy in words:
        return policy  # type: ignore[return-value]  # it is one of the words
    if callable(policy) and not isinstance(policy, type):
        return cast("Judge", policy)
    near = get_close_matches(str(policy), words, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InvalidDefinition(
        f"{owner}: error_policy {policy!r} is none of {', '.join(words)}, MaxErrors(n), EmitErrors(dispatch), "
        f"or a function{hint}",
        field="error_policy",
        value=policy,
    )


def decide_error(policy: ErrorPolicy, error: Error, errors_so_far: int, agent: Reporting) -> Verdict:
    """Return what follows from `error`, the `errors_so_far`-th since `agent` started."""
    match policy:
        case "log":
            return GO_ON
        case "emit":
            return _emitting(error, agent, EmitErrors())
        case EmitErrors():
            return _emitting(error, agent, policy)
        case "stop" | "crash":
            return Verdict(policy)
        case MaxErrors(count):
            return Verdict("stop") if errors_so_far >= count else GO_ON
    return _judged(policy, error, agent)


def _emitting(error: Error, agent: Reporting, policy: EmitErrors) -> Verdict:
    data = {
        "agent_id": agent.id,
        "context": error.context,
        "error": {
            "type": type(error.error).__name__,
            "message": error.error.message,
            "details": error.error.details,
            "retryable": error.error.retryable,
        },
    }
    return Verdict("continue", Emit(Signal("jido.agent.error", data), dispatch=policy.dispatch))


def _judged(judge: Judge, error: Error, agent: Reporting) -> Verdict:
    name = getattr(judge, "__qualname__", type(judge).__qualname__)
    try:
        word = judge(error, agent)
    except Exception as failure:  # noqa: BLE001 - a policy that fails must not be worse than the error it judges
        return Verdict("continue", problem=f"error policy {name} raised {type(failure).__name__}: {failure}")
    if word in ("continue", "stop"):
        return Verdict(word)
    return Verdict("continue", problem=f"error policy {name} answered {word!r}, neither 'continue' nor 'stop'")

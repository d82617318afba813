"""What follows from an `Error` directive: the agent's error policy, decided without doing anything."""

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

from attrs import field, frozen

from jido_trio import checks
from jido_trio.core._action import KEPT
from jido_trio.core._directives import Emit, Error, checked_dispatch
from jido_trio.core._signal import Signal
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, shown_error

Word: TypeAlias = Literal["log", "emit", "stop", "crash"]


def _positive(_: object, __: object, count: Any) -> None:
    checks.whole("MaxErrors", "count", count, least=1)


@frozen
class MaxErrors:
    """Stop at the `count`-th error since the agent started."""

    count: int = field(validator=_positive)


@frozen
class EmitErrors:
    """Send a `jido.agent.error` for every error, and go on."""

    dispatch: Any = field(default=None, converter=KEPT)  # type: ignore[misc]  # a Converter
    """Where to; None is the agent itself."""

    def __attrs_post_init__(self) -> None:
        checked_dispatch("EmitErrors", "dispatch", self.dispatch)


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
    if isinstance(policy, (MaxErrors, EmitErrors)) or (isinstance(policy, str) and policy in words):
        return policy  # type: ignore[return-value]  # it is one of the words
    if callable(policy) and not isinstance(policy, type) and not checks.does_nothing(policy):
        return cast("Judge", policy)
    known = ", ".join(words)
    raise InvalidDefinition(
        f"{owner}: error_policy {shown(policy)} is none of {known}, MaxErrors(n), EmitErrors(dispatch), or a function"
        f"{checks.did_you_mean(policy, words)}",
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
        return Verdict("continue", problem=f"error policy {name} raised {shown_error(failure)}")
    answer: object = word
    if isinstance(answer, str) and answer in ("continue", "stop"):
        return Verdict(word)
    return Verdict("continue", problem=f"error policy {name} answered {shown(word)}, neither 'continue' nor 'stop'")

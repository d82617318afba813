"""Every exception of jido_trio, grouped by what a caller can do about it. Imports nothing of ours.

    JidoError
    + InvalidDefinition          your declaration is wrong        raised when it is made, before any change
    + ActionError                the action says no               agent unchanged; the agent's error policy decides
    | + InvalidInstruction         what cmd was given is no action
    | + InvalidParams              the parameters don't fit the action's fields
    | + ActionTimedOut             an async action took longer than its timeout
    | + InvalidResult              what run returned doesn't fit the state or the output schema
    + InvalidSignal              not a CloudEvents 1.0.2 envelope
    + CallError                  your message was not answered
    | + AgentCrashed               its handling crashed the agent: it may have acted
    | + AgentStopped               the agent has stopped, or stopped before it came to the message
    | + CallTimeout                no answer in time: the message was withdrawn
    | + MailboxFull                refused at once: the message was never queued
    | + NoRoute                    no route of the agent matches the signal's type
    + AgentNotFound              no agent has that id
    + DuplicateAgent             an agent with that id lives
    + UnknownDirective           no interpreter is registered for a directive's class
    + SupervisionError           a tree could not be kept up
      + StartFailed                a child failed while starting
      + RestartIntensityExceeded   children restarted more often than tolerated
      + ChildRefused               a call on a child that its state doesn't allow; reason says why
      + SupervisorStopped          the supervisor is not running
      + TaskError                  a supervised task gave no value
        + TaskCrashed                its function raised; the cause is what it raised
        + TaskStopped                it was stopped before it had a value; reason says by what
        + TaskTimedOut               no value in time; stopped says whether the task was cancelled for that

Exceptions carry ids and plain values as fields, never live objects: read the fields, don't parse the text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

Refusal: TypeAlias = Literal[
    "already_present", "already_started", "running", "restarting", "not_found", "max_children", "simple_one_for_one"
]
"""Why a supervisor refuses a call on a child; the words are those of OTP's `{error, Reason}`."""


class JidoError(Exception):
    """The root of all errors raised by jido_trio."""


class InvalidDefinition(JidoError):
    """A class, spec or option is declared wrongly; nothing was changed.

    Attributes:
        field: The option or field that is wrong, where one can be named.
        value: What it was given.
    """

    def __init__(self, message: str, *, field: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class ActionError(JidoError):
    """A declared failure of an action: the agent stays as it was, an `Error` directive tells of it.

    Raise it, or a subclass, from `run`. Two are equal when class, message and fields are, so that failures can be
    compared like the directives that carry them.

    Args:
        message: What went wrong, for people.
        details: Plain data for programs.
        retryable: Whether trying again may help.
    """

    def __init__(self, message: str = "", *, details: Mapping[str, Any] | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.retryable = retryable

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.args == other.args and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.message))

    def __repr__(self) -> str:
        fields = "".join(f", {name}={value!r}" for name, value in vars(self).items() if name != "message" and value)
        return f"{type(self).__name__}({self.message!r}{fields})"


class InvalidInstruction(ActionError):
    """What `cmd` was given can't be understood as an action."""


class InvalidParams(ActionError):
    """Parameters don't fit an action's fields; `problems` names each field."""

    def __init__(self, action: str, problems: Sequence[str]) -> None:
        super().__init__(f"parameters of action {action!r} don't fit: {'; '.join(problems)}")
        self.action = action
        self.problems = tuple(problems)


class InvalidResult(ActionError):
    """What an action returned doesn't fit the agent's state or the action's output schema."""

    def __init__(self, action: str, problems: Sequence[str]) -> None:
        super().__init__(f"result of action {action!r} doesn't fit: {'; '.join(problems)}")
        self.action = action
        self.problems = tuple(problems)


class ActionTimedOut(ActionError):
    """An async action took longer than its `timeout`, and was cancelled."""

    def __init__(self, action: str, seconds: float) -> None:
        super().__init__(f"action {action!r} took longer than {seconds:g} s and was cancelled", retryable=True)
        self.action = action
        self.seconds = seconds


class InvalidSignal(JidoError):
    """Data is not a valid CloudEvents 1.0.2 envelope."""


class CallError(JidoError):
    """A message to an agent was not answered."""

    def __init__(self, agent_id: str, message: str) -> None:
        super().__init__(message)
        self.agent_id = agent_id


class AgentCrashed(CallError):
    """The agent crashed while it handled this message; it may have acted before.

    Attributes:
        agent_id: The agent.
        incarnation: Which of its lives ended.
        error: The crash, rendered in one line.
    """

    def __init__(self, agent_id: str, incarnation: int, error: str) -> None:
        super().__init__(
            agent_id,
            f"agent {agent_id!r} crashed in incarnation {incarnation} while handling this message: {error}. "
            "It may have acted before it crashed; send again only what is safe to do twice.",
        )
        self.incarnation = incarnation
        self.error = error


class AgentStopped(CallError):
    """The agent has stopped; the message was not handled."""

    def __init__(self, agent_id: str, reason: str = "stopped") -> None:
        super().__init__(agent_id, f"agent {agent_id!r} is not running ({reason}); the message was not handled")
        self.reason = reason


class CallTimeout(CallError):
    """No answer within the call's timeout; the agent hadn't come to the message, which was withdrawn.

    Attributes:
        seconds: The timeout.
    """

    def __init__(self, agent_id: str, seconds: float) -> None:
        super().__init__(
            agent_id, f"agent {agent_id!r} did not come to the message within {seconds:g} s; the message was withdrawn"
        )
        self.seconds = seconds


class MailboxFull(CallError):
    """The agent's mailbox is full; the message was not queued."""

    def __init__(self, agent_id: str, capacity: int) -> None:
        super().__init__(
            agent_id,
            f"the mailbox of agent {agent_id!r} is full ({capacity} messages); wait and send again, "
            "or raise mailbox_size",
        )
        self.capacity = capacity


class NoRoute(CallError):
    """No route of the agent matches the type of the signal."""

    def __init__(self, agent_id: str, signal_type: str, routes: Sequence[str]) -> None:
        known = ", ".join(routes) or "none"
        super().__init__(agent_id, f"agent {agent_id!r} has no route for signal {signal_type!r}; its routes: {known}")
        self.signal_type = signal_type
        self.routes = tuple(routes)


class AgentNotFound(JidoError):
    """No agent has that id."""

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"no agent has the id {agent_id!r}")
        self.agent_id = agent_id


class DuplicateAgent(JidoError):
    """An agent with that id lives already."""

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"an agent with the id {agent_id!r} lives already; stop it first, or choose another id")
        self.agent_id = agent_id


class UnknownDirective(JidoError):
    """No interpreter is registered for the class of a directive."""

    def __init__(self, agent_id: str, directive: str) -> None:
        super().__init__(
            f"agent {agent_id!r} returned a directive nobody interprets: {directive}. "
            "Register one: @interpret.register for its class."
        )
        self.agent_id = agent_id
        self.directive = directive


class SupervisionError(JidoError):
    """A supervision tree could not be kept up."""


class StartFailed(SupervisionError):
    """A child failed while starting; those started before it were stopped again. The cause is its own error."""

    def __init__(self, supervisor: str, child: str, error: str) -> None:
        super().__init__(f"child {child!r} of supervisor {supervisor!r} failed while starting: {error}")
        self.supervisor = supervisor
        self.child = child
        self.error = error


class RestartIntensityExceeded(SupervisionError):
    """A supervisor's children restarted more often than it tolerates. The cause is the last crash."""

    def __init__(self, supervisor: str, child: str, restarts: int, max_restarts: int, max_seconds: float) -> None:
        super().__init__(
            f"supervisor {supervisor!r} gave up: {restarts} restarts within {max_seconds:g} s "
            f"(at most {max_restarts}), the last for child {child!r}, whose crash is the cause. "
            "Give that child a backoff, or raise max_restarts or max_seconds."
        )
        self.supervisor = supervisor
        self.child = child
        self.restarts = restarts
        self.max_restarts = max_restarts
        self.max_seconds = max_seconds


class ChildRefused(SupervisionError):
    """A call on a child that its state doesn't allow.

    Attributes:
        reason: OTP's word for it: already_present, already_started, running, restarting, not_found, max_children,
            simple_one_for_one.
    """

    def __init__(self, supervisor: str, child: str, call: str, reason: Refusal) -> None:
        super().__init__(f"{call}({child!r}) refused by supervisor {supervisor!r}: {_REFUSALS[reason]}")
        self.supervisor = supervisor
        self.child = child
        self.call = call
        self.reason = reason


_REFUSALS: Mapping[Refusal, str] = {
    "already_present": "a stopped child has that id (already_present); restart_child or delete_child it",
    "already_started": "a child with that id runs (already_started)",
    "running": "the child runs (running); terminate_child it first",
    "restarting": "the child is being restarted (restarting); terminate_child it first",
    "not_found": "it has no such child (not_found)",
    "max_children": "it has as many children as it may (max_children)",
    "simple_one_for_one": "children made from a template have no spec of their own (simple_one_for_one)",
}


class SupervisorStopped(SupervisionError):
    """The supervisor is not running, or stopped before it could answer."""

    def __init__(self, supervisor: str) -> None:
        super().__init__(f"supervisor {supervisor!r} is not running")
        self.supervisor = supervisor


class TaskError(SupervisionError):
    """A supervised task gave no value."""

    def __init__(self, supervisor: str, task: str, message: str) -> None:
        super().__init__(f"task {task!r} of supervisor {supervisor!r} {message}")
        self.supervisor = supervisor
        self.task = task


class TaskCrashed(TaskError):
    """The task's function raised. The cause is what it raised.

    Attributes:
        error: The cause, rendered in one line.
    """

    def __init__(self, supervisor: str, task: str, error: str) -> None:
        super().__init__(supervisor, task, f"crashed: {error}")
        self.error = error


class TaskStopped(TaskError):
    """The task was stopped before it had a value.

    Attributes:
        reason: By what: it was cancelled, its supervisor stopped, or what its function gave as reason of `Shutdown`.
    """

    def __init__(self, supervisor: str, task: str, reason: str) -> None:
        super().__init__(supervisor, task, f"was stopped before it had a value ({reason})")
        self.reason = reason


class TaskTimedOut(TaskError):
    """The task had no value in time.

    Attributes:
        seconds: The timeout.
        stopped: Whether the task was cancelled because of it.
    """

    def __init__(self, supervisor: str, task: str, seconds: float, *, stopped: bool) -> None:
        then = "it was cancelled" if stopped else "it goes on: wait again, or cancel it"
        super().__init__(supervisor, task, f"had no value within {seconds:g} s; {then}")
        self.seconds = seconds
        self.stopped = stopped

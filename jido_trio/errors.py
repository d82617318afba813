"""Every exception of jido_trio, grouped by what a caller can do about it.

    ErrorValue                     an exception that is a value: also the Shutdown of a child, the Misfit of data
    + JidoError
      + InvalidDefinition          your declaration is wrong        raised when it is made, before any change
      + ActionError                the action says no               agent unchanged; the agent's error policy decides
      | + InvalidInstruction         what cmd was given is no action
      | + InvalidParams              the parameters don't fit the action's fields
      | + InvalidArguments           the JSON of a tool call doesn't fit the tool
      | + ActionCancelled            an async action was cancelled
      | + ActionCrashed              a bug in an async action in a lane
      | + ActionTimedOut             an async action took longer than its timeout
      | + BreakerOpen                an async action was not begun: the last ones failed
      | + Interrupted                an async action of a durable agent was cut off by its death
      | + LaneBroken                 an async action was not begun: one before it in its lane crashed
      | + LaneFull                   an async action was not begun: too many wait in its lane
      | + InvalidResult              what run returned doesn't fit the state or the output schema
      | + Permanent                  trying again won't help
      | + PlanFailed                 a step of a plan failed, and the plan with it
      | + PluginRefused              a hook of a plugin failed, and so refused what it was asked about
      | + Transient                  trying again may help
      | + TransitionRefused          the machine of the agent takes no such action in the state it is in
      | + UndoFailed                 an async action failed, and so did undoing it
      + WorkerDied                 the worker process of an action died
      + UnknownField               a result of an action has a key that the state has no field for: a bug
      + InvalidSignal              not a CloudEvents 1.0.2 envelope
      + CallError                  your message was not answered
      | + AgentCrashed               its handling crashed the agent: it may have acted
      | + AgentStopped               the agent has stopped, or stopped before it came to the message
      | + CallTimeout                no answer in time: the message was withdrawn
      | + OwnershipLost              the durable agent was started elsewhere, and belongs there now
      | + MailboxFull                refused at once: the message was never queued
      | + NoRoute                    no route of the agent matches the signal's type
      | + NotSettled                 it was handled, but not all that follows was done in time
      | + WouldDeadlock              the agent waits, by way of others or not, for whoever would wait for it
      + AgentNotFound              no agent has that id
      + DuplicateAgent             an agent with that id lives
      + WaitTimeout                an agent's state was not as it was waited for
      + NoWorkerFree               all workers of a pool are lent
      + AgentFileRefused           the file of an agent can't be imported; nothing was changed
      + AgentKept                  the storage has an agent of that id
      + AgentLives                 an agent can't be forgotten: it runs
      + ThreadConflict             what a store has of a thread isn't what was expected
      + ThawFailed                 a keyed agent could not be brought back
      + NoRoomForKey               as many keyed agents as may be in memory are, and are in use
      + KeyedClosed                the group of keyed agents was left
      + PoolClosed                 the pool was left
      + UnknownDirective           no interpreter is registered for a directive's class
      + HandledTooLong             the directives of one signal took longer than an agent may take
      + StorageError               what a storage was asked for wasn't done; nothing was changed
      | + Conflict                   another has changed the record meanwhile
      | + StorageClosed              it isn't open
      | + StorageCorrupt             it is damaged, or no storage of ours
      | + StorageFailed              the disk or the server said no
      | + StorageLocked              another process doesn't let go of it
      | + StorageNewer               a later version of jido_trio made it
      | + RecordRefused              a record of a durable agent can't be read, or is for other code
      | + NotDecrypted               a record of an encrypted storage can't be read with this key
      | + StorageUnknown             whether it was done can't be told
      + Unstorable                 part of a durable agent, or of a signal to it, can't be kept
      + ReplayDiverged             a replay came to another state than the journal says
      + MigrationFailed            the state of an agent can't become one of another class
      + UpgradeFailed              some agents couldn't become ones of another class
      + SupervisionError           a tree could not be kept up
        + StartFailed                a child failed while starting
        + RestartIntensityExceeded   children restarted more often than tolerated
        + ChildRefused               a call on a child that its state doesn't allow; reason says why
        + SupervisorStopped          the supervisor is not running
        + TaskError                  a supervised task gave no value
          + TaskCrashed                its function raised; the cause is what it raised
          + TaskStopped                it was stopped before it had a value; reason says by what
          + TaskTimedOut               no value in time; stopped says whether the task was cancelled for that

Exceptions are values: their fields hold the facts, ids and plain data and never live objects, and their text is made of
these. So they can be compared, hashed, copied and pickled; read the fields, don't parse the text.
"""

import copy
import pickle
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Self, TypeVar

import attrs
from attrs import define

from jido_trio.redact import said, shown
from jido_trio.terms import ExitKind, Refusal

LONGEST = 10_000
"""Characters of a message; a longer one is cut."""

_Error = TypeVar("_Error", bound="ErrorValue")


class ErrorValue(Exception):
    """An exception that is a value: equal when class and fields are; it survives copy, deepcopy and pickle.

    So do subclasses, however they are made: attrs classes, or with an `__init__` of their own. A field that can't be
    pickled arrives as the text of it. As with every exception, cause, context and traceback stay behind.
    """

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine, theirs = _facts(self), _facts(other)
        return mine.keys() == theirs.keys() and all(_same(value, theirs[name]) for name, value in mine.items())

    def __hash__(self) -> int:
        # Of the texts alone: other fields may hold what has no hash.
        return hash((type(self), *(value for value in _facts(self).values() if type(value) is str)))

    def __copy__(self) -> Self:
        return _rebuilt(type(self), self.args, _state(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        new = memo[id(self)] = _rebuilt(type(self), (), {})  # found by a field that holds the error itself
        object.__setattr__(new, "args", tuple(_deep_copy(arg, memo) for arg in self.args))
        return _filled(new, {name: _deep_copy(value, memo) for name, value in _state(self).items()})

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: _portable(value) for name, value in _state(self).items()}
        return _rebuilt, (type(self), tuple(map(_portable, self.args)), state)


def _rebuilt(cls: type[_Error], args: tuple[object, ...], state: Mapping[str, object]) -> _Error:
    """Return an error as it was; its `__init__` is not asked, whose arguments nobody knows."""
    builtin: Any = next(base for base in cls.__mro__ if not base.__flags__ & _HEAPTYPE)
    new: _Error = builtin.__new__(cls)
    object.__setattr__(new, "args", args)
    return _filled(new, state)


_HEAPTYPE = 1 << 9
"""The flag of classes written in Python; whose `__new__` may ask for arguments."""


def _filled(error: _Error, state: Mapping[str, object]) -> _Error:
    for name, value in state.items():
        object.__setattr__(error, name, value)  # a frozen attrs class refuses the plain way
    return error


def _state(error: BaseException) -> dict[str, object]:
    """Return all attributes of an error, those in slots included."""
    slots = (name for cls in type(error).__mro__ for name in _slots(cls) if hasattr(error, name))
    return {name: getattr(error, name) for name in slots} | vars(error)


def _slots(cls: type) -> Iterable[str]:
    names = cls.__dict__.get("__slots__", ())
    for name in (names,) if isinstance(names, str) else names:
        if name.startswith("__") and not name.endswith("__"):
            yield f"_{cls.__name__.lstrip('_')}{name}"
        elif name != "__weakref__":
            yield name


def _facts(error: BaseException) -> dict[str, object]:
    """Return what makes errors equal: all attributes but notes, and the arguments where there are no others."""
    facts = {name: value for name, value in _state(error).items() if name != "__notes__"}
    return facts if attrs.has(type(error)) else {**facts, "args": error.args}


def _same(one: object, other: object) -> bool:
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - an array's, which has no truth value: the same only if it is the very same
        return False


def _deep_copy(value: object, memo: dict[int, Any]) -> object:
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001 - there is no copy of it, of a lock for example: the very same will have to do
        return value


def _portable(value: object) -> object:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - whatever keeps a field from being pickled must not keep the error back
        return shown(value)
    return value


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(said(value, LONGEST) for value in values)


class JidoError(ErrorValue):
    """The root of all errors raised by jido_trio."""


@define(slots=False, eq=False)
class InvalidDefinition(JidoError):
    """A class, spec or option is declared wrongly; nothing was changed."""

    message: str
    """What is wrong, with the value, and what to write instead."""
    field: str | None = attrs.field(default=None, kw_only=True)
    """The option or field that is wrong, where one can be named."""
    value: object = attrs.field(default=None, kw_only=True)
    """What it was given."""

    def __str__(self) -> str:
        return said(self.message, LONGEST)


class _TextOfTheError:
    """The `message` of an error that wasn't given one: a class that makes its text of its fields."""

    def __get__(self, error: "ActionError", _: type) -> str:
        return str(error)


class ActionError(JidoError):
    """A declared failure of an action: the agent stays as it was, an `Error` directive tells of it.

    Raise it, or a subclass, from `run`. A subclass may be an attrs class with fields of its own and a `__str__`, or
    have an `__init__` that gives the message to this one. Two are equal when class and fields are, so that failures can
    be compared like the directives that carry them.

    Args:
        message: What went wrong, for people.
        details: Plain data for programs.
        retryable: Whether trying again may help.
    """

    message: str = _TextOfTheError()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    details: Mapping[str, Any] = MappingProxyType({})
    retryable: bool = False

    def __init__(self, message: str = "", *, details: Mapping[str, Any] | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        if not (details is None or isinstance(details, Mapping)):
            raise TypeError(f"details={shown(details)} of {type(self).__name__} must be a mapping: details={{...}}")
        self.message = message
        self.details = dict(details or {})
        self.retryable = retryable

    def __repr__(self) -> str:
        named = [(name, value) for name, value in vars(self).items() if name != "message" and not _is_empty(value)]
        fields = "".join(f", {name}={shown(value, LONGEST)}" for name, value in named)
        return f"{type(self).__name__}({shown(self.message, LONGEST)}{fields})"


def _is_empty(value: object) -> bool:
    return value is None or value is False or (isinstance(value, (str, tuple, list, dict)) and not value)


class Transient(ActionError):
    """A declared failure that may pass: an async action that has `max_retries` is tried again.

    Raise it, or a subclass of your own. What other libraries raise is wrapped: `raise Transient("...") from error`. A
    class that is both, `class Busy(Transient, OSError)`, is caught by either name.
    """

    retryable = True

    def __init__(self, message: str = "", *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details=details, retryable=True)


class Permanent(ActionError):
    """A declared failure that won't pass: the action is not tried again, however many tries are left."""

    retryable = False

    def __init__(self, message: str = "", *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details=details)


class InvalidInstruction(ActionError):
    """What `cmd` was given can't be understood as an action."""


@define(slots=False, eq=False)
class InvalidParams(ActionError):
    """Parameters don't fit an action's fields; `problems` names each field."""

    action: str
    problems: tuple[str, ...] = attrs.field(converter=_texts)

    def __str__(self) -> str:
        return f"parameters of action {shown(self.action)} don't fit: {_listed(self.problems)}"


@attrs.frozen
class UnfitArgument:
    """One thing that is wrong with the arguments of a tool call, for who wrote them; secrets are left out."""

    path: str
    """Where, as a JSON Pointer: "/items/2/price"; empty for the whole."""
    expected: str
    got: str
    """What was there, shortened; empty where the path says it."""
    hint: str = ""

    def __str__(self) -> str:
        where = f"at {said(self.path)}: " if self.path else ""
        got = f", got {self.got}" if self.got else ""
        return f"{where}{self.expected if not got else 'expected ' + self.expected}{got}" + (
            f" ({self.hint})" if self.hint else ""
        )


@define(slots=False, eq=False)
class InvalidArguments(ActionError):
    """The JSON that a tool was called with doesn't fit it; nothing was run."""

    tool: str
    problems: tuple[UnfitArgument, ...]

    def __str__(self) -> str:
        more = f"; and {len(self.problems) - _MANY} more" if len(self.problems) > _MANY else ""
        listed = _listed(map(str, self.problems[:_MANY]))
        return f"arguments of tool {shown(self.tool)} don't fit: {listed}{more}"

    def as_data(self) -> dict[str, Any]:
        """Return the error as plain data, to be answered to a model: it says where, what was expected, what came."""
        problems = [attrs.asdict(each, filter=lambda _, value: value != "") for each in self.problems[:_MANY]]
        return {"error": "invalid_arguments", "tool": self.tool, "problems": problems}


_MANY = 20
"""So many problems of a tool call are told: a model mends these first."""


@define(slots=False, eq=False)
class InvalidResult(ActionError):
    """What an action returned doesn't fit the agent's state or the action's output schema."""

    action: str
    problems: tuple[str, ...] = attrs.field(converter=_texts)

    def __str__(self) -> str:
        return f"result of action {shown(self.action)} doesn't fit: {_listed(self.problems)}"


@define(slots=False, eq=False)
class UnknownField(JidoError):
    """What an action returned has a key that the agent's state has no field for: a bug of the action."""

    action: str
    problems: tuple[str, ...] = attrs.field(converter=_texts)

    def __str__(self) -> str:
        return f"result of action {shown(self.action)} has what the state has not: {_listed(self.problems)}"


def _listed(problems: Iterable[str]) -> str:
    return said("; ".join(problems), LONGEST)


@define(slots=False, eq=False)
class ActionTimedOut(ActionError):
    """An async action took longer than its `timeout`, and was cancelled."""

    action: str
    seconds: float
    retryable = True

    def __str__(self) -> str:
        return f"action {shown(self.action)} took longer than {self.seconds:g} s and was cancelled"


@define(slots=False, eq=False)
class ActionCancelled(ActionError):
    """An async action was cancelled by a `CancelRun`; it may have acted."""

    action: str
    reason: str

    def __str__(self) -> str:
        return f"action {shown(self.action)} was cancelled: {said(self.reason)}"


@define(slots=False, eq=False)
class BreakerOpen(ActionError):
    """An async action was not begun: the last ones of its breaker failed, and nothing is tried for a while."""

    action: str
    breaker: str
    seconds: float
    """Until one is let through; 0 if one is under way."""
    retryable = True

    def __str__(self) -> str:
        when = f"in {self.seconds:g} s" if self.seconds else "once the one under way has gone well"
        return (
            f"action {shown(self.action)} was not begun: breaker {shown(self.breaker)} is open after failures. "
            f"The next is let through {when}"
        )


@define(slots=False, eq=False)
class UndoFailed(ActionError):
    """An async action failed, and so did what was to make up for it: something is left half done."""

    action: str
    error: str
    """What the action failed with, as text."""
    undoing: str
    """What went wrong then."""

    def __str__(self) -> str:
        return f"action {shown(self.action)} failed ({said(self.error)}), and so did undoing it: {said(self.undoing)}"


@define(slots=False, eq=False)
class PlanFailed(ActionError):
    """A step of a plan failed that mustn't, and the plan with it."""

    failed: Mapping[str, str]
    """The steps that failed, and with which words."""
    done: tuple[str, ...]
    """The steps that were done before."""
    undone: tuple[str, ...] = ()
    """Those of them that were taken back."""
    not_undone: Mapping[str, str] = attrs.field(factory=dict)
    """Those that could not be taken back, and why."""

    def __str__(self) -> str:
        failed = _listed(f"{shown(name)}: {said(why)}" for name, why in self.failed.items())
        left = _listed(f"{shown(name)}: {said(why)}" for name, why in self.not_undone.items())
        return f"steps of the plan failed: {failed}" + (f"; these could not be undone: {left}" if left else "")


@define(slots=False, eq=False)
class WorkerDied(JidoError):
    """The worker process of an action ended before the action did: killed, out of memory, or a crash of its code."""

    action: str
    why: str

    def __str__(self) -> str:
        return f"the worker process of action {shown(self.action)} died: {said(self.why)}"


@define(slots=False, eq=False)
class ActionCrashed(ActionError):
    """An async action in a lane crashed, by a bug: its lane ended, and the agent lives on. It may have acted."""

    action: str
    lane: str
    error: str
    """What it raised, as text."""

    def __str__(self) -> str:
        return f"action {shown(self.action)} crashed in lane {shown(self.lane)}: {said(self.error)}"


@define(slots=False, eq=False)
class LaneBroken(ActionError):
    """An async action was not begun, as one before it in its lane crashed."""

    action: str
    lane: str
    retryable = True

    def __str__(self) -> str:
        return (
            f"action {shown(self.action)} was not begun: one before it in lane {shown(self.lane)} crashed. "
            "Ask for it again if it doesn't need that one"
        )


@define(slots=False, eq=False)
class LaneFull(ActionError):
    """An async action was not begun, as too many wait in its lane: as many as the agent's mailbox has places."""

    action: str
    lane: str
    capacity: int
    retryable = True

    def __str__(self) -> str:
        return (
            f"action {shown(self.action)} was not begun: {self.capacity} wait in lane {shown(self.lane)} already. "
            "Ask for it again later, or for fewer at a time"
        )


@define(slots=False, eq=False)
class Interrupted(ActionError):
    """An async action was cut off by the death of its agent: whether it has done its work isn't known."""

    action: str

    def __str__(self) -> str:
        return (
            f"action {shown(self.action)} was cut off when its agent died; whether it has done its work isn't known. "
            "Declare it idempotent to have it run again"
        )


@define(slots=False, eq=False)
class PluginRefused(ActionError):
    """A hook of a plugin failed, so what it was asked about was refused; or it gave what it must not."""

    plugin: str
    hook: str
    reason: str

    def __str__(self) -> str:
        return f"plugin {shown(self.plugin)} refused it in {self.hook}: {said(self.reason)}"


@define(slots=False, eq=False)
class TransitionRefused(ActionError):
    """The agent is a machine, and takes no such action in the state that it is in."""

    action: str
    state: str
    reason: str

    def __str__(self) -> str:
        return f"action {shown(self.action)} can't come in state {shown(self.state)}: {said(self.reason)}"


@define(slots=False, eq=False)
class InvalidSignal(JidoError):
    """Data is not a valid CloudEvents 1.0.2 envelope."""

    message: str

    def __str__(self) -> str:
        return said(self.message, LONGEST)


@define(slots=False, eq=False)
class CallError(JidoError):
    """A message to an agent was not answered."""

    agent_id: str

    def __str__(self) -> str:
        return f"agent {shown(self.agent_id)} did not answer"


@define(slots=False, eq=False)
class AgentCrashed(CallError):
    """The agent crashed while it handled this message; it may have acted before."""

    incarnation: int
    """Which of its lives ended."""
    error: str
    """The crash, rendered in one line."""

    def __str__(self) -> str:
        return (
            f"agent {shown(self.agent_id)} crashed in incarnation {self.incarnation} while handling this message: "
            f"{said(self.error).removesuffix('.')}. It may have acted before it crashed; "
            "send again only what is safe to do twice."
        )


@define(slots=False, eq=False)
class AgentStopped(CallError):
    """The agent has stopped; the message was not handled."""

    reason: str = "stopped"

    def __str__(self) -> str:
        return f"agent {shown(self.agent_id)} is not running ({said(self.reason)}); the message was not handled"


@define(slots=False, eq=False)
class CallTimeout(CallError):
    """No answer within the call's timeout; the agent hadn't come to the message, which was withdrawn."""

    seconds: float
    """The timeout."""

    def __str__(self) -> str:
        return (
            f"agent {shown(self.agent_id)} did not come to the message within {self.seconds:g} s; "
            "the message was withdrawn"
        )


@define(slots=False, eq=False)
class NotSettled(CallError):
    """The agent has handled the message, but not all that follows from it was done in time; it goes on."""

    seconds: float
    under_way: tuple[str, ...] = ()
    """The async actions that weren't done, by name."""

    def __str__(self) -> str:
        names = ", ".join(map(shown, self.under_way))
        what = f"under way: {names}" if names else "its directives are still carried out, or an outcome waits"
        return (
            f"agent {shown(self.agent_id)} has handled the message, but what follows wasn't done within "
            f"{self.seconds:g} s ({what}); it goes on. Give the call more time, or don't wait until all is settled"
        )


@define(slots=False, eq=False)
class WouldDeadlock(CallError):
    """Whoever would wait for this agent is waited for by it: neither would ever go on. Nothing was sent."""

    path: tuple[str, ...]
    """Who waits for whom, by id: it begins and ends with the same agent."""

    @property
    def way(self) -> str:
        """The path as text."""
        return " -> ".join(map(shown, self.path))

    def __str__(self) -> str:
        return (
            f"agent {shown(self.path[0])} waits for the code that calls this, which would wait for itself: {self.way}; "
            "emit a signal, use cast_nowait, or call from an async action; to stop an agent from within, return Stop() "
            "or use runtime.stop()"
        )


@define(slots=False, eq=False)
class MailboxFull(CallError):
    """The agent's mailbox is full; the message was not queued."""

    capacity: int

    def __str__(self) -> str:
        return (
            f"the mailbox of agent {shown(self.agent_id)} is full ({self.capacity} messages); wait and send again, "
            "or raise mailbox_size"
        )


@define(slots=False, eq=False)
class NoRoute(CallError):
    """No route of the agent matches the type of the signal."""

    signal_type: str
    routes: tuple[str, ...] = attrs.field(converter=_texts)

    def __str__(self) -> str:
        known = said(", ".join(self.routes), 2000) or "none"
        return f"agent {shown(self.agent_id)} has no route for signal {shown(self.signal_type)}; its routes: {known}"


@define(slots=False, eq=False)
class OwnershipLost(CallError):
    """Another process, or another instance, has started the same durable agent: this one writes nothing any more."""

    agent_id: str

    def __str__(self) -> str:
        return (
            f"durable agent {shown(self.agent_id)} was started elsewhere on the same storage and belongs there now; "
            "this one has stopped. Let one process have it"
        )


@define(slots=False, eq=False)
class AgentNotFound(JidoError):
    """No agent has that id."""

    agent_id: str

    def __str__(self) -> str:
        return f"no agent has the id {shown(self.agent_id)}"


@define(slots=False, eq=False)
class DuplicateAgent(JidoError):
    """An agent with that id lives already."""

    agent_id: str

    def __str__(self) -> str:
        return (
            f"an agent with the id {shown(self.agent_id)} lives already; stop it first, or choose another id. If a "
            'call lets it stop, wait for its end: call(..., until="settled")'
        )


@define(slots=False, eq=False)
class WaitTimeout(JidoError):
    """An agent's state was not in time as it was waited for. It tells what the agent was at then."""

    agent_id: str
    seconds: float
    doing: str
    """down, idle, queued, serving, waiting or ending."""
    queued: int
    """Messages that waited for it."""
    incarnation: int

    def __str__(self) -> str:
        return (
            f"agent {shown(self.agent_id)} was not as wanted within {self.seconds:g} s: it is {self.doing} in "
            f"incarnation {self.incarnation}, {self.queued} messages wait for it. {_HINTS.get(self.doing, '')}"
        )


_HINTS = {
    "resting": "It has nothing to do: was the signal sent that leads there, and does a route match it?",
    "idle": "It has nothing to do: was the signal sent that leads there, and does a route match it?",
    "queued": "It is busy: wait longer, or spread its work over several agents.",
    "serving": "It is busy: wait longer, or spread its work over several agents.",
    "waiting": "A directive of it takes time: look at its interpreter, or give its action a timeout.",
    "down": "It has no life: it pauses before its restart, or is parked; jido.tree() tells, jido.resume_agent resumes.",
    "ending": "It is stopping itself.",
}


@define(slots=False, eq=False)
class NoWorkerFree(JidoError):
    """All workers of a pool were lent, and none came back in time."""

    pool: str
    workers: int
    """How many it may have."""
    seconds: float
    """How long was waited."""

    def __str__(self) -> str:
        return (
            f"all {self.workers} workers of pool {shown(self.pool)} are lent, and none came back within "
            f"{self.seconds:g} s; wait longer, or raise size or max_overflow"
        )


@define(slots=False, eq=False)
class AgentFileRefused(JidoError):
    """The file of an agent can't be used. Nothing was changed."""

    path: str
    what: str
    """What is wrong with it."""

    def __str__(self) -> str:
        return f"the agent in {shown(self.path)} can't be imported: {said(self.what)}. Nothing was changed"


@define(slots=False, eq=False)
class AgentKept(JidoError):
    """A storage has an agent of that id already. Nothing was changed."""

    agent_id: str

    def __str__(self) -> str:
        return (
            f"the storage has an agent {shown(self.agent_id)} already, which was left as it is; import the file under "
            "another id"
        )


@define(slots=False, eq=False)
class AgentLives(JidoError):
    """An agent can't be forgotten, as somebody has it. Nothing was changed."""

    agent_id: str
    who: str
    """Who has it."""

    def __str__(self) -> str:
        return f"agent {shown(self.agent_id)} wasn't forgotten: {said(self.who)} has it. Stop it first"


@define(slots=False, eq=False)
class ThreadConflict(JidoError):
    """What a store has of a thread isn't what was expected. Nothing was written."""

    thread_id: str
    what: str
    """What it has."""

    def __str__(self) -> str:
        return f"thread {shown(self.thread_id)} was not saved: {said(self.what)}. Load it again, then append to it"


@define(slots=False, eq=False)
class ThawFailed(JidoError):
    """A keyed agent could not be brought back. The cause says why; nothing was started, and nothing changed."""

    group: str
    key: str
    error: str
    """The cause, rendered in one line."""

    def __str__(self) -> str:
        return (
            f"the agent of key {shown(self.key)} of {shown(self.group)} could not be brought back, and nothing was "
            f"started in its place: {said(self.error)}"
        )


@define(slots=False, eq=False)
class NoRoomForKey(JidoError):
    """As many keyed agents as may be in memory are there, and none came to rest in time."""

    group: str
    key: str
    limit: int
    attached: int
    """How many of them were attached; the others had something to do."""
    seconds: float
    """How long was waited."""

    def __str__(self) -> str:
        return (
            f"there is no room for key {shown(self.key)} of {shown(self.group)}: {self.limit} agents are in memory, "
            f"{self.attached} of them attached, and none came to rest within {self.seconds:g} s; wait longer, attach "
            "fewer at once, or raise limit"
        )


@define(slots=False, eq=False)
class KeyedClosed(JidoError):
    """A group of keyed agents is used after its block was left."""

    group: str

    def __str__(self) -> str:
        return f"the keyed agents {shown(self.group)} are closed; use them inside of the block that opens them"


@define(slots=False, eq=False)
class PoolClosed(JidoError):
    """A pool is used after its block was left."""

    pool: str

    def __str__(self) -> str:
        return f"pool {shown(self.pool)} is closed; use it inside of the block that opens it"


@define(slots=False, eq=False)
class UnknownDirective(JidoError):
    """No interpreter is registered for the class of a directive."""

    agent_id: str
    directive: str
    """The directive, as text."""

    def __str__(self) -> str:
        return (
            f"agent {shown(self.agent_id)} returned a directive nobody interprets: {said(self.directive)}. "
            "Register one: @interpret.register for its class."
        )


@define(slots=False, eq=False)
class HandledTooLong(JidoError):
    """The directives of one signal took longer than the agent's `max_handle_time`: it crashes."""

    agent_id: str
    signal_type: str
    seconds: float
    """The limit."""

    def __str__(self) -> str:
        return (
            f"agent {shown(self.agent_id)} was at the directives of signal {shown(self.signal_type)} for longer than "
            f"{self.seconds:g} s, its max_handle_time. What takes long is an async action's work"
        )


class StorageError(JidoError):
    """A storage didn't do what it was asked for. Nothing was changed, unless the class says otherwise."""


@define(slots=False, eq=False)
class Conflict(StorageError):
    """A record hasn't the revision that was expected: another has changed it meanwhile. Nothing was changed."""

    key: str
    expected: int
    """0 for no record."""
    found: int

    def __str__(self) -> str:
        return (
            f"the record {shown(self.key)} has revision {self.found}, not {self.expected}: another has changed it. "
            "Read it again, and decide anew"
        )


@define(slots=False, eq=False)
class StorageClosed(StorageError):
    """The storage isn't open any more."""

    storage: str

    def __str__(self) -> str:
        return f"the storage {shown(self.storage)} is closed; use it inside of the block that opens it"


@define(slots=False, eq=False)
class StorageCorrupt(StorageError):
    """The storage is damaged, or no storage of jido_trio. It was left as it is."""

    storage: str
    what: str
    """What is wrong with it."""

    def __str__(self) -> str:
        return (
            f"the storage {shown(self.storage)} can't be used: {said(self.what)}. Nothing was changed; keep the file, "
            "and give a copy of an earlier day, or another path"
        )


@define(slots=False, eq=False)
class StorageFailed(StorageError):
    """The disk, the file system or the server said no. Nothing was changed."""

    storage: str
    what: str
    remedy: str = ""
    """What to do about it, where that is known."""

    def __str__(self) -> str:
        remedy = f". {said(self.remedy)}" if self.remedy else ""
        return f"the storage {shown(self.storage)} failed: {said(self.what)}. Nothing was changed{remedy}"


@define(slots=False, eq=False)
class StorageLocked(StorageError):
    """Another process didn't let go of the storage in time. Nothing was changed."""

    storage: str
    option: str = "busy_timeout"
    """What says how long is waited for it."""

    def __str__(self) -> str:
        return (
            f"the storage {shown(self.storage)} is locked by another process; close that, or give more "
            f"{said(self.option)}"
        )


@define(slots=False, eq=False)
class StorageNewer(StorageError):
    """A later version of jido_trio made the storage. It was left as it is."""

    storage: str
    version: int
    """Of its format."""
    known: int
    """The latest that this version of jido_trio knows."""

    def __str__(self) -> str:
        return (
            f"the storage {shown(self.storage)} has format {self.version}, and this jido_trio knows {self.known} at "
            "most; install a later version"
        )


@define(slots=False, eq=False)
class StorageUnknown(StorageError):
    """The connection broke, or the disk failed, at a commit: it was done whole or not at all, nobody can tell which."""

    storage: str
    what: str

    def __str__(self) -> str:
        return (
            f"the storage {shown(self.storage)} broke off during a commit, which may have been done: "
            f"{said(self.what)}. Read what is there before you do it again"
        )


@define(slots=False, eq=False)
class NotDecrypted(StorageError):
    """A record of an encrypted storage can't be decrypted: the key is another, or the record was changed."""

    key: str
    """Of the record."""
    what: str

    def __str__(self) -> str:
        return (
            f"the record {shown(self.key)} can't be decrypted: {said(self.what)}. It was left as it is; give the key "
            "that it was encrypted with"
        )


@define(slots=False, eq=False)
class RecordRefused(StorageError):
    """A record of a durable agent can't be read, or isn't for this code. It was left as it is."""

    key: str
    what: str
    """What is wrong with it."""
    missing: str = ""
    """The class that isn't there, as "module:Class", if that is what is wrong: perhaps its module isn't imported."""

    def __str__(self) -> str:
        return (
            f"the record {shown(self.key)} can't be used: {said(self.what)}. Nothing was changed, and the agent was "
            "not started; give it the code that wrote the record, or repair it"
        )


@define(slots=False, eq=False)
class Unstorable(JidoError):
    """Part of a durable agent, of a signal or of a directive can't be kept. Nothing was changed."""

    agent_id: str
    what: str
    """Which part, and why."""

    def __str__(self) -> str:
        return (
            f"durable agent {shown(self.agent_id)} can't be kept: {said(self.what)}. States, signals and directives of "
            "durable agents hold plain data and attrs values; give live objects as resources"
        )


@define(slots=False, eq=False)
class ReplayDiverged(JidoError):
    """A replay came to another state than the journal says: the code isn't what it was, or isn't pure."""

    agent_id: str
    number: int
    """Of the input."""
    what: str

    def __str__(self) -> str:
        return (
            f"the replay of agent {shown(self.agent_id)} differs from its journal at input {self.number}: "
            f"{said(self.what)}. Its class has changed since, or its actions aren't pure; what_if shows how it goes on"
        )


@define(slots=False, eq=False)
class MigrationFailed(JidoError):
    """The state of an agent can't become one of another class, or of another version. The agent is as it was."""

    agent_id: str
    vsn: str | None
    """The version that it is of."""
    wanted: str
    """The class that it was to be of."""
    wanted_vsn: str | None
    why: str

    def __str__(self) -> str:
        version = f" version {shown(self.wanted_vsn)}" if self.wanted_vsn is not None else ""
        return (
            f"agent {shown(self.agent_id)}, of version {shown(self.vsn)}, can't become one of {said(self.wanted)}"
            f"{version}: {said(self.why)}. It is as it was"
        )


@define(slots=False, eq=False)
class UpgradeFailed(JidoError):
    """Some agents couldn't become ones of another class; these go on as they were."""

    wanted: str
    """The class that they were to be of."""
    failed: Mapping[str, str]
    """By id, why not."""
    upgraded: tuple[str, ...]
    """The ids of those that are of the new class. None is, where it was seen beforehand that some can't be."""

    def __str__(self) -> str:
        (agent_id, why), count = next(iter(self.failed.items())), len(self.failed)
        more = f", and {count - 1} more" if count > 1 else ""
        done = f"{len(self.upgraded)} agents are of it now" if self.upgraded else "nothing was changed"
        return (
            f"{count} agents can't become ones of {said(self.wanted)}: {shown(agent_id)}, as {said(why)}{more}. They "
            f"go on as they were; {done}"
        )


class SupervisionError(JidoError):
    """A supervision tree could not be kept up."""


@define(slots=False, eq=False)
class StartFailed(SupervisionError):
    """A child failed while starting; those started before it were stopped again. The cause is its own error."""

    supervisor: str
    child: str
    error: str
    """The cause, rendered in one line."""

    def __str__(self) -> str:
        who = f"child {shown(self.child)} of supervisor {shown(self.supervisor)}"
        return f"{who} failed while starting: {said(self.error)}"


@define(slots=False, eq=False)
class RestartIntensityExceeded(SupervisionError):
    """A supervisor's children restarted more often than it tolerates. The cause is the last crash."""

    supervisor: str
    child: str
    restarts: int
    max_restarts: int
    max_seconds: float
    exit: ExitKind = "crash"
    """How the last life ended."""

    def __str__(self) -> str:
        return (
            f"supervisor {shown(self.supervisor)} gave up: {self.restarts} restarts within {self.max_seconds:g} s "
            f"(at most {self.max_restarts}), the last for child {shown(self.child)}, {_LAST_STRAWS[self.exit]}"
        )


_LAST_STRAWS: Mapping[ExitKind, str] = {
    "crash": "whose crash is the cause. Give that child a backoff, or raise max_restarts or max_seconds.",
    "killed": "which was killed. Give that child a backoff, or raise max_restarts or max_seconds.",
    "shutdown": 'which ended on purpose. Declare it restart="transient" if it may, or raise max_restarts.',
    "normal": 'which returned. Declare it restart="transient" if it may, or have it run until it is stopped.',
}


@define(slots=False, eq=False)
class ChildRefused(SupervisionError):
    """A call on a child that its state doesn't allow."""

    supervisor: str
    child: str
    call: str
    reason: Refusal
    """OTP's word for it: already_present, already_started, running, restarting, not_found, max_children,
    simple_one_for_one; and, beside OTP's, itself."""

    def __str__(self) -> str:
        why = _REFUSALS.get(self.reason, self.reason)
        return f"{self.call}({shown(self.child)}) refused by supervisor {shown(self.supervisor)}: {why}"


_REFUSALS: Mapping[str, str] = {
    "already_present": "a stopped child has that id (already_present); restart_child or delete_child it",
    "already_started": "a child with that id runs (already_started)",
    "running": "the child runs (running); terminate_child it first",
    "restarting": "the child is being restarted (restarting); terminate_child it first",
    "not_found": "it has no such child (not_found)",
    "max_children": "it has as many children as it may (max_children)",
    "itself": "it was called from within the child, and would wait for itself (itself); terminate_child_soon, or stop",
    "simple_one_for_one": "children made from a template have no spec of their own (simple_one_for_one)",
}


@define(slots=False, eq=False)
class SupervisorStopped(SupervisionError):
    """The supervisor is not running, or stopped before it could answer."""

    supervisor: str
    entered: bool = True
    """False of an instance that is used before its block."""

    def __str__(self) -> str:
        if not self.entered:
            how = "use it inside of `async with Jido(...) as jido:`"
            return f"instance {shown(self.supervisor)} is not running yet: {how}"
        return f"supervisor {shown(self.supervisor)} is not running"


@define(slots=False, eq=False)
class TaskError(SupervisionError):
    """A supervised task gave no value."""

    supervisor: str
    task: str

    def __str__(self) -> str:
        return f"{self._who} gave no value"

    @property
    def _who(self) -> str:
        return f"task {shown(self.task)} of supervisor {shown(self.supervisor)}"


@define(slots=False, eq=False)
class TaskCrashed(TaskError):
    """The task's function raised. The cause is what it raised."""

    error: str
    """The cause, rendered in one line."""

    def __str__(self) -> str:
        return f"{self._who} crashed: {said(self.error)}"


@define(slots=False, eq=False)
class TaskStopped(TaskError):
    """The task was stopped before it had a value."""

    reason: str
    """By what: it was cancelled, its supervisor stopped, or what its function gave as reason of `Shutdown`."""

    def __str__(self) -> str:
        return f"{self._who} was stopped before it had a value ({said(self.reason)})"


@define(slots=False, eq=False)
class TaskTimedOut(TaskError):
    """The task had no value in time."""

    seconds: float
    """The timeout."""
    stopped: bool = attrs.field(kw_only=True)
    """Whether the task was cancelled because of it."""

    def __str__(self) -> str:
        then = "it was cancelled" if self.stopped else "it goes on: wait again, or cancel it"
        return f"{self._who} had no value within {self.seconds:g} s; {then}"

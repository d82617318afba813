"""Directives: what an agent wants done, as values that can be compared, stored, replayed and shown.

`cmd` returns them, the runtime carries them out, one after the other. Your own directive is any frozen attrs class:
return a value of it from `run`, and register an interpreter for the class. What `run` returns as an effect is a state
operation if it is of one of those classes; every other frozen attrs value is a directive.
"""

from collections.abc import Mapping
from typing import Any, Protocol, get_args

from attrs import Attribute, Factory, field, frozen

from jido_trio import checks
from jido_trio.core._action import KEPT, Action, Effect, Result
from jido_trio.core._cron import Missed, Times, times_of
from jido_trio.core._fields import (
    frozen_mapping,
    is_agent,
    is_child,
    is_one_of,
    is_runnable,
    is_seconds,
    is_text,
    is_text_or_none,
    is_told_an_outcome,
    is_within_a_year,
    unfit,
)
from jido_trio.core._instruction import Instruction, following
from jido_trio.core._sensor import checked_sensor
from jido_trio.core._signal import Signal, new_signal
from jido_trio.data import Misfit, fingerprint, freeze
from jido_trio.errors import ActionError, InvalidDefinition
from jido_trio.redact import shown
from jido_trio.terms import AfterCrash, OnParentDeath, Restart, ShutdownLimit, WhenFull


@frozen
class Directive(Effect):
    """What the runtime knows to carry out; yours may be one of these, or any other frozen attrs class."""


# Signals ---------------------------------------------------------------------------------------------------------


@frozen
class ToAgent:
    """A dispatch target: the agent with that id."""

    id: str = field(validator=is_text)


@frozen
class ToParent:
    """A dispatch target: the parent of the agent; an agent without one emits nothing."""


_WHEN_FULL = get_args(WhenFull)


@frozen(init=False)
class Emit(Directive):
    """Send a signal. `Emit("cart.large", {"total": 5})` makes the signal, too."""

    signal: Signal
    dispatch: Any = None
    """Where to: a target, or several; None is the agent's `default_dispatch`, and without one the agent itself."""
    when_full: WhenFull = "dead_letter"
    """What becomes of it at a mailbox without room: the agent waits there before it does anything else, or the signal
    is a dead letter, or it is dropped."""

    def __init__(
        self,
        signal: Signal | str,
        data: object = None,
        *,
        source: str | None = None,
        dispatch: object = None,
        when_full: WhenFull = "dead_letter",
    ) -> None:
        full: object = when_full
        if not isinstance(full, str) or full not in _WHEN_FULL:
            raise unfit(self, "when_full", f"one of {', '.join(_WHEN_FULL)}", when_full)
        if dispatch.__class__ not in _TARGETS:
            dispatch = _checked_dispatch(self, dispatch)
        _put_signal(self, _signal(signal, data, source))
        _put_dispatch(self, dispatch)
        _put_when_full(self, when_full)


_TARGETS = frozenset({type(None), ToAgent, ToParent})
_put_signal, _put_dispatch = Emit.signal.__set__, Emit.dispatch.__set__  # type: ignore[attr-defined]  # its slots
_put_when_full = Emit.when_full.__set__  # type: ignore[union-attr]


def _checked_dispatch(emit: Emit, dispatch: object) -> object:
    return checked_dispatch(type(emit).__name__, "dispatch", dispatch)


def checked_dispatch(owner: str, name: str, dispatch: object) -> object:
    """Return where signals are to go, if it says so.

    Raises:
        InvalidDefinition: It doesn't.
    """
    if not _is_dispatch(dispatch):
        expected = "must be ToAgent(id), ToParent(), a list of these, or None"
        raise checks.refused(owner, name, dispatch, expected)
    return freeze(dispatch)


def _dispatch(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    checked_dispatch(type(directive).__name__, attribute.name, value)


def _is_dispatch(dispatch: object) -> bool:
    if isinstance(dispatch, (list, tuple)):
        return all(_is_dispatch(one) for one in dispatch)
    return dispatch is None or isinstance(dispatch, (ToAgent, ToParent))


def _signal(signal: Signal | str, data: object, source: str | None) -> Signal:
    if isinstance(signal, str):
        return new_signal(signal, data) if source is None else new_signal(signal, data, source)
    if not isinstance(signal, Signal):
        raise checks.refused("Emit", "signal", signal, "must be a Signal or its type")
    if data is not None or source is not None:
        raise InvalidDefinition("Emit: a Signal has its data and source already; give its type to go with them")
    return signal


def emit_to(agent_id: str, signal: Signal | str, data: object = None) -> Emit:
    """Return the directive that sends a signal to the agent with that id."""
    return Emit(signal, data, dispatch=ToAgent(agent_id))


def emit_to_parent(signal: Signal | str, data: object = None) -> Emit:
    """Return the directive that sends a signal to the agent's parent, and does nothing where there is none."""
    return Emit(signal, data, dispatch=ToParent())


def _message(message: object) -> Signal:
    return message if isinstance(message, Signal) else Signal("jido.scheduled", {"message": message})


def _missed(directive: object, attribute: "Attribute[Any]", value: object) -> None:
    checks.one_of(type(directive).__name__, attribute.name, value, get_args(Missed))


@frozen
class Schedule(Directive):
    """Send `message` to the agent itself after `delay` seconds."""

    delay: float = field(validator=is_seconds)
    message: Signal = field(converter=_message)
    """A signal; anything else becomes the `message` in the data of a `jido.scheduled`."""
    key: str | None = field(default=None, validator=is_text_or_none)
    """The agent's schedule with this key is replaced, if it hasn't been handled; without one it can't be cancelled."""
    missed: Missed = field(default="one", validator=_missed, kw_only=True)
    """Whether a durable agent that didn't run at that time hears of it at its start; "skip" if not."""


@frozen
class CancelSchedule(Directive):
    """Cancel the schedule with that key, due or not, if it hasn't been handled; a key that nobody has is ignored."""

    key: str = field(validator=is_text)


def _key(cron: "Cron") -> str:
    """Return the same key for what says the same."""
    message = cron.message
    said: tuple[object, object] = cron.cron, cron.timezone
    if not all(isinstance(each, str) for each in said):
        return "none"  # it is about to be refused
    what = fingerprint(cron.cron, cron.timezone, message.source, message.data, message.subject)
    return f"{message.type} {cron.cron} {cron.timezone} {what.hex()[:8]}"


@frozen
class Cron(Directive):
    """Send the agent itself a new signal at all the times of a cron expression, by the clock of a time zone.

    Each is like `message`, with an id and a time of its own: they follow from the agent, the key and when it was due.
    """

    cron: str = field(validator=is_text)
    """Five fields: minute, hour, day, month, weekday; six begin with the second; or one of @yearly, @monthly, @weekly,
    @daily, @hourly."""
    message: Signal = field(converter=_message)
    """What each is like; anything else than a signal becomes the `message` in the data of a `jido.scheduled`."""
    timezone: str = field(default="UTC", validator=is_text, kw_only=True)
    """The zone by whose clock it comes, as "Europe/Berlin"."""
    missed: Missed = field(default="skip", validator=_missed, kw_only=True)
    """What becomes of times that came while the agent didn't run, or was busy: none of them is made up ("skip"), the
    last ("one"), or each ("all")."""
    jitter: float = field(default=0, validator=is_within_a_year, kw_only=True)
    """Each comes up to so many seconds later, by chance: so that not all agents begin at once."""
    key: str = field(default=Factory(_key, takes_self=True), validator=is_text, kw_only=True)
    """The agent's job with this key is replaced. Without one it is made of what the job says, so that the same job
    isn't there twice."""

    def __attrs_post_init__(self) -> None:
        times_of(self.cron, self.timezone)

    @property
    def times(self) -> Times:
        """Its times."""
        return times_of(self.cron, self.timezone)


@frozen
class CronCancel(Directive):
    """End the job with that key, and take back what waits of it; a key that nobody has is ignored."""

    key: str = field(validator=is_text)


# Failures and ends -----------------------------------------------------------------------------------------------


def _as_a_value(error: ActionError) -> ActionError:
    """Take off what is different in every run, and would keep the frames of the run alive."""
    if not isinstance(error, ActionError):
        raise InvalidDefinition(
            f"Error: expected an ActionError, got {shown(error)}; say what failed: Error(ActionError(str(error)))",
            field="error",
            value=error,
        )
    error.__traceback__ = error.__cause__ = error.__context__ = None
    if error.details:
        error.details = {key: _kept_or_told(value) for key, value in error.details.items()}
    return error


def _kept_or_told(value: object) -> object:
    """Return a detail frozen, or as text: that it can't be kept is no reason to fail worse than the action did."""
    try:
        return freeze(value)
    except Misfit:
        return shown(value)


@frozen
class Error(Directive):
    """Tell of a failure; the agent's error policy says what follows."""

    error: ActionError = field(converter=_as_a_value)
    context: str | None = field(default=None, validator=is_text_or_none)
    """Where it came about: normalize (no action was given), instruction (an action said no), or a word of yours."""


@frozen
class Stop(Directive):
    """Stop this agent, for good: directives still to come are dropped."""

    reason: Any = field(default="normal", converter=KEPT)  # type: ignore[misc]  # a Converter


# Children and sensors --------------------------------------------------------------------------------------------


class Spawnable(Protocol):
    """An agent class, or an agent: what a child can be made of."""

    def new(self, id: Any = None, state: Any = None) -> Any:
        """Return a new agent."""
        ...


@frozen
class Spawn(Directive):
    """Start a supervised child that is no agent: an async function. It is stopped when the agent has ended for good."""

    child: Any = field(validator=is_child)
    """A `Child` of `jido_trio.supervision`, whose id is a name here; or an async function, restarted if it crashes."""
    tag: str | None = field(default=None, validator=is_text_or_none)
    """What a `StopChild` calls it. A tag that is in use, by a child agent for example, is an error."""


@frozen
class SpawnAgent(Directive):
    """Start an agent as a child: its parent hears `jido.agent.child.started`, at its end `jido.agent.child.exit`."""

    agent: Spawnable = field(validator=is_agent)
    """The class, or an agent as it shall start."""
    tag: str = field(validator=is_text)
    """What the parent calls it; a tag that is in use is an error."""
    id: str | None = field(default=None, validator=is_text_or_none)
    state: Any = field(default=None, converter=KEPT)  # type: ignore[misc]  # a Converter
    """Where the state differs from the defaults."""
    on_parent_death: OnParentDeath = field(default="stop", validator=is_one_of(OnParentDeath))
    restart: Restart = field(default="transient", validator=is_one_of(Restart))
    meta: Mapping[str, Any] = frozen_mapping()
    shutdown: ShutdownLimit = field(default=5, kw_only=True)
    """Seconds to finish what it is at when it is stopped; "brutal" for none, None for no limit."""
    mailbox_size: int | None = field(default=None, kw_only=True)
    """How many messages may wait; None for as many as the instance says."""
    mailbox: object = field(default=None, kw_only=True)
    """What follows when the mailbox is full, and at a restart: `MailboxRules` of `jido_trio.runtime`."""
    backoff: object = field(default=None, kw_only=True)
    """Pauses before its restarts, a `Backoff` of `jido_trio.supervision`; None restarts at once."""
    budget: object = field(default="default", kw_only=True)
    """Restarts that it may have by itself, a `Budget` of `jido_trio.supervision`; "default" is what all agents have
    (it is parked after 100 in 5 seconds), None sets no limit but the instance's."""
    after_crash: AfterCrash | None = field(default=None, kw_only=True)
    """What its next life begins with after a crash: "fresh", "committed", or None for what its class says."""
    max_handle_time: float | None = field(default=None, kw_only=True)
    """Seconds that the directives of one signal may take; None for what its class says."""
    default_dispatch: Any = field(default=None, validator=_dispatch, kw_only=True, converter=KEPT)  # type: ignore[misc]
    """Where its signals go that name no target; None for what its class says."""


@frozen
class AdoptChild(Directive):
    """Become the parent of an orphan."""

    child: str = field(validator=is_text)
    """The orphan's id."""
    tag: str = field(validator=is_text)
    meta: Mapping[str, Any] = frozen_mapping()


@frozen
class StopChild(Directive):
    """Stop a child and forget it; a tag nobody has is ignored."""

    tag: str = field(validator=is_text)
    reason: Any = field(default="normal", converter=KEPT)  # type: ignore[misc]  # a Converter


@frozen
class StartSensor(Directive):
    """Start a sensor that belongs to this agent: over all its lives, until it is stopped or the agent has ended.

    When a sensor ends for good without having been stopped, the agent hears a `jido.agent.sensor.exit`.
    """

    tag: str = field(validator=is_text)
    """What the agent calls it."""
    sensor: Any
    """A `Sensor`; its class; or an async generator function, whose arguments are the config."""
    config: Mapping[str, Any] = frozen_mapping()
    """Of a class or a function; a `Sensor` has its own."""
    meta: Mapping[str, Any] = frozen_mapping()
    """Comes back with the news of its end."""
    replace: bool = True
    """Whether a sensor with this tag is stopped first; otherwise a tag in use is an error."""
    link: bool = False
    """Whether the agent crashes, too, when the sensor has crashed for good."""
    restart: Restart = field(default="transient", validator=is_one_of(Restart), kw_only=True)
    """"transient" is begun anew after a crash, "permanent" also when it has returned, "temporary" never."""
    backoff: object = field(default="default", kw_only=True)
    """Pauses before it is begun anew, a `Backoff` of `jido_trio.supervision`; "default" is one of 0.1 to 30 seconds.
    None begins at once, and gives up at more than 3 crashes in 5 seconds."""

    def __attrs_post_init__(self) -> None:
        checks.flag("StartSensor", "replace", self.replace)
        checks.flag("StartSensor", "link", self.link)
        checked_sensor("StartSensor", self.sensor, self.config)


@frozen
class StopSensor(Directive):
    """Stop a sensor; a tag nobody has is ignored."""

    tag: str = field(validator=is_text)
    reason: Any = field(default="normal", converter=KEPT)  # type: ignore[misc]  # a Converter


# Actions with effects --------------------------------------------------------------------------------------------


@frozen
class Outcome:
    """What came of an instruction that ran outside of `cmd`: its result, or the error it declared."""

    instruction: Instruction
    result: Any = None
    error: ActionError | None = None
    meta: Mapping[str, Any] = frozen_mapping()
    incarnation: int = 0
    """Which life of the agent asked for it, and is told of it."""


class ApplyOutcome(Action, description="Returns what an instruction that ran outside of cmd returned"):
    """What `cmd` is given for an outcome that no other action asked for."""

    outcome: Outcome

    def run(self, _context: object) -> Result:
        """Return the result as if the instruction had run just now; raise the error it raised."""
        if self.outcome.error is not None:
            raise self.outcome.error
        return self.outcome.result  # type: ignore[no-any-return]  # a Result; checked as every result is


@frozen
class CancelRun(Directive):
    """Cancel async actions of the agent, those that run and those that wait in a lane; each fails as cancelled.

    What nobody has any more is ignored. Actions that are cancelled may have acted.
    """

    id: str | None = field(default=None, validator=is_text_or_none)
    """Of the instruction."""
    tag: str | None = field(default=None, validator=is_text_or_none, kw_only=True)
    """Of the `RunInstruction`; all that have it."""
    reason: str = field(default="it was asked to", validator=is_text, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if (self.id is None) == (self.tag is None):
            raise InvalidDefinition("CancelRun: give the id of an instruction, or the tag of several")


@frozen
class RunInstruction(Directive):
    """Run an instruction outside of `cmd`, then give `cmd` what `finished` or `failed` returns."""

    instruction: Instruction = field(validator=is_runnable)
    result_action: type[Action] | None = field(default=None, validator=is_told_an_outcome)
    """Its only required field is `outcome: Outcome`, and it is run with that; None applies the outcome as a result of
    the instruction."""
    meta: Mapping[str, Any] = frozen_mapping()
    lane: str | None = field(default=None, validator=is_text_or_none, kw_only=True)
    """The actions of one lane of an agent run one at a time, in order; a bug in one ends its lane, not the agent. None
    runs it beside all others."""

    tag: str | None = field(default=None, validator=is_text_or_none, kw_only=True)
    """What a `CancelRun` may call it, alone or with others."""

    def finished(self, result: object, incarnation: int = 0) -> Instruction:
        """Return the instruction that tells the agent, in that life of it, of the result."""
        return self._tell(Outcome(self.instruction, result, meta=self.meta, incarnation=incarnation))

    def failed(self, error: ActionError, incarnation: int = 0) -> Instruction:
        """Return the instruction that tells the agent, in that life of it, of a declared failure."""
        return self._tell(Outcome(self.instruction, None, _as_a_value(error), self.meta, incarnation))

    def _tell(self, outcome: Outcome) -> Instruction:
        return following(self.instruction, self.result_action or ApplyOutcome, {"outcome": outcome})

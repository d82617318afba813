"""Agents: values that decide. `cmd(agent, action)` returns the agent after the action, and what is to be done.

Nothing here runs: no task, no clock, no effect. The same agent, action and signal give the same answer, in every
process; ids and times made meanwhile are derived from these three.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar, Generic, Self, TypeAlias, get_args, get_origin
from typing import TypeVar as PlainTypeVar

from attrs import AttrsInstance, frozen
from typing_extensions import TypeVar

from jido_trio import checks
from jido_trio.core._action import Action
from jido_trio.core._compiled import Run, for_action, for_signal
from jido_trio.core._context import NOTHING
from jido_trio.core._declared import checked_schedules, checked_sensors, checked_strategy, router_of
from jido_trio.core._described import Described
from jido_trio.core._directives import Cron, Error, StartSensor, checked_dispatch
from jido_trio.core._durable import Durable, check_types, checked_durable
from jido_trio.core._error_policy import ErrorPolicy, checked_policy
from jido_trio.core._inside import Inside
from jido_trio.core._instruction import Command, Instruction, normalize
from jido_trio.core._learned import Learned
from jido_trio.core._mounted import Mounted, mounted, over_defaults, replaced
from jido_trio.core._plugged import Plugged, slice_of
from jido_trio.core._plugin import Plugin
from jido_trio.core._router import Route, Router, Unrouted
from jido_trio.core._sent import CARRIER, unwrapping
from jido_trio.core._signal import Signal
from jido_trio.core._strategy import Direct, Strategy
from jido_trio.data import Misfit, Schema, schema_of
from jido_trio.errors import ActionError, InvalidDefinition, InvalidInstruction
from jido_trio.redact import shown, shown_error
from jido_trio.terms import AfterCrash
from jido_trio.world import Later, current, enter, leave


@frozen
class NoState:
    """The state of an agent that has none."""


State = TypeVar("State", default=NoState)
Slice = PlainTypeVar("Slice")
Brought = PlainTypeVar("Brought")
Plugins: TypeAlias = Iterable[Plugin[Any] | tuple[str, Plugin[Any]]]

Target: TypeAlias = type[Action] | Action | Instruction | tuple[type[Action], Mapping[str, Any]]
"""What a signal is routed to: an action, whose parameters are the signal's data; with parameters that are fixed."""

Routes: TypeAlias = Mapping[str, Target | list[Target]] | Sequence[Route | tuple[str, Target]]
"""Patterns of signal types and where they lead; `Route`s where a priority or a condition is needed."""


@frozen(slots=False)
class Agent(Described, Generic[State]):
    """An agent: an id and a state. Subclass it: `class Counter(Agent[CounterState], routes={...})`.

    Keywords that a subclass doesn't give it has from its base, but for the name.

    Args:
        name: What tools, logs and errors call it; the class name in snake_case if not given.
        description: For people and language models; the first line of the class's docstring if not given.
        category: A word to group agents by.
        tags: Words to find agents by.
        vsn: The agent's version, free-form.
        routes: Which signals lead to which actions.
        error_policy: What follows from an `Error` directive.
        after_crash: What its next life begins with, "fresh" or "committed", unless its start says otherwise.
        max_handle_time: Seconds that the directives of one signal may take; longer is a crash. None sets no limit. Its
            start may say otherwise, too.
        default_dispatch: Where signals go that it emits without a target: `ToAgent(id)`, `ToParent()`, a list of these;
            None is the agent itself. Its start may say otherwise.
        strategy: How it goes through several instructions.
        durable: Whether its agents outlive their process, in the storage of their instance; `Durable` says how.
        schedules: Jobs that each of its agents has from its start on.
        plugins: What it has in common with others: `Plugin`s, or pairs of a name and a `Plugin`.
        default_plugins: The same, before those, and for all subclasses; one of `plugins` with the same name takes the
            place of a default. A subclass gives others, or by name what takes their place, and None for nothing.
        sensors: What watches the world for each of its agents, by tag: `Sensor`s, or `StartSensor`s.

    Raises:
        InvalidDefinition: When the class is made.
    """

    id: str
    state: State
    strategy_state: Any = None
    """What the strategy remembers from one `cmd` to the next."""

    name: ClassVar[str] = "agent"
    error_policy: ClassVar[ErrorPolicy] = "log"
    after_crash: ClassVar[AfterCrash] = "fresh"
    max_handle_time: ClassVar[float | None] = None
    default_dispatch: ClassVar[Any] = None
    strategy: ClassVar[Strategy] = Direct()
    durable: ClassVar[Durable | None] = None
    """How its agents are kept; None if they aren't."""
    schedules: ClassVar[tuple[Cron, ...]] = ()
    """Jobs that each of its agents has from its start on."""
    sensors: ClassVar[tuple[StartSensor, ...]] = ()
    """Sensors that it has likewise."""
    router: ClassVar[Router] = Router()
    record: ClassVar[Schema[Any]]
    """How states are made and changed."""
    _state_type: ClassVar[Any] = None
    """The class of its state; of a generic one with its arguments: `Box[int]`."""
    _routes: ClassVar[tuple[Route, ...]] = ()
    """Its own, without its strategy's."""
    _hooked: ClassVar[bool] = False
    _open_state: ClassVar[Any] = None
    """What its state is, where that has type variables which a subclass is to fill: `Agent[Box[T]]`."""
    _plugged: ClassVar[Plugged | None] = None
    """Its strategy, if it has plugins."""
    _defaults: ClassVar[tuple[Mounted, ...]] = ()
    _own_plugins: ClassVar[tuple[Mounted, ...]] = ()
    _own_schedules: ClassVar[tuple[Cron, ...]] = ()
    _own_sensors: ClassVar[tuple[StartSensor, ...]] = ()
    """Without those of its plugins."""
    _by_action: ClassVar[Learned[type, Run]]
    _by_type: ClassVar[Learned[str, Any]]

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        description: str | None = None,
        category: str | None = None,
        tags: Iterable[str] | None = None,
        vsn: str | None = None,
        routes: Routes | None = None,
        error_policy: ErrorPolicy | None = None,
        strategy: Strategy | None = None,
        after_crash: AfterCrash | None = None,
        max_handle_time: float | None = None,
        default_dispatch: object = None,
        durable: bool | Durable | None = None,
        schedules: Iterable[Cron] | None = None,
        sensors: Mapping[str, Any] | Iterable[StartSensor] | None = None,
        plugins: Iterable[Plugin[Any] | tuple[str, Plugin[Any]]] | None = None,
        default_plugins: Iterable[Plugin[Any] | tuple[str, Plugin[Any]]]
        | Mapping[str, Plugin[Any] | None]
        | None = None,
    ) -> None:
        super().__init_subclass__()
        cls._describe("agent", name, description=description, category=category, tags=tags, vsn=vsn)
        if error_policy is not None:
            cls.error_policy = checked_policy(f"agent {cls.name!r}", error_policy)
        if after_crash is not None:
            checks.one_of(f"agent {cls.name!r}", "after_crash", after_crash, get_args(AfterCrash))
            cls.after_crash = after_crash
        if max_handle_time is not None:
            checks.seconds(f"agent {cls.name!r}", "max_handle_time", max_handle_time, above_zero=True)
            cls.max_handle_time = max_handle_time
        if default_dispatch is not None:
            cls.default_dispatch = checked_dispatch(f"agent {cls.name!r}", "default_dispatch", default_dispatch)
        if strategy is not None:
            cls.strategy = checked_strategy(f"agent {cls.name!r}", strategy)
        plugged = plugins is not None or default_plugins is not None
        if strategy is not None or plugged:
            cls._plug(plugins, default_plugins)
        if durable is not None:
            cls.durable = checked_durable(f"agent {cls.name!r}", durable)
        if routes is not None:
            cls._routes = Router(routes).routes
        if routes is not None or strategy is not None or plugged:
            cls.router = router_of(f"agent {cls.name!r}", cls.strategy, cls._routes)
        cls._declare(schedules, sensors, plugged=plugged)
        state = _state_class(cls)
        if state is not None:
            cls.record, cls._state_type = schema_of(state), state
        if cls.durable is not None:
            check_types(f"agent {cls.name!r}", cls.record.cls)
        cls._hooked = _checked_hooks(cls)  # once, not per cmd
        cls._by_action = Learned(cls._for_action)
        cls._by_type = Learned(cls._for_signal)

    @classmethod
    def _plug(cls, plugins: Any, defaults: Any) -> None:
        owner = f"agent {cls.name!r}"
        if defaults is not None:
            cls._defaults = mounted(owner, replaced(owner, cls._defaults, defaults))
        if plugins is not None:
            cls._own_plugins = mounted(owner, plugins, among=cls._defaults)
        if cls._plugged is not None or plugins is not None or defaults is not None:
            own: Any = cls.strategy
            cls.strategy = cls._plugged = Plugged(
                own.own if isinstance(own, Plugged) else own,
                mounted(owner, over_defaults(cls._defaults, cls._own_plugins)),
            )

    @classmethod
    def _declare(cls, schedules: Iterable[Cron] | None, sensors: Any, *, plugged: bool) -> None:
        owner, router = f"agent {cls.name!r}", cls.router if cls.receive is Agent.receive else None
        if schedules is not None:
            cls._own_schedules = checked_schedules(owner, schedules, router)
        if schedules is not None or plugged:
            jobs = (*cls._own_schedules, *_brought_by(cls, Mounted.jobs))
            cls.schedules = checked_schedules(owner, jobs, router)
        if sensors is not None:
            cls._own_sensors = checked_sensors(owner, sensors)
        if sensors is not None or plugged:
            cls.sensors = checked_sensors(owner, (*cls._own_sensors, *_brought_by(cls, Mounted.sensors)))

    @classmethod
    def new(cls, id: object = None, state: State | Mapping[str, Any] | None = None) -> Self:
        """Return a new agent.

        Args:
            id: A text, or what is made into one, as a number or a UUID; a fresh id if None.
            state: A state, or what is different from the defaults.

        Raises:
            InvalidDefinition: The state doesn't fit the agent's, or the id is empty.
        """
        if not hasattr(cls, "record"):
            raise InvalidDefinition(f"{cls.__qualname__} has no state class yet: make agents of a subclass")
        if type(id) is not str and _is_state(cls, id):
            raise InvalidDefinition(
                f"{shown(id, 80)} is the state of agent {cls.name!r}, not its id: "
                f"write {cls.__qualname__}.new(state={shown(id, 80)})"
            )
        initial = cls._checked(lambda: cls.record.fit({} if state is None else state))
        agent = cls(current().ids() if id is None else _id(cls, id), initial)
        return cls.strategy.init(agent)[0]

    def set(self, changes: Mapping[str, Any]) -> Self:
        """Return the agent with `changes` merged deeply into its state.

        Raises:
            InvalidDefinition: They don't fit the state.
        """
        return self.with_state(self._checked(lambda: self.record.merge(self.state, changes)))

    def validate(self) -> Self:
        """Return the agent with its state checked, and frozen where it wasn't; a typed state has no unknown keys.

        Raises:
            InvalidDefinition: A field doesn't fit.
        """
        return self.with_state(self._checked(lambda: self.record.fit(self.state)))

    def with_state(self, state: State) -> Self:
        """Return the agent with another state, which is not checked: `set` and `cmd` do that."""
        return type(self)(self.id, state, self.strategy_state)

    def receive(self, signal: Signal) -> tuple[Self, tuple[AttrsInstance, ...]] | Unrouted:
        """Return the agent after `signal`, and what is to be done; `Unrouted` if no route matches.

        It is `cmd` with what the routes make of the signal, or with the action that the signal carries, and as pure.
        """
        try:
            handle: Any = self._by_type[signal.type]
        except AttributeError:
            given: object = signal
            if isinstance(given, Signal):
                raise
            raise _no_signal("receive", given) from None
        return handle(self, signal, signal)  # type: ignore[no-any-return]  # or Unrouted

    def cmd(
        self, action: Command, *, signal: Signal | None = None, context: Mapping[str, Any] | None = None
    ) -> tuple[Self, tuple[AttrsInstance, ...]]:
        """Return the agent after `action`, and what is to be done; this agent stays as it is.

        What an action declares as a failure is an `Error` among the directives; any other exception is a bug and
        leaves `cmd`.

        Args:
            action: An action, its class, (class, params), (class, params, context), (class, params, context, opts),
                an `Instruction`, or a list of these. What is none of them is an `Error` with context "normalize".
            signal: What caused it.
            context: For the actions, beside the state; what it says wins over an instruction's own context.

        Raises:
            InvalidDefinition: The context is no mapping.
        """
        if context is None:
            return self._by_action[type(action)](self, action, signal)
        if not isinstance(context, Mapping):
            raise checks.refused(f"cmd of agent {shown(self.id)}", "context", context, "must be a mapping of names")
        return self._generally(action, signal, context)

    def plugin(self, plugin: type[Plugin[Slice]], name: str | None = None) -> Slice:
        """Return the slice of a plugin: of the one under its own name, or under `name`.

        Raises:
            InvalidDefinition: The agent hasn't it.
        """
        return slice_of(self, plugin, name)  # type: ignore[no-any-return]  # what the plugin says

    def with_plugin(self, plugin: type[Plugin[Any]], changes: Mapping[str, Any], name: str | None = None) -> Self:
        """Return the agent with `changes` merged deeply into the slice of a plugin.

        Raises:
            ActionError: The agent hasn't it, or they don't fit.
        """
        if self._plugged is None:
            raise ActionError(f"agent {shown(self.id)} has no plugins")
        return self._plugged.changed(self, plugin.change(changes, name))  # type: ignore[no-any-return]

    def on_before_cmd(self, action: Command) -> tuple[Self, Command]:
        """Return the agent and the action that `cmd` shall go on with; override it."""
        return self, action

    def on_after_cmd(
        self,
        action: Command,
        directives: tuple[AttrsInstance, ...],
    ) -> tuple[Self, tuple[AttrsInstance, ...]]:
        """Return the agent and the directives that `cmd` shall return; override it."""
        return self, directives

    @classmethod
    def instructions_for(cls, signal: Signal) -> tuple[Instruction, ...]:
        """Return what the routes make of `signal`: nothing when none matches.

        Its data are the parameters; those fixed in the route win. Data that is no mapping is a parameter `data`.

        Raises:
            TypeError: It is no signal.
        """
        given: object = signal
        if not isinstance(given, Signal):
            raise _no_signal("instructions_for", given)
        return tuple(_with_data(target, signal.data) for target in cls.router.route(signal))

    # The general way, and what is compiled

    def _generally(
        self, action: Command, signal: Signal | None, context: Mapping[str, Any] = NOTHING
    ) -> tuple[Self, tuple[AttrsInstance, ...]]:
        return self._within((Inside, self, action, signal), action, signal, context)

    def _receive_generally(self, signal: Signal, _: object) -> tuple[Self, tuple[AttrsInstance, ...]] | Unrouted:
        if self._plugged is not None and self._plugged.hears:
            try:
                signal = self._plugged.heard(self, signal)
            except ActionError as error:
                return self, (Error(error, context="instruction"),)
        instructions = self.instructions_for(signal)
        if not instructions:
            return Unrouted(signal.type, self.router.patterns)
        if type(self).cmd is not Agent.cmd:
            return self.cmd(instructions, signal=signal)
        return self._within((Inside, self, None, signal), instructions, signal, NOTHING)

    def _within(
        self, world: Later, action: Command, signal: Signal | None, context: Mapping[str, Any]
    ) -> tuple[Self, tuple[AttrsInstance, ...]]:
        token = enter(world)
        try:
            if self._hooked:
                return self._between_hooks(action, signal, context)
            return self._run(action, signal, context)
        finally:
            leave(token)

    def _between_hooks(
        self, action: Command, signal: Signal | None, context: Mapping[str, Any]
    ) -> tuple[Self, tuple[AttrsInstance, ...]]:
        agent, action = _pair(self, "on_before_cmd", self.on_before_cmd(action))
        agent, directives = agent._run(action, signal, context)  # noqa: SLF001 - it is this very class
        agent, directives = _pair(agent, "on_after_cmd", agent.on_after_cmd(action, directives))
        return agent, tuple(directives)

    def _run(
        self, action: Command, signal: Signal | None, context: Mapping[str, Any]
    ) -> tuple[Self, tuple[AttrsInstance, ...]]:
        try:
            instructions = normalize(action, context or NOTHING)
        except InvalidInstruction as error:
            return self, (Error(error, context="normalize"),)
        return self.strategy.run(self, instructions, signal)

    @classmethod
    def _for_action(cls, action: type) -> Run:
        return for_action(cls, Agent, action) or cls._generally

    @classmethod
    def _for_signal(cls, signal_type: str) -> Any:
        receive: Any = for_signal(cls, Agent, signal_type) or cls._receive_generally
        return unwrapping(receive) if signal_type.startswith(CARRIER) else receive

    @classmethod
    def _checked(cls, make: Callable[[], State]) -> State:
        try:
            return make()
        except Misfit as misfit:
            raise InvalidDefinition(f"state of agent {cls.name!r} doesn't fit: {misfit}", field="state") from None


class _Missing:
    """What an agent was not given."""

    def __repr__(self) -> str:
        return "<required>"


_MISSING: Any = _Missing()


@wraps(Agent.__init__)
def _fill(agent: Any, id: Any = _MISSING, state: Any = _MISSING, strategy_state: Any = None, **unknown: Any) -> None:
    if state is _MISSING or id is _MISSING or unknown:
        raise _use_new(type(agent), id, state, unknown)
    attributes = agent.__dict__
    attributes["id"], attributes["state"], attributes["strategy_state"] = id, state, strategy_state


Agent.__init__ = _fill  # type: ignore[assignment, method-assign]  # as attrs' own, but that it says what to write


def _use_new(cls: type[Agent[Any]], id: object, state: object, unknown: Mapping[str, object]) -> TypeError:
    """Return the error for an agent that somebody wants to make as a value of any other class is made."""
    if not hasattr(cls, "record"):
        return TypeError(f"{cls.__qualname__} has no state class yet: make agents of a subclass, by `new`")
    if id is not _MISSING and _is_state(cls, id):
        id, state = _MISSING, id
    if state is _MISSING and unknown:
        state = unknown
    wanted = [shown(id, 80)] if id is not _MISSING else []
    if state is not _MISSING:
        wanted.append(shown(state, 80) if wanted else f"state={shown(state, 80)}")
    how = f"{cls.__qualname__}.new({', '.join(wanted)})"
    return TypeError(f"an agent is made by `new`, which checks its state: write {how}")


def _id(cls: type[Agent[Any]], given: object) -> str:
    """Return an id as text.

    An empty one, of a setting that wasn't set, is refused: a fresh one in its place would be an agent that knows
    nothing, another at each start.
    """
    if isinstance(given, bytes | bytearray | memoryview):
        raise checks.refused(f"agent {cls.name!r}", "id", given, "must be a text: decode it, id.decode()")
    try:
        text = str.__str__(given if isinstance(given, str) else str(given))
    except Exception as error:
        why = f"can't be made into a text: {shown_error(error)}"
        raise checks.refused(f"agent {cls.name!r}", "id", given, why) from error
    if not text:
        raise checks.refused(f"agent {cls.name!r}", "id", given, "is empty: give a text, or None for a fresh id")
    return text


def _is_state(cls: type[Agent[Any]], value: object) -> bool:
    return isinstance(value, (Mapping, cls.record.cls))


def _state_class(cls: type[Agent[Any]]) -> Any:
    """Return the class in `Agent[...]`; None if the base has one already, or it is left open for subclasses."""
    for base in cls.__dict__.get("__orig_bases__", ()):
        origin = get_origin(base)
        if isinstance(origin, type) and issubclass(origin, Agent):
            state = _given(origin, get_args(base))
            cls._open_state = state if _is_open(state) else None
            return None if _is_open(state) else state
    return None if hasattr(cls, "record") else NoState


def _given(origin: type[Agent[Any]], args: tuple[Any, ...]) -> Any:
    """Return the state that `origin[args]` has, of an agent class that leaves it open; None of one that has its own."""
    if origin is Agent:
        return args[0]
    state, given = origin._open_state, dict(zip(_parameters(origin), args, strict=False))  # noqa: SLF001 - of this module
    return (
        state[tuple(given.get(each, each) for each in _parameters(state))] if _parameters(state) else given.get(state)
    )


def _is_open(state: Any) -> bool:
    return isinstance(state, PlainTypeVar) or (bool(_parameters(state)) and get_origin(state) is not None)


def _parameters(generic: Any) -> tuple[Any, ...]:
    return getattr(generic, "__parameters__", ())


def _checked_hooks(cls: type[Agent[Any]]) -> bool:
    """Return whether the class has hooks; they are called at once."""
    own = [name for name in ("on_before_cmd", "on_after_cmd") if getattr(cls, name) is not getattr(Agent, name)]
    for name in own:
        if checks.does_nothing(getattr(cls, name)):
            raise InvalidDefinition(f"{cls.__qualname__}.{name} must be a plain `def`, as it is a part of cmd")
    return bool(own)


def _pair(agent: Agent[Any], hook: str, answer: Any) -> Any:
    if not isinstance(answer, tuple) or len(answer) != _PAIR or not isinstance(answer[0], Agent):
        what = "action" if hook == "on_before_cmd" else "directives"
        raise TypeError(f"{hook} of agent {agent.name!r} returned {shown(answer)}, and no pair: `return self, {what}`")
    return answer


_PAIR = 2


def _brought_by(cls: type[Agent[Any]], what: Callable[[Mounted], Iterable[Brought]]) -> Iterable[Brought]:
    mounted = cls._plugged.mounted if cls._plugged is not None else ()
    return (one for each in mounted for one in what(each))


def _with_data(target: Instruction, data: object) -> Instruction:
    if isinstance(target.action, Action) or data is None:
        return target
    params = data if isinstance(data, Mapping) else {"data": data}
    return target.with_params({**params, **target.params} if target.params else params)


def _no_signal(taker: str, given: object) -> TypeError:
    how = f"Signal({shown(given)})" if isinstance(given, str) else "Signal('type', data)"
    return TypeError(f"{taker} takes a Signal, not {shown(given)}: write {how}")

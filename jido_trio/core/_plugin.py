"""Plugins: what many agents shall have, in one piece: a slice of state, routes, jobs, sensors, children, hooks.

An agent class with plugins has a strategy around its own, `Plugged`. Their slices stand in its `strategy_state`, beside
what its own strategy remembers: so they are kept, journalled and folded as that is, and no change of the agent's state
can lose them. A class without plugins has nothing of this, and pays nothing for it.

Hooks are part of `cmd`, and as pure. They fail closed: what a hook raises, declared or not, refuses what it was asked
about, is an `Error` of the agent, and changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, get_args, get_origin

import attrs
from attrs import AttrsInstance, evolve, field, frozen
from typing_extensions import TypeVar as DefaultTypeVar
from typing_extensions import dataclass_transform

from jido_trio import checks
from jido_trio.core._action import KEPT, Action, Effect
from jido_trio.core._context import shadowed
from jido_trio.core._described import Described, checked_name
from jido_trio.core._directives import ApplyOutcome, Cron, Directive, Emit, Error, Spawn, SpawnAgent, StartSensor
from jido_trio.core._instruction import Instruction, normalize
from jido_trio.core._router import Route, Router
from jido_trio.core._signal import Signal
from jido_trio.core._snapshot import Snapshot, snapshot_by
from jido_trio.core._strategy import Strategy
from jido_trio.data import FrozenDict, Misfit, Schema, schema_of
from jido_trio.errors import ActionError, InvalidDefinition, InvalidResult, PluginRefused
from jido_trio.redact import said, shown, shown_error


@frozen
class NoSlice:
    """The slice of a plugin that has none."""


S = DefaultTypeVar("S", default=NoSlice)
T = TypeVar("T")
Directives: TypeAlias = tuple[AttrsInstance, ...]

OF_PLUGINS = -10
"""The priority of a plugin's routes, unless it says otherwise: they come after an agent's own."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(attrs.field,))
class Plugin(Described, Generic[S]):
    """Something that many agents have. Subclass it: `class Slack(Plugin[SlackState])`, with its config as fields.

    A subclass is a frozen attrs class, whose values are checked against the annotations when they are made. Override
    what it shall bring; the rest brings nothing.

    Args:
        name: Its prefix for routes, jobs and sensors; the class name in snake_case if not given.
        description: For people; the first line of the class's docstring if not given.
        category: A word to group plugins by.
        tags: Words to find plugins by.
        vsn: The plugin's version, free-form.
        singleton: Whether an agent may have it only once, under its own name.
        requires: Plugin classes that the agent must have before it.

    Raises:
        InvalidDefinition: When the class is made, or a value whose config doesn't fit.
    """

    name: ClassVar[str] = "plugin"
    singleton: ClassVar[bool] = False
    requires: ClassVar[tuple[type["Plugin[Any]"], ...]] = ()
    slice: ClassVar[Schema[Any]] = schema_of(NoSlice)
    """How slices are made and changed."""
    _record: ClassVar[Schema[Any]]

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        description: str | None = None,
        category: str | None = None,
        tags: Iterable[str] | None = None,
        vsn: str | None = None,
        singleton: bool | None = None,
        requires: Iterable[type["Plugin[Any]"]] | None = None,
    ) -> None:
        super().__init_subclass__()
        cls._describe("plugin", name, description=description, category=category, tags=tags, vsn=vsn)
        cls.singleton = cls.singleton if singleton is None else bool(singleton)
        if requires is not None:
            cls.requires = tuple(requires)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Plugin) and isinstance(get_args(base)[0], type):
                cls.slice = schema_of(get_args(base)[0])
        attrs.frozen(cls, slots=False, init=False, kw_only=True)
        cls._record = schema_of(cls)

    def __init__(self, /, **config: object) -> None:
        if type(self) is Plugin:
            raise TypeError("Plugin itself brings nothing: subclass it")
        try:
            self._record.fill(self, config)
        except Misfit as misfit:
            raise InvalidDefinition(f"config of plugin {self.name!r} doesn't fit: {misfit}", field="config") from None

    @classmethod
    def change(cls, changes: Mapping[str, Any], name: str | None = None) -> "PluginChange":
        """Return the effect that merges changes deeply into the slice; of the one called `name`, if given."""
        return PluginChange(name or cls.name, changes)

    def mount(self, agent: Any) -> Mapping[str, Any] | None:
        """Return where the slice of a new agent differs from its defaults. Plugins before it are mounted already."""
        return None

    def routes(self) -> Mapping[str, Any] | Sequence[Route]:
        """Return routes. Patterns are below the plugin's name: `post` of `slack` is `slack.post`."""
        return {}

    def schedules(self) -> Sequence[Cron]:
        """Return jobs that each agent has; their signals are below the plugin's name."""
        return ()

    def sensors(self) -> Mapping[str, Any]:
        """Return sensors that each agent has, by tag; the tags are below the plugin's name."""
        return {}

    def children(self) -> Sequence[SpawnAgent | Spawn]:
        """Return children that each agent has; their tags are below the plugin's name."""
        return ()

    def on_signal(self, signal: Signal, agent: Any) -> Signal:
        """Return the signal that shall be routed, or raise an `ActionError` to refuse it."""
        return signal

    def on_action(self, action: Action, agent: Any, signal: Signal | None) -> Mapping[str, Any] | None:
        """Return what the action's context shall have, too, or raise an `ActionError` to refuse it."""
        return None

    def on_result(self, action: Action, before: Any, after: Any) -> Any:
        """Return the agent after an action, as it shall be, or raise an `ActionError` to undo it."""
        return after

    def on_emit(self, emit: Emit, agent: Any) -> Emit:
        """Return what shall be sent, or raise an `ActionError` to refuse it."""
        return emit


@frozen
class PluginChange(Effect):
    """Merge changes into the slice of a plugin; `Slack.change({...})` makes one."""

    plugin: str
    """Its name, or the one that the agent has it by."""
    changes: Mapping[str, Any] = field(converter=KEPT)  # type: ignore[misc]  # a Converter


@frozen
class StartChildren(Directive):
    """Start the children of plugins that the agent hasn't already."""

    children: tuple[SpawnAgent | Spawn, ...]


@frozen
class PluggedState:
    """The `strategy_state` of an agent with plugins."""

    own: Any
    """What its own strategy remembers."""
    slices: Mapping[str, Any]
    """Of each plugin, by the name that the agent has it by."""


_SLICES: ContextVar[Mapping[str, Any]] = ContextVar("slices")
"""The slices while the agent's own strategy is at work, and has its own `strategy_state`."""


def slices_of(agent: Any) -> Mapping[str, Any]:
    """Return the slices of an agent, by the names of its plugins."""
    kept = agent.strategy_state
    if isinstance(kept, PluggedState):
        return kept.slices
    return _SLICES.get({}) if isinstance(type(agent).strategy, Plugged) else {}


def slice_of(agent: Any, plugin: type[Plugin[Any]], name: str | None) -> Any:
    """Return the slice of a plugin of an agent.

    Raises:
        InvalidDefinition: The agent hasn't that plugin.
    """
    slices, wanted = slices_of(agent), name or plugin.name
    if wanted not in slices:
        known = ", ".join(slices) or "none"
        hint = checks.did_you_mean(wanted, slices)
        raise InvalidDefinition(f"agent {shown(agent.id)} has no plugin {shown(wanted)} (known: {known}){hint}")
    return slices[wanted]


@frozen
class Mounted:
    """A plugin, under the name that an agent has it by."""

    name: str
    plugin: Plugin[Any]

    def below(self, text: str) -> str:
        """Return a name below the plugin's, which isn't doubled."""
        return text if text == self.name or text.startswith(f"{self.name}.") else f"{self.name}.{text}"

    def routes(self) -> tuple[Route, ...]:
        """Return its routes; the context of each says which of several plugins of one class it is of."""
        given = self.plugin.routes()
        routes = Router(given).routes
        if isinstance(given, Mapping):
            routes = tuple(evolve(route, priority=OF_PLUGINS) for route in routes)
        return tuple(
            evolve(route, pattern=self.below(route.pattern), target=self._told(route.target)) for route in routes
        )

    def _told(self, target: Any) -> Instruction:
        (given,) = normalize([target])
        return evolve(given, context={**given.context, "plugin": self.name})


def mounted(agent: str, plugins: Iterable[Any]) -> tuple[Mounted, ...]:
    """Return plugins as an agent class declares them: each a `Plugin`, or (name, plugin).

    Raises:
        InvalidDefinition: One is no plugin, stands under a name twice, is a singleton and isn't single, or requires
            another that isn't there.
    """
    found: dict[str, Mounted] = {}
    for given in plugins:
        name, plugin = given if isinstance(given, tuple) and len(given) == 2 else (None, given)
        if not isinstance(plugin, Plugin):
            raise InvalidDefinition(
                f"{agent}: {shown(plugin)} is no plugin: give one, or (name, plugin)", field="plugins"
            )
        name = plugin.name if name is None else checked_name("plugin", type(plugin), name)
        of_class = [each for each in found.values() if type(each.plugin) is type(plugin)]
        if plugin.singleton and (of_class or name != plugin.name):
            raise InvalidDefinition(f"{agent}: plugin {plugin.name!r} is a singleton: have it once, under its own name")
        if name in found:
            raise InvalidDefinition(f"{agent}: two plugins are called {shown(name)}: give one of them another name")
        there = [type(each.plugin) for each in found.values()]
        missing = [one.name for one in plugin.requires if not any(issubclass(each, one) for each in there)]
        if missing:
            raise InvalidDefinition(f"{agent}: plugin {name!r} requires {', '.join(missing)}: name them before it")
        found[name] = Mounted(name, plugin)
    return tuple(found.values())


@frozen
class Plugged:
    """The strategy of an agent with plugins, around the agent's own."""

    own: Any
    mounted: tuple[Mounted, ...]
    inputs: tuple[Any, ...] = field(init=False)
    routes: tuple[Route, ...] = field(init=False, repr=False, eq=False)
    _hooks: Mapping[str, tuple[Mounted, ...]] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        put: Any = object.__setattr__
        put(self, "inputs", getattr(self.own, "inputs", ()))
        put(self, "routes", tuple(route for each in self.mounted for route in each.routes()))
        names = ("on_signal", "on_action", "on_result", "on_emit")
        put(self, "_hooks", {name: tuple(each for each in self.mounted if _has(each, name)) for name in names})

    @property
    def hears(self) -> bool:
        """Whether a plugin wants to see signals before they are routed."""
        return bool(self._hooks["on_signal"])

    def init(self, agent: Any) -> tuple[Any, Directives]:
        """Return the agent with its plugins mounted, if they aren't, as its own strategy begins it."""
        kept = agent.strategy_state
        if not isinstance(kept, PluggedState):
            agent = evolve(agent, strategy_state=PluggedState(kept, FrozenDict()))
        for each in self.mounted:
            if each.name not in agent.strategy_state.slices:
                agent = self._mount(agent, each)
        agent, directives = self._inside(agent, self.own.init)
        children = tuple(_named(each, child) for each in self.mounted for child in each.plugin.children())
        return agent, (*((StartChildren(children),) if children else ()), *directives)

    def run(self, agent: Any, instructions: Sequence[Instruction], signal: Signal | None) -> tuple[Any, Directives]:
        """Return the agent after all instructions, and their directives in order, as the hooks let them pass."""
        directives: list[AttrsInstance] = []
        for instruction in instructions:
            try:
                agent, wanted = self._run_one(agent, instruction, signal)
            except ActionError as error:
                wanted = [Error(error, context="instruction")]
            directives += wanted
        return agent, tuple(directives)

    def from_another(self, before: Any, kept: object) -> PluggedState:
        """Return what is remembered of an agent of another strategy: slices, and its own part if that is the same."""
        own, slices = (kept.own, kept.slices) if isinstance(kept, PluggedState) else (kept, FrozenDict[str, Any]())
        same = (before.own if isinstance(before, Plugged) else before) == self.own
        names = {each.name for each in self.mounted}
        fitting = {name: slices[name] for name in slices if name in names}
        return PluggedState(own if same else None, FrozenDict(fitting))

    def snapshot(self, agent: Any) -> Snapshot:
        """Return what its own strategy says."""
        return snapshot_by(self.own, evolve(agent, strategy_state=agent.strategy_state.own))

    def heard(self, agent: Any, signal: Signal) -> Signal:
        """Return the signal that shall be routed.

        Raises:
            ActionError: A hook refuses it.
        """
        for each in self._hooks["on_signal"]:
            signal = _asked(each, "on_signal", Signal, each.plugin.on_signal, signal, agent)
        return signal

    # ---- one instruction

    def _run_one(self, agent: Any, instruction: Instruction, signal: Signal | None) -> tuple[Any, list[AttrsInstance]]:
        before, action = agent, None
        if not instruction.action_class.is_input and instruction.action_class is not ApplyOutcome:
            action = instruction.bind()
            instruction = self._allowed(agent, instruction, action, signal)
        agent, directives = self._inside(agent, lambda inner: self.own.run(inner, (instruction,), signal))
        wanted: list[AttrsInstance] = []
        for directive in directives:
            if isinstance(directive, PluginChange):
                agent = self.changed(agent, directive)
            else:
                wanted.append(directive)
        if action is not None and agent is not before:
            for each in self._hooks["on_result"]:
                agent = _asked(each, "on_result", type(agent), each.plugin.on_result, action, before, agent)
        return agent, [self._passed(agent, directive) for directive in wanted]

    def _allowed(self, agent: Any, instruction: Instruction, action: Action, signal: Signal | None) -> Instruction:
        added: dict[str, Any] = {}
        for each in self._hooks["on_action"]:
            more = _asked(each, "on_action", (Mapping, type(None)), each.plugin.on_action, action, agent, signal) or {}
            taken = shadowed(more) or next((f"context key {key!r} is there" for key in more if key in added), None)
            if taken is not None:
                raise PluginRefused(each.name, "on_action", taken)
            added.update(more)
        return evolve(instruction, context={**instruction.context, **added}) if added else instruction

    def _passed(self, agent: Any, directive: AttrsInstance) -> AttrsInstance:
        if not isinstance(directive, Emit):
            return directive
        try:
            for each in self._hooks["on_emit"]:
                directive = _asked(each, "on_emit", Emit, each.plugin.on_emit, directive, agent)
        except ActionError as error:
            return Error(error, context="emit")
        return directive

    # ---- slices

    def changed(self, agent: Any, change: PluginChange) -> Any:
        """Return the agent with changes in the slice of a plugin.

        Raises:
            ActionError: It hasn't that plugin, or they don't fit.
        """
        kept = agent.strategy_state
        if not isinstance(kept, PluggedState):
            raise ActionError("an action changes a slice by what it returns: return Plugin.change({...})")
        plugin = next((each.plugin for each in self.mounted if each.name == change.plugin), None)
        if plugin is None:
            raise ActionError(f"agent {shown(agent.id)} has no plugin {shown(change.plugin)}")
        try:
            new = plugin.slice.merge(kept.slices[change.plugin], change.changes)
        except Misfit as misfit:
            raise InvalidResult(f"plugin {change.plugin}", [str(misfit)]) from None
        return evolve(agent, strategy_state=evolve(kept, slices=FrozenDict({**kept.slices, change.plugin: new})))

    def _mount(self, agent: Any, each: Mounted) -> Any:
        kept = agent.strategy_state
        try:
            made = each.plugin.slice.fit(each.plugin.mount(agent) or {})
        except Exception as error:
            why = said(error) if isinstance(error, Misfit) else shown_error(error)
            raise InvalidDefinition(f"plugin {each.name!r} can't be mounted: {why}", field="plugins") from error
        return evolve(agent, strategy_state=evolve(kept, slices=FrozenDict({**kept.slices, each.name: made})))

    def _inside(self, agent: Any, work: Callable[[Any], tuple[Any, Directives]]) -> tuple[Any, Directives]:
        """Have the agent's own strategy do its work, on an agent that has its `strategy_state`."""
        kept = agent.strategy_state
        token = _SLICES.set(kept.slices)
        try:
            inner, directives = work(evolve(agent, strategy_state=kept.own))
        finally:
            _SLICES.reset(token)
        if inner.state is agent.state and inner.strategy_state is kept.own:
            return agent, directives
        return evolve(inner, strategy_state=evolve(kept, own=inner.strategy_state)), directives


def plugged_by(owner: str, own: Strategy, plugins: Iterable[Any]) -> Plugged:
    """Return the strategy of an agent with these plugins, around its own."""
    return Plugged(own.own if isinstance(own, Plugged) else own, mounted(owner, plugins))


def jobs_of_plugins(strategy: Any) -> tuple[Cron, ...]:
    """Return the jobs that the plugins of a strategy bring."""
    plugins = strategy.mounted if isinstance(strategy, Plugged) else ()
    return tuple(
        evolve(cron, message=evolve(cron.message, type=each.below(cron.message.type)), key=each.below(cron.key))
        for each in plugins
        for cron in each.plugin.schedules()
    )


def sensors_of_plugins(strategy: Any) -> tuple[StartSensor, ...]:
    """Return the sensors that the plugins of a strategy bring."""
    plugins = strategy.mounted if isinstance(strategy, Plugged) else ()
    return tuple(
        StartSensor(each.below(tag), sensor) for each in plugins for tag, sensor in each.plugin.sensors().items()
    )


def _named(each: Mounted, child: SpawnAgent | Spawn) -> SpawnAgent | Spawn:
    return evolve(child, tag=each.below(child.tag or "child"))


def _has(each: Mounted, hook: str) -> bool:
    return getattr(type(each.plugin), hook) is not getattr(Plugin, hook)


def _asked(each: Mounted, hook: str, expected: Any, ask: Callable[..., T], *args: object) -> T:
    """Ask a hook. Whatever it does wrong refuses what it was asked about."""
    try:
        answer = ask(*args)
    except ActionError:
        raise
    except Exception as error:  # a bug of a plugin refuses; it never lets through
        raise PluginRefused(each.name, hook, shown_error(error)) from error
    if not isinstance(answer, expected):
        raise PluginRefused(each.name, hook, f"it gave {shown(answer)}")
    return answer

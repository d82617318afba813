"""An agent with plugins: their slices, and their hooks around what it does.

Its class has a strategy around its own, `Plugged`. The slices stand in its `strategy_state`, beside what its own
strategy remembers: so they are kept, journalled and folded as that is, and no change of the agent's state can lose
them. A class without plugins has nothing of this, and pays nothing for it.

Hooks are part of `cmd`, and as pure. They fail closed: what a hook raises, declared or not, refuses what it was asked
about, is an `Error` of the agent, and changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from attrs import AttrsInstance, evolve, field, frozen

from jido_trio import checks
from jido_trio.core._action import Action
from jido_trio.core._context import shadowed
from jido_trio.core._directives import ApplyOutcome, Directive, Emit, Error, Spawn, SpawnAgent
from jido_trio.core._instruction import Instruction
from jido_trio.core._mounted import Mounted
from jido_trio.core._plugin import Plugin, PluginChange
from jido_trio.core._router import Route
from jido_trio.core._signal import Signal
from jido_trio.core._slices import SEEN, Slices
from jido_trio.core._snapshot import Snapshot, snapshot_by
from jido_trio.data import FrozenDict, Misfit, freeze, under
from jido_trio.errors import ActionError, InvalidDefinition, PluginRefused
from jido_trio.redact import said, shown, shown_error

T = TypeVar("T")
Directives: TypeAlias = tuple[AttrsInstance, ...]


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


@frozen
class KeptSlice:
    """A slice as its plugin wants it written."""

    value: Any


def own_state(kept: object) -> Any:
    """Return what the own strategy of an agent remembers, of all that it does with plugins."""
    return kept.own if isinstance(kept, PluggedState) else kept


def is_kin(before: object, after: object) -> bool:
    """Whether two strategies, plugins aside, are of one kind: then one goes on with what the other remembers."""
    one, other = (each.own if isinstance(each, Plugged) else each for each in (before, after))
    return type(one) is type(other)


def slices_of(agent: Any) -> Mapping[str, Any]:
    """Return the slices of an agent, by the names of its plugins."""
    kept = agent.strategy_state
    if isinstance(kept, PluggedState):
        return kept.slices
    seen = SEEN.get()
    return seen.by_name if seen is not None and isinstance(type(agent).strategy, Plugged) else {}


def slice_of(agent: Any, plugin: type[Plugin[Any]], name: str | None) -> Any:
    """Return the slice of a plugin of an agent.

    Raises:
        InvalidDefinition: The agent hasn't that plugin.
    """
    given: object = plugin
    if not (isinstance(given, type) and issubclass(given, Plugin)):
        raise checks.refused(f"agent {shown(agent.id)}", "plugin", given, "must be a class of plugins")
    slices, wanted = slices_of(agent), name or plugin.name
    if wanted not in slices:
        known = ", ".join(slices) or "none"
        hint = checks.did_you_mean(wanted, slices)
        raise InvalidDefinition(f"agent {shown(agent.id)} has no plugin {shown(wanted)} (known: {known}){hint}")
    return slices[wanted]


@frozen
class Plugged:
    """The strategy of an agent with plugins, around the agent's own."""

    own: Any
    mounted: tuple[Mounted, ...]
    inputs: tuple[Any, ...] = field(init=False)
    routes: tuple[Route, ...] = field(init=False, repr=False, eq=False)
    children: tuple[SpawnAgent | Spawn, ...] = field(init=False, repr=False, eq=False)
    _schemas: Mapping[str, Any] = field(init=False, repr=False, eq=False)
    """How the slice of each plugin is made and changed."""
    _hooks: Mapping[str, tuple[Mounted, ...]] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        put: Any = object.__setattr__
        put(self, "inputs", getattr(self.own, "inputs", ()))
        put(self, "routes", tuple(route for each in self.mounted for route in each.routes()))
        put(self, "children", tuple(child for each in self.mounted for child in each.children()))
        put(self, "_schemas", {each.name: each.plugin.slice for each in self.mounted})
        names = ("on_signal", "on_action", "on_result", "on_emit", "checkpoint")
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
        return agent, (*((StartChildren(self.children),) if self.children else ()), *directives)

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

    def checkpoint(self, kept: PluggedState) -> PluggedState:
        """Return what is written of it, as the plugins say.

        Raises:
            PluginRefused: A plugin can't write its slice, or wouldn't have it again.
        """
        slices = dict(kept.slices)
        for each in self._hooks["checkpoint"]:
            slices[each.name] = _checkpoint(each, slices[each.name])
        return evolve(kept, slices=FrozenDict(slices))

    def restore(self, kept: PluggedState) -> PluggedState:
        """Return what was written by `checkpoint`.

        Raises:
            PluginRefused: A plugin can't make its slice of what it wrote.
        """
        if not any(isinstance(one, KeptSlice) for one in kept.slices.values()):
            return kept
        mounted = {each.name: each for each in self.mounted}
        slices = {
            name: _restored(mounted[name], one) if isinstance(one, KeptSlice) and name in mounted else one
            for name, one in kept.slices.items()
        }
        return evolve(kept, slices=FrozenDict(slices))

    def from_another(self, before: Any, kept: object) -> PluggedState:
        """Return what is remembered of an agent of another strategy: slices, and its own part if it is of its kind."""
        slices = kept.slices if isinstance(kept, PluggedState) else FrozenDict[str, Any]()
        names = {each.name for each in self.mounted}
        fitting = {name: slices[name] for name in slices if name in names}
        own = own_state(kept) if is_kin(before, self) else None
        return PluggedState(own, FrozenDict(fitting))

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
                agent = self._result(each, action, before, agent)
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

    def _result(self, each: Mounted, action: Action, before: Any, after: Any) -> Any:
        given = _asked(each, "on_result", type(after), each.plugin.on_result, action, before, after)
        if given is after or given is before:
            return given
        kept, was = given.strategy_state, after.strategy_state
        wrong = None
        if type(given) is not type(after) or type(given.id) is not str or given.id != after.id:
            wrong = "it gave an agent of another class, or with another id"
        elif not isinstance(kept, PluggedState) or kept.slices.keys() != was.slices.keys():
            wrong = "it gave an agent with no slices, or others: change one by agent.with_plugin"
        elif kept.own is not was.own and kept.own is not before.strategy_state.own:
            wrong = "it changed what the strategy remembers"
        if wrong is not None:
            raise PluginRefused(each.name, "on_result", wrong)
        try:
            state = under("state", type(after).record.replace, after.state, given.state)
            slices = {
                one.name: under(one.name, one.plugin.slice.replace, was.slices[one.name], kept.slices[one.name])
                for one in self.mounted
            }
        except Misfit as misfit:
            raise PluginRefused(each.name, "on_result", said(misfit)) from None
        return evolve(given, state=state, strategy_state=evolve(kept, slices=FrozenDict(slices)))

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
        slices = Slices(kept.slices, self._schemas).after(agent.id, (change,))
        return evolve(agent, strategy_state=evolve(kept, slices=slices.by_name))

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
        token = SEEN.set(Slices(kept.slices, self._schemas))
        try:
            inner, directives = work(evolve(agent, strategy_state=kept.own))
        finally:
            SEEN.reset(token)
        if inner.state is agent.state and inner.strategy_state is kept.own:
            return agent, directives
        return evolve(inner, strategy_state=evolve(kept, own=inner.strategy_state)), directives


def checkpointed(agent: Any) -> object:
    """Return the `strategy_state` of an agent as it is written.

    Raises:
        PluginRefused: A plugin can't write its slice.
    """
    strategy = type(agent).strategy
    plain = not isinstance(strategy, Plugged) or not isinstance(agent.strategy_state, PluggedState)
    return agent.strategy_state if plain else strategy.checkpoint(agent.strategy_state)


def restored(cls: Any, kept: object) -> object:
    """Return the `strategy_state` of an agent of that class, of what was written.

    Raises:
        PluginRefused: A plugin can't make its slice of it.
    """
    return cls.strategy.restore(kept) if isinstance(cls.strategy, Plugged) and isinstance(kept, PluggedState) else kept


def _checkpoint(each: Mounted, slice: Any) -> KeptSlice:
    kept = KeptSlice(_asked(each, "checkpoint", object, lambda: freeze(each.plugin.checkpoint(slice))))
    if _restored(each, kept) != slice:
        raise PluginRefused(each.name, "checkpoint", "restore makes another slice of what it gave")
    return kept


def _restored(each: Mounted, kept: KeptSlice) -> Any:
    return _asked(each, "restore", each.plugin.slice.cls, each.plugin.restore, kept.value)


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

"""AgentUnderTest: an agent class that is to be checked, with all that it can be told to do.

An action, a strategy and a plugin are checked in an agent that has nothing else, a carrier.
"""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

from attrs import field, frozen
from hypothesis import strategies as st

from jido_trio.core import Action, Agent, Plugin
from jido_trio.data import schema_of
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, shown_error
from jido_trio.testing._carrier import agent_of, agent_with, carried, is_carrier
from jido_trio.testing._echoes import echoed, marks
from jido_trio.testing._own_laws import OwnLaw, checked_laws, own_laws
from jido_trio.testing._plugin_walk import renamed
from jido_trio.testing._repertoire import is_mute, repertoire, state_of
from jido_trio.testing._specimens import SPECIMENS
from jido_trio.testing._strategies import Overrides, agents, checked, fresh, steps
from jido_trio.testing._walk import Trial

K = TypeVar("K")
_CARRIERS = agent_of.__module__

_USUAL = 12
"""Steps that most trials have at most, however many some may have."""


@frozen
class AgentUnderTest:
    """An agent class and its actions."""

    cls: type[Agent[Any]]
    actions: tuple[type[Action], ...]
    overrides: Overrides = field(factory=dict)
    """What to generate instead for a class, or for a field of one."""
    laws: tuple[OwnLaw, ...] = ()
    """Laws and models that its author has."""

    may_change_state: bool = False
    """Whether a plugin may change the agent's state in `on_result`."""

    @property
    def is_plugin(self) -> bool:
        """Whether it is a plugin that is tried."""
        return bool(carried(self.cls))

    @property
    def is_singleton(self) -> bool:
        """Whether it is a plugin that an agent may have only once."""
        return any(plugin.singleton for _, plugin in carried(self.cls)[-1:])

    @property
    def name(self) -> str:
        """Where it is: `module:Class`; of what is tried without an agent of its own, where that is."""
        cls: type[Any] = self.cls
        if self.is_plugin:
            cls = type(carried(self.cls)[-1][1])
        elif is_carrier(self.cls):
            cls = self.actions[0] if len(self.actions) == 1 else type(self.cls.strategy)
        return f"{cls.__module__}:{cls.__qualname__}"

    @property
    def modules(self) -> tuple[str, ...]:
        """Those that its classes are in, and `module:name` of the carriers that it is tried in."""
        cls = self.cls
        classes: tuple[Any, ...] = (cls, cls.record.cls, type(cls.strategy), *self.actions, *self.laws)
        classes += tuple(type(plugin) for _, plugin in carried(cls))
        return tuple(
            dict.fromkeys([one.__module__ for one in classes] + [f"{_CARRIERS}:{one}" for one in self._carriers])
        )

    @property
    def _carriers(self) -> Sequence[str]:
        if not is_carrier(self.cls):
            return ()
        more: Sequence[Any] = ()
        if self.is_plugin:
            *others, _ = carried(self.cls)
            with suppress(InvalidDefinition):  # the law tells
                more = (agent_with(*others), *(() if self.is_singleton else renamed(self.cls)))
        return [one.__qualname__ for one in (self.cls, *more)]

    def fresh(self) -> st.SearchStrategy[Agent[Any]] | None:
        """Generate agents as they begin; None if a state has no defaults."""
        return fresh(self.cls)

    def anyhow(self) -> st.SearchStrategy[Agent[Any]]:
        """Generate agents in any state that the types and validators allow."""
        return agents(self.cls, overrides=self.overrides)

    def steps(self) -> st.SearchStrategy[Any]:
        """Generate what it can be told: actions, classes with parameters, and signals that its routes know.

        Laws of one's own ask what a step is by its class, so there all actions are made.
        """
        return steps(self.cls, self.actions, self.overrides, made=bool(self.laws))

    def trials(self, *, reachable: bool, longest: int = _USUAL) -> st.SearchStrategy[Trial] | None:
        """Generate trials of so many steps at most; those that are reachable begin with an agent as it begins."""
        steps = self.steps()
        if not reachable:
            few = st.lists(steps, min_size=1, max_size=2).map(tuple)
            return self._trials(self.anyhow(), few)
        fresh = self.fresh()
        if fresh is None:
            return None
        many = st.lists(steps, min_size=1, max_size=min(longest, _USUAL))
        if longest > _USUAL:
            many |= st.lists(steps, min_size=longest // 2, max_size=longest)
        return self._trials(fresh, many.map(tuple))

    def _trials(self, agents: st.SearchStrategy[Any], steps: st.SearchStrategy[Any]) -> st.SearchStrategy[Trial]:
        return _trials(agents, steps, self)


@st.composite
def _trials(
    draw: st.DrawFn, agents: st.SearchStrategy[Any], steps: st.SearchStrategy[Any], subject: AgentUnderTest
) -> Trial:
    agent, told = draw(agents), draw(steps)
    told = echoed(agent, told, draw(marks(agent, told, subject.overrides)), subject.overrides)
    return Trial(agent, told, laws=subject.laws, may_change_state=subject.may_change_state)


def subject_of(cls: Any, overrides: Overrides | None = None, also: Sequence[OwnLaw] = ()) -> AgentUnderTest:
    """Return an agent class as a subject, with the laws in its module and those given; or an action, or a plugin.

    Raises:
        InvalidDefinition: It is none of these, or there is nothing that it could be told; or an override is of no
            class or field, a law not about it.
    """
    if isinstance(cls, type) and issubclass(cls, Action) and not cls.is_abstract:
        return subject_of_action(cls, None, overrides)
    if isinstance(cls, Plugin) or (isinstance(cls, type) and issubclass(cls, Plugin) and cls is not Plugin):
        return subject_of_plugin(cls, overrides=overrides)
    if not (isinstance(cls, type) and issubclass(cls, Agent) and hasattr(cls, "record")):
        raise InvalidDefinition(
            f"{shown(cls)} is no agent class, so no law is about it: give a subclass of Agent, Action or Plugin",
            field="agent",
            value=cls,
        )
    laws = dict.fromkeys([*own_laws(cls, sys.modules[cls.__module__]), *checked_laws(cls, also)])
    return AgentUnderTest(cls, repertoire(cls, checked(overrides)), checked(overrides), tuple(laws))


def subject_of_action(action: Any, state: type[Any] | None, overrides: Overrides | None) -> AgentUnderTest:
    """Return an action as a subject.

    Raises:
        InvalidDefinition: It is no action that `cmd` runs, or it isn't known what state it is for.
    """
    if not (isinstance(action, type) and issubclass(action, Action)) or action.is_abstract:
        raise InvalidDefinition(
            f"{shown(action)} is no action that can be run: give a subclass of Action with a `run`",
            field="action",
            value=action,
        )
    if action.is_async:
        raise InvalidDefinition(
            f"action {action.name!r} is async: `cmd` only asks for it, and its effects are no matter of these laws. "
            "Test it as an async function of a context",
            field="action",
            value=action,
        )
    found = state or state_of(action)
    if not isinstance(found, type):
        raise InvalidDefinition(
            f"action {action.name!r} doesn't say what state it is for: annotate `context: Context[State]`, "
            "or give state=State",
            field="state",
            value=found,
        )
    return AgentUnderTest(agent_of(found), (action,), checked(overrides))


def subject_of_plugin(
    plugin: Any,
    *,
    beside: Sequence[Plugin[Any]] = (),
    overrides: Overrides | None = None,
    may_change_state: bool = False,
) -> AgentUnderTest:
    """Return a plugin as a subject, in an agent that counts; see `check_plugin`.

    Raises:
        InvalidDefinition: It is none, needs config or others beside it that aren't given, or no agent can have it.
    """
    if isinstance(plugin, type) and issubclass(plugin, Plugin) and plugin is not Plugin:
        plugin = plugin()
    if not isinstance(plugin, Plugin):
        raise InvalidDefinition(
            f"{shown(plugin)} is no plugin: give one, or a subclass of Plugin whose config has defaults",
            field="plugin",
            value=plugin,
        )
    there = [type(one) for one in beside]
    needed = [one() for one in plugin.requires if not any(issubclass(each, one) for each in there)]
    try:
        cls = agent_with(*beside, *needed, plugin)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidDefinition(
            f"plugin {plugin.name!r} can't be handed to the process in which it is tried: {shown_error(error)}. "
            "Put its class at the top of a module, and give it config that can be pickled",
            field="plugin",
            value=plugin,
        ) from error
    cls.new("a")  # it can't be mounted: no agent can begin with it
    return AgentUnderTest(cls, SPECIMENS, checked(overrides), may_change_state=may_change_state)


def subjects(target: str) -> Sequence[AgentUnderTest]:
    """Return what `module:Name`, a module or a package names: an agent, action or plugin, or all that are there.

    Plugins that need config are left out of a module; they are named one by one, as values. So are agents that can't be
    told anything, as a child that others speak with, unless nothing else is there. Of a module with neither agents nor
    plugins its actions are meant. A `__main__` in a package is left out: to import it would be to run it.

    Raises:
        InvalidDefinition: It can't be imported, has no such name, or nothing of these.
    """
    module_name, _, name = target.partition(":")
    if not module_name:
        raise InvalidDefinition(f"{shown(target)} names no module: say module:Agent", field="target", value=target)
    module = _imported(module_name)
    if name:
        found: Any = module
        for part in name.split("."):
            if not hasattr(found, part):
                raise InvalidDefinition(f"module {module_name} has no {shown(name)}", field="target", value=target)
            found = getattr(found, part)
        is_agent = isinstance(found, type) and issubclass(found, Agent)
        return [subject_of(found, also=tuple(own_laws(found, module)) if is_agent else ())]
    names = [module_name]
    if hasattr(module, "__path__"):
        inside = pkgutil.walk_packages(module.__path__, f"{module_name}.", onerror=lambda _: None)
        names += [one.name for one in inside if not one.name.endswith(".__main__")]
    modules = [_imported(one) for one in names]
    found = [cls for one in modules for cls in (*_agents_in(one), *_plugins_in(one))]
    found = found or [cls for one in modules for cls in _actions_in(one)]
    if not found:
        raise InvalidDefinition(f"{module_name} has no agent, plugin or action", field="module", value=target)
    told = [subject_of(cls) for cls in found if not (issubclass(cls, Agent) and is_mute(cls))]
    return told or [subject_of(cls) for cls in found]


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        ends = "it ends the program, " if isinstance(error, SystemExit) else ""
        raise InvalidDefinition(
            f"{shown(name)} can't be imported: {ends}{shown_error(error)}", field="target", value=name
        ) from error


def _defined_in(module: Any, kind: type[K]) -> list[type[K]]:
    classes = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    return [one for one in classes if issubclass(one, kind)]


def _agents_in(module: Any) -> list[type[Agent[Any]]]:
    return [one for one in _defined_in(module, Agent) if hasattr(one, "record")]


def _plugins_in(module: Any) -> list[type[Plugin[Any]]]:
    return [one for one in _defined_in(module, Plugin) if not schema_of(one).required]


def _actions_in(module: Any) -> list[type[Action]]:
    found = [one for one in _defined_in(module, Action) if not one.is_abstract and not one.is_async]
    return [one for one in found if isinstance(state_of(one), type)]

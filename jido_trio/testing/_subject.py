"""AgentUnderTest: an agent class that is to be checked, with all that it can be told to do."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

import attrs
from attrs import field, frozen
from hypothesis import strategies as st

from jido_trio.core import Action, Agent, Context, Instruction, Signal
from jido_trio.data import unstructure
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, shown_error
from jido_trio.testing._strategies import actions, agents, arguments, plain_data
from jido_trio.testing._walk import Trial

_TIME = "2024-05-06T07:08:09Z"
_LONGEST = 12
"""Steps of a trial at most."""


@frozen
class AgentUnderTest:
    """An agent class and its actions."""

    cls: type[Agent[Any]]
    actions: tuple[type[Action], ...]
    overrides: Mapping[Any, st.SearchStrategy[Any]] = field(factory=dict)
    """What to generate instead for a class: the agent's, or that of an action."""

    @property
    def name(self) -> str:
        """Where it is: `module:Class`."""
        return f"{self.cls.__module__}:{self.cls.__qualname__}"

    @property
    def modules(self) -> tuple[str, ...]:
        """Those that its classes are in."""
        return tuple(dict.fromkeys(one.__module__ for one in (self.cls, self.cls.record.cls, *self.actions)))

    def fresh(self) -> st.SearchStrategy[Agent[Any]] | None:
        """Generate agents as they begin; None if a state has no defaults."""
        cls = self.cls
        if cls.record.required:
            return None
        try:
            cls.new("a")
        except Exception:  # noqa: BLE001 - of a default, or of its strategy
            return None
        return _IDS.map(cls.new)

    def anyhow(self) -> st.SearchStrategy[Agent[Any]]:
        """Generate agents in any state that the types and validators allow."""
        return self.overrides.get(self.cls) or agents(self.cls)

    def steps(self) -> st.SearchStrategy[Any]:
        """Generate what it can be told: actions, classes with parameters, and signals that its routes know."""
        commands = [self.overrides.get(action) or actions(action) for action in self.actions]
        loose = [
            st.tuples(st.just(action), arguments(action)) for action in self.actions if action not in self.overrides
        ]
        routes = self.cls.router.routes
        return st.one_of(*commands, *loose, *(_signals(route.pattern, route.target) for route in routes))

    def trials(self, *, reachable: bool) -> st.SearchStrategy[Trial] | None:
        """Generate trials; those that are reachable begin with an agent as it begins."""
        steps = self.steps()
        if not reachable:
            return st.builds(Trial, self.anyhow(), st.lists(steps, min_size=1, max_size=2).map(tuple))
        fresh = self.fresh()
        if fresh is None:
            return None
        return st.builds(Trial, fresh, st.lists(steps, min_size=1, max_size=_LONGEST).map(tuple))


_IDS = st.text("abcxyz", min_size=1, max_size=4)


def _signals(pattern: str, target: Instruction) -> st.SearchStrategy[Signal]:
    signal_type = ".".join("some" if part in ("*", "**") else part for part in pattern.split("."))
    data = arguments(target.action_class).map(unstructure)
    if not attrs.fields(target.action_class):  # type: ignore[arg-type]  # every action is an attrs class
        data = data | plain_data()
    return st.builds(Signal, st.just(signal_type), data, source=st.just("/check"), id=_IDS, time=st.just(_TIME))


def subject_of(cls: Any, overrides: Mapping[Any, st.SearchStrategy[Any]] | None = None) -> AgentUnderTest:
    """Return an agent class as a subject.

    Raises:
        InvalidDefinition: It is no agent class, or there is nothing that it could be told.
    """
    if not (isinstance(cls, type) and issubclass(cls, Agent) and hasattr(cls, "record")):
        raise InvalidDefinition(
            f"{shown(cls)} is no agent class, so no law is about it: give a subclass of Agent", field="agent", value=cls
        )
    found = tuple(dict.fromkeys([*_routed(cls), *_beside(cls)]))
    if not found:
        raise InvalidDefinition(
            f"agent {cls.name!r} can't be told anything: it has no routes, and no action in module "
            f"{cls.__module__} takes Context[{cls.record.cls.__name__}]"
        )
    return AgentUnderTest(cls, found, dict(overrides or {}))


def _routed(cls: type[Agent[Any]]) -> Iterator[type[Action]]:
    for route in cls.router.routes:
        yield route.target.action_class


def _beside(cls: type[Agent[Any]]) -> Iterator[type[Action]]:
    """Return the actions in the agent's module that say they are for its state; all if it is the only agent there.

    Those that are routed to by another agent there are that one's.
    """
    here = [one for one in vars(sys.modules[cls.__module__]).values() if isinstance(one, type)]
    here = [one for one in here if one.__module__ == cls.__module__]
    others = [one for one in here if issubclass(one, Agent) and one is not cls]
    of_others = {action for other in others for action in _routed(other)}
    for action in here:
        if issubclass(action, Action) and not action.is_abstract and action not in of_others:
            state = _state_of(action)
            if state is cls.record.cls or (state is None and not others):
                yield action


def _state_of(action: type[Action]) -> Any:
    try:
        run: Any = action.run  # type: ignore[attr-defined]  # it is concrete
        hints = inspect.get_annotations(run, eval_str=True)
    except Exception:  # noqa: BLE001 - a name that isn't there at run time
        return None
    for hint in hints.values():
        origin: Any = get_origin(hint)
        if origin is Context:
            return get_args(hint)[0]
    return None


def subjects(target: str) -> Sequence[AgentUnderTest]:
    """Return what `module:Agent`, a module or a package names: all the agents defined there.

    Raises:
        InvalidDefinition: It can't be imported, has no such name, or no agent.
    """
    module_name, _, name = target.partition(":")
    module = _imported(module_name)
    if name:
        found: Any = module
        for part in name.split("."):
            if not hasattr(found, part):
                raise InvalidDefinition(f"module {module_name} has no {shown(name)}", field="target", value=target)
            found = getattr(found, part)
        return [subject_of(found)]
    names = [module_name]
    if hasattr(module, "__path__"):
        names += [one.name for one in pkgutil.walk_packages(module.__path__, f"{module_name}.")]
    found = [cls for one in names for cls in _agents_in(_imported(one))]
    if not found:
        raise InvalidDefinition(f"{module_name} has no agent", field="target", value=target)
    return [subject_of(cls) for cls in found]


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise InvalidDefinition(
            f"{shown(name)} can't be imported: {type(error).__name__}: {shown_error(error)}", field="target", value=name
        ) from error


def _agents_in(module: Any) -> list[type[Agent[Any]]]:
    return [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Agent) and one.__module__ == module.__name__
        if hasattr(one, "record")
    ]

"""AgentUnderTest: an agent class that is to be checked, with all that it can be told to do."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from typing import Any

from attrs import field, frozen
from hypothesis import strategies as st

from jido_trio.core import Action, Agent
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown, shown_error
from jido_trio.testing._carrier import is_carrier
from jido_trio.testing._own_laws import OwnLaw, checked_laws, own_laws
from jido_trio.testing._repertoire import repertoire
from jido_trio.testing._strategies import Overrides, agents, checked, fresh, steps
from jido_trio.testing._walk import Trial

_LONGEST = 12
"""Steps of a trial at most."""


@frozen
class AgentUnderTest:
    """An agent class and its actions."""

    cls: type[Agent[Any]]
    actions: tuple[type[Action], ...]
    overrides: Overrides = field(factory=dict)
    """What to generate instead for a class, or for a field of one."""
    laws: tuple[OwnLaw, ...] = ()
    """Laws and models that its author has."""

    @property
    def name(self) -> str:
        """Where it is: `module:Class`; of what is tried without an agent of its own, where that is."""
        cls: type[Any] = self.cls
        if is_carrier(self.cls):
            cls = self.actions[0] if len(self.actions) == 1 else type(self.cls.strategy)
        return f"{cls.__module__}:{cls.__qualname__}"

    @property
    def modules(self) -> tuple[str, ...]:
        """Those that its classes are in."""
        cls = self.cls
        classes: tuple[Any, ...] = (cls, cls.record.cls, type(cls.strategy), *self.actions, *self.laws)
        return tuple(dict.fromkeys(one.__module__ for one in classes))

    def fresh(self) -> st.SearchStrategy[Agent[Any]] | None:
        """Generate agents as they begin; None if a state has no defaults."""
        return fresh(self.cls)

    def anyhow(self) -> st.SearchStrategy[Agent[Any]]:
        """Generate agents in any state that the types and validators allow."""
        return agents(self.cls, overrides=self.overrides)

    def steps(self) -> st.SearchStrategy[Any]:
        """Generate what it can be told: actions, classes with parameters, and signals that its routes know."""
        return steps(self.cls, self.actions, self.overrides)

    def trials(self, *, reachable: bool) -> st.SearchStrategy[Trial] | None:
        """Generate trials; those that are reachable begin with an agent as it begins."""
        steps = self.steps()
        if not reachable:
            few = st.lists(steps, min_size=1, max_size=2).map(tuple)
            return st.builds(Trial, self.anyhow(), few, laws=st.just(self.laws))
        fresh = self.fresh()
        if fresh is None:
            return None
        many = st.lists(steps, min_size=1, max_size=_LONGEST).map(tuple)
        return st.builds(Trial, fresh, many, laws=st.just(self.laws))


def subject_of(cls: Any, overrides: Overrides | None = None, also: Sequence[OwnLaw] = ()) -> AgentUnderTest:
    """Return an agent class as a subject, with the laws in its module and those that are given.

    Raises:
        InvalidDefinition: It is no agent class, or there is nothing that it could be told; or an override is of no
            class or field, a law not about it.
    """
    if not (isinstance(cls, type) and issubclass(cls, Agent) and hasattr(cls, "record")):
        raise InvalidDefinition(
            f"{shown(cls)} is no agent class, so no law is about it: give a subclass of Agent", field="agent", value=cls
        )
    laws = dict.fromkeys([*own_laws(cls, sys.modules[cls.__module__]), *checked_laws(cls, also)])
    return AgentUnderTest(cls, repertoire(cls), checked(overrides), tuple(laws))


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
        return [subject_of(found, also=tuple(own_laws(found, module)) if isinstance(found, type) else ())]
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

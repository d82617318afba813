"""Plugins as an agent class has them: under which names, in the place of which defaults, and what they bring.

All that a plugin brings stands below its name. What is wrong is found when the class is made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve, frozen

from jido_trio import checks
from jido_trio.core._described import checked_name
from jido_trio.core._directives import Cron, Spawn, SpawnAgent, StartSensor
from jido_trio.core._instruction import Instruction, normalize
from jido_trio.core._plugin import Plugin
from jido_trio.core._router import Route, Router
from jido_trio.errors import ActionError, InvalidDefinition
from jido_trio.redact import said, shown, shown_error

T = TypeVar("T")

OF_PLUGINS = -10
"""The priority of a plugin's routes, unless it says otherwise: they come after an agent's own."""


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
        given = self._brought("routes", (Mapping, Sequence))
        try:
            return tuple(
                evolve(
                    route,
                    pattern=self.below(route.pattern),
                    target=self._told(route.target),
                    priority=OF_PLUGINS if isinstance(given, Mapping) else route.priority,
                )
                for route in Router(given).routes
            )
        except ActionError as error:
            raise InvalidDefinition(f"plugin {self.name!r}: routes(): {said(error)}", field="routes") from None

    def jobs(self) -> tuple[Cron, ...]:
        """Return its jobs."""
        return tuple(
            evolve(cron, message=evolve(cron.message, type=self.below(cron.message.type)), key=self.below(cron.key))
            for cron in self._each("schedules", Cron)
        )

    def sensors(self) -> tuple[StartSensor, ...]:
        """Return its sensors."""
        given = self._brought("sensors", Mapping)
        return tuple(StartSensor(self.below(tag), sensor) for tag, sensor in given.items())

    def children(self) -> tuple[SpawnAgent | Spawn, ...]:
        """Return its children."""
        given = self._each("children", SpawnAgent | Spawn)
        return tuple(evolve(child, tag=self.below(child.tag or "child")) for child in given)

    def _each(self, method: str, expected: Any) -> Sequence[Any]:
        given = self._brought(method, Sequence)
        odd = [one for one in given if not isinstance(one, expected)]
        if odd:
            raise InvalidDefinition(f"plugin {self.name!r}: {method}() has {shown(odd[0])} among what it gives")
        return given  # type: ignore[no-any-return]

    def _brought(self, method: str, expected: Any) -> Any:
        bring: Callable[[], object] = getattr(self.plugin, method)
        try:
            given = bring()
        except Exception as error:
            why = f"plugin {self.name!r}: {method}() failed: {shown_error(error)}"
            raise InvalidDefinition(why, field="plugins") from error
        if not isinstance(given, expected) or isinstance(given, str):
            raise InvalidDefinition(f"plugin {self.name!r}: {method}() gave {shown(given)}", field="plugins")
        return given

    def _told(self, target: Any) -> Instruction:
        (given,) = normalize([target])
        return evolve(given, context={**given.context, "plugin": self.name})


def mounted(agent: str, plugins: object, *, among: Iterable[Mounted] = ()) -> tuple[Mounted, ...]:
    """Return plugins as an agent class declares them: each a `Plugin`, or (name, plugin); `among` others.

    Raises:
        InvalidDefinition: One is no plugin, stands under a name twice, is a singleton and isn't single, or requires
            another that isn't there.
    """
    if not isinstance(plugins, Iterable) or isinstance(plugins, str | bytes | Mapping):
        raise checks.refused(
            agent, "plugins", plugins, "must be a list of plugins, and of pairs of a name and a plugin"
        )
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
        there = [type(each.plugin) for each in (*among, *found.values())]
        missing = [one.name for one in plugin.requires if not any(issubclass(each, one) for each in there)]
        if missing:
            raise InvalidDefinition(f"{agent}: plugin {name!r} requires {', '.join(missing)}: name them before it")
        found[name] = Mounted(name, plugin)
    return tuple(found.values())


def replaced(agent: str, there: Sequence[Mounted], given: object) -> tuple[Any, ...]:
    """Return default plugins as a subclass wants them: others, none, or some of them replaced by name.

    Raises:
        InvalidDefinition: It is neither, or there is none of that name.
    """
    if not isinstance(given, Mapping):
        if not isinstance(given, Iterable) or isinstance(given, str):
            raise checks.refused(agent, "default_plugins", given, "must be plugins, or what takes their place by name")
        return tuple(given)
    names = [each.name for each in there]
    for name in given:
        if name not in names:
            known = f"(known: {', '.join(names) or 'none'}){checks.did_you_mean(name, names)}"
            why = f"{agent}: no default plugin is called {shown(name)} {known}"
            raise InvalidDefinition(why, field="default_plugins")
    wanted = [(each.name, given.get(each.name, each.plugin)) for each in there]
    return tuple((name, plugin) for name, plugin in wanted if plugin is not None)


def over_defaults(defaults: Sequence[Mounted], own: Sequence[Mounted]) -> tuple[tuple[str, Plugin[Any]], ...]:
    """Return the plugins of a class: the defaults, those of its own with their names in their place, and the rest."""
    mine = {each.name: each.plugin for each in own}
    first = [(each.name, mine.pop(each.name, each.plugin)) for each in defaults]
    return (*first, *mine.items())

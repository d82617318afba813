"""Plugins: what many agents shall have, in one piece: a slice of state, routes, jobs, sensors, children, hooks.

What an agent class makes of them is in `_mounted`, and an agent that has them in `_plugged`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, get_args, get_origin

import attrs
from attrs import field, frozen
from typing_extensions import TypeVar as DefaultTypeVar
from typing_extensions import dataclass_transform

from jido_trio.core._action import KEPT, Action, Effect
from jido_trio.core._described import Described
from jido_trio.core._directives import Cron, Emit, Spawn, SpawnAgent
from jido_trio.core._router import Route
from jido_trio.core._signal import Signal
from jido_trio.data import Misfit, Schema, schema_of
from jido_trio.errors import InvalidDefinition


@frozen
class NoSlice:
    """The slice of a plugin that has none."""


S = DefaultTypeVar("S", default=NoSlice)


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

    def checkpoint(self, slice: S) -> object:
        """Return what is written of a slice when a durable agent is kept: plain data; `restore` gives it back.

        So it may be encrypted, packed, or left out as far as it follows from the rest.
        """
        return slice

    def restore(self, kept: Any) -> S:
        """Return the slice again, of what `checkpoint` returned."""
        return kept  # type: ignore[no-any-return]  # as it was

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

"""Discovery: the classes of packages, and those that installed distributions name by entry points.

A distribution says in its `pyproject.toml`

    [project.entry-points."jido_trio.plugins"]
    slack = "acme_slack:Slack"

with a class, or a module whose classes are meant, in the group of any kind. What can't be imported is told of, and
hides nothing else.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

from jido_trio import checks
from jido_trio.core import Action, Agent, Plugin, Sensor
from jido_trio.redact import shown_error

Kind: TypeAlias = Literal["action", "agent", "plugin", "sensor"]

KINDS: tuple[str, ...] = get_args(Kind)
"""What is looked for."""

_BASES: Mapping[str, type] = {"action": Action, "agent": Agent, "plugin": Plugin, "sensor": Sensor}

GROUPS: Mapping[str, str] = {kind: f"jido_trio.{kind}s" for kind in get_args(Kind)}
"""The groups of entry points, by kind; but for their names they are all the same."""


@frozen
class Found:
    """A class that was found."""

    kind: Kind
    name: str
    path: str
    """Where it is: "module:Class"."""
    description: str
    category: str | None
    tags: tuple[str, ...]
    vsn: str | None
    slug: str
    """Eight characters that follow from the path, the same in each process."""
    cls: type[Any] = field(repr=False)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, without the class."""
        names = ("kind", "name", "path", "description", "category", "tags", "vsn", "slug")
        data = {name: getattr(self, name) for name in names}
        return {**data, "tags": list(self.tags)}


@frozen
class Unloaded:
    """What could not be imported, and why."""

    name: str
    why: str


@frozen
class Discovery:
    """What was found, in the order of kinds and names, and what couldn't be imported."""

    found: tuple[Found, ...]
    unloaded: tuple[Unloaded, ...] = ()

    def list(
        self,
        kind: Kind | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        category: str | None = None,
        tag: str | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[Found, ...]:
        """Return those of which all holds that is given.

        Args:
            kind: Its kind.
            name: A part of its name.
            description: A part of its description.
            category: Its category.
            tag: One of its tags.
            offset: How many to leave out.
            limit: How many at most; None for all.

        Raises:
            InvalidDefinition: An argument is not what it must be.
        """
        if kind is not None:
            checks.one_of("", "kind", kind, get_args(Kind))
        checks.whole("", "offset", offset)
        checks.whole("", "limit", limit, or_none="None for all")
        held = [
            each
            for each in self.found
            if kind in (None, each.kind)
            and (name or "") in each.name
            and (description or "") in each.description
            and category in (None, each.category)
            and (tag is None or tag in each.tags)
        ]
        return tuple(held[offset : None if limit is None else offset + limit])

    def by_slug(self, slug: str) -> Found | None:
        """Return the one with that slug, if there is one."""
        return next((each for each in self.found if each.slug == slug), None)


def discover(*packages: str, installed: bool = True) -> Discovery:
    """Return what packages define, and what installed distributions name by entry points.

    Args:
        packages: Names of modules and packages; of a package, with all modules below. They are imported.
        installed: Whether to look at entry points, too. What they name is imported.

    Raises:
        InvalidDefinition: `installed` is neither True nor False.
    """
    checks.flag("discover", "installed", installed)
    found: dict[type, Found] = {}
    unloaded: list[Unloaded] = []
    for package in packages:
        for module in _modules(package, unloaded):
            found.update(_defined(module))
    for group in GROUPS.values() if installed else ():
        for point in sorted(entry_points(group=group), key=lambda point: point.name):
            try:
                named: object = point.load()
            except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a package does when it is imported
                unloaded.append(Unloaded(f"{group} {point.name} = {point.value}", shown_error(error)))
            else:
                found.update(_defined(named) if isinstance(named, ModuleType) else _single(named))
    return Discovery(tuple(sorted(found.values(), key=lambda each: (each.kind, each.name, each.path))), tuple(unloaded))


def _modules(name: str, unloaded: list[Unloaded]) -> Iterator[ModuleType]:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a module does when it is imported
        unloaded.append(Unloaded(name, shown_error(error)))
        return
    yield module
    for below in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if below.name != "__main__":
            yield from _modules(f"{name}.{below.name}", unloaded)


def _defined(module: ModuleType) -> Iterable[tuple[type, Found]]:
    """Return the classes that a module defines itself."""
    for cls in vars(module).values():
        if inspect.isclass(cls) and cls.__module__ == module.__name__ and not cls.__name__.startswith("_"):
            yield from _single(cls)


def _single(cls: object) -> Iterable[tuple[type, Found]]:
    for kind in get_args(Kind):
        base = _BASES[kind]
        if isinstance(cls, type) and issubclass(cls, base) and cls is not base and _is_whole(cls):
            yield cls, _found(kind, cls)


def _is_whole(cls: Any) -> bool:
    """Tell whether it is no class for others to extend only, and no input of a strategy."""
    if issubclass(cls, Action):
        return not cls.is_abstract and not cls.is_input
    return hasattr(cls, "run") if issubclass(cls, Sensor) else True


def _found(kind: Kind, cls: Any) -> Found:
    path = f"{cls.__module__}:{cls.__qualname__}"
    slug = sha256(path.encode()).hexdigest()[:8]
    return Found(kind, cls.name, path, cls.description, cls.category, cls.tags, cls.vsn, slug, cls)

"""What actions, agents, plugins and sensors say of themselves: each class has a name, and words about it."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from jido_trio import checks
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")


class Described:
    """A class that has a name and a description; what it doesn't say, it has from its base."""

    __slots__ = ()

    name: ClassVar[str]
    description: ClassVar[str] = ""
    category: ClassVar[str | None] = None
    tags: ClassVar[tuple[str, ...]] = ()
    vsn: ClassVar[str | None] = None

    @classmethod
    def _describe(
        cls,
        kind: str,
        name: str | None,
        *,
        description: str | None,
        category: str | None,
        tags: Iterable[str] | None,
        vsn: str | None,
    ) -> None:
        owner = f"{kind} {cls.__qualname__}"
        for field, given in (("description", description), ("category", category), ("vsn", vsn)):
            if given is not None:
                checks.text(owner, field, given, blank=field != "vsn")
        cls.name = checked_name(kind, cls, name)
        cls.description = description or _summary(cls) or cls.description
        cls.category = category or cls.category
        cls.tags = _checked_tags(owner, tags) or cls.tags
        cls.vsn = vsn or cls.vsn


def checked_name(kind: str, cls: type, name: object) -> str:
    """Return `name`, or the class's own in snake_case, if it may be a name."""
    chosen = _snake_case(cls.__name__) if name is None else name
    if not isinstance(chosen, str) or not _NAME.fullmatch(chosen):
        raise InvalidDefinition(
            f"{kind} {cls.__qualname__} can't be named {shown(chosen)}: "
            "a name starts with a letter and goes on with letters, digits and underscores"
        )
    return chosen


def _checked_tags(owner: str, tags: object) -> tuple[str, ...]:
    if tags is None:
        return ()
    if isinstance(tags, str):
        raise checks.refused(owner, "tags", tags, f"must be several words, not one: write tags=[{shown(tags)}]")
    if isinstance(tags, bytes | Mapping) or not isinstance(tags, Iterable):
        raise checks.refused(owner, "tags", tags, "must be several words, as a list")
    given = tuple(tags)
    for tag in given:
        checks.text(owner, "tags", tag)
    return given


def _summary(cls: type) -> str:
    """Return the first line of the class's own docstring."""
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "").partition("\n")[0]


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.lstrip("_")).lower()

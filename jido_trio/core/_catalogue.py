"""A catalogue of tools: what there is, what is found by words, what somebody may use. A value, without a registry."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from jido_trio import checks
from jido_trio.core._action import Action
from jido_trio.core._tool import ToolSpec, tool_of
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown


def _by_name(tools: Iterable[Any]) -> Mapping[str, ToolSpec[Any]]:
    found = dict[str, ToolSpec[Any]]()
    given: object = tools
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise checks.refused("a catalogue", "tools", given, "must be several tools, or classes of actions")
    for each in tools:
        tool = each if isinstance(each, ToolSpec) else tool_of(each)
        if tool.name in found and found[tool.name] != tool:
            raise InvalidDefinition(
                f"two tools are called {tool.name!r}: {found[tool.name].action.__qualname__} and "
                f"{tool.action.__qualname__}. Give one another name: tool_of(..., name=)"
            )
        found[tool.name] = tool
    return dict(sorted(found.items()))


@frozen(init=False, eq=False)
class Catalogue:
    """Tools by name, in the order of their names.

    Args:
        tools: Tools, or classes of actions.

    Raises:
        InvalidDefinition: One is no tool, or two different ones have one name.
    """

    _tools: Mapping[str, ToolSpec[Any]] = field(repr=lambda tools: str(list(tools)))

    def __init__(self, tools: Iterable[ToolSpec[Any] | type[Action]] = ()) -> None:
        self.__attrs_init__(_by_name(tools))  # pyright: ignore[reportAttributeAccessIssue]  # attrs makes it

    def __iter__(self) -> Iterator[ToolSpec[Any]]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __eq__(self, other: object) -> bool:
        return self._tools == other._tools if isinstance(other, Catalogue) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._tools))

    def __getitem__(self, name: str) -> ToolSpec[Any]:
        """Return the tool of that name.

        Raises:
            InvalidDefinition: There is none.
        """
        self._known([name])
        return self._tools[name]

    def with_tools(self, *tools: ToolSpec[Any] | type[Action]) -> "Catalogue":
        """Return the catalogue with more tools."""
        return Catalogue([*self, *tools])

    def only(self, *names: str) -> "Catalogue":
        """Return the catalogue with these tools only: an allow list.

        Raises:
            InvalidDefinition: There is no tool of such a name.
        """
        self._known(names)
        return Catalogue(tool for tool in self if tool.name in names)

    def without(self, *names: str) -> "Catalogue":
        """Return the catalogue without these tools.

        Raises:
            InvalidDefinition: There is no tool of such a name.
        """
        self._known(names)
        return Catalogue(tool for tool in self if tool.name not in names)

    def strict(self) -> "Catalogue":
        """Return the same tools in the strict form.

        Raises:
            InvalidDefinition: One has no such form.
        """
        return Catalogue(tool if tool.strict else _strict(tool) for tool in self)

    def search(
        self,
        text: str = "",
        *,
        name: str | None = None,
        category: str | None = None,
        tags: Iterable[str] = (),
        limit: int | None = None,
    ) -> tuple[ToolSpec[Any], ...]:
        """Return the tools that all of this is true of, the best first.

        Args:
            text: Words that are looked for in the name, the tags, the category, the description and the names of the
                parameters, their beginnings suffice; letters' case doesn't matter. A tool must have one of them.
            name: The name itself, or the beginning of it with a `*`.
            category: The category itself.
            tags: All of these tags.
            limit: So many, at most.

        Raises:
            InvalidDefinition: The limit is no whole number of 1 or more.
        """
        checks.whole("the search", "limit", limit, least=1, or_none="None for all")
        wanted = set(checked_words(tags))
        words = _WORD.findall(text.casefold())
        found = [
            (_score(tool, words), tool)
            for tool in self
            if (name is None or _is_named(tool.name, name))
            and (category is None or tool.category == category)
            and wanted <= set(tool.tags)
        ]
        hits = [(score, tool) for score, tool in found if score or not text.strip()]
        return tuple(tool for _, tool in sorted(hits, key=lambda hit: (-hit[0], hit[1].name)))[:limit]

    def _known(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._tools:
                hint = checks.did_you_mean(name, self._tools)
                raise InvalidDefinition(f"there is no tool {shown(name)} in the catalogue{hint}")


def checked_words(words: Iterable[str]) -> tuple[str, ...]:
    """Return words as a tuple; one string is one word."""
    return (words,) if isinstance(words, str) else tuple(words)


def _strict(tool: ToolSpec[Any]) -> ToolSpec[Any]:
    return tool_of(tool.action, strict=True, name=tool.name, description=tool.description, limits=tool.limits)


def _is_named(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


_WORD = re.compile(r"\w+")
_WEIGHTS = (20, 15, 10, 5, 2)
"""Of a word in the name, a tag, the category, the description, the name of a parameter; a whole word counts twice."""


def _score(tool: ToolSpec[Any], words: Iterable[str]) -> int:
    places = (
        tool.name.replace("_", " "),
        " ".join(tool.tags),
        tool.category or "",
        tool.description,
        " ".join(tool.parameters["properties"]),
    )
    found = [_WORD.findall(place.casefold()) for place in places]
    return sum(
        weight * (any(each.startswith(word) for each in there) + (word in there))
        for word in words
        for weight, there in zip(_WEIGHTS, found, strict=True)
    )

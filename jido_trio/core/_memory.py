"""Memory: what an agent knows, in spaces with names. A value, for a field of an agent's state."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from attrs import evolve, field, frozen

from jido_trio.core._action import KEPT
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.world import current

RESERVED: Mapping[str, Any] = {"world": {}, "tasks": []}
"""Spaces that every memory has, and what is in them at first."""


@frozen
class Space:
    """One space of a memory: a mapping, or a list."""

    data: Any = field(factory=dict, converter=KEPT)  # type: ignore[misc]  # a Converter
    rev: int = 0
    """How often it was changed."""
    metadata: Mapping[str, Any] = field(factory=dict, converter=KEPT)  # type: ignore[misc]  # a Converter

    def __attrs_post_init__(self) -> None:
        if not (self.is_mapping or self.is_list):
            raise InvalidDefinition(f"data={shown(self.data)} of a space must be a mapping or a list", field="data")

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.data, Mapping)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.data, Sequence) and not isinstance(self.data, str | bytes)


@frozen
class Memory:
    """Spaces by name; `Memory.new()` makes one with the spaces `world`, a mapping, and `tasks`, a list."""

    id: str
    created_at: datetime
    updated_at: datetime
    rev: int = 0
    """How often it was changed."""
    spaces: Mapping[str, Space] = field(factory=dict, converter=KEPT)  # type: ignore[misc]  # a Converter
    metadata: Mapping[str, Any] = field(factory=dict, converter=KEPT)  # type: ignore[misc]  # a Converter

    @classmethod
    def new(cls, id: str | None = None, *, metadata: Mapping[str, Any] | None = None) -> Self:
        """Return a memory in which nothing is; its id is `mem_...` if none is given."""
        world = current()
        now = world.now()
        spaces = {name: Space(data) for name, data in RESERVED.items()}
        return cls(f"mem_{world.ids()}" if id is None else id, now, now, 0, spaces, metadata or {})

    # ---- spaces

    def has_space(self, name: str) -> bool:
        """Whether there is a space of that name."""
        return name in self.spaces

    def space(self, name: str) -> Space:
        """Return a space.

        Raises:
            InvalidDefinition: There is none of that name.
        """
        space = self.spaces.get(name)
        if space is None:
            known = ", ".join(map(shown, self.spaces))
            raise InvalidDefinition(f"the memory has no space {shown(name)}; it has {known}", field="name", value=name)
        return space

    def put_space(self, name: str, data: Any) -> Self:
        """Return the memory with a space of that name, in the place of one that is there.

        Args:
            name: What it is called.
            data: A mapping or a list, or a `Space`.

        Raises:
            InvalidDefinition: It is neither; or `name` is reserved for the other kind.
        """
        space = data if isinstance(data, Space) else Space(data)
        reserved = RESERVED.get(name)
        if reserved is not None and space.is_mapping != isinstance(reserved, Mapping):
            raise InvalidDefinition(
                f"the space {shown(name)} is a {'mapping' if isinstance(reserved, Mapping) else 'list'}, and stays one",
                field="data",
                value=data,
            )
        return self._with({**self.spaces, name: space})

    def ensure_space(self, name: str, data: Any) -> Self:
        """Return the memory with a space of that name: the one that is there, or a new one with `data`."""
        return self if name in self.spaces else self.put_space(name, data)

    def update_space(self, name: str, change: Callable[[Any], Any]) -> Self:
        """Return the memory with what `change` makes of the data of a space.

        Raises:
            InvalidDefinition: There is no such space, or what it makes is of the other kind.
        """
        space = self.space(name)
        new = evolve(space, data=change(space.data), rev=space.rev + 1)
        if new.is_mapping != space.is_mapping:
            raise InvalidDefinition(
                f"the space {shown(name)} can't become {shown(new.data)}: a mapping stays a mapping, a list a list"
            )
        return self._with({**self.spaces, name: new})

    def delete_space(self, name: str) -> Self:
        """Return the memory without a space; nothing happens if there is none.

        Raises:
            InvalidDefinition: It is reserved.
        """
        if name in RESERVED:
            raise InvalidDefinition(f"the space {shown(name)} is one that every memory has", field="name", value=name)
        if name not in self.spaces:
            return self
        return self._with({each: space for each, space in self.spaces.items() if each != name})

    # ---- what is in them

    def get_in(self, name: str, key: Hashable, default: Any = None) -> Any:
        """Return what is under a key of a space that is a mapping.

        Raises:
            InvalidDefinition: There is no such space, or it is a list.
        """
        return self._mapping(name).get(key, default)

    def put_in(self, name: str, key: Hashable, value: Any) -> Self:
        """Return the memory with a value under a key of a space that is a mapping.

        Raises:
            InvalidDefinition: There is no such space, or it is a list.
        """
        data = self._mapping(name)
        return self.update_space(name, lambda _: {**data, key: value})

    def delete_from(self, name: str, key: Hashable) -> Self:
        """Return the memory without a key of a space that is a mapping; nothing happens if it isn't there.

        Raises:
            InvalidDefinition: There is no such space, or it is a list.
        """
        data = self._mapping(name)
        if key not in data:
            return self
        return self.update_space(name, lambda _: {each: value for each, value in data.items() if each != key})

    def append_to(self, name: str, *items: Any) -> Self:
        """Return the memory with items at the end of a space that is a list.

        Raises:
            InvalidDefinition: There is no such space, or it is a mapping.
        """
        if not self.space(name).is_list:
            raise InvalidDefinition(f"the space {shown(name)} is a mapping: put_in it", field="name", value=name)
        return self.update_space(name, lambda data: [*data, *items])

    def _mapping(self, name: str) -> Mapping[Any, Any]:
        space = self.space(name)
        if not space.is_mapping:
            raise InvalidDefinition(f"the space {shown(name)} is a list: append_to it", field="name", value=name)
        data: Mapping[Any, Any] = space.data
        return data

    def _with(self, spaces: Mapping[str, Space]) -> Self:
        return evolve(self, spaces=spaces, rev=self.rev + 1, updated_at=current().now())

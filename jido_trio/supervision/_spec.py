"""SupervisorSpec: a supervisor as data, validated as a whole before anything starts."""

from __future__ import annotations

from attrs import field, frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.supervision._child import Child, is_seconds
from jido_trio.supervision._flags import Flags


@frozen
class SupervisorSpec:
    """Flags, and the children to start with.

    Raises:
        InvalidDefinition: Two children have one id, or a child is significant where nothing comes of it.
    """

    children: tuple[Child, ...] = ()
    flags: Flags = field(factory=Flags)
    name: str = "supervisor"
    shutdown: float | None = None

    def __attrs_post_init__(self) -> None:
        seen: set[str] = set()
        for child in self.children:
            self.check(child)
            if child.id in seen:
                raise InvalidDefinition(
                    f"two children of supervisor {self.name!r} have the id {child.id!r}; ids are unique within one",
                    field="children",
                    value=child.id,
                )
            seen.add(child.id)
        if self.shutdown is not None and not is_seconds(self.shutdown):
            raise InvalidDefinition(
                f"shutdown={self.shutdown!r} of supervisor {self.name!r} must be seconds, or None for no limit",
                field="shutdown",
                value=self.shutdown,
            )

    def check(self, child: object) -> None:
        """Refuse a child that can't be one of this supervisor's."""
        if not isinstance(child, Child):
            raise InvalidDefinition(
                f"supervisor {self.name!r} was given {child!r}; wrap it: Child('some id', fn)",
                field="children",
                value=child,
            )
        if child.significant and self.flags.auto_shutdown == "never":
            raise InvalidDefinition(
                f"child {child.id!r} is significant, but auto_shutdown of supervisor {self.name!r} is 'never'; "
                "set auto_shutdown, or drop significant",
                field="significant",
                value=True,
            )

"""SupervisorSpec: a supervisor as data, validated as a whole before anything starts."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from jido_trio.checks import refused, seconds
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.supervision._child import Child
from jido_trio.supervision._flags import Flags


def listed(children: Iterable[Child]) -> tuple[Child, ...]:
    """Return the children that are given, for a spec to look at."""
    given: object = children
    if not isinstance(given, Iterable):
        raise refused("a supervisor", "children", given, "must be several: [Child('some id', fn)]")
    return tuple(children)


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
        who, seen = self._who, set[str]()
        for child in listed(self.children):
            self.check(child)
            if child.id in seen:
                raise InvalidDefinition(
                    f"two children of {who} have the id {shown(child.id)}; ids are unique within one",
                    field="children",
                    value=child.id,
                )
            seen.add(child.id)
        seconds(who, "shutdown", self.shutdown, or_none="None for no limit")

    @property
    def _who(self) -> str:
        return f"supervisor {shown(self.name)}"

    def check(self, child: object) -> None:
        """Refuse a child that can't be one of this supervisor's."""
        if not isinstance(child, Child):
            raise InvalidDefinition(
                f"{self._who} was given {shown(child)}; wrap it: Child('some id', fn)", field="children", value=child
            )
        if child.significant and self.flags.auto_shutdown == "never":
            raise InvalidDefinition(
                f"child {shown(child.id)} is significant, but auto_shutdown of {self._who} is 'never'; "
                "set auto_shutdown, or drop significant",
                field="significant",
                value=True,
            )

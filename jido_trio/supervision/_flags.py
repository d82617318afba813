"""Flags: how a supervisor treats its children as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, get_args

from attrs import Attribute, field, frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.terms import AutoShutdown, RestartStrategy

SupervisorKind: TypeAlias = Literal["static", "pool"]


def _one_of(words: object) -> Callable[[object, Attribute[Any], object], None]:
    known: tuple[str, ...] = get_args(words)

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        if value not in known:
            near = get_close_matches(str(value), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidDefinition(
                f"{attribute.name}={value!r} is not one of {', '.join(map(repr, known))}{hint}",
                field=attribute.name,
                value=value,
            )

    return check


def _check_restarts(_: object, attribute: Attribute[int], value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidDefinition(
            f"max_restarts={value!r} must be a whole number, 0 or more", field="max_restarts", value=value
        )


def _check_seconds(_: object, attribute: Attribute[float], value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise InvalidDefinition(f"max_seconds={value!r} must be seconds above 0", field="max_seconds", value=value)


def _check_children(_: object, attribute: Attribute[int | None], value: object) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise InvalidDefinition(
            f"max_children={value!r} must be a whole number, 0 or more, or None for no limit",
            field="max_children",
            value=value,
        )


@frozen(kw_only=True)
class Flags:
    """The options of a supervisor, validated.

    A static supervisor has children with a place in an order; strategies speak of that order. A pool has any number of
    equal children: they are restarted alone, forgotten when they end for good, and stopped all together
    (OTP's simple_one_for_one, Elixir's DynamicSupervisor).
    """

    kind: SupervisorKind = field(default="static", validator=_one_of(SupervisorKind))
    strategy: RestartStrategy = field(default="one_for_one", validator=_one_of(RestartStrategy))
    max_restarts: int = field(default=3, validator=_check_restarts)
    max_seconds: float = field(default=5.0, validator=_check_seconds)
    auto_shutdown: AutoShutdown = field(default="never", validator=_one_of(AutoShutdown))
    max_children: int | None = field(default=None, validator=_check_children)

    @property
    def is_pool(self) -> bool:
        """Whether this is a pool."""
        return self.kind == "pool"

    @property
    def restart_strategy(self) -> RestartStrategy:
        """Which children go down with one."""
        return "one_for_one" if self.is_pool else self.strategy

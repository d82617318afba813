"""Flags: how a supervisor treats its children as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

from attrs import Attribute, field, frozen

from jido_trio import checks
from jido_trio.terms import AutoShutdown, RestartStrategy

SupervisorKind: TypeAlias = Literal["static", "pool"]


def _one_of(words: object) -> Callable[[object, Attribute[Any], object], None]:
    known: tuple[str, ...] = get_args(words)

    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        checks.one_of("", attribute.name, value, known)

    return check


def _check_restarts(_: object, attribute: Attribute[int], value: object) -> None:
    checks.whole("", attribute.name, value)


def _check_seconds(_: object, attribute: Attribute[float], value: object) -> None:
    checks.seconds("", attribute.name, value, above_zero=True)


def _check_children(_: object, attribute: Attribute[int | None], value: object) -> None:
    checks.whole("", attribute.name, value, or_none="None for no limit")


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

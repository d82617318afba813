"""How a durable agent is kept: what is written when, and what becomes of effects that a death left open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

from jido_trio import checks
from jido_trio.data import FrozenDict, recorded_name, unstorable
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

Effects: TypeAlias = Literal["at_most_once", "at_least_once"]
"""What becomes of an effect of which nobody knows whether it was done."""


Migration: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes the fields of a state of the next version of those of one."""


def _can_migrate(given: object) -> bool:
    return callable(given) and not checks.does_nothing(given)


def _migrations(given: Any) -> Mapping[str | None, Migration]:
    if not isinstance(given, Mapping) or not all(map(_can_migrate, given.values())):
        raise InvalidDefinition(
            f"Durable: migrations={shown(given)} must be a mapping from each older vsn, oldest first, to a function "
            "that takes the fields of a state of it and returns those of the next",
            field="migrations",
            value=given,
        )
    return FrozenDict(given)


def _names(given: Any) -> tuple[str, ...]:
    if isinstance(given, str | type):
        given = [given]
    try:
        names = [recorded_name(each) if isinstance(each, type) else each for each in given]
    except TypeError:
        names = [None]
    if not all(isinstance(name, str) and ":" in name for name in names):
        raise InvalidDefinition(
            f'Durable: formerly={shown(given)} must be classes of agents, or their names as "shop.orders:Order"',
            field="formerly",
            value=given,
        )
    return tuple(names)


@frozen
class Durable:
    """How an agent is kept by the storage of its instance: `class Order(Agent[OrderState], durable=Durable(...))`.

    `durable=True` is `Durable()`. Each input is committed, with the state that it leads to, before anybody is answered
    and before any directive is carried out.
    """

    effects: Effects = field(default="at_most_once")
    """Directives of your own and actions with effects that a death left open: they are told of and not done again
    ("at_most_once"); or done again, with the same key ("at_least_once")."""
    snapshot_every: int = field(default=100)
    """How many inputs may lie between two snapshots of a state that is large."""
    snapshot_below: int = field(default=4096)
    """Bytes from which on a state is large; one that is smaller is written with each input."""
    history: int | None = field(default=None)
    """How many of the last inputs are kept in the journal; None keeps all."""
    remembers: int = field(default=256)
    """How many ids of the last signals are kept: a signal that comes again, with one of these, isn't handled again.
    Ticks of jobs take no place of others."""

    tries: int | None = field(default=3)
    """How often a signal, or an effect, may be begun at which the whole process dies, before it is set aside as a dead
    letter; None for always. It is counted when an agent goes on after two deaths in a row, and costs nothing before."""

    migrations: Mapping[str | None, Migration] = field(factory=dict, converter=_migrations)
    """For each `vsn` before the class's own, oldest first: makes the fields of a state of the next of those of its own.
    They are plain functions. A record of an older version goes through those from its own on, when the agent starts."""
    formerly: tuple[str, ...] = field(default=(), converter=_names)
    """Classes whose agents become ones of this class when they are started as such: the classes, or "module:Class" of
    those that are gone."""

    def __attrs_post_init__(self) -> None:
        checks.one_of("Durable", "effects", self.effects, get_args(Effects))
        checks.whole("Durable", "snapshot_every", self.snapshot_every, least=1)
        checks.whole("Durable", "snapshot_below", self.snapshot_below)
        checks.whole("Durable", "remembers", self.remembers, least=0)
        if self.tries is not None:
            checks.whole("Durable", "tries", self.tries, least=1)
        if self.history is not None:
            checks.whole("Durable", "history", self.history, least=0)

    def follows(self, cls: type) -> bool:
        """Whether agents of that class become ones of the class that says this: whether it is among `formerly`."""
        return recorded_name(cls) in self.formerly


def checked_durable(owner: str, durable: object) -> Durable | None:
    """Return how an agent is kept, from what its class says."""
    if isinstance(durable, bool):
        return Durable() if durable else None
    if isinstance(durable, Durable):
        return durable
    raise InvalidDefinition(
        f"{owner}: durable={shown(durable)} must be True, False, or Durable(...)", field="durable", value=durable
    )


def check_types(owner: str, state: type) -> None:
    """Refuse a state whose types show that it can't be kept."""
    problems = unstorable(state)
    if problems:
        raise InvalidDefinition(
            f"{owner} can't be durable, as its state can't be kept: {'; '.join(map(str, problems))}. "
            "Hold plain data and attrs values; give live objects as resources",
            field="durable",
        )

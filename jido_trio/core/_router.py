"""From a signal to its targets: the routes that match its type, the most specific first."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from attrs import field, frozen

from jido_trio import checks
from jido_trio.core._pattern import Trie, complexity, segments
from jido_trio.core._signal import Signal
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

__all__ = ["Route", "Router", "Unrouted"]

_REMEMBERED_TYPES = 4096
"""Signal types whose routes a router remembers; past that it forgets the one it learned first."""


def _check_pattern(_: object, __: object, pattern: str) -> None:
    segments(pattern)


def _check_priority(route: "Route", _: object, priority: int) -> None:
    if type(priority) is not int:  # a bool is an int, but no priority
        raise InvalidDefinition(f"route {route.pattern!r}: Priority must be an integer, got {shown(priority)}")
    if not -100 <= priority <= 100:
        rule = "exceeds maximum allowed" if priority > 100 else "below minimum allowed"
        raise InvalidDefinition(
            f"route {route.pattern!r}: Priority value {rule}: {shown(priority)} is not in -100..100. "
            "Priorities only order routes that are equally specific."
        )


def _check_predicate(route: "Route", _: object, when: Callable[[Signal], bool] | None) -> None:
    takes = "a signal, and returns a bool"
    checks.called_at_once(f"route {route.pattern!r}", "when", when, takes=takes, or_none="None for always")


@frozen
class Route:
    """A pattern of signal types and where the signals go that match it."""

    pattern: str = field(validator=_check_pattern)
    target: Any
    priority: int = field(default=0, validator=_check_priority)
    """-100..100; among equally specific routes the greater comes first."""
    when: Callable[[Signal], bool] | None = field(default=None, validator=_check_predicate)
    """A further condition. A route that has one comes after those that have none."""

    @property
    def complexity(self) -> int:
        """How specific the route is, the first thing routes are ordered by."""
        return 0 if self.when else complexity(segments(self.pattern))

    def admits(self, signal: Signal) -> bool:
        """Tell whether `when` lets the signal pass; one that raises or answers anything but True does not."""
        if self.when is None:
            return True
        try:
            return self.when(signal) is True
        except Exception:  # noqa: BLE001 - a condition that can't be told isn't met, whatever the signal carries
            return False


RouteSpec: TypeAlias = Route | tuple[str, Any] | tuple[str, Any, int]
"""A route, (pattern, target) or (pattern, target, priority); a list of targets stands for a route to each."""

RouteSpecs: TypeAlias = Iterable[RouteSpec] | Mapping[str, Any]
"""Several of them, or a mapping of patterns to targets."""


def _routes(specs: RouteSpecs) -> tuple[Route, ...]:
    given: Any = specs.items() if isinstance(specs, Mapping) else specs
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidDefinition(
            f"{shown(given)} are no routes: give a mapping of patterns to targets, or a list of Routes or pairs"
        )
    return tuple(route for spec in given for route in _each_target(spec))


def _each_target(spec: Any) -> Iterator[Route]:
    match spec:
        case Route():
            yield spec
        case (pattern, targets):
            yield from (Route(pattern, target) for target in _listed(targets))
        case (pattern, targets, priority):
            yield from (Route(pattern, target, priority) for target in _listed(targets))
        case _:
            raise InvalidDefinition(
                f"{shown(spec)} is no route: give a Route, (pattern, target) or (pattern, target, priority)"
            )


def _listed(targets: Any) -> list[Any]:
    return targets if isinstance(targets, list) else [targets]  # pyright: ignore[reportUnknownVariableType] - it is Any


@frozen
class Router:
    """Routes, compiled when the first signal comes. Adding or removing routes makes another router.

    All that match a signal are taken, ordered by how specific they are, then by priority, then in the order given.
    """

    routes: tuple[Route, ...] = field(default=(), converter=_routes)
    _known: dict[str, tuple[Route, ...]] = field(factory=dict, init=False, eq=False, repr=False)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of its routes, each once, in the order given."""
        return tuple(dict.fromkeys(route.pattern for route in self.routes))

    def add(self, *specs: RouteSpec) -> "Router":
        """Return a router with more routes, after those it has."""
        return Router((*self.routes, *_routes(specs)))

    def remove(self, pattern: str) -> "Router":
        """Return a router without the routes of exactly this pattern, if there are any."""
        return Router(route for route in self.routes if route.pattern != pattern)

    def merge(self, other: "Router") -> "Router":
        """Return a router with the routes of both, its own first."""
        return Router((*self.routes, *other.routes))

    def has(self, pattern: str) -> bool:
        """Tell whether a route has exactly this pattern."""
        return any(route.pattern == pattern for route in self.routes)

    def route(self, signal: Signal) -> tuple[Any, ...]:
        """Return the targets of `signal`, in order; none when no route matches."""
        matching = self.matching(signal.type)
        return tuple([route.target for route in matching if route.when is None or route.admits(signal)])

    def matching(self, signal_type: str) -> tuple[Route, ...]:
        """Return the routes whose pattern matches, in order, whatever their conditions say."""
        matching = self._known.get(signal_type)
        return self._learn(signal_type) if matching is None else matching

    def _learn(self, signal_type: str) -> tuple[Route, ...]:
        ranked, trie = self._compiled
        if len(self._known) >= _REMEMBERED_TYPES:
            del self._known[next(iter(self._known))]
        return self._known.setdefault(signal_type, tuple(ranked[rank] for rank in sorted(trie.find(signal_type))))

    @cached_property
    def _compiled(self) -> tuple[list[Route], Trie[int]]:
        """The routes in order, and the place of each in that order by its pattern."""
        ranked = sorted(self.routes, key=lambda route: (-route.complexity, -route.priority))
        trie: Trie[int] = Trie()
        for rank, route in enumerate(ranked):
            trie.insert(segments(route.pattern), rank)
        return ranked, trie


@frozen
class Unrouted:
    """No route matches a signal."""

    signal_type: str
    routes: tuple[str, ...]
    """The patterns there are, each once, in the order given."""

"""Small draws from a seeded `Random`: children, supervisors, failures, reasons.

Behaviours that take real time on Erlang (slow, ignore) are rare, and a child that ignores its stop always has a short
limit. No supervisor with children is ever killed: what its orphans then do is a race.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeAlias

from attrs import evolve, frozen

from properties.otp._scenario import POOLS, Child, Crash, Step, Supervisor, Worker

STATIC = ("one_for_one", "one_for_all", "rest_for_one")
GROUPS = ("one_for_all", "rest_for_one")
POOLED = ("simple_one_for_one", "dynamic")
CRASHES = ("error",) * 5 + ("kill",) * 2 + ("normal",) * 2 + ("shutdown", "shutdown_term")
STOPS = ("shutdown", "shutdown", "normal", "shutdown_term", "error")
FAILURES = ("error", "error", "exit", "raise", "bad_return")
ODD_STOPS = ("slow", "exit_normal", "exit_term", "exit_error", "ignore")
BAD_CHILD: tuple[dict[str, Any], ...] = (
    {"restart": "always"},
    {"shutdown": -1},
    {"shutdown": "soon"},
    {"significant": True},
    {"restart": "permanent", "significant": True},
    {"id": None},
    {"significant": "maybe"},
)
BAD_FLAGS: tuple[dict[str, Any], ...] = (
    {"strategy": "none_for_one"},
    {"intensity": -1},
    {"period": 0},
    {"auto_shutdown": "sometimes"},
)


@frozen
class Draft:
    """A scenario that has no name yet."""

    tree: Supervisor
    steps: Sequence[Step]
    tags: tuple[str, ...]
    phase_ms: int = 0


Family: TypeAlias = Callable[[Random, str], Draft]
"""Draws a scenario, for a root of the given strategy, that aims at one rule."""


def names(count: int) -> str:
    """Return the ids of that many children, one letter each."""
    return "abcdefghijkl"[:count]


def restart_type(rng: Random) -> str:
    return rng.choice(("permanent",) * 4 + ("transient",) * 3 + ("temporary",) * 2)


def manner(rng: Random, how: str | None = None) -> dict[str, Any]:
    """Draw how a worker stops: mostly at once, sometimes in one of the odd manners."""
    how = how or rng.choice(("obey",) * 8 + ODD_STOPS)
    if how == "ignore":
        return {"on_shutdown": how, "shutdown": rng.choice((20, 30, "brutal_kill"))}
    limit = rng.choice((5000, 5000, 5000, "infinity", "brutal_kill"))
    return {"shutdown": limit, "on_shutdown": None if how == "obey" else how}


def failing(rng: Random, first: int = 2, many: int = 3) -> dict[str, Any]:
    """Draw which starts of a child fail, and how: from `first` on, up to `many` of them or for good."""
    how = rng.choice(FAILURES)
    if rng.random() < 0.3:
        return {"fail_from": first, "fail_how": how}
    return {"fail_on": tuple(range(first, first + rng.randint(1, many))), "fail_how": how}


def worker(rng: Random, name: str, restart: str | None = None, **said: Any) -> Worker:
    return evolve(Worker(id=name, restart=restart or restart_type(rng), **manner(rng)), **said)


def workers(rng: Random, ids: Sequence[str], *restarts: str) -> list[Worker]:
    """Draw a worker for each id, its restart type one of `restarts` (any, when there are none)."""
    return [worker(rng, name, rng.choice(restarts) if restarts else None) for name in ids]


def supervisor(
    strategy: str, children: Sequence[Child] = (), intensity: int = 3, period: int = 5, **said: Any
) -> Supervisor:
    static = None if strategy in POOLS else tuple(children)
    return evolve(Supervisor(strategy=strategy, intensity=intensity, period=period, children=static), **said)


def nested(
    rng: Random, name: str, strategy: str, children: Sequence[Child], restart: str | None = None, **said: Any
) -> Supervisor:
    restart = restart or rng.choice(("permanent",) * 5 + ("transient",) * 3 + ("temporary",))
    return supervisor(strategy, children, id=name, restart=restart, shutdown="infinity", **said)


def pool(
    rng: Random, strategy: str, intensity: int = 3, period: int = 5, template: Worker | None = None, **said: Any
) -> Supervisor:
    if strategy == "simple_one_for_one":
        said["template"] = template or Worker(restart=restart_type(rng), **manner(rng))
    return supervisor(strategy, (), intensity, period, **said)


def pooled(rng: Random, strategy: str, name: str, restart: str | None = None, **said: Any) -> Worker:
    """Draw a child for a pool: a template leaves it only its behaviour to say."""
    if strategy == "simple_one_for_one":
        return Worker(id=name, **said)
    return worker(rng, name, restart, **said)


def alter(rng: Random, children: list[Worker], **said: Any) -> str:
    """Change one of the children, and return its id."""
    at = rng.randrange(len(children))
    children[at] = evolve(children[at], **said)
    return str(children[at].id)


def crash(name: str, reason: str = "error") -> Crash:
    return Crash(f"root/{name}", reason)


def hard(rng: Random) -> str:
    """Draw a reason that every non-temporary child is restarted after."""
    return rng.choice(("error", "kill"))

"""New scenarios: a pure function of a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from properties.otp import _deep_families, _pool_families, _random_walk, _slow_families, _static_families
from properties.otp._draw import POOLED, STATIC, Draft, Family
from properties.otp._scenario import Scenario


def scenario(seed: int) -> Scenario:
    """Return the scenario of that seed; each seed draws the root's strategy, then whom to ask for the rest."""
    rng = Random(f"scenario-{seed}")
    strategy = rng.choice(STATIC + POOLED)
    return _named(f"g{seed:06d}", _family(rng, strategy)(rng, strategy))


def slow_start(seed: int) -> Scenario:
    """Return the scenario of that seed in which restarts are slow."""
    rng = Random(f"slow-start-{seed}")
    strategy = rng.choice(STATIC + STATIC + POOLED)
    return _named(f"w{seed:06d}", rng.choice(_slow_families.of(strategy))(rng, strategy))


def _named(id: str, draft: Draft) -> Scenario:
    return Scenario(id=id, tags=draft.tags, tree=draft.tree, steps=tuple(draft.steps), phase_ms=draft.phase_ms)


def scenarios(first: int, count: int, of: Callable[[int], Scenario] = scenario) -> Iterator[Scenario]:
    """Yield the scenarios of `count` seeds, from `first` on."""
    return map(of, range(first, first + count))


def _family(rng: Random, strategy: str) -> Family:
    aimed = {"simple_one_for_one": _pool_families.SIMPLE, "dynamic": _pool_families.DYNAMIC}
    if strategy in aimed:
        return rng.choice((*aimed[strategy], _random_walk.small, _random_walk.large))
    return rng.choice(
        (
            rng.choice(_static_families.FAMILIES),
            rng.choice(_deep_families.FAMILIES),
            rng.choice(_deep_families.FAMILIES),
            rng.choice((_random_walk.small, _random_walk.large)),
        )
    )

"""New scenarios: a pure function of a seed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from properties.otp import _deep_families, _pool_families, _random_walk, _static_families
from properties.otp._draw import POOLED, STATIC, Family
from properties.otp._scenario import Scenario


def scenario(seed: int) -> Scenario:
    """Return the scenario of that seed; each seed draws the root's strategy, then whom to ask for the rest."""
    rng = Random(f"scenario-{seed}")
    strategy = rng.choice(STATIC + POOLED)
    draft = _family(rng, strategy)(rng, strategy)
    return Scenario(
        id=f"g{seed:06d}", tags=draft.tags, tree=draft.tree, steps=tuple(draft.steps), phase_ms=draft.phase_ms
    )


def scenarios(first: int, count: int) -> Iterator[Scenario]:
    """Yield the scenarios of `count` seeds, from `first` on."""
    return map(scenario, range(first, first + count))


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

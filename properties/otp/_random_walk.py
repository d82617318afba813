"""Scenarios that aim at nothing: random trees, random steps."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import Factory, define, evolve

from properties.otp._draw import (
    CRASHES,
    POOLED,
    STATIC,
    STOPS,
    Draft,
    failing,
    names,
    nested,
    pool,
    pooled,
    supervisor,
    worker,
)
from properties.otp._scenario import (
    POOLS,
    Advance,
    Batch,
    Child,
    CountChildren,
    Crash,
    Item,
    StartChild,
    Step,
    Stop,
    Supervisor,
    WhichChildren,
)
from properties.otp._static_families import call, waiting


@define
class Known:
    """What a step may name: supervisors and workers met so far, by path."""

    strategies: dict[str, str] = Factory(dict)
    workers: list[str] = Factory(list)

    def meet(self, spec: Child, path: str) -> None:
        if not isinstance(spec, Supervisor):
            self.workers.append(path)
            return
        self.strategies[path] = spec.strategy
        for child in spec.children or ():
            self.meet(child, f"{path}/{child.id}")

    def workers_of(self, sup: str) -> list[str]:
        return [path for path in self.workers if path.rpartition("/")[0] == sup]

    def children_of(self, sup: str) -> list[str]:
        found = [path for path in (*self.strategies, *self.workers) if path.rpartition("/")[0] == sup]
        return [path.rpartition("/")[2] for path in found]

    def names_for_workers(self, sup: str) -> list[str]:
        """Names taken or free, but never a supervisor's: the walk will go on taking it for one."""
        return [name for name in (*self.children_of(sup), "z") if f"{sup}/{name}" not in self.strategies]


def small(rng: Random, strategy: str) -> Draft:
    """Up to three levels of up to four children; up to fourteen steps."""
    return _walk(rng, _tree(rng, strategy, depth=3, width=4), rng.randint(5, 14), "random")


def large(rng: Random, strategy: str) -> Draft:
    """Up to five levels, up to twelve children; up to forty steps."""
    depth, width = rng.choice(((5, 3), (4, 4), (3, 6), (2, 12)))
    tree = evolve(_tree(rng, strategy, depth, width), intensity=rng.choice((2, 3, 5, 8)))
    return _walk(rng, tree, rng.randint(15, 40), "random", "large")


def _walk(rng: Random, tree: Supervisor, length: int, *tags: str) -> Draft:
    known = Known()
    known.meet(tree, "root")
    return Draft(tree, [_step(rng, known, serial) for serial in range(length)], tags, rng.choice((0, 0, 0, 350, 999)))


def _tree(rng: Random, strategy: str, depth: int, width: int, **said: Any) -> Supervisor:
    said |= {"intensity": rng.choice((0, 1, 1, 2, 2, 3, 3, 5)), "period": rng.choice((1, 2, 5, 5))}
    if strategy in POOLS:
        most: dict[str, Any] = {"max_children": rng.choice((None, None, 2, 3))} if strategy == "dynamic" else {}
        return pool(rng, strategy, **said, **most)
    mode = rng.choice(("never",) * 3 + ("any_significant", "all_significant"))
    fewest = 1 if width < 6 else width // 2
    kids = [_child(rng, name, depth, width, mode) for name in names(rng.randint(fewest, width))]
    return supervisor(strategy, kids, auto_shutdown=mode, **said)


def _child(rng: Random, name: str, depth: int, width: int, mode: str) -> Child:
    child: Child
    if depth > 1 and rng.random() < 0.35:
        place = nested(rng, name, "dynamic", ())  # only to draw what any nested supervisor says of itself
        said = {"id": name, "restart": place.restart, "shutdown": place.shutdown}
        child = _tree(rng, rng.choice(STATIC * 3 + POOLED), depth - 1, width, **said)
    else:
        child = worker(rng, name)
        if rng.random() < 0.15:
            child = evolve(child, **failing(rng))
    if mode != "never" and child.restart != "permanent" and rng.random() < 0.5:
        child = evolve(child, significant=True)
    return child


def _step(rng: Random, known: Known, serial: int) -> Step:
    sup = rng.choice(list(known.strategies))
    in_pool = known.strategies[sup] in POOLS
    match rng.choice(("crash",) * 12 + ("call",) * 8 + ("start",) * 3 + ("advance", "stop", "batch", "batch")):
        case "crash" if known.workers:
            return Crash(rng.choice(known.workers), rng.choice(CRASHES))
        case "advance":
            return Advance(rng.choice((1, 999, 1000, 3300, 7000, 7000)))
        case "stop":
            return _stop(rng, known)
        case "batch":
            return _batch(rng, known, sup, in_pool, serial)
        case "call" if not in_pool:
            return call(rng, sup, known.children_of(sup) or ["nobody"], f"n{serial}")
        case "call" if rng.random() < 0.5:
            return rng.choice((WhichChildren, CountChildren))(sup)
        case _:
            return _start(rng, known, sup, serial)


def _stop(rng: Random, known: Known) -> Step:
    target = rng.choice(list(known.strategies))
    if target == "root" and rng.random() < 0.7:
        return WhichChildren("root")
    return Stop(target, rng.choice(STOPS))


def _batch(rng: Random, known: Known, sup: str, in_pool: bool, serial: int) -> Step:
    mine = known.workers_of(sup)
    ends: list[Item] = [Crash(path, rng.choice(("error", "kill"))) for path in rng.sample(mine, min(len(mine), 3))]
    if in_pool or not mine:
        return Batch(sup, (*ends, WhichChildren(sup), CountChildren(sup)))
    ids = [path.rpartition("/")[2] for path in mine]
    more = [waiting(rng, sup, ids, f"n{serial}") for _ in range(rng.randint(1, 6))]
    return Batch(sup, (*ends[:2], *more))


def _start(rng: Random, known: Known, sup: str, serial: int) -> Step:
    strategy = known.strategies[sup]
    in_pool = strategy in POOLS
    name = f"n{serial}" if in_pool or rng.random() < 0.6 else rng.choice(known.names_for_workers(sup))
    child = pooled(rng, strategy, name) if in_pool else worker(rng, name)
    if rng.random() < 0.25:
        child = evolve(child, **failing(rng, first=rng.choice((1, 2, 2))))
    known.workers.append(f"{sup}/{name}")
    return StartChild(sup, child)

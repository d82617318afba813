"""Families of scenarios aimed at simple_one_for_one and at Elixir's DynamicSupervisor."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import evolve

from properties.otp._draw import (
    BAD_CHILD,
    CRASHES,
    ODD_STOPS,
    STATIC,
    STOPS,
    Draft,
    Family,
    crash,
    failing,
    hard,
    manner,
    names,
    nested,
    pool,
    pooled,
    restart_type,
    worker,
    workers,
)
from properties.otp._scenario import (
    Batch,
    CountChildren,
    DeleteChild,
    Item,
    RestartChild,
    StartChild,
    Step,
    Stop,
    TerminateChild,
    WhichChildren,
    Worker,
)
from properties.otp._static_families import COUNT, WHICH, spread


def intensity(rng: Random, strategy: str) -> Draft:
    """Exactly `intensity` restarts are allowed in the window, one more is not."""
    limit, ids = rng.randint(0, 4), names(rng.randint(1, 4))
    kind = rng.choice(("permanent", "transient"))
    steps: list[Step] = [StartChild("root", pooled(rng, strategy, name, kind)) for name in ids]
    steps += [crash(rng.choice(ids), hard(rng)) for _ in range(limit + rng.randint(0, 2))]
    return Draft(pool(rng, strategy, limit, rng.choice((1, 5)), Worker(restart=kind)), steps, ("intensity",))


def window(rng: Random, strategy: str) -> Draft:
    """Restarts leave the window as the clock moves."""
    period, limit = rng.choice((1, 1, 2, 3)), rng.randint(1, 3)
    plain = {"on_shutdown": None, "shutdown": 5000} if strategy == "dynamic" else {}
    steps: list[Step] = [StartChild("root", pooled(rng, strategy, name, "permanent", **plain)) for name in "ab"]
    crashes: list[Step] = [crash(rng.choice("ab")) for _ in range(limit + rng.randint(2, 6))]
    tree = pool(rng, strategy, limit, period, Worker(restart="permanent"))
    return Draft(tree, [*steps, *spread(rng, crashes, period)], ("window",), rng.choice((0, 250, 700, 999)))


def restart_failure(rng: Random, strategy: str) -> Draft:
    """A restart that fails is tried again; a first start that fails is not."""
    ids = names(rng.randint(1, 3))
    kind = rng.choice(("permanent", "transient"))
    steps: list[Step] = [StartChild("root", pooled(rng, strategy, name, kind)) for name in ids]
    steps.append(StartChild("root", pooled(rng, strategy, "x", kind, **failing(rng))))
    how = rng.choice(("error", "raise", "ignore"))
    steps.append(StartChild("root", pooled(rng, strategy, "y", fail_on=(1,), fail_how=how)))
    steps += [crash(rng.choice(("x", *ids))) for _ in range(rng.randint(2, 4))]
    tree = pool(rng, strategy, rng.randint(1, 5), template=Worker(restart=kind))
    return Draft(tree, [*steps, WHICH, COUNT], ("restart_failure",))


def ignored(rng: Random, strategy: str) -> Draft:
    """A start or restart that is ignored; only dynamic, for OTP's own pool keeps a broken entry then."""
    kids = [worker(rng, name, fail_on=(rng.randint(1, 2),), fail_how="ignore") for name in "abc"]
    steps: list[Step] = [StartChild("root", kid) for kid in kids]
    steps += [crash(rng.choice("abc")) for _ in range(3)]
    tree = pool(rng, "dynamic", 4, max_children=rng.choice((None, 2, 3)))
    return Draft(tree, [*steps, COUNT], ("ignore",))


def lifecycle(rng: Random, strategy: str) -> Draft:
    """Starting, terminating, asking; what a pool refuses."""
    ids = list(names(4))
    steps = [_lifecycle_step(rng, strategy, ids, serial) for serial in range(rng.randint(6, 14))]
    said: dict[str, Any] = {"max_children": rng.choice((None, 0, 1, 2, 3))} if strategy == "dynamic" else {}
    return Draft(pool(rng, strategy, **said), steps, ("api",))


def _lifecycle_step(rng: Random, strategy: str, ids: list[str], serial: int) -> Step:
    name = rng.choice(ids)
    simple = strategy == "simple_one_for_one"
    match rng.randrange(13 if simple else 10):
        case 0 | 1 | 2 | 3:
            ids.append(f"{name[0]}{serial}")
            return StartChild("root", _newcomer(rng, strategy, ids[-1]))
        case 4 | 5:
            return TerminateChild("root", name)
        case 6:
            return WHICH
        case 7:
            return COUNT
        case 10:
            return RestartChild("root", name)
        case 11:
            return DeleteChild("root", name)
        case 12:
            return TerminateChild("root", name, by="id")
        case _:
            return crash(name, rng.choice(CRASHES))


def _newcomer(rng: Random, strategy: str, name: str) -> Worker:
    child = pooled(rng, strategy, name, info=True if rng.random() < 0.2 else None)
    spoilt = strategy == "dynamic" and rng.random() < 0.15
    return evolve(child, **rng.choice(BAD_CHILD[:3])) if spoilt else child


def batch(rng: Random, strategy: str) -> Draft:
    """Several things wait in the pool's mailbox before it sees the first."""
    ids = names(rng.randint(2, 5))
    kind = rng.choice(("permanent", "permanent", "transient", "temporary"))
    steps: list[Step] = []
    for name in ids:
        fails = failing(rng) if rng.random() < 0.4 else {}
        steps.append(StartChild("root", pooled(rng, strategy, name, kind, **fails)))
    items = tuple(waiting(rng, "root", strategy, ids, f"z{at}") for at in range(rng.randint(2, 8)))
    said: dict[str, Any] = {"max_children": len(ids)} if strategy == "dynamic" and rng.random() < 0.5 else {}
    tree = pool(rng, strategy, rng.randint(1, 5), template=Worker(restart=kind), **said)
    return Draft(tree, [*steps, Batch("root", items), WHICH, COUNT], ("batch",))


def waiting(rng: Random, sup: str, strategy: str, ids: str | list[str], fresh: str) -> Item:
    """Draw what waits in a pool's mailbox: the end of a child, or a call."""
    name = rng.choice(ids)
    match rng.randrange(10):
        case 0 | 1:
            return TerminateChild(sup, name)
        case 2:
            return WhichChildren(sup)
        case 3:
            return CountChildren(sup)
        case 4:
            return StartChild(sup, pooled(rng, strategy, fresh))
        case _:
            return crash(f"{sup}/{name}".removeprefix("root/"), rng.choice(("error", "kill", "normal")))


def stopping(rng: Random, strategy: str) -> Draft:
    """How all of a pool's children are stopped at once."""
    ids = names(rng.randint(2, 6))
    template = Worker(restart=restart_type(rng), **manner(rng, rng.choice((None, *ODD_STOPS))))
    steps: list[Step] = [StartChild("root", pooled(rng, strategy, name)) for name in ids]
    steps += [TerminateChild("root", rng.choice(ids)), crash(rng.choice(ids), rng.choice(CRASHES))]
    steps.append(Stop("root", rng.choice(STOPS)))
    return Draft(pool(rng, strategy, 2, template=template), steps, ("stopping",))


def auto_shutdown(rng: Random, strategy: str) -> Draft:
    """Only simple_one_for_one: DynamicSupervisor has no significant children."""
    template = Worker(restart=rng.choice(("transient", "temporary")), significant=True)
    steps: list[Step] = [StartChild("root", Worker(id=name)) for name in "abc"]
    steps += [crash(rng.choice("abc"), rng.choice(("normal", "error", "shutdown"))) for _ in range(3)]
    steps.insert(rng.randint(3, 5), TerminateChild("root", rng.choice("abc")))
    mode = rng.choice(("any_significant", "all_significant", "all_significant"))
    tree = pool(rng, "simple_one_for_one", template=template, auto_shutdown=mode)
    return Draft(tree, steps, ("auto_shutdown",))


def supervisors(rng: Random, strategy: str) -> Draft:
    """Supervisors (one of them itself a pool) as children of a dynamic one."""
    steps: list[Step] = []
    for name in names(rng.randint(1, 4)):
        kids = workers(rng, "xy", "permanent", "transient")
        steps.append(StartChild("root", nested(rng, name, rng.choice(STATIC), kids, intensity=rng.randint(0, 1))))
    steps.append(StartChild("root", nested(rng, "p", "dynamic", (), "permanent", intensity=1)))
    steps.append(StartChild("root/p", worker(rng, "k", "permanent")))
    targets = ("a/x", "a/y", "b/x", "c/y", "p/k", "p/k")
    steps += [crash(rng.choice(targets), hard(rng)) for _ in range(rng.randint(3, 8))]
    if rng.random() < 0.5:
        steps.append(TerminateChild("root", rng.choice("abp")))
    return Draft(pool(rng, "dynamic", 2), [*steps, COUNT], ("escalation",))


SIMPLE: tuple[Family, ...] = (
    intensity,
    window,
    restart_failure,
    lifecycle,
    lifecycle,
    batch,
    batch,
    stopping,
    auto_shutdown,
)
DYNAMIC: tuple[Family, ...] = (
    intensity,
    window,
    restart_failure,
    ignored,
    lifecycle,
    lifecycle,
    batch,
    batch,
    stopping,
    supervisors,
)

"""Families of scenarios, each aimed at one rule of one_for_one, one_for_all and rest_for_one."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from attrs import evolve

from properties.otp._draw import (
    BAD_CHILD,
    BAD_FLAGS,
    CRASHES,
    FAILURES,
    ODD_STOPS,
    STATIC,
    STOPS,
    Draft,
    Family,
    alter,
    crash,
    failing,
    hard,
    manner,
    names,
    nested,
    restart_type,
    supervisor,
    worker,
    workers,
)
from properties.otp._scenario import (
    Advance,
    Batch,
    Call,
    Child,
    CountChildren,
    DeleteChild,
    GetChildspec,
    Item,
    RestartChild,
    StartChild,
    Step,
    Stop,
    Supervisor,
    TerminateChild,
    WhichChildren,
    Worker,
)

WHICH, COUNT = WhichChildren("root"), CountChildren("root")


def intensity(rng: Random, strategy: str) -> Draft:
    """Exactly `intensity` restarts are allowed in the window, one more is not."""
    limit, ids = rng.randint(0, 4), names(rng.randint(1, 4))
    steps = [crash(rng.choice(ids), hard(rng)) for _ in range(limit + rng.randint(0, 2))]
    kids = workers(rng, ids, "permanent", "transient")
    return Draft(supervisor(strategy, kids, limit, rng.choice((1, 5, 60))), steps, ("intensity",))


def window(rng: Random, strategy: str) -> Draft:
    """Restarts leave the window as the clock moves: in whole seconds, from whatever phase it started."""
    ids = names(rng.randint(1, 3))
    kids = [worker(rng, name, "permanent", on_shutdown=None, shutdown=5000) for name in ids]
    period, limit = rng.choice((1, 1, 2, 3)), rng.randint(1, 3)
    crashes = [crash(rng.choice(ids)) for _ in range(limit + rng.randint(2, 6))]
    return Draft(
        supervisor(strategy, kids, limit, period),
        spread(rng, crashes, period),
        ("window",),
        rng.choice((0, 250, 700, 999)),
    )


def spread(rng: Random, crashes: Sequence[Step], period: int) -> list[Step]:
    """Put the clock's moves between crashes, around the edges of the window."""
    around = (0, 1, 400, 500, 999, 1000, period * 1000 - 500, period * 1000, period * 1000 + 1, (period + 1) * 1000)
    steps: list[Step] = []
    for each in crashes:
        steps.append(each)
        if gap := rng.choice(around):
            steps.append(Advance(gap))
    return steps


def start_failure(rng: Random, strategy: str) -> Draft:
    """A child that cannot start: those before it are stopped in reverse order."""
    ids = names(rng.randint(2, 5))
    kids = workers(rng, ids)
    alter(rng, kids, fail_on=(1,), fail_how=rng.choice((*FAILURES, "ignore")))
    tree: list[Child] = [*kids]
    if rng.random() < 0.5:
        inner = workers(rng, names(rng.randint(1, 3)))
        inner[-1] = evolve(inner[-1], fail_on=(rng.randint(1, 2),), fail_how=rng.choice(FAILURES))
        tree.insert(rng.randint(0, len(kids)), nested(rng, "s", rng.choice(STATIC), inner, "permanent"))
    steps: list[Step] = [crash(rng.choice(ids)), crash(rng.choice(ids)), WHICH, COUNT]
    return Draft(supervisor(strategy, tree, rng.randint(1, 3)), steps, ("start_failure",))


def restart_failure(rng: Random, strategy: str) -> Draft:
    """A restart that fails is tried again; each try counts."""
    ids = names(rng.randint(2, 4))
    kids = workers(rng, ids, "permanent", "permanent", "transient")
    alter(rng, kids, **failing(rng))
    if rng.random() < 0.3:
        alter(rng, kids, **{"fail_on": None, "fail_from": None, **failing(rng, first=3)})
    steps = [crash(rng.choice(ids), hard(rng)) for _ in range(rng.randint(2, 4))]
    return Draft(supervisor(strategy, kids, rng.randint(1, 6)), steps, ("restart_failure",))


def ignored(rng: Random, strategy: str) -> Draft:
    """A start that answers ignore leaves the child undefined (temporary: gone)."""
    ids = names(rng.randint(2, 4))
    kids = workers(rng, ids)
    for _ in range(rng.randint(1, 2)):
        alter(rng, kids, fail_on=(rng.randint(1, 3),), fail_how="ignore")
    fresh = StartChild("root", worker(rng, "z", fail_on=(1,), fail_how="ignore"))
    calls = [rng.choice((RestartChild, DeleteChild, TerminateChild))("root", rng.choice(ids)) for _ in range(3)]
    ends = [crash(rng.choice(ids)) for _ in range(3)]
    steps: list[Step] = [*ends[:2], WHICH, COUNT, *calls, fresh, fresh, ends[2]]
    return Draft(supervisor(strategy, kids, 4), steps, ("ignore",))


def escalation(rng: Random, strategy: str) -> Draft:
    """An inner supervisor gives up with reason shutdown; its parent decides."""
    leaves = workers(rng, "ab", "permanent")
    inner: list[Child] = [
        worker(rng, "x", "permanent"),
        nested(rng, "t", rng.choice(STATIC), leaves, intensity=rng.randint(0, 1)),
    ]
    rng.shuffle(inner)
    kids: list[Child] = [
        worker(rng, "a"),
        nested(rng, "s", rng.choice(STATIC), inner, intensity=rng.randint(0, 2)),
        worker(rng, "b"),
    ]
    rng.shuffle(kids)
    targets = ("s/t/a", "s/t/b", "s/t/a", "s/x", "a", "b")
    steps = [crash(rng.choice(targets), hard(rng)) for _ in range(rng.randint(4, 8))]
    return Draft(supervisor(strategy, kids, rng.randint(1, 3)), steps, ("escalation",))


def auto_shutdown(rng: Random, strategy: str) -> Draft:
    """Significant children that end for good take the supervisor with them."""
    mode = rng.choice(("any_significant", "all_significant", "all_significant"))
    kids: list[Child] = [_perhaps_significant(rng, name) for name in names(rng.randint(2, 5))]
    targets = [str(kid.id) for kid in kids]
    if rng.random() < 0.4:
        kids.insert(rng.randint(0, len(kids)), _group_with_significant(rng, "s"))
        targets.append("s/x")
    ids = [str(kid.id) for kid in kids]
    steps = [_ending(rng, ids, targets) for _ in range(rng.randint(3, 8))]
    return Draft(supervisor(strategy, kids, rng.randint(1, 4), auto_shutdown=mode), steps, ("auto_shutdown",))


def _perhaps_significant(rng: Random, name: str) -> Worker:
    significant = rng.random() < 0.6
    restart = rng.choice(("transient", "temporary")) if significant else restart_type(rng)
    return worker(rng, name, restart, significant=significant)


def _group_with_significant(rng: Random, name: str) -> Supervisor:
    inner = [worker(rng, "x", rng.choice(("transient", "temporary")), significant=True), worker(rng, "y")]
    return nested(
        rng,
        name,
        rng.choice(STATIC),
        inner,
        rng.choice(("transient", "temporary")),
        significant=rng.random() < 0.6,
        auto_shutdown="any_significant",
    )


def _ending(rng: Random, ids: list[str], targets: list[str]) -> Step:
    match rng.choice(("crash", "crash", "crash", "terminate", "restart", "stop")):
        case "terminate":
            return TerminateChild("root", rng.choice(ids))
        case "restart":
            return RestartChild("root", rng.choice(ids))
        case "stop" if "s" in ids:
            return Stop("root/s", rng.choice(STOPS))
        case _:
            return crash(rng.choice(targets), rng.choice(("normal", "error", "shutdown", "kill")))


def lifecycle(rng: Random, strategy: str) -> Draft:
    """start_child, terminate_child, restart_child, delete_child and their errors."""
    ids = names(rng.randint(1, 3))
    kids: list[Child] = [*workers(rng, ids)]
    known = [*ids, "d", "e", "nobody"]
    if rng.random() < 0.4:
        kids.append(nested(rng, "s", rng.choice(STATIC), workers(rng, "xy")))
    steps = [
        _lifecycle_step(rng, ids, known, with_group="s" if len(kids) > len(ids) else None)
        for _ in range(rng.randint(6, 14))
    ]
    return Draft(supervisor(strategy, kids), steps, ("api",))


def _lifecycle_step(rng: Random, ids: str, known: list[str], with_group: str | None) -> Step:
    if rng.random() < 0.12:
        return crash(rng.choice(known), rng.choice(CRASHES))
    return call(rng, "root", [*known, with_group] if with_group else known, rng.choice(("d", "e", *ids)))


def call(rng: Random, sup: str, known: list[str], fresh: str) -> Call:
    """Draw one of OTP's calls about a known child, or a start of the fresh one."""
    name = rng.choice(known)
    match rng.randrange(9):
        case 0 | 1:
            return TerminateChild(sup, name)
        case 2 | 3:
            return RestartChild(sup, name)
        case 4:
            return DeleteChild(sup, name)
        case 5:
            return GetChildspec(sup, name)
        case 6:
            return WhichChildren(sup)
        case 7:
            return CountChildren(sup)
        case _:
            return StartChild(sup, _newcomer(rng, fresh))


def _newcomer(rng: Random, name: str) -> Worker:
    fails: dict[str, Any] = {"fail_on": (1,), "fail_how": rng.choice(FAILURES)} if rng.random() < 0.2 else {}
    return worker(rng, name, info=True if rng.random() < 0.2 else None, **fails)


def batch(rng: Random, strategy: str) -> Draft:
    """Several things wait in the supervisor's mailbox before it sees the first."""
    ids = names(rng.randint(2, 5))
    kids = workers(rng, ids, "permanent", "permanent", "transient", "temporary")
    if rng.random() < 0.5:
        alter(rng, kids, **failing(rng))
    items = tuple(waiting(rng, "root", list(ids), rng.choice((rng.choice(ids), "z"))) for _ in range(rng.randint(2, 8)))
    steps: list[Step] = [Batch("root", items), WHICH, crash(rng.choice(ids))]
    return Draft(supervisor(strategy, kids, rng.randint(0, 4)), steps, ("batch",))


def waiting(rng: Random, sup: str, known: list[str], fresh: str) -> Item:
    """Draw what waits in a mailbox: the end of a child, or a call."""
    if rng.random() < 0.45:
        return crash(f"{sup}/{rng.choice(known)}".removeprefix("root/"), rng.choice(("error", "kill", "normal")))
    return call(rng, sup, known, fresh)


def restarting(rng: Random, strategy: str) -> Draft:
    """Calls that find a child `restarting` because its restart just failed."""
    kids = workers(rng, names(rng.randint(1, 4)), "permanent", "transient")
    name = alter(rng, kids, **failing(rng, many=4))
    queries: list[Item] = [
        WHICH,
        COUNT,
        RestartChild("root", name),
        DeleteChild("root", name),
        StartChild("root", worker(rng, name)),
        TerminateChild("root", name),
        TerminateChild("root", name),
        GetChildspec("root", name),
    ]
    items = (crash(name), *rng.sample(queries, rng.randint(2, 6)))
    steps: list[Step] = [Batch("root", items), WHICH, RestartChild("root", name), DeleteChild("root", name), WHICH]
    return Draft(supervisor(strategy, kids, rng.randint(1, 5)), steps, ("batch", "restarting"))


def stopping(rng: Random, strategy: str) -> Draft:
    """Order and manner of shutdown, and reasons for stopping."""
    ids = names(rng.randint(2, 4))
    kids: list[Child] = [worker(rng, name, **manner(rng, rng.choice((None, *ODD_STOPS)))) for name in ids]
    kids.insert(rng.randint(0, len(kids)), nested(rng, "s", rng.choice(STATIC), workers(rng, "xyz")))
    steps: list[Step] = [crash(rng.choice(ids), rng.choice(CRASHES))]
    if rng.random() < 0.6:
        steps.append(Stop("root/s", rng.choice(STOPS)))
    steps += [TerminateChild("root", rng.choice((*ids, "s"))), Stop("root", rng.choice(STOPS))]
    return Draft(supervisor(strategy, kids, 2), steps, ("stopping",))


def bad_spec(rng: Random, strategy: str) -> Draft:
    """Specs and flags that are refused."""
    kids = workers(rng, "ab")
    bad = evolve(worker(rng, "z", "transient"), **rng.choice(BAD_CHILD))
    auto = rng.choice(("never", "any_significant"))
    tree = supervisor(strategy, kids, 2, auto_shutdown=auto)
    steps: list[Step] = [WHICH]
    match rng.choice(("started", "started", "started", "initial", "flags", "twice")):
        case "started":
            steps = [StartChild("root", bad), WHICH, crash("a")]
        case "initial":
            tree = supervisor(strategy, [*kids, bad], 2, auto_shutdown=auto)
        case "flags":
            tree = evolve(tree, **rng.choice(BAD_FLAGS))
        case "twice":
            tree = supervisor(strategy, [*kids, worker(rng, "a")], 2)
    return Draft(tree, steps, ("bad_spec",))


FAMILIES: tuple[Family, ...] = (
    intensity,
    window,
    start_failure,
    restart_failure,
    ignored,
    escalation,
    escalation,
    auto_shutdown,
    auto_shutdown,
    lifecycle,
    lifecycle,
    batch,
    batch,
    restarting,
    stopping,
    bad_spec,
)

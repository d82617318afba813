"""Families that need room: trees up to five levels, up to twelve children, up to forty steps."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from attrs import evolve

from properties.otp._draw import (
    FAILURES,
    GROUPS,
    STATIC,
    STOPS,
    Draft,
    Family,
    crash,
    hard,
    manner,
    names,
    nested,
    supervisor,
    worker,
    workers,
)
from properties.otp._pool_families import waiting as waiting_in_pool
from properties.otp._scenario import (
    Advance,
    Batch,
    Child,
    CountChildren,
    Crash,
    DeleteChild,
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
from properties.otp._static_families import COUNT, WHICH, call, waiting

LEVELS = "stuv"


def tower(rng: Random, strategy: str, depth: int, **said: Any) -> tuple[Supervisor, list[str]]:
    """Draw supervisors within each other, workers beside each; return the root and the path of every level."""
    paths = ["root"]
    for level in LEVELS[: depth - 1]:
        paths.append(f"{paths[-1]}/{level}")
    below: Child | None = None
    for level in reversed(LEVELS[: depth - 1]):
        below = nested(rng, level, rng.choice(STATIC), _floor(rng, below), **_limits(rng), **said)
    root = supervisor(strategy, _floor(rng, below), rng.choice((1, 2, 3, 5, 8)), rng.choice((1, 2, 5)), **said)
    return root, paths  # a root that gives up at once would leave most steps undone


def _floor(rng: Random, below: Child | None) -> list[Child]:
    kids: list[Child] = [*workers(rng, names(rng.randint(1, 3)))]
    if below is not None:
        kids.insert(rng.randint(0, len(kids)), below)
    return kids


def _limits(rng: Random) -> dict[str, Any]:
    return {"intensity": rng.choice((0, 1, 1, 2, 3)), "period": rng.choice((1, 2, 5))}


def _below(path: str, name: str) -> str:
    return f"{path}/{name}".removeprefix("root/")


def escalation(rng: Random, strategy: str) -> Draft:
    """A crash at the bottom of a tower; each level gives up, or doesn't, by its own window."""
    tree, paths = tower(rng, strategy, rng.randint(3, 5))
    steps: list[Step] = []
    for _ in range(rng.randint(8, 30)):
        path = rng.choice((*paths, *paths[-2:], paths[-1], paths[-1]))
        steps.append(crash(_below(path, rng.choice("abc")), hard(rng)))
        if rng.random() < 0.25:
            steps.append(Advance(rng.choice((400, 999, 1000, 1001, 2500, 6000))))
    return Draft(tree, steps, ("escalation", "deep"), rng.choice((0, 1, 500, 999)))


def group_failures(rng: Random, strategy: str) -> Draft:
    """A group is restarted, and one after the other several of its members fail to."""
    ids = names(rng.randint(4, 12))
    kids = workers(rng, ids, "permanent", "permanent", "transient", "temporary")
    for at in sorted(rng.sample(range(len(kids)), rng.randint(2, min(5, len(kids))))):
        fail_on = tuple(sorted(rng.sample(range(2, 7), rng.randint(1, 3))))
        how = rng.choice((*FAILURES, "ignore"))
        kids[at] = evolve(kids[at], **manner(rng, "obey"), fail_on=fail_on, fail_how=how)
    steps: list[Step] = []
    for _ in range(rng.randint(2, 6)):
        ends = [crash(name, hard(rng)) for name in rng.sample(ids, rng.randint(1, 3))]
        calls = [call(rng, "root", list(ids), rng.choice(ids)) for _ in range(rng.randint(0, 5))]
        steps += [Batch("root", (*ends, *calls)) if calls else ends[0], WHICH]
        if rng.random() < 0.3:
            steps.append(Advance(rng.choice((1000, 6000))))
    strategy = strategy if strategy in GROUPS else rng.choice(GROUPS)
    return Draft(supervisor(strategy, kids, rng.randint(2, 9)), steps, ("restart_failure", "group"))


def nested_batches(rng: Random, strategy: str) -> Draft:
    """Crashes and calls wait together in the mailbox of a supervisor somewhere in a tower."""
    tree, paths = tower(rng, strategy, rng.randint(2, 4))
    steps: list[Step] = []
    for number in range(rng.randint(3, 9)):
        path = rng.choice(paths[1:])
        level = paths.index(path)
        known = [*"abc", *LEVELS[level : min(level + 1, len(paths) - 1)]]
        items = tuple(_on_workers(waiting(rng, path, known, f"n{number}")) for _ in range(rng.randint(3, 10)))
        steps += [Batch(path, items), rng.choice((WhichChildren(path), CountChildren(path), WHICH))]
    return Draft(tree, steps, ("batch", "deep"))


def _on_workers(item: Item) -> Item:
    """Only workers can be told to crash: let a crash of a supervisor be one of its neighbour."""
    if isinstance(item, Crash) and item.target[-1] in LEVELS:
        return Crash(item.target[:-1] + "a", item.reason)
    return item


def grandchild_failure(rng: Random, strategy: str) -> Draft:
    """A supervisor cannot be restarted, because something below it cannot; meanwhile it is asked for."""
    deepest = workers(rng, names(rng.randint(1, 3)), "permanent", "transient")
    at = rng.randrange(len(deepest))
    fail_on = tuple(sorted(rng.sample(range(2, 7), rng.randint(1, 4))))
    deepest[at] = evolve(deepest[at], fail_on=fail_on, fail_how=rng.choice(FAILURES))
    inner: list[Child] = [worker(rng, "x"), nested(rng, "t", rng.choice(STATIC), deepest, intensity=rng.randint(0, 1))]
    group = nested(
        rng, "s", rng.choice(STATIC), inner, rng.choice(("permanent", "transient")), intensity=rng.randint(0, 1)
    )
    kids: list[Child] = [worker(rng, "a", "permanent"), group, worker(rng, "b")]
    steps: list[Step] = [_meanwhile(rng, deepest) for _ in range(rng.randint(3, 9))]
    return Draft(supervisor(strategy, kids, rng.randint(1, 7)), steps, ("restart_failure", "deep"))


def _meanwhile(rng: Random, deepest: Sequence[Worker]) -> Step:
    if rng.random() < 0.5:
        return crash(rng.choice(("s/x", *(f"s/t/{kid.id}" for kid in deepest))), hard(rng))
    calls: list[Item] = [
        WHICH,
        COUNT,
        RestartChild("root", "s"),
        DeleteChild("root", "s"),
        TerminateChild("root", "s"),
        RestartChild("root", "b"),
        TerminateChild("root", "b"),
    ]
    return Batch("root", (crash("a", hard(rng)), *rng.sample(calls, rng.randint(1, 4))))


def nested_stops(rng: Random, strategy: str) -> Draft:
    """Supervisors somewhere in a tower are told to stop, with every kind of reason; what is left is asked for."""
    tree, paths = tower(rng, strategy, rng.randint(3, 5))
    steps: list[Step] = []
    for number in range(rng.randint(6, 20)):
        path = rng.choice(paths[1:])
        above = path.rpartition("/")[0]
        match rng.randrange(5):
            case 0 | 1:
                steps.append(Stop(path, rng.choice(STOPS)))
            case 2:
                steps.append(crash(_below(path, rng.choice("abc")), hard(rng)))
            case _:
                known = [path.rpartition("/")[2], *"abc"]
                steps.append(call(rng, above, known, f"n{number}"))
    return Draft(tree, steps, ("stopping", "deep"))


def nested_windows(rng: Random, strategy: str) -> Draft:
    """Windows of several supervisors move over one clock, which starts anywhere within a second."""
    inner = [worker(rng, name, "permanent", **manner(rng, "obey")) for name in "xy"]
    limits = {"intensity": rng.randint(1, 3), "period": rng.choice((1, 2, 3))}
    group = nested(rng, "s", rng.choice(STATIC), inner, "permanent", **limits)
    kids: list[Child] = [worker(rng, "a", "permanent", **manner(rng, "obey")), group]
    steps: list[Step] = []
    for _ in range(rng.randint(8, 18)):
        steps.append(crash(rng.choice(("a", "s/x", "s/x", "s/y"))))
        if rng.random() < 0.7:
            steps.append(Advance(rng.choice((1, 99, 333, 501, 999, 1000, 1001, 1500, 1999, 2000, 2999))))
    tree = supervisor(strategy, kids, rng.randint(1, 3), rng.choice((1, 2, 3)))
    return Draft(tree, steps, ("window", "deep"), rng.randrange(1000))


def significance(rng: Random, strategy: str) -> Draft:
    """Auto-shutdown climbs a tower whose levels are significant themselves, or not."""
    mode = rng.choice(("any_significant", "all_significant"))
    tree, paths = tower(rng, strategy, rng.randint(2, 4), auto_shutdown=mode)
    tree = _mark(rng, tree)
    steps: list[Step] = []
    for _ in range(rng.randint(5, 16)):
        path = rng.choice((*paths, paths[-1]))
        if rng.random() < 0.2:
            steps.append(rng.choice((TerminateChild, RestartChild))(path, rng.choice("abc")))
        else:
            reason = rng.choice(("normal", "normal", "shutdown", "error", "kill"))
            steps.append(crash(_below(path, rng.choice("abc")), reason))
    return Draft(tree, steps, ("auto_shutdown", "deep"))


def _mark(rng: Random, tree: Supervisor) -> Supervisor:
    """Let about half of the children that may be significant be so."""
    marked: list[Child] = []
    for child in tree.children or ():
        deep = _mark(rng, child) if isinstance(child, Supervisor) else child
        may = deep.restart != "permanent" and rng.random() < 0.5
        marked.append(evolve(deep, significant=True) if may else deep)
    return evolve(tree, children=tuple(marked))


def nested_pools(rng: Random, strategy: str) -> Draft:
    """Pools inside a static tree: filled, batched, given up and started anew, empty."""
    kids: list[Child] = [
        worker(rng, "a", "permanent"),
        nested(
            rng, "d", "dynamic", (), "permanent", intensity=rng.randint(0, 3), max_children=rng.choice((None, 3, 5))
        ),
        nested(rng, "e", "simple_one_for_one", (), "permanent", intensity=rng.randint(0, 3), template=_template(rng)),
    ]
    rng.shuffle(kids)
    ids: dict[str, list[str]] = {"d": [], "e": []}
    steps = [_pool_step(rng, ids, rng.choice("de"), number) for number in range(rng.randint(8, 24))]
    return Draft(supervisor(strategy, kids, rng.randint(1, 4)), steps, ("batch", "pool", "deep"))


def _template(rng: Random) -> Worker:
    return Worker(restart=rng.choice(("permanent", "transient")), **manner(rng, "obey"))


def _pool_step(rng: Random, ids: dict[str, list[str]], where: str, number: int) -> Step:
    path, strategy = f"root/{where}", {"d": "dynamic", "e": "simple_one_for_one"}[where]
    if len(ids[where]) < 2 or rng.random() < 0.35:
        ids[where].append(f"n{number}")
        said: dict[str, Any] = {"restart": "permanent"} if where == "d" else {}
        if rng.random() < 0.4:
            said |= {"fail_on": tuple(sorted(rng.sample(range(2, 6), 2))), "fail_how": rng.choice(FAILURES)}
        return StartChild(path, Worker(id=ids[where][-1], **said))
    if rng.random() < 0.15:
        return rng.choice(
            (crash("a"), Stop(path, rng.choice(STOPS)), TerminateChild("root", where), RestartChild("root", where))
        )
    items = (waiting_in_pool(rng, path, strategy, ids[where], f"m{number}x{at}") for at in range(rng.randint(2, 8)))
    return Batch(path, tuple(items))


FAMILIES: tuple[Family, ...] = (
    escalation,
    group_failures,
    nested_batches,
    grandchild_failure,
    nested_stops,
    nested_windows,
    significance,
    nested_pools,
)

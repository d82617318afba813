"""Families whose restarts are slow: calls, ends and stops come while a child is being started."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from attrs import evolve

from properties.otp._draw import (
    FAILURES,
    GROUPS,
    POOLED,
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
from properties.otp._scenario import (
    Call,
    Child,
    Crash,
    Meanwhile,
    SlowRestart,
    StartChild,
    Step,
    Stop,
    Supervisor,
    TerminateChild,
    WhichChildren,
    Worker,
)
from properties.otp._static_families import COUNT, WHICH, call

GOES_ON = ("ready",) * 4 + ("ignore",) * 2 + (*FAILURES, "kill")


def of(strategy: str) -> Sequence[Family]:
    """Return the families for a root of that strategy."""
    if strategy in POOLED:
        return (mailbox_of_pool, stop_of_pool)
    if strategy in GROUPS:
        return (mailbox, stop_of_group, deep)
    return (mailbox, stop_in_order, stop_in_order, stop_of_group, deep)


def mailbox(rng: Random, strategy: str) -> Draft:
    """Calls and ends of others wait while a child of the group starts slowly."""
    ids = names(rng.randint(2, 6))
    kids = workers(rng, ids, "permanent", "permanent", "transient", "temporary")
    if rng.random() < 0.4:
        at = rng.randrange(len(kids))
        kids[at] = evolve(kids[at], **manner(rng, "obey"), fail_on=(rng.randint(3, 4),), fail_how=rng.choice(FAILURES))
    steps: list[Step] = []
    for number in range(rng.randint(1, 4)):
        meanwhile: list[Meanwhile] = []
        for at in range(rng.randint(1, 5)):
            chosen = rng.choice(ids)
            said = crash(chosen, hard(rng)) if rng.random() < 0.3 else call(rng, "root", list(ids), f"n{number}x{at}")
            meanwhile.append(said)
        steps += [_slow(rng, "root", *_group(rng, strategy, kids), meanwhile), rng.choice((WHICH, COUNT))]
    return Draft(supervisor(strategy, kids, rng.randint(1, 7)), steps, ("slow_start", "api"))


def _group(rng: Random, strategy: str, kids: Sequence[Worker]) -> tuple[str, str]:
    """Draw who ends, and who of those that come back with it starts slowly."""
    ids = [str(kid.id) for kid in kids if kid.restart != "temporary"] or ["a"]
    at = rng.randrange(len(ids))
    group = {"one_for_one": ids[at : at + 1], "rest_for_one": ids[at:]}.get(strategy, ids)
    return ids[at], rng.choice(group)


def _slow(
    rng: Random, path: str, ends: str, held: str, meanwhile: Sequence[Meanwhile], *, until_stop: bool = False
) -> SlowRestart:
    return SlowRestart(
        target=f"{path}/{ends}",
        reason=hard(rng),
        held=f"{path}/{held or ends}",
        meanwhile=tuple(meanwhile),
        go_on=rng.choice(GOES_ON),
        until_stop=until_stop,
    )


def stop_in_order(rng: Random, strategy: str) -> Draft:
    """The supervisor is stopped while a child starts slowly, and its last child is slow to stop: all is equal."""
    ids = names(rng.randint(2, 6))
    kids = workers(rng, ids, "permanent", "transient")
    kids[-1] = evolve(kids[-1], shutdown=rng.choice((5000, "infinity")), on_shutdown="slow")
    ends, *others = rng.sample(ids[:-1], len(ids) - 1)
    limits = {"intensity": rng.randint(2, 4)}  # it mustn't give up before it is stopped
    if rng.random() < 0.5:
        slow = _slow(rng, "root", ends, "", [Stop("root", rng.choice(STOPS)), *_later(rng, "root", ids, others)])
        return Draft(supervisor(strategy, kids, **limits), _before(rng, "", others, slow), ("slow_start", "stopping"))
    group = nested(rng, "s", strategy, kids, rng.choice(("permanent", "transient", "temporary")), **limits)
    asks: Meanwhile = rng.choice(
        (Stop("root/s", rng.choice(STOPS)), TerminateChild("root", "s"), Stop("root", rng.choice(STOPS)))
    )
    slow = _slow(rng, "root/s", ends, "", [asks, *_later(rng, "root/s", ids, others)])
    steps: list[Step] = [*_before(rng, "s/", others, slow), WHICH, crash(f"s/{rng.choice(ids)}", hard(rng)), COUNT]
    tree = supervisor(rng.choice(STATIC), [worker(rng, "x"), group], rng.randint(1, 4))
    return Draft(tree, steps, ("slow_start", "stopping", "deep"))


def _before(rng: Random, prefix: str, others: Sequence[str], slow: SlowRestart) -> list[Step]:
    return [crash(f"{prefix}{rng.choice(others)}", hard(rng)), slow] if others and rng.random() < 0.4 else [slow]


def _later(rng: Random, path: str, ids: str, others: Sequence[str]) -> list[Meanwhile]:
    """Draw what comes after the stop: too late for calls, and some end by themselves."""
    late: list[Meanwhile] = [Crash(f"{path}/{name}", hard(rng)) for name in others if rng.random() < 0.2]
    if rng.random() < 0.4:
        late.append(_in(path, call(rng, "root", list(ids), "late")))
    return late


def _in(path: str, said: Call) -> Call:
    return evolve(said, sup=path)


def stop_of_group(rng: Random, strategy: str) -> Draft:
    """The supervisor is stopped while some child of a group starts slowly."""
    ids = names(rng.randint(1, 6))
    kids = workers(rng, ids, "permanent", "permanent", "transient", "temporary")
    steps: list[Step] = [crash(rng.choice(ids), hard(rng))] if rng.random() < 0.3 else []
    stop = Stop("root", rng.choice(STOPS))
    steps.append(_slow(rng, "root", *_group(rng, strategy, kids), [stop], until_stop=True))
    return Draft(supervisor(strategy, kids, rng.randint(2, 5)), steps, ("slow_start", "stopping", "group"))


def deep(rng: Random, strategy: str) -> Draft:
    """A whole supervisor is started again, and some child of its starts slowly; then calls, or the end of all."""
    inner = workers(rng, names(rng.randint(1, 4)), "permanent", "transient")
    group = nested(rng, "s", rng.choice(STATIC), inner, "permanent", intensity=0)
    kids: list[Child] = [worker(rng, "x", "permanent"), group, worker(rng, "y")]
    ends, held = rng.choice(inner).id, rng.choice(inner).id
    stops = rng.random() < 0.6
    meanwhile: list[Meanwhile] = [Stop("root", rng.choice(STOPS))] if stops else [_on_root(rng, at) for at in range(3)]
    slow = SlowRestart(f"root/s/{ends}", hard(rng), f"root/s/{held}", tuple(meanwhile), rng.choice(GOES_ON), stops)
    tail: list[Step] = [WHICH, WhichChildren("root/s")]
    return Draft(supervisor(strategy, kids, rng.randint(1, 4)), [slow, *tail], ("slow_start", "deep"))


def _on_root(rng: Random, at: int) -> Meanwhile:
    return crash(rng.choice("xy"), hard(rng)) if rng.random() < 0.3 else call(rng, "root", list("xsy"), f"n{at}")


def mailbox_of_pool(rng: Random, strategy: str) -> Draft:
    """Calls and ends of others wait while a child of a pool starts slowly."""
    ids = names(rng.randint(2, 5))
    meanwhile: list[Meanwhile] = []
    for at in range(rng.randint(1, 4)):
        more = _child(rng, strategy, f"n{at}")
        chosen: Sequence[Meanwhile] = (
            crash(rng.choice(ids), hard(rng)),
            StartChild("root", more),
            TerminateChild("root", rng.choice(ids)),
            WHICH,
            COUNT,
        )
        meanwhile.append(rng.choice(chosen))
    slow = _slow_in_pool(rng, strategy, ids, meanwhile)
    return Draft(_pool(rng, strategy), [*_filled(rng, strategy, ids), slow, WHICH, COUNT], ("slow_start", "pool"))


def stop_of_pool(rng: Random, strategy: str) -> Draft:
    """A pool is stopped while one of its children starts slowly."""
    ids = names(rng.randint(1, 5))
    stop = Stop("root", rng.choice(STOPS))
    slow = evolve(_slow_in_pool(rng, strategy, ids, [stop]), until_stop=True)
    return Draft(_pool(rng, strategy), [*_filled(rng, strategy, ids), slow], ("slow_start", "stopping", "pool"))


def _slow_in_pool(rng: Random, strategy: str, ids: str, meanwhile: Sequence[Meanwhile]) -> SlowRestart:
    slow = _slow(rng, "root", rng.choice(ids), "", meanwhile)
    if strategy == "simple_one_for_one" and slow.go_on == "ignore":
        return evolve(slow, go_on="error")  # OTP keeps a broken entry then, and crashes over it
    return slow


def _pool(rng: Random, strategy: str) -> Supervisor:
    template = Worker(restart="permanent", **manner(rng, "obey")) if strategy == "simple_one_for_one" else None
    return evolve(supervisor(strategy, (), rng.randint(1, 4)), template=template)


def _filled(rng: Random, strategy: str, ids: str) -> list[Step]:
    return [StartChild("root", _child(rng, strategy, name)) for name in ids]


def _child(rng: Random, strategy: str, name: str) -> Worker:
    return worker(rng, name, "permanent") if strategy == "dynamic" else Worker(id=name)

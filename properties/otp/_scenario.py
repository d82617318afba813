"""A scenario: a tree of supervisors, and what is done to it, as values.

Optional fields are None when the scenario says nothing, so that OTP's own defaults apply. Fields that OTP validates
(`restart`, `shutdown`, `strategy`, …) are typed wide on purpose: some scenarios hold values that must be refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeAlias

from attrs import evolve, fields, frozen

POOLS = frozenset({"simple_one_for_one", "dynamic"})
"""Strategies of supervisors whose children come at run time and stop in no promised order."""


@frozen(kw_only=True)
class Worker:
    """A child that runs, and how it starts, fails and stops."""

    id: str | None = None
    restart: str | None = None
    shutdown: int | str | None = None  # milliseconds, "brutal_kill" or "infinity"
    significant: bool | str | None = None
    on_shutdown: str | None = None  # None obeys
    fail_on: tuple[int, ...] | None = None  # which of its starts fail; 1 is the first
    fail_from: int | None = None
    fail_how: str | None = None  # None returns an error
    info: bool | None = None

    def fails(self, n: int) -> bool:
        """Whether the n-th start under this path fails (or, by `fail_how`, is ignored)."""
        return n in (self.fail_on or ()) or (self.fail_from is not None and n >= self.fail_from)

    def over(self, template: Worker) -> Worker:
        """Return the child that `template` makes of this: what is said here wins over what is said there."""
        said = {at.name: value for at in fields(Worker) if (value := getattr(self, at.name)) is not None}
        return evolve(template, **said)


@frozen(kw_only=True)
class Supervisor:
    """A supervisor, as root or as a child (then with `id`, `restart`, `shutdown`, `significant`)."""

    id: str | None = None
    restart: str | None = None
    shutdown: int | str | None = None
    significant: bool | str | None = None
    strategy: str
    intensity: int | None = None
    period: int | None = None  # seconds
    auto_shutdown: str | None = None
    max_children: int | None = None  # dynamic only
    template: Worker | None = None  # simple_one_for_one only
    children: tuple[Child, ...] | None = None


Child: TypeAlias = Worker | Supervisor


@frozen
class Crash:
    """The worker ends by itself; skipped when it isn't alive."""

    op: ClassVar[str] = "crash"
    target: str
    reason: str


@frozen
class Stop:
    """The supervisor is told to stop, as `proc_lib:stop` does."""

    op: ClassVar[str] = "stop"
    target: str
    reason: str


@frozen
class StartChild:
    """OTP's call of that name; in a pool the child's id is only a key for telling processes apart."""

    op: ClassVar[str] = "start_child"
    sup: str
    child: Child


@frozen
class TerminateChild:
    """OTP's call of that name; a pool is given the process, unless `by` says "id"."""

    op: ClassVar[str] = "terminate_child"
    sup: str
    id: str
    by: str | None = None


@frozen
class RestartChild:
    op: ClassVar[str] = "restart_child"
    sup: str
    id: str


@frozen
class DeleteChild:
    op: ClassVar[str] = "delete_child"
    sup: str
    id: str


@frozen
class GetChildspec:
    op: ClassVar[str] = "get_childspec"
    sup: str
    id: str


@frozen
class WhichChildren:
    op: ClassVar[str] = "which_children"
    sup: str


@frozen
class CountChildren:
    op: ClassVar[str] = "count_children"
    sup: str


@frozen
class Advance:
    """The clock moves; nobody is woken by it."""

    op: ClassVar[str] = "advance"
    ms: int


Call: TypeAlias = (
    StartChild | TerminateChild | RestartChild | DeleteChild | GetChildspec | WhichChildren | CountChildren
)
Item: TypeAlias = Crash | Call


@frozen
class Batch:
    """All items wait in the supervisor's mailbox, in this order, before it sees the first."""

    op: ClassVar[str] = "batch"
    sup: str
    items: tuple[Item, ...]


Meanwhile: TypeAlias = Item | Stop


@frozen
class SlowRestart:
    """A worker ends; the start of `held` that follows waits, until all of `meanwhile` is done, and then goes on.

    Skipped, but for the end of the worker, when `held` isn't started then.
    """

    op: ClassVar[str] = "slow_restart"
    target: str
    reason: str
    held: str
    meanwhile: tuple[Meanwhile, ...]
    go_on: str  # ready, ignore, error, bad_return, raise, exit, kill
    until_stop: bool = False
    """Compare what happens up to the stop that comes meanwhile, and how what runs then ends; no start after it."""


Step: TypeAlias = Item | Stop | Advance | Batch | SlowRestart


@frozen(kw_only=True)
class Scenario:
    """A tree and the steps done to it, one after the other; before each, everything is quiet."""

    id: str
    tags: tuple[str, ...]
    tree: Supervisor
    steps: tuple[Step, ...]
    phase_ms: int = 0
    """Where within a second the clock starts; OTP counts whole seconds, rounded down."""


def items_of(step: Step) -> tuple[Step, ...]:
    """Return what a step does one by one: a batch's items, what ends and what is done meanwhile, or the step itself."""
    match step:
        case Batch(items=items):
            return items
        case SlowRestart(target, reason, meanwhile=meanwhile):
            return (Crash(target, reason), *meanwhile)
        case _:
            return (step,)


def supervisors(scenario: Scenario) -> Iterator[tuple[str, Supervisor]]:
    """Yield path and spec of every supervisor that the tree or a `start_child` declares."""
    yield from _within(scenario.tree, "root")
    for step in scenario.steps:
        for item in items_of(step):
            if isinstance(item, StartChild):
                yield from _within(item.child, f"{item.sup}/{item.child.id}")


def _within(spec: Child, path: str) -> Iterator[tuple[str, Supervisor]]:
    if isinstance(spec, Supervisor):
        yield path, spec
        for child in spec.children or ():
            yield from _within(child, f"{path}/{child.id}")

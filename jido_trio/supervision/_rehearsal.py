"""Rehearsal: a whole tree of supervisors under virtual time, driven by `decide` alone. Nothing of the user's runs.

The children are made up. They are ready at once, crash when they are supposed to, and stop as soon as they are asked
to. What happens in one instant happens in the order of starting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Literal, TypeAlias

from attrs import Factory, define, field, frozen

from jido_trio.supervision import _events as ev
from jido_trio.supervision._child import Child
from jido_trio.supervision._faults import Fault, crash_of, start_is_to_fail
from jido_trio.supervision._nested import nested_spec
from jido_trio.supervision._pump import Pump
from jido_trio.supervision._slots import SlotState
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._tree import Ending, Tree

ROOT = "."
"""The path of the supervisor at the top; a child of it has its id as path, one below that "its supervisor/its id"."""

JITTER = 0.5
"""How much of its jitter a pause has: a run draws it from [0, 1)."""

MOST = 100_000
"""After so many happenings a rehearsal is cut short: some tree would loop for ever within one instant."""

What: TypeAlias = Literal["start", "start_failed", "crash", "stop", "back_off", "park", "give_up", "auto_shutdown"]

_SAID: Mapping[What, str] = {
    "start": "starts",
    "start_failed": "fails to start",
    "crash": "crashes",
    "stop": "is stopped",
    "back_off": "backs off",
    "park": "is parked",
    "give_up": "gives up",
    "auto_shutdown": "shuts down",
}


@frozen
class Happening:
    """One line of a timeline; its text is for people."""

    at: float
    """Seconds since the tree was started."""
    what: What
    path: str
    incarnation: int
    """Which life of that child, as its supervisor counts them."""

    def __str__(self) -> str:
        return f"{self.at:8.3f} s  {self.path} {_SAID[self.what]} (life {self.incarnation})"


@frozen
class SupervisorEnd:
    """How a supervisor ended that wasn't asked to."""

    supervisor: str
    """Its path."""
    at: float
    why: Literal["gave_up", "start_failed", "auto_shutdown"]
    child: str
    """The path of the child that was the last straw."""
    restarts: int = 0
    """How many restarts were counted, where they were too many: more than `max_restarts` within `max_seconds`."""
    max_restarts: int = 0
    max_seconds: float = 0
    cause: SupervisorEnd | None = None
    """How that child ended, where it is a supervisor itself."""

    @property
    def chain(self) -> tuple[SupervisorEnd, ...]:
        """The ends that led to this one, innermost first, and itself."""
        return (*(self.cause.chain if self.cause is not None else ()), self)


def paths_of(children: Sequence[Child], above: str = ROOT) -> Iterator[tuple[str, Child]]:
    """Yield every child of a tree with its path, each before those below it."""
    for child in children:
        path = path_of(above, child.id)
        yield path, child
        spec = nested_spec(child)
        if spec is not None:
            yield from paths_of(spec.children, path)


def path_of(above: str, id: str) -> str:
    """Return the path of a child of the supervisor `above`."""
    return id if above == ROOT else f"{above}/{id}"


@define(eq=False)
class _Worker:
    """A life of a child that is no supervisor."""

    owner: _Supervisor
    child: Child
    path: str
    incarnation: int
    began: float
    alive: bool = True

    def stop(self, limit: object) -> None:
        self._end("stop", "shutdown")

    def crash(self) -> None:
        if self.alive:
            self._end("crash", "crash")

    def _end(self, what: Literal["stop", "crash"], exit: Literal["shutdown", "crash"]) -> None:
        self.alive = False
        world = self.owner.world
        world.tell(what, self.path, self.incarnation)
        lasted = world.now - self.began if self.child.backoff is not None else 0.0
        self.owner.pump.fact(ev.ChildExited(self.child.id, self.incarnation, exit, lasted))


@define(eq=False)
class _Supervisor:
    """A life of a supervisor."""

    world: Rehearsal
    path: str
    spec: SupervisorSpec
    parent: _Supervisor | None = None
    child: Child | None = None
    incarnation: int = 1
    began: float = 0.0
    pump: Pump = Factory(
        lambda self: Pump(Tree(self.spec.flags), lambda: self.world.now, self._carry_out), takes_self=True
    )
    lives: dict[str, _Worker | _Supervisor] = field(factory=dict)
    end: SupervisorEnd | None = None
    """How it ended, if it wasn't asked to."""

    def boot(self) -> None:
        self.pump.post(
            ev.Boot(tuple(self.world.change(path_of(self.path, child.id), child) for child in self.spec.children))
        )

    @property
    def tree(self) -> Tree:
        return self.pump.tree

    def stop(self, limit: object) -> None:
        self.pump.fact(ev.KillTree() if limit == "brutal" else ev.StopTree())

    def _carry_out(self, before: Tree, event: ev.Event, commands: Sequence[ev.TreeCommand]) -> None:
        self.world.used(self.path, self.tree.window.count)
        self._tell_parked(before, event)
        if before.phase in ("new", "up"):
            self._tell_end(commands)
        for command in commands:
            self._perform(command)
        self.pump.halted = self.world.cut

    def _tell_parked(self, before: Tree, event: ev.Event) -> None:
        if not isinstance(event, ev.ChildExited | ev.QueuedExit | ev.ChildStartFailed | ev.TryAgain):
            return
        was, is_now = before.slots.get(event.child), self.tree.slots.get(event.child)
        if was is not None and is_now is not None and was.state != "parked" and is_now.state == "parked":
            self.world.tell("park", path_of(self.path, event.child), is_now.incarnation)

    def _tell_end(self, commands: Sequence[ev.TreeCommand]) -> None:
        """Note why the supervisor goes down, before its children do."""
        plan = self.tree.plan
        outcome = plan.purpose.outcome if plan is not None and isinstance(plan.purpose, Ending) else None
        for command in commands:
            if isinstance(command, ev.Finish):  # nothing had to be stopped
                outcome = command.outcome
        match outcome:
            case ev.TreeGaveUp(child, restarts, max_restarts, max_seconds):
                self.world.tell("give_up", self.path, self.incarnation)
                self._ends("gave_up", child, restarts, max_restarts, max_seconds)
            case ev.TreeShutDown(child):
                self.world.tell("auto_shutdown", self.path, self.incarnation)
                self._ends("auto_shutdown", child)
            case ev.TreeBootFailed(child):
                self._ends("start_failed", child)
            case _:
                pass

    def _ends(
        self,
        why: Literal["gave_up", "start_failed", "auto_shutdown"],
        child: str,
        restarts: int = 0,
        max_restarts: int = 0,
        max_seconds: float = 0,
    ) -> None:
        inner = self.lives.get(child)
        cause = inner.end if isinstance(inner, _Supervisor) else None
        path = path_of(self.path, child)
        self.end = SupervisorEnd(self.path, self.world.now, why, path, restarts, max_restarts, max_seconds, cause)
        self.world.ends.append(self.end)

    def _perform(self, command: ev.TreeCommand) -> None:
        match command:
            case ev.StartLife(child, incarnation):
                self._start(child, incarnation)
            case ev.StopLife(child, _, limit):
                self.lives[child].stop(limit)
            case ev.Wait(due, seconds, jitter):
                self.world.tell("back_off", path_of(self.path, due.child), due.incarnation)
                self.world.later(self.world.now + seconds * (1 + jitter * JITTER), lambda: self.pump.post(due))
            case ev.Post(message):
                self.pump.post(message)
            case ev.Finish(outcome):
                self._finish(outcome)
            case _:  # reports and answers are for those who run
                pass

    def _start(self, child: Child, incarnation: int) -> None:
        path = path_of(self.path, child.id)
        spec = nested_spec(child)
        if spec is None:
            self._start_worker(child, path, incarnation)
        else:
            self._start_supervisor(child, spec, path, incarnation)

    def _start_worker(self, child: Child, path: str, incarnation: int) -> None:
        world = self.world
        to_fail = world.next_start_fails(path)
        if to_fail and child.reports_ready:
            world.tell("start_failed", path, incarnation)
            self.pump.fact(ev.ChildStartFailed(child.id, incarnation))
            return
        world.tell("start", path, incarnation)
        life = self.lives[child.id] = _Worker(self, child, path, incarnation, world.now)
        # What doesn't tell when it is ready can't fail to start: it crashes in its first step.
        world.later(world.now if to_fail else world.crash_of(path), life.crash)
        if child.reports_ready:
            self.pump.fact(ev.ChildStarted(child.id, incarnation))

    def _start_supervisor(self, child: Child, spec: SupervisorSpec, path: str, incarnation: int) -> None:
        self.world.next_start_fails(path)
        self.world.tell("start", path, incarnation)
        nested = _Supervisor(self.world, path, spec, self, child, incarnation, self.world.now)
        self.lives[child.id] = nested
        nested.boot()
        if nested.end is not None and nested.end.why == "start_failed":
            self.pump.fact(ev.ChildStartFailed(child.id, incarnation))
        else:
            self.pump.fact(ev.ChildStarted(child.id, incarnation))

    def _finish(self, outcome: ev.TreeOutcome) -> None:
        match outcome:
            case ev.TreeStopped():
                self.world.tell("stop", self.path, self.incarnation)
            case ev.TreeBootFailed():
                self.world.tell("start_failed", self.path, self.incarnation)
                return
            case _:
                pass
        if self.parent is None or self.child is None:
            return
        exit: Literal["normal", "shutdown"] = "normal" if isinstance(outcome, ev.TreeStopped) else "shutdown"
        lasted = self.world.now - self.began if self.child.backoff is not None else 0.0
        self.parent.pump.fact(ev.ChildExited(self.child.id, self.incarnation, exit, lasted))

    def states(self) -> Iterator[tuple[str, SlotState]]:
        """Yield the state of each child, and of those below it where it runs."""
        for slot in self.tree.slots:
            path = path_of(self.path, slot.child.id)
            yield path, slot.state
            life = self.lives.get(slot.child.id)
            if isinstance(life, _Supervisor) and slot.state == "running":
                yield from life.states()


@define(eq=False)
class Rehearsal:
    """A tree from its start until some time, or its end."""

    spec: SupervisorSpec
    failures: Mapping[str, Sequence[Fault]]
    change: Callable[[str, Child], Child] = lambda path, child: child
    """What a child is replaced by, given its path."""
    now: float = 0.0
    timeline: list[Happening] = field(factory=list)
    starts: Counter[str] = field(factory=Counter)
    """How often each child was started, failed starts included."""
    most_used: dict[str, int] = field(factory=dict)
    """The most restarts that each supervisor had in its window."""
    ends: list[SupervisorEnd] = field(factory=list)
    cut: bool = False
    _agenda: list[tuple[float, int, Callable[[], None]]] = field(factory=list)
    _order: Iterator[int] = field(factory=count)
    root: _Supervisor = Factory(lambda self: _Supervisor(self, ROOT, self.spec), takes_self=True)

    def run(self, seconds: float) -> None:
        """Do all that happens within so many seconds."""
        self.root.boot()
        while self._agenda and self.root.tree.phase != "ended" and not self.cut:
            at, _, do = heappop(self._agenda)
            if at > seconds:
                break
            self.now = at
            do()
        if not self.cut and self.root.tree.phase != "ended":
            self.now = seconds

    # ---- for supervisors

    def tell(self, what: What, path: str, incarnation: int) -> None:
        self.timeline.append(Happening(self.now, what, path, incarnation))
        self.cut = len(self.timeline) >= MOST

    def later(self, at: float, do: Callable[[], None]) -> None:
        heappush(self._agenda, (at, next(self._order), do))

    def used(self, path: str, restarts: int) -> None:
        self.most_used[path] = max(self.most_used.get(path, 0), restarts)

    def next_start_fails(self, path: str) -> bool:
        self.starts[path] += 1
        return start_is_to_fail(self.failures.get(path, ()), self.starts[path])

    def crash_of(self, path: str) -> float:
        return crash_of(self.failures.get(path, ()), self.now)

"""The pure reducer as an engine: whole trees of supervisors, driven by `decide`, with children that are made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import Factory, define, field

from jido_trio.errors import InvalidDefinition
from jido_trio.supervision import Child, Counts, Life
from jido_trio.supervision import _events as ev
from jido_trio.supervision._calls import rows_of
from jido_trio.supervision._flags import Flags
from jido_trio.supervision._pump import Pump
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._tree import Tree
from properties.otp._engine import Engine
from properties.otp._scenario import (
    Advance,
    Batch,
    Call,
    CountChildren,
    Crash,
    DeleteChild,
    GetChildspec,
    Item,
    Meanwhile,
    RestartChild,
    Scenario,
    SlowRestart,
    StartChild,
    Step,
    Stop,
    Supervisor,
    TerminateChild,
    WhichChildren,
    Worker,
)
from properties.otp._trace import ALIVE, FAILED, Event, Final, Json, Row, Trace, TraceStep
from properties.otp._words import (
    CLASS_OF_CRASH,
    CLASS_WHEN_STOPPED,
    CLOCK_BASE_MS,
    KIND_OF,
    Names,
    child_of,
    flags_of,
    is_pool,
    spec_of,
    tag_of,
    wants_info,
)


async def _never_run(_spec: object, *, task_status: Life) -> None:
    """What children of a made-up tree would run."""


@define(eq=False)
class _Work:
    """A worker that lives, or did."""

    owner: _Sup
    child: Child
    incarnation: int
    path: str
    n: int
    alive: bool = True

    def stop(self, limit: object) -> None:
        spec: Worker = self.child.args[-1]  # type: ignore[assignment]  # what `child_of` put there
        if limit not in ("brutal", 0) and spec.on_shutdown == "slow" and self.owner.world.starting is not None:
            self.owner.world.slow.append(self)
            return
        too_slow = limit == 0 and spec.on_shutdown == "slow"
        self.die("killed" if limit == "brutal" or too_slow else CLASS_WHEN_STOPPED[spec.on_shutdown])

    def die(self, exit_class: str) -> None:
        self.alive = False
        self.owner.world.tell("exit", self.path, self.n, exit_class)
        self.owner.fact(ev.ChildExited(self.child.id, self.incarnation, KIND_OF[exit_class]))


@define(eq=False)
class _Starting:
    """A worker whose start waits for the script."""

    owner: _Sup
    child: Child
    incarnation: int
    path: str
    n: int

    def go_on(self, how: str) -> None:
        """Let the start go on, unless it was stopped meanwhile."""
        lives = self.owner.lives
        if self.child.id in lives and lives[self.child.id] is self:
            self.owner.start_worker(self.child, self.incarnation, self.path, self.n, how)

    def stop(self, limit: object) -> None:
        del self.owner.lives[self.child.id]
        self.owner.fact(ev.ChildStartFailed(self.child.id, self.incarnation, False))


@define(eq=False)
class _Sup:
    """A supervisor that lives, or did: a tree, and what a shell would keep."""

    world: _World
    path: str
    n: int
    spec: Supervisor
    flags: Flags
    parent: _Sup | None = None
    as_child: tuple[str, int] = ("", 0)
    pump: Pump = Factory(lambda self: Pump(Tree(self.flags), self.second, self._carry_out), takes_self=True)
    lives: dict[str, _Work | _Starting | _Sup] = field(factory=dict)
    answers: dict[int, tuple[ev.CallResult, Names]] = field(factory=dict)
    """What came back, and how the children were called at that moment."""
    alive: bool = True
    up: bool = False
    ends_as: str = "shutdown"
    killed: bool = False
    failure: list[Json] | None = None
    """Why it could not start."""
    child_failure: list[Json] | None = None
    """Why the child that failed last could not start, where that is a supervisor."""
    names: Names = Factory(lambda self: Names(self.path, self.spec), takes_self=True)

    def second(self) -> float:
        """The time of its clock."""
        return self.world.now_ms // 1000

    def boot(self) -> None:
        children = tuple(child_of(self.spec, child, _never_run) for child in self.spec.children or ())
        if self.spec.template is not None:
            child_of(self.spec, Worker(id="template"), _never_run)
        SupervisorSpec(children, self.flags)
        self.post(ev.Boot(children))

    def check(self, child: Child) -> None:
        SupervisorSpec((), self.flags).check(child)

    def fact(self, fact: ev.Fact) -> None:
        self.pump.fact(fact)

    def post(self, message: ev.TreeMessage) -> None:
        self.pump.post(message)

    @property
    def tree(self) -> Tree:
        return self.pump.tree

    def _carry_out(self, before: Tree, event: ev.Event, commands: tuple[ev.TreeCommand, ...]) -> None:
        for command in commands:
            self._perform(command)
        self.pump.halted = not self.alive

    def _perform(self, command: ev.TreeCommand) -> None:
        match command:
            case ev.StartLife(child, incarnation):
                self._start(child, incarnation)
            case ev.StopLife(child, _, limit):
                self.lives[child].stop(limit)
            case ev.AnswerCall(request, result):
                self.answers[request] = result, self.names.copy()
            case ev.Post(message):
                self.post(message)
            case ev.Booted():
                self.up = True
                self.tell_parent(ev.ChildStarted)
            case ev.Finish(outcome):
                self._finish(outcome)

    def tell_parent(self, how: type[ev.ChildStarted | ev.ChildStartFailed]) -> None:
        """Say what became of its start."""
        if self.parent is not None:
            self.parent.child_failure = self.failure
            self.parent.fact(how(*self.as_child))

    def _start(self, child: Child, incarnation: int) -> None:
        spec: Any = child.args[-1]
        path = f"{self.path}/{child.id}"
        n = self.names.n_of[child.id, incarnation] = self.world.next_n(path)
        self.child_failure = None
        self.names.failed.discard(child.id)
        if not isinstance(spec, Worker):
            self.world.open(path, n, spec, self, (child.id, incarnation))
        elif path == self.world.held:
            self.world.held = None
            self.lives[child.id] = self.world.starting = _Starting(self, child, incarnation, path, n)
        else:
            self.start_worker(child, incarnation, path, n, spec.fail_how or "error" if spec.fails(n) else "ready")

    def start_worker(self, child: Child, incarnation: int, path: str, n: int, how: str) -> None:
        """Let the start of a worker be ready, or fail, or be ignored."""
        if how == "ready":
            self.world.tell("start", path, n)
            self.lives[child.id] = self.world.lives[path] = _Work(self, child, incarnation, path, n)
            self.fact(ev.ChildStarted(child.id, incarnation))
            return
        self.names.failed.add(child.id)
        ignored = how == "ignore"
        self.world.tell("ignored" if ignored else "start_failed", path, n)
        self.fact(ev.ChildStartFailed(child.id, incarnation, ignored))

    def _finish(self, outcome: ev.TreeOutcome) -> None:
        self.alive = False
        for message in self.pump.messages:
            if isinstance(message, ev.Request):
                self.answers[message.request] = ev.Closed(), self.names
        if isinstance(outcome, ev.TreeBootFailed):
            inner: list[Json] = [self.child_failure] if self.child_failure is not None else []
            self.failure = ["failed_to_start_child", outcome.child, *inner]
            self.world.tell("start_failed", self.path, self.n)
            self.tell_parent(ev.ChildStartFailed)
            return
        if not isinstance(outcome, ev.TreeStopped):
            self.ends_as = "shutdown"
        if not self.killed:
            self.world.tell("exit", self.path, self.n, self.ends_as)
        if not self.up:
            self.tell_parent(ev.ChildStartFailed)
        elif self.parent is not None:
            self.parent.fact(ev.ChildExited(*self.as_child, KIND_OF[self.ends_as]))

    def stop(self, limit: object, ends_as: str = "shutdown") -> None:
        self.ends_as = ends_as
        if limit != "brutal":
            self.fact(ev.StopTree())
            return
        self.killed, self.ends_as = True, "killed"
        self.world.tell("exit", self.path, self.n, "killed")
        self.fact(ev.KillTree())


@define(eq=False)
class _World:
    """One run of a scenario."""

    scenario: Scenario
    now_ms: int = Factory(lambda self: CLOCK_BASE_MS + self.scenario.phase_ms, takes_self=True)
    lives: dict[str, _Work | _Sup] = field(factory=dict)
    """The last process of each path."""
    held: str | None = None
    """The path whose next start waits for the script."""
    starting: _Starting | None = None
    """The start that waits, or did within this step."""
    slow: list[_Work] = field(factory=list)
    """Who was asked to stop during that start, and is slow to."""
    _events: list[Event] = field(factory=list)
    _starts: dict[str, int] = field(factory=dict)
    _requests: int = 0

    def run(self) -> Trace:
        root = self.open("root", self.next_n("root"), self.scenario.tree)
        steps = [self._report("start", ["ok"] if root.failure is None else ["error", *root.failure])]
        if root.failure is not None:
            return Trace(self.scenario.id, tuple(steps), FAILED)
        left = len(self.scenario.steps)
        for step in self.scenario.steps:
            if not root.alive:
                break
            steps.append(self._report(step.op, self._step(step)))
            left -= 1
        return Trace(self.scenario.id, tuple(steps), ALIVE if root.alive else Final("dead", root.ends_as, left))

    def open(
        self, path: str, n: int, spec: Supervisor, parent: _Sup | None = None, as_child: tuple[str, int] = ("", 0)
    ) -> _Sup:
        """Start a supervisor; its `failure` says whether that went well."""
        self.tell("start", path, n)
        refused: list[Json] | None
        flags, refused = _flags(spec)
        sup = _Sup(self, path, n, spec, flags, parent, as_child)
        self.lives[path] = sup
        if parent is not None:
            parent.lives[as_child[0]] = sup
        if refused is None:
            try:
                sup.boot()
            except InvalidDefinition as error:
                refused = ["start_spec", tag_of(error)]
        if refused is not None:
            sup.alive, sup.failure = False, refused
            self.tell("start_failed", path, n)
            sup.tell_parent(ev.ChildStartFailed)
        return sup

    def tell(self, what: str, path: str, n: int, exit_class: str = "") -> None:
        self._events.append(Event(what, path, n, exit_class))

    def next_n(self, path: str) -> int:
        self._starts[path] = self._starts.get(path, 0) + 1
        return self._starts[path]

    def _report(self, op: str, result: list[Json]) -> TraceStep:
        events, self._events = self._events, []
        return TraceStep(op, result, events, self._state())

    def _state(self) -> Mapping[str, tuple[Row, ...]]:
        sups = {path: life for path, life in self.lives.items() if isinstance(life, _Sup) and life.alive}
        return {path: sup.names.state(rows_of(sup.tree)) for path, sup in sups.items()}

    def _step(self, step: Step) -> list[Json]:
        match step:
            case Advance(ms):
                self.now_ms += ms
                return ["ok"]
            case Crash():
                return self._crash(step)
            case Stop():
                return self._stop(step)
            case SlowRestart():
                return self._slow_restart(step)
            case Batch(path, items):
                return self._batch(path, items)
            case _:
                sup = self._sup(step.sup)
                return ["exit", "noproc"] if sup is None else self._answer(sup, step, self._call(sup, step))

    def _stop(self, stop: Stop) -> list[Json]:
        sup = self._sup(stop.target)
        if sup is None:
            return ["skip"]
        sup.stop(None, stop.reason)
        return ["ok"]

    def _slow_restart(self, step: SlowRestart) -> list[Json]:
        self.held = step.held
        self._crash(Crash(step.target, step.reason))
        if self.starting is None:
            self.held = None
            return ["skip"]
        asked = [self._meanwhile(item) for item in step.meanwhile]
        self.starting.go_on(step.go_on)
        while self.slow:
            self.slow.pop(0).die("shutdown")
        self.starting = None
        return ["ok", [got if isinstance(got, list) else self._answer(*got) for got in asked]]

    def _meanwhile(self, item: Meanwhile) -> list[Json] | tuple[_Sup, Call, list[Json] | int]:
        match item:
            case Stop():
                return self._stop(item)
            case Crash():
                return self._crash(item)
            case _:
                sup = self._sup(item.sup)
                return ["exit", "noproc"] if sup is None else (sup, item, self._call(sup, item))

    def _batch(self, path: str, items: tuple[Item, ...]) -> list[Json]:
        sup = self._sup(path)
        if sup is None:
            return ["skip"]
        sup.post(ev.Suspend())
        asked = [self._item(sup, item) for item in items]
        sup.fact(ev.Resume())
        answers = (self._answer(sup, item, got) for item, got in zip(items, asked, strict=True))
        return ["ok", list(answers)]

    def _item(self, sup: _Sup, item: Item) -> list[Json] | int:
        if not isinstance(item, Crash):
            return self._call(sup, item)
        mine = item.target.rpartition("/")[0] == sup.path
        return self._crash(item) if mine else ["skip"]

    def _crash(self, crash: Crash) -> list[Json]:
        life = self.lives.get(crash.target)
        if not isinstance(life, _Work) or not life.alive:
            return ["skip"]
        life.die(CLASS_OF_CRASH.get(crash.reason, crash.reason))
        return ["ok"]

    def _sup(self, path: str) -> _Sup | None:
        life = self.lives.get(path)
        return life if isinstance(life, _Sup) and life.alive else None

    def _call(self, sup: _Sup, call: Call) -> list[Json] | int:
        """Put the call into the supervisor's mailbox; return its number, or an answer that needs no supervisor."""
        self._requests += 1
        try:
            message = self._message(sup, call, self._requests)
        except InvalidDefinition as error:
            return ["error", "bad_spec", tag_of(error)]
        if message is None:
            return ["error", "simple_one_for_one"]
        sup.post(message)
        return self._requests

    def _message(self, sup: _Sup, call: Call, request: int) -> ev.TreeMessage | None:
        match call:
            case StartChild(_, spec):
                child = child_of(sup.spec, spec, _never_run)
                sup.check(child)
                return ev.StartChild(request, child)
            case TerminateChild(_, id, by):
                if by == "id":
                    return None
                life = self.lives.get(f"{sup.path}/{id}")
                meant = life.incarnation if isinstance(life, _Work) else life.as_child[1] if life else 0
                return ev.TerminateChild(request, id, meant if is_pool(sup.spec) else None)
            case RestartChild(_, id):
                return ev.RestartChild(request, id)
            case DeleteChild(_, id):
                return ev.DeleteChild(request, id)
            case GetChildspec(_, id):
                return ev.GetChildSpec(request, id)
            case WhichChildren():
                return ev.WhichChildren(request)
            case CountChildren():
                return ev.CountChildren(request)

    def _answer(self, sup: _Sup, call: Item, got: list[Json] | int) -> list[Json]:
        if isinstance(got, list):
            return got
        result, names = sup.answers.pop(got)
        match result:
            case ev.Done():
                return sup.names.terminated(call.id) if isinstance(call, TerminateChild) else ["ok"]
            case ev.Running(id, incarnation):
                spec = sup.tree.slots.get(id)
                info = wants_info(call) if isinstance(call, StartChild) else _info(spec.child if spec else None)
                return names.started(id, incarnation, info)
            case ev.Ignored():
                return names.ignored()
            case ev.NotStarted():
                return ["error", "start_failed"]
            case ev.Refused(id, reason, incarnation):
                return names.refused(call.op, id, reason, incarnation)
            case ev.Closed():
                return ["exit", sup.ends_as]
            case Counts() as counts:
                return sup.names.counts(counts)
            case Child() as child:
                return spec_of(child)
            case rows:
                return names.rows(rows)


def _flags(spec: Supervisor) -> tuple[Flags, list[Json] | None]:
    try:
        return flags_of(spec), None
    except InvalidDefinition as error:
        return Flags(), ["supervisor_data", tag_of(error)]


def _info(child: Child | None) -> bool | None:
    spec = child.args[-1] if child is not None else None
    return spec.info if isinstance(spec, Worker) else None


@contextmanager
def open_reducer() -> Iterator[Engine]:
    """Yield the reducer as an engine."""
    yield lambda scenario: _World(scenario).run()

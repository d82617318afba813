"""The Trio supervisor as an engine: real tasks, in real nurseries, under a mock clock.

Two clocks run. Trio's is a mock one that jumps whenever nothing else is to be done, so that slow children are slow in
no time. The supervisors' own is moved by the scenario, in whole seconds as OTP's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

import trio
import trio.testing
from attrs import Factory, define, field

from jido_trio.errors import ChildRefused, InvalidDefinition, StartFailed, SupervisorStopped
from jido_trio.supervision import Child, Life, Shutdown
from jido_trio.supervision import _events as ev
from jido_trio.supervision._block import Block
from jido_trio.supervision._calls import rows_of
from jido_trio.supervision._life import active
from jido_trio.supervision._shell import Shell
from jido_trio.supervision._spec import SupervisorSpec
from jido_trio.supervision._supervisor import Supervisor
from properties.otp import _scenario as sc
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
    TerminateChild,
    WhichChildren,
    Worker,
)
from properties.otp._trace import ALIVE, FAILED, Event, Final, Json, Row, Trace, TraceStep
from properties.otp._words import (
    CLASS_OF_CRASH,
    CLOCK_BASE_MS,
    Names,
    child_of,
    flags_of,
    is_pool,
    spec_of,
    tag_of,
)

SLOW = 0.015
"""Seconds that a slow child takes to stop."""


class Crashed(Exception):
    """What a worker ends with that ends in error."""


@define(eq=False)
class _Work:
    """A worker that lives, or did."""

    n: int
    incarnation: int
    life: Life
    alive: bool = True
    stopped: trio.Event = field(factory=trio.Event)
    crash: trio.Event = field(factory=trio.Event)
    ended: trio.Event = field(factory=trio.Event)
    reason: str = ""


@define(eq=False)
class _Hold:
    """A start that waits for the script."""

    path: str
    life: Life | None = None
    """Whose start it is, once that has begun."""
    how: str = ""
    goes_on: trio.Event = field(factory=trio.Event)


@define(eq=False, repr=False)
class _Traced(Shell):
    """A supervisor that remembers how its children were called when it answered."""

    names: Names = field(kw_only=True)
    calls: dict[int, Call] = field(factory=dict, kw_only=True)
    """What is asked, by number of the request."""
    replied: dict[int, list[Json]] = field(factory=dict, kw_only=True)

    def _answer(self, reply: ev.AnswerCall) -> None:
        if reply.request in self.calls:
            self.replied[reply.request] = self._said(self.calls.pop(reply.request), reply.result)
        Shell.how[ev.AnswerCall](self, reply)

    how: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {**Shell.how, ev.AnswerCall: _answer}

    def _said(self, call: Call, result: ev.CallResult) -> list[Json]:
        match result:
            case ev.Done() if isinstance(call, TerminateChild):
                return self.names.terminated(call.id)
            case ev.Running(id, incarnation):
                slot = self.pump.tree.slots.get(id)
                spec = slot.child.args[-1] if slot is not None else None
                return self.names.started(id, incarnation, spec.info if isinstance(spec, Worker) else None)
            case ev.Ignored():
                return self.names.ignored()
            case ev.Refused(id, reason, incarnation):
                return self.names.refused(call.op, id, reason, incarnation)
            case ev.NotStarted():
                return ["error", "start_failed"]
            case ev.Counts():
                return self.names.counts(result)
            case Child():
                return spec_of(result)
            case tuple():
                return self.names.rows(result)
            case _:
                return ["ok"]


@define(eq=False)
class _Sup:
    """A supervisor that lives, or did."""

    path: str
    n: int
    spec: sc.Supervisor
    shell: _Traced
    supervisor: Supervisor
    life: Life | None = None
    alive: bool = True
    ends_as: str = "shutdown"
    ended: trio.Event = field(factory=trio.Event)


@define(eq=False)
class _World:
    """One run of a scenario."""

    scenario: Scenario
    now_ms: int = Factory(lambda self: CLOCK_BASE_MS + self.scenario.phase_ms, takes_self=True)
    lives: dict[str, _Work | _Sup] = field(factory=dict)
    """The last process of each path."""
    _events: list[Event] = field(factory=list)
    _starts: dict[str, int] = field(factory=dict)
    _hold: _Hold | None = None
    _nursery: trio.Nursery = field(init=False)

    async def run(self) -> Trace:
        async with trio.open_nursery() as self._nursery:
            trace = await self._scenario()
            self._nursery.cancel_scope.cancel()
        return trace

    async def _scenario(self) -> Trace:
        n = self._next_n("root")
        started: trio.Event = trio.Event()
        outcome: list[list[Json]] = []
        self._nursery.start_soon(self._root, n, outcome, started)
        await started.wait()
        steps = [await self._report("start", outcome[0])]
        if outcome[0] != ["ok"]:
            return Trace(self.scenario.id, tuple(steps), FAILED)
        root = self.lives["root"]
        assert isinstance(root, _Sup)
        left = len(self.scenario.steps)
        for step in self.scenario.steps:
            if not root.alive:
                break
            steps.append(await self._report(step.op, await self._step(step)))
            left -= 1
        return Trace(self.scenario.id, tuple(steps), ALIVE if root.alive else Final("dead", root.ends_as, left))

    # ---- what children run

    async def _root(self, n: int, outcome: list[list[Json]], started: trio.Event) -> None:
        def up() -> None:
            outcome.append(["ok"])
            started.set()

        try:
            await self._supervise("root", n, self.scenario.tree, None, up)
        except InvalidDefinition as error:
            flags_are_wrong = error.field in ("strategy", "max_restarts", "max_seconds", "auto_shutdown")
            outcome.append(["error", "supervisor_data" if flags_are_wrong else "start_spec", tag_of(error)])
        except StartFailed as error:
            outcome.append(["error", *_why(error)])
        except (Shutdown, Crashed):
            pass
        started.set()

    async def _nested(self, path: str, spec: sc.Supervisor, *, task_status: Life) -> None:
        n = self._n_for(path, task_status)
        await self._supervise(path, n, spec, task_status, task_status.started)

    async def _supervise(
        self, path: str, n: int, spec: sc.Supervisor, life: Life | None, up: Callable[[], None]
    ) -> None:
        self._tell("start", path, n)
        try:
            shell = self._shell(path, spec)
            supervisor = Supervisor(shell)
            sup = self.lives[path] = _Sup(path, n, spec, shell, supervisor, life)
            if life is not None:
                life.trap_stop(supervisor.stop)
            async with Block(supervisor, supervisor, kill_if_cancelled=True):
                up()
                await self._until_killed(sup)
        except (StartFailed, InvalidDefinition):
            current = self.lives.get(path)
            if isinstance(current, _Sup) and current.n == n:
                current.alive = False
            self._tell("start_failed", path, n)
            raise
        except Exception:  # noqa: BLE001  # it gave up
            gone = self.lives[path]
            assert isinstance(gone, _Sup)
            self._end(gone, "shutdown")
            raise Shutdown from None
        killed = life is not None and active(life).killed
        stopped = shell.outcome == ev.TreeStopped()
        self._end(sup, "killed" if killed else sup.ends_as if stopped else "shutdown")
        if not killed:
            _raise(sup.ends_as if stopped else "shutdown")

    async def _until_killed(self, sup: _Sup) -> None:
        try:
            await sup.shell.finished.wait()
        except trio.Cancelled:
            if sup.life is not None and active(sup.life).killed:
                self._end(sup, "killed")
            raise

    def _end(self, sup: _Sup, exit_class: str) -> None:
        if sup.alive:
            sup.alive, sup.ends_as = False, exit_class
            self._tell("exit", sup.path, sup.n, exit_class)
            sup.ended.set()

    def _shell(self, path: str, spec: sc.Supervisor) -> _Traced:
        flags = flags_of(spec)
        if spec.template is not None:
            self._child(path, spec, Worker(id="template"))
        children = tuple(self._child(path, spec, child) for child in spec.children or ())
        declared = SupervisorSpec(children, flags, path)
        return _Traced(declared, lambda _: None, lambda: self.now_ms // 1000, names=Names(path, spec))

    def _child(self, path: str, owner: sc.Supervisor, spec: sc.Child) -> Child:
        fn: Callable[..., Awaitable[None]] = self._work if isinstance(spec, Worker) else self._nested
        return child_of(owner, spec, fn, f"{path}/{spec.id}")

    async def _work(self, path: str, spec: Worker, *, task_status: Life) -> None:
        n = self._n_for(path, task_status)
        names = self._names(path)
        names.failed.discard(task_status.child.id)
        how = spec.fail_how or "error" if spec.fails(n) else "ready"
        if self._hold is not None and (self._hold.path, self._hold.life) == (path, None):
            how = await self._held(self._hold, task_status)
        if how != "ready":
            names.failed.add(task_status.child.id)
            if how == "ignore":
                self._tell("ignored", path, n)
                task_status.ignore()
                return
            self._tell("start_failed", path, n)
            if how == "kill":
                active(task_status).kill()
                await trio.lowlevel.checkpoint()
            raise Crashed
        self._tell("start", path, n)
        work = self.lives[path] = _Work(n, task_status.incarnation, task_status)
        if spec.on_shutdown not in (None, "obey"):
            task_status.trap_stop(work.stopped.set)
        task_status.started()
        exit_class = ""
        try:
            exit_class = await self._until_over(work, spec)
        finally:
            work.alive = False
            work.ended.set()
            self._tell("exit", path, n, exit_class or _cancelled_class(task_status))
        _raise(exit_class)

    async def _held(self, hold: _Hold, life: Life) -> str:
        hold.life = life
        await hold.goes_on.wait()
        return hold.how

    async def _until_over(self, work: _Work, spec: Worker) -> str:
        """Wait for a crash or a stop; return the class of the exit that follows."""
        async with trio.open_nursery() as nursery:

            async def wait(event: trio.Event) -> None:
                await event.wait()
                nursery.cancel_scope.cancel()

            nursery.start_soon(wait, work.crash)
            await wait(work.stopped)
        if work.crash.is_set():
            return CLASS_OF_CRASH.get(work.reason, work.reason)
        match spec.on_shutdown:
            case "slow":
                await trio.sleep(SLOW)
                return "shutdown"
            case "exit_normal":
                return "normal"
            case "exit_term":
                return "shutdown_term"
            case "exit_error":
                return "error"
        await trio.sleep_forever()  # it ignores its stop
        raise AssertionError("unreachable: it sleeps until it is killed")

    # ---- steps

    async def _step(self, step: Step) -> list[Json]:
        match step:
            case Advance(ms):
                self.now_ms += ms
                return ["ok"]
            case Crash():
                return await self._crash(step)
            case Stop(target, reason):
                return await self._stop(target, reason)
            case Batch(path, items):
                return await self._batch(path, items)
            case SlowRestart():
                return await self._slow_restart(step)
            case _:
                sup = self._sup(step.sup)
                return ["exit", "noproc"] if sup is None else await self._call(sup, step)

    async def _stop(self, target: str, reason: str) -> list[Json]:
        sup = self._sup(target)
        if sup is None:
            return ["skip"]
        sup.ends_as = reason
        sup.supervisor.stop()
        await sup.ended.wait()
        return ["ok"]

    async def _crash(self, crash: Crash) -> list[Json]:
        work = self.lives.get(crash.target)
        if not isinstance(work, _Work) or not work.alive:
            return ["skip"]
        if crash.reason == "kill":
            active(work.life).kill()
        else:
            work.reason = crash.reason
            work.crash.set()
        await work.ended.wait()
        return ["ok"]

    async def _slow_restart(self, step: SlowRestart) -> list[Json]:
        self._hold = hold = _Hold(step.held)
        await self._crash(Crash(step.target, step.reason))
        await trio.testing.wait_all_tasks_blocked()
        while hold.life is None and self._any_busy():
            await trio.sleep(SLOW)
            await trio.testing.wait_all_tasks_blocked()
        self._hold = None
        if hold.life is None:
            return ["skip"]
        results: list[list[Json]] = [[] for _ in step.meanwhile]
        async with trio.open_nursery() as asking:
            for at, item in enumerate(step.meanwhile):
                asking.start_soon(self._meanwhile, results, at, item)
                await trio.testing.wait_all_tasks_blocked()
            hold.how = step.go_on
            hold.goes_on.set()
        return ["ok", [list(result) for result in results]]

    async def _meanwhile(self, results: list[list[Json]], at: int, item: Meanwhile) -> None:
        results[at] = await self._step(item)

    async def _batch(self, path: str, items: tuple[Item, ...]) -> list[Json]:
        sup = self._sup(path)
        if sup is None:
            return ["skip"]
        await sup.supervisor.suspend()
        results: list[list[Json]] = [[] for _ in items]
        async with trio.open_nursery() as callers:
            for at, item in enumerate(items):
                if not isinstance(item, Crash):
                    callers.start_soon(self._call_into, results, at, sup, item)
                elif item.target.rpartition("/")[0] == path:
                    results[at] = await self._crash(item)
                else:
                    results[at] = ["skip"]
                await trio.testing.wait_all_tasks_blocked()
            sup.supervisor.resume()
        return ["ok", [list(result) for result in results]]

    async def _call_into(self, results: list[list[Json]], at: int, sup: _Sup, call: Call) -> None:
        results[at] = await self._call(sup, call)

    async def _call(self, sup: _Sup, call: Call) -> list[Json]:
        shell = sup.shell
        if isinstance(call, TerminateChild) and call.by == "id":
            return ["error", "simple_one_for_one"]
        try:
            request = self._request(sup, call)
        except InvalidDefinition as error:
            return ["error", "bad_spec", tag_of(error)]
        number = shell.requests.next_number
        shell.calls[number] = call
        try:
            await request()
        except (ChildRefused, StartFailed):
            pass
        except SupervisorStopped:
            await sup.ended.wait()
            return ["exit", sup.ends_as]
        return shell.replied.pop(number)

    def _request(self, sup: _Sup, call: Call) -> Callable[[], Awaitable[object]]:
        shell, supervisor = sup.shell, sup.supervisor
        match call:
            case StartChild(path, spec):
                child = self._child(path, sup.spec, spec)
                shell.spec.check(child)
                return partial(supervisor.start_child, child)
            case TerminateChild(path, id):
                work = self.lives.get(f"{path}/{id}")
                meant = _incarnation(work) if is_pool(sup.spec) else None
                return partial(supervisor.terminate_child, id, incarnation=meant)
            case RestartChild(_, id):
                return partial(supervisor.restart_child, id)
            case DeleteChild(_, id):
                return partial(supervisor.delete_child, id)
            case GetChildspec(_, id):
                return partial(supervisor.child_spec, id)
            case WhichChildren():
                return supervisor.which_children
            case CountChildren():
                return supervisor.count_children

    # ---- the record

    async def _report(self, op: str, result: list[Json]) -> TraceStep:
        await self._quiet()
        events, self._events = self._events, []
        return TraceStep(op, result, events, self._state())

    async def _quiet(self) -> None:
        """Wait until no supervisor is at anything and nobody can run."""
        await trio.testing.wait_all_tasks_blocked()
        while self._any_busy():
            await trio.sleep(SLOW)
            await trio.testing.wait_all_tasks_blocked()

    def _any_busy(self) -> bool:
        sups = [life for life in self.lives.values() if isinstance(life, _Sup) and life.alive]
        return any(sup.shell.pump.tree.plan is not None for sup in sups)

    def _state(self) -> Mapping[str, tuple[Row, ...]]:
        sups = [life for life in self.lives.values() if isinstance(life, _Sup) and life.alive]
        return {sup.path: sup.shell.names.state(rows_of(sup.shell.pump.tree)) for sup in sups}

    def _tell(self, what: str, path: str, n: int, exit_class: str = "") -> None:
        self._events.append(Event(what, path, n, exit_class))

    def _next_n(self, path: str) -> int:
        self._starts[path] = self._starts.get(path, 0) + 1
        return self._starts[path]

    def _n_for(self, path: str, life: Life) -> int:
        n = self._names(path).n_of[life.child.id, life.incarnation] = self._next_n(path)
        return n

    def _names(self, path: str) -> Names:
        owner = self.lives[path.rpartition("/")[0]]
        assert isinstance(owner, _Sup)
        return owner.shell.names

    def _sup(self, path: str) -> _Sup | None:
        life = self.lives.get(path)
        return life if isinstance(life, _Sup) and life.alive else None


def _incarnation(life: _Work | _Sup | None) -> int:
    if isinstance(life, _Work):
        return life.incarnation
    return life.life.incarnation if life is not None and life.life is not None else 0


def _cancelled_class(life: Life) -> str:
    """The class of a worker that was cancelled: as a request to stop, or because it is killed or its time over."""
    asked = life.stopping and not active(life).killed and active(life).on_stop is None
    return "shutdown" if asked else "killed"


def _why(error: StartFailed) -> list[Json]:
    cause = error.__cause__
    return ["failed_to_start_child", error.child, *([_why(cause)] if isinstance(cause, StartFailed) else [])]


def _raise(exit_class: str) -> None:
    match exit_class:
        case "shutdown" | "shutdown_term":
            raise Shutdown
        case "error":
            raise Crashed


@contextmanager
def open_shell() -> Iterator[Engine]:
    """Yield the Trio supervisor as an engine."""

    def replay(scenario: Scenario) -> Trace:
        return trio.run(_World(scenario).run, clock=trio.testing.MockClock(autojump_threshold=0))

    yield replay

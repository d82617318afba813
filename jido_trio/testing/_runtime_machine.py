"""Machines that drive a running instance: agents of a user's, to which anything may happen, in virtual time.

What holds of every instance is checked after each step (`_instance_laws`); what a user adds is rules and invariants.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, ClassVar, Generic, TypeVar

import trio
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Agent, Direct, Signal, Unrouted
from jido_trio.core.inner import invariants_of
from jido_trio.errors import ActionError, AgentNotFound, CallError, InvalidDefinition
from jido_trio.redact import shown, type_name
from jido_trio.runtime import AgentRef, DeadDirective, DeadLetter, Jido
from jido_trio.runtime.inner import cell_of
from jido_trio.supervision import CrashReport, Report
from jido_trio.testing._fault_kinds import CRASHES, Offered, PlannedCrash, PlannedFault, checked_offer
from jido_trio.testing._faults import Faults
from jido_trio.testing._instance_laws import check_ledger, check_standing
from jido_trio.testing._machine import TrioStateMachine, step
from jido_trio.testing._own_laws import Judges
from jido_trio.testing._strategies import NONE, Known, Overrides, checked, known_signals, signal_of
from jido_trio.testing._subject import subject_of
from jido_trio.testing._told import differing, told

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a call waits for its answer."""


# ---- what is drawn: strategies of a class, for one that is made anew takes longer than a step


@cache
def _messages(machine: type[RuntimeMachine]) -> st.SearchStrategy[tuple[str, Signal]]:
    known = [
        (id, _Choice(known_signals(cls, checked(machine.overrides))))
        for id, cls in sorted(machine.agents.items())
        if cls.router.routes
    ]
    if not known:
        raise InvalidDefinition(f"{machine.__name__}: none of its agents has routes, so nothing can be sent to them")
    return _sent(_Choice(known))


@cache
def _crowds(machine: type[RuntimeMachine]) -> st.SearchStrategy[list[tuple[str, Signal]]]:
    return st.lists(_messages(machine), min_size=2, max_size=6)


@cache
def _ids(machine: type[RuntimeMachine]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(machine.agents))


class _Choice(Generic[T]):
    """Something that one is drawn of. Where there is one only, nothing is drawn."""

    def __init__(self, of: Sequence[T]) -> None:
        self._of = of
        self._drawn = st.sampled_from(of)

    def made(self, draw: st.DrawFn) -> T:
        return draw(self._drawn) if len(self._of) > 1 else self._of[0]


@st.composite
def _sent(draw: st.DrawFn, known: _Choice[tuple[str, _Choice[Known]]]) -> tuple[str, Signal]:
    id, signals = known.made(draw)
    return id, signal_of(draw, signals.made(draw))


@cache
def _plans(machine: type[RuntimeMachine]) -> st.SearchStrategy[tuple[str, PlannedFault]]:
    offered = checked_offer(machine.faults)
    by_point = offered if isinstance(offered, Mapping) else dict.fromkeys(machine.points, offered)
    unknown = sorted(set(by_point) - set(machine.points))
    if unknown:
        raise InvalidDefinition(
            f"{machine.__name__}: faults has the point {shown(unknown[0])}, and points doesn't: name it there, too",
            field="faults",
            value=machine.faults,
        )
    plans = [(point, fault) for point in machine.points for fault in by_point.get(point, ())]
    if not plans:
        raise InvalidDefinition(
            f"{machine.__name__}: nothing may go wrong at its points: give faults=[Raise()] or the like",
            field="faults",
            value=machine.faults,
        )
    return st.sampled_from(plans)


def _has_agents(machine: RuntimeMachine) -> bool:
    return bool(machine.agents)


_with_agents = precondition(_has_agents)  # a function: each time it is asked, Hypothesis has to name it


# ---- the machine of an instance


class RuntimeMachine(TrioStateMachine):
    """A state machine of an instance with your agents.

        class Shop(RuntimeMachine):
            agents = {"till": Till, "stock": Stock}
            points = ["charged"]

        TestShop = Shop.TestCase

    Hypothesis sends the agents signals that their routes know, by call and cast, alone and in crowds; it loses patience
    with calls, kills agents, has things go wrong at the named `points`, and lets time pass. After each step it is
    checked that each message has one fate, that nobody waits for what doesn't come, that no agent ends with another,
    that none crashes with anything but what is in `crashes`, and that what is marked `@invariant` holds. Add rules and
    invariants of your own, with `step`; `self.jido`, `self.refs` and `self.reports` are there for them.
    """

    agents: ClassVar[Mapping[str, type[Agent[Any]]]] = {}
    """Agents to begin with, by id."""
    overrides: ClassVar[Overrides] = NONE
    """What to generate instead for a class, or for a field of one."""
    points: ClassVar[Sequence[str]] = ()
    """Names of points at which something may go wrong: of `crash_point` and `fault_point`, or "commit" of a storage."""
    faults: ClassVar[Offered] = CRASHES
    """What may go wrong: at all points; or by their names, as `{"commit": [TearWrite()], "paid": [Hang()]}`."""
    crashes: ClassVar[tuple[type[Exception], ...]] = (PlannedCrash,)
    """What agents may crash with; else a crash is a failure."""

    def make_instance(self) -> Jido:
        """Return the instance, which is entered then. Override it, for options; keep the three sinks."""
        return Jido(
            max_restarts=1_000_000,
            on_report=self.hear_report,
            on_dead_letter=self.hear_dead_letter,
            on_dead_directive=self.hear_dead_directive,
            shutdown=None,
        )

    async def set_up(self) -> None:
        """Open the instance, and start the agents."""
        if self.points:
            _plans(type(self))  # what makes no sense is told before anything happens
        self.reports: list[Report] = []
        self.dead_letters: list[DeadLetter] = []
        self.dead_directives: list[DeadDirective] = []
        self.ends: Counter[str] = Counter()
        self.unmeant: list[CrashReport] = []
        self.calling = 0
        self.going_wrong = Faults()
        self.refs: dict[str, AgentRef[Any]] = {}
        self._closing, self._ended = trio.Event(), trio.Event()
        self.jido: Jido = await self.nursery.start(self._hold)
        for id, cls in self.agents.items():
            self.refs[id] = await self.jido.start_agent(cls, id=id, budget=None)

    async def _hold(self, *, task_status: trio.TaskStatus[Jido]) -> None:
        with self.going_wrong.active():
            async with self.make_instance() as jido:
                task_status.started(jido)
                await self._closing.wait()
        self._ended.set()

    # ---- what is heard

    def hear_report(self, report: Report) -> None:
        """Keep a report."""
        self.reports.append(report)
        if isinstance(report, CrashReport):
            self.ends[report.child] += report.ended
            if report.failure is not None and report.failure.type not in map(type_name, self.crashes):
                self.unmeant.append(report)

    def hear_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        self.dead_letters.append(letter)

    def hear_dead_directive(self, directive: DeadDirective) -> None:
        """Keep a directive that wasn't carried out."""
        self.dead_directives.append(directive)

    # ---- what happens

    _messages_of_self: ClassVar[Any] = st.runner().flatmap(lambda self: _messages(self.__class__))
    _crowds_of_self: ClassVar[Any] = st.runner().flatmap(lambda self: _crowds(self.__class__))
    _ids_of_self: ClassVar[Any] = st.runner().flatmap(lambda self: _ids(self.__class__))
    _plans_of_self: ClassVar[Any] = st.runner().flatmap(lambda self: _plans(self.__class__))

    @_with_agents
    @rule(message=_messages_of_self)
    @step
    async def call(self, message: tuple[str, Signal]) -> None:
        """Ask an agent, and wait for the answer."""
        await self.ask(*message)

    async def ask(self, id: str, signal: Signal, *, patience: float | None = PATIENCE) -> Agent[Any] | None:
        """Return the agent that answers a call; None if it didn't."""
        self.calling += 1
        try:
            with self.going_wrong.active():
                agent: Agent[Any] = await self.refs[id].call(signal, timeout=patience)
        except (CallError, ActionError):
            return None
        finally:
            self.calling -= 1
        return agent

    @_with_agents
    @rule(message=_messages_of_self)
    @step
    async def cast(self, message: tuple[str, Signal]) -> None:
        """Send an agent a signal."""
        self.send(*message)

    def send(self, id: str, signal: Signal) -> None:
        """Send an agent a signal, without waiting."""
        try:
            with self.going_wrong.active():
                self.refs[id].cast_nowait(signal)
        except CallError:
            return

    @_with_agents
    @rule(messages=_crowds_of_self, patience=st.sampled_from([0.0, 0.5, PATIENCE]))
    @step
    async def crowd(self, messages: Sequence[tuple[str, Signal]], patience: float) -> None:
        """Have many send at the same time, every other one with a call that loses patience."""
        for number, (id, signal) in enumerate(messages):
            if number % 2:
                self.nursery.start_soon(self._impatient, id, signal, patience)
            else:
                self.send(id, signal)

    async def _impatient(self, id: str, signal: Signal, patience: float) -> None:
        with trio.move_on_after(patience):
            await self.ask(id, signal, patience=None)

    @_with_agents
    @rule(id=_ids_of_self)
    @step
    async def kill(self, id: str) -> None:
        """End a life of an agent, whatever it is at."""
        try:
            self.jido.kill_agent(self.refs[id])
        except AgentNotFound:
            return

    @precondition(lambda self: self.points)
    @rule(planned=_plans_of_self)
    @step
    async def go_wrong_next_at(self, planned: tuple[str, PlannedFault]) -> None:
        """Have something go wrong for the next one that comes to a point."""
        self.going_wrong.plan(*planned)

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 10.0, 3600.0]))
    @step
    async def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        await trio.sleep(seconds)

    # ---- what holds

    def run_step(self, fn: Callable[[], Awaitable[T]]) -> T:
        """Return what the async function `fn` returns, once all tasks wait."""

        async def settled() -> T:
            result = await fn()
            await wait_all_tasks_blocked()
            return result

        return super().run_step(settled)

    @invariant()
    def what_holds_of_every_instance(self) -> None:
        """Check the ledger, what agents are at, that none ended with another, and what is marked `@invariant`."""
        if trio.lowlevel.current_statistics().tasks_runnable:  # a rule that is no step may have begun something
            self.run_step(trio.lowlevel.checkpoint)
        check_standing(self.jido, self.ends)
        for ref in self.jido.list_agents():
            agent = ref.agent
            for name, holds in invariants_of(type(agent)):
                assert holds(agent), f"{name} doesn't hold for {ref.id}: {agent.state}"
        self._check_crashes()

    def _check_crashes(self) -> None:
        assert not self.unmeant, f"nobody planned this crash: {self.unmeant[0]}"

    async def tear_down(self) -> None:
        """Close the instance; nothing may be left waiting."""
        if not hasattr(self, "jido"):
            return
        self._closing.set()
        await self._ended.wait()
        await wait_all_tasks_blocked()
        ledger = check_ledger(self.jido)
        assert ledger.waiting == 0, f"messages wait for an instance that has ended: {ledger}"
        assert not self.calling, "callers wait for an instance that has ended"
        self._check_crashes()


class AgentMachine(RuntimeMachine):
    """A state machine of one agent that lives, beside the same agent as a function.

        class Tills(AgentMachine):
            agent = Till

        TestTills = Tills.TestCase

    All of `RuntimeMachine`. And: what a call of an idle agent answers is what `receive` returns for the same agent and
    signal; the laws of its author (`@law`) hold for that step; a life that follows a crash begins as its class says.
    """

    agent: ClassVar[type[Agent[Any]]]
    """The agent's class."""
    ID: ClassVar[str] = "agent"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "agent" in vars(cls):
            cls.agents = {cls.ID: cls.agent}

    @cached_property
    def _judges(self) -> dict[type[Agent[Any]], Judges]:
        """The laws of an agent's author, by its class: the author's module is gone through once in an example."""
        return {}

    async def ask(self, id: str, signal: Signal, *, patience: float | None = PATIENCE) -> Agent[Any] | None:
        """Return the agent that answers a call, once it is what the function returns."""
        ref = self.refs[id]
        idle, before = cell_of(ref).state == "idle", ref.agent
        answer = await super().ask(id, signal, patience=patience)
        if idle and answer is not None:
            self._check_answer(before, signal, answer)
        return answer

    def _check_answer(self, before: Agent[Any], signal: Signal, answer: Agent[Any]) -> None:
        expected = before.receive(signal)
        after, directives = (before, ()) if isinstance(expected, Unrouted) else expected
        alike = told(after.state) == told(answer.state)
        assert alike, f"the living agent answers otherwise: {differing(told(after.state), told(answer.state))}"
        cls = type(before)
        if cls not in self._judges:
            laws = [one for one in subject_of(cls).laws if not isinstance(one, type)]
            self._judges[cls] = Judges(laws, before)
        broken = self._judges[cls].broken(before, signal, after, directives)
        assert not broken, broken

    @_with_agents
    @rule()
    @step
    async def begin_anew(self) -> None:
        """End its life, and look at how the next one begins."""
        ref = self.refs[self.ID]
        cls = type(ref.agent)
        lives = ref.incarnation
        await wait_all_tasks_blocked()
        cell = cell_of(ref)
        alone = not len(cell.mailbox) and not cell.mailbox.parked  # else the next life goes on with what waits
        self.jido.kill_agent(ref)
        await wait_all_tasks_blocked()
        plain = cls.durable is None and cls.after_crash == "fresh" and type(cls.strategy) is Direct
        if alone and plain and ref.incarnation == lives + 1 and cell.state == "idle":
            begun = cls.new(ref.id)
            assert told(ref.agent.state) == told(begun.state), f"a new life begins with {ref.agent.state}"

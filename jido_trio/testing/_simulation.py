"""Simulations: a program run so that all that is left to chance follows from one seed, or from a script.

What is decided here: the clock (virtual), ids, times and random numbers (a world), the order in which Trio runs tasks,
and what goes wrong at named points. Agents' turns in the run queue follow from these. Garbage is collected after the
run, not when it happens to be.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar, cast

import outcome
import trio
from attrs import asdict, define, field, frozen
from trio.testing import MockClock

from jido_trio.annotations import signature_of
from jido_trio.errors import AgentNotFound, InvalidDefinition, SupervisorStopped
from jido_trio.observe import Event, Level, Ring, observing
from jido_trio.redact import said, shown, shown_error, type_name
from jido_trio.runtime import DeadLetter, Jido, Ledger
from jido_trio.supervision import CrashReport, Report
from jido_trio.supervision.inner import hearing_reports
from jido_trio.testing._choices import Choice, Choices, by_chance, by_script, choose_by, leftover
from jido_trio.testing._fault_kinds import CRASHES, Offered, checked_offer
from jido_trio.testing._order import Task, order_is_known, ordered_by
from jido_trio.testing._tasks import cancel_everything, stacks, waits_for_the_world, waits_outside
from jido_trio.world import reseeded, seeded, timed, using

T = TypeVar("T")

App = Callable[..., Awaitable[T]]
"""An async function of a `Jido`, or of nothing: then it opens what it needs itself."""

MOST_STEPS = 1_000_000
"""A run with more steps of tasks doesn't end, as far as anybody can tell."""
START = datetime(2000, 1, 1, tzinfo=UTC)
KEPT = 500
"""Events in the memory of each instance."""
_STILL = 3
"""Turns of the run loop in which nothing could happen, before it is told."""
_REAL = 0.01
"""Real seconds without anything to do before virtual time goes on, once something from outside is waited for."""
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}\b")


class NothingCanHappen(AssertionError):
    """All tasks of a simulated run wait, and no deadline is set. Its text has the stack of each."""


class NeverEnds(AssertionError):
    """A simulated run took too many steps. Its text has the stack of each task."""


@frozen
class Simulation(Generic[T]):
    """A program that was run in a simulation, and what came of it."""

    value: T | None
    """What the program returned."""
    error: BaseException | None
    """What it raised, if it did: see `result`."""
    log: bytes
    """All that happened, as lines of JSON: the same for the same program and seed, byte for byte."""
    choices: tuple[Choice, ...]
    """What was left to chance, in order."""
    reports: tuple[Report, ...]
    """Of all supervisors."""
    dead_letters: tuple[DeadLetter, ...]
    """Of all instances."""
    ledgers: tuple[Ledger, ...]
    """Of each instance, in the order in which they were made."""
    seconds: float
    """How long it took, in virtual time."""
    not_fixed: tuple[str, ...]
    """What another run may do otherwise."""

    def result(self) -> T:
        """Return what the program returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return cast("T", self.value)

    @property
    def ledger(self) -> Ledger:
        """What became of the messages of the only instance.

        Raises:
            InvalidDefinition: There were more, or none: see `ledgers`.
        """
        if len(self.ledgers) != 1:
            raise InvalidDefinition(f"the program made {len(self.ledgers)} instances, not one: ask for its ledgers")
        return self.ledgers[0]

    @property
    def crashes(self) -> tuple[CrashReport, ...]:
        """The reports of crashes."""
        return tuple(report for report in self.reports if isinstance(report, CrashReport))

    @property
    def script(self) -> Mapping[int, str]:
        """What `simulate` needs to do the same again: the choices that aren't plain, by number."""
        return {choice.number: choice.name for choice in self.choices if not choice.plain}

    def told(self) -> str:
        """Return the script in words, a line for each choice that isn't plain."""
        lines = [str(choice) for choice in self.choices if not choice.plain]
        return "\n".join(lines) or "tasks that can run at the same time run oldest first, and nothing crashes"


def simulate(
    app: App[T],
    *,
    seed: int = 0,
    script: Mapping[int, str] | None = None,
    crashes: int = 0,
    kills: bool = False,
    faults: Offered = CRASHES,
) -> Simulation[T]:
    """Run `app` to its end, and return what came of it. What it raises is its `error`.

    Args:
        app: An async function of a `Jido`, or of nothing.
        seed: What ids, random numbers and the order of tasks follow from.
        script: Has the order and what goes wrong follow from it instead: the names of what to choose, by the number of
            the choice, as `Simulation.script` has it.
        crashes: So many crashes and other faults, at most, where and when the seed says: at named points, and of agents
            if `kills`. A script has its own.
        kills: Whether agents can be killed: any one, whenever it has handled a signal.
        faults: What may go wrong at named points: a list for all of them, or lists by their names, for these alone.

    Raises:
        InvalidDefinition: `app` is no such function, the script isn't for it, or `faults` holds what can't happen.
        RuntimeError: It was called inside of a Trio run.
    """
    if script is not None:
        chooser, most = by_script(script), len(script)
    else:
        chooser, most = by_chance(seeded(f"{seed}/choices").random, faults=0.25), crashes
    choices = Choices(chooser, most, checked_offer(faults))
    simulation = run_app(app, choices, seed=seed, kills=kills)
    unmet = [number for number in script or () if number >= len(choices.made)]
    if unmet:
        raise leftover(min(unmet), len(choices.made))
    return simulation


def run_app(app: App[T], choices: Choices, *, seed: int = 0, kills: bool = False, logged: bool = True) -> Simulation[T]:
    """Run `app` with these choices; see `simulate`.

    Args:
        app: See `simulate`.
        choices: What decides, and remembers what was decided.
        seed: Of ids and random numbers.
        kills: Whether agents may be killed when they have handled a signal.
        logged: Whether a log is wanted.
    """
    wants = _wants_instance(app)
    if trio.lowlevel.in_trio_run():
        raise RuntimeError("a simulation is a Trio run of its own: call it from a function that isn't async")
    simulator = _Simulator(choices, kills, logged)
    with simulator.set_up(seed):
        value, error = copy_context().run(simulator.run, app, wants)
    if choices.misfit is not None:
        raise choices.misfit
    return simulator.told(value, error)


def _wants_instance(app: object) -> bool:
    if not callable(app):
        raise InvalidDefinition(f"app={shown(app)} is no async function", field="app", value=app)
    parameters = signature_of(app).parameters.values()
    needed = [each for each in parameters if each.default is each.empty and each.kind is not each.VAR_POSITIONAL]
    if len(needed) > 1:
        raise InvalidDefinition(
            f"app={shown(app)} takes {len(needed)} arguments: give an async function of a Jido, or of nothing",
            field="app",
            value=app,
        )
    return bool(needed)


@define(eq=False)
class _Seen(Ring):
    """The events of one instance; each is told as it happens."""

    _simulator: _Simulator
    _instance: Jido

    def add(self, event: Event) -> None:
        """Keep one more."""
        super().add(event)
        self._simulator.happened(event, self._instance)


@define(eq=False, slots=False)
class _Simulator(trio.abc.Instrument):
    """What decides in a run, and what is seen of it."""

    choices: Choices
    _kills: bool
    _logged: bool
    _lines: list[str] = field(factory=list)
    _instances: list[Jido] = field(factory=list)
    _reports: list[Report] = field(factory=list)
    _not_fixed: dict[str, None] = field(factory=dict)
    _labels: dict[Task, str] = field(factory=dict)
    _named: dict[str, int] = field(factory=dict)
    _steps: int = 0
    _still: int = 0
    _stopped: BaseException | None = None
    _seconds: float = 0.0
    _clock: MockClock = field(factory=lambda: MockClock(autojump_threshold=0))

    # ---- around the run

    @contextmanager
    def set_up(self, seed: int) -> Generator[None]:
        """Fix what a run depends on."""
        if not order_is_known():
            self._not_fixed[f"in which order Trio {trio.__version__} runs tasks: its inside isn't known"] = None
        collecting = gc.isenabled()
        gc.disable()
        try:
            with ExitStack() as stack:
                stack.enter_context(reseeded(seed))
                stack.enter_context(using(timed(seed, self._now)))
                stack.enter_context(hearing_reports(self._heard))
                stack.enter_context(observing(self))
                stack.enter_context(ordered_by(self._order) if order_is_known() else nullcontext())
                yield
        finally:
            if collecting:
                gc.enable()

    def run(self, app: App[T], wants_instance: bool) -> tuple[T | None, BaseException | None]:  # noqa: FBT001
        """Run it to its end, and return what it returned, and what it raised."""
        choose_by(self.choices)

        async def main() -> T:
            try:
                if not wants_instance:
                    return await app()
                async with Jido("simulated", on_dead_letter=_kept_anyway, on_dead_directive=_kept_anyway) as jido:
                    return await app(jido)
            finally:
                self._seconds = trio.current_time()

        result: outcome.Outcome[T] = outcome.capture(lambda: trio.run(main, clock=self._clock, instruments=[self]))
        if self._stopped is not None:
            return None, self._stopped
        if isinstance(result, outcome.Error):
            error = leaf(result.error)
            if not isinstance(error, Exception):
                raise error
            return None, error
        return result.unwrap(), None

    def told(self, value: T | None, error: BaseException | None) -> Simulation[T]:
        """Return what came of it."""
        letters = [letter for jido in self._instances for letter in jido.dead_letters()]
        ledgers = [jido.ledger() for jido in self._instances]
        if self._logged:
            self._note(self._seconds, dead_letters=[shown(letter) for letter in letters])
            self._note(self._seconds, ledgers=[asdict(ledger) for ledger in ledgers])
            self._note(
                self._seconds, **({"returned": shown(value, 1000)} if error is None else {"raised": told_error(error)})
            )
        return Simulation(
            value,
            error,
            "".join(self._lines).encode("ascii"),
            tuple(self.choices.made),
            tuple(self._reports),
            tuple(letters),
            tuple(ledgers),
            self._seconds,
            tuple(self._not_fixed),
        )

    # ---- what is decided

    def _now(self) -> datetime:
        return START + timedelta(seconds=self._clock.current_time())

    def _order(self, tasks: list[Task]) -> list[Task]:
        """Return the tasks in the order in which they run.

        Trio's own come first, and aren't told of: they are nobody's race, and a signal to the process wakes them.
        """
        now = self._clock.current_time()
        left = [task for task in tasks if not task.name.startswith("<")]
        ordered = []
        while len(left) > 1:
            ordered.append(left.pop(self.choices.first_of(tuple(map(self._label, left)), now)))
        ordered += left
        if self._logged and len(ordered) > 1:
            self._note(now, order=[self._label(task) for task in ordered])
        return [*(task for task in tasks if task.name.startswith("<")), *ordered]

    def _label(self, task: Task) -> str:
        label = self._labels.get(task)
        if label is None:
            name = _ADDRESS.sub("0x", task.name.rpartition(".")[2])
            times = self._named[name] = self._named.get(name, 0) + 1
            label = self._labels[task] = name if times == 1 else f"{name} {times}"
        return label

    # ---- what is seen: by Trio

    def task_spawned(self, task: Task) -> None:
        """See Trio."""
        self._label(task)

    def task_exited(self, task: Task) -> None:
        """See Trio."""
        self._labels.pop(task, None)

    def before_task_step(self, task: Task) -> None:
        """See Trio."""
        self._still = 0
        self._steps += 1
        if self._steps == MOST_STEPS:
            where = stacks()
            self._stop(NeverEnds(f"the program took {MOST_STEPS} steps and goes on\n{where}"))

    def after_task_step(self, task: Task) -> None:
        """See Trio."""
        if waits_outside(task):
            self._not_fixed[f"task {self._label(task)} waits for a thread, a socket or a process"] = None
            self._clock.autojump_threshold = _REAL

    def after_io_wait(self, timeout: float) -> None:
        """See Trio."""
        self._still += 1
        if self._still > _STILL and self._stopped is None:
            statistics = trio.lowlevel.current_statistics()
            if statistics.tasks_runnable or statistics.seconds_to_next_deadline != float("inf"):
                return
            if not waits_for_the_world():
                waiting = ", ".join(label for task, label in self._labels.items() if not task.name.startswith("<"))
                self._stop(NothingCanHappen(f"all tasks wait, and no deadline is set: {waiting}\n{stacks()}"))

    def _stop(self, why: BaseException) -> None:
        self._stopped = why
        cancel_everything()

    # ---- what is seen: of agents

    @property
    def level(self) -> Level:
        """See `Observer`."""
        return "verbose" if self._logged else "on" if self._kills else "off"

    def opened(self, instance: object) -> Ring:
        """See `Observer`."""
        assert isinstance(instance, Jido)  # noqa: S101  # there are no others
        self._instances.append(instance)
        return _Seen(KEPT, self, instance)

    def happened(self, event: Event, instance: Jido) -> None:
        """Take note of an event."""
        if self._logged:
            what = {"agent": event.agent_id, "life": event.incarnation, event.kind: event.what}
            self._note(event.at, **what, **({"detail": dict(event.detail)} if event.detail else {}))
        if self._kills and event.kind == "signal" and self.choices.kills(_kill(event), event.at):
            trio.lowlevel.current_trio_token().run_sync_soon(_killed, instance, event.agent_id)

    def _heard(self, report: Report) -> None:
        self._reports.append(report)
        if self._logged:
            self._note(trio.current_time(), report=said(report))

    def _note(self, at: float, **what: object) -> None:
        text = json.dumps({"at": round(at, 9), **what}, default=shown, sort_keys=True)
        self._lines.append(_ADDRESS.sub("0x", text) + "\n")


def _killed(instance: Jido, agent_id: str) -> None:
    with suppress(AgentNotFound, SupervisorStopped):  # it has ended meanwhile
        instance.kill_agent(agent_id)


def _kill(event: Event) -> str:
    return f"{event.agent_id} is killed after {event.what}"


def _kept_anyway(_: object) -> None:
    """Write no log: dead letters are in the simulation."""


def told_error(error: BaseException) -> str:
    """Return it in a line, without stacks, which name files of this machine."""
    if isinstance(error, NothingCanHappen | NeverEnds):
        return f"{type_name(type(error))}: {said(str(error).partition(chr(10))[0])}"
    return shown_error(error)


def leaf(error: BaseException) -> BaseException:
    """Return the only error in a group, or in one in it; other errors as they are."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error

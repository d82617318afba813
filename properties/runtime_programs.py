"""Agents that do as a random program says, and the book in which each message and its fates are written down.

Each message has a number, and says what is to be done with it. Whoever sends it writes that down, as does an agent that
handles it, a caller that is told something of it, a box in which it is found. Nothing here asks the ledger: the machine
of `test_programs` holds the one against the other.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import trio
from attrs import define, field, frozen

from jido_trio.core import (
    Action,
    AdoptChild,
    Agent,
    CancelSchedule,
    Context,
    Emit,
    Instruction,
    MaxErrors,
    Result,
    RunInstruction,
    Schedule,
    Signal,
    SpawnAgent,
    Stop,
    StopChild,
    ToAgent,
    carried,
)
from jido_trio.errors import ActionError
from jido_trio.runtime import AgentRef, DeadDirective, DeadLetter, MailboxRules, Runtime, interpret
from jido_trio.supervision import CrashReport

MACHINE, TIMER, JOB = "machine", "timer", "job"
"""Who sends what no agent sends at once."""


@frozen
class Sent:
    """What is known of a message when it is sent."""

    sender: str
    receiver: str
    silent: bool
    """Whether it may come to an end of which nobody is told."""
    ordered: bool
    """Whether it comes in the order in which its sender sent it."""
    asked: bool = False
    """Whether somebody waits for an answer."""


@define(eq=False)
class Book:
    """What was told of each message, and what is wrong with that."""

    rules: Mapping[str, MailboxRules | None]
    keeps: Mapping[str, bool]
    """Whether the state of an agent outlives its crashes."""
    sent: dict[int, Sent] = field(factory=dict)
    fates: defaultdict[int, list[str]] = field(factory=lambda: defaultdict(list))
    handled: Counter[str] = field(factory=Counter)
    """How many messages were handled in an instance or partition."""
    letters: defaultdict[str, list[DeadLetter]] = field(factory=lambda: defaultdict(list))
    took: defaultdict[tuple[str, int], list[int]] = field(factory=lambda: defaultdict(list))
    """What each life of an agent has in its state."""
    crashes: dict[str, int] = field(factory=dict)
    """How often each planned crash of an action was reported, by its text."""
    news: Counter[tuple[str, str]] = field(factory=Counter)
    wrong: list[str] = field(factory=list)
    refs: dict[str, AgentRef[Any]] = field(factory=dict)
    cancelled: set[int] = field(factory=set)
    """Schedules that must never be heard."""
    due: dict[int, tuple[str, float]] = field(factory=dict)
    """When schedules are due, and whose they are."""
    keys: dict[tuple[str, str], int] = field(factory=dict)
    last: dict[tuple[str, str], int] = field(factory=dict)
    by_then: dict[int, float] = field(factory=dict)
    """When the time of messages with deadlines is over."""
    at_work: dict[tuple[str, int, str], int] = field(factory=dict)
    """What runs in the lanes of the lives of agents."""
    last_begun: dict[tuple[str, int, str], int] = field(factory=dict)
    far: dict[int, int] = field(factory=dict)
    """How far actions have said that they are."""
    stopping: set[tuple[str, int]] = field(factory=set)
    """Lives that gave a stop."""
    kills: set[tuple[str, int]] = field(factory=set)
    """Lives that were killed."""
    reports: list[object] = field(factory=list)

    # ---- senders

    def new(self, sender: str, receiver: str, *, silent: bool = False, asked: bool = False) -> int:
        """Write down that a message is sent, and return its number."""
        number = len(self.sent) + 1
        rules = self.rules.get(receiver)
        loses = rules is not None and (rules.when_full.startswith("drop") or rules.on_restart == "drop")
        coalesces = rules is not None and rules.coalesce is not None
        ordered = sender not in (TIMER, JOB) and not coalesces
        self.sent[number] = Sent(sender, receiver, silent or loses or coalesces, ordered, asked)
        return number

    def fate(self, number: int, fate: str) -> None:
        """Write down what became of a message."""
        fates = self.fates[number]
        fates.append(fate)
        if fates not in ENDS:
            self.wrong.append(f"message {number} ({self.sent[number]}): {fates}")

    def again(self, letter: DeadLetter) -> None:
        """Write down that a dead letter is sent again."""
        number = number_in(letter.signal)
        assert number is not None
        self.fates[number].remove("letter")
        self.sent[number] = Sent("post", letter.agent_id, self.sent[number].silent, ordered=False)

    # ---- agents

    def handle(self, agent: str, number: int, *, seen: bool = True) -> None:
        """Write down that an agent has handled a message; in its state, unless it said no."""
        message = self.sent[number]
        self.fate(number, "handled")
        self.handled[place_of(agent)] += 1
        if seen:
            self.took[self.life(agent)].append(number)
        if self.life(agent) in self.stopping:
            self.wrong.append(f"message {number} came after a stop: {message}")
        pair = message.sender, agent
        if message.ordered:
            if number < self.last.get(pair, 0):
                self.wrong.append(f"message {number} came after {self.last[pair]}: {message}")
            self.last[pair] = number
        if message.receiver != agent:
            self.wrong.append(f"message {number} came to {agent}: {message}")
        if number in self.cancelled:
            self.wrong.append(f"message {number} was cancelled, and came: {message}")
        if self.by_then.get(number, math.inf) <= trio.current_time():
            self.wrong.append(f"message {number} came after its time: {message}")

    def life(self, agent: str) -> tuple[str, int]:
        """Return which life of an agent the current one is."""
        ref = self.refs.get(agent)
        return agent, ref.incarnation if ref is not None else 1

    def hear(self, agent: str, signal: Signal) -> None:
        """Write down that an agent has heard news."""
        self.handled[place_of(agent)] += 1
        kid = signal.data.get("id") if isinstance(signal.data, Mapping) else None
        if isinstance(kid, str) and "kid" in kid:
            self.news[kid, signal.type] += 1
            if self.news[kid, signal.type] > 1:
                self.wrong.append(f"{agent} hears twice of {signal.type} of {kid}")
            if signal.type.endswith("exit") and not self.news[kid, "jido.agent.child.started"]:
                self.wrong.append(f"{agent} hears of the end of {kid} before its start")

    def crash(self) -> ZeroDivisionError:
        """Return the next planned crash of an action."""
        text = f"planned crash {len(self.crashes)}"
        self.crashes[text] = 0
        return ZeroDivisionError(text)

    # ---- async actions

    @contextmanager
    def working(self, agent: str, incarnation: int, lane: str | None, number: int) -> Iterator[None]:
        """Write down that an async action runs; of one lane there is one at a time, in order."""
        if lane is None:
            yield
            return
        place = agent, incarnation, lane
        before = self.at_work.pop(place, None)
        if before is not None:
            self.wrong.append(f"action {number} runs beside {before} in one lane: {place}")
        if number < self.last_begun.get(place, 0):
            self.wrong.append(f"action {number} begins after {self.last_begun[place]} in one lane: {place}")
        self.last_begun[place] = self.at_work[place] = number
        try:
            yield
        finally:
            self.at_work.pop(place, None)

    def progress(self, agent: str, signal: Signal) -> None:
        """Write down how far an action says that it is."""
        self.handled[place_of(agent)] += 1
        number, far = signal.data["meta"]["number"], signal.data["progress"]
        if self.fates[number]:
            self.wrong.append(f"{agent} hears of the progress of {number} after its end: {self.fates[number]}")
        if signal.data["incarnation"] != self.life(agent)[1]:
            self.wrong.append(f"life {self.life(agent)} hears of the progress of {number}, of another life")
        if far <= self.far.get(number, 0):
            self.wrong.append(f"action {number} goes back from {self.far[number]} to {far}")
        self.far[number] = far

    # ---- boxes

    def report(self, report: object) -> None:
        self.reports.append(report)
        directive = getattr(getattr(report, "detail", None), "directive", None)
        if isinstance(directive, Emit) and getattr(report, "exit", "") == "crash":  # it took too long
            self.fate(directive.signal.data["number"], "cut")
        if getattr(report, "exit", "") == "killed" and getattr(report, "during", "") == "running":
            self.kill(report)
        if isinstance(report, CrashReport) and report.failure is not None and report.failure.message in self.crashes:
            text = report.failure.message
            self.crashes[text] += 1
            if self.crashes[text] > 1:
                self.wrong.append(f"{text} is reported twice")

    def kill(self, report: Any) -> None:
        if (report.child, report.incarnation) not in self.kills:
            self.wrong.append(f"life {report.incarnation} of {report.child} was killed, and another was meant")

    def letter(self, letter: DeadLetter, place: str = "main") -> None:
        self.letters[place].append(letter)
        number = number_in(letter.signal)
        if number is not None:
            self.fate(number, "letter")

    def dead_directive(self, dead: DeadDirective) -> None:
        for signal in (getattr(dead.directive, "signal", None), getattr(dead.directive, "message", None)):
            if isinstance(signal, Signal):
                self.fate(signal.data["number"], "cut" if dead.begun else "unsent")


ENDS: list[list[str]] = [
    ["handled"],
    ["handled", "answered"],
    ["handled", "not settled"],
    ["told"],
    ["refused"],
    ["letter"],
    ["unsent"],
    ["cut"],
    ["cut", "letter"],
    ["cut", "handled"],
    ["letter", "cut"],
    ["handled", "cut"],
    ["interrupted"],
]
"""What may be told of a message, in order: of an emit that was cut short, that it was sent all the same."""

BOOKS: list[Book] = []


def place_of(agent: str) -> str:
    """Return the name of the partition of an agent, or that of the instance."""
    return agent.partition("-")[0] if agent.startswith("t") else "main"


# The agents


@frozen
class Seen:
    """The numbers of what an agent has handled since it began."""

    numbers: tuple[int, ...] = ()


@frozen
class Step:
    """One thing that a message asks for."""

    kind: str
    to: str = ""
    how: str = ""
    key: str | None = None
    """Of a schedule; of work, its lane."""
    seconds: float = 0


class Do(Action):
    """Does as it is told."""

    number: int
    steps: tuple[Step, ...] = ()
    end: str = "well"

    def run(self, context: Context[Seen]) -> Result:
        book, me = BOOKS[-1], context.agent.id
        if self.end == "crash":
            raise book.crash()
        if self.end == "refuse":
            if not book.sent[self.number].asked:  # else its caller is told
                book.handle(me, self.number, seen=False)
            raise ActionError("no")
        book.handle(me, self.number)
        directives = [directive for step in self.steps for directive in _directives(step, me)]
        return {"numbers": (*context.state.numbers, self.number)}, directives


def _directives(step: Step, me: str) -> list[Any]:
    book = BOOKS[-1]
    how: Any = step.how
    match step.kind:
        case "emit":
            number = book.new(me, step.to, silent=how == "drop")
            return [Emit(message(number), dispatch=ToAgent(step.to), when_full=how)]
        case "emit to itself":
            return [Emit(message(book.new(me, me)))]
        case "crash itself":
            return [Emit(message(book.new(me, me), end="crash"))]
        case "schedule":
            number = book.new(TIMER, me, silent=True)
            return [Schedule(step.seconds, message(number), key=step.key), Marked(number, step.key, step.seconds)]
        case "cancel":
            return [CancelSchedule(step.key or ""), Marked(None, step.key, 0)]
        case "nap":
            return [Nap(step.seconds, crash=how == "crash")]
        case "fall":
            return [Fall()]
        case "work":
            number = book.new(JOB, me, silent=True)
            action = Work(number=number, seconds=step.seconds, end=how, lane=step.key, to=step.to)
            work = RunInstruction(Instruction(action), result_action=Worked, meta={"number": number}, lane=step.key)
            return [work]
        case "spawn":
            kid = f"{me}-kid-{len(book.sent) + 1}"
            hello = book.new(me, kid)
            spawn = SpawnAgent(Kid, tag="kid", id=kid, on_parent_death=how)
            return [spawn, Emit(message(hello), dispatch=ToAgent(kid))]
        case "stop child":
            return [StopChild("kid")]
        case "adopt":
            return [AdoptChild(step.to, tag="adopted")]
        case _:
            return [Marked(None, None, 0, stops=True), Stop()]


def message(number: int, steps: tuple[Step, ...] = (), end: str = "well") -> Signal:
    """Return the signal that has an agent do something."""
    return Signal("do", {"number": number, "steps": steps, "end": end})


def number_in(signal: Signal) -> int | None:
    """Return the number of a message, whether it is a signal or an action that was sent."""
    action = carried(signal)
    if isinstance(action, Do):
        return action.number
    return signal.data.get("number") if isinstance(signal.data, Mapping) else None


@frozen
class Nap:
    """A directive that takes its time, and may crash its agent then."""

    seconds: float
    crash: bool


@interpret.register
async def _(directive: Nap, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)
    if directive.crash:
        raise ZeroDivisionError("a nap")


@frozen
class Fall:
    """A directive that crashes its agent at once."""


@interpret.register
def _(directive: Fall, runtime: Runtime) -> None:
    raise ZeroDivisionError("a fall")


@frozen
class Marked:
    """A directive beside one of a schedule, or before a stop: it writes down that this is carried out."""

    number: int | None
    key: str | None
    seconds: float
    stops: bool = False


@interpret.register
def _(directive: Marked, runtime: Runtime) -> None:
    book, me = BOOKS[-1], runtime.agent.id
    if directive.stops:
        book.stopping.add(book.life(me))
    if directive.key is not None:
        old = book.keys.pop((me, directive.key), None)
        if old is not None and not book.fates[old]:
            book.cancelled.add(old)
            book.due.pop(old, None)
    if directive.number is not None:
        book.due[directive.number] = me, trio.current_time() + directive.seconds
        if directive.key is not None:
            book.keys[me, directive.key] = directive.number


class Work(Action):
    number: int
    seconds: float
    end: str = ""
    lane: str | None = None
    to: str = ""

    async def run(self, context: Context[Seen]) -> Result:
        book, me = BOOKS[-1], context.agent.id
        with book.working(me, context.incarnation, self.lane, self.number):
            context.progress(1)
            await trio.sleep(self.seconds)
            if self.to:
                sent = message(book.new(JOB, self.to, silent=True))
                await context.emit(sent, dispatch=ToAgent(self.to), when_full="wait")
            context.progress(2)
            if self.end == "crash":
                raise ZeroDivisionError("bad work")
        return None


class Worked(Action):
    outcome: Any

    def run(self, context: Context[Seen]) -> Result:
        book, me = BOOKS[-1], context.agent.id
        number = self.outcome.meta["number"]
        book.handle(me, number)
        if self.outcome.incarnation != book.life(me)[1]:
            book.wrong.append(f"an outcome of life {self.outcome.incarnation} came to life {book.life(me)}")
        return {"numbers": (*context.state.numbers, number)}


class Progressed(Action):
    """Hears how far an async action is."""

    def run(self, context: Context[Seen]) -> Result:
        assert context.signal is not None
        BOOKS[-1].progress(context.agent.id, context.signal)
        return None


class Hear(Action):
    def run(self, context: Context[Seen]) -> Result:
        assert context.signal is not None
        BOOKS[-1].hear(context.agent.id, context.signal)
        return None


class Interrupted(Action):
    """Hears that an async action of a former life was under way."""

    def run(self, context: Context[Seen]) -> Result:
        assert context.signal is not None
        BOOKS[-1].handled[place_of(context.agent.id)] += 1
        BOOKS[-1].fate(context.signal.data["meta"]["number"], "interrupted")
        return None


NEWS: dict[str, Any] = {
    "jido.agent.error": Hear(),
    "jido.agent.child.**": Hear(),
    "jido.agent.orphaned": Hear(),
    "jido.action.progress": Progressed(),
    "jido.instruction.interrupted": Interrupted(),
}


class Kid(Agent[Seen], routes={"do": Do}):
    """A child; of no news."""


class Logs(Agent[Seen], routes={"do": Do, **NEWS}, error_policy="log"): ...


class Stops(Agent[Seen], routes={"do": Do, **NEWS}, error_policy="stop"): ...


class Emits(Agent[Seen], routes={"do": Do, **NEWS}, error_policy="emit"): ...


class Crashes(Agent[Seen], routes={"do": Do, **NEWS}, error_policy="crash"): ...


class Counts(Agent[Seen], routes={"do": Do}, error_policy=MaxErrors(2)):
    """Hears no news."""


KINDS = (Logs, Stops, Emits, Crashes, Counts)

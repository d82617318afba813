"""Rewind: an agent goes on from an earlier point of its journal, on a branch of its own.

The journal is folded up to that point, for the state, and for the signals that were to come later then. Both become one
more input, `Rewound`, between two messages: what came after the point stays in the journal, before it. So a fold of the
whole comes to the same, and nothing that was carried out is carried out again. Signals for later are as far from due as
they were at the point; when something was then is told by the times of the signals.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import trio
from attrs import AttrsInstance, Factory, define, field, frozen

from jido_trio.core import (
    Agent,
    ApplyOutcome,
    Began,
    CancelSchedule,
    Cron,
    CronCancel,
    Entry,
    Instruction,
    Learnt,
    Outcome,
    Pending,
    Rewound,
    RunInstruction,
    Schedule,
    Signal,
    Stop,
    mark_of,
)
from jido_trio.errors import InvalidDefinition, ReplayDiverged
from jido_trio.redact import shown, shown_error
from jido_trio.runtime._archive import Effect, Place, schedule_name
from jido_trio.runtime._book import job_name
from jido_trio.runtime._cell import Instance
from jido_trio.runtime._history import JournalPages, open_journal
from jido_trio.runtime._upgrading import Wanted
from jido_trio.storage import Storage


@frozen
class Told:
    """What came of an action with effects, when the agent has heard of it."""

    place: Place
    effect: Effect
    """The directive that asked for it, and the signal that led to that."""
    instruction: Instruction
    """Tells the agent of the outcome."""


@frozen
class Point:
    """An agent after an input of its past."""

    agent: Agent[Any]
    number: int
    timers: tuple[Pending, ...]
    """What was to come later then."""
    begin: int
    """Of how many inputs the journal knows nothing any more."""
    seen: frozenset[str]
    """The names of all signals for later that the journal knows of."""
    told: tuple[Told, ...] = ()
    """What came, after it, of actions with effects that were under way at it."""
    untold: tuple[tuple[Place, Effect], ...] = ()
    """The others that were under way at it: they are so still, or another going back has cut them off."""

    def drops(self, timer: str) -> bool:
        """Whether a signal for later, which there is now, isn't of this point: it isn't from before the journal."""
        return not self.begin or timer in self.seen


@define(eq=False)
class Rewinds:
    """The rewinds of one instance: one after the other, as each is kept for its agent alone."""

    _instance: Instance
    lock: trio.Lock = field(init=False, factory=trio.Lock)


_MANY = 10_000
"""So many actions with effects that have ended are known, the last ones, where the journal itself went back."""


@define
class _Runs:
    """The actions with effects that were under way, as the fold goes on, in the order in which they were asked for."""

    _begin: int
    """Of how many inputs the journal knows nothing any more."""
    asked: dict[Place, Effect] = field(factory=dict)
    late: tuple[Place, Effect] | None = field(default=None, init=False)
    """What the last input tells the end of, and the journal not the beginning: it was under way all the time before."""
    _lates: int = field(default=0, init=False)
    _ended: deque[tuple[Place, int, Effect]] = field(factory=lambda: deque(maxlen=_MANY))
    """Those that have ended, or were cut off, each with the number of the input that told of it."""

    def take(self, entry: Entry, directives: Sequence[AttrsInstance]) -> Place | None:
        """Take note of an input, and of what followed from it; return of which of them it told the outcome."""
        number, ended, self.late = entry.number, None, None
        if isinstance(entry.input, Rewound):
            self._go_back(entry.input.to, number)
        elif isinstance(entry.input, Learnt):
            ended = self._asked_by(entry.input) or self._asked_before(entry.input)
            if ended is not None:
                self._ended.append((ended, number, self.asked.pop(ended)))
        for index, directive in enumerate(directives):
            if isinstance(directive, RunInstruction):
                self.asked[Place(number, index)] = Effect(entry.input.signal, directive)
            elif isinstance(directive, Stop):
                break
        return ended

    def _go_back(self, to: int, number: int) -> None:
        again = {place: effect for place, ended, effect in self._ended if place.number <= to < ended}
        self._ended.extend((place, number, effect) for place, effect in self.asked.items() if place.number > to)
        self.asked = {place: effect for place, effect in self.asked.items() if place.number <= to} | again

    def _asked_by(self, told: Learnt) -> Place | None:
        outcome = told.instruction.params.get("outcome")
        if not isinstance(outcome, Outcome):
            return None
        for place, asked in self.asked.items():
            if asked.signal.id == told.signal.id and asked.directive.instruction == outcome.instruction:
                return place
        return None

    def _asked_before(self, told: Learnt) -> Place | None:
        outcome = told.instruction.params.get("outcome")
        if not self._begin or not isinstance(outcome, Outcome):
            return None
        action = told.instruction.action_class
        asked = RunInstruction(outcome.instruction, None if action is ApplyOutcome else action, outcome.meta)
        place, effect = Place(self._begin, self._lates, before=True), Effect(told.signal, asked)
        self._lates += 1
        self.asked[place] = effect
        self.late = (place, effect)
        return place


@define
class _Timers:
    """What was to come later, as the fold goes on."""

    now: float = 0.0
    """When the last input was, in seconds since 1970, as far as the signals tell."""
    due: dict[str, tuple[float, Signal]] = field(factory=dict)
    jobs: dict[str, Cron] = field(factory=dict)

    def take(self, entry: Entry, directives: Sequence[AttrsInstance]) -> None:
        """Take note of an input, and of what followed from it."""
        self.now = max(self.now, _time_of(entry.input.signal))
        if isinstance(entry.input, Rewound):
            pending = entry.input.timers
            self.due = {each.name: (self.now + each.seconds, each.signal) for each in pending if each.cron is None}
            self.jobs = {each.name: each.cron for each in pending if each.cron is not None}
            return
        came = entry.input.signal.id
        self.due = {name: (at, signal) for name, (at, signal) in self.due.items() if signal.id != came}
        for index, directive in enumerate(directives):
            match directive:
                case Schedule():
                    name = f"{entry.number}.{index}" if directive.key is None else schedule_name(directive.key)
                    self.due[name] = (self.now + directive.delay, directive.message)
                case CancelSchedule():
                    self.due.pop(schedule_name(directive.key), None)
                case Cron():
                    self.jobs[job_name(directive.key)] = directive
                case CronCancel():
                    self.jobs.pop(job_name(directive.key), None)
                case Stop():
                    return
                case _:
                    pass

    def pending(self) -> tuple[Pending, ...]:
        """Return them, each with how far it is from due."""
        return (
            *(Pending(name, max(0.0, at - self.now), signal) for name, (at, signal) in self.due.items()),
            *(Pending(name, 0.0, job.message, job) for name, job in self.jobs.items()),
        )


def _time_of(signal: Signal) -> float:
    try:
        return datetime.fromisoformat(signal.time).timestamp() if signal.time else 0.0
    except ValueError:
        return 0.0


@define(eq=False)
class Past:
    """The journal of an agent, folded up to where it was read; it can be read on."""

    agent: Agent[Any]
    number: int
    """Of the last input that was read."""
    _begin: int
    """How many inputs came before the first that is still there."""
    _pages: JournalPages[Entry]
    _to: int
    _found: tuple[int, Agent[Any], tuple[Pending, ...]] | None = None
    _timers: _Timers = field(factory=_Timers)
    _seen: set[str] = field(factory=set)
    _runs: _Runs = Factory(lambda self: _Runs(self._begin), takes_self=True)
    _open_then: dict[Place, Effect] = field(factory=dict)
    _told: list[Told] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        if self.number == self._to:
            self._found = (self.number, self.agent, ())

    async def read_on(self) -> Point:
        """Read the inputs that have come since, and return the point.

        Raises:
            Conflict: The journal was cut meanwhile.
            InvalidDefinition: The journal doesn't go back, or forth, so far.
            RecordRefused: See `open_journal`.
            ReplayDiverged: The code comes to another state than the journal says.
            StorageError: See `Storage.scan`.
        """
        async for page in self._pages:
            for entry in page:
                self._take(entry)
        if self._found is None:
            raise InvalidDefinition(
                f"to={shown(self._to)}: the journal of agent {shown(self.agent.id)} goes from {self._begin} to "
                f"{self.number}",
                field="to",
                value=self._to,
            )
        at, agent, pending = self._found
        untold = tuple(self._open_then.items())
        return Point(agent, at, pending, self._begin, frozenset(self._seen), tuple(self._told), untold)

    def _take(self, entry: Entry) -> None:
        self.agent, directives = _applied(self.agent, entry)
        self._timers.take(entry, directives)
        runs, ended = self._runs, self._runs.take(entry, directives)
        if runs.late is not None and self._found is not None:
            self._open_then.update([runs.late])
        if ended in self._open_then and isinstance(entry.input, Learnt):
            self._told.append(Told(ended, self._open_then.pop(ended), entry.input.instruction))
        self.number = entry.number
        self._seen |= self._timers.due.keys() | self._timers.jobs.keys()
        if self.number == self._to or (self.number == self._to + 1 and isinstance(entry.input, Began)):
            # Right before a life began it isn't one to go on with: what its strategy needs may not be there yet.
            self._found = (self.number, self.agent, self._timers.pending())
            self._open_then = dict(runs.asked)


@define(eq=False)
class Rewinding(Wanted):
    """What is kept for an agent until it goes on from a point of its past, or can't."""

    past: Past
    agent: Agent[Any] | None = field(default=None, init=False)
    """Who it is then."""


async def past_of(storage: Storage, instance: str, agent_id: str, to: int) -> Past:
    """Return the journal of a durable agent, to be read for the point after the input of that number.

    Raises:
        RecordRefused: See `open_journal`.
        StorageError: See `Storage.scan`.
    """
    reader = await open_journal(storage, instance, agent_id)
    return Past(reader.begin, reader.number, reader.number, reader.pages, to)


def _applied(agent: Agent[Any], entry: Entry) -> tuple[Agent[Any], Sequence[AttrsInstance]]:
    try:
        after, directives = entry.input.apply(agent)
    except Exception as error:
        raise ReplayDiverged(agent.id, entry.number, shown_error(error)) from error
    if mark_of(after) != entry.mark:
        raise ReplayDiverged(agent.id, entry.number, "it came to another state")
    return after, directives

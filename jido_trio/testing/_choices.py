"""Choices: whatever is left to chance in a run is a choice between named options, one after the other.

A run follows from its choices. Those of all runs are chosen by a `Chooser`: by chance, as a tape says, or as a script
does. The first option is always the plain one: the oldest task, or that nothing goes wrong.

Wherever something could go wrong a choice is made, also where nothing may any more: so the numbers of the others don't
depend on how much may go wrong in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Literal, Protocol, TypeAlias

import trio
from attrs import define, field, frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown
from jido_trio.testing._fault_kinds import CRASHES, POSSIBLE, Offered, Place, PlannedFault, misplaced, said_of

Kind: TypeAlias = Literal["order", "fault"]

GO_ON = "go on"
"""What the plain option is called where something could go wrong."""


@frozen
class Choice:
    """One of the choices of a run."""

    number: int
    """Its place among them, from 0."""
    kind: Kind
    """Which task runs first, or whether something goes wrong."""
    options: tuple[str, ...]
    picked: int
    at: float
    """When, in seconds of Trio's clock."""

    @property
    def plain(self) -> bool:
        """Whether it is what happens if nothing else is asked for."""
        return self.picked == 0

    @property
    def name(self) -> str:
        """What was picked."""
        return self.options[self.picked]

    def __str__(self) -> str:
        if self.kind == "fault":
            return f"at {self.at:g} s: {self.name}" if self.picked else f"at {self.at:g} s: nothing goes wrong"
        if not self.picked:
            return f"at {self.at:g} s: {self.name} runs first"
        return f"at {self.at:g} s: {self.name} runs before {_listed(self.options[: self.picked])}"


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


Chooser: TypeAlias = Callable[[int, Kind, tuple[str, ...]], int]
"""Given the number of a choice, of which kind it is, and its options, returns the index of one."""


def by_tape(tape: Sequence[int]) -> Chooser:
    """Choose as the tape says, and plainly when it is at its end. A number too large is the last option."""

    def choose(number: int, _: Kind, options: tuple[str, ...]) -> int:
        return min(tape[number], len(options) - 1) if number < len(tape) else 0

    return choose


def by_script(script: Mapping[int, str]) -> Chooser:
    """Choose the options of those names, and plainly where the script says nothing; -1 if there is no such option."""

    def choose(number: int, _: Kind, options: tuple[str, ...]) -> int:
        wanted = script.get(number, options[0])
        return options.index(wanted) if wanted in options else -1

    return choose


def misfit(number: int, options: tuple[str, ...]) -> InvalidDefinition:
    """Return the error for a script that names what isn't among the options."""
    listed = ", ".join(map(shown, options))
    return InvalidDefinition(
        f"the script names something else for choice {number} than there is: {listed}. "
        "The program isn't the one that it was made for, or `kills` and `faults` aren't: explore it again",
        field="script",
        value=number,
    )


def leftover(number: int, made: int) -> InvalidDefinition:
    """Return the error for a script that goes on when the run is over."""
    return InvalidDefinition(
        f"the script names something for choice {number}, and the run made {made} choices. "
        "The program isn't the one that it was made for, or `kills` and `faults` aren't: explore it again",
        field="script",
        value=number,
    )


class Dice(Protocol):
    """Random numbers, as `random.Random` has them."""

    def random(self) -> float:
        """Return a number from 0 to 1."""
        ...

    def randrange(self, start: int, stop: int, /) -> int:
        """Return a whole number from `start` up to but not `stop`."""
        ...


def by_chance(random: Dice, *, faults: float) -> Chooser:
    """Choose tasks with equal chances, and that something goes wrong with the probability given."""

    def choose(_: int, kind: Kind, options: tuple[str, ...]) -> int:
        if kind == "order":
            return random.randrange(0, len(options))
        if len(options) == 1:
            return 0
        return random.randrange(1, len(options)) if random.random() < faults else 0

    return choose


@define(eq=False)
class Choices:
    """The choices of one run, as they are made."""

    _choose: Chooser
    most_faults: int
    """No more than so much goes wrong."""
    _offered: Offered = CRASHES
    """What may go wrong at points."""
    made: list[Choice] = field(factory=list)
    misfit: InvalidDefinition | None = None
    """What the script, or what was offered, got wrong, if it did."""
    points: dict[str, None] = field(factory=dict)
    """The points that were come to, in order."""
    _faults: int = 0

    def first_of(self, options: tuple[str, ...], at: float) -> int:
        """Choose which task runs first."""
        return self._made("order", options, at)

    def kills(self, what: str, at: float) -> bool:
        """Choose whether an agent is killed."""
        return self._wrong((what,), at) > 0

    def fault_at(self, point: str, place: Place, at: float) -> PlannedFault | None:
        """Choose what goes wrong at a point, of what may and can."""
        self.points[point] = None
        offered = self._offered_at(point, place)
        picked = self._wrong(tuple(f"{said_of(fault)} at {point}" for fault in offered), at)
        return offered[picked - 1] if picked else None

    def _offered_at(self, point: str, place: Place) -> Sequence[PlannedFault]:
        if not isinstance(self._offered, Mapping):
            return [fault for fault in self._offered if isinstance(fault, POSSIBLE[place])]
        offered = self._offered.get(point, ())
        errors = [error for fault in offered if (error := misplaced(fault, point, place)) is not None]
        self.misfit = next(iter(errors), self.misfit)
        return () if errors else offered

    def _wrong(self, options: tuple[str, ...], at: float) -> int:
        more = options if self._faults < self.most_faults else ()
        picked = self._made("fault", (GO_ON, *more), at)
        self._faults += picked > 0
        return picked

    def _made(self, kind: Kind, options: tuple[str, ...], at: float) -> int:
        number = len(self.made)
        picked = self._choose(number, kind, options)
        if picked < 0:  # Trio's run loop asks: to raise here would be the end of it
            self.misfit = self.misfit or misfit(number, options)
            picked = 0
        self.made.append(Choice(number, kind, options, picked, at))
        return picked


_choices: ContextVar[Choices | None] = ContextVar("jido_trio.choices", default=None)


def choose_by(choices: Choices) -> None:
    """Have the points that this task, and those that it starts, come to be choices of a run."""
    _choices.set(choices)


def is_simulated() -> bool:
    """Tell whether what runs here is a run with choices."""
    return _choices.get() is not None


def chosen_at(point: str, place: Place) -> PlannedFault | None:
    """Return what is chosen to go wrong at a point; nothing, where nobody chooses."""
    choices = _choices.get()
    if choices is None or not trio.lowlevel.in_trio_run():  # a thread, whose moment is chance
        return None
    return choices.fault_at(point, place, trio.current_time())

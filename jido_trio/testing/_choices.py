"""Choices: whatever is left to chance in a run is a choice between named options, one after the other.

A run follows from its choices. Those of all runs are chosen by a `Chooser`: by chance, as a tape says, or as a script
does. The first option is always the plain one: the oldest task, or no crash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from attrs import define, field, frozen

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown

Kind: TypeAlias = Literal["order", "crash"]

GO_ON = "go on"
"""What the plain option is called where something could crash."""


@frozen
class Choice:
    """One of the choices of a run."""

    number: int
    """Its place among them, from 0."""
    kind: Kind
    """Which task runs first, or whether something crashes."""
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
        if self.kind == "crash":
            return f"at {self.at:g} s: {self.name}" if self.picked else f"at {self.at:g} s: no crash"
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
        "The program isn't the one that it was made for: explore it again",
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


def by_chance(random: Dice, *, crashes: float) -> Chooser:
    """Choose tasks with equal chances, and crashes with the probability given."""

    def choose(_: int, kind: Kind, options: tuple[str, ...]) -> int:
        if kind == "order":
            return random.randrange(0, len(options))
        return random.randrange(1, len(options)) if random.random() < crashes else 0

    return choose


@define(eq=False)
class Choices:
    """The choices of one run, as they are made."""

    _choose: Chooser
    most_crashes: int
    """No more than so many crashes are chosen."""
    made: list[Choice] = field(factory=list)
    misfit: InvalidDefinition | None = None
    """What the script got wrong, if it did."""
    _crashes: int = 0

    def first_of(self, options: tuple[str, ...], at: float) -> int:
        """Choose which task runs first."""
        return self._made("order", options, at)

    def crashes(self, what: str, at: float) -> bool:
        """Choose whether it crashes here."""
        if self._crashes >= self.most_crashes:
            return False
        picked = self._made("crash", (GO_ON, what), at)
        self._crashes += picked
        return picked > 0

    def _made(self, kind: Kind, options: tuple[str, ...], at: float) -> int:
        number = len(self.made)
        picked = self._choose(number, kind, options)
        if picked < 0:  # Trio's run loop asks: to raise here would be the end of it
            self.misfit = self.misfit or misfit(number, options)
            picked = 0
        self.made.append(Choice(number, kind, options, picked, at))
        return picked

"""What is told of each message of a soaked program, and the agents that tell it.

Each message has a number, of its kind. What is told of it goes over stdout, as 64 bits: number, kind, and what.
"""

from __future__ import annotations

import json
import os
import random
from array import array
from collections.abc import Mapping
from typing import Any

import trio
from attrs import Factory, define, field, frozen

from jido_trio.core import Action, Agent, Context, Emit, Instruction, Result, RunInstruction, Schedule, Signal, ToAgent
from jido_trio.runtime import Runtime, interpret

SENT, HANDLED, ANSWERED, TOLD, REFUSED, LETTER, UNSENT, CUT, WRONG, END = range(10)
"""What is told of a message: it was sent; an agent has handled it; its caller has the answer, or an error; it was
refused; it is a dead letter; the emit of it was never carried out, or was under way when its life ended."""

STRICT, DROPPABLE, SCHEDULED, RULED, WORK, JOB = range(6)
"""Kinds of messages: one that must have a fate; one that an emit may drop; one for later, that a stop cancels; one to a
mailbox that drops; one to an agent with async actions; the outcome of one."""

KINDS = 6
RNG = random.Random(0)


def word(what: int, kind: int, number: int) -> int:
    """Return what is told of a message, as one number."""
    return number << 8 | kind << 4 | what


@define
class Teller:
    """Tells over stdout, in blocks."""

    _words: array[int] = Factory(lambda: array("Q"))
    _last: list[int] = field(factory=lambda: [0] * KINDS)

    def next(self, kind: int) -> dict[str, int]:
        """Return the data of a new message, which is about to be sent."""
        self._last[kind] = number = self._last[kind] + 1
        self.tell(SENT, {"kind": kind, "number": number})
        return {"kind": kind, "number": number}

    def tell(self, what: int, data: Mapping[str, Any]) -> None:
        self._words.append(word(what, data["kind"], data["number"]))
        if len(self._words) >= 4096:
            self.flush()

    def flush(self) -> None:
        _write(self._words.tobytes())
        del self._words[:]

    def end(self, told: Mapping[str, Any]) -> None:
        self._words.append(END)
        self.flush()
        _write(json.dumps(told).encode())

    @property
    def sent(self) -> int:
        return sum(self._last)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


TELL = Teller()


# The agents


@frozen
class Seen:
    """How many an agent has handled since it began."""

    count: int = 0


class Numbered(Action):
    """An action that tells that it was handled."""

    kind: int
    number: int

    def run(self, context: Context[Seen]) -> Result:
        TELL.tell(HANDLED, {"kind": self.kind, "number": self.number})
        return {"count": context.state.count + 1}, self.effects()

    def effects(self) -> list[Any]:
        return []


class Take(Numbered): ...


class Boom(Action):
    kind: int
    number: int

    def run(self, context: Context[Seen]) -> Result:
        raise ZeroDivisionError("a planned crash")


class Flaky(Numbered):
    """Crashes now and then."""

    def run(self, context: Context[Seen]) -> Result:
        if RNG.random() < 0.4:
            raise ZeroDivisionError("a planned crash, this time")
        return super().run(context)


@frozen
class Nap:
    """A directive that takes a while, and may crash its agent then."""

    seconds: float
    crash: bool = False


@interpret.register
async def _(directive: Nap, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)
    if directive.crash:
        raise ZeroDivisionError("a planned crash of a directive")


class Slow(Numbered):
    seconds: float

    def effects(self) -> list[Any]:
        return [Nap(self.seconds)]


class SlowBoom(Numbered):
    """Its last directive is never carried out."""

    to: str

    def effects(self) -> list[Any]:
        return [Nap(0.001, crash=True), Emit("take", TELL.next(STRICT), dispatch=ToAgent(self.to))]


class Pass(Numbered):
    """Has another take something."""

    to: str
    how: str

    def effects(self) -> list[Any]:
        data = TELL.next(DROPPABLE if self.how == "drop" else STRICT)
        how: Any = self.how
        return [Emit("take", data, dispatch=ToAgent(self.to), when_full=how)]


class Later(Numbered):
    def effects(self) -> list[Any]:
        return [Schedule(0.2, Signal("take", TELL.next(SCHEDULED)))]


class Do(Action):
    """Takes time, and may have a bug."""

    data: dict[str, int]
    crash: bool

    async def run(self, context: Context[Seen]) -> Result:
        await trio.sleep(0.002)
        if self.crash:
            raise ZeroDivisionError("a planned crash of an async action")
        return None


class Done(Action):
    outcome: Any

    def run(self, context: Context[Seen]) -> Result:
        TELL.tell(HANDLED, self.outcome.meta)
        return None


class Work(Numbered):
    crash: bool

    def effects(self) -> list[Any]:
        data = TELL.next(JOB)
        return [RunInstruction(Instruction(Do(data=data, crash=self.crash)), result_action=Done, meta=data)]


class Member(
    Agent[Seen],
    routes={
        "take": Take,
        "boom": Boom,
        "flaky": Flaky,
        "slow": Slow,
        "slow_boom": SlowBoom,
        "pass": Pass,
        "later": Later,
        "work": Work,
    },
):
    """Takes what it is sent."""


class Keeper(Member, after_crash="committed"):
    """Forgets nothing when it crashes."""

"""Fates: what became of each message, counted; and dead letters, the messages that nobody handles.

A message is accepted when it comes into a mailbox, when an idle agent begins with it where it is sent, or when an
effect sends it to where it can't come. From then on it has exactly one fate, or waits:

    handled         the agent's `cmd` has gone through it
    failed          it was answered with an error: the agent crashed at it or has ended, it said no, no route matches
    dead-lettered   nobody waits for an answer, and nobody handles it
    expired         a call whose time was over before the agent came to it
    withdrawn       a call whose caller, or a schedule that, was cancelled before the agent came to it
    dropped         the rules of the mailbox, or an emit, gave it up; or it is of no interest any more: news that no
                    route matches, outcomes for a life that has ended

So `accepted` is the sum of all that: always, at any step, after a crash and after the end. A message that an agent has
taken counts as handled from then on, and as something else once that is known: nothing can look in between.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

import trio
from attrs import AttrsInstance, define, field, frozen

from jido_trio.core import Signal
from jido_trio.redact import said, shown

logger = logging.getLogger("jido_trio.runtime")


@define(eq=False)
class Counts:
    """How many messages of an instance were accepted, and how many had which fate."""

    accepted: int = 0
    handled: int = 0
    failed: int = 0
    dead_lettered: int = 0
    expired: int = 0
    withdrawn: int = 0
    dropped: int = 0


@frozen
class Ledger:
    """What became of all messages that an instance has accepted: each is counted in one of the other fields."""

    accepted: int
    handled: int
    """Gone through by the agent's `cmd`."""
    failed: int
    """Answered with an error."""
    dead_lettered: int
    """Given up, with nobody waiting for an answer; `Jido.dead_letters` has the last of them."""
    expired: int
    """Given up by callers whose time was over."""
    withdrawn: int
    """Given up by callers that were cancelled; schedules that were cancelled when they were due."""
    dropped: int
    """Given up by the rules of a mailbox, or of no interest any more."""
    waiting: int
    """In mailboxes."""

    @property
    def balanced(self) -> bool:
        """Whether each message has one fate, or waits. It always is."""
        fates = self.handled + self.failed + self.dead_lettered + self.expired + self.withdrawn + self.dropped
        return self.accepted == fates + self.waiting


@frozen
class DeadLetter:
    """A signal that was sent to an agent and that nobody will handle."""

    agent_id: str
    signal: Signal
    reason: str
    id: int = field(default=0, eq=False)
    """Its number among the dead letters of the instance, from 1."""
    at: float = field(default=0.0, eq=False)
    """When it was given up, in seconds of Trio's clock."""
    crash: str | None = None
    """What the agent crashed with at this signal, in one line; None if it didn't."""


def log_dead_letter(letter: DeadLetter) -> None:
    """Write the dead letter to the log `jido_trio.runtime`; where they go unless an instance is told otherwise."""
    to, signal = shown(letter.agent_id), shown(letter.signal.type)
    logger.warning("signal %s to agent %s is not handled: %s", signal, to, said(letter.reason))


@frozen
class DeadDirective:
    """A directive that was not carried out, or not to its end: the life that gave it had ended."""

    agent_id: str
    directive: AttrsInstance
    signal: Signal
    """The one that led to it."""
    reason: str
    begun: bool = False
    """Whether it was under way, and may have acted."""


def log_dead_directive(dead: DeadDirective) -> None:
    """Write to the log `jido_trio.runtime` of which class it was; the default of `on_dead_directive`."""
    kind, agent, signal = type(dead.directive).__qualname__, shown(dead.agent_id), shown(dead.signal.type)
    how = "was cut short" if dead.begun else "is not carried out"
    logger.warning("directive %s of agent %s, for signal %s, %s: %s", kind, agent, signal, how, said(dead.reason))


def bury(dead: DeadDirective, box: Callable[[DeadDirective], None]) -> None:
    """Put it into the box; a box that raises is logged."""
    try:
        box(dead)
    except Exception:
        logger.exception("on_dead_directive raised for agent %s", shown(dead.agent_id))


@define(eq=False)
class DeadLetters:
    """The dead letters of an instance: told when they come about, and the last of them kept."""

    _box: Callable[[DeadLetter], None]
    kept: deque[DeadLetter] = field(factory=deque)
    _count: int = 0

    def add(self, agent_id: str, signal: Signal, reason: str, crash: str | None = None) -> None:
        """Keep and tell of one more."""
        self._count += 1
        letter = DeadLetter(agent_id, signal, reason, self._count, trio.current_time(), crash)
        self.kept.append(letter)
        deliver(letter, self._box)

    def apart(self, box: Callable[[DeadLetter], None] | None) -> DeadLetters:
        """Return others that are told and kept as these, unless they have a box of their own."""
        return DeadLetters(box if box is not None else self._box, deque(maxlen=self.kept.maxlen))

    def take(self, letter: DeadLetter) -> None:
        """Keep one of them no more."""
        for kept in self.kept:
            if kept.id == letter.id:
                self.kept.remove(kept)
                return


def deliver(letter: DeadLetter, box: Callable[[DeadLetter], None]) -> None:
    """Put the letter into the box; a box that raises is logged."""
    try:
        box(letter)
    except Exception:
        to, signal = shown(letter.agent_id), shown(letter.signal.type)
        logger.exception("on_dead_letter raised for signal %s to agent %s", signal, to)

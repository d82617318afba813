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
from collections.abc import Callable, Collection

import trio
from attrs import AttrsInstance, define, field, frozen

from jido_trio.core import Signal
from jido_trio.redact import concealed, said, secret_texts, shown
from jido_trio.supervision import Failure

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


@frozen(repr=False)
class DeadLetter:
    """A signal that was sent to an agent and that nobody will handle. It is the real one; its text has no secrets."""

    agent_id: str
    signal: Signal
    reason: str
    id: int = field(default=0, eq=False)
    """Its number among the dead letters of the instance, from 1."""
    at: float = field(default=0.0, eq=False)
    """When it was given up, in seconds of Trio's clock."""
    crash: str | None = None
    """What the agent crashed with at this signal, in one line; None if it didn't."""
    _secret: Collection[str] = field(default=frozenset(), eq=False)

    def __repr__(self) -> str:
        crash = f", crash={shown(self.crash)}" if self.crash is not None else ""
        return (
            f"DeadLetter(id={self.id}, agent_id={shown(self.agent_id)}, "
            f"signal={_shown_signal(self.signal, self._secret)}, reason={shown(self.reason)}, at={self.at:g}{crash})"
        )


def log_dead_letter(letter: DeadLetter) -> None:
    """Write the dead letter to the log `jido_trio.runtime`; where they go unless an instance is told otherwise."""
    to, signal = shown(letter.agent_id), shown(letter.signal.type)
    logger.warning("signal %s to agent %s is not handled: %s", signal, to, said(letter.reason))


@frozen(repr=False)
class DeadDirective:
    """A directive that was not carried out, or not to its end: the life that gave it had ended.

    Its values are the real ones, its text has no secrets.
    """

    agent_id: str
    directive: AttrsInstance
    signal: Signal
    """The one that led to it."""
    reason: str
    begun: bool = False
    """Whether it was under way, and may have acted."""
    _secret: Collection[str] = field(default=frozenset(), eq=False)

    def __repr__(self) -> str:
        hide = secret_texts((self.directive, self.signal.data), self._secret)
        return (
            f"DeadDirective(agent_id={shown(self.agent_id)}, directive={shown(self.directive, hide=hide)}, "
            f"signal={_shown_signal(self.signal, self._secret)}, reason={shown(self.reason, hide=hide)}, "
            f"begun={self.begun})"
        )


def _shown_signal(signal: Signal, secret: Collection[str]) -> str:
    hide = secret_texts(signal.data, secret)
    return f"<{shown(signal.type)} {shown(concealed(signal.data, secret), hide=hide)}>"


def log_dead_directive(dead: DeadDirective) -> None:
    """Write to the log `jido_trio.runtime` of which class it was; the default of `on_dead_directive`."""
    kind, agent, signal = type(dead.directive).__qualname__, shown(dead.agent_id), shown(dead.signal.type)
    how = "was cut short" if dead.begun else "is not carried out"
    logger.warning("directive %s of agent %s, for signal %s, %s: %s", kind, agent, signal, how, said(dead.reason))


def bury(dead: DeadDirective, box: Callable[[DeadDirective], None]) -> None:
    """Put it into the box; a box that raises is logged."""
    try:
        box(dead)
    except Exception as error:  # noqa: BLE001  # whoever is told can't change it
        hide = secret_texts((dead.directive, dead.signal.data), dead._secret)  # noqa: SLF001  # of this module
        agent, told = shown(dead.agent_id), Failure.of(error, hide=hide).render()
        logger.error("on_dead_directive raised for agent %s\n%s", agent, told)  # noqa: TRY400  # without secrets


@define(eq=False)
class DeadLetters:
    """The dead letters of an instance: told when they come about, and the last of them kept."""

    _box: Callable[[DeadLetter], None]
    kept: deque[DeadLetter] = field(factory=deque)
    _count: int = 0
    secret: set[str] = field(factory=set)
    """What secret fields are called, of all classes of agents that the instance has had."""

    def add(self, agent_id: str, signal: Signal, reason: str, crash: str | None = None) -> None:
        """Keep and tell of one more."""
        self._count += 1
        letter = DeadLetter(agent_id, signal, reason, self._count, trio.current_time(), crash, self.secret)
        self.kept.append(letter)
        deliver(letter, self._box)

    def apart(self, box: Callable[[DeadLetter], None] | None) -> DeadLetters:
        """Return others that are told and kept as these, unless they have a box of their own."""
        return DeadLetters(box if box is not None else self._box, deque(maxlen=self.kept.maxlen), secret=self.secret)

    def take(self, letter: DeadLetter) -> None:
        """Keep one of them no more; one of another instance has a number of its own."""
        for kept in self.kept:
            if kept.id == letter.id and kept.signal.id == letter.signal.id:
                self.kept.remove(kept)
                return


def deliver(letter: DeadLetter, box: Callable[[DeadLetter], None]) -> None:
    """Put the letter into the box; a box that raises is logged."""
    try:
        box(letter)
    except Exception as error:  # noqa: BLE001  # whoever is told can't change it
        to, signal = shown(letter.agent_id), shown(letter.signal.type)
        hide = secret_texts(letter.signal.data, letter._secret)  # noqa: SLF001  # of this module
        told = Failure.of(error, hide=hide).render()
        logger.error("on_dead_letter raised for signal %s to agent %s\n%s", signal, to, told)  # noqa: TRY400  # without secrets

"""Messages: what a mailbox holds. What others cast is the bare signal; who waits for an answer has a `Call`."""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias

import trio
from attrs import define, frozen
from outcome import Error, Value
from outcome import Outcome as Answer

from jido_trio.core import Agent, Instruction, Signal
from jido_trio.errors import CallTimeout, JidoError
from jido_trio.runtime._fates import Counts


class Waiting(Protocol):
    """Where a call waits: a mailbox."""

    counts: Counts

    def withdraw(self, call: Call) -> bool:
        """Let a call go that nobody waits for any more; return whether it had been accepted."""
        ...


class Call:
    """A signal that somebody waits for.

    It is settled once: by an answer, an error, or as nobody waits for it any more.
    """

    __slots__ = ("_answer", "_caller", "agent_id", "check", "mailbox", "settled", "signal", "where")

    def __init__(self, signal: Signal, agent_id: str, *, check: bool = True) -> None:
        self.signal = signal
        self.agent_id = agent_id
        self.check = check
        """Whether the caller is told that the action said no."""
        self.settled = False
        self.mailbox: Waiting | None = None
        self.where: Literal["parked", "queued", "back", "out"] = "out"
        """Whether it waits in the mailbox, there for another time, or for a place there."""
        self._answer: Answer[Any] | None = None
        self._caller: trio.lowlevel.Task | None = None

    def settle(self, answer: Agent[Any] | JidoError) -> None:
        """Give the caller the agent, or the error; nothing if the call is settled."""
        if self.settled:
            return
        self.settled = True
        self._answer = Error(answer) if isinstance(answer, JidoError) else Value(answer)
        caller, self._caller = self._caller, None
        if caller is not None:
            trio.lowlevel.reschedule(caller, self._answer)

    def expire(self, seconds: float) -> None:
        """Tell the caller that its time is over."""
        if not self.settled:
            self.settle(CallTimeout(self.agent_id, seconds))
            if self.mailbox is not None and self.mailbox.withdraw(self):
                self.mailbox.counts.expired += 1

    async def wait(self) -> Any:
        """Return the answer, or raise it; whoever is cancelled meanwhile withdraws its message."""
        if self._answer is not None:
            await trio.lowlevel.cancel_shielded_checkpoint()
            return self._answer.unwrap()
        self._caller = trio.lowlevel.current_task()
        return await trio.lowlevel.wait_task_rescheduled(self._withdrawn)

    def _withdrawn(self, _: object) -> trio.lowlevel.Abort:
        self._caller = None
        self.withdraw()
        return trio.lowlevel.Abort.SUCCEEDED

    def withdraw(self) -> None:
        """Take it back, as nobody waits for it any more; nothing if it is settled."""
        if self.settled:
            return
        self.settled = True
        if self.mailbox is not None and self.mailbox.withdraw(self):
            self.mailbox.counts.withdrawn += 1

    def told(self) -> Any:
        """Return the answer of a call that was answered, or the error, as if it hadn't been raised."""
        answer: Any = self._answer
        return answer.error.with_traceback(None) if isinstance(answer, Error) else answer.value


@frozen(eq=False)
class Own:
    """A signal that the agent sent itself, now or for later."""

    signal: Signal


@frozen(eq=False)
class Due:
    """A signal that the agent sent itself earlier, for now."""

    signal: Signal


@frozen(eq=False)
class Outcome:
    """What came of an async action: an instruction for the life that asked for it, and for no other."""

    signal: Signal
    instruction: Instruction
    incarnation: int
    record: str = ""
    """The key of what is on disk of it, for a durable agent; that one is for every life."""


@define(eq=False)
class Progress:
    """How far an async action is, for the life that asked for it. A newer signal takes the place of one that waits."""

    signal: Signal
    incarnation: int
    waits: bool = True


@frozen(eq=False)
class Kept:
    """A signal to a durable agent that is on disk, too."""

    signal: Signal
    record: str
    """Its key."""
    once: bool = False
    """Whether it is passed over if a signal with its id was handled before."""


@frozen(eq=False)
class News:
    """A signal of the runtime itself, which nobody need handle: of a child, of a parent."""

    signal: Signal


@frozen(eq=False)
class Kill:
    """The end of a life that was killed while messages waited for it: what came before comes before."""

    incarnation: int


@define(eq=False)
class Keyed:
    """A signal of another that a newer one may take the place of."""

    signal: Signal
    key: object


@frozen(eq=False)
class Again:
    """A message that crashed the agent, and comes again."""

    message: Message
    times: int
    """How often it has crashed the agent."""

    @property
    def is_gap(self) -> bool:
        """Whether it is a call that nobody waits for any more."""
        return isinstance(self.message, Call) and self.message.settled


Message: TypeAlias = Signal | Call | Own | Kept | Due | Outcome | Progress | News | Kill | Keyed | Again
"""All that a mailbox holds. What others cast is the bare signal."""

PLACELESS = frozenset({Own, Kept, Due, Outcome, Progress, News, Kill, Again})
"""Messages that take no place."""

URGENT = frozenset({Due, Outcome, Progress})
"""Messages that don't wait behind those of others: nobody sent them just now, so they come after nothing."""

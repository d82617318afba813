"""Mailbox: what was sent to an agent and isn't handled yet. It belongs to the agent, and outlives its lives.

What others send is bounded: at most `capacity` messages of theirs wait here, and who comes then parks until it has
place. A place that gets free goes to the sender that has been parked longest, never to one that comes just then: so
parked senders get their turn in order, however busy the others are. What the agent sends itself, the outcomes of its
actions and the news of its family are over that limit. It could not wait for itself; and as it takes no place, it keeps
nobody from getting one.

Nothing is allocated before there is something to hold: most agents wait for nothing, and there may be a million.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import trio
from attrs import define, frozen
from outcome import Error, Value
from outcome import Outcome as Answer

from jido_trio.core import Agent, Instruction, Signal
from jido_trio.errors import CallError, CallTimeout


class Reply:
    """Where one caller waits. It is settled once: by an answer, an error, or as nobody waits for it any more."""

    __slots__ = ("_answer", "_caller", "agent_id", "settled")

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.settled = False
        self._answer: Answer[Any] | None = None
        self._caller: trio.lowlevel.Task | None = None

    def settle(self, answer: Agent[Any] | CallError) -> None:
        """Give the caller the agent, or the error; nothing if the reply is settled."""
        if self.settled:
            return
        self.settled = True
        self._answer = Error(answer) if isinstance(answer, CallError) else Value(answer)
        caller, self._caller = self._caller, None
        if caller is not None:
            trio.lowlevel.reschedule(caller, self._answer)

    def expire(self, seconds: float) -> None:
        """Tell the caller that its time is over."""
        self.settle(CallTimeout(self.agent_id, seconds))

    async def wait(self) -> Any:
        """Return the answer, or raise it; whoever is cancelled meanwhile withdraws its message."""
        if self._answer is not None:
            await trio.lowlevel.cancel_shielded_checkpoint()
            return self._answer.unwrap()
        self._caller = trio.lowlevel.current_task()
        return await trio.lowlevel.wait_task_rescheduled(self._withdrawn)

    def _withdrawn(self, _: object) -> trio.lowlevel.Abort:
        self.settled, self._caller = True, None
        return trio.lowlevel.Abort.SUCCEEDED


@frozen(eq=False)
class Call:
    """A signal that somebody waits for."""

    signal: Signal
    reply: Reply


@frozen(eq=False)
class Own:
    """A signal that the agent sent itself, now or for later."""

    signal: Signal


@frozen(eq=False)
class Outcome:
    """What came of an async action: an instruction for the life that asked for it, and for no other."""

    signal: Signal
    instruction: Instruction
    incarnation: int


@frozen(eq=False)
class News:
    """A signal of the runtime itself, which nobody need handle: of a child, of a parent."""

    signal: Signal


@frozen(eq=False)
class Kill:
    """The end of a life that was killed while messages waited for it: what came before comes before."""

    incarnation: int


Message: TypeAlias = Signal | Call | Own | Outcome | News | Kill
"""All that a mailbox holds. What others cast is the bare signal."""

PLACELESS = frozenset({Own, Outcome, News, Kill})
"""Messages that take no place."""


@define(eq=False)
class _Sender:
    """A sender of a cast that is parked."""

    signal: Signal
    task: trio.lowlevel.Task


@define(eq=False, repr=False)
class Mailbox:
    """At most `capacity` messages of others, and whatever the agent and the runtime put in."""

    capacity: int
    taken: int = 0
    """How many places are taken."""
    queue: deque[Message] | None = None
    """The messages; None when there are none."""
    _parked: OrderedDict[Call | _Sender, None] | None = None
    """Who waits for a place, longest first."""

    def __len__(self) -> int:
        return len(self.queue) if self.queue is not None else 0

    def __repr__(self) -> str:
        return f"<Mailbox {self.taken}/{self.capacity}>"

    @property
    def full(self) -> bool:
        """Whether every place is taken. Then, and only then, senders are parked."""
        return self.taken >= self.capacity

    def put(self, message: Message) -> None:
        """Add a message that takes no place."""
        if self.queue is None:
            self.queue = deque((message,))
        else:
            self.queue.append(message)

    def put_in_place(self, message: Signal | Call) -> None:
        """Add a message of another; there is place for it."""
        self.taken += 1
        if self.queue is None:
            self.queue = deque((message,))
        else:
            self.queue.append(message)

    def put_before(self, message: Message, count: int) -> None:
        """Add a message that takes no place behind the first `count`."""
        if self.queue is None:
            self.put(message)
        else:
            self.queue.insert(count, message)

    def park_call(self, call: Call) -> None:
        """Have the call put in when it has place; its caller waits for the answer meanwhile."""
        if self._parked is None:
            self._parked = OrderedDict()
        self._parked[call] = None

    def unpark_call(self, call: Call) -> None:
        """Forget a parked call that nobody waits for any more."""
        if self._parked is not None:
            self._parked.pop(call, None)

    async def park(self, signal: Signal) -> None:
        """Wait until the signal has been put in.

        Raises:
            CallError: The mailbox was closed meanwhile.
        """
        if self._parked is None:
            self._parked = OrderedDict()
        sender = _Sender(signal, trio.lowlevel.current_task())
        self._parked[sender] = None

        def give_up(_: object) -> trio.lowlevel.Abort:
            if self._parked is not None:
                self._parked.pop(sender, None)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)

    def take(self) -> Message | None:
        """Return the next message, or None; its place goes to the sender that has waited longest."""
        queue = self.queue
        if queue is None:
            return None
        message = queue.popleft()
        if message.__class__ not in PLACELESS:
            self.taken -= 1
            if self._parked is not None:
                self._admit()
        if not queue:
            self.queue = None
        return message

    def _admit(self) -> None:
        while self._parked and self.taken < self.capacity:
            sender, _ = self._parked.popitem(last=False)
            if isinstance(sender, _Sender):
                self.put_in_place(sender.signal)
                trio.lowlevel.reschedule(sender.task)
            elif not sender.reply.settled:
                self.put_in_place(sender)
        if not self._parked:
            self._parked = None

    def close(self, refusal: Callable[[], CallError]) -> Iterator[Message]:
        """Return what is left, and turn away who is parked; nothing is put into a closed mailbox."""
        parked, self._parked = self._parked, None
        queue, self.queue = self.queue, None
        self.taken = 0
        for sender in parked or ():
            if isinstance(sender, _Sender):
                trio.lowlevel.reschedule(sender.task, Error(refusal()))
            else:
                sender.reply.settle(refusal())
        return iter(queue or ())

"""Mailbox: what was sent to an agent and isn't handled yet. It belongs to the agent, and outlives its lives.

What others send is bounded: at most `capacity` messages of theirs wait here, and who comes then parks until it has
place. A place that gets free goes to the sender that has been parked longest, never to one that comes just then: so
parked senders get their turn in order, however busy the others are. What the agent sends itself, the outcomes of its
actions and the news of its family are over that limit. It could not wait for itself; and as it takes no place, it keeps
nobody from getting one.

Outcomes of actions, and signals that are due, don't wait behind what others sent: a full mailbox doesn't delay them. Of
sixteen in a row one of the others has its turn, so that neither keeps the other waiting for ever. News keep their place
in the order, as what a child sent comes before the news of its end.

A call that nobody waits for any more gives its place to the next at once. It is a gap in the queue then, passed over
when its turn comes, and swept where such gaps gather: callers that lose patience and try again fill nothing.

Nothing is allocated before there is something to hold: most agents wait for nothing, and there may be a million.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import ClassVar

import trio
from attrs import Factory, define
from outcome import Error

from jido_trio.core import Signal
from jido_trio.errors import CallError
from jido_trio.runtime._fates import Counts
from jido_trio.runtime._messages import PLACELESS, URGENT, Again, Call, Keyed, Kill, Message

_FEW = 64
"""So many gaps may be in a queue before it is swept."""


_IN_A_ROW = 16
"""So many urgent messages are taken before one of those that wait."""


@define(eq=False)
class _Sender:
    """A sender of a cast that is parked."""

    signal: Signal
    task: trio.lowlevel.Task


@define(eq=False, repr=False)
class Mailbox:
    """At most `capacity` messages of others, and whatever the agent and the runtime put in."""

    capacity: int
    counts: Counts = Factory(Counts)
    """Of the instance."""
    taken: int = 0
    """How many places are taken."""
    queue: deque[Message] | None = None
    """The messages; None when there are none."""
    _gaps: int = 0
    """How much in the queue is no message that waits: calls that were withdrawn, and kills."""
    urgent: deque[Message] | None = None
    """The messages that don't wait behind those in the queue."""
    _in_a_row: int = 0
    """How many urgent messages were taken since the last other one."""
    _parked: OrderedDict[Call | _Sender, None] | None = None
    """Who waits for a place, longest first."""

    is_ruled: ClassVar[bool] = False
    """Whether it has rules that are to be asked."""

    def __iter__(self) -> Iterator[Message]:
        """What waits, in order; what comes before others first."""
        for each in chain(self.urgent or (), self.queue or ()):
            message = each.message if isinstance(each, Again) else each.signal if isinstance(each, Keyed) else each
            if not isinstance(message, Kill) and not getattr(message, "settled", False):
                yield message

    def __len__(self) -> int:
        return (len(self.queue) - self._gaps if self.queue else 0) + len(self.urgent or ())

    def __repr__(self) -> str:
        return f"<Mailbox {self.taken}/{self.capacity}>"

    @property
    def parked(self) -> int:
        """How many senders wait for a place."""
        return len(self._parked) if self._parked is not None else 0

    @property
    def full(self) -> bool:
        """Whether every place is taken. Then, and only then, senders are parked."""
        return self.taken >= self.capacity

    def put(self, message: Message) -> None:
        """Add a message that takes no place."""
        self.counts.accepted += 1
        if message.__class__ in URGENT:
            self.urgent = self.urgent or deque()
            self.urgent.append(message)
        elif self.queue is None:
            self.queue = deque((message,))
        else:
            self.queue.append(message)

    def put_in_place(self, message: Signal | Call | Keyed) -> None:
        """Add a message of another; there is place for it."""
        self.counts.accepted += 1
        self.taken += 1
        if self.queue is None:
            self.queue = deque((message,))
        else:
            self.queue.append(message)

    def put_call(self, call: Call) -> None:
        """Add a call of another; there is place for it."""
        call.mailbox, call.where = self, "queued"
        self.put_in_place(call)

    def put_kill(self, kill: Kill, count: int) -> None:
        """Add a kill behind the first `count`."""
        self._gaps += 1
        if self.queue is None:
            self.queue = deque((kill,))
        else:
            self.queue.insert(count, kill)

    def put_early(self, message: Message, count: int) -> None:
        """Add a message that takes no place behind the first `count`."""
        self.counts.accepted += 1
        if self.queue is None:
            self.queue = deque((message,))
        else:
            self.queue.insert(count, message)

    def return_all(self, messages: Sequence[Message]) -> None:
        """Put messages that were taken, and have no fate yet, before all others; calls given up meanwhile have one."""
        for message in messages:
            if isinstance(message, Call):
                message.where = "queued"
        messages = [message for message in messages if not (isinstance(message, Call) and message.settled)]
        self.counts.handled -= len(messages)
        self.taken += sum(message.__class__ not in PLACELESS for message in messages)
        if messages:
            self.queue = deque((*messages, *(self.queue or ())))

    def take_back(self, message: Message) -> None:
        """Take out an urgent message, if it still waits."""
        urgent = self.urgent
        if urgent is not None and message in urgent:
            self.counts.withdrawn += 1
            urgent.remove(message)
            if not urgent:
                self.urgent = None

    def offer(self, signal: Signal) -> bool:
        """Put in a signal of another, if there is place."""
        if self.full:
            return False
        self.put_in_place(signal)
        return True

    @property
    def refuses(self) -> bool:
        """Whether nobody may wait for a place."""
        return False

    def offer_call(self, call: Call) -> None:
        """Put in a call of another, or park it until there is place."""
        if self.taken >= self.capacity:
            self.park_call(call)
        else:
            call.mailbox, call.where = self, "queued"
            self.put_in_place(call)

    def park_call(self, call: Call) -> None:
        """Have the call put in when it has place; its caller waits for the answer meanwhile."""
        call.mailbox, call.where = self, "parked"
        if self._parked is None:
            self._parked = OrderedDict()
        self._parked[call] = None

    def withdraw(self, call: Call) -> bool:
        """Forget a call that nobody waits for any more; return whether it had been accepted, and wasn't taken yet."""
        where, call.where = call.where, "out"
        if where == "parked" and self._parked is not None:
            self._parked.pop(call, None)
        if where not in ("queued", "back"):
            return False
        self._gaps += 1
        if where == "back":  # it had its place before
            return True
        self.taken -= 1
        if self._gaps > _FEW and self.queue is not None and self._gaps > len(self.queue) // 2:
            self._sweep(self.queue)
        self._admit()
        return True

    def _sweep(self, queue: deque[Message]) -> None:
        kept = [message for message in queue if not (isinstance(message, Call) and message.settled)]
        self._gaps -= len(queue) - len(kept)
        queue.clear()
        queue.extend(kept)

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
        """Return the next message, or None; its place goes to the sender that has waited longest.

        It counts as handled, until it turns out otherwise.
        """
        queue = self.queue
        if self.urgent is not None and (self._in_a_row < _IN_A_ROW or not queue):
            return self._take_urgent(self.urgent)
        self._in_a_row = 0
        while queue:
            message = queue.popleft()
            kind = message.__class__
            if type(message) is Call:
                if message.settled:
                    self._gaps -= 1
                    continue
                message.where = "out"
            if kind is Kill:
                self._gaps -= 1
            else:
                self.counts.handled += 1
            if kind not in PLACELESS:
                self.taken -= 1
                if self._parked is not None:
                    self._admit()
            if not queue:
                self.queue = None
            return message
        self.queue = None
        return None

    def _take_urgent(self, urgent: deque[Message]) -> Message:
        message = urgent.popleft()
        self._in_a_row += 1
        if not urgent:
            self.urgent = None
        self.counts.handled += 1
        return message

    def _admit(self) -> None:
        while self._parked and self.taken < self.capacity:
            sender, _ = self._parked.popitem(last=False)
            if isinstance(sender, _Sender):
                self.put_in_place(sender.signal)
                trio.lowlevel.reschedule(sender.task)
            else:
                self.put_call(sender)
        if not self._parked:
            self._parked = None

    def has_back(self, _signal: Signal) -> bool:
        """Whether the next message is one that comes again, with that signal: none does without rules."""
        return False

    def close(self, refusal: Callable[[], CallError]) -> Iterator[Message]:
        """Return what is left, and turn away who is parked; nothing is put into a closed mailbox."""
        parked, self._parked = self._parked, None
        left = [*(self.urgent or ()), *(self.queue or ())]
        self.queue = self.urgent = None
        self.taken = self._gaps = 0
        for sender in parked or ():
            if isinstance(sender, _Sender):
                trio.lowlevel.reschedule(sender.task, Error(refusal()))
            else:
                sender.settle(refusal())
        return iter(left)

"""Rules of mailboxes: what happens where one is full, at a restart, and with newer signals for older ones.

Most agents have none: what others send waits for room, and is kept over restarts. An agent that was started with rules
has a mailbox that asks them. All that they give up has a fate: dropped, or answered with an error, or a dead letter.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Literal

from attrs import define, field, frozen

from jido_trio import checks
from jido_trio.core import Signal
from jido_trio.errors import CallError, MailboxFull
from jido_trio.redact import shown
from jido_trio.runtime._mailbox import Mailbox
from jido_trio.runtime._messages import PLACELESS, Again, Call, Keyed, Kill, Message, News
from jido_trio.supervision import Failure

logger = logging.getLogger("jido_trio.runtime")

WHEN_FULL = ("block", "reject", "drop_oldest", "drop_newest")
ON_RESTART = ("keep", "dead_letter", "drop")


@frozen(kw_only=True)
class MailboxRules:
    """How the mailbox of an agent deals with what others send. The defaults are what an agent without rules does.

    Raises:
        InvalidDefinition: When it is made: an option is wrong.
    """

    when_full: Literal["block", "reject", "drop_oldest", "drop_newest"] = "block"
    """A message that finds no room waits for it; is refused with `MailboxFull`; takes the place of the message that has
    waited longest; or is given up itself. Who waits for the answer to a message that is dropped gets `MailboxFull`."""
    coalesce: Callable[[Signal], Hashable] | None = None
    """The key of a signal: a newer one that is cast or emitted takes the place of the one that waits with the same key,
    which is dropped. A key of None is no key. It must be quick."""
    on_restart: Literal["keep", "dead_letter", "drop"] = "keep"
    """What waits when a next life begins is handled by it; or it is a dead letter, or dropped. Callers are told."""
    redeliver: int = 0
    """How often a message that crashed the agent is handled again, by the next lives, before anything else."""
    high_water: float | None = None
    """The share of the places, above 0 and up to 1, at which a warning is logged that the mailbox fills; once, until it
    has been half as full."""

    def __attrs_post_init__(self) -> None:
        checks.one_of("a mailbox", "when_full", self.when_full, WHEN_FULL)
        checks.one_of("a mailbox", "on_restart", self.on_restart, ON_RESTART)
        checks.whole("a mailbox", "redeliver", self.redeliver)
        takes = "a signal, and returns its key"
        checks.called_at_once("a mailbox", "coalesce", self.coalesce, takes=takes, or_none="None for none")
        if self.high_water is not None:
            checks.share("a mailbox", "high_water", self.high_water)
            if self.high_water == 0:
                raise checks.refused("a mailbox", "high_water", 0, "must be above 0")


@define(eq=False, repr=False)
class RuledMailbox(Mailbox):
    """A mailbox with rules."""

    rules: MailboxRules = field(kw_only=True)
    owner: str = field(kw_only=True)
    """The agent's id."""
    hidden: Callable[[Signal], Collection[str]] = field(default=lambda _: (), kw_only=True)
    """The texts of secrets, of the agent and in a signal to it."""
    _by_key: dict[Hashable, Keyed] = field(factory=dict, kw_only=True)
    """The signals that wait and have a key."""
    on_level: Callable[[str], None] | None = field(default=None, kw_only=True)
    """Told when it fills, and when it has emptied again."""
    _warned: bool = field(default=False, kw_only=True)

    is_ruled = True

    def offer(self, signal: Signal) -> bool:
        """Put in what another sends, if the rules let it in now, or drop it; return False if it has to wait."""
        key = self._key(signal)
        if not self.full or key in self._by_key:
            self._put(signal, key)
            return True
        match self.rules.when_full:
            case "drop_oldest":
                self._drop_oldest()
                self._put(signal, key)
            case "drop_newest":
                self.counts.accepted += 1
                self.counts.dropped += 1
            case _:
                return False
        return True

    def offer_call(self, call: Call) -> None:
        """Put in a call, park it, or refuse it."""
        if not self.full:
            self.put_call(call)
            return
        match self.rules.when_full:
            case "block":
                self.park_call(call)
            case "drop_oldest":
                self._drop_oldest()
                self.put_call(call)
            case "drop_newest":
                self.counts.accepted += 1
                self.counts.dropped += 1
                call.settle(self._full())
            case "reject":
                call.settle(self._full())

    @property
    def refuses(self) -> bool:
        """Whether what finds no room is refused."""
        return self.rules.when_full == "reject"

    def put_in_place(self, message: Signal | Call | Keyed) -> None:
        """Add a message of another; there is place for it, or it takes that of an older one."""
        self._put(message, self._key(message) if isinstance(message, Signal) else None)

    def _put(self, message: Signal | Call | Keyed, key: Hashable) -> None:
        if key is None or not isinstance(message, Signal):
            super().put_in_place(message)
        elif key in self._by_key:
            self._by_key[key].signal = message
            self.counts.accepted += 1
            self.counts.dropped += 1
        else:
            self._by_key[key] = keyed = Keyed(message, key)
            super().put_in_place(keyed)
        self._look()

    def take(self) -> Message | None:
        """Return the next message, or None."""
        message = super().take()
        while isinstance(message, Again) and message.is_gap:
            self._gaps -= 1
            self.counts.handled -= 1
            message = super().take()
        if self._warned and self.taken * 2 < self._mark:
            self._warned = False
            self._tell("it has room again")
        if isinstance(message, Keyed):
            del self._by_key[message.key]
            return message.signal
        if isinstance(message, Again) and isinstance(message.message, Call):
            message.message.where = "out"
        return message

    def put_back(self, message: Message, times: int) -> None:
        """Have a message that was taken come again, before all that waits; it is the `times`-th time."""
        self.counts.handled -= 1
        if isinstance(message, Call):
            message.mailbox, message.where = self, "back"
        again = Again(message, times)
        if self.queue is None:
            self.queue = deque((again,))
        else:
            self.queue.appendleft(again)

    def has_back(self, signal: Signal) -> bool:
        """Whether the next message is one that comes again, with that signal."""
        again = self.queue[0] if self.queue else None
        return isinstance(again, Again) and (
            again.message is signal or getattr(again.message, "signal", None) is signal
        )

    def clear(self) -> list[Message]:
        """Return what waits, but for news and what comes again, which stay."""
        queue, self.queue, self.taken, self._gaps = self.queue or (), None, 0, 0
        left: list[Message] = []
        for message in queue:
            if isinstance(message, Again | News):
                self.queue = self.queue or deque()
                self.queue.append(message)
                self._gaps += isinstance(message, Again) and message.is_gap
            elif not isinstance(message, Kill):
                left.append(message.signal if isinstance(message, Keyed) else message)
        self._by_key.clear()
        self._admit()
        return [message for message in left if not isinstance(message, Call) or not message.settled]

    def close(self, refusal: Callable[[], CallError]) -> Iterator[Message]:
        """Return what is left, and turn away who is parked; nothing is put into a closed mailbox."""
        for message in super().close(refusal):
            match message:
                case Keyed(signal):
                    yield signal
                case Again(again):
                    yield again
                case _:
                    yield message

    def _drop_oldest(self) -> None:
        queue = self.queue or deque()
        oldest = next(number for number, message in enumerate(queue) if _has_place(message))
        message = queue[oldest]
        del queue[oldest]
        self.taken -= 1
        self.counts.dropped += 1
        if isinstance(message, Keyed):
            del self._by_key[message.key]
        elif isinstance(message, Call):
            message.where = "out"
            message.settle(self._full())

    def _full(self) -> MailboxFull:
        return MailboxFull(self.owner, self.capacity)

    def _key(self, signal: Signal) -> Hashable:
        if self.rules.coalesce is None:
            return None
        try:
            key = self.rules.coalesce(signal)
            self._by_key.get(key)  # whether it can be a key, beside those that there are
        except Exception as error:  # noqa: BLE001  # a signal without a key takes a place of its own
            told = Failure.of(error, hide=self.hidden(signal)).render()
            what, owner = shown(signal.type), shown(self.owner)
            logger.error("coalesce raised for signal %s to agent %s\n%s", what, owner, told)  # noqa: TRY400  # without secrets
            return None
        return key

    @property
    def _mark(self) -> int:
        """How many places are taken when it is told that it fills."""
        return math.ceil((self.rules.high_water or math.inf) * self.capacity)

    def _look(self) -> None:
        if self.rules.high_water is not None and not self._warned and self.taken >= self._mark:
            self._warned = True
            logger.warning(
                "the mailbox of agent %s fills: %d of %d places are taken", shown(self.owner), self.taken, self.capacity
            )
            self._tell("it fills")

    def _tell(self, what: str) -> None:
        if self.on_level is not None:
            self.on_level(f"{what}: {self.taken} of {self.capacity} places are taken")


def _has_place(message: Message) -> bool:
    return type(message) not in PLACELESS and not (isinstance(message, Call) and message.settled)

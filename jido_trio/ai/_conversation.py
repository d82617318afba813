"""A conversation as a value: the fold of its events. `apply` holds no decision; `wanted` needs nothing else.

A conversation is a log. Whoever has its events has all of it: what was said, what is booked, and what should be in
flight now. So a restart folds the log, looks at what is wanted, and needs no other memory.
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Never, TypeAlias, get_args

from attrs import evolve, frozen

from jido_trio.ai._budget import NO_LIMITS, NOTHING_SPENT, Budget, Spent
from jido_trio.ai._events import (
    Approved,
    Asked,
    Begun,
    Called,
    CallFailed,
    ChatEvent,
    Compacted,
    Ended,
    Late,
    Purpose,
    Refuted,
    Replied,
    Returned,
    Steered,
)
from jido_trio.ai._messages import Messages, ToolCall
from jido_trio.ai._rules import Rules
from jido_trio.redact import shown

REMEMBERED = 100
"""How many requests that have ended are known by their id, and how many calls that were given up are still settled."""

Said: TypeAlias = Asked | Steered | Replied | Returned | Refuted
"""What the transcript is made of."""


@frozen
class Charge:
    """A call that was given up, booked at all that it may have cost, until its price is known."""

    call: int
    attempt: int
    request: str
    model: str
    spent: Spent


@frozen
class Turn:
    """What counts for the request that is worked at."""

    spent: Spent = NOTHING_SPENT
    compacted: bool = False
    repaired: int = 0
    last: tuple[tuple[str, str], ...] = ()
    """The calls that the model asked for last: names and arguments."""
    repeated: int = 0
    """How often it asked for them in a row."""
    budget: Budget = NO_LIMITS
    """Of this request alone."""
    answer: str | None = None
    """What another agent answered in its place."""


NEW_TURN = Turn()


@frozen
class Rendered:
    """What was said, and the messages that a model is sent of it."""

    said: tuple[Said, ...]
    messages: Messages


class _Beside:
    """What is kept beside a conversation, and is no part of it."""

    __slots__ = ("_rendered",)


@frozen
class Conversation(_Beside):
    """All that was said and decided, and what follows from it."""

    messages: tuple[Said, ...] = ()
    summary: str = ""
    """What was said before them, in short."""
    request: str | None = None
    """The one that is worked at; None if nothing is."""
    queue: tuple[Asked, ...] = ()
    steering: tuple[Steered, ...] = ()
    """To be said before the next call."""
    steered: tuple[tuple[str, str], ...] = ()
    """The last requests that became part of another one, each with that; compaction of their text leaves them known."""
    called: Called | None = None
    """The call of a model that is in flight, or should be."""
    open: tuple[ToolCall, ...] = ()
    """Calls of tools that have no result yet, in order."""
    approved: frozenset[str] = frozenset()
    begun: frozenset[str] = frozenset()
    """Of the open ones, those that may be running, or may have been."""
    calls: int = 0
    """How often a model was called, tries of one call counted once."""
    turn: Turn = NEW_TURN
    spent: Spent = NOTHING_SPENT
    charged: tuple[Charge, ...] = ()
    ended: tuple[Ended, ...] = ()
    """The last ones."""

    @property
    def reserved(self) -> Spent:
        """What the call that is in flight may cost."""
        return self.called.reserved if self.called is not None else NOTHING_SPENT

    def knows(self, request: str) -> bool:
        """Tell whether that was asked already."""
        return (
            request == self.request
            or any(waiting.request == request for waiting in self.queue)
            or any(steered == request for steered, _ in self.steered)
            or self.end_of(request) is not None
        )

    def text_of(self, request: str) -> str | None:
        """Return what was asked by that id, as long as it is in here: it may have been compacted."""
        for said in (*self.queue, *self.steering, *self.messages):
            if (isinstance(said, Asked) and said.request == request) or (
                isinstance(said, Steered) and said.id == request
            ):
                return said.text
        return None

    def end_of(self, request: str) -> Ended | None:
        """Return how a request ended, if it did and is remembered."""
        return next((ended for ended in reversed(self.ended) if ended.request == request), None)


def rendered(c: Conversation) -> Rendered | None:
    """Return what it, or one that it was made of, was rendered as last; None if neither was."""
    known: Rendered | None = getattr(c, "_rendered", None)
    return known


def keep_rendered(c: Conversation, known: Rendered) -> None:
    """Keep it beside the conversation, and beside those that are made of it."""
    object.__setattr__(c, "_rendered", known)


@frozen
class CallModel:
    """A model is to be called."""

    call: int
    attempt: int
    model: str
    delay: float
    purpose: Purpose

    @property
    def key(self) -> str:
        """Names this flight within the conversation."""
        return flight_key(self.call, self.attempt)


@frozen
class RunTool:
    """A tool is to be run."""

    id: str
    name: str
    arguments: str

    @property
    def key(self) -> str:
        """Names this flight within the conversation."""
        return self.id


@frozen
class AskApproval:
    """Somebody is to say whether a tool may be run."""

    id: str
    name: str
    arguments: str


Wanted: TypeAlias = CallModel | RunTool | AskApproval


def flight_key(call: int, attempt: int) -> str:
    """Return what names one try of one call of a model."""
    return f"{call}.{attempt}"


def expiry_key(id: str) -> str:
    """Return what names the timer of a call of a tool that somebody must allow in time."""
    return f"expiry {id}"


def known_by(agent: str, source: str, c: Conversation, want: CallModel | RunTool) -> str:
    """Return what those that a call reaches know it by: the same when it is made again, and that of no other.

    The number of a call is not enough. A conversation counts its own, so they come again: in the next process, in
    another instance, and after going back.

    Args:
        agent: The id of the agent whose conversation it is.
        source: Of the signals of its instance.
        c: The conversation that wants it.
        want: The call.
    """
    prompt = c.called.digest if c.called is not None else ""
    sent = [want.name, want.arguments] if isinstance(want, RunTool) else [prompt]
    told = json.dumps([source, c.request, *sent])
    return f"{agent}/{want.key}/{sha256(told.encode()).hexdigest()[:16]}"


def wanted(rules: Rules, c: Conversation) -> tuple[Wanted, ...]:
    """Return what should be in flight: one call of a model, or tools and approvals, or nothing."""
    if c.called is not None:
        called = c.called
        return (CallModel(called.call, called.attempt, called.model, called.delay, called.purpose),)
    return tuple(_for_tool(rules, c, call) for call in c.open)


def _for_tool(rules: Rules, c: Conversation, call: ToolCall) -> RunTool | AskApproval:
    if waits_for_approval(rules, c, call):
        return AskApproval(call.id, call.name, call.arguments)
    return RunTool(call.id, call.name, call.arguments)


def waits_for_approval(rules: Rules, c: Conversation, call: ToolCall) -> bool:
    """Tell whether nobody has allowed an open call yet that must be."""
    tool = rules.tool(call.name)
    return tool is not None and tool.approve and call.id not in c.approved and call.id not in c.begun


def lost(rules: Rules, c: Conversation, alive: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the keys of what should be in flight and isn't, when a life begins and only `alive` is."""
    flying = set(alive)
    keys = (want.key for want in wanted(rules, c) if not isinstance(want, AskApproval))
    return tuple(key for key in keys if key not in flying)


def fold(events: Iterable[ChatEvent], c: Conversation | None = None) -> Conversation:
    """Return the conversation that events make, from the first on or on top of one.

    Raises:
        TypeError: One of them is none.
    """
    c = Conversation() if c is None else c
    for event in events:
        c = apply(c, event)
    return c


def apply(c: Conversation, event: ChatEvent) -> Conversation:
    """Return the conversation after an event.

    Raises:
        TypeError: It is none.
    """
    after, known = _after(c, event), rendered(c)
    if known is not None and after is not c:
        keep_rendered(after, known)
    return after


def _after(c: Conversation, event: ChatEvent) -> Conversation:  # noqa: PLR0912  # a case for each event
    match event:
        case Asked():
            return _begun_turn(c, event) if c.request is None else evolve(c, queue=(*c.queue, event))
        case Steered():
            steered = (*c.steered, (event.id, event.request))[-REMEMBERED:]
            return evolve(c, steering=(*c.steering, event), steered=steered)
        case Called():
            return _called(c, event)
        case Replied():
            return _replied(c, event)
        case CallFailed():
            return _call_failed(c, event)
        case Late():
            return _late(c, event)
        case Approved():
            return evolve(c, approved=c.approved | {event.id})
        case Begun():
            return evolve(c, begun=c.begun | {event.id})
        case Returned():
            return _returned(c, event)
        case Refuted():
            turn = evolve(c.turn, repaired=c.turn.repaired + 1, answer=None)
            return evolve(c, messages=(*c.messages, event), turn=turn)
        case Compacted():
            kept = _from_turn(c.messages, event.before)
            return _booked(evolve(c, called=None, summary=event.summary, messages=kept), event.spent)
        case Ended():
            return _ended(c, event)
        case _:
            raise _no_event(event)


def _no_event(event: Never) -> TypeError:
    known = ", ".join(each.__name__ for each in get_args(ChatEvent))
    return TypeError(
        f"a conversation is made of events, not of {shown(event)}; give values of {known}, as `decide` returns them"
    )


def _begun_turn(c: Conversation, asked: Asked) -> Conversation:
    turn = NEW_TURN if asked.budget is None else Turn(budget=asked.budget)
    return evolve(c, request=asked.request, messages=(*c.messages, asked), turn=turn)


def _called(c: Conversation, called: Called) -> Conversation:
    calls = max(c.calls, called.call)
    if called.purpose == "compact":
        return evolve(c, called=called, calls=calls, turn=evolve(c.turn, compacted=True))
    messages = (*c.messages, *c.steering)
    return evolve(c, called=called, calls=calls, messages=messages, steering=(), turn=evolve(c.turn, answer=None))


def _replied(c: Conversation, replied: Replied) -> Conversation:
    asked_for = tuple((call.name, call.arguments) for call in replied.calls)
    repeated = c.turn.repeated + 1 if asked_for == c.turn.last else 1
    turn = evolve(c.turn, last=asked_for, repeated=repeated, spent=c.turn.spent + replied.spent)
    spent, messages = c.spent + replied.spent, (*c.messages, replied)
    return evolve(c, called=None, messages=messages, open=replied.calls, turn=turn, spent=spent)


def _call_failed(c: Conversation, failed: CallFailed) -> Conversation:
    charged = c.charged
    if failed.estimated and c.called is not None:
        charge = Charge(failed.call, failed.attempt, c.called.request, c.called.model, failed.spent)
        charged = (*charged, charge)[-REMEMBERED:]
    return _booked(evolve(c, called=None, charged=charged), failed.spent)


def _late(c: Conversation, late: Late) -> Conversation:
    known = charge_for(c, late.call, late.attempt)
    if known is None:
        return c
    more = late.spent - known.spent
    c = evolve(c, spent=c.spent + more, charged=tuple(charge for charge in c.charged if charge is not known))
    if known.request != c.request:
        return c
    return evolve(c, turn=evolve(c.turn, spent=c.turn.spent + more))


def charge_for(c: Conversation, call: int, attempt: int) -> Charge | None:
    """Return what was booked for a call that was given up, as long as its price isn't known."""
    return next((each for each in c.charged if (each.call, each.attempt) == (call, attempt)), None)


def _booked(c: Conversation, spent: Spent) -> Conversation:
    return evolve(c, spent=c.spent + spent, turn=evolve(c.turn, spent=c.turn.spent + spent))


def _returned(c: Conversation, returned: Returned) -> Conversation:
    if returned.final:
        c = evolve(c, turn=evolve(c.turn, answer=returned.content))
    return evolve(
        _booked(c, returned.spent),
        messages=(*c.messages, returned),
        open=tuple(call for call in c.open if call.id != returned.id),
        approved=c.approved - {returned.id},
        begun=c.begun - {returned.id},
    )


def _ended(c: Conversation, ended: Ended) -> Conversation:
    known = (*c.ended, ended)[-REMEMBERED:]
    if ended.request != c.request:  # it only waited
        queue = tuple(waiting for waiting in c.queue if waiting.request != ended.request)
        return evolve(c, ended=known, queue=queue)
    messages = (*c.messages, *c.steering)
    c = evolve(c, ended=known, request=None, called=None, messages=messages, steering=())
    if not c.queue:
        return c
    first, *rest = c.queue
    return _begun_turn(evolve(c, queue=tuple(rest)), first)


def joined(c: Conversation, request: str) -> str:
    """Return the request that one became part of, as its text steered it; itself if it didn't."""
    return next((into for steered, into in reversed(c.steered) if steered == request), request)


def before_turn(messages: Sequence[Said], request: str) -> tuple[Said, ...]:
    """Return what was said before a request."""
    return tuple(messages[: _start_of(messages, request)])


def _from_turn(messages: Sequence[Said], request: str) -> tuple[Said, ...]:
    start = _start_of(messages, request)
    pinned = [said for said in messages[:start] if isinstance(said, Asked) and said.pinned]
    return (*pinned, *messages[start:])


def _start_of(messages: Sequence[Said], request: str) -> int:
    places = (at for at, said in enumerate(messages) if isinstance(said, Asked) and said.request == request)
    return next(places, 0)

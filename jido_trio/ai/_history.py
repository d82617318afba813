"""A conversation that was, gone through again: its events, of an agent's journal; and what others would have led to.

Nothing is sent and no tool is run. What was asked, what tools returned and who allowed them is taken from the log, by
the name and the arguments of a call; what a model said, too, as long as it would be sent what it was sent then.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import Factory, define, evolve, field

from jido_trio.ai._budget import Budget
from jido_trio.ai._chat import Chat, conversation
from jido_trio.ai._conversation import AskApproval, CallModel, RunTool, Wanted
from jido_trio.ai._events import Approved, Asked, Called, ChatEvent, Compacted, Replied, Returned
from jido_trio.ai._flights import Sync
from jido_trio.ai._inputs import Approve, Ask, Reply, StartTool, ToolResult
from jido_trio.ai._messages import ToolCall
from jido_trio.ai._render import size_and_digest
from jido_trio.ai._rules import Rules
from jido_trio.core import Agent, Entry, Rewound, steps


def chat_log(begin: Agent[Any], entries: Iterable[Entry]) -> tuple[ChatEvent, ...]:
    """Return the events of a conversation, of the inputs of its agent's journal. What was rewound is left out."""
    log: list[ChatEvent] = []
    length_at: dict[int, int] = {}
    for entry, _, directives in steps(begin, entries):
        if isinstance(entry.input, Rewound):
            del log[length_at.get(entry.input.to, 0) :]
        for directive in directives:
            if isinstance(directive, Sync):
                log += directive.events
        length_at[entry.number] = len(log)
    return tuple(log)


def said_instead(
    rules: Rules,
    log: Sequence[ChatEvent],
    replies: Mapping[int, Reply],
    results: Mapping[tuple[str, str], Sequence[ToolResult]],
) -> tuple[Chat, tuple[Wanted, ...]]:
    """Return a conversation in which a model said something else, as far as it goes, and what is wanted then.

    Budgets of money and tokens don't hold in it, as nobody knows what those replies would have cost.

    Args:
        rules: Of the conversation.
        log: What it was.
        replies: By the number of the call: what the model says instead.
        results: By the name and the arguments of a call: what tools return, before what they did return.
    """
    was = _Was(log)
    for key, given in results.items():
        was.results[key][:0] = given
    chat = conversation(evolve(rules, budget=_without_money(rules.budget), total=_without_money(rules.total)))
    wants: tuple[Wanted, ...] = ()
    for asked in was.asked:
        chat, wants = chat.given(Ask(request=asked.request, text=asked.text, pinned=asked.pinned))
        while wants:
            known = (_given(chat, want, was, replies) for want in wants)
            step = next((each for each in known if each is not None), None)
            if step is None:
                return chat, wants
            chat, wants = chat.given(step)
    return chat, wants


def _without_money(budget: Budget) -> Budget:
    return evolve(budget, money=None, tokens=None)


@define
class _Was:
    """What is known of the conversation that was."""

    _log: Sequence[ChatEvent]
    asked: list[Asked] = field(factory=list)
    replied: dict[str, Replied | Compacted] = field(factory=dict)
    """By the digest of what was sent."""
    results: dict[tuple[str, str], list[ToolResult]] = Factory(lambda: defaultdict(list))
    allowed: dict[tuple[str, str], str] = field(factory=dict)
    """By whom."""

    def __attrs_post_init__(self) -> None:
        called: Called | None = None
        calls: dict[str, ToolCall] = {}
        for event in self._log:
            match event:
                case Asked():
                    self.asked.append(event)
                case Called():
                    called = event
                case Replied() | Compacted() if called is not None:
                    self.replied[called.digest] = event
                    calls |= {call.id: call for call in getattr(event, "calls", ())}
                case Approved():
                    self.allowed[_key(calls[event.id])] = event.by
                case Returned():
                    result = ToolResult(id="", content=event.content, error=event.error)
                    self.results[_key(calls[event.id])].append(result)
                case _:
                    pass


def _key(call: ToolCall | Wanted) -> tuple[str, str]:
    assert not isinstance(call, CallModel)  # noqa: S101  # for type checkers
    return call.name, call.arguments


def _given(chat: Chat, want: Wanted, was: _Was, replies: Mapping[int, Reply]) -> Any:
    """Return what a conversation is told of something that it wants; None if nobody knows."""
    if isinstance(want, CallModel):
        said = replies.get(want.call) or _as_it_was(chat, was)
        if said is None:
            return None
        return Reply(call=want.call, attempt=want.attempt, text=said.text, calls=said.calls, finish=said.finish)
    key = _key(want)
    if isinstance(want, AskApproval) and key in was.allowed:
        return Approve(id=want.id, by=was.allowed[key])
    if not was.results[key]:
        return None
    if isinstance(want, RunTool) and want.id not in chat.conversation.begun:
        return StartTool(id=want.id)
    result = was.results[key].pop(0)
    return ToolResult(id=want.id, content=result.content, error=result.error)


def _as_it_was(chat: Chat, was: _Was) -> Reply | None:
    _, digest = size_and_digest(chat.prompt)
    match was.replied.get(digest):
        case Replied() as replied:
            return Reply(
                call=0,
                attempt=0,
                text=replied.text,
                calls=replied.calls,
                finish="length" if replied.cut else "stop",
            )
        case Compacted() as compacted:
            return Reply(call=0, attempt=0, text=compacted.summary, finish="stop")
        case _:
            return None

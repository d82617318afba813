"""A conversation to play with: no loop, no clock, no network. Each step returns the next, and what is wanted then."""

import json
from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

from attrs import evolve, frozen

from jido_trio.ai._conversation import CallModel, Conversation, Wanted, fold, lost, waits_for_approval, wanted
from jido_trio.ai._decide import decided
from jido_trio.ai._events import Asked, ChatEvent, Steered
from jido_trio.ai._inputs import (
    Approve,
    Ask,
    CancelRequest,
    ChatInput,
    Deny,
    Finish,
    Kind,
    NoReply,
    Recover,
    Reply,
    StartTool,
    ToolResult,
)
from jido_trio.ai._messages import Prompt, ToolCall, Usage
from jido_trio.ai._outcome import ChatOutcome, outcome_of
from jido_trio.ai._render import render
from jido_trio.ai._rules import Rules, check_rules
from jido_trio.data import unstructure
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import shown


class Ruled(Protocol):
    """A class of agents that speak with models."""

    rules: Rules


Step: TypeAlias = "tuple[Chat, tuple[Wanted, ...]]"


def conversation(of: Ruled | Rules, events: Iterable[ChatEvent] = ()) -> "Chat":
    """Return a conversation as a class of agents would have it: new, or with these events behind it.

    Raises:
        InvalidDefinition: That has no rules, or such as can't be gone by.
    """
    rules = of if isinstance(of, Rules) else getattr(of, "rules", None)
    if not isinstance(rules, Rules):
        raise InvalidDefinition(f"{shown(of)} has no conversations: give a class of ChatAgent, or Rules(...)")
    check_rules("the rules", rules)
    log = tuple(events)
    return Chat(rules, fold(log), log)


@frozen
class Chat:
    """A conversation, and the events that led to it. A step that doesn't apply raises a LookupError."""

    rules: Rules
    conversation: Conversation
    log: tuple[ChatEvent, ...] = ()

    def given(self, given: ChatInput) -> Step:
        """Return the conversation after any input, and what is wanted then."""
        c, events = decided(self.rules, self.conversation, given)
        return evolve(self, conversation=c, log=(*self.log, *events)), wanted(self.rules, c)

    def ask(self, text: str, id: str | None = None) -> Step:
        """Ask something; without an id, as the request of the next number."""
        return self.given(Ask(request=id if id is not None else f"request-{self._asked + 1}", text=text))

    def replied(
        self,
        text: str = "",
        calls: Iterable[tuple[str, Any]] = (),
        *,
        finish: Finish | None = "stop",
        usage: Usage | None = None,
    ) -> Step:
        """Have the model say something, or ask for tools: pairs of a name and arguments, as data or as text."""
        call = self._called()
        wants = tuple(_call(number, name, given) for number, (name, given) in enumerate(calls))
        return self.given(
            Reply(call=call.call, attempt=call.attempt, text=text, calls=wants, finish=finish, usage=usage)
        )

    def failed(
        self, why: str = "failed", kind: Kind = "retry", *, billed: bool = True, retry_after: float | None = None
    ) -> Step:
        """Have the call of the model fail."""
        call = self._called()
        return self.given(
            NoReply(call=call.call, attempt=call.attempt, why=why, kind=kind, billed=billed, retry_after=retry_after)
        )

    def started(self, tool: str) -> Step:
        """Have a tool be about to run: the first open call of that name, or the one of that id."""
        return self.given(StartTool(id=self._open(tool).id))

    def returned(self, tool: str, content: object = "", *, error: bool = False) -> Step:
        """Have a tool return something: a text, or plain data."""
        told = content if isinstance(content, str) else json.dumps(unstructure(content), ensure_ascii=False)
        return self.given(ToolResult(id=self._open(tool).id, content=told, error=error))

    def approved(self, tool: str, by: str = "") -> Step:
        """Have somebody allow a call."""
        return self.given(Approve(id=self._open(tool, approval=True).id, by=by))

    def denied(self, tool: str, reason: str = "") -> Step:
        """Have somebody forbid a call."""
        return self.given(Deny(id=self._open(tool, approval=True).id, reason=reason))

    def cancelled(self, request: str | None = None) -> Step:
        """Cancel a request: the one that is worked at, if no other is named."""
        named = request if request is not None else self.conversation.request
        return self.given(CancelRequest(request=named or ""))

    def restarted(self, alive: Iterable[str] = ()) -> Step:
        """Begin another life: after the death of the process, or of the agent alone, while those keys are in flight."""
        return self.given(Recover(lost=lost(self.rules, self.conversation, alive)))

    @property
    def prompt(self) -> Prompt:
        """What the call that is wanted is to be sent."""
        call = self._called()
        return render(self.rules, self.conversation, call.model, call.purpose)

    def outcome(self, request: str | None = None) -> ChatOutcome | None:
        """Return what a request came to, the last one if none is named; None if it hasn't ended."""
        c = self.conversation
        last = c.ended[-1] if c.ended else None
        end = last if request is None else c.end_of(request)
        return None if end is None else outcome_of(self.rules, end)

    @property
    def _asked(self) -> int:
        return sum(isinstance(event, Asked | Steered) for event in self.log)

    def _called(self) -> CallModel:
        for want in wanted(self.rules, self.conversation):
            if isinstance(want, CallModel):
                return want
        raise LookupError("no call of a model is wanted")

    def _open(self, tool: str, *, approval: bool = False) -> ToolCall:
        c = self.conversation
        for call in c.open:
            if tool in (call.name, call.id) and waits_for_approval(self.rules, c, call) is approval:
                return call
        what = "to be approved" if approval else "to be run"
        raise LookupError(f"no call of {shown(tool)} is {what}; open are: {shown([call.name for call in c.open])}")


def _call(number: int, name: str, given: object) -> ToolCall:
    return ToolCall(f"{number}", name, given if isinstance(given, str) else json.dumps(unstructure(given)))

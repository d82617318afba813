"""What readers of an agent's requests see: what was decided, as parts, over all of its lives."""

from collections.abc import Iterable
from typing import Any

from attrs import define, field

from jido_trio.ai._conversation import Conversation
from jido_trio.ai._events import Asked, Begun, Called, CallFailed, ChatEvent, Ended, Replied, Returned
from jido_trio.ai._parts import Parts, ToolPart, ToolResultPart, WithdrawnPart
from jido_trio.ai._rules import Rules
from jido_trio.ai._tools import concealed_call

READABLE = 20
"""Requests of an agent that have ended, whose parts are kept for readers."""

READABLE_LENGTH = 1_000_000
"""Characters of all of these."""


@define(eq=False)
class Readable:
    """The parts of the requests of one agent."""

    called: Called | None = None
    """The last call of a model."""
    _parts: dict[str, Parts] = field(factory=dict)

    def has(self, request: str) -> bool:
        """Tell whether parts of a request are kept."""
        return request in self._parts

    def of(self, request: str) -> Parts:
        """Return the parts of a request, to be read."""
        parts = self._parts.get(request)
        if parts is None:
            parts = self._parts[request] = Parts()
            self._drop_old()
        return parts

    def of_call(self, call: int) -> Parts | None:
        """Return those of the request for which a model is called; None where that isn't the last call."""
        called = self.called
        return self.of(called.request) if called is not None and called.call == call else None

    def end(self) -> None:
        """Take note that nothing more comes."""
        for parts in self._parts.values():
            parts.end()

    def forget(self, c: Conversation) -> None:
        """Keep the parts of requests no more that a conversation doesn't know, as it went back."""
        for request in [request for request in self._parts if not c.knows(request)]:
            self._parts.pop(request).end()

    def show(self, rules: Rules, c: Conversation, event: ChatEvent) -> None:
        """Show what was decided; the conversation is the one after it."""
        match event:
            case Asked():
                self.of(event.request)
            case Called():
                self.called = event
                if event.purpose == "chat":  # what was said is no answer: it doesn't fit, or more was asked meanwhile
                    self._withdraw(event.call)
            case Replied():
                self._replied(event)
            case CallFailed():
                self._withdraw(event.call)
            case Begun():
                self.of(_asker_of(c, event.id)).add(_tool_part(rules, c, event.id))
            case Returned():
                parts = self.of(_asker_of(c, event.id))
                parts.add(ToolResultPart(event.id, event.content, event.error))
                if event.final:  # it is the answer, too
                    parts.tell(event.content)
            case Ended():
                self.of(event.request).end()
            case _:
                pass

    def _replied(self, event: Replied) -> None:
        parts = self.of_call(event.call)
        if parts is None or parts.ends_with(event.text):
            return
        if parts.has_open_text:  # what was streamed isn't what was said
            parts.add(WithdrawnPart())
        parts.tell(event.text)

    def _withdraw(self, call: int) -> None:
        parts = self.of_call(call)
        if parts is not None and parts.has_open_text:
            parts.add(WithdrawnPart())

    def _drop_old(self) -> None:
        """Drop the parts of requests that ended long ago, or that are too long with those that ended since."""
        length, kept = 0, 0
        for key, each in reversed(tuple(self._parts.items())):
            if each.ended:
                length, kept = length + len(each), kept + 1
                if kept > READABLE or length > READABLE_LENGTH:
                    del self._parts[key]


def _asker_of(c: Conversation, id: str) -> str:
    """Return the request in which a tool was called; the same decision may have ended it, and begun the next."""
    back = iter(reversed(c.messages))
    next(each for each in back if isinstance(each, Replied) and any(call.id == id for call in each.calls))
    return next(each.request for each in back if isinstance(each, Asked))


def _tool_part(rules: Rules, c: Conversation, id: str) -> ToolPart:
    calls: Iterable[Any] = (call for said in reversed(c.messages) if isinstance(said, Replied) for call in said.calls)
    call = next(call for call in calls if call.id == id)
    return ToolPart(id, call.name, concealed_call(rules.tools, call.name, call.arguments))

"""What happened in a conversation: facts, in the order in which they were decided. All that is ever remembered.

What is said in one is a message to the model, which is made once, and kept with it: each call sends all of them.
"""

from functools import cached_property
from typing import Literal, TypeAlias

from attrs import field, frozen

from jido_trio.ai._budget import NOTHING_SPENT, Budget, Spent
from jido_trio.ai._messages import AssistantMessage, ToolCall, ToolMessage, UserMessage, Verbatim
from jido_trio.data.inner import ASIDE

Purpose: TypeAlias = Literal["chat", "compact"]
"""What a model is called for: the next reply, or a summary of what was said."""

How: TypeAlias = Literal["answered", "cancelled", "budget", "failed", "refused"]
"""How a request ended. "refused" is the model's word, or its provider's."""


@frozen
class Asked:
    """A request was taken: it is worked at, or waits."""

    request: str
    text: str
    pinned: bool = False
    """Whether its text outlives compaction."""
    budget: Budget | None = None
    """Of this request alone."""

    @cached_property
    def message(self) -> UserMessage:
        """What the model is told."""
        return UserMessage(self.text)


@frozen
class Steered:
    """A text for the request that is being worked at, to be said before the next call."""

    id: str
    request: str
    text: str

    @cached_property
    def message(self) -> UserMessage:
        """What the model is told."""
        return UserMessage(self.text)


@frozen
class Called:
    """A model is to be called: the intent, kept before anything is sent.

    What follows from the rules alone is aside: with others, the same inputs lead to the same conversation.
    """

    request: str
    call: int
    attempt: int
    """From 1, over all models that were tried for this call."""
    model: str = field(metadata=ASIDE)
    tries: int
    """How often this very model was tried for this call, this time included."""
    reserved: Spent = field(metadata=ASIDE)
    """The most that it may cost."""
    digest: str = field(default="", metadata=ASIDE)
    """Of what is sent."""
    purpose: Purpose = "chat"
    delay: float = field(default=0, metadata=ASIDE)
    """Seconds to wait before it is sent."""


@frozen
class Replied:
    """The model replied."""

    call: int
    attempt: int
    text: str
    calls: tuple[ToolCall, ...]
    spent: Spent
    estimated: bool = False
    """Whether the provider didn't say what it took, so that all that was reserved counts."""
    cut: bool = False
    """Whether it was cut as it became too long."""
    verbatim: Verbatim | None = None
    """What the provider wants back with the results of the calls."""

    @cached_property
    def message(self) -> AssistantMessage | None:
        """What the model said, as it is sent back; None if it said nothing."""
        if not self.text and not self.calls:
            return None
        return AssistantMessage(self.text, tuple(call.sendable for call in self.calls), self.verbatim)


@frozen
class CallFailed:
    """A call of a model came to nothing."""

    call: int
    attempt: int
    why: str
    spent: Spent
    """What it cost, or may have cost."""
    estimated: bool = False


@frozen
class Late:
    """What a call that was given up did cost after all."""

    call: int
    attempt: int
    spent: Spent


@frozen
class Approved:
    """Somebody allowed a call of a tool."""

    id: str
    by: str


@frozen
class Begun:
    """A tool is about to be run: the intent, kept before it is."""

    id: str


@frozen
class Returned:
    """A call of a tool has its result, the only one."""

    id: str
    content: str
    error: bool = False
    spent: Spent = NOTHING_SPENT
    """On other agents that were asked."""
    final: bool = False
    """Whether it is the answer."""

    @cached_property
    def message(self) -> ToolMessage:
        """What the model is told."""
        return ToolMessage(self.id, self.content, self.error)


@frozen
class Refuted:
    """The answer doesn't fit what was asked for, and the model is told so."""

    request: str
    problems: tuple[str, ...]

    @cached_property
    def message(self) -> UserMessage:
        """What the model is told."""
        problems = "\n".join(f"- {problem}" for problem in self.problems)
        return UserMessage(f"Your answer doesn't fit the schema:\n{problems}\nAnswer again, with JSON that fits.")


@frozen
class Compacted:
    """What was said before a turn is a summary from now on."""

    call: int
    attempt: int
    summary: str
    before: str
    """The request before whose text all is left out."""
    spent: Spent
    estimated: bool = False


@frozen
class Ended:
    """A request has ended, for good."""

    request: str
    how: How
    text: str = ""
    """The model's last words."""
    why: str = ""
    problems: tuple[str, ...] = ()
    """Where the answer didn't fit."""
    spent: Spent = NOTHING_SPENT
    """On this request."""


ChatEvent: TypeAlias = (
    Asked | Steered | Called | Replied | CallFailed | Late | Approved | Begun | Returned | Refuted | Compacted | Ended
)

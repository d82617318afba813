"""What a conversation is told: each comes from outside, may come twice, late, or for nobody."""

from typing import Literal, TypeAlias

from jido_trio.ai._budget import NOTHING_SPENT, Budget, Spent
from jido_trio.ai._messages import ToolCall, Usage, Verbatim
from jido_trio.core import Input

Finish: TypeAlias = Literal["stop", "tool_calls", "length", "content_filter"]
"""Why a reply ended."""

Kind: TypeAlias = Literal["retry", "fallback", "never", "overflow"]
"""What to make of a failure: it may be better the next time; not with this model, but with its fallback; never; or the
prompt was too long."""


class Ask(Input):
    """A person, or a program, asks something."""

    request: str
    """Its id: asked twice with the same it is one request."""
    text: str
    pinned: bool = False
    budget: Budget | None = None
    """Of this request alone, beside what the rules say."""


class Reply(Input):
    """A model's reply, whole, with the calls as it named them."""

    call: int
    attempt: int
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None
    """None if it ended without a reason, which is a failure."""
    usage: Usage | None = None
    verbatim: Verbatim | None = None


class NoReply(Input):
    """A call of a model that came to nothing."""

    call: int
    attempt: int
    why: str
    kind: Kind = "retry"
    billed: bool = True
    """Whether it may have cost something: not if it was refused before anything was generated."""
    usage: Usage | None = None
    retry_after: float | None = None
    """Seconds to wait at least, as the provider said."""


class StartTool(Input):
    """A tool is about to be run."""

    id: str


class ToolResult(Input):
    """What a tool returned."""

    id: str
    content: str
    error: bool = False
    spent: Spent = NOTHING_SPENT
    """On other agents that it asked."""
    final: bool = False
    """Whether it is the answer: the model isn't called again."""


class Approve(Input):
    """Somebody allows a call of a tool."""

    id: str
    by: str = ""


class Deny(Input):
    """Somebody forbids a call of a tool, or nobody allowed it in time."""

    id: str
    reason: str = ""


class CancelRequest(Input):
    """Nobody wants the answer any more."""

    request: str


class Recover(Input):
    """A life has begun, of the agent or of the whole process, and some of what should be in flight isn't any more."""

    lost: tuple[str, ...] = ()
    """Keys of that. Each is named, so it doesn't matter what else the conversation is told before."""
    retimed: tuple[str, ...] = ()
    """Calls that wait for somebody and have a timer where their tool gives none by now, or have none where it does."""


ChatInput: TypeAlias = Ask | Reply | NoReply | StartTool | ToolResult | Approve | Deny | CancelRequest | Recover

"""Agents that speak with models. Imports no SDK: each adapter is a module of its own, with an extra.

A conversation is a log. `_decide` says what happens, `_conversation` what follows from what happened and what should
be in flight; `_render` what a model is sent. None of it knows Trio. `_messages`, `_events`, `_inputs`, `_rules` are its
values, `_budget` and `_prices` its money, `_tools` and `_answer` what passes between text and typed values,
`_retry` the next try. `_chat` is all of it, to be played with.
"""

from jido_trio.ai._budget import Budget, Price, Spent
from jido_trio.ai._chat import Chat, conversation
from jido_trio.ai._conversation import AskApproval, CallModel, Conversation, RunTool, Wanted, apply, fold, lost, wanted
from jido_trio.ai._decide import decide, is_refused
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
    Refuted,
    Replied,
    Returned,
    Steered,
)
from jido_trio.ai._inputs import (
    Approve,
    Ask,
    CancelRequest,
    ChatInput,
    Deny,
    NoReply,
    Recover,
    Reply,
    StartTool,
    ToolResult,
)
from jido_trio.ai._messages import (
    AssistantMessage,
    Message,
    Prompt,
    ToolCall,
    ToolMessage,
    ToolSchema,
    Usage,
    UserMessage,
)
from jido_trio.ai._outcome import Answered, Cancelled, ChatOutcome, NeedsApproval, NotAnswered, OutOfBudget
from jido_trio.ai._prices import PRICES
from jido_trio.ai._render import refusal, render
from jido_trio.ai._rules import ModelRule, Rules
from jido_trio.ai._tools import Tool

__all__ = [
    "PRICES",
    "Answered",
    "Approve",
    "Approved",
    "Ask",
    "AskApproval",
    "Asked",
    "AssistantMessage",
    "Begun",
    "Budget",
    "CallFailed",
    "CallModel",
    "Called",
    "CancelRequest",
    "Cancelled",
    "Chat",
    "ChatEvent",
    "ChatInput",
    "ChatOutcome",
    "Compacted",
    "Conversation",
    "Deny",
    "Ended",
    "Late",
    "Message",
    "ModelRule",
    "NeedsApproval",
    "NoReply",
    "NotAnswered",
    "OutOfBudget",
    "Price",
    "Prompt",
    "Recover",
    "Refuted",
    "Replied",
    "Reply",
    "Returned",
    "Rules",
    "RunTool",
    "Spent",
    "StartTool",
    "Steered",
    "Tool",
    "ToolCall",
    "ToolMessage",
    "ToolResult",
    "ToolSchema",
    "Usage",
    "UserMessage",
    "Wanted",
    "apply",
    "conversation",
    "decide",
    "fold",
    "is_refused",
    "lost",
    "refusal",
    "render",
    "wanted",
]

"""Agents that speak with models. Imports no SDK: each adapter is a module of its own, with an extra.

A conversation is a log. `_decide` says what happens, `_conversation` what follows from what happened and what should
be in flight; `_render` what a model is sent. None of it knows Trio. `_messages`, `_events`, `_inputs`, `_rules` are its
values, `_budget` and `_prices` its money, `_tools` and `_answer` what passes between text and typed values,
`_retry` the next try. `_chat` is all of it, to be played with.

`_agent` has an agent go on with a conversation; `_flights` has what is wanted be in flight, with the `_models` that
their `_client` speaks with; `_request` is what its asker holds, and `_readable` what readers see meanwhile, in
`_parts`. `_team` makes an agent the tool of another, `_skills` reads instructions of folders, `_history` goes through a
conversation again. `_limits` is what clients share, `_wire` what adapters do, `_letters` makes text whole.
"""

from jido_trio.ai._agent import ChatAgent
from jido_trio.ai._budget import Budget, Price, Spent
from jido_trio.ai._chat import Chat, conversation
from jido_trio.ai._client import ModelClient, ModelFailure, ModelReply, ModelRequest
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
from jido_trio.ai._limits import RateLimit
from jido_trio.ai._messages import (
    AssistantMessage,
    Message,
    Prompt,
    ToolCall,
    ToolMessage,
    ToolSchema,
    Usage,
    UserMessage,
    Verbatim,
)
from jido_trio.ai._models import Model, Models
from jido_trio.ai._outcome import Answered, Cancelled, ChatOutcome, NeedsApproval, NotAnswered, OutOfBudget
from jido_trio.ai._parts import Part, TextPart, ToolPart, ToolResultPart, WithdrawnPart
from jido_trio.ai._prices import PRICES
from jido_trio.ai._render import refusal, render
from jido_trio.ai._request import Request, ask, find_request
from jido_trio.ai._rules import ModelRule, Rules
from jido_trio.ai._skills import Skill, Skills, skills_in
from jido_trio.ai._team import teammate
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
    "ChatAgent",
    "ChatEvent",
    "ChatInput",
    "ChatOutcome",
    "Compacted",
    "Conversation",
    "Deny",
    "Ended",
    "Late",
    "Message",
    "Model",
    "ModelClient",
    "ModelFailure",
    "ModelReply",
    "ModelRequest",
    "ModelRule",
    "Models",
    "NeedsApproval",
    "NoReply",
    "NotAnswered",
    "OutOfBudget",
    "Part",
    "Price",
    "Prompt",
    "RateLimit",
    "Recover",
    "Refuted",
    "Replied",
    "Reply",
    "Request",
    "Returned",
    "Rules",
    "RunTool",
    "Skill",
    "Skills",
    "Spent",
    "StartTool",
    "Steered",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolMessage",
    "ToolPart",
    "ToolResult",
    "ToolResultPart",
    "ToolSchema",
    "Usage",
    "UserMessage",
    "Verbatim",
    "Wanted",
    "WithdrawnPart",
    "apply",
    "ask",
    "conversation",
    "decide",
    "find_request",
    "fold",
    "is_refused",
    "lost",
    "refusal",
    "render",
    "skills_in",
    "teammate",
    "wanted",
]

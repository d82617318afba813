"""What a model is sent: put together of the conversation, never patched, and so valid by construction.

Each call of a tool is followed by its one result, in the order of the calls. Arguments that are no JSON object are sent
as `{}`; the result says what was wrong with them. What was put together is kept beside the conversation, and handed on
as it goes on: to what is there already, only what is new is added. So a call costs as much in a long one as in a short.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from attrs import evolve

from jido_trio.ai._answer import answer_schema
from jido_trio.ai._conversation import Conversation, Rendered, Said, before_turn, keep_rendered, rendered
from jido_trio.ai._events import Purpose, Replied, Returned
from jido_trio.ai._messages import (
    AssistantMessage,
    Message,
    Messages,
    Prompt,
    ToolMessage,
    UserMessage,
    is_object,
    mark_of,
)
from jido_trio.ai._rules import Rules
from jido_trio.data import thaw

SUMMARIZE = (
    "Summarize the conversation so far for yourself, so that it can go on without it: what was asked, what was found "
    "out and done, with names and numbers, and what is still open. Write the summary only, in {words} words at most."
)
CUT_SUMMARY = "(The summary was cut here, as it became too long.)"
EARLIER = "What was said earlier in this conversation, in short:"


def render(rules: Rules, c: Conversation, model: str, purpose: Purpose = "chat") -> Prompt:
    """Return all that the next call of a model is sent."""
    max_tokens = rules.model_rule(model).max_tokens
    if purpose == "compact":
        asked = UserMessage(SUMMARIZE.format(words=max(max_tokens // 2, 1)))  # a word is less than two tokens, mostly
        told = (*messages_of(before_turn(c.messages, c.request or "")), asked)
        return Prompt(model, _system(rules, c), told, max_tokens=max_tokens)
    answer = answer_schema(rules.answer) if rules.answer is not None else None
    tools = tuple(tool.schema for tool in rules.tools)
    return Prompt(model, _system(rules, c), _all_said(c), tools, answer, max_tokens)


def _system(rules: Rules, c: Conversation) -> str:
    parts = [rules.instructions, f"{EARLIER}\n{c.summary}" if c.summary else ""]
    return "\n\n".join(part for part in parts if part)


def _all_said(c: Conversation) -> Messages:
    """Return what the model is sent of all that was said, and keep it for what the conversation becomes."""
    said, known = c.messages + c.steering, rendered(c)
    is_known = known is not None and said[: len(known.said)] == known.said
    if known is None or not is_known or not _is_whole(said[len(known.said) :]):
        messages = messages_of(said)
    elif len(said) > len(known.said):
        messages = known.messages.then(_messages(said[len(known.said) :]))
    else:
        return known.messages
    keep_rendered(c, Rendered(said, messages))
    return messages


def _is_whole(said: Sequence[Said]) -> bool:
    """Tell whether no result is among them without its call."""
    results = {each.id for each in said if isinstance(each, Returned)}
    return results <= {call.id for each in said if isinstance(each, Replied) for call in each.calls}


def messages_of(said: Sequence[Said]) -> Messages:
    """Return a transcript as messages."""
    return Messages(_messages(said))


def _messages(said: Sequence[Said]) -> Iterator[Message]:
    results = {each.id: each.message for each in said if isinstance(each, Returned)}
    for each in said:
        if isinstance(each, Returned):
            continue
        if each.message is not None:
            yield each.message
        if isinstance(each, Replied):
            for call in each.calls:
                if call.id in results:
                    yield results[call.id]


def plain_prompt(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as plain JSON data."""
    return {
        "system": prompt.system,
        "messages": [message.plain for message in prompt.messages],
        "tools": [tool.plain for tool in prompt.tools],
        "answer": thaw(prompt.answer),
        "max_tokens": prompt.max_tokens,
    }


def size_and_digest(prompt: Prompt) -> tuple[int, str]:
    """Return how many bytes a prompt has as JSON, no fewer than tokens, and what names its content."""
    head = mark_of(plain_prompt(evolve(prompt, messages=(), tools=())))
    messages = prompt.messages if isinstance(prompt.messages, Messages) else Messages(prompt.messages)
    tools = [tool.mark for tool in prompt.tools]
    commas = max(len(tools) - 1, 0)
    size = head.size + messages.mark.size + sum(mark.size for mark in tools) + commas
    digest = sha256(head.digest + messages.mark.digest + sha256(b"".join(mark.digest for mark in tools)).digest())
    return size, digest.hexdigest()[:16]


def refusal(messages: Sequence[Message]) -> str | None:
    """Return what a strict provider refuses in a transcript; None if it takes it."""
    waiting: list[str] = []
    known: set[str] = set()
    for at, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            if not waiting or waiting.pop(0) != message.id:
                return f"message {at}: the result of {message.id!r} doesn't follow its call"
            continue
        if waiting:
            return f"message {at}: the call {waiting[0]!r} before it has no result"
        if isinstance(message, AssistantMessage):
            if not message.text and not message.calls:
                return f"message {at}: it is empty"
            for call in message.calls:
                if call.id in known:
                    return f"message {at}: the call {call.id!r} has an id that was used before"
                if not is_object(call.arguments):
                    return f"message {at}: the arguments of {call.id!r} are no JSON object"
                known.add(call.id)
                waiting.append(call.id)
    return f"at the end: the call {waiting[0]!r} has no result" if waiting else None

"""What a model is sent: made anew of the conversation each time, never patched, and so valid by construction.

Each call of a tool is followed by its one result, in the order of the calls. Arguments that are no JSON object are sent
as `{}`; the result says what was wrong with them.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, assert_never

from attrs import evolve

from jido_trio.ai._answer import answer_schema
from jido_trio.ai._conversation import Conversation, Said, before_turn
from jido_trio.ai._events import Asked, Purpose, Refuted, Replied, Returned, Steered
from jido_trio.ai._messages import AssistantMessage, Message, Prompt, ToolCall, ToolMessage, UserMessage
from jido_trio.ai._rules import Rules
from jido_trio.ai._tools import is_object
from jido_trio.data import thaw

SUMMARIZE = (
    "Summarize the conversation so far for yourself, so that it can go on without it: what was asked, what was found "
    "out and done, with names and numbers, and what is still open. Write the summary only."
)
EARLIER = "What was said earlier in this conversation, in short:"


def render(rules: Rules, c: Conversation, model: str, purpose: Purpose = "chat") -> Prompt:
    """Return all that the next call of a model is sent."""
    max_tokens = rules.model_rule(model).max_tokens
    if purpose == "compact":
        told = (*messages_of(before_turn(c.messages, c.request or "")), UserMessage(SUMMARIZE))
        return Prompt(model, _system(rules, c), told, max_tokens=max_tokens)
    answer = answer_schema(rules.answer) if rules.answer is not None else None
    tools = tuple(tool.schema for tool in rules.tools)
    return Prompt(model, _system(rules, c), messages_of((*c.messages, *c.steering)), tools, answer, max_tokens)


def _system(rules: Rules, c: Conversation) -> str:
    parts = [rules.instructions, f"{EARLIER}\n{c.summary}" if c.summary else ""]
    return "\n\n".join(part for part in parts if part)


def messages_of(said: Sequence[Said]) -> tuple[Message, ...]:
    """Return a transcript as messages."""
    results = {each.id: each for each in said if isinstance(each, Returned)}
    return tuple(message for each in said for message in _messages(each, results))


def _messages(said: Said, results: dict[str, Returned]) -> Iterator[Message]:
    match said:
        case Asked() | Steered():
            yield UserMessage(said.text)
        case Replied():
            if said.text or said.calls:
                yield AssistantMessage(said.text, tuple(map(_sendable, said.calls)), said.verbatim)
            for call in said.calls:
                if call.id in results:
                    result = results[call.id]
                    yield ToolMessage(result.id, result.content, result.error)
        case Returned():
            pass
        case Refuted():
            problems = "\n".join(f"- {problem}" for problem in said.problems)
            yield UserMessage(f"Your answer doesn't fit the schema:\n{problems}\nAnswer again, with JSON that fits.")
        case _:
            assert_never(said)


def _sendable(call: ToolCall) -> ToolCall:
    return call if is_object(call.arguments) else evolve(call, arguments="{}")


def plain_prompt(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as plain JSON data."""
    return {
        "system": prompt.system,
        "messages": [_plain_message(message) for message in prompt.messages],
        "tools": [
            {"name": tool.name, "description": tool.description, "parameters": thaw(tool.parameters)}
            for tool in prompt.tools
        ],
        "answer": thaw(prompt.answer),
        "max_tokens": prompt.max_tokens,
    }


def _plain_message(message: Message) -> dict[str, Any]:
    match message:
        case UserMessage():
            return {"role": "user", "text": message.text}
        case AssistantMessage():
            calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.calls]
            kept = {} if message.verbatim is None else {"verbatim": message.verbatim.data}
            return {"role": "assistant", "text": message.text, "calls": calls, **kept}
        case ToolMessage():
            return {"role": "tool", "id": message.id, "text": message.content, "error": message.error}
        case _:
            assert_never(message)


def size_and_digest(prompt: Prompt) -> tuple[int, str]:
    """Return how many bytes a prompt has, no fewer than tokens, and what names its content."""
    data = json.dumps(plain_prompt(prompt), ensure_ascii=False, separators=(",", ":"))
    encoded = data.encode("utf-8", "surrogatepass")
    return len(encoded), sha256(encoded).hexdigest()[:16]


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

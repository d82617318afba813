"""What is said in a conversation: calls of tools, what a call cost, and the messages as a model is sent them.

Each call sends all that was said before it. So what stands for a message, its size and its digest, is found once, and
kept with it: a prompt of hundreds of messages is weighed without going through their texts again.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from jido_trio import checks
from jido_trio.data import thaw


@frozen
class ToolCall:
    """A tool that the model wants to be run."""

    id: str
    """Ours, never the model's: its own may come twice."""
    name: str
    arguments: str
    """The text as the model wrote it, which may be no JSON."""

    @property
    def sendable(self) -> "ToolCall":
        """As strict providers take it: arguments that are no JSON object are sent as `{}`."""
        return self if is_object(self.arguments) else evolve(self, arguments="{}")


def is_object(text: str) -> bool:
    """Tell whether a text is a JSON object, as strict providers want arguments to be."""
    try:
        return isinstance(_STRICT.decode(text), dict)
    except (ValueError, RecursionError):
        return False


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no JSON")


_STRICT = json.JSONDecoder(parse_constant=_no_number)


@frozen
class Usage:
    """What a provider says that a call took, in tokens."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """Of the input, what came from the provider's cache."""
    reasoning: int = 0
    """Of the output, what nobody is shown."""
    written: int = 0
    """Of the input, what was written to the provider's cache, for the next calls."""

    def __attrs_post_init__(self) -> None:
        for name in ("input", "output", "cached", "reasoning", "written"):
            checks.whole("usage", name, getattr(self, name))

    @property
    def total(self) -> int:
        """Input and output."""
        return self.input + self.output


@frozen
class Verbatim:
    """A reply as its provider wants it back, to the letter, where that is more than text and calls: signed thoughts."""

    provider: str
    """Who wants it; others are sent the text and the calls."""
    data: str = field(repr=False)


@frozen
class Mark:
    """What stands for a piece of a prompt, as JSON."""

    size: int
    """In bytes, which are no fewer than its tokens."""
    digest: bytes


def mark_of(plain: object) -> Mark:
    """Return what stands for plain data."""
    data = _COMPACT.encode(plain).encode("utf-8", "surrogatepass")
    return Mark(len(data), sha256(data).digest())


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@frozen
class Piece(ABC):
    """A piece of a prompt."""

    @property
    @abstractmethod
    def plain(self) -> Mapping[str, Any]:
        """It as JSON data."""

    @cached_property
    def mark(self) -> Mark:
        """What stands for it: found once."""
        return mark_of(self.plain)


@frozen
class UserMessage(Piece):
    """What the model is told."""

    text: str

    @property
    def plain(self) -> Mapping[str, Any]:
        """See `Piece`."""
        return {"role": "user", "text": self.text}


@frozen
class AssistantMessage(Piece):
    """What the model said."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    """Their arguments are JSON objects."""
    verbatim: Verbatim | None = None

    @property
    def plain(self) -> Mapping[str, Any]:
        """See `Piece`."""
        calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in self.calls]
        kept = {} if self.verbatim is None else {"verbatim": self.verbatim.data}
        return {"role": "assistant", "text": self.text, "calls": calls, **kept}


@frozen
class ToolMessage(Piece):
    """What a call of a tool came to."""

    id: str
    content: str
    error: bool = False

    @property
    def plain(self) -> Mapping[str, Any]:
        """See `Piece`."""
        return {"role": "tool", "id": self.id, "text": self.content, "error": self.error}


Message: TypeAlias = UserMessage | AssistantMessage | ToolMessage


class Messages(tuple[Message, ...]):  # noqa: SLOT001  # tuples can't have other slots
    """Messages in a row, and what stands for them: of a row that goes on, only what is new is weighed."""

    _weighed = 0, 0, sha256()
    """So many of them, their bytes, and the digest of their digests."""

    def then(self, more: Iterable[Message]) -> "Messages":
        """Return these, and more."""
        after = Messages((*self, *more))
        after._weighed = self._weighed
        return after

    @property
    def mark(self) -> Mark:
        """What stands for them, within the brackets of their list."""
        weighed, size, digest = self._weighed
        if weighed < len(self):
            marks = [message.mark for message in self[weighed:]]
            size, digest = size + sum([mark.size for mark in marks]), digest.copy()
            digest.update(b"".join([mark.digest for mark in marks]))
            self._weighed = len(self), size, digest
        return Mark(size + max(len(self) - 1, 0), digest.digest())

    def __reduce__(self) -> tuple[type["Messages"], tuple[tuple[Message, ...]]]:
        return Messages, (tuple(self),)


@frozen
class ToolSchema(Piece):
    """A tool as a model is told of it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of the arguments."""
    secrets: frozenset[str] = frozenset()
    """Arguments that are shown nowhere. The model isn't told of that."""

    @property
    def plain(self) -> Mapping[str, Any]:
        """See `Piece`."""
        return {"name": self.name, "description": self.description, "parameters": thaw(self.parameters)}


@frozen
class Prompt:
    """All that one call of a model is sent."""

    model: str
    """The name that `Models` knows it by."""
    system: str
    messages: Sequence[Message]
    tools: Sequence[ToolSchema] = ()
    answer: Mapping[str, Any] | None = None
    """JSON Schema that the answer's text must fit; None for free text."""
    max_tokens: int = field(default=4096)
    """Tokens that the reply may have, at most."""

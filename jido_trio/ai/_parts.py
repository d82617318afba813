"""What readers of a request see as it happens: text in pieces, tools, and what was taken back.

A reader may come late, and gets all from the start. One that is slow gets fewer and larger pieces, and slows nobody:
what is kept is the text itself, not a queue for each reader.
"""

from collections.abc import AsyncIterator
from typing import TypeAlias

import trio
from attrs import define, field, frozen

MOST = 1_000_000
"""Characters of one request that are kept for readers; beyond, the oldest text goes."""


@frozen
class TextPart:
    """A piece of the model's text."""

    text: str


@frozen
class WithdrawnPart:
    """The text since the last part that was no text is no part of an answer: that try failed."""


@frozen
class ToolPart:
    """A tool is run."""

    id: str
    name: str
    arguments: str


@frozen
class ToolResultPart:
    """A call of a tool has its result."""

    id: str
    content: str
    error: bool


Part: TypeAlias = TextPart | WithdrawnPart | ToolPart | ToolResultPart


@define(eq=False)
class _Text:
    text: str = ""


@define(eq=False)
class Parts:
    """The parts of one request."""

    _entries: list[_Text | Part] = field(factory=list)
    _dropped: int = 0
    _length: int = 0
    _changed: trio.Event = field(factory=trio.Event)
    ended: bool = False

    def tell(self, text: str) -> None:
        """Add a piece of text."""
        if not text or self.ended:
            return
        last = self._entries[-1] if self._entries else None
        if not isinstance(last, _Text):
            last = _Text()
            self._entries.append(last)
        last.text += text
        self._length += len(text)
        while self._length > MOST and len(self._entries) > 1:
            gone = self._entries.pop(0)
            self._dropped += 1
            self._length -= len(gone.text) if isinstance(gone, _Text) else 0
        self._wake()

    @property
    def open_text(self) -> str:
        """The text since the last part that was no text."""
        last = self._entries[-1] if self._entries else None
        return last.text if isinstance(last, _Text) else ""

    def add(self, part: Part) -> None:
        """Add a part that is no text."""
        self._entries.append(part)
        self._wake()

    def end(self) -> None:
        """Take note that nothing more comes."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def read(self) -> AsyncIterator[Part]:
        """Yield all parts, from the first that is kept, until the request has ended."""
        at, offset = 0, 0
        while True:
            at, offset = max((at, offset), (self._dropped, 0))
            if at - self._dropped < len(self._entries):
                entry = self._entries[at - self._dropped]
                is_last = at - self._dropped == len(self._entries) - 1
                if not isinstance(entry, _Text):
                    at, offset = at + 1, 0
                    await trio.lowlevel.checkpoint()
                    yield entry
                    continue
                piece = entry.text[offset:]
                offset += len(piece)
                if not is_last:
                    at, offset = at + 1, 0
                if piece:
                    await trio.lowlevel.checkpoint()
                    yield TextPart(piece)
                    continue
                if not is_last:
                    continue
            if self.ended:
                return
            await self._changed.wait()

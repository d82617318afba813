"""What readers of a request see as it happens: text in pieces, tools, and what was taken back.

A reader may come late, and gets all from the start. One that is slow gets fewer and larger pieces, and slows nobody:
what is kept is the text itself, not a queue for each reader. Text is kept in the pieces in which it came, so that a
long reply costs no more for each of them than a short one.
"""

from collections.abc import Iterable
from itertools import takewhile
from typing import Self, TypeAlias

import trio
from attrs import define, field, frozen

MOST = 1_000_000
"""Characters of one request that are kept for readers; beyond, the oldest tenth goes."""


@frozen
class TextPart:
    """A piece of the model's text."""

    text: str


@frozen
class WithdrawnPart:
    """The text since the last part that was no text is no part of an answer.

    That try failed, what it said didn't fit the class that was asked for, or the request was steered meanwhile.
    """


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

_Piece: TypeAlias = str | WithdrawnPart | ToolPart | ToolResultPart
"""What is kept: a piece of text, or a part that is none."""


@define(eq=False)
class Parts:
    """The parts of one request."""

    _pieces: list[_Piece] = field(factory=list)
    _dropped: int = 0
    """Pieces that are kept no more."""
    _length: int = 0
    _open: int = 0
    """Characters of the text since the last part that was no text, dropped ones included."""
    _changed: trio.Event | None = None
    """For which readers wait, if any do."""
    ended: bool = False

    def __len__(self) -> int:
        """Return the characters that are kept."""
        return self._length

    def tell(self, text: str) -> None:
        """Add a piece of text."""
        if text and not self.ended:
            self._open += len(text)
            kept = text[-MOST:]
            self._keep(kept, len(kept))

    def add(self, part: WithdrawnPart | ToolPart | ToolResultPart) -> None:
        """Add a part that is no text."""
        self._open = 0
        self._keep(part, _size(part))

    @property
    def has_open_text(self) -> bool:
        """Whether the last part is text."""
        return self._open > 0

    def ends_with(self, text: str) -> bool:
        """Tell whether the text since the last part that was no text is this, as far as it is kept."""
        if self._open != len(text):
            return False
        begin = len(self._pieces)
        while begin and isinstance(self._pieces[begin - 1], str):
            begin -= 1
        return text.endswith(_text_of(self._pieces[begin:]))

    def end(self) -> None:
        """Take note that nothing more comes."""
        self.ended = True
        self._wake()

    def _keep(self, piece: _Piece, size: int) -> None:
        self._pieces.append(piece)
        self._length += size
        if self._length > MOST:
            gone = 0
            while self._length > MOST * 9 // 10 and gone < len(self._pieces) - 1:
                self._length -= _size(self._pieces[gone])
                gone += 1
            del self._pieces[:gone]
            self._dropped += gone
        if self._changed is not None:
            self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set()

    def read(self) -> "Reader":
        """Return what gives all parts, from the first that is kept, until the request has ended."""
        return Reader(self)

    async def after(self, at: int) -> tuple[Part, int] | None:
        """Return the part at a place, and the place after it, as soon as there is one; None when nothing more comes."""
        await trio.lowlevel.checkpoint()
        while (at := max(at, self._dropped)) == self._dropped + len(self._pieces):
            if self.ended:
                return None
            if self._changed is None:
                self._changed = trio.Event()
            await self._changed.wait()
        new = self._pieces[at - self._dropped :]
        text = list(takewhile(lambda piece: isinstance(piece, str), new))
        return (TextPart(_text_of(text)), at + len(text)) if text else (_no_text(new[0]), at + 1)


@define(eq=False)
class Reader:
    """Gives one part after the other. Whoever stops reading leaves nothing behind, and may go on later."""

    _parts: Parts
    _at: int = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        found = await self._parts.after(self._at)
        if found is None:
            raise StopAsyncIteration
        part, self._at = found
        return part


def _text_of(pieces: Iterable[_Piece]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _no_text(piece: _Piece) -> Part:
    assert not isinstance(piece, str)  # noqa: S101  # for type checkers
    return piece


def _size(piece: _Piece) -> int:
    match piece:
        case str():
            return len(piece)
        case ToolPart():
            return len(piece.arguments)
        case ToolResultPart():
            return len(piece.content)
        case _:
            return 0

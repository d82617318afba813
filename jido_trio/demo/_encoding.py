"""Bytes to text: byte order mark, UTF-8, UTF-16, a declared charset, and Western Windows as the last guess."""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress

from jido_trio.errors import ActionError

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive, as .docx, .xlsx, .odt and .epub are"),
    (b"\xd0\xcf\x11\xe0", "an old Office file, as .doc and .xls are"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
)
"""How files begin whose bytes are not text."""

CHARSETS = frozenset(
    {f"iso8859-{part}" for part in range(2, 17)}
    | {f"cp125{part}" for part in range(9)}
    | {"koi8-r", "koi8-u", "mac-roman", "shift_jis", "cp932", "euc_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr"}
)
"""Codecs a file may declare; Python knows more, but `idna` is no charset and `utf-7` yields broken text."""

_DECLARATION = re.compile(rb"(?:charset|coding)\s{0,3}[:=]\s{0,3}[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
"""In HTML, in XML, in the head of a mail and in the magic comment of a source file."""

_CONTROLS = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters but for whitespace, backspace and the escape of terminal colours."""

_NO_CHARACTERS = frozenset({"Cn", "Co", "Cs"})  # unassigned, private, surrogate


def decode(data: bytes) -> str:
    """Return the text of `data`, without its byte order mark.

    Raises:
        ActionError: It is binary, or text in an encoding that can't be told; the message says which.
    """
    for start, kind in MAGIC:
        if data.startswith(start):
            raise ActionError(f"not text: it is {kind}")
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    for encoding, fits in _guesses(data):
        with suppress(UnicodeDecodeError):
            if fits(text := data.decode(encoding)):
                return text
    if not _looks_like_text(data.decode("ascii", "ignore")):
        raise ActionError("binary file of unknown kind")
    raise ActionError("text in an unknown encoding: not UTF-8, and it declares no charset that fits")


def _marked(data: bytes, encoding: str) -> str:
    name = encoding.upper()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ActionError(f"marked as {name}, but not valid {name}: {error.reason} at byte {error.start}") from error
    if not _looks_like_text(text):
        raise ActionError(f"binary file of unknown kind, though it is marked as {name}")
    return text


def _guesses(data: bytes) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """The encodings `data` may be in, the likeliest first, each with the test its text must pass."""
    yield "utf-8", _looks_like_text
    if b"\0" in data:
        yield _wide(data), _looks_like_wide_text
    if charset := _declared(data):
        yield charset, _looks_like_text
    yield "cp1252", _looks_western


def _wide(data: bytes) -> str:
    """The byte order of UTF-16 without a mark: the zeros of its Latin letters and blanks are their high bytes."""
    return "utf-16-be" if data[0::2].count(0) > data[1::2].count(0) else "utf-16-le"


def _declared(data: bytes) -> str | None:
    found = _DECLARATION.search(data[:1024])
    try:
        charset = codecs.lookup(found[1].decode("ascii")).name if found else ""
    except LookupError:
        return None
    return charset if charset in CHARSETS else None


def _looks_like_text(text: str) -> bool:
    return "\0" not in text and len(_CONTROLS.findall(text)) <= 1 + len(text) // 100


def _looks_like_wide_text(text: str) -> bool:
    """Almost any pairs of bytes decode as UTF-16, but by accident seldom to real characters with blanks between."""
    real = not any(unicodedata.category(char) in _NO_CHARACTERS for char in text[:4096])
    return real and _ascii_share(text) >= 0.1 and _looks_like_text(text)


def _looks_western(text: str) -> bool:
    """Western text is nearly all ASCII; Cyrillic or Greek in another charset decodes as well, to nonsense."""
    return _ascii_share(text) >= 0.75 and _looks_like_text(text)


def _ascii_share(text: str) -> float:
    return len(text.encode("ascii", "ignore")) / max(1, len(text))

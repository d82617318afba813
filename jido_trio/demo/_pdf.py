"""The text of a PDF, by pypdf, whatever state the file is in."""

import logging
from collections.abc import Callable
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

from jido_trio.demo._content import Content
from jido_trio.errors import ActionError

# pypdf logs each oddity it repairs; what it can't repair is told by the error, once.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)

_ENDS = 2048
"""Bytes at either end within which readers accept the header and the end mark of a PDF, for the junk around them."""


def read_pdf(data: bytes, *, max_pages: int, max_characters: int, turn: Callable[[int, int], None]) -> Content:
    """Return the title and the text of all pages; `turn` is told of each page that is read, and of how many.

    Raises:
        ActionError: It is none, cut off, damaged, locked, too long, or only pictures; the message says which.
    """
    if b"%PDF-" not in data[:_ENDS]:
        raise ActionError("not a PDF: the %PDF header is missing")
    # pypdf would piece together what is left of a cut file; half a document must not pass for one.
    if b"%%EOF" not in data.rstrip(b"\0")[-_ENDS:]:
        raise ActionError("PDF is truncated: its end mark %%EOF is missing")
    try:
        return _content(PdfReader(BytesIO(data)), max_pages, max_characters, turn)
    except (ActionError, MemoryError):
        raise
    except (FileNotDecryptedError, DependencyError) as error:
        raise ActionError("PDF is encrypted: it needs a password") from error
    except LimitReachedError as error:
        raise ActionError("PDF unpacks to far more than it should: refused as a decompression bomb") from error
    except Exception as error:
        # Its parser raises whatever it stumbles on: KeyError, struct.error, AttributeError, ...
        raise ActionError(f"PDF is damaged: {_one_line(error)}") from error


def _content(reader: PdfReader, max_pages: int, max_characters: int, turn: Callable[[int, int], None]) -> Content:
    count = len(reader.pages)
    if not count:
        raise ActionError("PDF is damaged: no page can be found in it")
    if count > max_pages:
        raise ActionError(f"PDF has {count} pages, more than the {max_pages} allowed")
    text = "\n\n".join(_pages(reader, max_characters, turn))
    if not text.strip():
        raise ActionError(f"PDF without text: only pictures, perhaps scans, on {count} page{'s' * (count > 1)}")
    return Content(_title(reader), text)


def _pages(reader: PdfReader, max_characters: int, turn: Callable[[int, int], None]) -> list[str]:
    texts: list[str] = []
    total = 0
    for number, page in enumerate(reader.pages, start=1):
        texts.append(page.extract_text())
        turn(number, len(reader.pages))
        total += len(texts[-1])
        if total > max_characters:
            raise ActionError(f"PDF unpacks to more than {max_characters} characters of text")
    return texts


def _title(reader: PdfReader) -> str:
    title = reader.metadata.title if reader.metadata else None
    return title if isinstance(title, str) else ""


def _one_line(error: Exception) -> str:
    line = " ".join(f"{type(error).__name__}: {error}".split())[:120]
    # It may quote the bytes it stumbled on.
    return "".join(char if char.isprintable() else "?" for char in line)

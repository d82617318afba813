"""Documents: files of many kinds as title and text, or the reason why one can't be read."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from attrs import frozen

from jido_trio.demo._content import Content
from jido_trio.demo._encoding import decode
from jido_trio.demo._pdf import read_pdf
from jido_trio.demo._readers import TEXT_READERS, TextKind
from jido_trio.errors import ActionError
from jido_trio.redact import said

Kind: TypeAlias = TextKind | Literal["pdf"]
"""What a file is read as."""

EXTENSIONS: Mapping[str, Kind] = {
    ".txt": "text",
    ".md": "text",
    ".log": "text",
    ".rst": "text",
    ".org": "text",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".xml": "xml",
    ".pdf": "pdf",
}
"""Other files are told apart by how they begin."""

SAMPLES = Path(__file__).parent / "samples"
"""The documents shipped with the demo; those in its folder `broken` can't be read."""

_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"%pdf-", "pdf"),
    (b"<!doctype html", "html"),
    (b"<html", "html"),
    (b"<?xml", "xml"),
)
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x85]")
_COLOURS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


_NO_FOLDER = {True: "it is a file; name the folder it is in", False: "there is no such folder; check the path"}


class Unreadable(ActionError):
    """A file can't be read as a document; `reason` says why in plain words."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        self.path = os.fspath(path)
        self.reason = reason
        super().__init__(f"cannot read {_shown(path)}: {reason}")


class NoDocuments(ActionError):
    """A folder has nothing to read; `reason` says why and what to do."""

    def __init__(self, folder: str | os.PathLike[str], reason: str) -> None:
        self.folder = os.fspath(folder)
        self.reason = reason
        super().__init__(f"no documents in {_shown(folder)}: {reason}")


@frozen
class Document:
    """A document as text, safe to print: no control characters but tab and line feed, no lone surrogates."""

    path: str
    kind: Kind
    title: str
    """What the document calls itself, else the name of its file without the extension."""
    text: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return Path(self.path).name


@frozen
class Limits:
    """How large a document may be, so that no file can use up memory or keep a reader busy for long."""

    bytes: int = 20_000_000
    """Of the file, and characters of text that a PDF unpacks to."""
    pages: int = 500
    """Of a PDF."""


def no_news(_page: int, _of: int) -> None: ...


def read_document(
    path: str | os.PathLike[str], limits: Limits = Limits(), turn: Callable[[int, int], None] = no_news
) -> Document:
    """Read a file; blocks, and may take seconds for a long PDF, so call it from a worker thread.

    `turn` is told of each page of a PDF that is read, and of how many there are.

    Raises:
        Unreadable: For everything that can be wrong with a file.
    """
    return parse_document(path, _bytes_of(path, limits), limits, turn)


def parse_document(
    path: str | os.PathLike[str],
    data: bytes,
    limits: Limits = Limits(),
    turn: Callable[[int, int], None] = no_news,
) -> Document:
    """Return the document that `data`, the content of the file at `path`, stands for; touches no file.

    Raises:
        Unreadable: `data` is malformed, empty, too large, or not what its name says.
    """
    try:
        kind = _kind(path, data)
        content = _content(kind, data, limits, turn)
    except ActionError as error:
        raise Unreadable(path, error.message) from error
    text = _clean(content.text)
    if not text:
        raise Unreadable(path, f"no text in this {kind} file")
    title = " ".join(_clean(content.title).split()) or _clean(_shown(Path(path).stem))
    return Document(os.fspath(path), kind, title[:200], text)


def _kind(path: str | os.PathLike[str], data: bytes) -> Kind:
    return EXTENSIONS.get(Path(path).suffix.lower()) or _sniffed(data) or "text"


def _sniffed(data: bytes) -> Kind | None:
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for mark, kind in _BEGINNINGS if start.startswith(mark)), None)


def _content(kind: Kind, data: bytes, limits: Limits, turn: Callable[[int, int], None]) -> Content:
    if not data:
        raise ActionError("file is empty")
    if len(data) > limits.bytes:
        raise ActionError(f"larger than {limits.bytes} bytes")
    if kind != "pdf":
        return TEXT_READERS[kind](decode(data))
    if (found := _sniffed(data)) not in {"pdf", None}:
        raise ActionError(f"not a PDF: it begins like {str(found).upper()}")
    return read_pdf(data, max_pages=limits.pages, max_characters=limits.bytes, turn=turn)


def _clean(text: str) -> str:
    """Without what would disturb a terminal or an encoder; line ends as line feeds."""
    plain = _COLOURS.sub("", _LINE_ENDS.sub("\n", text))
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", plain)).strip()


def _shown(path: str | os.PathLike[str]) -> str:
    """A path as it may be printed: file names need not be text."""
    return said(os.fspath(path))


def _bytes_of(path: str | os.PathLike[str], limits: Limits) -> bytes:
    file = Path(path)
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable(path, _not_a_file(file, mode))
        with file.open("rb") as stream:
            return stream.read(limits.bytes + 1)
    except OSError as error:
        raise Unreadable(path, _reason(file, error)) from error
    except ValueError as error:  # a NUL, or what no file system encodes
        raise Unreadable(path, "no such path: no file can have this name") from error


def _not_a_file(path: Path, mode: int) -> str:
    if not stat.S_ISDIR(mode):
        return "not a regular file, but a device, pipe or socket"
    return "is a folder" if os.access(path, os.R_OK | os.X_OK) else "is a folder that may not be listed"


def _reason(path: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError() if path.is_symlink():
            return "broken symbolic link"
        case FileNotFoundError():
            return "no such file: it has vanished, or never was"
        case PermissionError():
            return "permission denied"
        case _:
            return f"the system refused: {error.strerror or error}"


def supported(path: str | os.PathLike[str]) -> bool:
    """Whether the demo takes a file of a folder: every regular one, whatever its kind, that is not hidden."""
    return not Path(path).name.startswith(".") and Path(path).is_file()


def find_documents(folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the files below `folder` that are `supported`, sorted; linked folders and hidden ones are not entered.

    A folder that may not be listed is returned itself, so that reading it tells why its files are missing.

    Raises:
        NoDocuments: There is no such folder, it may not be listed, or it has no such file.
    """
    root = Path(folder)
    try:
        if not root.is_dir():
            raise NoDocuments(folder, _NO_FOLDER[root.exists()])
        os.scandir(root).close()
    except OSError as error:
        raise NoDocuments(folder, f"it may not be listed: {error.strerror or error}") from error
    found = tuple(sorted(_walk(root)))
    if not found:
        raise NoDocuments(folder, "it has no files but hidden ones; name a folder with some")
    return found


def _walk(root: Path) -> Iterator[Path]:
    closed: list[OSError] = []
    for folder, below, names in os.walk(root, onerror=closed.append):
        below[:] = [name for name in below if not name.startswith(".")]
        yield from filter(supported, (Path(folder, name) for name in names))
    yield from (Path(error.filename) for error in closed)

"""Text and title of each kind of document that is text itself: plain text, HTML, JSON, tables, XML.

HTML is read however broken, as browsers do; the other formats are read when they are valid and refused when not, since
a guess at what a cut-off record meant would be a wrong fact. Each reader takes decoded text and raises `ActionError`.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from io import StringIO
from typing import Literal, TypeAlias
from xml.parsers import expat

from jido_trio.demo._content import Content
from jido_trio.errors import ActionError

TextKind: TypeAlias = Literal["text", "html", "json", "jsonl", "csv", "tsv", "xml"]

Json: TypeAlias = "str | bool | list[Json] | dict[str, Json] | None"
"""A JSON value, its numbers as they are written."""

_DELIMITERS = ",;\t|"

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "figcaption"}
    | {"figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "legend", "li"}
    | {"main", "nav", "ol", "option", "p", "pre", "section", "table", "td", "th", "title", "tr", "ul"}
)
"""Elements whose text stands on lines of its own."""

_UNSEEN = frozenset({"rp", "rt", "script", "style", "template"})
"""Elements whose text isn't the page's; `rt` and `rp` say how a word is pronounced."""

_TITLE = 200
"""So many characters of a title are enough."""

csv.field_size_limit(2**31 - 1)  # a field may be as large as a document: that one is limited


def read_text(text: str) -> Content:
    """Return the text as it is, titled by its first line with a letter if that is short and no log entry."""
    lines = (line.strip(" \t#=*-_+").removeprefix("TITLE:") for line in text[:4096].splitlines())
    first = next((line for line in lines if any(map(str.isalpha, line))), "")
    return Content(first if len(first) <= 80 and not first[:1].isdigit() else "", text)


def read_html(text: str) -> Content:
    """Return what a browser would show: no scripts, styles or comments; a line for each block.

    Nothing is built of the page but its text, so that its size bounds the memory.
    """
    page = _Page()
    try:
        page.feed(_closed(text))
        page.close()
    except AssertionError as error:  # how html.parser says so
        raise ActionError("not even broken HTML: a declaration in it, <!...>, makes no sense") from error
    return Content(" ".join((page.title or page.heading).split()), page.seen.getvalue())


def _closed(text: str) -> str:
    """Close the comment and the tag that may be open at the end, as browsers do.

    Some versions of html.parser look for the missing end anew from each beginning, for hours in a large file.
    """
    comment = "-->" if text.rfind("<!--") > text.rfind("-->") else ""
    return text + comment + "\n<br>"


class _Page(HTMLParser):
    """What is seen of a page, as its tags are met."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = StringIO()
        self.title = ""
        """The text of elements `title`; `heading` that of the first `h1`."""
        self.heading = ""
        self._hidden: set[str] = set()
        self._in = ""
        self._new_line = True

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin an element."""
        self._new_line |= tag in _BLOCKS
        if tag in {"rt", "rp"}:
            self._hidden -= {"rt", "rp"}  # each ends the other
        if tag in _UNSEEN:
            self._hidden.add(tag)
        if tag == "title" or (tag == "h1" and not self.heading):
            self._in = tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Begin `<div/>` as if it were `<div>`, as browsers do; but nothing is hidden in what has no inside."""
        if tag not in _UNSEEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        self._new_line |= tag in _BLOCKS
        self._hidden -= {"rt", "rp"} if tag == "ruby" else {tag}
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        """Add text, if it is seen."""
        if self._hidden:
            return
        self.seen.write(f"\n{data}" if self._new_line else data)
        self._new_line = False
        if self._in == "title" and len(self.title) < _TITLE:
            self.title += data[:_TITLE]
        elif self._in == "h1" and len(self.heading) < _TITLE:
            self.heading += data[:_TITLE]

    def unknown_decl(self, data: str) -> None:
        """Take what XML calls character data for text."""
        if data.startswith("CDATA["):
            self.handle_data(data.removeprefix("CDATA["))


def read_json(text: str) -> Content:
    """Return keys and values line by line in the order of the file, titled by its `title`, `name` or `subject`."""
    value = _json(text, "")
    named = [value.get(key) for key in ("title", "name", "subject")] if isinstance(value, dict) else []
    title = next((name for name in named if isinstance(name, str)), "")
    return Content(title, "\n".join(_lines(value)))


def read_jsonl(text: str) -> Content:
    """Return the keys and values of all records, one JSON value a line; blank lines are allowed."""
    # U+2028 and its like, at which splitlines would cut, may stand in a JSON string.
    records = (_json(line, f"line {n}: ") for n, line in enumerate(text.split("\n"), start=1) if line.strip())
    return Content("", "\n".join(line for record in records for line in _lines(record)))


def _json(text: str, where: str) -> Json:
    try:
        # Numbers stay text: amounts keep their digits, and huge ones cost nothing.
        value: Json = json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        at = where or f"line {error.lineno}, column {error.colno}: "
        raise ActionError(f"not valid JSON: {at}{error.msg}") from error
    except RecursionError as error:
        raise ActionError(f"not readable as JSON: {where}nested too deeply") from error
    return value


def _no_number(name: str) -> None:
    raise ActionError(f"not valid JSON: {name} is no JSON number")


def _lines(value: Json) -> Iterator[str]:
    # A stack of our own: values nest as deeply as the file likes.
    stack: list[tuple[str, Json]] = [("", value)]
    while stack:
        key, value = stack.pop()
        match value:
            case dict():
                yield key
                stack.extend(reversed(value.items()))
            case list():
                stack.extend((key, item) for item in reversed(value))
            case None:
                yield key
            case _:
                yield f"{key}: {value}" if key else f"{value}"


def read_csv(text: str) -> Content:
    """Return the rows of a table, its delimiter the one that gives the header most fields."""
    # csv.Sniffer guesses by the frequency of letters, wrongly on dates and on tables of one column.
    return _table(text, max(_DELIMITERS, key=lambda delimiter: _width(text[:65_536], delimiter)))


def read_tsv(text: str) -> Content:
    """Return the rows of a table delimited by tabs."""
    return _table(text, "\t")


def _width(sample: str, delimiter: str) -> int:
    return len(next(csv.reader(StringIO(sample, newline=""), delimiter=delimiter), ()))


def _table(text: str, delimiter: str) -> Content:
    kept = StringIO()
    width = number = 0
    try:
        # Strict: an unclosed quote would swallow the rest of the table as one field.
        for number, row in enumerate(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True), start=1):
            if row:
                width = width or len(row)
                _require_width(number, row, width)
                kept.write("\t".join(row) + "\n")
    except csv.Error as error:
        raise ActionError(f"CSV row {number + 1} is malformed: {error}") from error
    return Content("", kept.getvalue())


def _require_width(number: int, row: list[str], width: int) -> None:
    if len(row) != width:
        raise ActionError(f"CSV row {number} has {len(row)} fields, header has {width}")


def read_xml(text: str) -> Content:
    """Return character data and attribute values, a line for each; titled by the first element named `title`.

    Entities a document defines for itself are refused: a few lines of them can unfold to gigabytes.
    """
    # The text is decoded already, so whatever encoding it declares no longer holds.
    parser = expat.ParserCreate("utf-8")
    collector = _XmlText()
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.data
    parser.EntityDeclHandler = collector.entity
    try:
        parser.Parse(text.encode("utf-8"))
        parser.Parse(b"", True)  # noqa: FBT003 - expat takes no keywords
    except expat.ExpatError as error:
        raise ActionError(f"not valid XML: {error}") from error
    return Content(" ".join("".join(collector.title).split()), "".join(collector.pieces))


class _XmlText:
    """What expat's callbacks have collected so far."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.title: list[str] = []
        self._in_title = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        values = (value for key, value in attributes.items() if not key.startswith(("xmlns", "xml:", "xsi:")))
        self.pieces.append("\n".join(("", *values, "")))
        self._in_title = not self.title and name.rpartition(":")[2].casefold() == "title"

    def end(self, _name: str) -> None:
        self.pieces.append("\n")
        self._in_title = False

    def data(self, text: str) -> None:
        self.pieces.append(text)
        if self._in_title:
            self.title.append(text)

    def entity(self, name: str, *_: object) -> None:
        raise ActionError(f"XML that defines entities of its own is refused: {name!r}")


TEXT_READERS: Mapping[TextKind, Callable[[str], Content]] = {
    "text": read_text,
    "html": read_html,
    "json": read_json,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "tsv": read_tsv,
    "xml": read_xml,
}

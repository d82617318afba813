"""Facts of a document by rules that need no language: counts, frequent words, dates, amounts of money.

Every function here is total: it takes any text, in time proportional to its length. Each pattern is bounded, or can't
start within what it has just rejected, so that no text makes it try twice.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from heapq import nsmallest

from attrs import field, frozen

from jido_trio.demo._amounts import amounts_in
from jido_trio.demo._dates import dates_in
from jido_trio.demo._documents import Document, Kind

TOP = 10
"""How many frequent words are kept."""


@frozen
class Facts:
    """What can be said of one document."""

    kind: Kind
    title: str
    characters: int
    words: int
    """Runs of letters and digits; Chinese and Japanese, written without blanks, count each character."""
    distinct_words: int
    """Case aside."""
    average_word_length: float
    sentences: int
    """By their punctuation and blank lines; an abbreviation before a blank counts as an end."""
    top_words: tuple[tuple[str, int], ...]
    """Words of at least four letters, case aside, the most frequent first, ties in alphabetical order."""
    dates: tuple[str, ...]
    """Distinct, in the order of the text; ISO 8601, or as written when day and month can't be told apart."""
    amounts: tuple[tuple[str, str], ...]
    """Distinct, in the order of the text: ISO 4217 code, or the sign that several currencies share; decimal number."""


def facts_of(document: Document) -> Facts:
    """Extract the facts of a document."""
    text = document.text
    words = Counter(found[0].casefold() for found in _WORD.finditer(text))
    count = words.total()
    letters = sum(len(word) * times for word, times in words.items())
    return Facts(
        kind=document.kind,
        title=document.title,
        characters=len(text),
        words=count,
        distinct_words=len(words),
        average_word_length=round(letters / max(1, count), 2),
        sentences=sum(1 for start, end in _sentences(text) if _WORD.search(text, start, end)),
        top_words=top(_terms(text, words)),
        dates=dates_in(text),
        amounts=amounts_in(text),
    )


def top(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return the most frequent words, ties in alphabetical order."""
    return tuple(nsmallest(TOP, counts.items(), key=lambda entry: (-entry[1], entry[0])))


_HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff"
_CJK = f"{_HAN}{_KATAKANA}\u3041-\u3096"
# Python's \w has no combining marks, without which Hindi, Thai and pointed Arabic fall to pieces.
_MARKS = "".join(char for char in map(chr, range(0x300, 0x2100)) if unicodedata.category(char).startswith("M"))
_LETTERS = rf"[^\W_{_CJK}]++"
_WORD = re.compile(rf"[{_CJK}]|{_LETTERS}(?:[{_MARKS}]++(?:{_LETTERS})?|['\u2019]{_LETTERS})*+")

# What stands for a word where none are set apart: a run in one script, while it is short enough not to be a clause.
_RUN = re.compile(rf"(?<![{_HAN}])[{_HAN}]{{2,6}}(?![{_HAN}])|(?<![{_KATAKANA}])[{_KATAKANA}]{{2,20}}(?![{_KATAKANA}])")

_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'\u201d\u2019»)\]]*+(?!\S)|[。؟।\uff01\uff1f\uff0e]++|\n[^\S\n]*+\n")


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where what may be a sentence begins and ends."""
    start = 0
    for end in _SENTENCE_END.finditer(text):
        yield start, end.start()
        start = end.end()
    yield start, len(text)


def _terms(text: str, words: Mapping[str, int]) -> Counter[str]:
    """Count what may be a frequent word; longer than any language's are encodings of something else."""
    terms = Counter(found[0] for found in _RUN.finditer(text))
    for word, times in words.items():
        if 4 <= len(word) <= 40 and not any(map(str.isdigit, word)):
            terms[unicodedata.normalize("NFC", word)] += times
    return terms


@frozen
class Totals:
    """Facts of many documents together; equal whatever the order in which they were added."""

    documents: int = 0
    characters: int = 0
    words: int = 0
    sentences: int = 0
    kinds: Mapping[str, int] = field(factory=dict[str, int])
    """Documents of each kind."""
    top_counts: Mapping[str, int] = field(factory=dict[str, int])
    """How often each word occurs in the documents among whose top words it is: a lower bound for all of them."""

    @property
    def top_words(self) -> tuple[tuple[str, int], ...]:
        """The most frequent words by `top_counts`."""
        return top(self.top_counts)


def add(totals: Totals, facts: Facts) -> Totals:
    """Return the totals with one more document."""
    return Totals(
        documents=totals.documents + 1,
        characters=totals.characters + facts.characters,
        words=totals.words + facts.words,
        sentences=totals.sentences + facts.sentences,
        kinds=dict(Counter(totals.kinds) + Counter([facts.kind])),
        top_counts=dict(Counter(totals.top_counts) + Counter(dict(facts.top_words))),
    )

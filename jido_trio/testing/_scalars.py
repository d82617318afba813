"""Values of plain types: any, and now and then one that the code speaks of, an odd one, or one put together of both.

What code does at one text or number in millions is met only if that is tried. What it asks texts by says how they look:
where it divides by a comma, texts are rows of cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from hypothesis import strategies as st

from jido_trio.testing._bounds import Bounds
from jido_trio.testing._plain_values import plain_values


def scalar(declared: Any, bounds: Bounds) -> st.SearchStrategy[Any]:
    """Generate values of a plain type.

    Raises:
        NoValues: It is none.
    """
    plain = plain_values(declared, bounds)
    spoken = [value for value in bounds.hints if type(value) is declared and _is_within(value, bounds)]
    beside = [value for value in bounds.beside if type(value) is declared and _is_within(value, bounds)]
    odd = [value for value in ODD.get(declared, ()) if _is_within(value, bounds)]
    picked = [st.sampled_from(some) for some in (spoken, beside, odd) if some]
    of_many = _of_many(spoken, beside, bounds) if declared is str and bounds.pattern is None else ()
    return st.one_of(plain, *picked, *of_many)


def _of_many(spoken: Sequence[str], beside: Sequence[str], bounds: Bounds) -> Iterator[st.SearchStrategy[str]]:
    """Generate texts of several that the code speaks of, or of many, or as long as they may be."""
    marks = [one for one in spoken if _is_a_mark(one)]
    if marks and bounds.longest is None:
        yield st.sampled_from([mark * _DEEP for mark in marks])
    if bounds.longest is not None and 1 < bounds.longest <= _FULL:
        yield st.sampled_from([(one * bounds.longest)[: bounds.longest] for one in _GROWING])
    texts = [some for some in (marks, spoken, [*spoken, *beside], ODD_TEXTS) if some]
    if texts != [ODD_TEXTS]:
        parts = st.one_of([st.sampled_from(some) for some in texts])
        yield _cut(st.lists(parts, min_size=2, max_size=4).map("".join), bounds)
    if marks:
        words = [one for one in (*spoken, *beside) if one not in marks]
        yield _cut(
            _rows(marks, words, bounds) | st.lists(st.sampled_from(marks), min_size=2, max_size=4).map("".join), bounds
        )


def _rows(marks: Sequence[str], words: Sequence[str], bounds: Bounds) -> st.SearchStrategy[str]:
    """Generate cells with one mark between them, as many at times as the code speaks of."""
    counts = [one for one in bounds.hints if type(one) is int and 1 < one < 9] or [2, 3, 4]
    cell = st.sampled_from([*_CELLS, *words]) | st.text(max_size=3)
    cells = st.sampled_from(counts).flatmap(lambda count: st.lists(cell, min_size=count, max_size=count))
    rows = st.tuples(st.sampled_from(marks), cells | st.lists(cell, min_size=2, max_size=5))
    return rows.map(lambda row: row[0].join(row[1]))


def _cut(texts: st.SearchStrategy[str], bounds: Bounds) -> st.SearchStrategy[str]:
    cut = texts.map(lambda text: text[: bounds.longest])
    return cut.filter(lambda text: _is_within(text, bounds)) if bounds.shortest else cut


def _is_a_mark(text: str) -> bool:
    """Tell whether a text is what others may be divided or nested by."""
    return text in ("\t", "\n") or (len(text) == 1 and text.isascii() and not text.isalnum() and text.isprintable())


def _is_within(value: Any, bounds: Bounds) -> bool:
    if isinstance(value, str | bytes):
        fits = bounds.shortest <= len(value) and (bounds.longest is None or len(value) <= bounds.longest)
        return fits and (bounds.pattern is None or (isinstance(value, str) and _matches(value, bounds.pattern, bounds)))
    low, high = bounds.low, bounds.high
    above = low is None or value > low or (value == low and not bounds.above_low)
    return above and (high is None or value < high or (value == high and not bounds.below_high))


def _matches(text: str, pattern: Any, bounds: Bounds) -> bool:
    return (pattern.fullmatch if bounds.whole else pattern.search)(text) is not None


_CELLS = ("", "a", "1", "x", "0", "-1", "1.5")
_DEEP = 1200
"""Marks in a row: more than what goes as deep as they are nested can go through."""
_FULL = 64
"""What may be longer isn't made as long as it may be."""
_GROWING = ("a", "\u00df", "\u0130", " ")
"""Letters, of which some are longer in capitals, or in small ones, and what is nothing once it is stripped."""

ODD_TEXTS = (
    "",
    " ",
    "\0",
    "\u00df",
    "\u0130",
    "e\u0301",
    "\u0663",
    "\N{GRINNING FACE}",
    "a\nb",
    "None",
    "0",
    "../x",
    "'",
    "$5%",
    "{x}{",
    "\u00b2",
)
"""Texts that code treats otherwise than most: of no length, longer in capitals, digits that are none of ASCII's, ..."""
ODD_DATES = (date(2024, 2, 29), date(2000, 2, 29), date(2023, 1, 31), date(2023, 12, 31), date(2024, 12, 30))
"""A day of leap years, the end of a month and of a year, and one in the first week of the next."""
ODD_FLOATS = (-0.0, 0.1, 2.5, 1e16, 1e300, 5e-324)
"""The other nought, what has no exact half or tenth, one beside which 1 is lost, a large one, and the smallest."""
ODD: Mapping[Any, Sequence[Any]] = {str: ODD_TEXTS, date: ODD_DATES, float: ODD_FLOATS, int: (0,)}
"""By type; nought is as good as False."""

"""Dates in a text, by their form alone.

dateparser 1.5 was tried instead. It makes dates of "in 10 minutes" and of a lone "may", reads 03/04/2024 as Americans
do, and finds one of the four dates of a sample.
"""

import re
from datetime import date

_MONTH_NAMES = (
    "january jan januar janvier janv enero ene",
    "february feb februar février févr fevrier febrero",
    "march mar märz mrz maerz mars marzo",
    "april apr avril avr abril abr",
    "may mai mayo",
    "june jun juni juin junio",
    "july jul juli juillet juil julio",
    "august aug août aout agosto ago",
    "september sep sept septembre septiembre setiembre",
    "october oct oktober okt octobre octubre",
    "november nov novembre noviembre",
    "december dec dezember dez décembre déc decembre diciembre dic",
)
"""English, German, French and Spanish, with their abbreviations, January first."""

_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_MONTH = f"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_OF = r"(?:(?:del?|of)\s{1,3})?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<year>\d{4})\s?年\s?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?日",
        rf"(?<!\d){_DAY}(?:er|[.º])?[\s-]{{0,3}}{_OF}{_MONTH}\.?,?[\s-]{{1,3}}{_OF}(?P<year>\d{{4}})(?!\d)",
        rf"\b{_MONTH}\.?\s{{1,3}}{_DAY},?\s{{1,3}}(?P<year>\d{{4}})(?!\d)",
        r"(?<![\d./-])(?P<first>\d{1,2})(?P<sep>[-/.])(?P<second>\d{1,2})(?P=sep)(?P<year>\d{4})(?!\d)",
    )
)


def dates_in(text: str) -> tuple[str, ...]:
    """Return the distinct dates of a text in their order: ISO where one reading is possible, else as written.

    With dots the day comes first, as wherever dots are used. With slashes or hyphens it does in London and not in New
    York, so only a number above 12 tells. Dates that no calendar has are dropped, as are those with two-digit years.
    """
    found = (match for pattern in _DATES for match in pattern.finditer(text))
    dates = map(_date, sorted(found, key=lambda match: match.start()))
    return tuple(dict.fromkeys(date for date in dates if date))


def _date(match: re.Match[str]) -> str | None:
    parts = match.groupdict()
    if "first" not in parts:
        return _iso(parts["year"], parts["month"], parts["day"])
    year, first, second = parts["year"], parts["first"], parts["second"]
    if parts["sep"] == "." or int(first) > 12 or int(first) == int(second):
        return _iso(year, second, first)
    return _iso(year, first, second) if int(second) > 12 else match.group()


def _iso(year: str, month: str, day: str) -> str | None:
    # Ignoring case, a pattern also takes letters that casefold to others, such as the Turkish dotted İ: 0 is no month.
    number = int(month) if month.isdigit() else _MONTHS.get(month.casefold(), 0)
    try:
        return date(int(year), number, int(day)).isoformat()
    except ValueError:
        return None

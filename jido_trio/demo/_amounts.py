"""Amounts of money in a text: a currency beside a number, in either style of writing it.

price-parser 0.5 was tried instead: it reads one price where one stands alone, and takes the "3" of "3 May" for pounds.
"""

import re
from decimal import Decimal
from typing import TypeAlias

_SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₪": "ILS",
    "₴": "UAH",
    "฿": "THB",
    "US$": "USD",
    "CA$": "CAD",
    "A$": "AUD",
    "R$": "BRL",
    "円": "JPY",
    "zł": "PLN",
    "$": "$",
    "¥": "¥",
}
"""The ISO 4217 code of each sign, or the sign itself where several currencies share it."""

_CODES = (
    "AED ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR JPY KRW MAD MXN MYR NOK NZD PEN PHP "
    "PLN RON RUB SAR SEK SGD THB TND TRY TWD UAH USD VND ZAR"
)
"""Not any three capitals: "THE 5" is no amount."""

_SIGN = "|".join(map(re.escape, sorted(_SIGNS, key=len, reverse=True)))
_CURRENCY = rf"(?:{_SIGN}|(?<![^\W\d_])(?:{'|'.join(_CODES.split())})(?![^\W\d_]))"
_BLANK = "\u00a0\u202f"
_APOSTROPHE = "'\u2019"
_MINUS = "[-\u2212]"


def _number(grouping: str) -> str:
    """A pattern for digits in groups of three set off by `grouping`, or in one run; bounded either way."""
    grouped = rf"\d{{1,3}}(?:[{grouping}]\d{{3}}){{1,5}}(?:[.,]\d{{1,2}})?"
    return rf"(?:{grouped}|\d{{1,15}}(?:[.,]\d{{1,4}})?)(?!\d)"


# Before its number a currency may stand in a list of numbers, so only there a plain blank doesn't group digits.
_PREFIXED = rf"(?P<before>{_CURRENCY})[ {_BLANK}]?(?P<sign>{_MINUS})?(?P<number>{_number('.,' + _APOSTROPHE + _BLANK)})"
_SUFFIXED = rf"(?<![\d.,])(?P<numeral>{_number('., ' + _APOSTROPHE + _BLANK)})[ {_BLANK}]?(?P<after>{_CURRENCY})(?!\d)"
_AMOUNT = re.compile(rf"(?P<minus>(?<![\w.,]){_MINUS})?(?:{_PREFIXED}|{_SUFFIXED})")


Amounts: TypeAlias = tuple[tuple[str, str], ...]
"""ISO 4217 code or shared sign, and decimal number."""


def largest_of_each(amounts: Amounts) -> tuple[str, ...]:
    """Return the largest amount of each currency, as text."""
    largest: dict[str, Decimal] = {}
    for currency, number in amounts:
        largest[currency] = max(Decimal(number), largest.get(currency, Decimal(number)))
    return tuple(f"{currency} {number}" for currency, number in largest.items())


def amounts_in(text: str) -> Amounts:
    """Return the distinct amounts of a text in their order."""
    return tuple(dict.fromkeys(map(_amount, _AMOUNT.finditer(text))))


def _amount(match: re.Match[str]) -> tuple[str, str]:
    currency = match["before"] or match["after"]
    minus = "-" if match["minus"] or match["sign"] else ""
    return _SIGNS.get(currency, currency), f"{minus}{_decimal(match['number'] or match['numeral']):f}"


def _decimal(numeral: str) -> Decimal:
    separators = re.sub(r"\d", "", numeral)
    digits = Decimal(re.sub(r"\D", "", numeral))
    whole, _, tail = numeral.rpartition(separators[-1:] or " ")
    return digits.scaleb(-len(tail)) if _ends_in_fraction(separators, whole, tail) else digits


def _ends_in_fraction(separators: str, whole: str, tail: str) -> bool:
    """Whether the last of the `separators` is a decimal point or comma, rather than one that sets off thousands."""
    if separators[-1:] not in {".", ","} or separators.count(separators[-1]) > 1:
        return False
    # 1.234 is a thousand; 0.125, 1234.567 and 1,234.567 can't be.
    return len(tail) != 3 or len(separators) > 1 or len(whole) > 3 or int(whole) == 0

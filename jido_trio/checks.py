"""Checks of options: each says what is wrong with which option of whom, and what may be given. Imports leaves only.

The owner is a phrase that ends a sentence, as "child 'parser'"; empty if the option's name says enough.
"""

import inspect
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from os import PathLike, fspath
from types import FunctionType, MethodType
from typing import TypeGuard

from jido_trio.errors import InvalidDefinition
from jido_trio.redact import said, shown

__all__ = [
    "called_at_once",
    "did_you_mean",
    "does_nothing",
    "flag",
    "nearest",
    "one_of",
    "path",
    "refused",
    "seconds",
    "share",
    "text",
    "whole",
]


def one_of(owner: str, field: str, value: object, words: Sequence[str]) -> None:
    """Refuse a value that is none of `words`."""
    if not (isinstance(value, str) and value in words):
        known = ", ".join(map(repr, words))
        raise refused(owner, field, value, f"is not one of {known}{did_you_mean(value, words)}")


def seconds(owner: str, field: str, value: object, *, above_zero: bool = False, or_none: str = "") -> None:
    """Refuse what is no time in seconds: a finite number, not negative.

    Args:
        owner: Whose option it is.
        field: The option.
        value: What was given.
        above_zero: Whether 0 is refused, too.
        or_none: What None means, if that may be given: "None for no limit".
    """
    if value is None and or_none:
        return
    least = "above 0" if above_zero else "0 or more"
    if not _is_number(value) or value < 0 or (above_zero and value == 0):
        raise refused(owner, field, value, f"must be seconds, {least}{_or(or_none)}")


def whole(owner: str, field: str, value: object, *, least: int = 0, or_none: str = "") -> None:
    """Refuse what is no whole number from `least` on; `or_none` says what None means, if that may be given."""
    if value is None and or_none:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise refused(owner, field, value, f"must be a whole number, {least} or more{_or(or_none)}")


def flag(owner: str, field: str, value: object) -> None:
    """Refuse what is neither True nor False: "no" counts as true, and 0 says nothing of what was meant."""
    if not isinstance(value, bool):
        raise refused(owner, field, value, "must be True or False")


def share(owner: str, field: str, value: object) -> None:
    """Refuse what is no part of a whole, from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise refused(owner, field, value, "must be a number from 0 to 1")


def called_at_once(owner: str, field: str, value: object, *, takes: str, or_none: str = "") -> None:
    """Refuse what can't be called, and what would do nothing when it is: nobody awaits or iterates what it returns.

    Args:
        owner: Whose option it is.
        field: The option.
        value: What was given.
        takes: What the function is given, and returns: "a signal, and returns a key".
        or_none: What None means, if that may be given.
    """
    if value is None and or_none:
        return
    if not callable(value):
        raise refused(owner, field, value, f"must be a function that takes {takes}{_or(or_none)}")
    if does_nothing(value):
        raise refused(owner, field, value, f"must be a plain `def`, which is called at once; it takes {takes}")


def does_nothing(function: object) -> bool:
    """Whether a call of a function runs nothing of it: it is async, or a generator."""
    plain = isinstance(function, FunctionType | MethodType)  # which most are, and each look takes a while
    looked_at = (function,) if plain else (function, getattr(type(function), "__call__", None))  # noqa: B004  # an object
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(kind(each) for kind in kinds for each in looked_at)


def text(owner: str, field: str, value: object, *, blank: bool = False) -> None:
    """Refuse what is no text that UTF-8 can write, and one that says nothing, unless it may be `blank`."""
    if not isinstance(value, str):
        raise refused(owner, field, value, "must be a text")
    if not blank and not value.strip():
        raise refused(owner, field, value, "must say something: it is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise refused(owner, field, value, f"must be text that UTF-8 can write: {said(error)}") from None


def path(owner: str, field: str, value: object) -> str:
    """Return the path of a file as a text; refuse what can be none, and an empty one."""
    try:
        name = fspath(value) if isinstance(value, str | PathLike) else None
    except TypeError:
        name = None
    if not isinstance(name, str) or not name or "\0" in name or any("\ud800" <= each <= "\udbff" for each in name):
        raise refused(owner, field, value, "must be the path of a file")
    return name


def refused(owner: str, field: str, value: object, why: str) -> InvalidDefinition:
    """Return the error for an option: "restart='never' of child 'parser' is not one of ..."."""
    whose = f" of {owner}" if owner else ""
    return InvalidDefinition(f"{field}={shown(value)}{whose} {why}", field=field, value=value)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return "; did you mean 'transient'?", or nothing where no known word is near."""
    near = nearest(word, known)
    return "" if near is None else f"; did you mean {near!r}?"


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant."""
    if not isinstance(word, str) or len(word) > _LONGEST:
        return None
    return next(iter(get_close_matches(word, known, n=1)), None)


_LONGEST = 200
"""Characters; nobody misspells a longer word, and comparing it takes long."""


def _is_number(value: object) -> TypeGuard[float]:
    """Tell whether it is a number that Trio's clock can be moved by: an int of 400 digits is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _or(or_none: str) -> str:
    return f", or {or_none}" if or_none else ""

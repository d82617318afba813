"""Hints: values that the code of a class speaks of. What it does at just one of them is seldom met by chance.

They are the constants in its methods, in functions of its module that these name, and the plain values that they name.
"""

from __future__ import annotations

import datetime as dt
import dis
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property, partial, partialmethod
from types import CodeType, FunctionType, MethodType
from typing import Any, get_origin
from zoneinfo import ZoneInfo

import attrs

from jido_trio.core import Action, Agent
from jido_trio.testing._bounds import each_validator
from jido_trio.testing._repertoire import state_of

MOST = 60
"""So many are taken, at most."""
_LONGEST = 40
"""Texts that are longer are for people."""
_SURPRISES: Mapping[str, tuple[Any, ...]] = {
    "isdigit": ("\N{SUPERSCRIPT TWO}",),
    "isnumeric": ("\N{VULGAR FRACTION ONE HALF}",),
    "isalnum": ("\N{SUPERSCRIPT TWO}",),
    "isspace": ("\N{NO-BREAK SPACE}",),
    "strip": (" ", "\N{NO-BREAK SPACE}"),
    "split": (" ",),
    "splitlines": ("\N{LINE SEPARATOR}",),
    "upper": ("\N{LATIN SMALL LETTER SHARP S}",),
    "lower": ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}",),
    "encode": ("\N{EURO SIGN}",),
    "float": ("nan", "inf"),
    "chr": (0xD800, 0x110000),
    "urlparse": ("//[",),
    "urlsplit": ("//[",),
    "compile": ("[", "("),
    "search": ("[", "("),
    "findall": ("[", "("),
    "fullmatch": ("[", "("),
    "sub": ("[", "("),
    "shlex": ("'",),
    "literal_eval": ("(", "a", "{[]}", "[]"),
    "substitute": ("$",),
    "format": ("{", "{x}", "{0}"),
    "format_map": ("{", "{x}"),
    "loads": ("[", "null", "1", "[1]", "{}"),
    "fromstring": ("<", "<a/>", "<a><b/></a>"),
    "XML": ("<", "<a/>", "<a><b/></a>"),
    "parse_qs": ("=", "&", "x"),
    "parse_qsl": ("=", "&", "x"),
    "read_string": ("[", "[a]\nb=%", "[a]\n[a]"),
    "Fraction": ("1/0", "/"),
    "fromisoformat": ("2024-02-30", "2024-01-01T00:00:00+00:00"),
    "Decimal": ("NaN", "sNaN", "Infinity"),
    "b64decode": ("a",),
    "fromhex": ("0",),
    "with_suffix": (".", "/"),
    "with_name": ("", "/"),
    "fromtimestamp": (-1, 10**12),
    "fromordinal": (0,),
    "sqrt": (-1, -1.0),
    "isqrt": (-1,),
    "log": (0, 0.0),
    "log2": (0, 0.0),
    "log10": (0, 0.0),
    "exp": (1000, 1000.0),
    "factorial": (-1,),
    "to_bytes": (-1, 256, 65536, 2**32),
    "pack": (-1, 256, 65536, 2**31, 2**32, 2**63, 2**64),
    "bytes": (-1, 256),
    "bytearray": (-1, 256),
}
"""By a name that code asks a value by: values of which it tells what few have thought of."""


def hints_of(cls: type[Any]) -> tuple[Any, ...]:
    """Return numbers and texts that the code of a class speaks of, and whole numbers beside these, in order."""
    held: Any = cls
    hints: tuple[Any, ...] = _hints_of(held)
    return hints


def hints_beside(cls: type[Any]) -> tuple[Any, ...]:
    """Return the same of the other classes in its module with code: one may wait for what another is told."""
    found: dict[tuple[type, Any], None] = {}
    for other in _neighbours(cls):
        found |= dict.fromkeys((type(one), one) for one in hints_of(other))
    return tuple(value for _, value in found)[:MOST]


def compared_constants(module: types.ModuleType) -> tuple[Any, ...]:
    """Return the numbers and texts that a module's code speaks of; none if nothing is compared by `is`."""
    named = vars(module)
    held = [one for one in named.values() if isinstance(one, type) and one.__module__ == module.__name__]
    codes = list(_codes([*named.values(), *(value for cls in held for value in vars(cls).values())], named))
    if not any(map(_compares_by_is, codes)):
        return ()
    spoken = [*_spoken(codes, named, set()), *(plain for value in named.values() for plain in _plain(value))]
    return tuple(one for one in spoken if type(one) in (str, bytes, int, float))


def _compares_by_is(code: CodeType) -> bool:
    """Tell whether code asks whether something is another, and not just whether it is None, or a class."""
    within = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return _IS in code.co_code[::2] or any(map(_compares_by_is, within))


_IS = dis.opmap["IS_OP"]


def _neighbours(cls: type[Any]) -> Iterator[type[Any]]:
    """Return the classes of its module that are about the same state: actions, and agents."""
    about = _state_of(cls)
    for one in vars(sys.modules.get(cls.__module__, types)).values():
        is_other = isinstance(one, type) and one is not cls and one.__module__ == cls.__module__
        if is_other and _state_of(one) is about:
            yield one


def _state_of(cls: type[Any]) -> Any:
    if issubclass(cls, Action):
        state = None if cls.is_abstract else state_of(cls)
        return get_origin(state) or state
    if issubclass(cls, Agent):
        return cls.record.cls if hasattr(cls, "record") else None
    return cls if attrs.has(cls) else None


def knows_zones(cls: type[Any]) -> bool:
    """Tell whether a class is of a module that speaks of time zones, so that its times have one."""
    module = vars(sys.modules.get(cls.__module__, types)).values()
    return any(one is dt.timezone or one is dt.UTC or one is ZoneInfo for one in module)


@cache
def _hints_of(cls: Any) -> tuple[Any, ...]:
    module = sys.modules.get(cls.__module__)
    named: Mapping[str, Any] = {} if module is None else vars(module)
    found: dict[tuple[type, Any], None] = {}
    for value in _spoken(_codes([*vars(cls).values(), *_of_fields(cls)], named), named, set()):
        around = (value, value + 1, value - 1) if type(value) is int else (value,)
        found |= dict.fromkeys((type(one), one) for one in around)
    return tuple(value for _, value in found)[:MOST]


def _of_fields(cls: Any) -> Iterator[object]:
    """Return what the fields of a class are converted, checked and made by."""
    for one in attrs.fields(cls) if attrs.has(cls) else ():
        yield getattr(one.converter, "converter", one.converter)
        yield from each_validator(one.validator)
        yield getattr(one.default, "factory", None)


def _codes(values: Iterable[object], named: Mapping[str, Any]) -> Iterator[CodeType]:
    """Return the code of functions that stand in the module's own file, and weren't made by attrs."""
    for value in values:
        for function in _functions(value):
            code = function.__code__
            if code.co_filename == named.get("__file__") and code.co_name != "__annotate__":  # which Python 3.14 makes
                yield code


def _functions(value: object) -> Iterator[FunctionType]:
    """Return the functions that something is made of: a property, what remembers its results, a table of functions."""
    if isinstance(value, FunctionType):
        yield value
        yield from _functions(vars(value).get("__wrapped__"))
    elif isinstance(value, staticmethod | classmethod | MethodType):
        yield from _functions(value.__func__)
    elif isinstance(value, property):
        yield from _functions(value.fget)
    elif isinstance(value, cached_property | partial | partialmethod):
        yield from _functions(value.func)
    elif isinstance(value, _REMEMBERING):
        yield from _functions(getattr(value, "__wrapped__", None))
    elif isinstance(value, tuple | list | dict) and len(value) <= MOST:
        for item in value.values() if isinstance(value, dict) else value:
            if not isinstance(item, tuple | list | dict):
                yield from _functions(item)


_REMEMBERING: Any = type(cache(len))


def _spoken(codes: Iterable[CodeType], named: Mapping[str, Any], seen: set[CodeType]) -> Iterator[Any]:
    for code in codes:
        if code in seen:
            continue
        seen.add(code)
        for constant in _constants(code):
            if isinstance(constant, CodeType):
                yield from _spoken([constant], named, seen)
            else:
                yield from _plain(constant)
        for name in code.co_names:
            yield from _SURPRISES.get(name, ())
            value = named.get(name)
            yield from _spoken(_codes([value], named), named, seen)
            if isinstance(value, type) and value.__module__ == named.get("__name__") and not attrs.has(value):
                yield from _spoken(_codes(vars(value).values(), named), named, seen)
            else:
                yield from _plain(value)


def _constants(code: CodeType) -> Iterator[Any]:
    """Return the constants of code, but for its docstring. From 3.14 on small numbers stand in its instructions."""
    constants = code.co_consts
    has_text_first = isinstance(next(iter(constants), None), str) and not code.co_name.startswith("<")
    is_documented = has_text_first and (sys.version_info < (3, 14) or bool(code.co_flags & _HAS_DOCSTRING))
    yield from constants[1:] if is_documented else constants
    yield from (number for what, number in zip(*[iter(code.co_code)] * 2, strict=True) if what == _LOADS_NUMBER)


_HAS_DOCSTRING = 0x4000000
_LOADS_NUMBER = dis.opmap.get("LOAD_SMALL_INT")


def _plain(value: object) -> Iterator[Any]:
    if type(value) in (int, float) or (isinstance(value, str | bytes) and len(value) <= _LONGEST):
        yield value
    elif isinstance(value, tuple | list | set | frozenset) and len(value) <= MOST:
        for item in sorted(value, key=repr):
            if not isinstance(item, tuple | list | set | frozenset):
                yield from _plain(item)
    elif isinstance(value, dict) and len(value) <= MOST:
        yield from _plain(tuple(value))

"""Text made of a stranger's value: names, reasons, messages, reprs. Imports nothing of ours.

What users give us is shown in errors, reports and logs, often when something has failed already. Their `__repr__` may
raise, recurse without end, return megabytes or something that is no text. So text of it is made here and only here: in
one line, bounded, printable, and never with an exception but KeyboardInterrupt and its kin, which are not ours to stop.

Secrets are left out. A field is secret if its annotation says so: `password: Secret[str]`. In the place of its value
there is `***`, in whatever value holds it. Free text, as the message of an exception, has no fields: whoever knows the
secrets that may be in it gives them as `hide`.
"""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary

import attrs

__all__ = ["HIDDEN", "Secret", "plain", "said", "secret_fields", "secret_texts", "shown", "shown_error", "shown_json"]

T = TypeVar("T")


class _Mark:
    def __repr__(self) -> str:
        return "SECRET"


_SECRET = _Mark()

Secret: TypeAlias = Annotated[T, _SECRET]
"""The type of a field whose values are shown nowhere: `password: Secret[str]` holds a `str`, and is told as `***`."""

HIDDEN = "***"
"""What is shown in the place of a secret."""


def shown(value: object, limit: int = 200, *, hide: Collection[str] = ()) -> str:
    """Return the `repr` of any value: one line of at most `limit` characters.

    Of large containers only the beginning is looked at, so the cost is bounded as well.

    Args:
        value: Whatever it is.
        limit: Characters, at most.
        hide: Texts that mustn't be shown.
    """
    return _line(_safely(value, lambda: _repr(value, limit, _DEPTH, hide), "repr"), limit)


def shown_json(value: object, limit: int = 200) -> str:
    """Return a value of JSON as JSON writes it, in a line of at most `limit` characters; what is none as `shown` does.

    It is for readers who know JSON, and no Python: `null`, `true`, `"x"`.
    """
    return _line(_safely(value, lambda: _json(value, limit, _DEPTH), "repr"), limit)


def said(value: object, limit: int = 500, *, hide: Collection[str] = ()) -> str:
    """Return the `str` of any value: one line of at most `limit` characters, without the texts to `hide`."""
    try:
        text = without(_str(value), hide) if hide else _str(value)
    except Exception as error:  # noqa: BLE001 - see `_safely`, which this is without a call or two for each crash
        text = _failed(value, "str", error)
    return _line(text, limit)


def shown_error(error: BaseException, limit: int = 500, *, hide: Collection[str] = ()) -> str:
    """Return "module.Type: message" of an exception, as a traceback ends: one line of at most `limit` characters.

    Of a group the first exceptions in it are told, too.
    """
    if isinstance(error, BaseExceptionGroup):
        told = "; ".join(shown_error(each, limit, hide=hide) for each in _leaves(error)[:_FEW_LEAVES])
        return _line(f"{type_name(type(error))}: {said(error, limit, hide=hide)}: {told}", limit)
    kind, message = type_name(type(error)), said(error, limit, hide=hide)
    return _line(f"{kind}: {message}" if message else kind, limit)


_FEW_LEAVES = 3
"""So many exceptions of a group are told."""


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """Return the exceptions in a group that are none, in order."""
    found: list[BaseException] = []
    left: list[BaseException] = [group]
    while left:
        error = left.pop()
        if isinstance(error, BaseExceptionGroup):
            left += reversed(BaseExceptionGroup.exceptions.__get__(error))
        else:
            found.append(error)
    return found


def type_name(cls: type) -> str:
    """Return the name of a class with its module, unless that is builtins or the program itself."""
    name, module = _name(cls), type.__dict__["__module__"].__get__(cls)
    return name if not isinstance(module, str) or module in ("builtins", "__main__") else f"{_plain(module)}.{name}"


_DEPTH = 6
"""Containers in containers are looked into so far; what is deeper is `...`."""

_MANY = 2000
"""Whatever the limit, no more characters of one text are looked at to find what may be shown of it."""

_BITS = 1000
"""An int with more is told by its size: Python refuses to write those of 4,300 digits, or takes very long."""


def _safely(value: object, make: Callable[[], str], how: str) -> str:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - whatever a stranger's method does, there must be a text
        return _failed(value, how, error)


def _failed(value: object, how: str, error: Exception) -> str:
    return f"<{_name(type(value))}, whose {how} raised {_name(type(error))}>"


def _name(cls: type) -> str:
    # Not cls.__qualname__: a metaclass may have its own idea of it, and raise.
    return _plain(type.__dict__["__qualname__"].__get__(cls))


def _plain(text: str) -> str:
    """Return the same text as an exact str: a subclass may do anything when it is cut or joined."""
    return str.__str__(text)


def _line(text: str, limit: int) -> str:
    text = text[: max(limit, _MANY) + 1]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escaped(char) for char in text)
    return text if len(text) <= limit else text[: max(limit - 3, 0)] + "..."


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _str(value: object) -> str:
    if type(value) is int:
        return _int(value)
    return _plain(value if isinstance(value, str) else str(value))


def _repr(value: Any, limit: int, depth: int, hide: Collection[str]) -> str:
    """Return a repr no longer than about `limit`, walking through plain containers only as far as can be shown."""
    cls = type(value)
    if cls is str and hide:
        value = without(value, hide)
    if cls is str or cls is bytes:
        return repr(value[:limit]) + ("" if len(value) <= limit else "...")
    if cls is int:
        return _int(value)
    own: object = cls.__repr__
    if own in _WALKED and depth <= 0 and value:
        return "..."
    if own is dict.__repr__:
        return _joined("{", _items(value, limit, depth, hide), "}", len(value), limit)
    if own is list.__repr__:
        return _joined("[", _each(value, limit, depth, hide), "]", len(value), limit)
    if cls is tuple:
        return _joined("(", _each(value, limit, depth, hide), ",)" if len(value) == 1 else ")", len(value), limit)
    if cls in {set, frozenset} and value:
        parts = _each(value, limit, depth, hide)
        parts = sorted(parts) if len(value) <= MOST else parts  # their own order is another one in each process
        begin, end = ("{", "}") if cls is set else ("frozenset({", "})")
        return _joined(begin, parts, end, len(value), limit)
    if _is_record(own):
        parts = _fields(value, limit, depth, hide)
        count = sum(each.repr is not False for each in attrs.fields(cls))
        return _joined(f"{_name(cls).rpartition('>.')[2]}(", parts, ")", count, limit)
    return without(_plain(repr(value)), hide)


def _json(value: Any, limit: int, depth: int) -> str:
    cls = type(value)
    if value is None or cls is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if cls is str:
        return json.dumps(value[:limit], ensure_ascii=False) + ("" if len(value) <= limit else "...")
    if cls in {dict, list, tuple} and depth <= 0 and value:
        return "..."
    if cls is dict:
        pairs = (f"{_json(key, limit, 0)}: {_json(each, limit, depth - 1)}" for key, each in value.items())
        return _joined("{", pairs, "}", len(value), limit)
    if cls is list or cls is tuple:
        return _joined("[", (_json(each, limit, depth - 1) for each in value), "]", len(value), limit)
    return _safely(value, lambda: _repr(value, limit, depth, ()), "repr")


_WALKED: frozenset[object] = frozenset({cls.__repr__ for cls in (dict, list, tuple, set, frozenset)})


def _int(value: int) -> str:
    return repr(value) if value.bit_length() <= _BITS else f"<an int of {value.bit_length()} bits>"


def _each(values: Iterable[object], limit: int, depth: int, hide: Collection[str]) -> Iterable[str]:
    return (_safe_repr(value, limit, depth, hide) for value in values)


def _items(values: Mapping[object, object], limit: int, depth: int, hide: Collection[str]) -> Iterable[str]:
    for key, value in values.items():
        yield f"{_safe_repr(key, limit, depth, hide)}: {_safe_repr(value, limit, depth, hide)}"


def _fields(value: Any, limit: int, depth: int, hide: Collection[str]) -> Iterable[str]:
    secret = secret_fields(type(value))
    for each in attrs.fields(type(value)):
        name, inner = each.name, getattr(value, each.name, attrs.NOTHING)
        if each.repr is False:
            continue
        if name in secret:
            yield f"{name}={HIDDEN}"
        elif depth <= 0:
            yield f"{name}=..."
        elif each.repr is True:
            yield f"{name}={_safe_repr(inner, limit, depth, hide)}"
        else:
            yield f"{name}={_safely(inner, lambda: without(_plain(each.repr(inner)), hide), 'repr')}"  # noqa: B023


def _safe_repr(value: object, limit: int, depth: int, hide: Collection[str]) -> str:
    return _safely(value, lambda: _repr(value, limit, depth - 1, hide), "repr")


def _is_record(own: object) -> bool:
    """Whether a class's `__repr__` is the one that attrs writes, field by field, or ours in its place."""
    code = getattr(own, "__code__", None)
    return own in _HIDING or (code is not None and code.co_filename.startswith("<attrs generated"))


def _joined(begin: str, parts: Iterable[str], end: str, count: int, limit: int) -> str:
    taken, length = list[str](), 0
    for part in islice(parts, limit // 2 + 1):
        taken.append(part)
        length += len(part) + 2
        if length > limit:
            break
    if len(taken) < count:
        taken.append("...")
    return begin + ", ".join(taken) + end


# Secrets ---------------------------------------------------------------------------------------------------------


def secret_fields(cls: type) -> frozenset[str]:
    """Return the fields of an attrs class that are secret: as attributes, and as the constructor calls them."""
    found = _SECRETS.get(cls)
    if found is None:
        found = _SECRETS[cls] = frozenset(_secret_names(cls)) if attrs.has(cls) else frozenset()
    return found


_SECRETS: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()


def secret_fields_within(cls: type) -> frozenset[str]:
    """Return what the secret fields of a class are called, with those of all attrs classes that its fields declare."""
    seen, to_see, names = set[type](), [cls], frozenset[str]()
    while to_see:
        each = to_see.pop()
        if each not in seen and attrs.has(each):
            seen.add(each)
            names |= secret_fields(each)
            to_see += [inner for declared in _declared(each).values() for inner in _classes_in(declared)]
    return names


def holds_anything(cls: type) -> bool:
    """Return whether a value of a class may hold, somewhere in it, one of a class that no field declares."""
    seen, to_see = set[type](), [cls]
    while to_see:
        each = to_see.pop()
        if each in seen or each in _CLOSED or issubclass(each, Enum):
            continue
        seen.add(each)
        if not attrs.has(each):
            return True
        for declared in _declared(each).values():
            if _is_open(declared):
                return True
            to_see += [inner for inner in _classes_in(declared) if inner not in _CONTAINERS]
    return False


_CLOSED: frozenset[type] = frozenset({str, bytes, int, float, bool, complex, type(None), type})
_CONTAINERS: frozenset[object] = frozenset(
    {dict, list, tuple, set, frozenset, Mapping, Sequence, Union, UnionType, Annotated}
)


def _is_open(declared: object) -> bool:
    parts = get_args(declared)
    if get_origin(declared) is Literal:
        return False
    if parts:
        return any(_is_open(part) for part in parts if part is not ... and part is not _SECRET)
    return not isinstance(declared, type) or declared in _CONTAINERS or declared is object


def _classes_in(declared: object) -> Iterator[type]:
    if isinstance(declared, type):
        yield declared
    for part in (get_origin(declared), *get_args(declared)):
        if part is not None:
            yield from _classes_in(part)


def _secret_names(cls: type) -> Iterator[str]:
    for each in attrs.fields(cls):
        declared = _declared(cls)[each.name]
        if is_secret(declared) or (isinstance(declared, str) and "Secret[" in declared):
            yield each.name
            yield each.alias or each.name


def _declared(cls: type) -> Mapping[str, object]:
    """Return as what each field of an attrs class is declared."""
    hints: Mapping[str, Any] = {}
    try:
        hints = get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001  # whatever can't be read now: attrs may have read it before
        hints = {}
    return {each.name: hints.get(each.name, each.type) for each in attrs.fields(cls)}


def is_secret(declared: object) -> bool:
    """Whether a declared type is secret, or has a part that is."""
    return declared is _SECRET or any(map(is_secret, get_args(declared)))


def hiding_repr(self: object) -> str:
    """Return the repr of an attrs value, its secrets left out."""
    return shown(self, _MANY)


_HIDING: frozenset[object] = frozenset({hiding_repr})


def hide_in_repr(cls: type) -> None:
    """Have a class that attrs has written the `repr` of leave its secrets out of that, if it has any."""
    own: object = cls.__repr__
    if secret_fields(cls) and own not in _HIDING and _is_record(own):
        cls.__repr__ = hiding_repr  # type: ignore[assignment]


def without(text: str, hide: Collection[str]) -> str:
    """Return the text with each of those texts replaced by `***`."""
    for secret in sorted(hide, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def without_texts(value: object, hide: Collection[str]) -> Any:
    """Return plain data with each of those texts replaced by `***`; what isn't plain is its `repr`."""
    if not hide:
        return value
    if isinstance(value, str):
        return without(_plain(value), hide)
    if value is None or isinstance(value, bool | int | float):
        return value if without(str(value), hide) == str(value) else HIDDEN
    if isinstance(value, Mapping):
        return {without_texts(key, hide): without_texts(each, hide) for key, each in list(value.items())}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_texts(each, hide) for each in list(value)]
    return shown(value, _MANY, hide=hide)


SHORTEST = 4
"""Secrets of fewer characters aren't searched for in free text: they are in too many words by chance."""


def secret_texts(value: object, names: Collection[str] = frozenset()) -> frozenset[str]:
    """Return the texts of all secrets in a value, to be hidden in free text.

    Args:
        value: Attrs values with their secret fields, and containers of them.
        names: Keys of mappings whose values are secret, too.

    Of a large value the first 10,000 parts are looked at.
    """
    return frozenset(filter(None, islice(_texts(value, names, secret=False, depth=_DEEPEST), _PARTS)))


_PARTS, _DEEPEST = 10_000, 50


def _texts(value: Any, names: Collection[str], *, secret: bool, depth: int) -> Iterator[str]:
    """Give the secrets' texts, and nothing as a text for each part that is looked at."""
    cls = type(value)
    yield ""
    if depth < 0 or value is None or cls is bool:
        return
    if attrs.has(cls) and not isinstance(value, BaseException):
        own = secret_fields(cls)
        for each in attrs.fields(cls):
            inner = getattr(value, each.name, None)
            yield from _texts(inner, names, secret=secret or each.name in own, depth=depth - 1)
    elif isinstance(value, Mapping):
        for key, inner in list(value.items()):
            yield from _texts(inner, names, secret=secret or (isinstance(key, str) and key in names), depth=depth - 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in list(value):
            yield from _texts(inner, names, secret=secret, depth=depth - 1)
    elif secret:
        yield from (text for text in _forms(value) if len(text) >= SHORTEST)


def _forms(value: object) -> tuple[str, ...]:
    """Return the texts by which a secret may show: itself, and as a repr or JSON has it."""
    if isinstance(value, bytes):
        return (*_forms(value.decode("latin-1")), value.decode("utf-8", "replace"), repr(value)[2:-1])
    if isinstance(value, str):
        text = _plain(value)
        # A repr with both kinds of quotes in it escapes one of them.
        return text, repr(text)[1:-1], repr(f'"{text}')[2:-1], ascii(text)[1:-1], json.dumps(text)[1:-1]
    return (_safely(value, lambda: _str(value), "str"),)


def concealed(value: object, names: Collection[str]) -> object:
    """Return a mapping with `***` at the keys that are secret, in mappings within it, too; anything else as it is."""
    if not names or not isinstance(value, Mapping):
        return value
    return {key: HIDDEN if key in names else concealed(each, names) for key, each in value.items()}


def plain(value: object, names: Collection[str] = frozenset(), *, whole: bool = False) -> Any:
    """Return any value as plain data, to be shown or sent: what JSON has, bounded, without secrets.

    Attrs values become mappings of their fields; what JSON has no form for is its `repr`. More than 100 items, or 6
    containers within each other, are cut.

    Args:
        value: Whatever it is.
        names: Keys of mappings whose values are secret, beside the secret fields of attrs values.
        whole: Whether nothing is cut but what is deeper than 100 containers.
    """
    return _as_plain(value, names, *((100, sys.maxsize) if whole else (_DEPTH, MOST)))


MOST = 100
"""So many items of a container are in plain data; of a text, ten times as many characters."""


def _as_plain(value: Any, names: Collection[str], depth: int, most: int) -> Any:
    try:
        return _plain_data(value, names, depth, most)
    except Exception:  # noqa: BLE001 - whatever a stranger's container does, there must be something to show
        return shown(value)


def _plain_data(value: Any, names: Collection[str], depth: int, most: int) -> Any:
    inner = partial(_as_plain, names=names, depth=depth - 1, most=most)
    cls = type(value)
    own: object = cls.__repr__
    if value is None or cls is bool or (cls is float and value - value == 0):
        return value
    if cls is int:
        return value if value.bit_length() <= _BITS else _int(value)
    if cls is str:
        return value if len(value) <= most * 10 else value[: most * 10] + "..."
    if _is_record(own) and attrs.has(cls) and depth > 0:
        secret = secret_fields(cls)
        fields = [each for each in attrs.fields(cls) if each.repr is not False]
        return {each.name: HIDDEN if each.name in secret else inner(getattr(value, each.name, None)) for each in fields}
    if own is dict.__repr__ and depth > 0:
        items = list(islice(value.items(), most))
        made = {_key(key): HIDDEN if key in names else inner(each) for key, each in items}
        return made | {"...": f"{len(value) - most} more"} if len(value) > most else made
    if (own is list.__repr__ or cls in {tuple, set, frozenset}) and depth > 0:
        listed = [inner(each) for each in islice(value, most)]
        if cls in {set, frozenset}:
            listed.sort(key=repr)
        return [*listed, f"... {len(value) - most} more"] if len(value) > most else listed
    return shown(value)


def _key(key: object) -> str:
    return said(key) if type(key) is str else shown(key)

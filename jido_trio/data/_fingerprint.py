"""Bytes that are equal for equal values, in every process: to tell whether two are the same without keeping them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import partial
from hashlib import blake2b
from typing import Any, TypeAlias
from weakref import ref

import attrs

from jido_trio.data._freeze import ATOMS, FrozenDict, FrozenList, attribute_names, is_frozen
from jido_trio.data._known import of_class
from jido_trio.data._names import recorded_module, script
from jido_trio.redact import shown, type_name

ASIDE: Mapping[str, object] = {"jido_trio.fingerprint": "aside"}
"""The metadata of a field of an attrs class that isn't looked at. It tells apart otherwise equal values, though."""

Way: TypeAlias = Callable[[Any, int], bytes]

_SIZE = 16
_ROOM = 110
"""Containers in containers are looked into so far: values that nobody has frozen may go on for ever."""


_LARGE = 256
"""Tuples with so many items of a kind that can't change are asked for once..."""
_REMEMBERED = 16
"""... as so many of them are remembered."""
_ATOMS = frozenset({str, int, float, bool, bytes, type(None)})
_known: dict[int, tuple[tuple[Any, ...], bytes]] = {}

_SEVERAL = 8
"""In sequences with so many items, attrs values in which nothing can change are asked for once..."""
_LIVING = 100_000
"""... as long as they live, and so many of them."""
_prints: "dict[int, _Print]" = {}


def fingerprint(*values: object) -> bytes:
    """Return 16 bytes for plain data, attrs values, exceptions, classes and functions; others go by their `repr`.

    Neither how mappings and sets were filled nor the seed of hashes shows.
    """
    text = b"arguments"
    for value in values:
        part = _part(value, _ROOM)
        text += b",%d:%b" % (len(part), part)
    return _digest(text)


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=_SIZE).digest()


def _text(kind: str, parts: Iterable[bytes]) -> bytes:
    # With their lengths, so that no two lists of parts have one text.
    return kind.encode() + b"".join([b",%d:%b" % (len(part), part) for part in parts])


def _part(value: object, room: int) -> bytes:
    """Return what stands for a value in the text of whatever holds it."""
    return b"..." if room < 0 else _way(type(value))(value, room - 1)


@of_class
def _way(cls: type) -> Way:
    """Return how the print of a value of that class is made."""
    if issubclass(cls, Enum):
        kind = _class(cls)
        return lambda member, room: _text(kind, [_part(member.value, room)])
    if attrs.has(cls):
        return _record_way(cls)
    for kind, way in _WAYS:
        if issubclass(cls, kind):
            return way
    if issubclass(cls, type):
        return _named
    # What every class has tells nothing but where in memory the value is.
    name = _named(cls)
    return (lambda _, __: name) if cls.__repr__ is object.__repr__ else _repr


def _record_way(cls: type) -> Way:
    fields = (field for field in attrs.fields(cls) if field.eq and not ASIDE.items() <= field.metadata.items())
    names = [(field.name, field.name.encode(), len(field.name.encode()) + 1) for field in fields]
    kind = _class(cls).encode()

    def record(value: object, room: int) -> bytes:
        text = kind  # as `_text` does it, and quicker: it is asked for each input of a durable agent
        for name, label, size in names:
            part = _part(getattr(value, name, None), room)
            text += b",%d:%b=%b" % (size + len(part), label, part)
        return _digest(text)

    return record


def _mapping(value: Mapping[Any, Any], room: int) -> bytes:
    if not value:
        return _NOTHING
    items = (_text("item", (_part(key, room), _part(item, room))) for key, item in value.items())
    return _digest(_text("dict", sorted(items)))


_NOTHING = _digest(_text("dict", ()))
"""Of a mapping without items, as a strategy has it that remembers nothing."""


def _items(value: Sequence[Any], room: int) -> bytes:
    if len(value) >= _SEVERAL and _is_record(type(value[0])):
        return _of_records(value, room)
    if type(value) is tuple and len(value) >= _LARGE and room >= 0:
        return _of_large(value, room)
    return _digest(_text("list", [_part(item, room) for item in value]))


class _Print(ref[Any]):
    """What stands for an item, as long as that lives: whoever has its `id` after it is another."""

    __slots__ = ("room", "text")
    room: int
    """How deep there was to look, and there was nothing deeper."""
    text: bytes


def _of_records(value: Sequence[Any], room: int) -> bytes:
    # A state that changes a little has most of its items in common with the one before: of a journal, all but the last.
    find = _prints.get
    texts = [
        known.text
        if (known := find(id(item))) is not None and known.room <= room and known() is item
        else _text_of_item(item, room)
        for item in value
    ]
    return _digest(b"list" + b"".join(texts))


def _text_of_item(item: Any, room: int) -> bytes:
    text = _text("", (_part(item, room),))
    if len(_prints) < _LIVING and _is_record(type(item)) and _is_settled(item, room):
        try:
            known = _Print(item, partial(_prints.pop, id(item)))
        except TypeError:  # its class has said that nothing may refer to it weakly
            return text
        known.room, known.text = room, text
        _prints[id(item)] = known
    return text


@of_class
def _is_record(cls: type) -> bool:
    """Tell whether its values are of attrs, and their attributes can't be set."""
    return is_frozen(cls)


def _is_settled(value: Any, room: int) -> bool:
    """Tell whether nothing in a value can change, and there is room for all of it."""
    if room < 0:
        return False
    cls = type(value)
    if cls in ATOMS:
        return True
    if cls is tuple or cls is FrozenList or cls is frozenset:
        return all(_is_settled(item, room - 1) for item in value)
    if cls is FrozenDict:
        return all(_is_settled(each, room - 1) for item in value.items() for each in item)
    if isinstance(value, Enum):
        return _is_settled(value.value, room - 1)
    return _is_record(cls) and all(_is_settled(getattr(value, name, None), room - 1) for name in attribute_names(cls))


def _of_large(value: tuple[Any, ...], room: int) -> bytes:
    # A state that changes a little has its large parts in common with the one before.
    known = _known.get(id(value))
    if known is not None and known[0] is value:
        return known[1]
    digest = _digest(_text("list", [_part(item, room) for item in value]))
    if all(item.__class__ in _ATOMS for item in value):  # so nothing in it can change
        if len(_known) >= _REMEMBERED:
            _known.clear()
        _known[id(value)] = value, digest
    return digest


def _set(value: AbstractSet[Any], room: int) -> bytes:
    return _digest(_text("set", sorted(_part(item, room) for item in value)))


def _error(error: BaseException, room: int) -> bytes:
    facts = {name: value for name, value in vars(error).items() if name != "__notes__"}
    return _digest(_text(_class(type(error)), (_part(error.args, room), _part(facts, room))))


def _int(value: int, _: int) -> bytes:
    return b"int%x" % value  # not in decimal: that takes long, and Python refuses it, for large ones


def _str(value: str, _: int) -> bytes:
    return b"str" + value.encode("utf-8", "surrogatepass")


def _plain(value: object, _: int) -> bytes:
    return repr(value).encode("utf-8", "surrogatepass")


def _named(thing: Any, _: int = 0) -> bytes:
    return f"{recorded_module(thing.__module__)}.{thing.__qualname__}".encode("utf-8", "surrogatepass")


def _class(cls: type) -> str:
    name = type_name(cls)
    return f"{script()}.{name}" if cls.__module__ == "__main__" else name


def _repr(value: object, _: int) -> bytes:
    if hasattr(value, "__qualname__") and hasattr(value, "__module__"):
        return _named(value)
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", shown(value, 2000)).encode()


_WAYS: tuple[tuple[Any, Way], ...] = (
    (bool, _plain),
    (int, _int),
    (str, _str),
    ((float, complex, bytes, type(None)), _plain),
    (Mapping, _mapping),
    ((list, tuple), _items),
    (AbstractSet, _set),
    (BaseException, _error),
)

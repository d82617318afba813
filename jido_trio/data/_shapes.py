"""The shapes that values have in JSON: each says what it is as a JSON schema, and reads one that fits, or says why not.

Nothing here knows of types: `_json` finds the shape of one.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import attrs
from attrs import evolve, field, frozen

from jido_trio.checks import nearest
from jido_trio.data._freeze import freeze
from jido_trio.data._problem import Key, Misfit
from jido_trio.errors import InvalidParams, UnfitArgument
from jido_trio.redact import HIDDEN, shown_json

Path: TypeAlias = tuple[str | int, ...]
Document: TypeAlias = dict[str, Any]


class Unread(ValueError):
    """Plain data is no value of a type."""

    def __init__(self, problems: Iterable[UnfitArgument]) -> None:
        super().__init__()
        self.problems = tuple(problems)


def unfit(path: Path, expected: str, value: object) -> Unread:
    """Return the error for one value at a path."""
    return Unread([UnfitArgument(pointer(path), expected, shown_json(value, 80))])


def pointer(path: Path) -> str:
    """Return a path as a JSON Pointer (RFC 6901); empty for the whole."""
    return "".join("/" + str(step)[:_LONGEST].replace("~", "~0").replace("/", "~1") for step in path)


_LONGEST = 80


class Shape(Protocol):
    """What the values of a type look like in JSON."""

    def schema(self) -> Document:
        """Return it as a JSON schema."""
        ...

    def read(self, value: Any, path: Path) -> Any:
        """Return what a JSON value stands for, or raise Unread."""
        ...


def _as_it_is(value: Any) -> Any:
    return value


@frozen
class Leaf:
    """A JSON value without parts."""

    python: type
    expected: str
    document: Document
    fits: Callable[[Any], bool]
    take: Callable[[Any], Any] = _as_it_is

    def schema(self) -> Document:
        """See `Shape`."""
        return dict(self.document)

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        if self.fits(value):
            try:
                return self.take(value)
            except (ValueError, ArithmeticError):
                pass
        raise unfit(path, self.expected, value)


def _is_integer(value: object) -> bool:
    """Tell as JSON Schema does: 1.0 is an integer."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


NULL = Leaf(NoneType, "null", {"type": "null"}, lambda value: value is None)
SCALARS: Mapping[type, Leaf] = {
    bool: Leaf(bool, "true or false", {"type": "boolean"}, lambda value: isinstance(value, bool)),
    int: Leaf(int, "an integer", {"type": "integer"}, _is_integer, int),
    float: Leaf(float, "a number", {"type": "number"}, is_number, float),
    str: Leaf(str, "a string", {"type": "string"}, lambda value: isinstance(value, str)),
}


def parsed(python: type, expected: str, pattern: str, parse: Callable[[str], Any], **more: str) -> Leaf:
    fits = re.compile(pattern.removesuffix("$") + r"\Z").match
    document = {"type": "string", "pattern": pattern, **more}
    return Leaf(python, expected, document, lambda value: isinstance(value, str) and bool(fits(value)), parse)


_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_SECONDS = r":[0-5][0-9](\.[0-9]{1,6})?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
PARSED: Mapping[type, Leaf] = {
    datetime: parsed(
        datetime,
        'a time with its offset as text, like "2026-01-31T09:30:00Z"',
        rf"^{_DAY}T{_CLOCK}{_SECONDS}(Z|[+-]{_CLOCK})$",
        datetime.fromisoformat,
        format="date-time",
    ),
    date: parsed(date, 'a date as text, like "2026-01-31"', f"^{_DAY}$", date.fromisoformat, format="date"),
    time: parsed(
        time, 'a time of day as text, like "09:30" or "09:30:00"', f"^{_CLOCK}({_SECONDS})?$", time.fromisoformat
    ),
    Decimal: parsed(Decimal, 'a decimal number as text, like "12.50"', r"^-?[0-9]{1,100}(\.[0-9]{1,100})?$", Decimal),
    UUID: parsed(UUID, "a UUID as text", "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$", UUID, format="uuid"),
    bytes: parsed(
        bytes,
        "bytes as text in base64",
        "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        lambda text: b64decode(text, validate=True),
        contentEncoding="base64",
    ),
}


@frozen
class Words:
    """One of a few JSON values, and what each means."""

    table: tuple[tuple[Any, Any], ...]

    def schema(self) -> Document:
        """See `Shape`."""
        return {"enum": [word for word, _ in self.table]}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        for word, meaning in self.table:
            if same(word, value):
                return meaning
        near = nearest(value, [word for word, _ in self.table if isinstance(word, str)])
        hint = f" (did you mean {shown_json(near)}?)" if near else ""
        raise unfit(path, "one of " + ", ".join(shown_json(word, 80) for word, _ in self.table) + hint, value)


def same(one: object, other: object) -> bool:
    """Tell whether two JSON values are equal as JSON has it: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(each, other[key]) for key, each in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and one == other


@frozen
class Narrowed:
    """A shape whose values must fit one keyword more, which a validator of the field stands for."""

    inner: Shape
    keyword: str
    bound: Any
    fits: Callable[[Any], bool]
    expected: str

    def schema(self) -> Document:
        """See `Shape`."""
        inner = self.inner.schema()
        own = {self.keyword: self.bound}
        return {"allOf": [inner, own]} if self.keyword in inner else inner | own

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        read = self.inner.read(value, path)
        if not self.fits(value):
            raise unfit(path, self.expected, value)
        return read


@frozen
class Anything:
    """Any JSON value."""

    def schema(self) -> Document:
        """See `Shape`."""
        return {}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        return value


@frozen
class Items:
    """A list of as many values as there are, all of one shape."""

    python: Callable[[Iterable[Any]], Any]
    item: Shape

    @property
    def unique(self) -> bool:
        """Whether no value may be there twice."""
        return self.python is frozenset

    def schema(self) -> Document:
        """See `Shape`."""
        return {"type": "array", "items": self.item.schema()} | ({"uniqueItems": True} if self.unique else {})

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        read = _read_all([self.item] * len(_listed(value, path)), value, path)
        if self.unique:
            twice = next((i for i, each in enumerate(value) if any(same(each, old) for old in value[:i])), None)
            if twice is not None:
                raise unfit((*path, twice), "a value that isn't in the list yet", value[twice])
        return self.python(map(freeze, read) if self.unique else read)


@frozen
class Places:
    """A list of so many values, each with its own shape."""

    items: tuple[Shape, ...]

    def schema(self) -> Document:
        """See `Shape`."""
        count = len(self.items)
        ends = {"items": False, "minItems": count, "maxItems": count}
        return {"type": "array", **({"prefixItems": [each.schema() for each in self.items]} if count else {}), **ends}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        if len(_listed(value, path)) != len(self.items):
            raise unfit(path, f"a list of {len(self.items)} values", value)
        return tuple(_read_all(self.items, value, path))


def _listed(value: object, path: Path) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    raise unfit(path, "a list", value)


def _read_all(shapes: Sequence[Shape], values: Sequence[Any], path: Path) -> list[Any]:
    read, wrong = list[Any](), list[UnfitArgument]()
    for index, (shape, value) in enumerate(zip(shapes, values, strict=True)):
        try:
            read.append(shape.read(value, (*path, index)))
        except Unread as unread:
            wrong += unread.problems
    if wrong:
        raise Unread(wrong)
    return read


@frozen
class Entries:
    """An object with keys of its own choosing."""

    key: Shape
    value: Shape

    def schema(self) -> Document:
        """See `Shape`."""
        names = self.key.schema()
        limited = {"propertyNames": names} if names != {"type": "string"} else {}
        return {"type": "object", **limited, "additionalProperties": self.value.schema()}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        read, wrong = dict[Any, Any](), list[UnfitArgument]()
        for key, each in _object(value, path).items():
            try:
                read[self.key.read(key, (*path, key))] = self.value.read(each, (*path, key))
            except Unread as unread:
                wrong += unread.problems
        if wrong:
            raise Unread(wrong)
        return read


def _object(value: object, path: Path) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise unfit(path, "an object", value)


@frozen
class Property:
    """A field of a class."""

    name: str
    shape: Shape
    required: bool
    description: str
    default: Any
    """As plain data; attrs.NOTHING if it has none that is always the same."""
    secret: bool

    def schema(self, *, strict: bool) -> Document:
        """Return the field's JSON schema."""
        schema: Document = self.shape.schema()
        if strict and "$ref" in schema and self.description:
            schema = Document(anyOf=[schema])
        if self.description:
            schema["description"] = self.description
        if self.default is not attrs.NOTHING and not strict:
            schema["default"] = self.default
        return schema


ABSENT: Any = object()


@frozen
class Defaulted:
    """A field with a default, in the strict form: null stands for the default."""

    inner: Shape

    def schema(self) -> Document:
        """See `Shape`."""
        return {"anyOf": [self.inner.schema(), {"type": "null"}]}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        return ABSENT if value is None else self.inner.read(value, path)


@frozen
class Record:
    """An object with the fields of a class."""

    name: str
    properties: Mapping[str, Property]
    make: Callable[[Mapping[str, Any]], Any]
    strict: bool

    def schema(self) -> Document:
        """See `Shape`."""
        properties: Document = {name: each.schema(strict=self.strict) for name, each in self.properties.items()}
        required = [name for name, each in self.properties.items() if each.required or self.strict]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        if not isinstance(value, Mapping) and any(each.secret for each in self.properties.values()):
            raise Unread([UnfitArgument(pointer(path), "an object", HIDDEN)])  # who knows what it was to be
        given = _object(value, path)
        wrong = [
            UnfitArgument(pointer((*path, name)), _wanted(each), "nothing", "it is missing")
            for name, each in self.properties.items()
            if (each.required or self.strict) and name not in given
        ]
        taken = dict[str, Any]()
        for name, each in given.items():
            one = self.properties.get(name)
            if one is None:
                wrong.append(self._unknown(path, name))
                continue
            try:
                read = one.shape.read(each, (*path, name))
            except Unread as unread:
                wrong += [evolve(p, got=HIDDEN) for p in unread.problems] if one.secret else unread.problems
                continue
            if read is not ABSENT:
                taken[name] = read
        if wrong:
            raise Unread(wrong)
        return self._made(taken, path)

    def _unknown(self, path: Path, name: str) -> UnfitArgument:
        near = nearest(name, self.properties)
        known = ", ".join(self.properties) or "none"
        hint = f"did you mean {shown_json(near)}?" if near else f"known: {known}"
        return UnfitArgument(pointer((*path, name)), "no property of that name", "", hint)

    def _made(self, taken: Mapping[str, Any], path: Path) -> Any:
        try:
            return self.make(taken)
        except Misfit as misfit:  # a validator or a converter says no
            problems = [UnfitArgument(pointer((*path, *map(_step, p.path))), p.what, "") for p in misfit.problems]
        except InvalidParams as invalid:
            problems = [UnfitArgument(pointer(path), text, "") for text in invalid.problems]
        raise Unread(problems)


def _step(step: str | Key) -> str | int:
    key = step.key if isinstance(step, Key) else step
    return key if isinstance(key, str | int) else str(key)


def _wanted(each: Property) -> str:
    shape: Any = each.shape
    while isinstance(shape, Narrowed):
        shape = shape.inner
    return shape.expected if isinstance(shape, Leaf) else f"a value for {shown_json(each.name)}"


@frozen
class Choice:
    """A value of one of several shapes: the first that it fits, one of its own class before all others."""

    members: tuple[Shape, ...]

    def schema(self) -> Document:
        """See `Shape`."""
        return {"anyOf": [each.schema() for each in self.members]}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        wrong = list[tuple[UnfitArgument, ...]]()
        for each in sorted(self.members, key=lambda one: getattr(one, "python", None) is not type(value)):
            try:
                return each.read(value, path)
            except Unread as unread:
                wrong.append(unread.problems if each is not NULL else ())
        here = pointer(path)
        told = [problems for problems in wrong if problems]
        inside = [problems for problems in told if all(each.path != here for each in problems)]
        if len(told) == 1 or len(inside) == 1:
            raise Unread((inside or told)[0])
        expected = " or ".join(dict.fromkeys(each.expected for problems in told for each in problems[:1]))
        raise unfit(path, f"one of {len(self.members)} forms, and it fits none" if inside else expected, value)


@frozen
class Named:
    """A shape that has a name of its own, in the schema's `$defs`; so it may be within itself."""

    name: str
    shapes: "Mapping[str, Shape]" = field(eq=False, repr=False)

    def schema(self) -> Document:
        """See `Shape`."""
        return {"$ref": f"#/$defs/{self.name}"}

    def read(self, value: Any, path: Path) -> Any:
        """See `Shape`."""
        return self.shapes[self.name].read(value, path)

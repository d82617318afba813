"""A declared type as JSON Schema 2020-12, and values of it read from JSON that nobody vouches for.

Both come from one shape, worked out once: so the schema takes what `read` takes, and nothing else. A schema can't say
all that a validator of yours refuses, nor that the 30th of February is no day; `format` names the latter.

In the strict form, that of model providers, every property is required and no other may be there: a field with a
default takes null for it. What has keys of its own choosing, or may be anything, has no strict form.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, Flag
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, LiteralString, Union, get_args, get_origin

import attrs
from attrs import evolve, field, frozen
from typing_extensions import Doc

from jido_trio.data._codec import has_hook, unstructure
from jido_trio.data._freeze import freeze
from jido_trio.data._generic import arguments_of, filled_in, is_name, named, with_self
from jido_trio.data._plan import KINDS, MAPPINGS
from jido_trio.data._schema import schema_of
from jido_trio.data._shapes import (
    NULL,
    PARSED,
    SCALARS,
    Anything,
    Choice,
    Defaulted,
    Entries,
    Items,
    Named,
    Narrowed,
    Places,
    Property,
    Record,
    Shape,
    Unread,
    Words,
    is_number,
    parsed,
    same,
)
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import is_secret, shown, shown_json


@frozen
class Form:
    """The JSON form of an attrs class."""

    schema: Mapping[str, Any]
    shape: Shape = field(eq=False, repr=False)

    def read(self, value: object) -> Any:
        """Return the value that plain data stands for.

        Raises:
            Unread: It doesn't fit the schema, or the class says no.
        """
        return self.shape.read(value, ())


def form_of(declared: Any, make: Callable[[Mapping[str, Any]], Any] | None = None, *, strict: bool = False) -> Form:
    """Return the JSON form of an attrs class.

    Args:
        declared: The class, a generic one with its arguments.
        make: Makes a value of its fields; the class's own way if not given.
        strict: Whether all properties are required, as model providers want it.

    Raises:
        InvalidDefinition: A field has no JSON form, or none that is strict.
    """
    shapes = _Shapes(strict=strict)
    shape = shapes.record(declared, make)
    schema = shape.schema()
    if shapes.named:
        schema["$defs"] = {name: inner.schema() for name, inner in shapes.named.items()}
    return Form(freeze(schema), shape)


@attrs.define
class _Shapes:
    """Finds the shapes of types; those with a name once for all places that they are in."""

    strict: bool = field(kw_only=True)
    named: dict[str, Shape] = field(factory=dict, init=False)
    _names: dict[Any, Named] = field(factory=dict, init=False)

    def record(self, declared: Any, make: Callable[[Mapping[str, Any]], Any] | None = None) -> Record:
        """Return the shape of an attrs class."""
        known = schema_of(declared)
        types = arguments_of(declared)
        properties = dict[str, Property]()
        for each in attrs.fields(known.cls):
            if each.init:
                type_ = with_self(filled_in(_given_type(known.cls, each), types), declared)
                properties[str(each.alias)] = self._property(known.cls, each, type_, known.required)
        return Record(known.cls.__name__, properties, make or known.make, self.strict)

    def _property(self, cls: type, each: Any, declared: Any, required: Sequence[str]) -> Property:
        name = str(each.alias)
        try:
            shape = narrowed(self.shape(declared), each.validator)
        except _NoForm as none:
            raise InvalidDefinition(
                f"{cls.__qualname__}.{name} is declared as {_told(none.declared)}, which {none.why}"
            ) from None
        needed = name in required
        if self.strict and not needed and not _takes_null(shape):
            shape = Defaulted(shape)
        secret = is_secret(declared)
        default = attrs.NOTHING if secret else _plain_default(each.default)
        return Property(name, shape, needed, _description(each, declared), default, secret)

    def shape(self, declared: Any) -> Shape:
        """Return the shape of a declared type."""
        if declared in (Any, object):
            return self._open(Anything(), declared)
        if declared in (None, NoneType):
            return NULL
        if is_name(declared):
            return self._by_name(declared, lambda: self.shape(named(declared)))
        if has_hook(declared):
            raise _NoForm(declared, "is made by a hook of yours: nobody can tell its JSON form. Declare it otherwise")
        origin, args = get_origin(declared) or declared, get_args(declared)
        if origin is Annotated or origin is Final:
            return self.shape(args[0])
        if hasattr(declared, "__supertype__"):
            return self.shape(declared.__supertype__)
        if origin in (Union, UnionType):
            return Choice(tuple(self.shape(each) for each in args))
        if origin is Literal:
            return Words(tuple(_word(each, declared) for each in args))
        if isinstance(origin, type) and attrs.has(origin):
            return self._by_name(declared, lambda: self.record(declared))
        return self._container(origin, args) or self._leaf(declared)

    def _open(self, shape: Shape, declared: Any) -> Shape:
        if self.strict:
            raise _NoForm(
                declared, "has no strict form, for its JSON may have any keys. Declare a class with fields, or a list"
            )
        return shape

    def _by_name(self, declared: Any, find: Callable[[], Shape]) -> Shape:
        if declared not in self._names:
            wanted = re.sub(r"\W+", "_", getattr(declared, "__name__", None) or str(declared)).strip("_")
            taken = {each.name for each in self._names.values()}
            name = next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)
            self._names[declared] = Named(name, self.named)
            self.named[name] = find()
        return self._names[declared]

    def _container(self, origin: Any, args: tuple[Any, ...]) -> Shape | None:
        if origin in MAPPINGS:
            key, value = args if len(args) == 2 else (str, Any)
            return self._open(Entries(self._key(key), self.shape(value)), dict)
        if origin in KINDS:
            return Items(KINDS[origin], self.shape(args[0] if args else Any))
        if origin is tuple:
            if not args or Ellipsis in args:
                return Items(tuple, self.shape(args[0] if args else Any))
            return Places(tuple(self.shape(each) for each in args if each != ()))
        return None

    def _key(self, declared: Any) -> Shape:
        if declared in (Any, object):
            return SCALARS[str]
        if declared is int:
            return parsed(int, "an integer as text", "^(0|-?[1-9][0-9]{0,100})$", int)
        shape = self.shape(declared)
        if any(kind not in ("string", None) for kind in [shape.schema().get("type")]) or not _is_text(shape):
            raise _NoForm(declared, "is no key of a JSON object: keys are text")
        return shape

    def _leaf(self, declared: Any) -> Shape:
        if declared in PARSED:
            return PARSED[declared]
        if isinstance(declared, type) and issubclass(declared, Flag):
            items = Items(frozenset, Words(tuple((name, each) for name, each in declared.__members__.items())))
            return evolve(items, python=_Combined(declared))
        if isinstance(declared, type) and issubclass(declared, Enum):
            return Words(tuple(_member(each) for each in declared))
        if declared is LiteralString:
            return SCALARS[str]
        for kind, leaf in SCALARS.items():
            if declared is kind:
                return leaf
            if isinstance(declared, type) and issubclass(declared, kind) and kind is not bool:
                return evolve(leaf, python=declared, take=declared)
        raise _NoForm(
            declared, "has no JSON form. Declare it as one of JSON's types, a class of fields, or text that you read"
        )


@frozen
class _Combined:
    """Makes a combination of flags of its members."""

    cls: type[Flag]

    def __call__(self, members: Iterable[Flag]) -> Flag:
        return reduce(or_, members, self.cls(0))


class _NoForm(Exception):
    def __init__(self, declared: object, why: str) -> None:
        super().__init__(why)
        self.declared, self.why = declared, why


def _told(declared: Any) -> str:
    return declared.__name__ if isinstance(declared, type) else str(declared)


def _is_text(shape: Shape) -> bool:
    if isinstance(shape, Words):
        return all(isinstance(word, str) for word, _ in shape.table)
    return shape.schema().get("type") == "string"


def _takes_null(shape: Shape) -> bool:
    try:
        shape.read(None, ())
    except Unread:
        return False
    return True


def _is_plain(value: object) -> bool:
    return value is None or type(value) in (str, int, bool, float)


def _word(value: object, declared: object) -> tuple[Any, Any]:
    if isinstance(value, Enum):
        return _member(value)
    if not _is_plain(value):
        raise _NoForm(declared, f"has {shown(value, 80)}, which is no JSON")
    return value, value


def _member(member: Enum) -> tuple[Any, Any]:
    return (member.value if _is_plain(member.value) else member.name), member


def _given_type(cls: type, each: Any) -> Any:
    """Return what the constructor is given for a field: what its converter takes, if that is annotated."""
    if each.converter is None:
        return each.type
    init: Any = getattr(cls, "__attrs_init__", vars(cls).get("__init__"))
    taken = getattr(init, "__annotations__", {}).get(each.alias, each.type)
    return each.type if isinstance(taken, str) else taken


def _description(each: Any, declared: Any) -> str:
    """Return what is said of a field: in its metadata, or as `Annotated[int, Doc("...")]`."""
    told = each.metadata.get("description")
    documented = (one.documentation for one in get_args(declared)[1:] if isinstance(one, Doc))
    return str(told) if told else next(documented, "")


def _plain_default(default: Any) -> Any:
    if default is attrs.NOTHING or hasattr(default, "factory"):
        return attrs.NOTHING
    plain = unstructure(default)
    return plain if _is_plain(plain) and plain == plain else attrs.NOTHING  # noqa: PLR0124  # NaN is no JSON


_AND: Any = type(attrs.validators.and_())
_OPTIONAL: Any = type(attrs.validators.optional(attrs.validators.ge(0)))
_NUMBER: Any = type(attrs.validators.ge(0))
_MIN_LENGTH: Any = type(attrs.validators.min_len(0))
_MAX_LENGTH: Any = type(attrs.validators.max_len(0))
_MATCHES: Any = type(attrs.validators.matches_re(""))
_IN: Any = type(attrs.validators.in_(()))
_BOUNDS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    ">=": ("minimum", lambda value, bound: value >= bound),
    ">": ("exclusiveMinimum", lambda value, bound: value > bound),
    "<=": ("maximum", lambda value, bound: value <= bound),
    "<": ("exclusiveMaximum", lambda value, bound: value < bound),
}
_COUNTED = {"string": ("Length", "characters"), "array": ("Items", "items"), "object": ("Properties", "entries")}


def narrowed(shape: Shape, validator: Any) -> Shape:
    """Return a shape that keeps to what a validator of attrs asks, as far as a schema can say it."""
    kind = type(validator)
    if kind is _AND:
        return reduce(narrowed, validator._validators, shape)  # noqa: SLF001  # attrs has no other way to ask
    if kind is _OPTIONAL:
        return _each_but_null(shape, validator.validator)
    if kind not in (_NUMBER, _MIN_LENGTH, _MAX_LENGTH, _MATCHES, _IN):
        return shape
    if isinstance(shape, Choice) and kind is not _IN:
        members = tuple(narrowed(each, validator) for each in shape.members if each is not NULL)
        return members[0] if len(members) == 1 else Choice(members)
    return _narrowed(shape, validator)


def _each_but_null(shape: Shape, validator: Any) -> Shape:
    if not isinstance(shape, Choice):
        return narrowed(shape, validator)
    return Choice(tuple(each if each is NULL else narrowed(each, validator) for each in shape.members))


def _narrowed(shape: Shape, validator: Any) -> Shape:
    kind, of = type(validator), _core(shape)
    if kind is _NUMBER and of in (SCALARS[int], SCALARS[float]) and is_number(validator.bound):
        keyword, compare = _BOUNDS[validator.compare_op]
        bound = validator.bound
        expected = f"a number {validator.compare_op} {bound}"
        return Narrowed(shape, keyword, bound, lambda value: compare(value, bound), expected)
    if kind in (_MIN_LENGTH, _MAX_LENGTH) and _counted(of):
        suffix, what = _COUNTED[of.schema()["type"]]
        if kind is _MIN_LENGTH:
            least = validator.min_length
            return Narrowed(shape, f"min{suffix}", least, lambda v: len(v) >= least, f"at least {least} {what}")
        most = validator.max_length
        return Narrowed(shape, f"max{suffix}", most, lambda v: len(v) <= most, f"at most {most} {what}")
    if kind is _MATCHES and of is SCALARS[str] and validator.pattern.flags == re.UNICODE:
        pattern, match = validator.pattern, validator.match_func
        written = {"fullmatch": f"^(?:{pattern.pattern})$", "match": f"^(?:{pattern.pattern})"}
        keyword = written.get(match.__name__, pattern.pattern)
        return Narrowed(
            shape, "pattern", keyword, lambda v: bool(match(v)), f"text like {shown_json(pattern.pattern, 80)}"
        )
    if kind is _IN and of in SCALARS.values() and all(map(_is_plain, validator.options)):
        words = Words(tuple((each, each) for each in validator.options))
        fits = lambda value: any(same(word, value) for word, _ in words.table)  # noqa: E731
        told = "one of " + ", ".join(shown_json(word, 80) for word, _ in words.table)
        return Narrowed(shape, "enum", list(validator.options), fits, told)
    return shape


def _core(shape: Shape) -> Any:
    while isinstance(shape, Narrowed):
        shape = shape.inner
    return shape


def _counted(shape: Any) -> bool:
    """Tell whether the length of a value is that of its JSON: bytes are longer in base64."""
    return shape is SCALARS[str] or isinstance(shape, Items | Entries)

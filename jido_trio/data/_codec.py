"""Plain data to fields and back, on cattrs; a misfit becomes "what is wrong @ field.path".

Stricter than cattrs by itself: no "3" for 3, no 55 for "55", no text for a list, no unknown keys. An int will do for a
float, and a value that has its class already is taken as it is, so data may come from JSON as well as from Python.
"""

import re
from array import array
from base64 import b64decode, b64encode
from collections import UserList, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSet, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, Flag
from functools import partial
from inspect import getattr_static
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    LiteralString,
    NewType,
    TypeAlias,
    TypeGuard,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

import attrs
from cattrs import (
    AttributeValidationNote,
    BaseValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)
from cattrs.cols import (
    homogenous_tuple_structure_factory,
    is_mapping,
    is_mutable_sequence,
    is_sequence,
    list_structure_factory,
    mapping_structure_factory,  # pyright: ignore[reportUnknownVariableType] - cattrs leaves a parameter untyped
)
from typing_extensions import get_protocol_members, is_protocol, override

from jido_trio.checks import nearest
from jido_trio.data._known import Known
from jido_trio.data._problem import Key, Misfit, Problem, Step, message
from jido_trio.redact import said, shown

__all__ = [
    "register_structure_hook",
    "register_unstructure_hook",
    "structure",
    "structurer",
    "unstructure",
]

T = TypeVar("T")
Hook: TypeAlias = Callable[[Any, Any], Any]
Factory: TypeAlias = Callable[[Any, Converter], Hook]


def structure(data: object, cls: type[T]) -> T:
    """Return `data` as a `cls`.

    Raises:
        Misfit: With every field that doesn't fit.
    """
    return structurer(cls)(data)


def structurer(cls: type[T]) -> Callable[[object], T]:
    """Return `structure` for this one class, all looked up beforehand; hooks registered later don't count."""
    if _is_enum(cls) and not has_hook(cls):
        hook = _enum_hook(cls)
    else:
        hook = _converter.get_structure_hook(cls, cache_result=isinstance(cls, type))  # others stay with who asks

    def structured(data: object) -> T:
        try:
            return hook(data, cls)  # type: ignore[no-any-return]  # a hook makes what its class says
        except Exception as error:  # whatever a user's validator or hook raises says that the data doesn't fit
            raise Misfit(problems_of(error)) from error

    return structured


def unstructure(value: object) -> Any:
    """Return `value` as plain JSON data: attrs values and mappings as dicts, sets sorted, times in ISO 8601."""
    return _converter.unstructure(value)


def problems_of(error: BaseException, path: tuple[Step, ...] = ()) -> Iterator[Problem]:
    """Return what cattrs, a hook or a validator says is wrong."""
    match error:
        case Misfit():
            yield from (Problem(problem.what, (*path, *problem.path)) for problem in error.problems)
        case BaseValidationError():
            for inner in error.exceptions:
                yield from problems_of(inner, _path_to(inner, path))
        case ForbiddenExtraKeysError():
            known = [field.name for field in attrs.fields(error.cl)] if attrs.has(error.cl) else []
            for name in sorted(map(str, error.extra_fields)):
                near = nearest(name, known)
                hint = f", did you mean {near!r}?" if near else ""
                yield Problem(f"unknown field{hint}", (*path, name))
        case KeyError() if _is_missing(error):
            yield Problem("required field missing", path)
        case RecursionError():
            yield Problem("data nested too deeply", path)
        case _:
            field = _validated_field(error)
            yield Problem(message(error), (*path, field) if field else path)


def _path_to(error: BaseException, path: tuple[Step, ...]) -> tuple[Step, ...]:
    place = _place(error)
    if place is None:
        return path
    return (*path, place.name if isinstance(place, AttributeValidationNote) else Key(place.index))


def _is_missing(error: KeyError) -> bool:
    """Tell whether it was raised by looking for the field itself, and not by a hook of that field."""
    place = _place(error)
    return isinstance(place, AttributeValidationNote) and error.args == (place.name,)


def _place(error: BaseException) -> AttributeValidationNote | IterableValidationNote | None:
    """Return where in its object or list an error arose; cattrs notes it on the error."""
    notes: list[object] = getattr(error, "__notes__", [])
    return next((note for note in notes if isinstance(note, AttributeValidationNote | IterableValidationNote)), None)


def _validated_field(error: BaseException) -> str:
    """Return the name of the field whose validator raised `error`, or nothing.

    attrs doesn't say, and a validator need not name its field; but every validator is called with its `Attribute`.
    """
    traceback = error.__traceback__
    while traceback is not None:
        for local in traceback.tb_frame.f_locals.values():
            if type(local) is attrs.Attribute:
                return local.name
        traceback = traceback.tb_next
    return ""


def unexpected(expected: str, value: object) -> ValueError:
    """Return the error for a value of the wrong kind."""
    return ValueError(f"expected {expected}, got {shown(value, 80)}")


def _instance_hook(cls: Any) -> Hook:
    """Take values that have their class already; there is no telling how else one is made."""
    wanted = get_origin(cls) or cls
    if not isinstance(wanted, type):
        raise TypeError(f"no data can be made into a {cls!r}: register_structure_hook({cls!r}, hook)")

    def structured(value: Any, _: Any) -> Any:
        if isinstance(value, wanted):
            return value
        raise unexpected(_name(wanted), value)

    return structured


_hooked: set[object] = set()


def has_hook(cls: object) -> bool:
    """Whether a user has registered how a `cls` is made."""
    try:
        return cls in _hooked
    except TypeError:  # Annotated with what has no hash has none either
        return False


class _Codec(Converter):
    """Looks hooks up as cattrs does, which would remember every class for ever."""

    def __init__(self) -> None:
        self.makers, self.writers = Known[Hook]("maker"), Known[Callable[[Any], Any]]("writer")
        super().__init__(forbid_extra_keys=True, structure_fallback_factory=_instance_hook)

    @override
    def get_structure_hook(self, type: Any, cache_result: bool = True) -> Any:
        known = self.makers.get(type)
        if known is None:
            known = super().get_structure_hook(type, cache_result=False)
            if cache_result:
                self.makers.put(type, known)
        return known

    @override
    def get_unstructure_hook(self, type: Any, cache_result: bool = True) -> Any:
        known = self.writers.get(type)
        if known is None:
            known = super().get_unstructure_hook(type, cache_result=False)
            if cache_result:
                self.writers.put(type, known)
        return known

    @override
    def structure(self, obj: Any, cl: type[T]) -> T:
        made: T = self.get_structure_hook(cl)(obj, cl)
        return made

    @override
    def unstructure(self, obj: Any, unstructure_as: Any = None) -> Any:
        return self.get_unstructure_hook(obj.__class__ if unstructure_as is None else unstructure_as)(obj)

    def forget(self) -> None:
        """Look everything up anew."""
        self.makers.clear()
        self.writers.clear()


_converter = _Codec()


def register_structure_hook(cls: type[T], hook: Callable[[Any, type[T]], T]) -> None:
    """Make `hook(data, cls)` the way a `cls` is made of data; it raises ValueError for what doesn't fit.

    Register it before the classes that have fields of that type are used as states or actions.
    """
    _hooked.add(cls)
    _converter.register_structure_hook(cls, hook)
    _converter.forget()


def register_unstructure_hook(cls: type[T], hook: Callable[[T], Any]) -> None:
    """Make `hook(value)` the way a `cls` becomes plain JSON data."""
    _converter.register_unstructure_hook(cls, hook)
    _converter.forget()


def _name(cls: Any) -> str:
    return "null" if cls is NoneType else getattr(cls, "__name__", str(cls))


def _scalar_hook(kind: type, accepts: Callable[[object], bool], convert: Callable[[Any], Any]) -> Hook:
    def structured(value: object, cls: Any) -> Any:
        if cls is kind:
            if accepts(value):
                return convert(value)
        elif isinstance(value, cls):
            return value
        elif issubclass(cls, Enum):
            return _enum_hook(cls)(value, cls)
        elif accepts(value):
            return cls(value)
        raise unexpected(_name(cls), value)

    return structured


def _parsed_hook(kind: type, parse: Callable[[str], object]) -> Hook:
    def structured(value: object, cls: Any) -> Any:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            try:
                return parse(value)
            except (ValueError, ArithmeticError):  # a Decimal refuses text with the latter
                pass
        raise unexpected(f"{_name(kind)} as text", value)

    return structured


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _as_is(value: object) -> object:
    return value


_SCALARS: Mapping[type, tuple[Callable[[object], bool], Callable[[Any], Any]]] = {
    str: (lambda value: isinstance(value, str), _as_is),
    bool: (lambda value: isinstance(value, bool), _as_is),
    int: (_is_int, _as_is),
    float: (lambda value: isinstance(value, float) or _is_int(value), float),
}
_PARSED: Mapping[type, tuple[Callable[[str], Any], Callable[[Any], str]]] = {
    datetime: (datetime.fromisoformat, datetime.isoformat),
    date: (date.fromisoformat, date.isoformat),
    time: (time.fromisoformat, time.isoformat),
    Decimal: (Decimal, str),
    UUID: (UUID, str),
    bytes: (lambda text: b64decode(text, validate=True), lambda value: b64encode(value).decode()),
}
"""Classes that JSON knows as text only: how they are read, how they are written."""


def _choice_hook(choices: Iterable[tuple[object, object]]) -> Hook:
    table = list(choices)
    expected = "one of " + ", ".join(repr(word) for word, _ in table if not isinstance(word, Enum))

    def structured(value: object, _: Any) -> Any:
        for word, meaning in table:
            if type(word) is type(value) and word == value:  # 1 == True, and yet isn't it
                return meaning
        raise unexpected(expected, value)

    return structured


def _enum_hook(cls: type[Enum]) -> Hook:
    known = _ENUMS.get(cls)
    if known is None:
        named = _choice_hook([(word, member) for member in cls for word in (member.value, member)])
        _ENUMS.put(cls, known := _flag_hook(cls, named) if issubclass(cls, Flag) else named)
    return known


_ENUMS = Known[Hook]("members")


def _flag_hook(cls: type[Flag], named: Hook) -> Hook:
    """Take combinations as well: that is what flags are for. In data one is the sum of its members."""

    def structured(value: object, _: Any) -> Any:
        if isinstance(value, cls):
            return value
        with suppress(ValueError):  # no member has one of these bits
            if not isinstance(value, int) or not _is_int(value):
                return named(value, cls)
            made = cls(value)
            if isinstance(made, cls) and (value < 0 or made.value == value):  # else bits were left out
                return made
        raise unexpected(f"a combination of {', '.join(cls.__members__)}", value)

    return structured


def _literal_hook(cls: Any, _: Converter) -> Hook:
    words = get_args(cls)
    return _choice_hook([*((word, word) for word in words), *((w.value, w) for w in words if isinstance(w, Enum))])


def first_that_fits(makers: Sequence[tuple[Any, Callable[[Any], Any]]]) -> Callable[[Any], Any]:
    """Return what makes a value of a union, of what makes those of each member: the first member that it fits.

    A member whose class the value has already comes before all others. If the value fits none, but has the shape of one
    alone, what is wrong inside of it is told.
    """
    named = [member for member, _ in makers if member is not NoneType]
    expected = " or ".join(_name(member) for member, _ in makers)

    def structured(value: object) -> Any:
        misfits: list[tuple[Any, Exception]] = []
        for member, make in sorted(makers, key=lambda maker: type(value) is not maker[0]):
            try:
                return make(value)
            except RecursionError:  # it is too deep for every member
                raise
            except Exception as error:  # noqa: BLE001 - as in `structurer`; raised again if no member fits
                if member is not NoneType:
                    misfits.append((member, error))
        if len(named) == 1:  # an Optional: what is wrong with the value is all there is to say
            raise misfits[0][1]
        wrong = [(member, tuple(problems_of(error))) for member, error in misfits]
        inside = [problems for _, problems in wrong if all(problem.path for problem in problems)]
        if len(inside) == 1:
            raise Misfit(inside[0])
        why = "; ".join(f"not {_name(m)}: {', '.join(map(str, problems[:_MANY]))}" for m, problems in wrong)
        raise ValueError(f"expected {expected} ({said(why, 500)})")

    return structured


_MANY = 10
"""So many problems of one member are told."""


def _union_hook(cls: Any, converter: Converter) -> Hook:
    hooks = [(member, partial(_called, converter.get_structure_hook(member), member)) for member in get_args(cls)]
    structured = first_that_fits(hooks)
    return lambda value, _: structured(value)


def _called(hook: Hook, cls: Any, value: Any) -> Any:
    return hook(value, cls)


def _class_hook(cls: Any, _: Converter) -> Hook:
    """Take a class; for `type[X]` one that is X or is derived from it. What values of X are like doesn't matter."""
    (base,) = get_args(cls) or (Any,)
    members = get_args(base) if get_origin(base) in {Union, UnionType} else [base]
    bases: Any = tuple(get_origin(each) or each for each in members)
    if Any in bases or not all(isinstance(each, type) and not is_protocol(each) for each in bases):
        bases = (object,)  # classes can't be asked about protocols, nor about type variables
    expected = "a class" if bases == (object,) else f"a subclass of {' or '.join(map(_name, bases))}"

    def structured(value: Any, _: Any) -> Any:
        if isinstance(value, type) and issubclass(value, bases):
            return value
        raise unexpected(expected, value)

    return structured


_MISSING = object()


def _protocol_hook(cls: Any, _: Converter) -> Hook:
    """Take what has all the members, as a protocol that is runtime_checkable does."""
    members = sorted(get_protocol_members(get_origin(cls) or cls))

    def structured(value: Any, _: Any) -> Any:
        missing = [name for name in members if getattr_static(value, name, _MISSING) is _MISSING]
        if missing:
            raise ValueError(f"{unexpected(_name(cls), value)}, which has no {missing[0]!r}")
        return value

    return structured


# A key of JSON is always text; what `unstructure` made of a mapping with int keys must come back.
_IntKey = NewType("_IntKey", int)


def _int_key(value: object, _: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if isinstance(value, int) and _is_int(value):
        return value
    raise unexpected("int", value)


def key_type(declared: Any) -> Any:
    """Return as what a key of a mapping is read that is declared as that."""
    return _IntKey if declared is int else declared


def _mapping_hook(cls: Any, converter: Converter) -> Hook:
    if get_args(cls)[:1] == (int,):
        return mapping_structure_factory(cls, converter, key_type=_IntKey)
    # Not converter.gen_structure_mapping, which registers what it makes, past the guard.
    return mapping_structure_factory(cls, converter)


def _tuple_hook(cls: Any, converter: Converter) -> Hook:
    if not get_args(cls) or Ellipsis in get_args(cls):
        return homogenous_tuple_structure_factory(cls, converter)
    return converter.gen_structure_hetero_tuple(cls)


def _namedtuple_hook(cls: Any, converter: Converter) -> Hook:
    # cattrs takes annotations as they stand, and they may be texts.
    hints = get_type_hints(cls, include_extras=True)
    items = tuple[tuple(hints.get(name, Any) for name in cls._fields)]  # type: ignore[misc, valid-type]  # made as it goes
    hook = converter.get_structure_hook(items)
    return lambda value, _: cls(*hook(value, items))


def _set_hook(cls: Any, converter: Converter) -> Hook:
    items = list_structure_factory(cls, converter)
    if (get_origin(cls) or cls) in {set, MutableSet}:
        return lambda value, cls: set[Any](items(value, cls))
    return lambda value, cls: frozenset[Any](items(value, cls))


def _record_hook(cls: Any, converter: Converter) -> Hook:
    return converter.gen_structure_attrs_fromdict(cls)


def _is_record(cls: Any) -> bool:
    return is_dataclass(get_origin(cls) or cls) or attrs.has(cls)


def _is_enum(cls: Any) -> TypeGuard[type[Enum]]:
    return isinstance(cls, type) and issubclass(cls, Enum)


def _is_set(cls: Any) -> bool:
    return (get_origin(cls) or cls) in {set, frozenset, AbstractSet, MutableSet}


def _is_tuple(cls: Any) -> bool:
    return (get_origin(cls) or cls) is tuple


def _is_namedtuple(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def _of_shape(make: Factory, shape: type | tuple[type, ...], expected: str) -> Factory:
    """Return `make`, guarded: cattrs takes whatever it can iterate over or index, be it a str."""

    def factory(cls: Any, converter: Converter) -> Hook:
        hook = make(cls, converter)
        own = get_origin(cls) or cls

        def structured(value: object, _: Any) -> Any:
            if _is_record(own) and isinstance(value, own):
                return value
            if not isinstance(value, shape):
                raise unexpected(expected, value)
            return hook(value, cls)

        return structured

    return factory


ITEMS = (list, tuple, AbstractSet, deque, UserList, array)
"""What a list may be made of; not whatever has items, text among it."""

_FACTORIES: tuple[tuple[Callable[[Any], bool], Factory], ...] = (
    (_is_record, _of_shape(_record_hook, Mapping, "an object")),
    (is_mapping, _of_shape(_mapping_hook, Mapping, "an object")),
    (is_sequence, _of_shape(homogenous_tuple_structure_factory, ITEMS, "a list")),
    (is_mutable_sequence, _of_shape(list_structure_factory, ITEMS, "a list")),
    (_is_tuple, _of_shape(_tuple_hook, ITEMS, "a list")),
    (_is_namedtuple, _of_shape(_namedtuple_hook, ITEMS, "a list")),
    (_is_set, _of_shape(_set_hook, ITEMS, "a list")),
    (lambda cls: get_origin(cls) in {Union, UnionType}, _union_hook),
    (lambda cls: get_origin(cls) is Literal, _literal_hook),
    (lambda cls: cls is type or get_origin(cls) is type, _class_hook),
    (lambda cls: is_protocol(get_origin(cls) or cls), _protocol_hook),
    (_is_enum, lambda cls, _: _enum_hook(cls)),
)


def _sorted(values: Iterable[object]) -> list[object]:
    plain = [unstructure(value) for value in values]
    try:
        return sorted(plain)
    except TypeError:
        return sorted(plain, key=repr)


def _items(values: Iterable[object]) -> list[object]:
    return [unstructure(value) for value in values]


def _items_of_mapping(values: Mapping[object, object]) -> dict[object, object]:
    return {unstructure(key): unstructure(value) for key, value in values.items()}


def _is_a(kind: type) -> Callable[[Any], bool]:
    """Tell subclasses as well: cattrs knows list and dict by name, and takes what it doesn't know to be plain."""
    return lambda cls: isinstance(own := get_origin(cls) or cls, type) and issubclass(own, kind)


def _register_all() -> None:
    for kind, (accepts, convert) in _SCALARS.items():
        _converter.register_structure_hook(kind, _scalar_hook(kind, accepts, convert))
    for kind, (parse, render) in _PARSED.items():
        _converter.register_structure_hook(kind, _parsed_hook(kind, parse))
        _converter.register_unstructure_hook(kind, render)
    for fits, factory in _FACTORIES:
        _converter.register_structure_hook_factory(fits, factory)
    _converter.register_structure_hook_func(lambda cls: cls is _IntKey, _int_key)
    _converter.register_structure_hook_func(
        lambda cls: cls is LiteralString, lambda value, _: _converter.structure(value, str)
    )
    _converter.register_unstructure_hook(str, lambda text: text.value if isinstance(text, Enum) else text)
    _converter.register_unstructure_hook_func(_is_set, _sorted)
    _converter.register_unstructure_hook_func(_is_a(Mapping), _items_of_mapping)
    _converter.register_unstructure_hook_func(lambda cls: is_sequence(cls) or is_mutable_sequence(cls), _items)
    _converter.register_unstructure_hook_func(_is_a(list), _items)
    _converter.register_unstructure_hook_func(lambda cls: get_origin(cls) in {Union, UnionType}, unstructure)
    _converter.register_unstructure_hook_func(_is_tuple, _items)
    _converter.register_unstructure_hook_func(_is_namedtuple, lambda value: tuple(_items(value)))


_register_all()

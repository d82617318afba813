"""Changes merged deeply into a typed value: a plan for each attrs class, worked out once.

A mapping onto an attrs value or onto a mapping goes in key by key; everything else, lists too, is replaced. Unknown
keys are refused: a typed state has none. Whatever is made here is validated, and frozen all the way down.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from difflib import get_close_matches
from operator import attrgetter
from typing import Any, Generic, TypeAlias, TypeVar, get_args, get_origin

import attrs

from jido_trio.data._codec import Misfit, structurer
from jido_trio.data._freeze import FrozenDict, FrozenList, freeze
from jido_trio.errors import InvalidDefinition

T = TypeVar("T")
Fit: TypeAlias = Callable[[Any], Any]
"""Returns a value as its field keeps it, or raises Misfit."""
Change: TypeAlias = Callable[[Any, Any], Any]
"""Returns what a field holds after a new value came onto the old one, or raises Misfit."""


def schema_of(cls: type[T]) -> "Schema[T]":
    """Return the plan of an attrs class.

    Raises:
        InvalidDefinition: The class, or one that its fields hold, is mutable or no attrs class.
    """
    if cls not in _SCHEMAS:
        _require_frozen(cls)
        record = _SCHEMAS[cls] = Schema(cls)
        try:
            record.compile()  # after it can be found: the node of a tree holds nodes
        except BaseException:
            del _SCHEMAS[cls]
            raise
    return _SCHEMAS[cls]


_SCHEMAS: dict[type, "Schema[Any]"] = {}


class Schema(Generic[T]):
    """How values of one attrs class are made and changed; a field goes by the name its constructor takes."""

    def __init__(self, cls: type[T]) -> None:
        self.cls = cls

    def compile(self) -> None:
        """Look up what every field takes; afterwards nothing is looked up any more."""
        _resolve_types(self.cls)
        fields = [field for field in _fields(self.cls) if field.init]
        self.names = tuple(str(field.alias) for field in fields)
        self.required = tuple(str(field.alias) for field in fields if field.default is attrs.NOTHING)
        self._now = _reader(self.names, [field.name for field in fields])
        self._attributes = {str(field.alias): field.name for field in fields}
        self._fits = {str(field.alias): _fit(field.type) for field in fields}
        # A converter decides what it takes, a default may be computed from other fields: these are looked at once
        # the constructor has run.
        self.late = tuple(str(field.alias) for field in fields if field.converter or _takes_self(field))
        takes = {name: _as_it_is if name in self.late else fit for name, fit in self._fits.items()}
        self._takes, self._required = takes, frozenset(self.required)
        self._puts = {name: _putting(fit) for name, fit in takes.items()}
        self._merges = {str(f.alias): _merging(takes[str(f.alias)], f.type) for f in fields}
        self._exact = {str(f.alias): f.type for f in fields if f.type in _EXACT and str(f.alias) not in self.late}
        self._defaults = dict(self._static_defaults(fields))

    def _static_defaults(self, fields: Iterable["attrs.Attribute[Any]"]) -> Iterator[tuple[str, Callable[[], Any]]]:
        for field in fields:
            name = str(field.alias)
            if field.default is attrs.NOTHING or name in self.late:
                continue
            factory = getattr(field.default, "factory", None)
            if factory is not None:
                yield name, _made_by(factory, self._fits[name])
            else:
                yield name, _always(self._checked_default(name, field.default))

    def _checked_default(self, name: str, default: object) -> object:
        try:
            return self._fits[name](default)
        except Misfit as misfit:
            raise InvalidDefinition(
                f"the default of {self.cls.__qualname__}.{name} doesn't fit its type: {misfit}"
            ) from None

    def make(self, values: Mapping[str, Any]) -> T:
        """Return a new value, defaults filled in."""
        return self._built(self.arguments(values))

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the constructor is to be given for `values`: checked and frozen, with defaults."""
        fits = self._takes
        try:
            given = {name: fits[name](value) for name, value in values.items()}
        except (KeyError, Misfit):  # again, the slow way, which tells all that is wrong
            pass
        else:
            if len(given) == len(self.names):
                return given
            if given.keys() >= self._required:
                return {name: default() for name, default in self._defaults.items() if name not in given} | given
        given = {name: default() for name, default in self._defaults.items() if name not in values}
        missing = [_at("required field missing", name) for name in self.required if name not in values]
        return self._changed(given, values, self._puts, missing)

    def check_some(self, values: Mapping[str, Any]) -> None:
        """Refuse values that don't fit; others may still be to come."""
        self._changed({}, values, self._puts, ())

    def merge(self, value: T, changes: Mapping[str, Any]) -> T:
        """Return `value` with `changes` merged into it, deeply."""
        merges, exact = self._merges, self._exact
        # Of a value all of whose fields are replaced nothing need be read.
        values = {} if len(changes) == len(self.names) else self._now(value)
        try:
            for name, new in changes.items():
                values[name] = new if type(new) is exact.get(name) else merges[name](values[name], new)
        except (KeyError, Misfit):  # again, the slow way, which reads all and tells all that is wrong
            values = self._changed(self._now(value), changes, merges, ())
        return self._built(values)

    def replace(self, value: T, changes: Mapping[str, Any]) -> T:
        """Return `value` with those fields replaced whole."""
        return self._built(self._changed(self._now(value), changes, self._puts, ()))

    def reset(self, value: T, names: Iterable[str]) -> T:
        """Return `value` with those fields back at their defaults; names it doesn't have are ignored."""
        gone = [name for name in names if name in self._fits]
        lasting = [_at("can't be deleted, it has no default", name) for name in gone if name in self.required]
        if lasting:
            raise Misfit(lasting)
        defaults = {name: self._defaults[name]() for name in gone if name in self._defaults}
        kept = {name: old for name, old in self._now(value).items() if name not in gone}
        return self._built(defaults | kept)

    def fit(self, value: object) -> T:
        """Return `value` checked and frozen all through; a mapping becomes a new value."""
        if isinstance(value, self.cls):
            return schema_of(type(value)).settled(value)
        if isinstance(value, Mapping):
            return self.make(value)
        raise Misfit([f"expected {self.cls.__qualname__} or a mapping, got {value!r:.80}"])

    def settled(self, value: T, names: Iterable[str] | None = None) -> T:
        """Return `value` with its fields (those named) checked and frozen: the very same when they were so."""
        fitted, problems = {}, []
        for name in self.names if names is None else names:
            attribute = self._attributes[name]
            old = getattr(value, attribute)
            try:
                new = self._fits[name](old)
            except Misfit as misfit:
                problems += _under(name, misfit)
                continue
            if new is not old:
                fitted[attribute] = new
        if problems:
            raise Misfit(problems)
        return _with(value, fitted) if fitted else value

    def _changed(
        self, values: dict[str, Any], changes: Mapping[str, Any], how: Mapping[str, Change], problems: Iterable[str]
    ) -> dict[str, Any]:
        wrong = list(problems)
        for name, new in changes.items():
            change = how.get(name)
            if change is None:
                wrong.append(_at(f"unknown field{self._did_you_mean(name)}", name))
                continue
            try:
                values[name] = change(values.get(name), new)
            except Misfit as misfit:
                wrong += _under(name, misfit)
        if wrong:
            raise Misfit(wrong)
        return values

    def _did_you_mean(self, name: object) -> str:
        near = get_close_matches(str(name), self.names, n=1)
        return f", did you mean {near[0]!r}?" if near else f" (known: {', '.join(self.names) or 'none'})"

    def _built(self, values: dict[str, Any]) -> T:
        try:
            value = self.cls(**values)
        except (ValueError, TypeError) as error:  # a validator says no
            raise Misfit([said(error)]) from None
        return self.settled(value, self.late) if self.late else value


def said(error: Exception) -> str:
    """Return the sentence of a validator's error: attrs' own put the parts it was made of after it."""
    return str(error.args[0]) if error.args else type(error).__name__


# What a field takes ----------------------------------------------------------------------------------------------


def _fit(declared: Any) -> Fit:
    if declared in _EXACT:
        return _exact(declared)
    if declared in (Any, object, None):
        return settled
    if isinstance(declared, type) and attrs.has(declared):
        return schema_of(declared).fit
    for cls in _classes_in(declared):
        if attrs.has(cls) or is_dataclass(cls):
            schema_of(cls)  # refuses what is mutable, now and not at the first value
    try:
        structured = structurer(declared)
    except Exception as error:  # cattrs' complaint about a type nobody can make of data
        raise InvalidDefinition(f"a field can't be declared as {declared!r}: {error}") from error
    return lambda value: settled(structured(value))


_EXACT = frozenset({int, str, bool})
"""Types whose values are kept as they are; most fields have one, so they get a short way."""


def _exact(cls: type) -> Fit:
    structured: Fit = structurer(cls)

    def fit(value: Any) -> Any:
        return value if type(value) is cls else structured(value)

    return fit


def _classes_in(declared: Any) -> Iterator[type]:
    for part in (get_origin(declared), declared):
        if isinstance(part, type):
            yield part
    for arg in get_args(declared):
        yield from _classes_in(arg)


def settled(value: Any) -> Any:
    """Return `value` frozen all through, attrs values in it included."""
    match value:
        case Mapping():
            return FrozenDict({key: settled(item) for key, item in value.items()})
        case list():
            return FrozenList(map(settled, value))
        case tuple() if type(value) is tuple:
            return tuple(map(settled, value))
        case set() | frozenset():
            return frozenset(map(settled, value))
    return _settled_record(value) if attrs.has(type(value)) else freeze(value)


def _settled_record(value: Any) -> Any:
    record = _SCHEMAS.get(type(value))
    if record is not None:
        return record.settled(value)
    if isinstance(value, BaseException):
        return value  # none is frozen: Python itself changes them when they are raised
    if not is_frozen(type(value)):
        raise Misfit(
            [f"a value of class {type(value).__qualname__} can be changed: declare its class with @attrs.frozen"]
        )
    fields = {field.name: getattr(value, field.name) for field in _fields(type(value))}
    changed = {name: new for name, old in fields.items() if (new := settled(old)) != old or type(new) is not type(old)}
    return _with(value, changed) if changed else value


def _as_it_is(value: Any) -> Any:
    return value


def _putting(fit: Fit) -> Change:
    return lambda _, new: fit(new)


def _merging(fit: Fit, declared: Any) -> Change:
    if declared in _EXACT and fit is not _as_it_is:
        return lambda _, new: fit(new)

    def change(old: Any, new: Any) -> Any:
        return fit(_merged(old, new) if isinstance(new, Mapping) else new)

    return change


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(new, Mapping):
        return new
    if isinstance(old, Mapping):
        return {**old, **dict(_merged_items(old, new))}
    return schema_of(type(old)).merge(old, new) if attrs.has(type(old)) else new


def _merged_items(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for key, item in new.items():
        yield key, under(key, _merged, old[key], item) if key in old else item


# Problems and their paths ----------------------------------------------------------------------------------------


def _at(problem: str, path: object) -> str:
    return f"{problem} @ {path}"


def under(step: object, make: Callable[..., T], *args: Any) -> T:
    """Return `make(*args)`; what is wrong with it is wrong at `step`, a field or a key."""
    try:
        return make(*args)
    except Misfit as misfit:
        raise Misfit(_under(step, misfit)) from None


def _under(name: object, misfit: Misfit) -> list[str]:
    """Return the problems of a field's value as problems of the value that holds the field."""
    return [_prefixed(str(name), problem) for problem in misfit.problems]


_PLACED = re.compile(r"(.*) @ ([\w.]*(?:\[[^\]]*\][\w.]*)*)", re.DOTALL)


def _prefixed(name: str, problem: str) -> str:
    placed = _PLACED.fullmatch(problem)
    if placed is None:
        return _at(problem, name)
    what, path = placed.groups()
    return _at(what, f"{name}{path}" if path.startswith("[") else f"{name}.{path}")


# attrs -----------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Frozen:
    """attrs gives all frozen classes one `__setattr__`: here is one to compare with."""


def is_frozen(cls: type) -> bool:
    """Whether `cls` is an attrs class whose values can't be changed."""
    return attrs.has(cls) and cls.__setattr__ is _Frozen.__setattr__


def _require_frozen(cls: type) -> None:
    if is_frozen(cls):
        return
    name = getattr(cls, "__name__", repr(cls))
    what = "a mutable attrs class" if attrs.has(cls) else "no attrs class"
    raise InvalidDefinition(
        f"{name} is {what}, but values of it are shared between an agent's past and future: "
        f"declare it with `@attrs.frozen class {name}: ...`"
    )


def _fields(cls: type) -> tuple["attrs.Attribute[Any]", ...]:
    return tuple(attrs.fields(cls))


def _resolve_types(cls: type) -> None:
    """Have attrs replace annotations given as text, here where a class local to a function still has its own name."""
    try:
        attrs.resolve_types(cls, localns={cls.__name__: cls})
    except NameError as error:
        raise InvalidDefinition(
            f"the annotations of {cls.__qualname__} can't be read: {error}. "
            "Import that name at run time (not under TYPE_CHECKING), or define it at the top of its module."
        ) from None


def _takes_self(field: "attrs.Attribute[Any]") -> bool:
    return bool(getattr(field.default, "takes_self", False))


def _reader(names: tuple[str, ...], attributes: list[str]) -> Callable[[Any], dict[str, Any]]:
    """Return what reads all fields of a value; the shorter forms are twice as fast for small states."""
    if not names:
        return lambda _: {}
    read = attrgetter(*attributes)
    if len(names) == 1:
        (only,) = names
        return lambda value: {only: read(value)}
    return lambda value: dict(zip(names, read(value), strict=True))


def _always(value: object) -> Callable[[], object]:
    return lambda: value


def _made_by(factory: Callable[[], Any], fit: Fit) -> Callable[[], object]:
    return lambda: fit(factory())


def _with(value: T, attributes: Mapping[str, object]) -> T:
    changed = copy.copy(value)
    for name, new in attributes.items():
        object.__setattr__(changed, name, new)  # how attrs fills a frozen value, too
    return changed

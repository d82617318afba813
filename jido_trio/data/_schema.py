"""The fields of an attrs class: how its values are made, checked and changed. Worked out once, whole, for each class.

What a converter, a default or `__attrs_post_init__` makes is looked at once the constructor has run. A change leaves
the other fields as they are: their converters don't run again, and fields that the constructor doesn't take are kept.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import attrs
from attrs import frozen

from jido_trio.checks import nearest
from jido_trio.data._codec import problems_of
from jido_trio.data._compile import Written, compiled_fill, compiled_make, compiled_merge, refused
from jido_trio.data._freeze import MAX_DEPTH, TOO_DEEP, depth_of, is_frozen, with_attributes
from jido_trio.data._generic import arguments_of, filled_in, with_self
from jido_trio.data._known import Known
from jido_trio.data._merge import Fitted, Free, Plan, quick, step_of
from jido_trio.data._plan import CONCEALED, EXACT, plan_for
from jido_trio.data._problem import Misfit, Problem, under
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import hide_in_repr, secret_fields, secret_texts, shown, without

T = TypeVar("T")


def schema_of(declared: type[T]) -> "Schema[T]":
    """Return the schema of an attrs class, of a generic one with its arguments: `Box[int]`.

    Raises:
        InvalidDefinition: The class, or one that its fields hold, is mutable or no attrs class; or a field is declared
            as something whose values can't be checked, or can't be frozen.
    """
    return _SCHEMAS.get(declared) or _built(declared, (), set())


_SCHEMAS = Known["Schema[Any]"]("schema")


@frozen
class Nested:
    """The plan of an attrs class within another, found when it is used: the node of a tree holds nodes."""

    declared: Any
    _schema: "Schema[Any] | None" = attrs.field(default=None, init=False, eq=False, repr=False)

    @property
    def schema(self) -> "Schema[Any]":
        """The schema of the class."""
        if self._schema is None:
            object.__setattr__(self, "_schema", schema_of(self.declared))
        return cast("Schema[Any]", self._schema)

    @property
    def quick(self) -> Plan:
        """The written out functions."""
        return QuickNested(self.declared)

    def fit(self, value: Any, /) -> Any:
        """Return a value checked and frozen."""
        return self._bounded(self.schema.fit_generally(value))

    def merge(self, old: Any, new: Any, /) -> Any:
        """Merge a mapping, put anything else in the place of the old value."""
        schema = self.schema
        if isinstance(new, Mapping) and isinstance(old, schema.cls):
            return self._bounded(schema.merge_generally(old, new))
        return self.replace(old, new)

    def replace(self, old: Any, new: Any, /) -> Any:
        """Put the new value in the place of the old one."""
        return self.fit(new) if isinstance(new, Mapping) else self._bounded(self.schema.replace(old, new))

    def _bounded(self, value: Any) -> Any:
        if self.schema.recursive and depth_of(value) > MAX_DEPTH:
            raise Misfit([TOO_DEEP])
        return value

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Put into a field."""
        return self.schema.put(old, path, new)

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Cut from a field, or put it back to its default."""
        return self.schema.cut(old, path)


class QuickNested(Nested):
    """The same within functions that are written out: what doesn't fit leaves all of them at once."""

    __slots__ = ()

    def fit(self, value: Any, /) -> Any:
        """Return a value checked and frozen."""
        schema = self.schema
        return self._bounded(schema.quick_make(value) if isinstance(value, Mapping) else schema.fit_generally(value))

    def merge(self, old: Any, new: Any, /) -> Any:
        """Merge a mapping, put anything else in the place of the old value."""
        schema = self.schema
        if isinstance(new, Mapping) and isinstance(old, schema.cls):
            return self._bounded(schema.quick_merge(old, new))
        return self.replace(old, new)


FREE = Free(Nested)


@frozen
class Field:
    """One field of a class."""

    name: str
    """What the constructor calls it."""
    attribute: str
    plan: Plan
    init: bool
    """Whether the constructor takes it."""
    kw_only: bool
    exact: type | None
    """Values of this very class fit as they are."""
    convert: Callable[[Any, Any], Any] | None
    """Takes the new value, as far as it is made, and what was given."""
    default: Callable[[Any], Any] | None
    """Takes the new value, as far as it is made; what it returns is not checked yet."""
    constant: Any
    """The default, checked and frozen, if it is always the same; otherwise attrs.NOTHING."""
    takes_self: bool
    """Whether the default depends on other fields."""

    @property
    def late(self) -> bool:
        """Whether its value is known only once the constructor has run."""
        return self.convert is not None or self.takes_self or not self.init

    def checked_default(self) -> Any:
        """Return the default of a field that isn't late, checked and frozen."""
        if self.constant is not attrs.NOTHING:
            return self.constant
        return under(self.name, self.plan.fit, self.default(None)) if self.default else attrs.NOTHING


Anew: TypeAlias = Literal["merge", "fit"]
"""What becomes of a new value that a converter has made: it is merged onto the old one, or put in its place."""


@frozen(eq=False)
class Schema(Generic[T]):
    """How values of one attrs class are made and changed; a field goes by the name its constructor takes.

    Raises:
        Misfit: What is given doesn't fit; with every problem.
    """

    cls: type[T]
    fields: tuple[Field, ...]
    names: tuple[str, ...]
    """The fields that the constructor takes."""
    required: tuple[str, ...]
    late: tuple[str, ...]
    """The attributes that are looked at once the constructor has run."""
    construct: Callable[..., T] | None
    """Makes a value of fields that are checked, a changed one too; None where that would convert what is not new."""
    by_name: Mapping[str, Field]
    recursive: bool
    """Whether its values may hold values of the same class: only these can be nested without end."""

    # Written out, each when it is used first: most are never called ------------------------------------------------

    @cached_property
    def quick_make(self) -> Callable[[Mapping[str, Any]], T]:
        """As `make`, but what doesn't fit may be told in any way; for what is written out for other classes."""
        if self.construct is None or self.late:
            return self.make_generally
        return compiled_make(self.construct, self._written, refused)

    @cached_property
    def quick_merge(self) -> Callable[[T, Mapping[str, Any]], T]:
        """As `merge`, in the same way."""
        if self.construct is None or self.late:
            return self.merge_generally
        return compiled_merge(self.construct, self.cls, self._written, self.merge_generally, refused)

    @cached_property
    def make(self) -> Callable[[Mapping[str, Any]], T]:
        """Returns a new value of some fields, defaults filled in."""
        if self.construct is None or self.late:
            return self.make_generally
        return compiled_make(self.construct, self._written, self.make_generally)

    @cached_property
    def merge(self) -> Callable[[T, Mapping[str, Any]], T]:
        """Returns the value with changes merged into it, deeply."""
        if self.construct is None or self.late:
            return self.merge_generally
        return compiled_merge(self.construct, self.cls, self._written, self.merge_generally)

    @cached_property
    def fill(self) -> Callable[[T, Mapping[str, Any]], None]:
        """Makes a value, which is empty, what `make` would return; for classes with an `__init__` of their own."""
        if self.construct is None or self.late:
            return self.fill_generally
        init: Any = getattr(self.cls, "__attrs_init__", self.cls.__init__)
        return compiled_fill(init, self._written, self.fill_generally)

    @property
    def _written(self) -> Sequence[Written]:
        return [_written(each) for each in self.fields]

    # Making --------------------------------------------------------------------------------------------------------

    def make_generally(self, values: Mapping[str, Any]) -> T:
        """Return a new value, whatever its class is like."""
        given = self.arguments(values)
        try:
            value = (self.construct or self.cls)(**given)
        except Exception as error:  # whatever a user's converter or validator raises says that the data doesn't fit
            raise Misfit(self._problems(error, given)) from error
        return self.settled(value, self.late) if self.late else value

    def fill_generally(self, value: T, values: Mapping[str, Any]) -> None:
        """Make `value`, which is empty, what `make` would return, whatever its class is like."""
        given = self.arguments(values)
        try:
            value.__attrs_init__(**given)  # type: ignore[attr-defined]  # attrs makes it
        except Exception as error:  # as in `make_generally`
            raise Misfit(self._problems(error, given)) from error
        for attribute, new in self._unsettled(value, self.late).items():
            object.__setattr__(value, attribute, new)

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the constructor is to be given for `values`: checked and frozen, with defaults."""
        given, wrong = self._taken(values, lambda each, new: new if each.late else each.plan.fit(new))
        wrong = [Problem("required field missing", (name,)) for name in self.required if name not in values] + wrong
        if wrong:
            raise Misfit(wrong)
        missing = (each for each in self.fields if not each.late and each.name not in given)
        return {each.name: each.checked_default() for each in missing} | given

    def check_some(self, values: Mapping[str, Any]) -> None:
        """Refuse values that don't fit; others may still be to come."""
        _, wrong = self._taken(values, lambda each, new: new if each.late else each.plan.fit(new))
        if wrong:
            raise Misfit(wrong)

    def _problems(self, error: Exception, given: Mapping[str, Any]) -> Iterable[Problem]:
        """Return what a converter or a validator says is wrong, the secrets left out."""
        secret = secret_fields(self.cls)
        if not secret:
            return problems_of(error)
        hide = secret_texts(given, secret)
        return [
            attrs.evolve(CONCEALED, path=each.path)
            if each.path and each.path[0] in secret
            else attrs.evolve(each, what=without(each.what, hide))
            for each in problems_of(error)
        ]

    def _taken(
        self, values: Mapping[str, Any], take: Callable[[Field, Any], Any]
    ) -> tuple[dict[str, Any], list[Problem]]:
        if not isinstance(values, Mapping):
            raise Misfit([f"expected a mapping, got {shown(values, 80)}"])
        taken, wrong = dict[str, Any](), list[Problem]()
        for name, new in values.items():
            each = self.by_name.get(name)
            if each is None:
                wrong.append(self._unknown(name))
                continue
            try:
                taken[name] = take(each, new)
            except Misfit as misfit:
                wrong += [problem.under(name) for problem in misfit.problems]
            except RecursionError:
                wrong.append(Problem("data nested too deeply", (name,)))
        return taken, wrong

    def _unknown(self, name: object) -> Problem:
        near = nearest(name, self.names)
        hint = f", did you mean {near!r}?" if near else f" (known: {', '.join(self.names) or 'none'})"
        return Problem(f"unknown field{hint}", (step_of(name),), is_unknown=True)

    # Checking ------------------------------------------------------------------------------------------------------

    def fit(self, value: object, /) -> T:
        """Return `value` checked and frozen all through; a mapping becomes a new value."""
        return self.make(value) if isinstance(value, Mapping) else self.fit_generally(value)

    def fit_generally(self, value: object, /) -> T:
        """Return `value` checked and frozen all through, whatever its class is like."""
        if isinstance(value, self.cls):
            return self.settled(value) if type(value) is self.cls else schema_of(type(value)).settled(value)
        if isinstance(value, Mapping):
            return self.make_generally(value)
        raise Misfit([f"expected {self.cls.__qualname__} or a mapping, got {shown(value, 80)}"])

    def replace(self, old: object, new: object, /) -> T:
        """Return `new`, as `fit` does, in the place of `old`, which is checked: what they share isn't looked at."""
        if type(new) is not type(old) or not isinstance(new, self.cls):
            return self.fit(new)
        return (self if type(new) is self.cls else schema_of(type(new))).settled(new, beside=old)

    def settled(self, value: T, attributes: Iterable[str] | None = None, beside: object = None) -> T:
        """Return `value` with its fields (those named) checked and frozen: the very same when they were so.

        What it shares with the checked value `beside` is so.
        """
        changed = self._unsettled(value, attributes, beside)
        return with_attributes(value, changed) if changed else value

    def _unsettled(self, value: T, attributes: Iterable[str] | None, beside: object = None) -> dict[str, Any]:
        changed, wrong = dict[str, Any](), list[Problem]()
        for each in self.fields:
            if attributes is not None and each.attribute not in attributes:
                continue
            old = getattr(value, each.attribute, attrs.NOTHING)
            if old is attrs.NOTHING or type(old) is each.exact:
                continue
            checked = getattr(beside, each.attribute, attrs.NOTHING)
            if old is checked:
                continue
            try:
                new = each.plan.fit(old) if checked is attrs.NOTHING else each.plan.replace(checked, old)
            except Misfit as misfit:
                wrong += [problem.under(each.name) for problem in misfit.problems]
                continue
            if new is not old:
                changed[each.attribute] = new
        if wrong:
            raise Misfit(wrong)
        return changed

    # Changing ------------------------------------------------------------------------------------------------------

    def merge_generally(self, value: T, changes: Mapping[str, Any]) -> T:
        """Return the value with changes merged into it, whatever its class is like."""
        if type(value) is not self.cls:
            return schema_of(type(value)).merge_generally(value, changes)
        merged, wrong = self._taken(
            changes, lambda each, new: new if each.convert else each.plan.merge(getattr(value, each.attribute), new)
        )
        if wrong:
            raise Misfit(wrong)
        return self._with(value, merged, "merge")

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> T:
        """Return `old` with `new` at the end of a path; what is no value of the class gives way to a new one."""
        if not path:
            return self.fit(new)
        if not isinstance(old, self.cls):
            return self.fit(FREE.put(None, path, new))
        if type(old) is not self.cls:
            return schema_of(type(old)).put(old, path, new)
        name, *rest = path
        each = self.by_name.get(cast("str", name))
        if each is None:
            raise Misfit([self._unknown(name)])
        if each.convert and not rest:
            return self._with(old, {each.name: new}, "fit")
        return self._with(old, {each.name: under(each.name, each.plan.put, getattr(old, each.attribute), rest, new)})

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Return `old` without what is at the end of a path: a field goes back to its default."""
        if not isinstance(old, self.cls):
            return old
        if type(old) is not self.cls:
            return schema_of(type(old)).cut(old, path)
        name, *rest = path
        each = self.by_name.get(cast("str", name))
        if each is None:
            return old
        if not rest:
            return self.reset(old, [each.name])
        there = getattr(old, each.attribute)
        inner = under(each.name, each.plan.cut, there, rest)
        return old if inner is there else self._with(old, {each.name: inner})

    def reset(self, value: T, names: Iterable[str]) -> T:
        """Return `value` with those fields back at their defaults; names it doesn't have are ignored."""
        if type(value) is not self.cls:
            return schema_of(type(value)).reset(value, names)
        gone = [each for name in names if (each := self.by_name.get(name)) is not None]
        lasting = [Problem("can't be deleted, it has no default", (e.name,)) for e in gone if e.name in self.required]
        if lasting:
            raise Misfit(lasting)
        return self._with(value, {each.name: _RESET if each.late else each.checked_default() for each in gone}, "fit")

    def _with(self, value: T, new: Mapping[str, Any], anew: Anew | None = None) -> T:
        """Return `value` with other fields, which are checked; those of a converter are so if `anew` says nothing."""
        try:
            if self.construct is None:
                return self._rebuilt(value, new, anew)
            values = {e.name: new[e.name] if e.name in new else getattr(value, e.attribute) for e in self.fields}
            return self.settled(self.construct(**values), self.late)
        except Exception as error:  # as in `make_generally`
            raise Misfit(self._problems(error, new)) from error

    def _rebuilt(self, value: T, new: Mapping[str, Any], anew: Anew | None) -> T:
        """Return `value` with other fields, past the constructor: what is not new is not converted again."""
        made: Any = object.__new__(self.cls)
        for each in self.fields:
            now = getattr(value, each.attribute, attrs.NOTHING)
            if each.name in new:
                now = under(each.name, self._renewed, each, made, now, new[each.name], anew)
            elif each.takes_self and not each.init:
                now = under(each.name, self._renewed, each, made, now, _RESET, anew)
            elif each.late and now is not attrs.NOTHING:  # checked already, but of a value that nobody has looked at
                now = under(each.name, each.plan.fit, now)
            if now is not attrs.NOTHING:
                object.__setattr__(made, each.attribute, now)
        if _caches_hash(self.cls):
            object.__setattr__(made, "_attrs_cached_hash", None)
        attrs.validate(made)
        if hasattr(made, "__attrs_post_init__"):
            made.__attrs_post_init__()
            return self.settled(made)
        return cast("T", made)

    def _renewed(self, each: Field, made: T, old: Any, new: Any, anew: Anew | None) -> Any:
        if new is _RESET and each.default is not None:
            new = each.default(made)
        if each.convert is None:
            return each.plan.fit(new) if each.late else new
        if anew is None:
            return new
        converted = each.convert(made, new)
        return each.plan.merge(old, converted) if anew == "merge" else each.plan.fit(converted)


_RESET: Any = object()
"""In the place of a new value: the default, as it is computed when the others are there."""


def _written(each: Field) -> Written:
    makes_default = None if each.constant is not attrs.NOTHING or each.default is None else each.checked_default
    return Written(
        each.name,
        each.attribute,
        quick(each.plan),
        each.exact,
        each.default is None,
        makes_default,
        each.constant,
        each.kw_only,
    )


# Building ----------------------------------------------------------------------------------------------------------


def _built(declared: Any, outer: tuple[Any, ...], recursive: set[Any]) -> Schema[Any]:
    """Return a schema.

    Args:
        declared: The class, or a generic one with its arguments.
        outer: The classes that are being built around it.
        recursive: Those of them that were found to hold values of their own class.
    """
    cls = _class_of(declared)
    _require_frozen(cls)
    _resolve_types(cls)
    hide_in_repr(cls)
    types, inner = arguments_of(declared), (*outer, declared)
    declarations = [(each, with_self(filled_in(each.type, types), declared)) for each in attrs.fields(cls)]
    fields = tuple(_field(cls, each, type_, inner, recursive) for each, type_ in declarations)
    taken = [each for each in fields if each.init]
    post = hasattr(cls, "__attrs_post_init__")
    schema = Schema(
        cls,
        fields,
        names=tuple(each.name for each in taken),
        required=tuple(each.name for each in taken if each.default is None),
        late=tuple(each.attribute for each in fields if each.late or post),
        construct=_constructor(cls) if all(each.init and each.convert is None for each in fields) else None,
        by_name={each.name: each for each in taken},
        recursive=declared in recursive,
    )
    _SCHEMAS.put(declared, schema)
    return schema


def _field(
    cls: type, each: "attrs.Attribute[Any]", declared: Any, outer: tuple[Any, ...], recursive: set[Any]
) -> Field:
    name = str(each.alias)
    plan = plan_for(declared, FREE, lambda nested: _nested(nested, outer, recursive))
    takes_self = bool(getattr(each.default, "takes_self", False))
    made = Field(
        name,
        each.name,
        plan,
        each.init,
        bool(each.kw_only),
        exact=declared if isinstance(declared, type) and declared in EXACT and isinstance(plan, Fitted) else None,
        convert=_convert(each),
        default=_default(each.default),
        constant=attrs.NOTHING,
        takes_self=takes_self,
    )
    if made.default is None or made.late:
        return made
    try:
        checked = plan.fit(made.default(None)) if _is_constant(each.default) else attrs.NOTHING
    except Misfit as misfit:
        raise InvalidDefinition(f"the default of {cls.__qualname__}.{name} doesn't fit its type: {misfit}") from None
    return attrs.evolve(made, constant=checked)


def _nested(declared: Any, outer: tuple[Any, ...], recursive: set[Any]) -> Plan:
    if declared in outer:
        recursive.update(outer[outer.index(declared) :])
    elif _SCHEMAS.get(declared) is None:
        _built(declared, outer, recursive)  # refuses what is mutable, now and not at the first value
    return Nested(declared)


def _is_constant(default: Any) -> bool:
    return not hasattr(default, "factory") or default.factory in (list, dict, set, tuple, frozenset)


def _default(default: Any) -> Callable[[Any], Any] | None:
    if default is attrs.NOTHING:
        return None
    factory = getattr(default, "factory", None)
    if factory is None:
        return lambda _: default
    return factory if default.takes_self else lambda _: factory()


def _convert(each: "attrs.Attribute[Any]") -> Callable[[Any, Any], Any] | None:
    converter: Any = each.converter
    if converter is None:
        return None
    if not isinstance(converter, attrs.Converter):
        return lambda _, value: converter(value)
    further: Any = converter

    def convert(made: Any, value: Any) -> Any:
        more = (made,) * further.takes_self + (each,) * further.takes_field
        return further.converter(value, *more)

    return convert


# attrs -------------------------------------------------------------------------------------------------------------


def _class_of(declared: Any) -> Any:
    from_alias = getattr(declared, "__origin__", None)
    return declared if from_alias is None else from_alias


def _require_frozen(cls: Any) -> None:
    if isinstance(cls, type) and is_frozen(cls):
        return
    name = getattr(cls, "__name__", repr(cls))
    what = "a mutable attrs class" if isinstance(cls, type) and attrs.has(cls) else "no attrs class"
    raise InvalidDefinition(
        f"{name} is {what}, but values of it are shared between an agent's past and future: "
        f"declare it with `@attrs.frozen class {name}: ...`"
    )


def _resolve_types(cls: type) -> None:
    """Have attrs replace annotations given as text, here where a class local to a function still has its own name."""
    try:
        attrs.resolve_types(cls, localns={cls.__name__: cls})
    except NameError as error:
        raise InvalidDefinition(
            f"the annotations of {cls.__qualname__} can't be read: {error}. "
            "Import that name at run time (not under TYPE_CHECKING), or define it at the top of its module, "
            "above the class."
        ) from None


def _constructor(cls: Any) -> Callable[..., Any] | None:
    """Return what makes a value of fields that are checked; None if only the class itself knows how."""
    author = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if "__attrs_attrs__" in vars(author) and "__attrs_init__" not in vars(author):
        return cast("Callable[..., Any]", cls)
    if not getattr(cls.__init__, "by_schema", False):
        return None
    new, fill = object.__new__, cls.__attrs_init__

    def construct(*args: Any, **named: Any) -> Any:
        made = new(cls)
        fill(made, *args, **named)
        return made

    return construct


def _caches_hash(cls: Any) -> bool:
    code = cls.__hash__.__code__ if hasattr(cls.__hash__, "__code__") else None
    return code is not None and "_attrs_cached_hash" in code.co_names

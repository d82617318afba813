"""Which plan the values of a declared type have."""

from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Reversible,
    Sequence,
)
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

import attrs
from attrs import field, frozen

from jido_trio.data._codec import first_that_fits, has_hook, key_type, problems_of, structurer
from jido_trio.data._freeze import TOO_DEEP, FrozenDict, FrozenList, freeze
from jido_trio.data._generic import is_name, named
from jido_trio.data._known import Known
from jido_trio.data._merge import Entries, Fitted, Free, Items, Maybe, Places, Plan, quick
from jido_trio.data._problem import Misfit, Problem
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import is_secret

Find: TypeAlias = Callable[[Any], Plan]
"""Returns the plan of an attrs class, generic ones with their arguments."""

EXACT = frozenset({int, str, bool})
"""Types whose values are kept as they are; most fields have one, so they get a short way."""


def plan_for(declared: Any, free: Free, nested: Find) -> Plan:
    """Return how values of a declared type are made and changed.

    Raises:
        InvalidDefinition: Its values can't be checked, or can't be frozen.
    """
    if declared in (Any, object, None):
        return free
    if is_name(declared):
        return _named(declared, free, nested)
    origin, args = get_origin(declared) or declared, get_args(declared)
    if has_hook(declared):
        return _whole(declared, free)
    if origin is Annotated or origin is Final:
        plan = plan_for(args[0], free, nested)
        return Concealed(plan) if is_secret(declared) else plan
    if hasattr(declared, "__supertype__"):
        return plan_for(declared.__supertype__, free, nested)
    if origin in (Union, UnionType):
        plan = _several(args, free, nested)
        return Concealed(plan) if is_secret(declared) else plan
    _refuse_changeable(declared)
    if isinstance(origin, type) and attrs.has(origin) and not issubclass(origin, BaseException):
        return nested(declared)
    if is_dataclass(origin):
        return nested(declared)  # which refuses it
    return _container(origin, args, free, nested) or _whole(declared, free)


def _named(declared: Any, free: Free, nested: Find) -> Plan:
    """Return the plan of what a name stands for; the name may be in it: `type Json = str | list[Json]`."""
    known = _PLANS.get(declared)
    if known is None:
        if declared in _BEGUN:
            return Named(declared, _BEGUN[declared])
        _BEGUN[declared] = begun = list[Plan]()
        try:
            begun.append(known := plan_for(named(declared), free, nested))
        finally:
            del _BEGUN[declared]
        _PLANS.put(declared, known)
    return known


_PLANS = Known[Plan]("plan")
"""Of types that have a name."""
_BEGUN: dict[Any, list[Plan]] = {}
"""Those that are being worked out: where the plan will be."""


@frozen
class Named:
    """The plan of a name within itself, found when it is used."""

    declared: Any
    _found: list[Plan] = field(eq=False, repr=False)
    """Where it is, once it is worked out."""

    @property
    def _plan(self) -> Plan:
        return self._found[0]  # it is used by values only, and these come later

    def fit(self, value: Any, /) -> Any:
        """Return a value checked and frozen."""
        try:
            return self._plan.fit(value)
        except RecursionError:
            raise Misfit([TOO_DEEP]) from None

    def merge(self, old: Any, new: Any, /) -> Any:
        """Merge as the plan says."""
        return self._plan.merge(old, new)

    def replace(self, old: Any, new: Any, /) -> Any:
        """Replace as the plan says."""
        return self._plan.replace(old, new)

    def put(self, old: Any, path: Sequence[Hashable], new: Any, /) -> Any:
        """Put as the plan says."""
        return self._plan.put(old, path, new)

    def cut(self, old: Any, path: Sequence[Hashable], /) -> Any:
        """Cut as the plan says."""
        return self._plan.cut(old, path)


def _several(members: tuple[Any, ...], free: Free, nested: Find) -> Plan:
    """Return the plan of a union: what may not be declared alone may not be a member of it either."""
    plans = [(each, plan_for(each, free, nested)) for each in members]
    some = [plan for each, plan in plans if each is not NoneType]
    if len(some) == 1 < len(plans):
        return Maybe(some[0])
    fit = first_that_fits([(_class_of(each), plan.fit) for each, plan in plans])

    def fitted(value: Any) -> Any:
        try:
            return fit(value)
        except ValueError as error:
            raise Misfit(problems_of(error)) from None

    return Fitted(fitted, free)


def _class_of(declared: Any) -> Any:
    """Return the class that a member of a union names, however it is written."""
    while True:
        if get_origin(declared) is Annotated:
            declared = get_args(declared)[0]
        elif hasattr(declared, "__supertype__"):
            declared = declared.__supertype__
        else:
            return declared


@frozen
class Concealed:
    """Of another plan; what doesn't fit is told without the value."""

    plan: Plan

    @property
    def quick(self) -> Plan:
        """The same of the written out functions."""
        return Concealed(quick(self.plan))

    def fit(self, value: Any, /) -> Any:
        """See `Plan`."""
        return _concealed(self.plan.fit, value)

    def merge(self, old: Any, new: Any, /) -> Any:
        """See `Plan`."""
        return _concealed(self.plan.merge, old, new)

    def replace(self, old: Any, new: Any, /) -> Any:
        """See `Plan`."""
        return _concealed(self.plan.replace, old, new)

    def put(self, old: Any, path: Sequence[Any], new: Any, /) -> Any:
        """See `Plan`."""
        return _concealed(self.plan.put, old, path, new)

    def cut(self, old: Any, path: Sequence[Any], /) -> Any:
        """See `Plan`."""
        return _concealed(self.plan.cut, old, path)


def _concealed(make: Callable[..., Any], *args: Any) -> Any:
    try:
        return make(*args)
    except Misfit:
        raise Misfit([CONCEALED]) from None


CONCEALED = Problem("a secret doesn't fit; it isn't shown")


def _container(origin: Any, args: tuple[Any, ...], free: Free, nested: Find) -> Plan | None:
    if origin in MAPPINGS:
        key, value = args if len(args) == 2 else (Any, Any)
        return Entries(plan_for(key_type(key), free, nested), plan_for(value, free, nested))
    if origin in KINDS:
        return Items(KINDS[origin], plan_for(args[0] if args else Any, free, nested))
    if origin is tuple:
        if not args or Ellipsis in args:
            return Items(tuple, plan_for(args[0] if args else Any, free, nested))
        return Places(tuple, free, places=[plan_for(each, free, nested) for each in args if each != ()])
    return None


MAPPINGS = frozenset({dict, Mapping, MutableMapping, FrozenDict, MappingProxyType})
KINDS: Mapping[Any, type] = {
    list: list,
    FrozenList: list,
    MutableSequence: list,
    Sequence: tuple,
    Collection: tuple,
    Reversible: tuple,
    Iterable: tuple,
    set: frozenset,
    frozenset: frozenset,
    AbstractSet: frozenset,
    MutableSet: frozenset,
}
"""As what the containers of Python are kept."""


def _refuse_changeable(declared: Any) -> None:
    """Refuse a class whose values can be changed, and that freezing would take from who declared it."""
    cls = get_origin(declared) or declared
    if not isinstance(cls, type) or cls in MAPPINGS or cls in KINDS or attrs.has(cls):
        return
    for kind, instead in _INSTEAD:
        if issubclass(cls, kind):
            raise InvalidDefinition(
                f"a field can't be declared as {_told(declared)}: a {cls.__name__} can be changed, and values are "
                f"shared between an agent's past and future. Declare it as {instead}, which takes one and keeps it "
                "frozen"
            )


_INSTEAD: tuple[tuple[Any, str], ...] = (
    ((bytearray, memoryview), "bytes"),
    (Mapping, "dict[..., ...]"),
    (MutableSequence, "list[...] or tuple[..., ...]"),
    (MutableSet, "frozenset[...]"),
)


def _told(declared: Any) -> str:
    return declared.__name__ if isinstance(declared, type) else str(declared)


def _whole(declared: Any, free: Free) -> Plan:
    try:
        structured = structurer(declared)
    except Exception as error:  # cattrs' complaint about a type nobody can make of data
        raise InvalidDefinition(f"a field can't be declared as {declared!r}: {error}") from error
    if declared in EXACT:
        return Fitted(_exact(declared, structured), free)
    if isinstance(declared, type) and declared in _UNCHANGING:
        return Fitted(structured, free)
    return Fitted(lambda value: freeze(structured(value)), free)


_UNCHANGING = frozenset({float, complex, bytes})


def _exact(cls: type, structured: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        return value if type(value) is cls else structured(value)

    return fit

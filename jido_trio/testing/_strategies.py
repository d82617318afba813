"""Hypothesis strategies: agents, states, actions and what `cmd` takes, from nothing but their classes."""

import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
from hypothesis import reject
from hypothesis import strategies as st

from jido_trio.core import Action, Agent, Instruction
from jido_trio.data import Misfit, schema_of, unstructure
from jido_trio.errors import InvalidParams

T = TypeVar("T")
V = TypeVar("V")
A = TypeVar("A", bound=Agent[Any])
Act = TypeVar("Act", bound=Action)


def plain_data() -> st.SearchStrategy[Any]:
    """Generate what JSON can say; no nan, which isn't even equal to itself."""
    scalars = st.none() | st.booleans() | st.integers() | _FINITE | st.text(max_size=5)
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    )


def fitting(declared: Any) -> st.SearchStrategy[Any]:
    """Generate values for a field annotated as `declared`."""
    if declared in (Any, object, None):
        return plain_data()
    if isinstance(declared, type) and attrs.has(declared):
        return states(declared)
    origin, args = get_origin(declared), [fitting(arg) for arg in _types_in(declared)]
    if origin in (Union, types.UnionType):
        return st.one_of(args)
    if origin is tuple:
        return st.lists(args[0], max_size=3).map(tuple) if Ellipsis in get_args(declared) else st.tuples(*args)
    if isinstance(origin, type):
        for abc, make in _CONTAINERS.items():
            if issubclass(origin, abc):
                return make(*args)
    return _FINITE if declared is float else st.from_type(declared)


def _types_in(declared: Any) -> Sequence[Any]:
    if get_origin(declared) is Literal:
        return ()
    return [arg for arg in get_args(declared) if arg is not Ellipsis]


_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_CONTAINERS: Mapping[type, Callable[..., st.SearchStrategy[Any]]] = {
    Mapping: lambda keys, values: st.dictionaries(keys, values, max_size=3),
    AbstractSet: lambda items: st.frozensets(items, max_size=3),
    Sequence: lambda items: st.lists(items, max_size=3),
}


def states(cls: type[T]) -> st.SearchStrategy[T]:
    """Generate values of a frozen attrs class; what its validators refuse is not generated."""
    return st.deferred(lambda: _made_of(arguments(cls), lambda values: _made(cls, values)))


@st.composite
def _made_of(draw: st.DrawFn, arguments: st.SearchStrategy[V], make: Callable[[V], T]) -> T:
    """Generate what `make` makes: unlike `map`, a counterexample shows the value, and not how it came to be."""
    return make(draw(arguments))


def _made(cls: type[T], values: Mapping[str, Any]) -> T:
    try:
        return schema_of(cls).make(values)
    except Misfit:
        reject()


def arguments(cls: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Generate what an attrs class can be made of, by name; its validators may still refuse it."""
    record = schema_of(cls)
    by_name = {str(field.alias): fitting(field.type) for field in attrs.fields(cls) if field.init}
    required = {name: values for name, values in by_name.items() if name in record.required}
    optional = {name: values for name, values in by_name.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def agents(cls: type[A]) -> st.SearchStrategy[A]:
    """Generate agents of a class, with whatever state."""

    def new(id: str, state: Any) -> A:
        return cls.new(id, state)

    new.__name__ = f"{cls.__name__}.new"  # so that a counterexample shows code to paste
    return st.builds(new, st.text(min_size=1, max_size=8), states(cls.record.cls))


def actions(cls: type[Act]) -> st.SearchStrategy[Act]:
    """Generate values of an action class; what its validators refuse is not generated."""
    return st.deferred(lambda: _made_of(arguments(cls), lambda params: _action(cls, params)))


def _action(cls: type[Act], params: Mapping[str, Any]) -> Act:
    try:
        return cls(**params)
    except InvalidParams:
        reject()


def commands(*classes: type[Action]) -> st.SearchStrategy[Any]:
    """Generate what `cmd` takes for these actions, in all its forms, with parameters that don't fit now and then."""
    single = st.one_of([form for cls in classes for form in _forms(cls)])
    return single | st.lists(single, max_size=4)


def _forms(cls: type[Action]) -> Sequence[st.SearchStrategy[Any]]:
    params = arguments(cls) | st.dictionaries(st.sampled_from([*schema_of(cls).names, "unknown"]), plain_data())
    context = st.dictionaries(st.sampled_from(["who", "why"]), plain_data())
    return (
        actions(cls),
        st.just(cls),
        st.tuples(st.just(cls), params),
        st.tuples(st.just(cls), params, context),
        st.builds(Instruction, st.just(cls), params, context),
    )


def changes(cls: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Generate mappings that can be merged into values of an attrs class: some fields, attrs values as mappings."""
    optional = {str(field.alias): _change(field.type) for field in attrs.fields(cls) if field.init}
    return st.fixed_dictionaries({}, optional=optional)


def _change(declared: Any) -> st.SearchStrategy[Any]:
    if isinstance(declared, type) and attrs.has(declared):
        return st.deferred(lambda: changes(declared)) | states(declared)
    return fitting(declared).map(unstructure)

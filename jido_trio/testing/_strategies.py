"""Hypothesis strategies: agents, states, actions and what they can be told, from nothing but their classes.

What types and validators say can be overridden for a class, wherever it is, or for a field of one: `overrides` holds
strategies by class, or by class and name, `(Take, "count")`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Annotated, Any, Literal, NewType, TypeAlias, TypeVar, Union, get_args, get_origin

import attrs
from hypothesis import reject
from hypothesis import strategies as st

from jido_trio.checks import did_you_mean
from jido_trio.core import Action, Agent, Instruction, Signal, Unrouted
from jido_trio.data import Misfit, schema_of, unstructure
from jido_trio.data.inner import arguments_of
from jido_trio.errors import InvalidDefinition, InvalidParams
from jido_trio.redact import shown
from jido_trio.testing._bounds import NOWHERE, Bounds, bounds_of
from jido_trio.testing._hints import hints_beside, hints_of, knows_zones
from jido_trio.testing._plain_values import NoValues, known
from jido_trio.testing._repertoire import of_the_runtime, repertoire, waits_for_an_outcome
from jido_trio.testing._scalars import scalar

Overrides: TypeAlias = Mapping[Any, st.SearchStrategy[Any]]
"""Strategies by class, or by class and name of a field: `{Take: ..., (Put, "count"): ...}`."""

NONE: Overrides = types.MappingProxyType({})

T = TypeVar("T")
V = TypeVar("V")
A = TypeVar("A", bound=Agent[Any])
Act = TypeVar("Act", bound=Action)


def plain_data(spoken: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    """Generate what JSON can say, now and then a value of these; no nan, which isn't even equal to itself."""
    scalars = st.none() | st.booleans() | st.integers() | _FINITE | st.text(max_size=5)
    keys = st.text(max_size=3)
    values, names = [one for one in spoken if not isinstance(one, bytes)], [one for one in spoken if type(one) is str]
    scalars = scalars | st.sampled_from(values) if values else scalars
    keys = keys | st.sampled_from(names) if names else keys
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


def fitting(declared: Any, *, overrides: Overrides = NONE) -> st.SearchStrategy[Any]:
    """Generate values for a field annotated as `declared`."""
    return _fitting(declared, checked(overrides), NOWHERE)


def _fitting(declared: Any, overrides: Overrides, bounds: Bounds) -> st.SearchStrategy[Any]:
    if isinstance(declared, type | NewType) and declared in overrides:
        return overrides[declared]
    if bounds.options is not None:
        return st.sampled_from(bounds.options)
    if isinstance(declared, NewType):
        return _fitting(declared.__supertype__, overrides, bounds)
    if get_origin(declared) is Annotated and not any(map(_is_a_limit, declared.__metadata__)):
        return _fitting(get_args(declared)[0], overrides, bounds)
    if declared in (Any, object, None):
        return plain_data(bounds.hints)
    if isinstance(declared, TypeVar):
        kinds = declared.__constraints__ or (declared.__bound__ or int,)
        return st.one_of([_fitting(kind, overrides, bounds) for kind in kinds])
    if isinstance(declared, type) and declared in _BARE:
        return _fitting(_BARE[declared], overrides, bounds)
    if isinstance(declared, type) and attrs.has(declared):
        return _states(declared, overrides)
    origin: Any = get_origin(declared)
    if origin in (Union, types.UnionType):
        return _any_of(declared, overrides, bounds)
    if isinstance(origin, type) and attrs.has(origin):
        given = dict(zip(getattr(origin, "__parameters__", ()), get_args(declared), strict=False))
        return st.deferred(lambda: _made_of(arguments(origin, overrides, given), lambda held: _made(origin, held)))
    if isinstance(origin, type) and origin is not Literal:
        return _container(declared, origin, overrides, bounds)
    return scalar(declared, bounds)


def _is_a_limit(said: object) -> bool:
    """Whether Hypothesis heeds it: a limit of annotated_types."""
    return type(said).__module__.partition(".")[0] == "annotated_types"


_BARE: Mapping[type, Any] = {
    list: list[Any],
    tuple: tuple[Any, ...],
    dict: dict[str, Any],
    set: set[int | str],
    frozenset: frozenset[int | str],
}


def _any_of(declared: Any, overrides: Overrides, bounds: Bounds) -> st.SearchStrategy[Any]:
    """Generate values of a union: of those of its types of which some can be made."""
    found, missing = list[st.SearchStrategy[Any]](), list[NoValues]()
    for arg in get_args(declared):
        try:
            found.append(_fitting(arg, overrides, bounds))
        except NoValues as none:
            missing.append(none)
    if not found:
        raise missing[0]
    return st.one_of(found)


def _container(declared: Any, origin: type, overrides: Overrides, bounds: Bounds) -> st.SearchStrategy[Any]:
    if Callable in (declared, origin):
        raise NoValues(declared)
    args = [arg for arg in get_args(declared) if arg is not Ellipsis]
    inside = [bounds.keys, bounds.items] if len(args) == 2 and issubclass(origin, Mapping) else [bounds.items] * 9
    parts = [_fitting(arg, overrides, bounds.of_part(inner)) for arg, inner in zip(args, inside, strict=False)]
    least, most = bounds.sizes
    if least > most:
        return st.nothing()
    if origin is tuple and not parts:
        return st.just(())
    if origin is tuple and Ellipsis not in get_args(declared):
        return st.tuples(*parts)
    for abc, make in _CONTAINERS.items():
        if issubclass(origin, abc):
            made = make(*parts, min_size=least, max_size=most)
            if abc is Mapping:
                return made | _spoken(args, bounds, least, most)
            made = _also_full(made, parts[0], bounds) if abc is Sequence else made
            return made.map(tuple) if origin is tuple else made
    return known(declared)


def _also_full(few: st.SearchStrategy[Any], part: st.SearchStrategy[Any], bounds: Bounds) -> st.SearchStrategy[Any]:
    """Generate lists of a few items; now and then of as many as there may be, or as the code speaks of.

    These are a few items again and again. Nothing asks whether there are any: a type may speak of itself.
    """
    least, most = bounds.sizes
    spoken = {one for one in (*bounds.hints, *bounds.beside, bounds.longest) if type(one) is int}
    longest = _FULL if bounds.longest is None else min(bounds.longest, _FULL)
    sizes = sorted(one for one in spoken if max(most + 1, least) <= one <= longest)
    if not sizes:
        return few
    size = st.sampled_from(sizes) if longest not in sizes else st.just(longest) | st.sampled_from(sizes)
    again = st.tuples(st.lists(part, min_size=1, max_size=3), size)
    full = again.map(lambda given: (given[0] * given[1])[: given[1]])
    return st.sampled_from((few, few, few, full)).flatmap(lambda one: one)


_FULL = 64


def _spoken(args: Sequence[Any], bounds: Bounds, least: int, most: int) -> st.SearchStrategy[Any]:
    """Generate mappings of nothing but texts that the code speaks of: it looks for those, and for several at once."""
    texts = [one for one in bounds.hints if type(one) is str]
    if not texts or args[0] is not str or args[-1] not in (str, Any, object) or bounds.keys or bounds.items:
        return st.nothing()
    return st.dictionaries(
        st.sampled_from(texts), st.sampled_from(texts), min_size=min(least, len(texts)), max_size=most
    )


_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_CONTAINERS: Mapping[type, Callable[..., st.SearchStrategy[Any]]] = {
    Mapping: st.dictionaries,
    AbstractSet: st.frozensets,
    Sequence: st.lists,
}


def checked(overrides: Overrides | None) -> Overrides:
    """Return overrides, each of which is of a class or of a field that there is.

    Raises:
        InvalidDefinition: One isn't, or is no strategy.
    """
    for key, strategy in (overrides or {}).items():
        cls, name = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        if not isinstance(cls, type | NewType):
            raise _refused(key, "is neither a class nor (class, name of a field)")
        if not isinstance(strategy, st.SearchStrategy):
            raise _refused(key, f"must be a Hypothesis strategy, not {shown(strategy)}")
        if name is not None:
            _check_field(cls, name)
    return overrides or NONE


def _check_field(cls: Any, name: object) -> None:
    names = schema_of(cls).names if isinstance(cls, type) and attrs.has(cls) else ()
    if name not in names:
        raise _refused((cls, name), f"is of no field that is given{did_you_mean(name, names)}")


def _refused(key: object, why: str) -> InvalidDefinition:
    return InvalidDefinition(f"the override of {shown(key)} {why}", field="overrides", value=key)


def states(cls: type[T], *, overrides: Overrides = NONE) -> st.SearchStrategy[T]:
    """Generate values of a frozen attrs class; what its validators refuse is not generated."""
    return _states(cls, checked(overrides))


def _states(cls: type[T], overrides: Overrides) -> st.SearchStrategy[T]:
    if cls in overrides:
        return overrides[cls]
    return st.deferred(lambda: _made_of(arguments(cls, overrides), lambda values: _made(cls, values)))


@st.composite
def _made_of(draw: st.DrawFn, arguments: st.SearchStrategy[V], make: Callable[[V], T]) -> T:
    """Generate what `make` makes: unlike `map`, a counterexample shows the value, and not how it came to be."""
    return make(draw(arguments))


def _made(cls: type[T], values: Mapping[str, Any]) -> T:
    try:
        return schema_of(cls).make(values)
    except Misfit:
        reject()


def arguments(
    cls: type[Any], overrides: Overrides = NONE, given: Mapping[Any, Any] = NONE
) -> st.SearchStrategy[dict[str, Any]]:
    """Return what an attrs class can be made of, by name; its validators may still refuse it.

    A field that has a default may be left out, unless it is overridden; and is, if no values can be made of its type.

    Args:
        cls: The class.
        overrides: Strategies by class, or by class and field.
        given: The types that its variables stand for.

    Raises:
        InvalidDefinition: No values can be made for a field that must be given.
    """
    fields = {str(field.alias): field for field in attrs.fields(cls) if field.init}
    must = {name for name, field in fields.items() if (cls, name) in overrides or field.type in overrides}
    must |= set(schema_of(cls).required)
    by_name = _by_name(cls, fields, overrides, {**arguments_of(cls), **given})
    for name in must - by_name.keys():
        raise InvalidDefinition(
            f"no values of type {shown(fields[name].type)} can be made for field {name!r} of {cls.__name__}: give a "
            f"strategy, overrides={{({cls.__name__}, {name!r}): ...}}",
            field="overrides",
            value=fields[name].type,
        )
    required = {name: values for name, values in by_name.items() if name in must}
    optional = {name: values for name, values in by_name.items() if name not in required}
    some = st.fixed_dictionaries(required, optional=optional)
    return some | st.fixed_dictionaries({**required, **optional}) if optional else some


def _by_name(
    cls: type[Any], fields: Mapping[str, attrs.Attribute[Any]], overrides: Overrides, given: Mapping[Any, Any]
) -> dict[str, st.SearchStrategy[Any]]:
    """Return strategies for the fields of which values can be made."""
    found = dict[str, st.SearchStrategy[Any]]()
    for name, field in fields.items():
        with suppress(NoValues):
            found[name] = _field(cls, field, overrides, given)
    return found


def _field(
    cls: type[Any], field: attrs.Attribute[Any], overrides: Overrides, given: Mapping[Any, Any] = NONE
) -> st.SearchStrategy[Any]:
    own = overrides.get((cls, str(field.alias)))
    if own is not None:
        return own
    bounds = attrs.evolve(
        bounds_of(field.validator), hints=hints_of(cls), beside=hints_beside(cls), zoned=knows_zones(cls)
    )
    made = _fitting(_with_given(field.type, given), overrides, bounds)
    return _passing(made, field) if bounds.unread else made


_TRIES = 8
"""So many values are tried on a validator of which nothing is known, until one passes."""


@st.composite
def _passing(draw: st.DrawFn, made: st.SearchStrategy[Any], field: attrs.Attribute[Any]) -> Any:
    """Generate values that pass a validator, as far as that can be told of one by itself; of each few it may refuse."""
    value = draw(made)
    for _ in range(_TRIES):
        if _passes(field, value):
            break
        value = draw(made)
    return value


def _passes(field: attrs.Attribute[Any], value: Any) -> bool:
    validate: Any = field.validator
    try:
        validate(_NOBODY, field, value)
    except AttributeError:  # it asks what else there is
        return True
    except Exception:  # noqa: BLE001 - by whatever it says no
        return False
    return True


_NOBODY = object()
"""Stands in for who has the field."""


def _with_given(declared: Any, given: Mapping[Any, Any]) -> Any:
    """Return a type with what its variables stand for."""
    if isinstance(declared, TypeVar):
        return given.get(declared, declared)
    variables = getattr(declared, "__parameters__", ())
    if isinstance(declared, type) or not variables or not given:
        return declared
    return declared[tuple(given.get(one, one) for one in variables)]


def agents(cls: type[A], *, reachable: bool = False, overrides: Overrides = NONE) -> st.SearchStrategy[A]:
    """Generate agents of a class, with whatever state; or, if `reachable`, in states that commands lead to.

    A reachable agent begins as the class says, and is told up to twelve things.

    Raises:
        InvalidDefinition: The state has no defaults to begin with, or the agent can't be told anything.
    """
    overrides = checked(overrides)
    if cls in overrides:
        return overrides[cls]
    if reachable:
        begun = fresh(cls)
        if begun is None:
            raise InvalidDefinition(
                f"agent {cls.name!r} can't begin without a state, so none is reachable: give its fields defaults"
            )
        told = st.lists(steps(cls, repertoire(cls, overrides), overrides), max_size=LONGEST_SEQUENCE)
        return _made_of(st.tuples(begun, told), lambda given: agent_after(*given))

    def new(id: str, state: Any) -> A:
        return cls.new(id, state)

    new.__name__ = f"{cls.__name__}.new"  # so that a counterexample shows code to paste
    own = overrides.get(cls.record.cls)
    return st.builds(new, _ANY_ID, _fitting(cls._state_type, overrides, NOWHERE) if own is None else own)


def fresh(cls: type[A]) -> st.SearchStrategy[A] | None:
    """Generate agents as they begin; None if a state has no defaults."""
    if cls.record.required:
        return None
    try:
        cls.new("a")
    except Exception:  # noqa: BLE001 - of a default, or of its strategy
        return None
    return _IDS.map(cls.new)


def agent_after(agent: A, steps: Sequence[Any]) -> A:
    """Return an agent after it was told these things, one after the other: signals, or what `cmd` takes.

    What raises leaves it as it was, as it does when it lives.
    """
    for step in steps:
        try:
            answer = agent.receive(step) if isinstance(step, Signal) else agent.cmd(step)
        except Exception:  # noqa: BLE001, S112 - the laws are about that; this is about states
            continue
        agent = agent if isinstance(answer, Unrouted) else answer[0]
    return agent


def actions(cls: type[Act], *, overrides: Overrides = NONE) -> st.SearchStrategy[Act]:
    """Generate values of an action class; what its validators refuse is not generated."""
    return _actions(cls, checked(overrides))


def _actions(cls: type[Act], overrides: Overrides) -> st.SearchStrategy[Act]:
    if cls in overrides:
        return overrides[cls]
    return st.deferred(lambda: _made_of(arguments(cls, overrides), lambda params: _action(cls, params)))


def _action(cls: type[Act], params: Mapping[str, Any]) -> Act:
    try:
        return cls(**params)
    except InvalidParams:
        reject()


def commands(*classes: type[Action], overrides: Overrides = NONE) -> st.SearchStrategy[Any]:
    """Generate what `cmd` takes for these actions, in all its forms, with parameters that don't fit now and then."""
    checked_ones = checked(overrides)
    single = st.one_of([form for cls in classes for form in _forms(cls, checked_ones)])
    return single | st.lists(single, max_size=4)


def _forms(cls: type[Action], overrides: Overrides) -> Sequence[st.SearchStrategy[Any]]:
    fitting_ones = arguments(cls, overrides)
    params = fitting_ones | st.dictionaries(st.sampled_from([*schema_of(cls).names, "unknown"]), plain_data())
    context = st.dictionaries(st.sampled_from(["who", "why"]), plain_data())
    return (
        _actions(cls, overrides),
        st.just(cls),
        st.tuples(st.just(cls), params),
        st.tuples(st.just(cls), params, context),
        st.builds(Instruction, st.just(cls), params, context),
    )


LONGEST_SEQUENCE = 12
"""Things that an agent is told in a row, at most."""


def command_sequences(
    cls: type[Agent[Any]], *, max_size: int = LONGEST_SEQUENCE, overrides: Overrides = NONE
) -> st.SearchStrategy[tuple[Any, ...]]:
    """Generate what an agent can be told in a row: actions, classes with parameters, signals that its routes know.

    Raises:
        InvalidDefinition: It can't be told anything.
    """
    told = repertoire(cls, checked(overrides))
    return st.lists(steps(cls, told, overrides), max_size=max_size).map(tuple)


def steps(
    cls: type[Agent[Any]], told: Sequence[type[Action]], overrides: Overrides, *, made: bool = False
) -> st.SearchStrategy[Any]:
    """Generate one thing that an agent can be told, of these actions or by its routes; each action made, or not."""
    tellings = [form for one in told for form in _tellings(one, _contexts(cls, one), overrides, made=made)]
    return st.one_of(*tellings, *map(_signal, _known_signals(cls, overrides)))


def _contexts(cls: type[Agent[Any]], action: type[Action]) -> Sequence[Mapping[str, Any]]:
    """Return what each route to an action gives it as its context."""
    routed = [route.target.context for route in cls.router.routes if route.target.action_class is action]
    return [dict(context) for context in routed]


def _tellings(
    action: type[Action], contexts: Sequence[Mapping[str, Any]], overrides: Overrides, *, made: bool
) -> Iterator[st.SearchStrategy[Any]]:
    """Generate an action, and its class with parameters; with the context of a route where each route has one."""
    if all(contexts) and contexts:
        given = arguments(action, overrides) if action not in overrides else overrides[action].map(attrs.asdict)
        yield st.tuples(st.just(action), given, st.sampled_from(contexts))
        return
    yield _actions(action, overrides)
    if action not in overrides and not made:
        yield st.tuples(st.just(action), arguments(action, overrides))


def signals(cls: type[Agent[Any]], *, overrides: Overrides = NONE) -> st.SearchStrategy[Signal]:
    """Generate signals that the routes of an agent class know, with data that fits their actions.

    Raises:
        InvalidDefinition: It has no routes.
    """
    return st.one_of(list(map(_signal, known_signals(cls, checked(overrides)))))


_IDS = st.text("abcxyz", min_size=1, max_size=4)
_ANY_ID = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=8)
"""What may be an id also where a signal names its agent."""
_TIME = "2024-05-06T07:08:09Z"
_SUBJECTS: st.SearchStrategy[str | None] = st.sampled_from([None, None, "a", "order/7"])


def known_signals(cls: type[Agent[Any]], overrides: Overrides) -> Sequence[Known]:
    """Return what is to be said in signals that the routes of an agent class know.

    Raises:
        InvalidDefinition: It has no routes.
    """
    found = tuple(_known_signals(cls, overrides))
    if not found:
        raise InvalidDefinition(f"agent {cls.name!r} has no routes, so it knows no signal: declare routes={{...}}")
    return found


def _known_signals(cls: type[Agent[Any]], overrides: Overrides) -> Iterator[Known]:
    for route in cls.router.routes:
        signal_type = ".".join("some" if part in ("*", "**") else part for part in route.pattern.split("."))
        action = route.target.action_class
        if of_the_runtime(action) or waits_for_an_outcome(action, overrides):
            continue
        data = arguments(action, overrides) if action not in overrides else overrides[action].map(attrs.asdict)
        yield Known(signal_type, data)


@attrs.frozen
class Known:
    """Signals of a type that a route knows."""

    type: str
    data: st.SearchStrategy[Any]
    """What they say."""


def signal_of(draw: st.DrawFn, known: Known) -> Signal:
    """Draw a signal, in as few draws as it can be: each takes as long as an agent takes to handle it."""
    subject = draw(_SUBJECTS)
    return Signal(
        known.type, unstructure(draw(known.data)), source="/check", id=draw(_IDS), time=_TIME, subject=subject
    )


_signal = st.composite(signal_of)


def changes(cls: type[Any], *, overrides: Overrides = NONE) -> st.SearchStrategy[dict[str, Any]]:
    """Generate mappings that can be merged into values of an attrs class: some fields, attrs values as mappings."""
    checked_ones, optional = checked(overrides), dict[str, st.SearchStrategy[Any]]()
    for field in attrs.fields(cls):
        if field.init:
            with suppress(NoValues):
                optional[str(field.alias)] = _change(cls, field, checked_ones)
    return st.fixed_dictionaries({}, optional=optional)


def _change(cls: type[Any], field: attrs.Attribute[Any], overrides: Overrides) -> st.SearchStrategy[Any]:
    declared = field.type
    if isinstance(declared, type) and attrs.has(declared) and (cls, field.alias) not in overrides:
        return st.deferred(lambda: changes(declared, overrides=overrides)) | _states(declared, overrides)
    return _field(cls, field, overrides).map(unstructure)

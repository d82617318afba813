"""The laws of typed frozen values, over attrs classes that are drawn: declared, made, changed, frozen, written, read.

Written out functions and the general ones always agree, errors included.
"""

import enum
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date
from functools import partial
from typing import Any, Literal, NamedTuple

import attrs
import pytest
from attrs import Factory, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.data import FrozenDict, FrozenList, Misfit, fingerprint, freeze, schema_of, structure, unstructure
from jido_trio.testing import fitting, plain_data


class Right(enum.Flag):
    READ = 1
    WRITE = 2
    EXECUTE = 4


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"


@frozen
class Leaf:
    size: int = 0
    words: list[str] = field(factory=list)


class Place(NamedTuple):
    x: int
    y: int


TYPES: list[Any] = [
    int,
    str,
    bool,
    Any,
    date,
    Color,
    Right,
    Leaf,
    Literal["a", "b", 3],
    int | None,
    Leaf | None,
    int | str,
    list[int],
    list[Leaf],
    tuple[int, ...],
    tuple[int, str],
    Sequence[str],
    frozenset[int],
    dict[str, int],
    dict[int, list[int]],
    Mapping[str, Leaf],
    dict[str, dict[str, int]],
    dict[str, Any],
]


def doubled(value: Any) -> Any:
    """As a converter that mustn't run twice: for all whose sum is the same kind."""
    return value * 2 if type(value) in (int, str, list, tuple, FrozenList) else value


@st.composite
def classes(draw: st.DrawFn) -> type[Any]:
    """An attrs class of up to five fields: with defaults, converters, validators, private names, in slots or not."""
    fields: dict[str, Any] = {}
    types: dict[str, Any] = {}
    for number in range(draw(st.integers(0, 5))):
        name = draw(st.sampled_from(["", "_"])) + f"f{number}"
        declared = types[name] = draw(st.sampled_from(TYPES))
        options: dict[str, Any] = {"kw_only": draw(st.booleans())}
        default = draw(fitting(declared))
        kind = draw(st.sampled_from(["required", "constant", "factory", "own"]))
        if kind == "required":
            options["kw_only"] = True
        elif kind == "constant":
            options["default"] = default
        elif kind == "factory":
            options["default"] = Factory(partial(_answer, default))
        else:
            options["default"] = Factory(partial(_answer, default), takes_self=True)
            options["init"] = draw(st.booleans())
        if draw(st.integers(0, 3)) == 0:
            options["converter"] = doubled
        if draw(st.integers(0, 3)) == 0:
            options["validator"] = _not_seven
        fields[name] = attrs.field(type=declared, **options)
    slots, cache = draw(st.booleans()), draw(st.booleans())
    drawn: Any = attrs.make_class  # mypy doesn't know all that it takes
    made: type[Any] = drawn("Drawn", fields, frozen=True, slots=slots, unsafe_hash=cache, cache_hash=cache)
    return made


def _answer(value: Any, _: object = None) -> Any:
    return value


def _not_seven(_: object, __: object, value: object) -> None:
    if value == 7:
        raise ValueError("seven")


@st.composite
def classes_and_values(draw: st.DrawFn) -> tuple[type[Any], dict[str, Any], dict[str, Any]]:
    """A class, what to make a value of, and what to change of it; now and then something that doesn't fit."""
    cls = draw(classes())
    taken = [each for each in attrs.fields(cls) if each.init]
    fit = {str(each.alias): fitting(each.type) for each in taken}
    odd = {name: values | plain_data() for name, values in fit.items()}
    given = draw(st.fixed_dictionaries(fit) | st.fixed_dictionaries({}, optional=odd))
    changes = draw(st.fixed_dictionaries({}, optional=odd))
    if draw(st.integers(0, 9)) == 0:
        changes["unknown"] = 1
    return cls, given, changes


def outcome(make: Any, *args: Any) -> Any:
    try:
        return make(*args)
    except Misfit as misfit:
        return misfit


def changeable(value: Any) -> bool:
    """Whether anything in a value can be changed."""
    if attrs.has(type(value)):
        return any(changeable(getattr(value, each.name)) for each in attrs.fields(type(value)))
    if isinstance(value, dict):
        return type(value) is not FrozenDict or any(map(changeable, value.values()))
    if isinstance(value, list):
        return type(value) is not FrozenList or any(map(changeable, value))
    return isinstance(value, set) or (isinstance(value, tuple | frozenset) and any(map(changeable, value)))


@given(classes_and_values())
def test_written_out_and_general_functions_agree_errors_included(drawn):
    cls, given_, changes = drawn
    schema = schema_of(cls)

    made = outcome(schema.make, given_)

    assert made == outcome(schema.make_generally, given_)
    if not isinstance(made, Misfit):
        assert outcome(schema.merge, made, changes) == outcome(schema.merge_generally, made, changes)


@given(classes_and_values())
def test_whatever_is_made_or_changed_is_frozen_and_fits(drawn):
    cls, given_, changes = drawn
    schema = schema_of(cls)
    made = outcome(schema.make, given_)
    if isinstance(made, Misfit):
        return
    changed = outcome(schema.merge, made, changes)

    for value in (made, made if isinstance(changed, Misfit) else changed):
        assert not changeable(value)
        assert schema.fit(value) is value
        assert freeze(value) is value


@given(classes_and_values())
def test_a_change_leaves_every_other_field_the_very_same(drawn):
    cls, given_, changes = drawn
    schema = schema_of(cls)
    made = outcome(schema.make, given_)
    changed = made if isinstance(made, Misfit) else outcome(schema.merge, made, changes)
    if isinstance(changed, Misfit):
        return

    for each in attrs.fields(cls):
        if each.init and each.alias not in changes:
            assert getattr(changed, each.name) is getattr(made, each.name)
        elif not each.init and each.converter is None:
            assert getattr(changed, each.name) == getattr(made, each.name)


@given(classes_and_values())
def test_a_value_that_is_written_and_read_again_is_equal_where_nothing_converts(drawn):
    cls, given_, _ = drawn
    made = outcome(schema_of(cls).make, given_)
    fields = attrs.fields(cls)
    if isinstance(made, Misfit) or any(each.converter or not each.init or each.alias != each.name for each in fields):
        return

    assert structure(unstructure(made), cls) == made
    assert schema_of(cls).make(unstructure(made)) == made


@frozen
class Table:
    rows: dict[str, dict[str, int]] = field(factory=dict)
    any: Any = None
    leaf: Leaf | None = None
    leaves: dict[str, Leaf] = field(factory=dict)


steps = st.sampled_from(["rows", "any", "leaf", "leaves", "a", "b", "size", "words", "x [a] @ q"])
paths = st.lists(steps, min_size=1, max_size=4).map(tuple)


@given(st.data(), paths, plain_data())
def test_what_is_put_at_a_path_is_there_and_a_cut_takes_it_away(data, path, new):
    schema = schema_of(Table)
    table = schema.make(data.draw(st.fixed_dictionaries({}, optional={"rows": fitting(dict[str, dict[str, int]])})))

    after = outcome(schema.put, table, path, new)

    if not isinstance(after, Misfit):
        assert there(after, path) == new or isinstance(new, Mapping)
        assert not changeable(after)
        less = schema.cut(after, path)
        assert not changeable(less)
        assert schema.fit(less) is less
        assert there(less, path[1:] and path) is None or not isinstance(there(less, path[:-1]), Mapping)


def there(value: Any, path: Sequence[str]) -> Any:
    """What is at the end of a path; None if nothing is."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
    return value


@given(st.lists(steps, min_size=1, max_size=4), plain_data())
def test_a_problem_is_told_where_it_is(keys, value):
    @frozen
    class Deep:
        it: dict[str, dict[str, dict[str, dict[str, int]]]]

    nested: Any = [value]
    for key in reversed(keys):
        nested = {key: nested}
    with pytest.raises(Misfit) as caught:
        schema_of(Deep).make({"it": nested})

    (problem,) = caught.value.problems
    assert problem.path[0] == "it"
    assert [step.key for step in problem.path[1:]] == keys  # type: ignore[union-attr]  # they are keys


@frozen
class Row:
    name: Any
    inside: Any = ()


def rows() -> st.SearchStrategy[list[Row]]:
    """Values in a list long enough that their prints are remembered; in some, something can change."""
    changeable = st.lists(st.integers(), max_size=2)
    inside = st.one_of(changeable, st.tuples(changeable), plain_data().map(freeze), st.builds(Row, changeable))
    return st.lists(st.builds(Row, st.integers(), inside), min_size=8, max_size=10)


def lists_in(value: Any) -> list[list[Any]]:
    if isinstance(value, Row):
        return lists_in(value.inside)
    if isinstance(value, tuple):
        return [found for each in value for found in lists_in(each)]
    return [value] if type(value) is list else []


EDITS = st.tuples(st.sampled_from(["add", "add again", "replace", "change inside", "put deeper"]), st.integers(0, 20))


@given(rows(), st.lists(EDITS, max_size=8))
def test_a_print_is_the_same_whatever_was_printed_before(rows, edits):
    for edit, number in edits:
        at = number % len(rows)
        if edit == "add":
            rows = [*rows, Row(number)]
        elif edit == "add again":
            rows = [*rows, rows[at]]
        elif edit == "replace":
            rows = [*rows[:at], Row(number, rows[at]), *rows[at + 1 :]]
        elif edit == "change inside":
            for each in lists_in(rows[at]):
                each.append(number)
        state: Any = tuple(rows)
        for _ in range(95 + number if edit == "put deeper" else 0):  # there is room for 110
            state = (state,)
        assert fingerprint(state) == fingerprint(deepcopy(state))

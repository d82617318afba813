"""The schema that a tool exports takes exactly the JSON that the tool reads; jsonschema is the judge."""

import json
import re
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, Flag
from types import GenericAlias
from typing import Any, Literal
from uuid import UUID

import jsonschema
import pytest
from attrs import field, frozen, validators
from hypothesis import given, settings
from hypothesis import strategies as st

from jido_trio import Action, Context, InvalidDefinition, Result
from jido_trio.core import tool_of
from jido_trio.errors import InvalidArguments


class Colour(Enum):
    RED = "red"
    TWO = 2


class Access(Flag):
    READ = 1
    WRITE = 2


@frozen
class Leaf:
    a: int
    b: str | None = None


@frozen
class Tree:
    leaf: Leaf
    inside: "list[Tree]" = field(factory=list)


TEXTS = st.sampled_from(
    [
        "",
        "a",
        "red",
        "READ",
        "1",
        "01",
        "-1",
        "1.5",
        "1\n",
        "aGk=",
        "aGk",
        "2026-01-31",
        "2026-02-30",
        "09:30",
        "24:00",
        "2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00",
        "0000-01-01T00:00:00Z",
        "2026-01-31T09:30:00.5+23:59",
        "12345678-1234-5678-1234-567812345678",
        "{12345678123456781234567812345678}",
        "٣",
        "1e5",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.0, 1.0, 2.5, -0.0, 1e300]) | TEXTS
NAMES = st.sampled_from(["a", "b", "leaf", "inside", "x", "red", "1", "01", ""])
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))

SIMPLE = st.sampled_from(
    [
        int,
        str,
        bool,
        float,
        None,
        datetime,
        date,
        time,
        Decimal,
        UUID,
        bytes,
        Colour,
        Access,
        Leaf,
        Tree,
        object,
        Literal["a", 1],
        Literal[True, "b"] | None,
        dict[int, int],
        dict[str, bool],
    ]
)
TYPES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        inner.map(lambda t: GenericAlias(list, t)),
        inner.map(lambda t: GenericAlias(dict, (str, t))),
        inner.map(lambda t: GenericAlias(tuple, (t, ...))),
        st.tuples(inner, inner).map(lambda ts: GenericAlias(tuple, ts)),
        st.tuples(inner, inner).map(lambda ts: ts[0] | ts[1] if ts != (None, None) else int | None),
        st.sampled_from([set[int], frozenset[str], set[Literal["a", 1]]]),
    ),
    max_leaves=4,
)
VALIDATORS = st.sampled_from(
    [
        (int, validators.ge(1)),
        (float, validators.lt(2.5)),
        (int | None, validators.ge(1)),
        (int | None, validators.optional(validators.gt(1))),
        (str, validators.min_len(1)),
        (str | None, validators.max_len(1)),
        (list[int], validators.min_len(1)),
        (set[int], validators.max_len(1)),
        (str, validators.in_(["a", "red"])),
        (float, validators.in_([1, 2.5])),
        (str, validators.matches_re("[a-z]+")),
        (dict[str, int], validators.and_(validators.min_len(1), validators.max_len(1))),
    ]
)
FIELDS = TYPES.map(lambda t: (t, None)) | VALIDATORS


def tool(types: list[tuple[Any, Any]], *, strict: bool, optional: bool) -> Any:
    """A tool with a field for each type, the last one with a default if it may be absent."""
    names = ["a", "b", "x"][: len(types)]
    namespace: dict[str, Any] = {
        name: field(validator=validator) for name, (_, validator) in zip(names, types, strict=True)
    }
    if optional and types[-1][1] is None:
        types = [*types[:-1], (types[-1][0] | None, None)] if types[-1][0] is not None else types
        namespace[names[-1]] = field(default=None)

    def run(self: Any, context: Context) -> Result: ...

    namespace |= {"__annotations__": {n: t for n, (t, _) in zip(names, types, strict=True)}, "run": run}
    return tool_of(type("Made", (Action,), namespace), strict=strict)


# JSON Schema's patterns are ECMAScript's: `$` is the very end there.
def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Any:
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError("pattern")


Judge = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})
FORMATS = jsonschema.FormatChecker(())


@FORMATS.checks("date", raises=ValueError)
def _a_date(text: object) -> bool:
    return not isinstance(text, str) or bool(date.fromisoformat(text))


@FORMATS.checks("date-time", raises=ValueError)
def _a_time(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


def refused(made: Any, arguments: object) -> InvalidArguments | None:
    try:
        made.read(arguments)
    except InvalidArguments as refusal:
        return refusal
    return None


def agree(made: Any, arguments: object) -> None:
    schema = made.as_function()["parameters"]
    Judge.check_schema(schema)
    valid = Judge(schema, format_checker=FORMATS).is_valid(arguments)
    for said in (arguments, json.dumps(arguments)):
        refusal = refused(made, said)
        assert (refusal is None) == valid, (schema, refusal)
        assert refusal is None or json.loads(json.dumps(refusal.as_data()))["problems"]


@given(st.lists(FIELDS, min_size=1, max_size=3), st.booleans(), st.data())
@settings(max_examples=40, deadline=None)
def test_the_schema_takes_what_the_tool_reads_and_nothing_else(types, optional, data):
    made = tool(types, strict=False, optional=optional)
    for _ in range(5):
        agree(made, data.draw(st.dictionaries(st.sampled_from(["a", "b", "x", "y"]), JSON) | JSON))


@given(st.lists(FIELDS, min_size=1, max_size=3), st.data())
@settings(max_examples=25, deadline=None)
def test_so_does_the_strict_schema(types, data):
    try:
        made = tool(types, strict=True, optional=True)
    except InvalidDefinition:
        return  # what may have any keys has no strict form
    for _ in range(5):
        agree(made, data.draw(st.dictionaries(st.sampled_from(["a", "b", "x", "y"]), JSON)))


@given(st.text() | st.binary() | JSON.map(json.dumps).map(lambda text: text[: len(text) // 2]))
@settings(max_examples=60, deadline=None)
def test_whatever_a_tool_is_called_with_it_reads_it_or_says_why_not(arguments):
    made = tool([(Tree, None)], strict=False, optional=True)
    refusal = refused(made, arguments)
    assert refusal is None or refusal.problems


@pytest.mark.long
@given(st.lists(FIELDS, min_size=1, max_size=3), st.booleans(), st.data())
@settings(max_examples=500, deadline=None)
def test_long_the_schema_takes_what_the_tool_reads(types, optional, data):
    made = tool(types, strict=False, optional=optional)
    for _ in range(10):
        agree(made, data.draw(st.dictionaries(st.sampled_from(["a", "b", "x"]), JSON)))

"""Actions as tools: the schema, the calls that fit, and what is said of those that don't."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, Flag
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar
from uuid import UUID

import attrs
import pytest
from attrs import field, frozen, validators
from typing_extensions import Doc

from jido_trio import Action, InvalidDefinition, Secret
from jido_trio.core import ToolLimits, tool_of
from jido_trio.errors import ActionError, InvalidArguments, UnfitArgument

T = TypeVar("T")
Cents = NewType("Cents", int)


class Colour(Enum):
    RED = "red"
    BLUE = 2
    PAIR = (1, 2)


class Access(Flag):
    READ = 1
    WRITE = 2


@frozen
class Item:
    name: str
    price: Decimal
    inside: "list[Item]" = field(factory=list)


@frozen
class Box(Generic[T]):
    content: T


class Tool(Action):
    """The base of the tools below."""

    def run(self, context: Any) -> None: ...


def made(declared: Any, **options: Any) -> Any:
    """An action with one field, `x`."""
    namespace = {"__annotations__": {"x": declared}, "__module__": __name__, "x": field(**options)}
    return type("Made", (Tool,), namespace)  # a class with an annotation that is computed


def refusal(tool: Any, arguments: object) -> list[UnfitArgument]:
    with pytest.raises(InvalidArguments) as refused:
        tool.read(arguments)
    return list(refused.value.problems)


class Order(Tool, name="order", category="shop", tags=["buy"]):
    """Order items."""

    items: list[Item]
    note: Annotated[str, Doc("For the packers")] = ""
    urgent: bool = field(default=False, metadata={"description": "Whether it is sent today"})


def test_an_action_is_a_tool_with_its_name_its_description_and_a_schema():
    tool = tool_of(Order)
    assert (tool.name, tool.description, tool.category, tool.tags) == ("order", "Order items.", "shop", ("buy",))
    assert tool.as_function()["parameters"] == {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
            "note": {"type": "string", "description": "For the packers", "default": ""},
            "urgent": {"type": "boolean", "description": "Whether it is sent today", "default": False},
        },
        "required": ["items"],
        "additionalProperties": False,
        "$defs": {
            "Item": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "price": {"type": "string", "pattern": r"^-?[0-9]{1,100}(\.[0-9]{1,100})?$"},
                    "inside": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
                },
                "required": ["name", "price"],
                "additionalProperties": False,
            }
        },
    }


def test_a_call_is_read_from_text_from_bytes_and_from_a_mapping():
    arguments = {"items": [{"name": "pen", "price": "1.20", "inside": [{"name": "ink", "price": "0.30"}]}]}
    wanted = Order(items=[Item("pen", Decimal("1.20"), [Item("ink", Decimal("0.30"))])])
    text = json.dumps(arguments)
    assert [tool_of(Order).read(each) for each in (text, text.encode(), arguments)] == [wanted] * 3


def test_no_text_at_all_is_no_arguments():
    assert tool_of(Tool).read(" ") == Tool()


@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        (int, 3.0, 3),
        (float, 3, 3.0),
        (Cents, 5, 5),
        (int | None, None, None),
        (int | str, "3", "3"),
        (float | int, 3, 3),
        (datetime, "2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (date, "2026-01-31", date(2026, 1, 31)),
        (time, "09:30", time(9, 30)),
        (UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
        (bytes, "aGk=", b"hi"),
        (Literal["a", 1], 1.0, 1),
        (Colour, "red", Colour.RED),
        (Colour, 2, Colour.BLUE),
        (Colour, "PAIR", Colour.PAIR),
        (Access, ["READ", "WRITE"], Access.READ | Access.WRITE),
        (Access, [], Access(0)),
        (dict[int, str], {"1": "x"}, {1: "x"}),
        (dict[Literal["a"], int], {"a": 1}, {"a": 1}),
        (dict, {"a": [1]}, {"a": [1]}),
        (object, {"a": None}, {"a": None}),
        (set[int], [1, 2], frozenset({1, 2})),
        (tuple[int, str], [1, "x"], (1, "x")),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[()], [], ()),
        (Box[int], {"content": 1}, Box(1)),
        (Item | Box[int], {"content": 1}, Box(1)),
    ],
    ids=range(27),
)
def test_json_becomes_a_value_of_the_declared_type(declared, given, value):
    read = tool_of(made(declared)).read({"x": given})
    assert attrs.asdict(read, recurse=False)["x"] == value
    assert type(attrs.asdict(read, recurse=False)["x"]).__name__.removeprefix("Frozen").lower() == (
        type(value).__name__.lower()
    )


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        (int, "3", "an integer"),
        (int, True, "an integer"),
        (int, 3.5, "an integer"),
        (bool, 1, "true or false"),
        (str, 1, "a string"),
        (int | str, [], "an integer or a string"),
        (Literal["left"], "lefd", 'one of "left" (did you mean "left"?)'),
        (Literal[1], True, "one of 1"),
        (date, "2026-02-30", 'a date as text, like "2026-01-31"'),
        (datetime, "2026-01-31T09:30:00", 'a time with its offset as text, like "2026-01-31T09:30:00Z"'),
        (bytes, "aGk", "bytes as text in base64"),
        (tuple[int, str], [1], "a list of 2 values"),
        (list[int], {}, "a list"),
        (dict, [], "an object"),
    ],
    ids=range(14),
)
def test_what_the_schema_does_not_say_is_not_coerced(declared, given, expected):
    [problem] = refusal(tool_of(made(declared)), {"x": given})
    assert (problem.path, problem.expected) == ("/x", expected)


def test_every_problem_is_told_with_its_path():
    problems = refusal(tool_of(Order), {"items": [{"name": 1, "prise": "1"}], "nots": "x"})
    assert problems == [
        UnfitArgument("/items/0/price", 'a decimal number as text, like "12.50"', "nothing", "it is missing"),
        UnfitArgument("/items/0/name", "a string", "1"),
        UnfitArgument("/items/0/prise", "no property of that name", "", 'did you mean "price"?'),
        UnfitArgument("/nots", "no property of that name", "", 'did you mean "note"?'),
    ]


def test_an_error_is_data_that_a_model_understands():
    with pytest.raises(ActionError) as refused:
        tool_of(made(int)).read('{"x": "3"}')
    assert isinstance(refused.value, InvalidArguments)
    assert refused.value.as_data() == {
        "error": "invalid_arguments",
        "tool": "made",
        "problems": [{"path": "/x", "expected": "an integer", "got": '"3"'}],
    }
    assert str(refused.value) == "arguments of tool 'made' don't fit: at /x: expected an integer, got \"3\""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "null"),
        (True, "true"),
        ("it's", '"it\'s"'),
        ('a "b"\n', r'"a \"b\"\n"'),
        ([None, False, "x", 1.5], '[null, false, "x", 1.5]'),
        ({"a": {"b": None}}, '{"a": {"b": null}}'),
        ({}, "{}"),
        ([], "[]"),
        ("ä" * 100, '"' + "ä" * 76 + "..."),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21..."),
        ([[[[[[[1]]]]]]], "[[[[[[...]]]]]]"),
    ],
    ids=range(11),
)
def test_what_was_given_is_told_as_the_json_that_it_was(given, told):
    [problem] = refusal(tool_of(made(int)), {"x": given})
    assert problem.got == told


def test_words_that_may_be_given_are_told_as_json():
    [problem] = refusal(tool_of(made(Literal["a", True] | None)), {"x": "b"})
    assert problem.expected == 'one of "a", true'


def test_twenty_problems_are_told_and_the_rest_counted():
    with pytest.raises(InvalidArguments) as refused:
        tool_of(made(list[int])).read({"x": ["a"] * 30})
    assert len(refused.value.as_data()["problems"]) == 20
    assert str(refused.value).endswith("; and 10 more")


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "NaN", '{"x": NaN}', '{"x": 1, "x": 2}', "[" * 100_000, '{"x": 1e999}', "\xff".encode("latin-1")],
)
def test_what_is_no_json_object_is_refused(text):
    assert refusal(tool_of(made(object)), text)


@pytest.mark.parametrize("value", [{1: 2}, object(), float("nan"), float("inf"), 10**400, {"x": b""}], ids=range(6))
def test_a_mapping_may_hold_json_only(value):
    assert refusal(tool_of(made(object)), {"x": value})
    assert refusal(tool_of(Tool), value)


@pytest.mark.parametrize(
    ("limits", "given"),
    [
        (ToolLimits(characters=10), {"x": "a" * 11}),
        (ToolLimits(characters=10), '{"x": "aaaaaaa"}'),
        (ToolLimits(characters=10), {"x" * 11: 1}),
        (ToolLimits(values=3), {"x": [1, 2]}),
        (ToolLimits(depth=2), {"x": [[1]]}),
    ],
    ids=range(5),
)
def test_what_is_too_large_is_refused(limits, given):
    [problem] = refusal(tool_of(made(object), limits=limits), given)
    assert problem.expected.startswith("at most ")


def test_what_is_within_the_limits_is_read():
    limits = ToolLimits(characters=4, values=4, depth=2)
    assert tool_of(made(object), limits=limits).read({"x": ["aaa", 1]})


@pytest.mark.parametrize(("option", "value"), [("depth", 51), ("depth", 0), ("values", 1.5), ("characters", None)])
def test_limits_that_are_none_are_refused(option, value):
    with pytest.raises(InvalidDefinition, match=option):
        ToolLimits(**{option: value})


@pytest.mark.parametrize(
    ("declared", "validator", "keyword", "good", "bad"),
    [
        (int, validators.ge(3), {"minimum": 3}, 3, 2),
        (float, validators.gt(3), {"exclusiveMinimum": 3}, 3.5, 3),
        (int, validators.le(3), {"maximum": 3}, 3, 4),
        (int, validators.lt(3), {"exclusiveMaximum": 3}, 2, 3),
        (str, validators.min_len(2), {"minLength": 2}, "ab", "a"),
        (str, validators.max_len(2), {"maxLength": 2}, "ab", "abc"),
        (list[int], validators.max_len(1), {"maxItems": 1}, [1], [1, 2]),
        (dict[str, int], validators.min_len(1), {"minProperties": 1}, {"a": 1}, {}),
        (str, validators.matches_re("a+"), {"pattern": "^(?:a+)$"}, "aa", "ab"),
        (str, validators.in_(["a", "b"]), {"enum": ["a", "b"]}, "a", "c"),
        (int, [validators.ge(1), validators.le(2)], {"minimum": 1, "maximum": 2}, 2, 3),
    ],
    ids=range(11),
)
def test_validators_of_attrs_are_in_the_schema(declared, validator, keyword, good, bad):
    tool = tool_of(made(declared, validator=validator))
    schema = tool.as_function()["parameters"]["properties"]["x"]
    assert schema.items() >= keyword.items()
    assert tool.read({"x": good})
    assert refusal(tool, {"x": bad})


def test_two_validators_of_a_kind_both_count():
    tool = tool_of(made(int, validator=[validators.ge(1), validators.ge(3)]))
    assert tool.as_function()["parameters"]["properties"]["x"]["allOf"][1] == {"minimum": 3}
    assert refusal(tool, {"x": 2})


def test_a_validator_that_is_not_optional_leaves_no_null():
    assert refusal(tool_of(made(int | None, validator=validators.ge(1))), {"x": None})
    tool = tool_of(made(int | None, validator=validators.optional(validators.ge(1))))
    assert tool.read({"x": None})
    assert refusal(tool, {"x": 0})


def test_what_only_a_validator_of_yours_knows_is_told_at_its_path():
    @frozen
    class Even:
        n: int = field()

        @n.validator
        def _even(self, _: object, value: int) -> None:
            if value % 2:
                raise ValueError(f"{value} is odd")

    [problem] = refusal(tool_of(made(list[Even])), {"x": [{"n": 2}, {"n": 3}]})
    assert (problem.path, problem.expected) == ("/x/1/n", "3 is odd")


@frozen
class Login:
    pin: Secret[str]


@pytest.mark.parametrize("arguments", ['"hunter2"', '["hunter2"]', '{"login": "hunter2"}'])
def test_what_stands_where_an_object_with_secrets_should_is_not_told(arguments):
    class Enter(Tool):
        login: Login
        password: Secret[str] = ""

    with pytest.raises(InvalidArguments, match=r"expected an object, got \*\*\*") as unfit:
        tool_of(Enter).read(arguments)
    assert "hunter2" not in repr(unfit.value.as_data())


def test_a_secret_is_not_told():
    class Login(Tool):
        password: Secret[str]
        pin: Secret[int] = field(default=1234, validator=validators.ge(1000))

    tool = tool_of(Login)
    assert "1234" not in json.dumps(tool.as_function())
    for given in (
        {"password": 98765},
        {"password": "x", "pin": 999},
        {"passwort": "hunter2"},
        '{"password": "hunter2"',
    ):
        with pytest.raises(InvalidArguments) as refused:
            tool.read(given)
        told = str(refused.value) + json.dumps(refused.value.as_data())
        assert not any(secret in told for secret in ("98765", "got 999", "hunter2"))


def test_the_strict_form_requires_all_and_null_is_the_default():
    tool = tool_of(Order, strict=True)
    function = tool.as_function()
    assert function["strict"] is True
    assert function["parameters"]["required"] == ["items", "note", "urgent"]
    assert function["parameters"]["properties"]["note"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "description": "For the packers",
    }
    inner = function["parameters"]["$defs"]["Item"]
    assert inner["required"] == ["name", "price", "inside"]
    assert tool.read({"items": [], "note": None, "urgent": True}) == Order(items=[], urgent=True)
    assert refusal(tool, {"items": []})


def test_null_stays_null_in_the_strict_form_where_the_field_may_be_none():
    read = tool_of(made(int | None, default=5), strict=True).read({"x": None})
    assert attrs.asdict(read) == {"x": None}


@pytest.mark.parametrize("declared", [dict[str, int], object, list[dict[str, str]], tuple], ids=range(4))
def test_what_may_have_any_keys_has_no_strict_form(declared):
    with pytest.raises(InvalidDefinition, match=r"Made\.x is declared as .* has no strict form"):
        tool_of(made(declared), strict=True)


@pytest.mark.parametrize("declared", [complex, type[int], dict[float, int], dict[Colour, int]], ids=range(4))
def test_a_type_without_a_json_form_is_refused_by_name(declared):
    with pytest.raises(InvalidDefinition, match=r"Made\.x is declared as "):
        tool_of(made(declared))


def test_a_converter_takes_what_its_parameter_is_annotated_as():
    def doubled(text: str) -> int:
        return int(text) * 2

    tool = tool_of(made(int, converter=doubled))
    assert tool.as_function()["parameters"]["properties"]["x"] == {"type": "string"}
    assert attrs.asdict(tool.read({"x": "4"})) == {"x": 8}
    assert refusal(tool, {"x": "four"})


def test_two_classes_of_one_name_are_told_apart():
    tool = tool_of(made(tuple[Box[int], Box[str]]))
    assert len(tool.as_function()["parameters"]["$defs"]) == 2
    assert tool.read({"x": [{"content": 1}, {"content": "a"}]})


@pytest.mark.parametrize(
    ("action", "options", "why"),
    [
        (int, {}, "give a class of actions"),
        (Action, {}, "has no run"),
        (Tool, {"name": "a b"}, "can't be called"),
        (Tool, {"name": "a" * 65}, "1 to 64"),
    ],
    ids=range(4),
)
def test_what_is_no_tool_is_refused(action, options, why):
    with pytest.raises(InvalidDefinition, match=why):
        tool_of(action, **options)


def test_a_tool_may_be_called_otherwise_than_its_action():
    tool = tool_of(Tool, name="other-name", description="Another")
    assert tool.as_function() | {"parameters": 0} == {
        "name": "other-name",
        "description": "Another",
        "parameters": 0,
    }


def test_tools_of_one_action_are_equal():
    assert tool_of(Tool) == tool_of(Tool)
    assert tool_of(Tool) != tool_of(Tool, strict=True)

import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Literal, NewType
from uuid import UUID

import pytest
from attrs import field, frozen, validators

from jido_trio.data import (
    Misfit,
    Problem,
    register_structure_hook,
    register_unstructure_hook,
    structure,
    structurer,
    unstructure,
)


class Color(Enum):
    RED = "red"
    GREEN = "green"


class Size(StrEnum):
    SMALL = "small"


class Level(IntEnum):
    ONE = 1


class Email(str):
    __slots__ = ()


@frozen
class Item:
    price: int = field(validator=validators.ge(0))
    name: str = "thing"


@frozen
class Square:
    side: int


@frozen
class Tree:
    left: "Tree | None" = None
    others: tuple["Tree", ...] = ()


@frozen
class Cart:
    items: list[Item]
    owner: str | None = None
    rows: dict[str, Item] = field(factory=dict)


UserId = NewType("UserId", int)


def problems(data, cls):
    with pytest.raises(Misfit) as caught:
        structure(data, cls)
    return tuple(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("data", "cls", "value"),
    [
        (3, int, 3),
        (3, float, 3.0),
        ("a", str, "a"),
        (True, bool, True),
        ("a@b", Email, Email("a@b")),
        (Email("a@b"), Email, Email("a@b")),
        (7, UserId, 7),
        ("red", Color, Color.RED),
        (Color.RED, Color, Color.RED),
        ("small", Size, Size.SMALL),
        (1, Level, Level.ONE),
        ("a", Literal["a", 1], "a"),
        ("red", Literal[Color.RED], Color.RED),
        (None, int | None, None),
        (3, int | None, 3),
        ("3", int | str, "3"),
        (3, float | int, 3),
        ([1, 2], list[int], [1, 2]),
        ((1, 2), list[int], [1, 2]),
        ([1, 2], tuple[int, ...], (1, 2)),
        ([1, "a"], tuple[int, str], (1, "a")),
        ([1, "a"], tuple, (1, "a")),
        ([1, 2], Sequence[int], (1, 2)),
        ([2, 1, 2], frozenset[int], frozenset({1, 2})),
        ([2, 1, 2], set[int], {1, 2}),
        ({"a": 1}, Mapping[str, int], {"a": 1}),
        ({"1": "a", 2: "b"}, dict[int, str], {1: "a", 2: "b"}),
        ({"red": 1}, dict[Color, int], {Color.RED: 1}),
        ("2026-01-02T12:00:00Z", datetime, datetime(2026, 1, 2, 12, tzinfo=UTC)),
        ("2026-01-02", date, date(2026, 1, 2)),
        ("1.50", Decimal, Decimal("1.50")),
        ("017f22e2-79b0-7cc3-98c4-dc0c0c07398f", UUID, UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")),
        ("YWI=", bytes, b"ab"),
        (b"ab", bytes, b"ab"),
        ({"a": [1]}, Any, {"a": [1]}),
        (len, Callable[[Any], int], len),
        ({"price": 3}, Item, Item(3)),
        (Item(3), Item, Item(3)),
        ({"side": 2}, Item | Square, Square(2)),
        ({"left": {"left": None}, "others": [{}]}, Tree, Tree(Tree(), (Tree(),))),
        ({"items": [{"price": 1}], "rows": {"a": {"price": 2}}}, Cart, Cart([Item(1)], None, {"a": Item(2)})),
    ],
)
def test_fitting_data_becomes_the_value(data, cls, value):
    made = structure(data, cls)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("data", "cls", "problem"),
    [
        ("3", int, "expected int, got '3'"),
        (3.0, int, "expected int, got 3.0"),
        (True, int, "expected int, got True"),
        (True, float, "expected float, got True"),
        (1, bool, "expected bool, got 1"),
        (55, str, "expected str, got 55"),
        ("5", UserId, "expected int, got '5'"),
        (5, Email, "expected Email, got 5"),
        (["a", 1], tuple[int, str], "expected int, got 'a' @ [0]; expected str, got 1 @ [1]"),
        ([1], tuple[int, str], "Not enough values in [1] to structure as tuple[int, str]"),
        (5, datetime, "expected datetime as text, got 5"),
        ("blue", Color, "expected one of 'red', 'green', got 'blue'"),
        ("large", Size, "expected one of 'small', got 'large'"),
        (True, Level, "expected one of 1, got True"),
        (True, Literal["a", 1], "expected one of 'a', 1, got True"),
        ([], Literal["a", 1], "expected one of 'a', 1, got []"),
        ("3", int | None, "expected int, got '3'"),
        ("abc", list[str], "expected a list, got 'abc'"),
        ({"a": 1}, tuple[str, ...], "expected a list, got {'a': 1}"),
        ("ab", tuple[str, str], "expected a list, got 'ab'"),
        ("ab", frozenset[str], "expected a list, got 'ab'"),
        ([("a", 1)], dict[str, int], "expected an object, got [('a', 1)]"),
        ({"a": "1"}, dict[str, int], "expected int, got '1' @ ['a']"),
        ({"x": 1}, dict[int, int], "expected int, got 'x' @ ['x']"),
        ([1, "2"], list[int], "expected int, got '2' @ [1]"),
        ("yesterday", datetime, "expected datetime as text, got 'yesterday'"),
        ("x", Decimal, "expected Decimal as text, got 'x'"),
        ("!", bytes, "expected bytes as text, got '!'"),
        (3, Callable[[], None], "expected Callable, got 3"),
        (3, Item, "expected an object, got 3"),
        ("x" * 200, int, f"expected int, got '{'x' * 76}..."),
    ],
)
def test_a_misfit_says_what_was_expected_and_what_came(data, cls, problem):
    assert "; ".join(problems(data, cls)) == problem


def test_every_problem_is_told_with_the_path_of_its_field():
    data = {
        "items": [{"price": 1}, {"price": "3"}, {"price": -1}, {"name": 4}],
        "owner": 5,
        "rows": {"a": {"price": None}},
    }
    assert problems(data, Cart) == (
        "expected int, got '3' @ items[1].price",
        "'price' must be >= 0: -1 @ items[2].price",
        "required field missing @ items[3].price",
        "expected str, got 4 @ items[3].name",
        "expected str, got 5 @ owner",
        "expected int, got None @ rows['a'].price",
    )


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    assert problems({"price": 1, "nme": "x"}, Item) == ("unknown field, did you mean 'name'? @ nme",)
    assert problems({"price": 1, "zzz": "x"}, Item) == ("unknown field @ zzz",)


def test_a_validator_keeps_its_message_and_finds_its_field_though_it_names_none():
    @frozen
    class Bounded:
        size: int = field()

        @size.validator
        def _small(self, attribute, value):
            if value > 5:
                raise ValueError("too big")

    assert problems({"size": 6}, Bounded) == ("too big @ size",)


def test_a_key_error_of_a_validator_is_not_taken_for_a_missing_field():
    @frozen
    class Looked:
        size: str = field()

        @size.validator
        def _known(self, attribute, value):
            {}[value]

    assert problems({"size": "x"}, Looked) == ("x @ size",)


def test_a_failure_of_the_whole_object_has_the_path_of_the_object():
    @frozen
    class Range:
        low: int
        high: int

        def __attrs_post_init__(self):
            if self.low > self.high:
                raise ValueError("low is above high")

    assert problems([{"low": 2, "high": 1}], list[Range]) == ("low is above high @ [0]",)


def test_a_union_that_nothing_fits_tells_why_for_each_member():
    (problem,) = problems({"price": -1}, Item | Square)
    assert problem == (
        "expected Item or Square (not Item: 'price' must be >= 0: -1 @ price; "
        "not Square: required field missing @ side, unknown field @ price)"
    )


def test_an_optional_object_keeps_the_paths_of_its_fields():
    assert problems({"left": {"left": 3}}, Tree) == ("expected an object, got 3 @ left.left",)


def test_the_compiled_structurer_does_the_same():
    make = structurer(Item)
    assert make({"price": 3}) == Item(3)
    with pytest.raises(Misfit, match="required field missing @ price"):
        make({})


def test_a_type_no_data_can_become_is_refused_at_once():
    with pytest.raises(TypeError, match="register_structure_hook"):
        structurer("no type")  # type: ignore[arg-type]


def test_a_misfit_survives_pickling():
    misfit = pickle.loads(pickle.dumps(Misfit(["one @ a", "two @ b"])))
    assert misfit.problems == (Problem("one @ a"), Problem("two @ b"))
    assert str(misfit) == "one @ a; two @ b"


def test_a_users_class_is_made_and_written_by_its_hooks():
    class Money:
        def __init__(self, cents):
            self.cents = cents

    register_structure_hook(Money, lambda data, _: Money(round(float(data) * 100)))
    register_unstructure_hook(Money, lambda money: f"{money.cents / 100:.2f}")
    assert structure({"m": "1.50"}, dict[str, Money])["m"].cents == 150
    assert unstructure([Money(150)]) == ["1.50"]


@frozen
class Everything:
    anything: Any
    numbers: frozenset[int] = frozenset({3, 1, 2})
    pair: tuple[int, str] = (1, "a")
    color: Color = Color.RED
    size: Size = Size.SMALL
    level: Level = Level.ONE
    at: datetime = datetime(2026, 1, 2, tzinfo=UTC)
    price: Decimal = Decimal("1.50")
    rows: Mapping[int, Item] = field(factory=lambda: {1: Item(2)})


PLAIN = {
    "anything": [1, {"a": [1, 2]}],
    "numbers": [1, 2, 3],
    "pair": [1, "a"],
    "color": "red",
    "size": "small",
    "level": 1,
    "at": "2026-01-02T00:00:00+00:00",
    "price": "1.50",
    "rows": {1: {"price": 2, "name": "thing"}},
}


def test_values_become_plain_data_all_the_way_down():
    plain = unstructure(Everything((1, {"a": {2, 1}})))
    assert plain == PLAIN
    assert type(plain["size"]) is str
    assert type(plain["level"]) is int


def test_subclasses_of_list_and_dict_and_other_mappings_become_plain_too():
    class Items(list[Any]):
        pass

    class Rows(dict[str, Any]):
        pass

    plain = unstructure(Items([Rows(a=Item(1)), MappingProxyType({"b": Items([Square(2)])})]))
    assert plain == [{"a": {"price": 1, "name": "thing"}}, {"b": [{"side": 2}]}]
    assert [type(plain), type(plain[0]), type(plain[1]), type(plain[1]["b"])] == [list, dict, dict, list]


def test_plain_data_survives_json_and_becomes_an_equal_value():
    value = Everything([1, "a"])
    assert structure(json.loads(json.dumps(unstructure(value))), Everything) == value


def test_a_set_of_what_cannot_be_compared_has_an_order_all_the_same():
    assert unstructure({"a", 1, Square(2)}) == unstructure({Square(2), 1, "a"}) == ["a", 1, {"side": 2}]

"""How values of attrs classes are made and changed: what attrs allows, each by an example."""

import array
import enum
import time
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, MutableMapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    LiteralString,
    NamedTuple,
    NewType,
    Protocol,
    Self,
    TypeVar,
    runtime_checkable,
)

import attrs
import pytest
from attrs import Factory, field, frozen, validators
from typing_extensions import TypeAliasType

from jido_trio.core import Action, Agent, Context, DeletePath, Result, SetPath, SetState
from jido_trio.data import (
    FrozenDict,
    FrozenList,
    Key,
    Misfit,
    Problem,
    freeze,
    register_structure_hook,
    schema_of,
    structure,
    unstructure,
)
from jido_trio.errors import InvalidDefinition

T = TypeVar("T")


def problems(make: Callable[[], object]) -> list[str]:
    with pytest.raises(Misfit) as caught:
        make()
    return [str(problem) for problem in caught.value.problems]


# Constructors ------------------------------------------------------------------------------------------------------


def test_fields_by_keyword_may_stand_before_others():
    @frozen
    class Mixed:
        a: int = field(kw_only=True, default=1)
        b: int = 2

    schema = schema_of(Mixed)

    assert schema.make({"b": 3}) == Mixed(3, a=1)
    assert schema.merge(Mixed(3, a=1), {"a": 5}) == Mixed(3, a=5)


def test_private_fields_go_by_the_name_of_the_constructor_and_are_frozen():
    @frozen
    class Hidden:
        _rows: list[int] = field(factory=list)
        __more: dict[str, int] = field(factory=dict, alias="more")
        n: int = 0

    schema = schema_of(Hidden)
    made = schema.make({"rows": [1], "more": {"a": 1}})
    changed = schema.merge(made, {"rows": [2], "n": 1})

    assert type(made._rows) is FrozenList
    assert (changed._rows, changed.n) == ([2], 1)
    assert schema.put(made, ("more", "b"), 2) == schema.merge(made, {"more": {"b": 2}})
    assert schema.cut(made, ("more", "a")) == schema.merge(schema.make({"rows": [1]}), {})
    assert schema.reset(made, ["rows"]) == schema.make({"more": {"a": 1}})


def test_fields_without_init_are_frozen_and_kept_and_those_computed_of_others_follow_them():
    numbers = iter(range(100))

    @frozen
    class Kept:
        n: int = 0
        number: int = field(init=False, factory=lambda: next(numbers))
        log: list[int] = field(init=False, factory=lambda: [1])
        _double: int = field(init=False, default=Factory(lambda self: self.n * 2, takes_self=True))

    schema = schema_of(Kept)
    made = schema.make({"n": 2})
    changed = schema.merge(made, {"n": 5})

    assert type(made.log) is FrozenList
    assert changed.log is made.log
    assert (made.number, changed.number) == (0, 0)
    assert (made._double, changed._double) == (4, 10)
    assert problems(lambda: schema.merge(made, {"log": []})) == ["unknown field (known: n) @ log"]


def test_a_field_that_nobody_has_set_stays_so():
    @frozen
    class Unset:
        n: int = 0
        later: int = field(init=False)

    schema = schema_of(Unset)

    assert not hasattr(schema.merge(schema.make({}), {"n": 1}), "later")


def test_what_is_done_after_init_is_done_again_and_frozen():
    @frozen
    class Summed:
        items: list[int] = field(factory=list)
        total: int = field(init=False, default=0)
        parts: Any = field(init=False, default=None)

        def __attrs_post_init__(self) -> None:
            object.__setattr__(self, "total", sum(self.items))
            object.__setattr__(self, "parts", [self.items])

    schema = schema_of(Summed)
    changed = schema.merge(schema.make({"items": [1]}), {"items": [1, 2]})

    assert (changed.total, changed.parts) == (3, [[1, 2]])
    assert type(changed.parts) is FrozenList


def test_an_init_of_ones_own_makes_values_and_changes_go_past_it():
    @frozen(init=False)
    class Own:
        a: int
        b: int = 0

        def __init__(self, a: int, b: int = 0) -> None:
            self.__attrs_init__(a * 10, b)

    schema = schema_of(Own)
    made = schema.make({"a": 1})
    changed = schema.merge(made, {"b": 5})

    assert (made.a, changed.a, changed.b) == (10, 10, 5)


@pytest.mark.parametrize("slots", [True, False])
def test_hashes_and_properties_that_are_kept_are_those_of_the_changed_value(slots):
    @frozen(slots=slots, cache_hash=True)  # type: ignore[literal-required]
    class Cached:
        n: int = field(default=0, converter=lambda n: n * 2)
        m: int = 0

        @cached_property
        def next(self) -> int:
            return self.m + 1

    schema = schema_of(Cached)
    made = schema.make({"n": 1})
    assert (hash(made), made.next) == (hash(made), 1)
    changed = schema.merge(made, {"m": 5})

    assert (changed.n, changed.next) == (2, 6)
    assert hash(changed) != hash(made)
    assert hash(changed) == hash(schema.merge(made, {"m": 5}))


def test_a_value_of_a_subclass_stays_one():
    @frozen
    class Base:
        n: int = 0

    @frozen
    class Sub(Base):
        items: list[int] = field(factory=list)

    @frozen
    class Holder:
        base: Base = Base()

    schema = schema_of(Holder)
    made = schema.make({"base": Sub(1, [1])})

    assert type(made.base) is Sub
    assert type(made.base.items) is FrozenList
    assert schema.merge(made, {"base": {"n": 2, "items": [2]}}).base == Sub(2, [2])
    assert schema.put(made, ("base", "items"), [3]).base == Sub(1, [3])
    assert schema.cut(made, ("base", "items")).base == Sub(1)
    assert schema_of(Base).merge(Sub(1), {"n": 3}) == Sub(3)
    assert schema_of(Base).reset(Sub(1), ["n"]) == Sub(0)


# Converters --------------------------------------------------------------------------------------------------------


def into_cents(euros: int) -> int:
    return euros * 100


@frozen
class Offer:
    cents: int = field(default=5, converter=into_cents)
    views: int = 0


@frozen
class Shop:
    offer: Offer = field(factory=Offer)
    offers: dict[str, Offer] = field(factory=dict)
    maybe: Offer | None = None


class View(Action):
    def run(self, context: Context[Offer]) -> Result:
        return {"views": context.state.views + 1}


class Return(Action):
    what: Any

    def run(self, _context: Context[Any]) -> Result:
        return self.what  # type: ignore[no-any-return]


class OfferAgent(Agent[Offer]): ...


@pytest.mark.parametrize(
    "action",
    [View, [View, View], (Return, {"what": SetPath("views", 9)}), (Return, {"what": SetState({"views": 2})})],
    ids=["changes", "two", "path", "operation"],
)
def test_a_change_leaves_what_a_converter_made_of_the_other_fields(action):
    after, directives = OfferAgent.new("o", {"cents": 3}).cmd(action)

    assert directives == ()
    assert after.state.cents == 300
    assert after.state.views > 0


def test_what_is_given_anew_is_converted_once():
    agent = OfferAgent.new("o", {"cents": 3})

    assert agent.set({"cents": 4}).state == Offer(4)
    assert agent.cmd(Return(what=SetPath("cents", 4)))[0].state.cents == 400
    assert agent.cmd(Return(what=DeletePath("cents")))[0].state.cents == 500
    assert agent.validate().state.cents == 300


def test_converters_of_nested_values_run_once_too():
    schema = schema_of(Shop)
    shop = schema.make({"offer": {"cents": 1}, "offers": {"a": {"cents": 2}}, "maybe": {"cents": 3}})

    for changed in (
        schema.merge(shop, {"offer": {"views": 1}, "offers": {"a": {"views": 1}}, "maybe": {"views": 1}}),
        schema.put(
            schema.put(schema.put(shop, ("offer", "views"), 1), ("offers", "a", "views"), 1), ("maybe", "views"), 1
        ),
        schema.merge(shop, {"offers": {"b": {}}}),
        schema.cut(shop, ("offers", "a", "views")),
    ):
        assert changed.offer.cents == 100
        assert changed.offers["a"].cents == 200
        assert changed.maybe is not None
        assert changed.maybe.cents == 300


def test_a_mapping_merged_into_a_converted_field_is_converted_alone():
    @frozen
    class Prices:
        cents: dict[str, int] = field(factory=dict, converter=lambda euros: {key: n * 100 for key, n in euros.items()})

    schema = schema_of(Prices)
    prices = schema.make({"cents": {"a": 1}})

    assert schema.merge(prices, {"cents": {"b": 2}}).cents == {"a": 100, "b": 200}
    assert schema.put(prices, ("cents", "b"), 200).cents == {"a": 100, "b": 200}
    assert schema.put(prices, ("cents",), {"b": 2}).cents == {"b": 200}
    assert schema.cut(prices, ("cents", "a")).cents == {}


def scaled(n: int, made: Any, _at: "attrs.Attribute[Any]") -> int:
    return n * int(made.scale)


def test_converters_that_look_at_the_value_or_the_field():
    @frozen
    class Looking:
        scale: int = 2
        n: int = field(default=1, converter=attrs.Converter(scaled, takes_self=True, takes_field=True))  # type: ignore[misc]

    schema = schema_of(Looking)

    assert schema.make({"n": 3}).n == 6
    assert schema.merge(schema.make({"n": 3}), {"n": 4}).n == 8
    assert schema.merge(schema.make({"n": 3}), {"scale": 5}).n == 6


def test_a_converter_that_fails_is_a_misfit_at_its_field():
    @frozen
    class Parsed:
        n: int = field(default=0, converter=int)
        m: int = 0

    schema = schema_of(Parsed)

    assert problems(lambda: schema.make({"n": "x"}))[0].startswith("invalid literal")
    assert problems(lambda: schema.merge(Parsed(), {"n": None}))[0].startswith("int() argument")


def test_a_validator_of_several_fields_sees_the_changed_value():
    @frozen
    class Range:
        low: int = 0
        high: int = field(default=9)

        @high.validator
        def _above(self, _: object, high: int) -> None:
            if high < self.low:
                raise ValueError("high is below low")

    schema = schema_of(Range)

    assert problems(lambda: schema.merge(Range(), {"low": 10})) == ["high is below low @ high"]
    assert schema.merge(Range(), {"low": 10, "high": 11}) == Range(10, 11)


def test_whatever_a_validator_raises_is_a_misfit():
    @frozen
    class Looked:
        n: int = field(default=0)

        @n.validator
        def _known(self, _: object, n: int) -> None:
            {0: 0}[n]

    assert problems(lambda: schema_of(Looked).merge(Looked(), {"n": 1})) == ["1 @ n"]


# Generic classes ---------------------------------------------------------------------------------------------------


@frozen
class Box(Generic[T]):
    item: T
    items: list[T] = field(factory=list)


@frozen
class IntBox(Box[int]):
    more: int = 0


@frozen
class Boxes(Generic[T]):
    box: Box[T]
    named: dict[str, Box[T]] = field(factory=dict)


def test_a_generic_class_with_arguments_checks_them():
    assert schema_of(Box[int]).make({"item": 1, "items": [2]}) == Box(1, [2])
    assert problems(lambda: schema_of(Box[int]).make({"item": "x"})) == ["expected int, got 'x' @ item"]
    assert problems(lambda: schema_of(Box[str]).merge(Box("a"), {"items": [1]})) == ["expected str, got 1 @ items[0]"]


def test_arguments_reach_bases_and_nested_classes():
    nested = schema_of(Boxes[int])

    assert problems(lambda: schema_of(IntBox).make({"item": "x"})) == ["expected int, got 'x' @ item"]
    assert nested.make({"box": {"item": 1}, "named": {"a": {"item": 2}}}) == Boxes(Box(1), {"a": Box(2)})
    assert problems(lambda: nested.make({"box": {"item": "x"}})) == ["expected int, got 'x' @ box.item"]


def test_without_arguments_anything_fits():
    assert schema_of(Box).make({"item": [1]}).item == [1]


def test_an_agent_may_have_a_generic_state_with_arguments():
    class BoxAgent(Agent[Box[int]]): ...

    agent = BoxAgent.new("b", {"item": 1})

    assert agent.cmd(Return(what={"items": [2]}))[0].state == Box(1, [2])
    assert agent.cmd(Return(what=Box(3)))[0].state == Box(3)
    _, (error,) = agent.cmd(Return(what={"item": "x"}))
    assert "expected int, got 'x' @ item" in str(error.error)  # type: ignore[attr-defined]  # an Error
    with pytest.raises(InvalidDefinition, match="expected int"):
        BoxAgent.new("b", {"item": "x"})


# Types of fields ---------------------------------------------------------------------------------------------------


class Right(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    ALL = READ | WRITE
    NONE = 0


class Mode(enum.IntFlag):
    X = 1
    W = 2


@frozen
class User:
    rights: Right = Right.NONE
    mode: Mode = field(default=Mode(0))
    each: dict[str, Right] = field(factory=dict)


class Lenient(enum.Flag, boundary=enum.CONFORM):
    A = 1


class Ejecting(enum.Flag, boundary=enum.EJECT):
    A = 1


@pytest.mark.parametrize("cls", [Lenient, Ejecting])
def test_a_number_that_flags_would_make_something_else_of_is_refused(cls):
    assert structure(1, cls) is cls.A
    assert problems(lambda: structure(9, cls)) == ["expected a combination of A, got 9"]


def test_flags_may_be_combined():
    schema = schema_of(User)
    made = schema.make({"rights": Right.READ | Right.WRITE, "mode": Mode.X | Mode.W, "each": {"a": Right(0)}})

    assert made.rights is Right.ALL
    assert structure(unstructure(made), User) == made
    assert schema.make(unstructure(made)) == made
    assert problems(lambda: schema.merge(made, {"rights": 8})) == [
        "expected a combination of READ, WRITE, ALL, NONE, got 8 @ rights"
    ]
    assert problems(lambda: schema.merge(made, {"rights": True}))[0].startswith("expected a combination of")


@pytest.mark.parametrize(
    "declared",
    [
        deque[int],
        deque,
        defaultdict[str, int],
        Counter[str],
        OrderedDict[str, int],
        ChainMap[str, int],
        UserDict[str, int],
        UserList[int],
        array.array,
        bytearray,
        memoryview,
        list[deque[int]],
        dict[str, Counter[str]],
        deque[int] | None,
        int | deque[int],
        int | list[deque[int]],
        Annotated[deque[int], "recent"] | int,
    ],
    ids=str,
)
def test_a_container_that_freezing_would_take_away_is_refused_with_a_remedy(declared):
    cls = attrs.make_class("Recent", {"seen": attrs.field(type=declared, default=None)}, frozen=True)

    with pytest.raises(InvalidDefinition, match=r"can be changed.*Declare it as (list|dict|bytes|frozenset)"):
        schema_of(cls)


@pytest.mark.parametrize(
    ("declared", "given", "kept"),
    [
        (list[int], deque([1, 2]), [1, 2]),
        (FrozenList[int], [1], [1]),
        (Sequence[int], [1], (1,)),
        (MutableMapping[str, int], {"a": 1}, {"a": 1}),
        (FrozenDict[str, int], {"a": 1}, {"a": 1}),
        (MappingProxyType[str, int], {"a": 1}, {"a": 1}),
        (dict[str, int], Counter("aa"), {"a": 2}),
        (dict[str, int], OrderedDict(a=1), {"a": 1}),
        (dict, {"a": [1]}, {"a": [1]}),
        (list, [[1]], [[1]]),
        (tuple, ([1],), ([1],)),
        (Annotated[int, "years"], 1, 1),
        (NewType("Years", int), 1, 1),
        (tuple[()], (), ()),
        (Iterable[int], [1], (1,)),
        (Collection[str], ["a"], ("a",)),
        (Annotated[int, {"no": "hash"}], 1, 1),
        (LiteralString, "a", "a"),
        (Final[int], 1, 1),
    ],
    ids=str,
)
def test_what_is_declared_as_a_container_is_kept_frozen(declared, given, kept):
    cls = attrs.make_class("Holder", {"it": attrs.field(type=declared)}, frozen=True)
    made: Any = schema_of(cls).make({"it": given})

    assert made.it == kept
    assert type(made.it) is type(freeze(kept))


class Size(tuple[int, ...]):
    __slots__ = ()

    def area(self) -> int:
        return self[0] * self[1]


class Bits(bytes):
    __slots__ = ()


class Pair(NamedTuple):
    left: Any
    right: int = 0


@pytest.mark.parametrize("declared", [Any, tuple[int, ...], Sequence[int], tuple[int, int], tuple, Size], ids=str)
def test_a_tuple_of_a_class_of_its_own_keeps_it(declared):
    cls = attrs.make_class("Holder", {"it": attrs.field(type=declared)}, frozen=True)
    size = Size((2, 3))

    made: Any = schema_of(cls).make({"it": size})

    assert made.it is size


@pytest.mark.parametrize("value", [time.gmtime(0), Path().stat(), Bits(b"ab"), Pair(1), Right.ALL])
def test_tuples_written_in_c_and_bytes_of_a_class_of_their_own_keep_it(value):
    @frozen
    class Holder:
        it: Any = None

    assert schema_of(Holder).make({"it": value}).it is value
    assert freeze({"it": [value]})["it"][0] is value


def test_a_named_tuple_fits_a_field_of_its_class():
    @frozen
    class Holder:
        pair: Pair

    made = schema_of(Holder).make({"pair": Pair([1], 2)})

    assert type(made.pair) is Pair
    assert type(made.pair.left) is FrozenList


class Late(NamedTuple):
    """As in a module whose annotations aren't evaluated."""

    left: "int"
    right: "list[Pair]"


def test_a_named_tuple_is_made_of_items_also_where_its_annotations_are_texts():
    @frozen
    class Holder:
        it: Late

    made = schema_of(Holder).make({"it": [1, [["x", 2]]]})

    assert made.it == Late(1, [Pair("x", 2)])
    assert unstructure(made.it) == (1, [("x", 2)])
    with pytest.raises(Misfit, match=r"it\[0\]"):
        schema_of(Holder).make({"it": ["1", []]})


class Array:
    """As a numpy array: compares item by item, and has no truth value."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Any:
        return Array()

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


@frozen(eq=False)
class Embedding:
    vector: Any
    labels: list[str] = field(factory=list)


@pytest.mark.parametrize("where", [lambda it: it, lambda it: [it], lambda it: {"a": (it,)}, lambda it: Pair(it)])
def test_values_that_compare_to_no_bool_are_kept(where):
    @frozen
    class Index:
        last: Any = None
        embedding: Embedding | None = None

    embedding = Embedding(Array(), ["a"])
    schema = schema_of(Index)

    made = schema.merge(schema.make({"last": where(Array())}), {"embedding": embedding, "last": where(embedding)})

    assert made.embedding is not None
    assert made.embedding.vector is embedding.vector
    assert schema.fit(made) is made


def test_a_users_hook_says_how_a_field_is_made_be_it_of_an_attrs_class():
    @frozen
    class Money:
        cents: int
        notes: list[str] = field(factory=list)

    register_structure_hook(Money, lambda data, _: data if isinstance(data, Money) else Money(int(data) * 100))

    @frozen
    class Bill:
        total: Money
        parts: list[Money] = field(factory=list)

    made = schema_of(Bill).make({"total": "3", "parts": [1, Money(7, ["x"])]})

    assert made == Bill(Money(300), [Money(100), Money(7, ["x"])])
    assert type(made.parts[1].notes) is FrozenList


# Problems ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["x [a] @ q", "a.b", "", "'", "]", "two words", "ü", 5, -1, True])
def test_a_key_of_any_text_comes_out_right_in_a_path(key):
    @frozen
    class Table:
        rows: dict[Any, list[int]] = field(factory=dict)

    with pytest.raises(Misfit) as caught:
        schema_of(Table).make({"rows": {key: [0, "x"]}})

    assert caught.value.problems == (Problem("expected int, got 'x'", ("rows", Key(key), Key(1))),)
    assert str(caught.value) == f"expected int, got 'x' @ rows[{key!r}][1]"


def test_a_name_that_is_no_identifier_is_told_as_a_key():
    with pytest.raises(Misfit, match=r"unknown field.* @ \['x \[a\] @ q'\]"):
        schema_of(Offer).make({"x [a] @ q": 1})
    with pytest.raises(Misfit, match=r"unknown field.* @ \[5\]"):
        schema_of(Offer).merge(Offer(), {5: 1})  # type: ignore[dict-item]  # the very mistake


def test_every_problem_of_a_change_is_told():
    @frozen
    class Wide:
        a: int = 0
        b: list[int] = field(factory=list)
        c: dict[str, int] = field(factory=dict)

    assert problems(lambda: schema_of(Wide).merge(Wide(), {"a": "x", "b": [1, "y"], "c": {"k": None}, "d": 1})) == [
        "expected int, got 'x' @ a",
        "expected int, got 'y' @ b[1]",
        "expected int, got None @ c['k']",
        "unknown field (known: a, b, c) @ d",
    ]


@pytest.mark.parametrize("changes", [None, [1], "ab", 5])
def test_changes_that_are_no_mapping_are_refused(changes):
    with pytest.raises(Misfit, match="expected a mapping, got"):
        schema_of(Offer).merge(Offer(), changes)


# Depth -------------------------------------------------------------------------------------------------------------


def nested(depth: int, kind: str) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value} if kind == "dict" else (value,)
    return value


@frozen
class Node:
    children: "list[Node]" = field(factory=list)
    next: "Node | None" = None
    data: Any = None


def tree(depth: int, name: str) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {name: [value] if name == "children" else value}
    return value


@pytest.mark.parametrize("kind", ["list", "dict", "tuple"])
def test_data_may_be_100_levels_deep_and_no_deeper(kind):
    assert freeze(nested(100, kind)) == nested(100, kind)
    for depth in (101, 1000, 100_000):
        with pytest.raises(Misfit, match="deeper than 100 levels"):
            freeze(nested(depth, kind))


@pytest.mark.parametrize("depth", [300, 2000, 50_000])
@pytest.mark.parametrize("name", ["children", "next"])
def test_values_nested_too_deeply_are_refused_by_every_way_in(depth, name):
    schema, deep = schema_of(Node), tree(depth, name)

    for way in (
        lambda: schema.make(deep),
        lambda: schema.merge(Node(), deep),
        lambda: schema.fit(deep),
        lambda: schema.put(Node(), (name,), deep[name]),
        lambda: schema.merge(Node(), {"data": deep}),
        lambda: structure(deep, Node),
    ):
        assert any("too deeply" in problem or "deeper than" in problem for problem in problems(way))


def test_what_grows_level_by_level_stops_at_the_limit():
    frozen_data: Any = FrozenList([1])

    def grow() -> None:
        nonlocal frozen_data
        for _ in range(200):
            frozen_data = freeze({"a": (frozen_data,)})

    with pytest.raises(Misfit, match="deeper than 100 levels"):
        grow()
    assert hash(frozen_data) == hash(frozen_data)


def test_data_that_holds_itself_is_refused():
    loop: list[Any] = []
    loop.append({"loop": loop})

    with pytest.raises(Misfit, match="holds itself"):
        freeze(loop)


def made_or_told(cls: type, given: Any) -> Any:
    try:
        made: Any = schema_of(cls).make({"it": given})
    except Misfit as misfit:
        return str(misfit)
    return made.it


@pytest.mark.parametrize("declared", [int, float, str, Any, bool, list[int], dict[int, int], int | str])
def test_an_int_of_many_digits_is_an_int_or_a_misfit(declared):
    cls = attrs.make_class("Holder", {"it": attrs.field(type=declared)}, frozen=True)
    huge = 10**10_000

    for given in (huge, [huge], {huge: huge}, {"9" * 10_000: 1}):
        made = made_or_told(cls, given)
        assert made == given or len(str(made)) < 2000


def test_cost_of_a_key_is_a_copy_whoever_puts_it(monkeypatch):
    class Counted:
        fitted = 0

    register_structure_hook(Counted, lambda data, _: _counting(data))

    def _counting(data: Any) -> Any:
        Counted.fitted += 1
        return data

    @frozen
    class Large:
        rows: dict[str, Counted] = field(factory=dict)

    schema = schema_of(Large)
    large = schema.make({"rows": {str(number): number for number in range(1000)}})
    Counted.fitted = 0

    schema.merge(large, {"rows": {"x": 1}})
    schema.put(large, ("rows", "x"), 1)
    schema.cut(large, ("rows", "5"))
    schema.fit(attrs.evolve(large))

    assert Counted.fitted == 2


def test_validators_of_attrs_are_told_with_their_own_sentence():
    @frozen
    class Bounded:
        n: int = field(default=0, validator=validators.ge(0))

    assert problems(lambda: schema_of(Bounded).merge(Bounded(), {"n": -1})) == ["'n' must be >= 0: -1 @ n"]


# ---- classes, functions and protocols as values


@attrs.define
class Changeable:
    n: int = 0


class Colour(enum.Enum):
    RED = 1


class Goes(Protocol):
    def go(self) -> int: ...


@runtime_checkable
class GoesToo(Protocol):
    def go(self) -> int: ...


class Walker:
    def go(self) -> int:
        return 1


WALKER = Walker()


def holder(declared: Any, **options: Any) -> Any:
    return schema_of(attrs.make_class("Holder", {"it": attrs.field(type=declared, **options)}, frozen=True))


@pytest.mark.parametrize(
    ("declared", "fitting", "others"),
    [
        (type, [int, Colour, Changeable], [3, "int"]),
        (type[Any], [int, Changeable], [3]),
        (type[Changeable], [Changeable], [int, Changeable()]),
        (type[Colour], [Colour], [Colour.RED, int]),
        (type[int | str], [int, bool, str], [float, 3]),
        (type[list[int]], [list, FrozenList], [dict]),
        (type[Goes], [Walker, int], [WALKER]),
        (type[T], [int], [3]),
        (type[Agent[Any]], [Agent], [int]),
        (type[Changeable] | None, [Changeable, None], [int]),
        (type[Changeable] | int, [Changeable, 3], [int, Changeable()]),
        (list[type[Changeable]], [[Changeable]], [[int], Changeable]),
        (dict[type[Changeable], int], [{Changeable: 1}], [{int: 1}]),
        (Annotated[type[Changeable], "made of it"], [Changeable], [int]),
        (Callable, [len, Walker, WALKER.go, problems], [3]),
        (Callable[[Changeable], Changeable], [len, Changeable], [3]),
        (Callable[[Changeable], Changeable] | None, [len, None], [3]),
        (Callable[[int], Changeable] | int, [len, 3], ["x", Changeable()]),
        (dict[str, Callable[[Changeable], None]], [{"a": len}], [{"a": 3}]),
        (Goes, [WALKER], [3, "go"]),
        (GoesToo, [WALKER], [3]),
        (Goes | None, [WALKER, None], [3]),
        (Literal["a", Colour.RED] | None, ["a", Colour.RED, None], ["b"]),
        (Literal["a"] | int, ["a", 3], ["b"]),
        (NewType("Years", int) | None, [3, None], ["x"]),
        (NewType("Years", int) | str, [3, "x"], [1.5]),
    ],
    ids=lambda each: "" if isinstance(each, list) else str(each),  # what values are called differs from run to run
)
def test_a_class_or_a_function_may_be_a_value_whatever_it_is_about(declared, fitting, others):
    schema = holder(declared)

    for value in fitting:
        made: Any = schema.make({"it": value})
        assert made.it == value
        assert schema.merge(made, {"it": value}).it == value
    for value in others:
        with pytest.raises(Misfit, match="expected"):
            schema.make({"it": value})


def test_a_class_that_does_not_fit_says_what_was_expected():
    assert problems(lambda: holder(type[int | str]).make({"it": float})) == [
        "expected a subclass of int or str, got <class 'float'> @ it"
    ]
    assert problems(lambda: holder(type).make({"it": 3})) == ["expected a class, got 3 @ it"]
    assert problems(lambda: holder(Goes).make({"it": 3})) == ["expected Goes, got 3, which has no 'go' @ it"]


def test_a_function_or_a_class_may_be_a_default():
    class Sort(Action):
        key: Callable[[Any], Any] = len
        kind: type[Any] = list
        of: Colour | type[Colour] = Colour

        def run(self, _context: object) -> Result:
            return None

    assert (Sort().key, Sort(kind=dict).kind, Sort().of) == (len, dict, Colour)
    assert Sort(key=max) != Sort()


def test_a_mutable_class_in_a_union_is_refused_however_it_is_written():
    for declared in (int | list[Changeable], Annotated[Changeable, "x"] | int, NewType("New", Changeable) | int):
        with pytest.raises(InvalidDefinition, match="Changeable is a mutable attrs class"):
            holder(declared)


def test_self_is_the_class_it_is_declared_in():
    @frozen
    class Node(Generic[T]):
        it: T
        next: Self | None = None
        each: list[Self] = field(factory=list)
        by: Annotated[dict[str, Self], "by name"] = field(factory=dict)
        make: Callable[[Self], Any] | None = None

    schema: Any = schema_of(Node[int])
    made = schema.make({"it": 1, "next": {"it": 2}, "each": [{"it": 3}], "by": {"a": {"it": 4}}, "make": len})

    node: Any = Node
    assert made == node(1, node(2), [node(3)], {"a": node(4)}, len)
    assert problems(lambda: schema.make({"it": 1, "next": {"it": "x"}})) == ["expected int, got 'x' @ next.it"]


Twice = TypeAliasType("Twice", tuple[T, T], type_params=(T,))


def test_a_type_may_have_a_name():
    assert holder(Twice[int]).make({"it": [1, 2]}).it == (1, 2)
    assert problems(lambda: holder(Twice[int] | None).make({"it": [1, "x"]})) == ["expected int, got 'x' @ it[1]"]


class Recursive:
    """As `type Nested = list[Nested] | None`, which Python 3.11 can't write."""

    __value__: Any


RECURSIVE: Any = Recursive()
RECURSIVE.__value__ = list[RECURSIVE] | None


def test_the_name_of_a_type_may_be_in_the_type():
    nested: Any = None
    for _ in range(50):
        nested = [nested]

    assert holder(RECURSIVE).make({"it": nested}).it == nested
    assert problems(lambda: holder(RECURSIVE).make({"it": [[3]]})) == ["expected a list, got 3 @ it[0][0]"]


def test_what_its_name_lets_be_nested_without_end_is_refused():
    nested: Any = None
    for _ in range(5000):
        nested = [nested]
    schema = holder(RECURSIVE, default=None)

    for make in (lambda: schema.make({"it": nested}), lambda: schema.put(schema.make({}), ("it",), nested)):
        (problem,) = problems(make)
        assert problem.startswith("data nested deeper than 100 levels")
        assert len(problem) < 200


def test_a_union_tells_what_is_wrong_inside_of_the_one_member_that_was_meant():
    assert problems(lambda: holder(int | list[int]).make({"it": [1, "x"]})) == ["expected int, got 'x' @ it[1]"]
    assert problems(lambda: holder(int | Bound).make({"it": {"low": "x"}})) == ["expected int, got 'x' @ it.low"]


@frozen
class Bound:
    low: int = 0


def test_a_union_that_many_values_do_not_fit_is_told_in_short():
    (problem,) = problems(lambda: holder(list[int] | list[bytes]).make({"it": ["no number"] * 10_000}))

    assert len(problem) < 1000

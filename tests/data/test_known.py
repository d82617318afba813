"""What is known of a class goes with it: programs make classes while they run."""

import gc
import inspect
import sys
import typing
from collections.abc import AsyncIterator, Callable, Sequence
from enum import Enum, Flag, StrEnum
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar
from weakref import ref

import pytest
import trio
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Emit, Jido, Result, Signal
from jido_trio.core import Catalogue, Fsm, Plan, Plugin, Sensing, Sensor, Step, Transition, invariant, tool_of
from jido_trio.data import (
    Misfit,
    _known,
    fingerprint,
    form_of,
    freeze,
    pack,
    register_structure_hook,
    schema_of,
    structure,
    unpack,
    unstructure,
)
from jido_trio.data._known import MANY, Known, of_class

T = TypeVar("T")


def a_value() -> Sequence[type]:
    @frozen
    class Item:
        n: int = 0

    @frozen
    class Shelf:
        items: list[Item] = field(factory=list)
        by: dict[str, Item] = field(factory=dict)
        pair: tuple[Item, int] = (Item(), 1)
        one: Item | None = None
        two: Item | int = 2

    made = schema_of(Shelf).make({"items": [{"n": 1}], "one": {"n": 2}, "two": {"n": 3}})
    assert structure(unstructure(made), Shelf) == made
    fingerprint(freeze({"shelf": made}))
    form_of(Shelf).read({"items": [{"n": 1}]})
    return Item, Shelf


def a_tree() -> Sequence[type]:
    @frozen
    class Node:
        children: "list[Node]" = field(factory=list)

    schema_of(Node).make({"children": [{"children": []}]})
    structure({"children": [{"children": []}]}, Node)
    return (Node,)


def enums() -> Sequence[type]:
    class Color(Enum):
        RED = "red"

    class Size(StrEnum):
        SMALL = "small"

    class Right(Flag):
        READ = 1

    @frozen
    class Shirt:
        color: Color = Color.RED
        size: Size = Size.SMALL
        sizes: tuple[Size, ...] = ()
        rights: Right = Right.READ

    schema_of(Shirt).make({"color": "red", "size": "small", "sizes": ["small"], "rights": 1})
    structure("small", Size)
    fingerprint(Color.RED)
    return Color, Size, Right, Shirt


def what_is_no_record() -> Sequence[type]:
    class Named(Protocol):
        name: str

    class Plain:
        name = "plain"

    @frozen
    class Holder:
        named: Named
        kind: type[Plain]
        make: Callable[[Plain], int]

    schema_of(Holder).make({"named": Plain(), "kind": Plain, "make": len})
    fingerprint(Plain())
    return Plain, Holder


def a_generic() -> Sequence[type]:
    @frozen
    class Box(Generic[T]):
        value: T | None = None

    @frozen
    class Shelf:
        box: Box[int] = Box(1)

    schema_of(Shelf).make({"box": {"value": 2}})
    return (Shelf,)


def a_tool() -> Sequence[type]:
    class Order(Action):
        """Order something."""

        count: int = 1

        def run(self, context: Context[Any]) -> Result:
            return None

    tool_of(Order, strict=True).read('{"count": 2}')
    Catalogue([Order]).search("order")
    Plan(Step("one", Order, {"count": 2}))
    return (Order,)


def an_agent() -> Sequence[type]:
    @frozen
    class Tally:
        n: int = 0

    class Count(Action):
        by: int = 1

        async def run(self, context: Context[Tally]) -> Result:
            return {"n": context.state.n + self.by}, Emit("counted")

    class Switch(Action):
        def run(self, context: Context[Tally]) -> Result:
            return None

    class Noting(Plugin[Tally], name="noting"):
        """Notes nothing."""

    class Ticking(Sensor):
        async def run(self, sensing: Sensing) -> AsyncIterator[Signal]:
            yield Signal("count", {"by": 2})

    class Counter(
        Agent[Tally],
        routes={"count": Count, "switch": Switch},
        plugins=[Noting()],
        sensors={"ticking": Ticking()},
        strategy=Fsm(["off", "on"], [Transition("off", Count), Transition("*", Switch, "on")]),
    ):
        @invariant
        def counts_up(self) -> bool:
            return self.state.n >= 0

    async def used() -> None:
        async with Jido() as jido:
            counter = await jido.start_agent(Counter)
            await counter.call(Signal("count", {"by": 2}))

    trio.run(used)
    return Tally, Count, Switch, Noting, Ticking, Counter


@pytest.mark.parametrize(
    "use", [a_value, a_tree, enums, what_is_no_record, a_generic, a_tool, an_agent], ids=lambda use: use.__name__
)
def test_a_class_that_was_used_and_dropped_is_collected(use):
    used = [ref(cls) for cls in use()]
    cleanups: Any = vars(typing)["_cleanups"]
    for clean in cleanups:  # typing remembers the last types that it has made
        clean()
    mros: Any = vars(inspect).get("_shadowed_dict_from_mro_tuple")
    if mros is not None:  # Python 3.12.0 and 3.12.1 remember the last ones, and not weakly
        mros.cache_clear()
    gc.collect()

    assert [each() for each in used if each() is not None] == []


def test_a_class_whose_module_was_loaded_again_is_collected(monkeypatch):
    shop: Any = ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", shop)

    def loaded() -> type:
        @frozen
        class Order:
            n: int = 1

        Order.__module__, Order.__qualname__, shop.Order = "shop", "Order", Order
        assert unpack(pack(Order())) == Order()
        return Order

    old = ref(loaded())
    loaded()
    gc.collect()

    assert old() is None


def test_of_types_that_are_no_classes_the_last_ones_are_remembered():
    known = Known[int]("test")
    for number in range(3 * MANY):
        known.put(typing.Literal[number], number)

    assert known.get(typing.Literal[number]) == number
    assert known.get(typing.Literal[0]) is None
    assert len(known._others) <= MANY


def test_a_protocol_has_no_more_members_than_before():
    class Named(typing.Protocol):
        name: str

    @frozen
    class Holder:
        named: Named

    with pytest.raises(Misfit, match="which has no 'name'"):
        schema_of(Holder).make({"named": object()})
    assert [name for name in vars(Named) if "jido" in name] == []


def test_a_hook_that_is_registered_later_holds_for_what_was_read_before():
    class Money:
        def __init__(self, cents: int) -> None:
            self.cents = cents

    with pytest.raises(Misfit):
        structure(5, Money)
    register_structure_hook(Money, lambda data, cls: cls(data))

    assert structure(5, Money).cents == 5


def test_what_could_not_be_forgotten_of_a_class_is_said_of_no_other(monkeypatch):
    monkeypatch.setattr(_known, "partial", lambda *_: lambda _: None)  # as with no room left on the stack
    name_of = of_class(lambda cls: cls.__name__)

    for number in range(50):
        cls = type(f"Made{number}", (), {})
        assert name_of(cls) == cls.__name__
        del cls
        gc.collect(1)  # it is young

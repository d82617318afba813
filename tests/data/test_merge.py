"""How values are merged, put and cut where a field has no declared type, or one that is taken whole."""

from typing import Any

import pytest
from attrs import Factory, define, evolve, frozen

from jido_trio.data import FrozenDict, Misfit, freeze, register_structure_hook, schema_of


@frozen
class Item:
    price: int = 0
    count: int = 1


@define
class Fault(Exception):
    code: int


class Bounds(dict[str, int]):
    """A mapping that a hook makes of data, whole or not at all."""


register_structure_hook(Bounds, lambda data, _: Bounds(low=data["low"], high=data["high"]))


@frozen
class Box:
    content: Any = None
    """Of no declared type."""
    bounds: Bounds = Factory(lambda: Bounds(low=1, high=2))
    item: Item | None = None
    counts: dict[int, int] = Factory(dict)
    many: list[Any] = Factory(list)
    pair: tuple[int, int] = (0, 0)


BOX = schema_of(Box)


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        (Item(5, 2), {"price": 7}, Item(7, 2)),
        ({"item": Item(5, 2)}, {"item": {"price": 7}}, {"item": Item(7, 2)}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 5}}, {"a": {"x": 5, "y": 2}}),
        ({"a": {"b": {"x": 1, "y": 2}}, "c": 3}, {"a": {"b": {"x": 5}}}, {"a": {"b": {"x": 5, "y": 2}}, "c": 3}),
        (Fault(404), {"code": 500}, {"code": 500}),
        (5, {"a": 1}, {"a": 1}),
    ],
    ids=["a value", "a value in a mapping", "a mapping", "deep down", "an error is no record", "a number"],
)
def test_a_mapping_is_merged_into_what_is_there_as_deep_as_it_goes(old, new, merged):
    assert BOX.merge(Box(content=old), {"content": new}).content == merged


@pytest.mark.parametrize(
    ("path", "left"),
    [
        (("a", "x"), {"a": {"y": 2}, "b": 3}),
        (("a",), {"b": 3}),
        (("a", "x", "deeper"), {"a": {"x": 1, "y": 2}, "b": 3}),
    ],
    ids=["at the end", "a branch", "beyond the end"],
)
def test_a_cut_takes_what_is_at_the_end_of_the_path_and_nothing_else(path, left):
    assert BOX.cut(Box(content={"a": {"x": 1, "y": 2}, "b": 3}), ("content", *path)).content == left


@pytest.mark.parametrize("path", [("nothing",), ("a", "nothing"), ("a", "x", "deeper")], ids=".".join)
def test_a_cut_of_what_is_not_there_leaves_the_very_same(path):
    content = freeze({"a": {"x": 1, "y": 2}})
    assert BOX.cut(Box(content=content), ("content", *path)).content is content


def test_what_a_cut_leaves_has_to_fit():
    with pytest.raises(Misfit):
        BOX.cut(Box(), ("bounds", "low"))


def test_none_is_put_where_there_may_be_none():
    assert BOX.put(Box(item=Item()), ("item",), None).item is None


def test_what_is_merged_in_is_frozen():
    given = [1, [2]]
    content = BOX.merge(Box(), {"content": {"list": given}}).content
    given.append(3)
    assert content == {"list": [1, [2]]}
    assert type(content) is FrozenDict


def nested(levels):
    """Return a list within a list, and so on."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("within", "wrong"),
    [
        ("content", {"a": nested(100)}),
        ("many", [nested(100)]),
    ],
    ids=["a mapping", "a list"],
)
def test_what_is_deep_enough_alone_is_too_deep_within_another(within, wrong):
    BOX.merge(Box(), {"content": nested(100)})
    for change in (lambda: BOX.make({within: wrong}), lambda: BOX.merge(Box(content={}), {within: wrong})):
        with pytest.raises(Misfit, match="deeper than 100 levels"):
            change()


def problems_of(change):
    with pytest.raises(Misfit) as misfit:
        change()
    return [str(problem) for problem in misfit.value.problems]


@pytest.mark.parametrize("old", [Box(), Box(counts={1: 1})], ids=["where there are none", "where there are some"])
def test_all_keys_and_values_that_do_not_fit_are_told(old):
    told = problems_of(lambda: BOX.merge(old, {"counts": {"one": 1, 2: "two", 3: 3}}))
    assert len(told) == 2
    assert "one" in told[0]
    assert "two" in told[1]


@pytest.mark.parametrize("pair", [(), (1,), (1, 2, 3)], ids=len)
def test_a_tuple_with_a_type_for_each_place_has_to_be_that_long(pair):
    [told] = problems_of(lambda: BOX.make({"pair": pair}))
    assert "expected a list of 2" in told


def test_what_is_added_to_a_frozen_dict_counts_for_how_deep_it_is():
    with pytest.raises(Misfit, match="deeper than 100 levels"):
        freeze([FrozenDict() | {"a": nested(99)}])


class Mark(str):
    """What a hook makes of text, and notes that it looked at it."""

    __slots__ = ()


looked_at: list[str] = []


def _look(data: Any, _: type) -> Mark:
    looked_at.append(data)
    return data if isinstance(data, Mark) else Mark(data)


register_structure_hook(Mark, _look)


@frozen
class Line:
    mark: Mark


@frozen
class Book:
    lines: tuple[Line, ...] = ()
    marks: list[Mark] = Factory(list)
    named: dict[str, Mark] = Factory(dict)
    inner: "Book | None" = None


@pytest.mark.parametrize("within", [False, True], ids=["a field of the state", "within an attrs value"])
@pytest.mark.parametrize(
    ("change", "new"),
    [
        (lambda old: {"lines": (*old.lines, Line(Mark("d")))}, ["d"]),
        (lambda old: {"lines": (Line(Mark("d")), *old.lines)}, ["d"]),
        (lambda old: {"lines": (old.lines[2], old.lines[0])}, []),
        (lambda old: {"marks": [*old.marks, "d"]}, ["d"]),
        (lambda old: {"marks": old.marks.__add__(["d"])}, ["d"]),
        (lambda old: {"marks": old.marks[1:]}, []),
        (lambda old: {"named": old.named | {"d": Mark("d")}}, ["d"]),
    ],
    ids=["added", "put before", "reordered", "added to a list", "added by +", "removed", "added to a mapping"],
)
def test_only_what_a_new_value_does_not_share_with_the_old_one_is_looked_at(change, new, within):
    schema = schema_of(Book)
    old = schema.make({"lines": [{"mark": m} for m in "abc"], "marks": [*"abc"], "named": {m: m for m in "abc"}})
    if within:
        old = schema.make({"inner": old})
    inner = (within and old.inner) or old
    changed = evolve(inner, **change(inner))
    looked_at.clear()
    kept = schema.replace(old, evolve(old, inner=changed) if within else changed)
    assert looked_at == new
    fitted = schema.fit(evolve(old, inner=changed) if within else changed)
    assert kept == fitted
    assert type((kept.inner or kept).marks) is type((fitted.inner or fitted).marks)


@frozen
class Tally:
    steps: list[int] = Factory(list)
    counts: dict[int, int] = Factory(dict)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        (Tally(steps=[1, 2]), Tally(steps=[2, True]), "steps"),
        (Tally(counts={1: 500}), Tally(counts={True: 500}), "counts"),
    ],
    ids=["an item", "a key"],
)
def test_what_only_equals_something_of_the_old_value_is_looked_at(old, new, wrong):
    schema = schema_of(Tally)
    with pytest.raises(Misfit, match=f"got True @ {wrong}"):
        schema.replace(schema.fit(old), freeze(new))

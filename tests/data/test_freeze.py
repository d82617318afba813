import copy
import json
import pickle
from collections import OrderedDict
from types import MappingProxyType
from typing import Any, NamedTuple

import attrs
import pytest
from attrs import define

from jido_trio.core import FrozenDict, FrozenList, freeze, thaw


class Point(NamedTuple):
    x: Any
    y: Any


@define
class Changeable:
    items: list[Any]


class Unknown:
    """A class that nobody but its author knows."""

    __hash__ = None  # type: ignore[assignment]


def test_dicts_lists_sets_and_bytearrays_are_frozen_all_the_way_down():
    frozen = freeze({"a": [{"b": {1, 2}}], "c": (bytearray(b"d"), [3])})
    assert type(frozen) is FrozenDict
    assert type(frozen["a"]) is FrozenList
    assert type(frozen["a"][0]) is FrozenDict
    assert type(frozen["a"][0]["b"]) is frozenset
    assert type(frozen["c"][0]) is bytes
    assert type(frozen["c"][1]) is FrozenList


def test_frozen_data_equals_what_it_was_made_of():
    data = {"a": [1, {"b": 2}], "c": (3, [4])}
    assert freeze(data) == data
    assert data == freeze(data)


def test_a_change_of_the_original_is_not_seen():
    data = {"a": [1]}
    frozen = freeze(data)
    data["a"].append(2)
    assert frozen == {"a": [1]}


@pytest.mark.parametrize("value", [None, True, 3, 1.5, "a", b"a", frozenset({1}), Unknown(), Unknown])
def test_what_cannot_change_or_is_of_an_unknown_class_comes_back_as_it_is(value):
    assert freeze(value) is value


def test_what_is_frozen_already_comes_back_as_it_is():
    for frozen in (freeze({"a": []}), freeze([{}])):
        assert freeze(frozen) is frozen


@pytest.mark.parametrize("mapping", [OrderedDict(a=[1]), MappingProxyType({"a": [1]})])
def test_other_mappings_become_frozen_dicts_too(mapping):
    frozen = freeze(mapping)
    assert type(frozen) is FrozenDict
    assert type(frozen["a"]) is FrozenList


def test_a_named_tuple_stays_one_with_its_items_frozen():
    frozen = freeze(Point([1], 2))
    assert type(frozen) is Point
    assert type(frozen.x) is FrozenList


@attrs.frozen
class Holder:
    items: Any


def test_freezing_a_value_leaves_the_one_that_was_given_as_it_was():
    given = Holder([1])
    assert type(freeze(given).items) is FrozenList
    assert type(given.items) is list


class Labelled(tuple[Any, ...]):  # noqa: SLOT001  # the label is in its __dict__
    """A tuple with attributes of its own."""

    label = ""


def test_a_tuple_with_attributes_keeps_them():
    given = Labelled(([1],))
    given.label = "one"
    frozen = freeze(given)
    assert (type(frozen), frozen.label, type(frozen[0])) == (Labelled, "one", FrozenList)


def test_the_constructors_freeze_their_items():
    assert type(FrozenDict([("a", [])])["a"]) is FrozenList
    assert type(FrozenList([{}])[0]) is FrozenDict


DICT_CHANGES = {
    "set": lambda d: d.__setitem__("a", 1),
    "delete": lambda d: d.__delitem__("a"),
    "clear": lambda d: d.clear(),
    "pop": lambda d: d.pop("a"),
    "popitem": lambda d: d.popitem(),
    "setdefault": lambda d: d.setdefault("b", 1),
    "update": lambda d: d.update(b=1),
    "ior": lambda d: d.__ior__({"b": 1}),
}
LIST_CHANGES = {
    "set": lambda items: items.__setitem__(0, 1),
    "set slice": lambda items: items.__setitem__(slice(None), []),
    "delete": lambda items: items.__delitem__(0),
    "append": lambda items: items.append(1),
    "clear": lambda items: items.clear(),
    "extend": lambda items: items.extend([1]),
    "insert": lambda items: items.insert(0, 1),
    "pop": lambda items: items.pop(),
    "remove": lambda items: items.remove(2),
    "reverse": lambda items: items.reverse(),
    "sort": lambda items: items.sort(),
    "iadd": lambda items: items.__iadd__([1]),
    "imul": lambda items: items.__imul__(2),
}


@pytest.mark.parametrize("change", DICT_CHANGES.values(), ids=DICT_CHANGES)
def test_every_change_of_a_frozen_dict_is_refused_with_the_remedy(change):
    frozen = FrozenDict({"a": 2})
    with pytest.raises(TypeError, match=r"frozen \| \{key: value\}"):
        change(frozen)
    assert frozen == {"a": 2}


@pytest.mark.parametrize("change", LIST_CHANGES.values(), ids=LIST_CHANGES)
def test_every_change_of_a_frozen_list_is_refused_with_the_remedy(change):
    frozen = FrozenList([2, 3])
    with pytest.raises(TypeError, match=r"frozen \+ \[item\]"):
        change(frozen)
    assert frozen == [2, 3]


def test_no_mutator_of_dict_or_list_was_forgotten():
    def mutators(cls, immutable):
        return {name for name in vars(cls) if name not in dir(immutable) and callable(getattr(cls, name))}

    harmless = {"get", "items", "keys", "values", "fromkeys", "copy", "__reversed__", "__or__", "__ror__"}
    assert mutators(dict, tuple) - harmless <= set(vars(FrozenDict))
    assert mutators(list, tuple) - harmless <= set(vars(FrozenList))


def test_merging_gives_a_frozen_dict_in_which_the_right_side_wins():
    frozen = FrozenDict({"a": 1, "b": 1})
    for merged in (frozen | {"b": [2]}, {"a": 3, "b": 1} | frozen | {"a": 1, "b": [2]}):
        assert type(merged) is FrozenDict
        assert merged == {"a": 1, "b": [2]}
        assert type(merged["b"]) is FrozenList
    assert ({"b": 5, "c": 6} | frozen) == {"a": 1, "b": 1, "c": 6}


def test_adding_and_repeating_give_frozen_lists():
    frozen = FrozenList([1])
    for longer, items in ((frozen.__add__([[2]]), [1, [2]]), (frozen * 2, [1, 1]), (2 * frozen, [1, 1])):
        assert type(longer) is FrozenList
        assert longer == items


def test_what_does_not_merge_or_add_is_a_type_error():
    for merge in (lambda: FrozenDict() | 3, lambda: 3 | FrozenDict(), lambda: FrozenList() + 3):
        with pytest.raises(TypeError, match=r"unsupported operand|can only concatenate"):
            merge()


def test_hashes_agree_with_equality_when_all_values_have_one():
    assert hash(freeze({"a": [1], "b": 2})) == hash(freeze({"b": 2, "a": [1]}))
    with pytest.raises(TypeError, match="unhashable"):
        hash(freeze({"a": Unknown()}))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize("value", [{"a": [1, {"b": (2, [3])}]}, [[1], {"a": {}}]])
def test_copies_and_pickles_are_equal_and_frozen(again, value):
    frozen = freeze(value)
    copied = again(frozen)
    assert copied == frozen
    assert type(copied) is type(frozen)


def test_json_writes_frozen_data_as_the_plain_one():
    data = {"a": [1, {"b": [2]}]}
    assert json.dumps(freeze(data)) == json.dumps(data)


def test_thawing_gives_plain_copies_all_the_way_down():
    plain = thaw(freeze({"a": [{"b": {1}}], "c": (1, [2]), "d": Point([1], 2)}))
    plain["a"][0]["b"].add(2)
    plain["c"][1].append(3)
    plain["d"].x.append(4)
    assert plain == {"a": [{"b": {1, 2}}], "c": (1, [2, 3]), "d": Point([1, 4], 2)}
    assert type(plain) is dict
    assert type(plain["a"]) is list


def test_thawing_plain_data_gives_a_copy():
    data = {"a": [1]}
    thaw(data)["a"].append(2)
    assert data == {"a": [1]}

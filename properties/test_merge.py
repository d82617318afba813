"""The laws of the deep merge, and a brute-force oracle on plain data."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from attrs import evolve, field, fields, frozen
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.data import Misfit, schema_of, unstructure
from jido_trio.testing import changes, states


@frozen
class Leaf:
    size: int = 0
    words: tuple[str, ...] = ()


@frozen
class Branch:
    leaf: Leaf = Leaf()
    spare: Leaf | None = None
    named: dict[str, Leaf] = field(factory=dict)


@frozen
class Tree:
    label: str
    branch: Branch = Branch()
    ages: dict[str, int] = field(factory=dict)
    items: list[int] = field(factory=list)
    rate: float | None = None


RECORD = schema_of(Tree)
trees = states(Tree)
edits = changes(Tree)


def merged(old: Any, new: Any) -> Any:
    """The whole of deep merging, onto plain data."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{key: merged(old[key], new[key]) if key in old else new[key] for key in new}}
    return unstructure(new)


@given(trees, edits)
def test_the_merge_is_that_of_plain_data(tree, edit):
    assert RECORD.merge(tree, edit) == RECORD.make(merged(unstructure(tree), edit))


@given(trees)
def test_no_changes_change_nothing(tree):
    assert RECORD.merge(tree, {}) == tree


@given(trees)
def test_a_value_merged_into_itself_is_itself(tree):
    assert RECORD.merge(tree, {name: getattr(tree, name) for name in RECORD.names}) == tree
    assert RECORD.merge(tree, unstructure(tree)) == tree


@given(trees, edits)
def test_the_same_changes_twice_are_the_changes_once(tree, edit):
    once = RECORD.merge(tree, edit)
    assert RECORD.merge(once, edit) == once


# What is first replaced by None and then given keys starts anew; one merge of both would keep its other keys.
lasting_edits = edits.map(lambda edit: without_none(unstructure(edit)))


def without_none(edit: Any) -> Any:
    if isinstance(edit, Mapping):
        return {key: without_none(item) for key, item in edit.items() if item is not None}
    return edit


@given(trees, lasting_edits, lasting_edits)
def test_two_changes_one_after_the_other_are_their_merge(tree, first, second):
    assert RECORD.merge(RECORD.merge(tree, first), second) == RECORD.merge(tree, merged(first, second))


@given(trees, edits)
def test_fields_that_are_not_named_stay(tree, edit):
    after = RECORD.merge(tree, edit)
    assert all(getattr(after, name) is getattr(tree, name) for name in RECORD.names if name not in edit)


@given(trees, edits)
def test_the_old_value_stays(tree, edit):
    before = unstructure(tree)
    RECORD.merge(tree, edit)
    assert unstructure(tree) == before


def outcome(make: Callable[[], Any]) -> Any:
    """What comes of it: a value with the classes of what it holds, or all that is wrong."""
    try:
        made = make()
    except Misfit as misfit:
        return misfit.problems
    return made, *((type(item), *map(type, item)) for item in (made.ages, made.items, made.branch.leaf.words))


odd = st.sampled_from([1, True, "a", None, 2.5, [1], Leaf()])


@given(trees, trees, st.data())
def test_put_in_the_place_of_another_a_value_is_what_it_is_alone(old, other, data):
    parts = st.lists(st.sampled_from([*old.items, *other.items]) | odd) if old.items or other.items else st.lists(odd)
    items = data.draw(parts)
    keys = st.sampled_from([*old.ages, *other.ages, 1, True])
    ages = data.draw(st.dictionaries(keys, st.sampled_from([*old.ages.values(), 5, "five"])))
    words = data.draw(st.lists(st.sampled_from([*old.branch.leaf.words, "new", 7])).map(tuple))
    branch = evolve(other.branch, leaf=Leaf(1, words), named=data.draw(st.sampled_from([old, other])).branch.named)
    for new in (
        evolve(old, items=items),
        evolve(other, items=(*old.items, *items), ages=ages, branch=branch),
        evolve(old, ages=old.ages | ages, branch=branch),
        unstructure(other),
    ):
        assert outcome(partial(RECORD.replace, old, new)) == outcome(partial(RECORD.fit, new))


@given(trees, edits, st.sampled_from(["lable", "brnch", "x"]))
def test_an_unknown_field_is_refused_whatever_else_there_is(tree, edit, unknown):
    with pytest.raises(Misfit, match=f"unknown field.* @ {unknown}"):
        RECORD.merge(tree, {**edit, unknown: 1})


@given(trees, st.sampled_from(RECORD.names))
def test_a_reset_field_has_its_default_and_the_others_stay(tree, name):
    if name in RECORD.required:
        with pytest.raises(Misfit, match="no default @ label"):
            RECORD.reset(tree, [name])
    else:
        fresh = Tree("x")
        assert RECORD.reset(tree, [name]) == evolve(tree, **{name: getattr(fresh, name)})


@given(trees)
def test_a_value_that_was_made_is_settled(tree):
    assert RECORD.settled(tree) == tree
    assert [field.name for field in fields(Tree)] == list(RECORD.names)


@frozen
class Split:
    words: list[str] = field(factory=list, converter=lambda text: text.split() if isinstance(text, str) else list(text))
    count: int = 0


@given(st.text("ab "), st.integers())
def test_what_a_converter_makes_is_frozen_too(text, count):
    record = schema_of(Split)
    for made in (
        record.make({"words": text}),
        record.merge(Split(), {"words": text}),
        record.merge(Split(text), {"count": count}),
    ):
        assert made.words == text.split()
        with pytest.raises(TypeError):
            made.words.append("more")

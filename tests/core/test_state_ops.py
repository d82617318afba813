"""State operations, each by its row of the table."""

from typing import Any

import pytest
from attrs import field, frozen
from attrs.exceptions import FrozenInstanceError

from jido_trio.core import DeleteKeys, DeletePath, ReplaceState, SetPath, SetState, StateOp
from jido_trio.data import Misfit, schema_of
from jido_trio.errors import InvalidDefinition


@frozen
class Owner:
    name: str
    age: int = 0


@frozen
class State:
    key: str
    count: int = 0
    owner: Owner | None = None
    notes: dict[str, Any] = field(factory=dict)
    items: list[int] = field(factory=list)


STATE = State("k", 1, Owner("ann", 40), {"a": {"x": 1, "y": 2}, "n": 5}, [1, 2])


def after(op: StateOp, state: State = STATE) -> State:
    return op.apply(state, schema_of(State))


def test_set_state_merges_deeply():
    changed = after(SetState({"owner": {"age": 41}, "notes": {"a": {"x": 9}}, "items": [3]}))
    assert changed == State("k", 1, Owner("ann", 41), {"a": {"x": 9, "y": 2}, "n": 5}, [3])


def test_set_state_makes_a_value_where_there_was_none():
    assert after(SetState({"owner": {"name": "bob"}}), State("k")).owner == Owner("bob")


def test_set_state_can_put_none():
    assert after(SetState({"owner": None})).owner is None


@pytest.mark.parametrize("new", [State("new"), {"key": "new"}])
def test_replace_state_keeps_nothing(new):
    assert after(ReplaceState(new)) == State("new")


def test_replace_state_is_validated():
    with pytest.raises(Misfit, match="expected int, got 'x' @ count"):
        after(ReplaceState(State("new", "x")))  # type: ignore[arg-type]  # the very mistake
    with pytest.raises(Misfit, match="required field missing @ key"):
        after(ReplaceState({}))


def test_a_deleted_key_goes_back_to_its_default():
    assert after(DeleteKeys(["count", "owner", "notes"])) == State("k", items=[1, 2])


def test_one_key_may_be_deleted_by_its_name():
    assert after(DeleteKeys("count")).count == 0


def test_keys_that_are_missing_are_ignored():
    assert after(DeleteKeys(["nothing", "count"])) == after(DeleteKeys(["count"]))


def test_a_key_without_default_cannot_be_deleted():
    with pytest.raises(Misfit, match="can't be deleted, it has no default @ key"):
        after(DeleteKeys(["count", "key"]))


def test_set_path_puts_a_value_through_attrs_values_and_mappings():
    assert after(SetPath("owner.age", 1)).owner == Owner("ann", 1)
    assert after(SetPath(("notes", "a", "x"), 7)).notes == {"a": {"x": 7, "y": 2}, "n": 5}


def test_set_path_replaces_and_does_not_merge():
    assert after(SetPath("notes.a", {"z": 1})).notes == {"a": {"z": 1}, "n": 5}


def test_set_path_makes_missing_mappings_on_the_way():
    assert after(SetPath("notes.b.c.d", 1)).notes == {**STATE.notes, "b": {"c": {"d": 1}}}


def test_set_path_replaces_what_is_no_mapping_on_the_way():
    assert after(SetPath("notes.n.deep", 1)).notes["n"] == {"deep": 1}


def test_set_path_makes_a_value_where_there_was_none():
    assert after(SetPath("owner.name", "bob"), State("k")).owner == Owner("bob")


@pytest.mark.parametrize(
    ("op", "problem"),
    [
        (SetPath("coutn", 1), "did you mean 'count'"),
        (SetPath("count", "x"), "expected int, got 'x' @ count"),
        (SetPath("count.deep", 1), "expected int"),
        (SetPath("owner.agee", 1), "did you mean 'age'.* @ owner.agee"),
        (SetPath("owner.age", "x"), "expected int, got 'x' @ owner.age"),
    ],
)
def test_set_path_refuses_what_does_not_fit(op, problem):
    with pytest.raises(Misfit, match=problem):
        after(op)


def test_delete_path_removes_keys_and_resets_fields():
    assert after(DeletePath("notes.a.x")).notes == {"a": {"y": 2}, "n": 5}
    assert after(DeletePath("owner.age")).owner == Owner("ann")
    assert after(DeletePath("count")).count == 0


@pytest.mark.parametrize(
    "path", ["nothing", "nothing.deep", "notes.b", "notes.b.c", "notes.n.x", "count.x", "owner.no", "owner.no.x"]
)
def test_delete_path_does_nothing_where_something_is_missing(path):
    assert after(DeletePath(path)) == STATE


def test_delete_path_refuses_a_field_without_default():
    with pytest.raises(Misfit, match=r"can't be deleted, it has no default @ owner\.name"):
        after(DeletePath("owner.name"))


@pytest.mark.parametrize("path", ["", (), "a..b"])
def test_a_path_without_keys_is_refused(path):
    with pytest.raises(InvalidDefinition, match="at least one key"):
        SetPath(path, 1)


@pytest.mark.parametrize("operation", [lambda keys: SetPath(keys, 1), DeletePath, DeleteKeys])
def test_what_is_no_key_and_not_several_is_refused(operation):
    with pytest.raises(InvalidDefinition, match=r"=5 of .* must be a text, or several keys"):
        operation(5)


def test_operations_cannot_be_changed_and_are_compared_by_value():
    changes = {"notes": {"a": [1]}}
    op = SetState(changes)
    changes["notes"]["a"].append(2)
    assert op == SetState({"notes": {"a": [1]}})
    with pytest.raises(FrozenInstanceError):
        op.attrs = {}  # type: ignore[misc]  # the very mistake
    with pytest.raises(TypeError):
        op.attrs["x"] = 1  # type: ignore[index]  # the very mistake


def test_what_an_operation_leaves_is_frozen():
    for op in (
        SetPath("notes.a.x", [1]),
        SetState({"notes": {"a": {"x": [1]}}}),
        ReplaceState({"key": "k", "notes": {"a": {"x": [1]}}}),
    ):
        with pytest.raises(TypeError):
            after(op).notes["a"]["x"].append(2)

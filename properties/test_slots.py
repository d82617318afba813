"""The children of a supervisor as a value: every version stays what it was, however many are made from it."""

import copy
import pickle
from collections import Counter
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.supervision import Child, _slots
from jido_trio.supervision._slots import Slot, Slots

STATES: list[Any] = ["stopped", "starting", "running", "ended", "stopping", "restarting", "backing_off", "parked"]
KINDS: list[dict[str, Any]] = [{}, {"restart": "temporary", "significant": True}, {"kind": "supervisor"}]

Model = tuple[Slot, ...]


def child(id: int, kind: int) -> Child:
    return Child(f"c{id}", trio.sleep_forever, **KINDS[kind])


changes = st.lists(
    st.tuples(
        st.integers(0, 999),
        st.sampled_from(["add", "put", "without"]),
        st.integers(0, 5),
        st.sampled_from(STATES),
        st.integers(0, len(KINDS) - 1),
    ),
    max_size=40,
)


def changed(slots: Slots, model: Model, change: Any) -> tuple[Slots, Model]:
    """Change the slots and what models them alike, where that makes sense."""
    what, id, state, kind = change
    there = next((slot for slot in model if slot.child.id == f"c{id}"), None)
    if what == "add" and there is None:
        new = slots.add(child(id, kind))
        return new, (*model, Slot(child(id, kind), rank=slots.next_rank))
    if what == "put" and there is not None:
        put = there.now(state)
        return slots.put(put), tuple(put if slot is there else slot for slot in model)
    if what == "without" and there is not None:
        return slots.without(there.child.id), tuple(slot for slot in model if slot is not there)
    return slots, model


def check(slots: Slots, model: Model) -> None:
    assert len(slots) == len(model)
    assert [slots.get(f"c{id}") for id in range(6)] == [
        next((slot for slot in model if slot.child.id == f"c{id}"), None) for id in range(6)
    ]
    assert {state: n for state, n in slots.states.items() if n} == Counter(slot.state for slot in model)
    assert slots.supervisors == sum(slot.child.kind == "supervisor" for slot in model)
    assert slots.significant == sum(slot.child.significant and slot.state != "stopped" for slot in model)
    assert tuple(slots) == model


def check_versions(script: Any) -> None:
    versions: list[tuple[Slots, Model]] = [(Slots(), ())]
    for at, *change in script:
        slots, model = versions[at % len(versions)]
        versions.append(changed(slots, model, change))
        check(*versions[at % len(versions)])
    for version in versions:
        check(*version)


@given(changes)
def test_every_version_stays_what_it_was_whichever_is_changed_or_looked_at(script):
    check_versions(script)


@given(changes)
def test_a_copy_is_equal_and_goes_its_own_way(script):
    slots: Slots = Slots()
    model: Model = ()
    for _, *change in script:
        slots, model = changed(slots, model, change)
    for copied in (copy.copy(slots), copy.deepcopy(slots), pickle.loads(pickle.dumps(slots))):  # our own
        assert copied == slots
        copied.add(child(99, 0))
        check(slots, model)


def test_the_law_notices_an_order_that_is_not_put_right_again(monkeypatch):
    monkeypatch.setattr(_slots._Table, "ordered", lambda table: table.slots)
    script = [
        (0, "add", 0, "stopped", 0),
        (1, "add", 1, "stopped", 0),
        (2, "without", 0, "stopped", 0),
        (2, "put", 1, "running", 0),
    ]
    with pytest.raises(AssertionError):
        check_versions(script)

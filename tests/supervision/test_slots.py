"""The children of a supervisor, as a value that keeps the order of starting."""

import pytest

from jido_trio.supervision._slots import Slots
from tests.supervision._bench import child

MANY = 1_000  # more than one bucket holds


def of(*ids: str) -> Slots:
    slots = Slots()
    for id in ids:
        slots = slots.add(child(id))
    return slots


def ids(slots: Slots) -> list[str]:
    return [slot.child.id for slot in slots]


def test_children_come_in_the_order_in_which_they_were_added():
    assert ids(of("b", "a", "c")) == ["b", "a", "c"]


def test_the_order_survives_the_growth_to_many_children():
    names = [f"c{number}" for number in range(MANY)]
    assert ids(of(*names)) == names


@pytest.mark.parametrize("size", [1, 10, 64, 65, 66, MANY])
def test_every_child_is_found_whatever_the_size(size):
    slots = of(*(f"c{number}" for number in range(size)))
    found = [slots.get(f"c{number}") for number in range(size)]
    assert [slot.child.id for slot in found if slot is not None] == [f"c{number}" for number in range(size)]


@pytest.mark.parametrize("size", [3, MANY])
def test_the_number_of_children_is_kept_through_adding_and_removing(size):
    slots = of(*(f"c{number}" for number in range(size)))
    assert len(slots.without("c1").without("c2").add(child("new"))) == size - 1


def test_a_changed_slot_keeps_its_place():
    slots = of("a", "b", "c")
    first = slots.get("a")
    assert first is not None
    assert ids(slots.put(first.now("running"))) == ["a", "b", "c"]


def test_a_child_that_was_removed_and_added_again_comes_last():
    assert ids(of("a", "b").without("a").add(child("a"))) == ["b", "a"]


def test_a_child_that_is_not_there_is_none():
    assert of("a").get("b") is None


def test_a_change_leaves_the_slots_it_was_made_from_alone():
    slots = of("a", "b")
    slots.without("a")
    assert ids(slots) == ["a", "b"]


def test_versions_before_and_after_a_child_came_back_each_keep_their_order():
    before = of("a", "b", "c")
    after = before.without("a").add(child("a"))
    assert ids(before) == ["a", "b", "c"]
    assert ids(after) == ["b", "c", "a"]
    assert ids(before) == ["a", "b", "c"]


def test_slots_with_the_same_children_in_the_same_order_are_equal():
    assert of("a", "b") == of("a", "b")
    assert of("a", "b") != of("b", "a")
    assert hash(of("a", "b")) == hash(of("a", "b"))


def test_the_next_life_is_numbered_and_has_no_end_yet():
    (slot,) = of("a")
    ended = slot.next_life("running").now("ended", "crash")
    assert (ended.incarnation, ended.exit) == (1, "crash")
    assert (ended.next_life("running").incarnation, ended.next_life("running").exit) == (2, None)


@pytest.mark.parametrize(
    ("state", "alive"),
    [
        ("stopped", False),
        ("starting", True),
        ("running", True),
        ("ended", False),
        ("stopping", True),
        ("restarting", False),
    ],
)
def test_alive_means_that_something_runs(state, alive):
    (slot,) = of("a")
    assert slot.now(state).alive is alive

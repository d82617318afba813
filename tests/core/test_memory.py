"""Memory and identity: values that an agent has in its state."""

import pytest

from jido_trio import Agent, InvalidDefinition
from jido_trio.actions import EvolveIdentity
from jido_trio.core import Identity, Memory, Space
from jido_trio.data import pack, unpack


def test_a_new_memory_has_a_world_and_tasks():
    memory = Memory.new()
    assert memory.id.startswith("mem_")
    assert {name: space.data for name, space in memory.spaces.items()} == {"world": {}, "tasks": []}
    assert memory.rev == 0


def test_a_change_counts_for_its_space_and_for_the_memory_and_for_no_other():
    old = Memory.new()
    new = old.put_in("world", "weather", "rain")
    assert (new.rev, new.space("world").rev, new.space("tasks").rev) == (1, 1, 0)
    assert new.get_in("world", "weather") == "rain"
    assert old.get_in("world", "weather") is None
    assert old.get_in("world", "weather", "sun") == "sun"
    assert new.updated_at >= old.updated_at


def test_lists_are_appended_to():
    memory = Memory.new().append_to("tasks", "a", {"b": 1})
    assert memory.space("tasks").data == ["a", {"b": 1}]
    assert memory.append_to("tasks", "c").space("tasks").rev == 2


def test_keys_are_deleted():
    memory = Memory.new().put_in("world", "a", 1).put_in("world", "b", 2)
    assert memory.delete_from("world", "a").space("world").data == {"b": 2}
    assert memory.delete_from("world", "c") is memory


def test_spaces_are_put_ensured_updated_and_deleted():
    memory = Memory.new().put_space("facts", {"a": 1})
    assert memory.ensure_space("facts", {}) is memory
    assert memory.ensure_space("plans", []).space("plans") == Space([])
    updated = memory.update_space("facts", lambda data: {**data, "b": 2})
    assert updated.space("facts") == Space({"a": 1, "b": 2}, 1)
    gone = memory.delete_space("facts")
    assert not gone.has_space("facts")
    assert gone.rev == 2
    assert gone.delete_space("facts") is gone


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda memory: memory.delete_space("world"), "every memory has"),
        (lambda memory: memory.delete_space("tasks"), "every memory has"),
        (lambda memory: memory.put_space("world", []), "is a mapping, and stays one"),
        (lambda memory: memory.put_space("tasks", {}), "is a list, and stays one"),
        (lambda memory: memory.put_space("new", "text"), "must be a mapping or a list"),
        (lambda memory: memory.put_in("tasks", "a", 1), "is a list: append_to it"),
        (lambda memory: memory.get_in("tasks", "a"), "is a list"),
        (lambda memory: memory.append_to("world", 1), "is a mapping: put_in it"),
        (lambda memory: memory.put_in("nothing", "a", 1), "no space 'nothing'; it has 'world', 'tasks'"),
        (lambda memory: memory.append_to("nothing", 1), "no space"),
        (lambda memory: memory.update_space("world", lambda data: []), "a mapping stays a mapping"),
    ],
    ids=range(11),
)
def test_what_does_not_fit_is_refused(change, what):
    with pytest.raises(InvalidDefinition, match=what):
        change(Memory.new())


def test_what_is_given_cannot_be_changed_afterwards():
    tasks = ["a"]
    memory = Memory.new().put_space("mine", tasks)
    tasks.append("b")
    assert memory.space("mine").data == ["a"]


def test_they_are_kept_as_they_are():
    for value in (Memory.new().put_in("world", "a", [1, {"b": None}]), Identity.new({"name": "Ada"})):
        assert unpack(pack(value)) == value


def test_an_identity_has_no_age_until_somebody_says():
    identity = Identity.new({"name": "Ada"})
    assert (identity.age, identity.get("name"), identity.get("none", 5), identity.rev) == (None, "Ada", 5, 0)
    assert Identity.new({"age": 3}).age == 3


@pytest.mark.parametrize(
    ("years", "days", "age"), [(0, 730, 2), (1, 364, 1), (1, 365, 2), (0, 0, 0), (5, 0, 5)], ids=str
)
def test_it_grows_older_by_years_of_365_days(years, days, age):
    identity = Identity.new().evolve(years=years, days=days)
    assert (identity.age, identity.rev) == (age, 1)


@pytest.mark.parametrize("wrong", [{"years": -1}, {"days": 1.5}, {"days": "1"}], ids=str)
def test_an_age_that_is_none_is_refused(wrong):
    with pytest.raises(InvalidDefinition):
        Identity.new().evolve(**wrong)


def test_others_are_told_of_age_generation_and_origin_only():
    identity = Identity.new({"age": 1, "secret": "x", "origin": "here"}).put("generation", 2)
    assert identity.snapshot() == {"age": 1, "generation": 2, "origin": "here"}
    assert identity.rev == 1


def test_an_action_has_the_agent_grow_older():
    from attrs import frozen

    @frozen
    class Person:
        identity: Identity | None = None

    class Ada(Agent[Person]): ...

    ada, directives = Ada.new("ada").cmd(EvolveIdentity(days=800))
    assert ada.state.identity is not None
    assert ada.state.identity.age == 2
    older, _ = ada.cmd(EvolveIdentity(years=1))
    assert older.state.identity is not None
    assert older.state.identity.age == 3
    assert directives == ()

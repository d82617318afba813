"""Threads: entries in order that never change."""

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve, field, frozen
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import Action, Agent, Context, InvalidDefinition, Result, Signal
from jido_trio.core import AppendEntries, Entry, Heard, Thread, ThreadEntry, mark_of, replay
from jido_trio.data import pack, unpack
from jido_trio.errors import UnknownField
from jido_trio.world import seeded, using


@frozen
class Talk:
    thread: Thread = field(factory=Thread.new)
    other: Thread | None = None
    number: int = 0


class Say(Action):
    text: str
    into: str = "thread"

    def run(self, context: Context[Talk]) -> Result:
        return AppendEntries({"kind": "message", "payload": {"text": self.text}}, into=self.into)


class Talker(Agent[Talk], routes={"say": Say}):
    """It says what it is told to."""


def three() -> Thread:
    return Thread.new("t").append({"kind": "a"}, {"kind": "b"}, ThreadEntry("a", {"n": 1}, {"about": 0}))


def test_a_new_thread_is_empty_and_has_an_id():
    thread = Thread.new()
    assert thread.id.startswith("thread_")
    assert (thread.rev, thread.entries, thread.last, thread.entry_count) == (0, (), None, 0)


def test_append_leaves_the_old_thread_as_it_was():
    old = three()
    new = old.append({"payload": {"text": "more"}})
    assert len(old.entries) == 3
    assert new.entries[:3] == old.entries
    assert new.rev == 4


def test_entries_are_numbered_and_have_ids_and_times():
    with using(seeded(1, datetime(2026, 1, 1, tzinfo=UTC))):
        thread = three()
    assert [entry.seq for entry in thread.entries] == [0, 1, 2]
    assert len({entry.id for entry in thread.entries}) == 3
    assert all(entry.id.startswith("entry_") and entry.at is not None for entry in thread.entries)
    assert thread.updated_at >= thread.created_at


def test_ids_and_times_that_are_given_are_kept():
    at = datetime(2020, 1, 1, tzinfo=UTC)
    (entry,) = Thread.new().append({"id": "mine", "at": at}).entries
    assert (entry.id, entry.at, entry.kind) == ("mine", at, "note")


def test_nothing_to_append_changes_nothing():
    thread = three()
    assert thread.append() is thread


def test_entries_are_found_by_number_and_kind():
    thread = three()
    assert thread.get_entry(1) == thread.entries[1]
    assert thread.get_entry(3) is None
    assert thread.get_entry(-1) is None
    assert [entry.seq for entry in thread.filter_by_kind("a")] == [0, 2]
    assert thread.filter_by_kind("a", "b") == thread.entries
    assert Thread.new().filter_by_kind("a") == ()


def test_a_slice_has_both_ends():
    assert [entry.seq for entry in three().slice(1, 2)] == [1, 2]


@given(count=st.integers(0, 8), kept=st.integers(0, 10), more=st.integers(0, 4))
def test_a_tail_goes_on_as_the_whole_would(count, kept, more):
    whole = Thread.new("t").append(*({"payload": {"n": number}, "id": f"e-{number}"} for number in range(count)))
    tail = whole.tail(kept)
    assert tail.entries == whole.entries[max(0, count - kept) :]
    assert (tail.rev, tail.first) == (count, max(0, count - kept))
    extra = [{"id": f"x-{number}"} for number in range(more)]
    ends = [(entry.seq, entry.id) for entry in tail.append(*extra).entries]
    assert ends == [(entry.seq, entry.id) for entry in whole.append(*extra).entries][tail.first :]
    assert all(tail.get_entry(entry.seq) == entry for entry in tail.entries)


def test_what_is_in_an_entry_cannot_be_changed():
    payload = {"list": [1]}
    (entry,) = Thread.new().append({"payload": payload}).entries
    payload["list"].append(2)
    assert entry.payload == {"list": [1]}
    with pytest.raises(TypeError):
        entry.payload["list"] = []  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        entry.kind = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        (5, "is no entry"),
        ({"kindd": "a"}, "did you mean"),
        ({"kind": ""}, "kind=''"),
        ({"kind": 5}, "kind=5"),
        ({"payload": "text"}, "payload='text' must be a mapping"),
        ({"refs": [1]}, "refs"),
    ],
    ids=range(6),
)
def test_what_is_no_entry_is_refused(entry, what):
    with pytest.raises(InvalidDefinition, match=what):
        Thread.new().append(entry)
    with pytest.raises(InvalidDefinition, match=what):
        AppendEntries([entry])


def test_a_thread_that_does_not_hold_together_is_refused():
    thread = three()
    with pytest.raises(InvalidDefinition, match="of 5 entries can't have those from 0 to 2"):
        evolve(thread, rev=5)
    with pytest.raises(InvalidDefinition, match="id"):
        Thread.new("")
    with pytest.raises(InvalidDefinition, match="count"):
        thread.tail(-1)


def test_it_is_kept_as_it_is():
    thread = three()
    assert unpack(pack(thread)) == thread


def test_an_operation_appends_to_the_field_of_the_state():
    agent: Any = Talker.new("t")
    for text in ("one", "two"):
        agent, _ = agent.receive(Signal("say", {"text": text}))
    assert [entry.payload["text"] for entry in agent.state.thread.entries] == ["one", "two"]


def test_it_makes_a_thread_where_there_is_none():
    agent: Any = Talker.new("t")
    agent, _ = agent.receive(Signal("say", {"text": "one", "into": "other"}))
    assert agent.state.other.rev == 1
    assert agent.state.thread.rev == 0


@pytest.mark.parametrize(
    ("into", "error"), [("number", InvalidDefinition), ("nothing", UnknownField)], ids=["number", "nothing"]
)
def test_a_field_that_holds_no_thread_is_told_of(into, error):
    with pytest.raises(error, match=into):
        Talker.new("t").receive(Signal("say", {"text": "one", "into": into}))


def test_a_replay_comes_to_the_same_thread():
    begin: Any = Talker.new("t")
    agent, journal = begin, []
    for number, text in enumerate("abc", start=1):
        heard = Heard(Signal("say", {"text": text}))
        agent, _ = heard.apply(agent)
        journal.append(Entry(number, heard, mark_of(agent)))
    assert replay(begin, journal).state == agent.state

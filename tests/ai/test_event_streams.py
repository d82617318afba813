"""Server-sent events, cut anywhere: lines end in CR LF, in LF, or in CR."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jido_trio.ai._wire import _Events

STREAM = [": hello", 'data: {"a": 1}', "", "event: x", "data:b", "data:  c ", "", "id: 7", "", "data", "data: last", ""]
EVENTS = ['{"a": 1}', "b\n c ", "last"]


def fed(*pieces: bytes) -> list[str]:
    events = _Events()
    return [each for piece in pieces for each in events.fed(piece)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=ascii)
def test_lines_may_end_in_any_of_three_ways(end):
    assert fed("".join(line + end for line in STREAM).encode()) == EVENTS


@given(ends=st.lists(st.sampled_from(["\n", "\r", "\r\n"]), min_size=12, max_size=12), cuts=st.sets(st.integers(0, 90)))
def test_however_lines_end_and_wherever_the_stream_is_cut_the_events_are_the_same(ends, cuts):
    # After a CR an LF belongs to it; so that each line is one, none is blank where the one before ended in CR.
    ended = ["\r\n" if end == "\r" and STREAM[at + 1 : at + 2] == [""] and ends[at + 1] == "\n" else end
             for at, end in enumerate(ends)]  # fmt: skip
    stream = "".join(map(str.__add__, STREAM, ended)).encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    assert fed(*(stream[begin:end] for begin, end in pairwise(places))) == EVENTS


def test_a_cr_ends_its_line_before_anybody_knows_what_comes_next():
    events = _Events()
    assert list(events.fed(b"data: a\r\r")) == ["a"]
    assert list(events.fed(b"\ndata: b\r\n\r")) == ["b"]
    assert list(events.fed(b"")) == []
    assert list(events.fed(b"\n")) == []
    assert list(events.fed(b"data: c\n\n")) == ["c"]


def test_an_event_of_nothing_is_none():
    assert fed(b"data:\n\ndata: \n\ndata: a\n\n") == ["a"]


def test_a_mark_of_byte_order_is_no_part_of_the_first_line():
    assert fed("\ufeffdata: a\r\r".encode()) == ["a"]

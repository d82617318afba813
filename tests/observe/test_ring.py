"""Rings of events."""

from hypothesis import given
from hypothesis import strategies as st

from jido_trio.observe import Event, Ring


def event(number: int) -> Event:
    return Event(float(number), "a", 1, "signal", "note")


@given(st.integers(0, 5), st.integers(0, 12), st.none() | st.integers(0, 12))
def test_a_ring_has_the_last_events_newest_first(capacity, count, limit):
    ring = Ring(capacity)
    for number in range(count):
        ring.add(event(number))

    kept = list(range(count))[max(0, count - capacity) :][::-1]
    assert [each.at for each in ring.recent(limit)] == kept[:limit]
    assert len(ring) == len(kept)
    assert repr(ring) == f"<Ring {len(kept)}/{capacity}>"


def test_an_event_is_told_in_one_line():
    told = Event(1.5, "a\n", 2, "crash", "x" * 1000, {"data": "\x1b"})

    assert str(told).startswith("1.500 'a\\n' life 2 crash: xxx")
    assert str(told).isprintable()
    assert len(str(told)) < 800

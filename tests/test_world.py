import subprocess
import sys
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from attrs.exceptions import FrozenInstanceError

from jido_trio import world
from jido_trio.world import current, derived, enter, is_uuid7, leave, real, seeded, using, uuid7, uuid7_time

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def draw(source, count=3):
    return [source() for _ in range(count)]


def test_the_real_world_is_current_unless_another_was_entered():
    assert current() is real


def test_the_real_time_is_aware_and_in_utc():
    assert real.now().utcoffset() == timedelta(0)


def test_an_id_is_uuid7_text_of_36_characters():
    text = real.ids()
    assert len(text) == 36
    assert is_uuid7(text)


def test_five_thousand_ids_of_one_millisecond_are_distinct_and_rise():
    ids = draw(uuid7(lambda: NOON, Random(1)), 5_000)
    assert ids == sorted(set(ids))


def test_ids_go_on_rising_when_the_clock_is_set_back():
    times = iter([NOON, NOON - timedelta(hours=1), NOON - timedelta(hours=2)])
    ids = draw(uuid7(lambda: next(times), Random(1)))
    assert ids == sorted(set(ids))


def test_ids_follow_the_clock_once_it_has_caught_up():
    times = iter([NOON, NOON - timedelta(hours=1), NOON + timedelta(hours=1)])
    assert uuid7_time(draw(uuid7(lambda: next(times), Random(1)))[-1]) == NOON + timedelta(hours=1)


@pytest.mark.parametrize("milliseconds", [0, 1, 123, 999])
def test_an_id_tells_the_millisecond_it_was_made_in(milliseconds):
    time = NOON + timedelta(milliseconds=milliseconds)
    assert uuid7_time(uuid7(lambda: time + timedelta(microseconds=999), Random(1))()) == time


def test_ids_of_one_millisecond_have_one_beginning_and_those_of_others_have_others():
    times = [NOON] * 3 + [NOON + timedelta(milliseconds=1)] * 2
    ids = draw(uuid7(iter(times).__next__, Random(1)), 5)
    assert [uuid7_time(id) for id in ids] == times
    assert ids == sorted(ids)


def test_the_example_of_the_rfc_is_a_uuid7_in_either_case():
    example = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F"
    assert is_uuid7(example)
    assert is_uuid7(example.lower())
    assert uuid7_time(example) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "not-a-uuid",
        "",
        "919108f7-52d1-4320-9bac-f847db4148a8",  # version 4
        "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",  # another variant
        "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",
    ],
)
def test_what_is_no_uuid7_is_refused(text):
    assert not is_uuid7(text)
    with pytest.raises(ValueError, match="is not a UUIDv7"):
        uuid7_time(text)


def test_the_same_seed_gives_the_same_ids_times_and_numbers():
    first, second = seeded(7), seeded(7)
    assert draw(first.ids) == draw(second.ids)
    assert draw(first.now) == draw(second.now)
    assert draw(first.random.random) == draw(second.random.random)


def test_another_seed_gives_other_ids_and_numbers():
    assert seeded(7).ids() != seeded(8).ids()
    assert seeded(7).random.random() != seeded(8).random.random()


def test_the_same_seed_gives_the_same_ids_in_another_process():
    program = "from jido_trio.world import seeded; print(seeded('x').ids())"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == seeded("x").ids()


def test_drawing_numbers_leaves_the_ids_of_a_seed_alone():
    one = seeded(7)
    one.random.random()
    assert one.ids() == seeded(7).ids()


def test_seeded_time_starts_where_it_is_told_and_gains_a_millisecond_a_look():
    one = seeded(7, NOON)
    assert draw(one.now, 2) == [NOON + timedelta(milliseconds=1), NOON + timedelta(milliseconds=2)]


def test_a_world_is_current_inside_the_block_and_the_former_one_after_it():
    with using(seeded(1)) as outer:
        with using(seeded(2)) as inner:
            assert current() is inner
        assert current() is outer
    assert current() is real


def test_the_former_world_is_back_after_an_exception():
    with pytest.raises(KeyError), using(seeded(1)):
        raise KeyError
    assert current() is real


def test_entering_and_leaving_are_the_block_without_its_cost():
    one = seeded(1)
    token = enter(one)
    assert current() is one
    leave(token)
    assert current() is real


def test_a_derived_world_repeats_its_ids_numbers_and_time():
    first, second = (derived(lambda: b"cart-1/7", lambda: NOON) for _ in range(2))
    assert draw(first.ids) == draw(second.ids)
    assert first.random.random() == second.random.random()
    assert first.now() == NOON


def test_derived_ids_are_distinct_rising_uuid7s_of_the_given_time():
    ids = draw(derived(lambda: b"cart-1/7", lambda: NOON).ids, 100)
    assert ids == sorted(set(ids))
    assert all(is_uuid7(text) for text in ids)
    assert {uuid7_time(text) for text in ids} == {NOON}


def test_derived_ids_rise_and_are_uuid7s_however_many_and_whenever():
    for time in (NOON, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):
        one = derived(lambda: b"cart-1/7", lambda time=time: time)  # type: ignore[misc]
        ids = [one.ids() for _ in range(5000)]
        assert ids == sorted(set(ids))
        assert all(map(is_uuid7, ids))


def test_another_basis_gives_other_ids():
    assert derived(lambda: b"a", lambda: NOON).ids() != derived(lambda: b"b", lambda: NOON).ids()


def test_the_basis_is_asked_once_for_all_ids_and_not_before_the_first():
    asked = []

    def basis():
        asked.append(1)
        return b"a"

    one = derived(basis, lambda: NOON)
    with using(one):
        assert asked == []
    draw(one.ids)
    assert asked == [1]


def test_a_derived_world_is_frozen_and_has_nothing_else():
    one = derived(lambda: b"a", lambda: NOON)
    with pytest.raises(FrozenInstanceError):
        one.now = real.now  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError, match="clock"):
        getattr(one, "clock")  # noqa: B009 - World declares no such name


def test_all_public_names_are_sorted():
    assert world.__all__ == sorted(world.__all__)

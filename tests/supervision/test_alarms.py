"""Alarms: what is due at some time is called then, by one task."""

from functools import partial

import pytest
import trio

from jido_trio.supervision._alarms import Alarms


@pytest.fixture
async def bugs():
    return []


@pytest.fixture
async def alarms(nursery, bugs):
    return Alarms(nursery.start_soon, bugs.append)


async def test_each_is_called_in_time_and_order(alarms, autojump_clock):
    rung: list[tuple[str, float]] = []

    def ring(name: str) -> None:
        rung.append((name, trio.current_time()))

    for name, at in (("b", 2), ("a", 1), ("c", 2), ("d", 4)):
        alarms.set(name, at, partial(ring, name))
    await trio.sleep(3)
    alarms.set("e", 3.5, partial(ring, "e"))
    await trio.sleep(3)
    assert rung == [("a", 1), ("b", 2), ("c", 2), ("e", 3.5), ("d", 4)]
    alarms.end()


async def test_one_that_is_set_again_replaces_the_one_before(alarms, autojump_clock):
    rung: list[float] = []
    for at in (1, 5, 3):
        alarms.set("a", at, lambda: rung.append(trio.current_time()))
    await trio.sleep(10)
    assert rung == [3]
    alarms.end()


async def test_one_that_is_dropped_is_not_called(alarms, autojump_clock):
    rung: list[str] = []
    alarms.set("a", 1, lambda: rung.append("a"))
    alarms.drop("a")
    alarms.drop("never set")
    await trio.sleep(10)
    assert rung == []
    alarms.end()


async def test_one_may_be_set_by_another(alarms, autojump_clock):
    rung: list[float] = []

    def again() -> None:
        rung.append(trio.current_time())
        alarms.set("a", trio.current_time() + 1, again)

    alarms.set("a", 1, again)
    await trio.sleep(3.5)
    assert rung == [1, 2, 3]
    alarms.end()


async def test_a_later_one_does_not_put_off_a_nearer_one(alarms, autojump_clock):
    rung: list[float] = []
    alarms.set("near", 1, lambda: rung.append(trio.current_time()))
    await trio.sleep(0.5)
    alarms.set("late", 9, lambda: rung.append(trio.current_time()))
    await trio.sleep(10)
    assert rung == [1, 9]
    alarms.end()


async def test_they_ring_while_all_is_cancelled(bugs, autojump_clock):
    rung: list[float] = []
    async with trio.open_nursery() as nursery:
        alarms = Alarms(nursery.start_soon, bugs.append)
        alarms.set("a", 1, lambda: rung.append(trio.current_time()))
        alarms.set("b", 2, alarms.end)
        await trio.sleep(0.5)
        nursery.cancel_scope.cancel()
    assert (rung, bugs) == ([1], [])


async def test_what_was_replaced_does_not_pile_up(alarms, autojump_clock):
    for _ in range(10_000):
        alarms.set("a", 1e9, lambda: None)
    assert len(alarms._times) < 100
    alarms.end()


async def test_a_bug_in_a_call_is_told_and_ends_them(alarms, bugs, autojump_clock):
    alarms.set("a", 1, lambda: 1 / 0)
    await trio.sleep(2)
    assert [type(bug) for bug in bugs] == [ZeroDivisionError]

"""Timers and deadlines: when they fire, in which order, and that those which mean nothing any more do not."""

import math
from contextlib import asynccontextmanager

import trio

from jido_trio.runtime._clock import Deadlines, Timers


@asynccontextmanager
async def running():
    timers = Timers()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        yield timers
        timers.end()


async def test_timers_fire_in_order_of_their_times(autojump_clock):
    fired = []
    start = trio.current_time()
    async with running() as timers:
        for seconds in (3, 1, 2):
            timers.after(seconds, lambda s=seconds: fired.append((s, trio.current_time() - start)))
        await trio.sleep(5)

    assert fired == [(1, 1), (2, 2), (3, 3)]


async def test_timers_of_the_same_time_fire_in_the_order_they_were_made(autojump_clock):
    fired = []
    async with running() as timers:
        for number in range(20):
            timers.at(trio.current_time() + 1, lambda n=number: fired.append(n))
        await trio.sleep(2)

    assert fired == list(range(20))


async def test_a_sooner_timer_fires_although_the_task_sleeps_for_a_later_one(autojump_clock):
    fired = []
    async with running() as timers:
        timers.after(100, lambda: fired.append("late"))
        await trio.sleep(1)
        timers.after(1, lambda: fired.append("soon"))
        await trio.sleep(2)

    assert fired == ["soon"]


async def test_a_cancelled_timer_does_not_fire(autojump_clock):
    fired = []
    async with running() as timers:
        timer = timers.after(1, lambda: fired.append("cancelled"))
        timers.after(1, lambda: fired.append("kept"))
        timer.cancel()
        timer.cancel()
        await trio.sleep(2)

    assert fired == ["kept"]
    assert not timer.pending


async def test_cancelling_a_timer_that_fired_is_nothing(autojump_clock):
    async with running() as timers:
        timer = timers.after(0, lambda: None)
        await trio.sleep(1)
        timer.cancel()

        assert timers._dead == 0


async def test_a_timer_may_make_and_cancel_timers(autojump_clock):
    fired = []
    async with running() as timers:
        doomed = timers.after(2, lambda: fired.append("doomed"))

        def first():
            doomed.cancel()
            timers.after(0, lambda: fired.append("second"))

        timers.after(1, first)
        await trio.sleep(3)

    assert fired == ["second"]


async def test_cancelled_timers_do_not_pile_up(autojump_clock):
    fired = []
    async with running() as timers:
        timers.after(60, lambda: fired.append("kept"))
        for _ in range(10_000):
            timers.after(30, lambda: fired.append("cancelled")).cancel()
        assert len(timers._heap) < 200
        await trio.sleep(100)

        assert (len(timers._heap), timers._dead) == (0, 0)
    assert fired == ["kept"]


async def test_timers_made_before_the_task_runs_fire_too(autojump_clock):
    timers, fired = Timers(), []
    timers.after(1, lambda: fired.append("early"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        await trio.sleep(2)
        timers.end()

    assert fired == ["early"]


async def test_a_timer_without_end_never_fires(autojump_clock):
    fired = []
    async with running() as timers:
        timers.after(math.inf, lambda: fired.append("never"))
        await trio.sleep(80_000)

    assert fired == []


async def test_timers_end_when_they_are_told_and_not_when_they_are_cancelled(autojump_clock):
    fired = []
    timers = Timers()
    timers.after(2, lambda: fired.append("late"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        nursery.cancel_scope.cancel()
        timers.after(3, timers.end)

    assert fired == ["late"]


class Expected:
    """Something that has a deadline, and notes that it is over."""

    def __init__(self, settled=False):
        self.settled, self.expired = settled, None

    def expire(self, seconds):
        self.settled, self.expired = True, (seconds, trio.current_time())


async def test_what_is_not_settled_expires_when_its_time_is_over(autojump_clock):
    start = trio.current_time()
    first, answered, last = Expected(), Expected(), Expected()
    async with running() as timers:
        deadlines = Deadlines(5, timers)
        deadlines.add(first)
        deadlines.add(answered)
        await trio.sleep(2)
        deadlines.add(last)
        answered.settled = True
        await trio.sleep(10)

    assert (first.expired, answered.expired, last.expired) == ((5, start + 5), None, (5, start + 7))


async def test_what_is_settled_piles_up_neither_behind_nor_before_one_that_waits(autojump_clock):
    async with running() as timers:
        deadlines = Deadlines(5, timers)
        for _ in range(1000):
            deadlines.add(Expected(settled=True))
        patient = Expected()
        deadlines.add(patient)
        for _ in range(10_000):
            deadlines.add(Expected(settled=True))
        assert len(deadlines) < 200
        assert len(timers) < 3
        await trio.sleep(6)

    assert patient.expired is not None

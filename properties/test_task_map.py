"""`map` against a loop: for any durations and crashes, the same results, and no more at once than allowed."""

from collections import Counter

import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from jido_trio.errors import TaskCrashed, TaskTimedOut
from jido_trio.supervision import Failed, Ok, open_task_supervisor

durations = st.integers(0, 5)
jobs = st.lists(st.tuples(durations, st.booleans()), max_size=12)
"""For each item how long it takes, and whether it then crashes."""
widths = st.integers(1, 5)

TIMEOUT = 3.5
"""Between two durations, so that no item ends at its timeout."""


class Gauge:
    """How many jobs run, and how many ran at most."""

    def __init__(self):
        self.now = self.most = 0

    async def run(self, job):
        seconds, crashes = job
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await trio.sleep(seconds)
        finally:
            self.now -= 1
        if crashes:
            raise ValueError(job)
        return job


def serial(job, timeout):
    """Return what one job comes to, in words."""
    seconds, crashes = job
    if timeout is not None and seconds > timeout:
        return "late"
    return ("crash", job) if crashes else ("ok", job)


def in_words(result):
    match result:
        case Ok(job):
            return ("ok", job)
        case Failed(TaskCrashed(__cause__=ValueError(args=(job,)))):
            return ("crash", job)
        case Failed(TaskTimedOut()):
            return "late"


def mapped(jobs, width, pauses=(), take=None, **options):
    """Return the results in words, the gauge, how long it took, and how many items were taken."""
    gauge, taken = Gauge(), []

    def items():
        for job in jobs:
            taken.append(job)
            yield job

    async def main():
        got: list[object] = []
        waits = iter(pauses)
        async with open_task_supervisor(on_report=lambda report: None) as tasks:
            async with tasks.map(gauge.run, items(), max_concurrency=width, **options) as results:
                while take is None or len(got) < take:
                    result = await anext(results, None)
                    if result is None:
                        break
                    got.append(in_words(result))
                    assert len(taken) <= len(got) - 1 + width
                    await trio.sleep(next(waits, 0))
            assert (gauge.now, tasks.count) == (0, 0)
        return got, trio.current_time()

    got, seconds = trio.run(main, clock=MockClock(autojump_threshold=0))
    return got, gauge, seconds, len(taken)


timeouts = st.sampled_from([None, TIMEOUT])
readers = st.lists(durations, max_size=12)


@given(jobs, widths, readers, timeouts)
def test_ordered_results_are_those_of_a_loop(jobs, width, pauses, timeout):
    got, *_ = mapped(jobs, width, pauses, timeout=timeout, on_timeout="kill")
    assert got == [serial(job, timeout) for job in jobs]


@given(jobs, widths, readers, timeouts)
def test_unordered_results_are_those_of_a_loop_in_some_order(jobs, width, pauses, timeout):
    got, *_ = mapped(jobs, width, pauses, ordered=False, timeout=timeout, on_timeout="kill")
    assert Counter(got) == Counter(serial(job, timeout) for job in jobs)


@given(jobs, widths, st.booleans(), readers)
def test_never_more_than_max_concurrency_run(jobs, width, ordered, pauses):
    _, gauge, *_ = mapped(jobs, width, pauses, ordered=ordered)
    assert gauge.most <= width


@given(jobs, widths)
def test_a_reader_that_never_pauses_keeps_as_many_busy_as_allowed(jobs, width):
    _, _, seconds, _ = mapped(jobs, width, ordered=False)
    free = [0] * width  # the time at which each place is free again: items go to the place that is free first
    for duration, _ in jobs:
        at = free.index(min(free))
        free[at] += duration
    assert seconds == max(free)


@given(jobs, widths, st.booleans(), st.integers(0, 12))
def test_leaving_early_leaves_nothing_running_and_later_items_untouched(jobs, width, ordered, take):
    got, _, _, taken = mapped(jobs, width, take=take, ordered=ordered)
    assert len(got) == min(take, len(jobs))
    assert taken <= max(0, take - 1 + width) * bool(take)

"""Results of a function mapped over items: their order, their bounds, their errors."""

from itertools import count

import pytest
import trio

from jido_trio.errors import ChildRefused, InvalidDefinition, SupervisorStopped, TaskCrashed, TaskStopped, TaskTimedOut
from jido_trio.supervision import Failed, Ok, open_task_supervisor


@pytest.fixture
def reports():
    return []


@pytest.fixture
async def tasks(reports):
    async with open_task_supervisor(name="tasks", on_report=reports.append) as tasks:
        yield tasks


async def nap(seconds):
    """Sleep so long, and return it; below zero crash at once."""
    if seconds < 0:
        raise ValueError(seconds)
    await trio.sleep(seconds)
    return seconds


async def collect(results):
    async with results:
        return [(trio.current_time(), result) async for result in results]


async def read(results, got):
    """Put results into `got`; they are there even if an error follows."""
    async with results:
        async for result in results:
            got.append(result)


def short(collected):
    return [(at, result.value if isinstance(result, Ok) else type(result.error)) for at, result in collected]


async def test_no_items_no_results(tasks, autojump_clock):
    assert await collect(tasks.map(nap, [], max_concurrency=2)) == []


async def test_results_come_in_the_order_of_the_items(tasks, autojump_clock):
    assert short(await collect(tasks.map(nap, [3, 1, 2], max_concurrency=3))) == [(3, 3), (3, 1), (3, 2)]


async def test_unordered_results_come_as_soon_as_they_are_there(tasks, autojump_clock):
    results = tasks.map(nap, [3, 1, 2], max_concurrency=3, ordered=False)
    assert short(await collect(results)) == [(1, 1), (2, 2), (3, 3)]


async def test_with_one_at_once_it_is_a_loop(tasks, autojump_clock):
    assert short(await collect(tasks.map(nap, [3, 1, 2], max_concurrency=1))) == [(3, 3), (4, 1), (6, 2)]


@pytest.mark.parametrize("ordered", [True, False])
async def test_never_more_than_max_concurrency_run(ordered, tasks, autojump_clock):
    seen = set()

    async def look(seconds):
        seen.add(tasks.count)
        await trio.sleep(seconds)

    await collect(tasks.map(look, [3, 1, 2, 1, 5, 1], max_concurrency=2, ordered=ordered))
    assert max(seen) == 2


async def test_items_are_taken_only_as_results_are_asked_for(tasks, autojump_clock):
    taken = []

    def items():
        for number in count():
            taken.append(number)
            yield 1

    async with tasks.map(nap, items(), max_concurrency=2) as results:
        await trio.sleep(5)
        assert taken == []
        await anext(results)
        await trio.sleep(5)
        assert taken == [0, 1]
        await anext(results)
        assert taken == [0, 1, 2]


async def test_results_that_wait_for_their_turn_keep_later_items_from_starting(tasks, autojump_clock):
    results = tasks.map(nap, [9, 1, 1, 1], max_concurrency=2)
    assert short(await collect(results)) == [(9, 9), (9, 1), (10, 1), (10, 1)]


async def test_a_crash_concerns_its_own_item(tasks, reports, autojump_clock):
    collected = await collect(tasks.map(nap, [2, -1, 1], max_concurrency=3))
    assert short(collected) == [(2, 2), (2, TaskCrashed), (2, 1)]
    (failed,) = (result for _, result in collected if isinstance(result, Failed))
    assert repr(failed.error.__cause__) == "ValueError(-1)"
    assert [report.child for report in reports] == ["nap#2"]


async def test_an_item_that_takes_too_long_ends_the_loop(tasks, autojump_clock):
    got: list[Ok[float] | Failed] = []
    with pytest.raises(TaskTimedOut) as late:
        await read(tasks.map(nap, [1, 5, 1], max_concurrency=3, timeout=2), got)
    assert (got, late.value.seconds, late.value.stopped) == ([Ok(1)], 2, True)
    assert (trio.current_time(), tasks.count) == (2, 0)


async def test_an_item_that_takes_too_long_can_be_a_result(tasks, reports, autojump_clock):
    results = tasks.map(nap, [1, 5, 1], max_concurrency=3, timeout=2, on_timeout="kill")
    assert short(await collect(results)) == [(1, 1), (2, TaskTimedOut), (2, 1)]
    assert reports == []


async def test_the_timeout_of_an_item_counts_from_its_own_start(tasks, autojump_clock):
    assert short(await collect(tasks.map(nap, [2, 2, 2], max_concurrency=1, timeout=2.5))) == [(2, 2), (4, 2), (6, 2)]


async def test_an_item_times_out_while_the_reader_is_elsewhere(tasks, autojump_clock):
    async with tasks.map(nap, [1, 9], max_concurrency=2, timeout=2, on_timeout="kill") as results:
        await anext(results)
        await trio.sleep(4)
        result = await anext(results)
    assert isinstance(result, Failed)
    assert trio.current_time() == 5


async def test_leaving_early_cancels_what_runs_and_waits_for_it(tasks, autojump_clock):
    ended = []

    async def note(seconds):
        try:
            await trio.sleep(seconds)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.5)
            ended.append(trio.current_time())

    async with tasks.map(note, [1, 8, 9], max_concurrency=3) as results:
        async for _ in results:
            break
    assert (ended, tasks.count) == ([1.5, 2, 2], 0)


async def test_an_error_in_the_loop_is_raised_plain_and_cancels_what_runs(tasks, autojump_clock):
    async def read():
        async with tasks.map(nap, [1, 8], max_concurrency=2) as results:
            async for _ in results:
                raise KeyError("mine")

    with pytest.raises(KeyError):
        await read()
    assert (trio.current_time(), tasks.count) == (1, 0)


async def test_a_cancelled_reader_loses_no_result(tasks, autojump_clock):
    async with tasks.map(nap, [2, 3], max_concurrency=2) as results:
        with trio.move_on_after(1):
            await anext(results)
        assert [result.unwrap() async for result in results] == [2, 3]


async def test_an_error_of_the_items_comes_after_the_results_of_those_before(tasks, autojump_clock):
    def items():
        yield 2
        yield 1
        raise LookupError("no more pages")

    got: list[Ok[float] | Failed] = []
    with pytest.raises(LookupError):
        await read(tasks.map(nap, items(), max_concurrency=5), got)
    assert got == [Ok(2), Ok(1)]


async def test_a_full_supervisor_refuses_after_the_results_of_what_it_took(autojump_clock):
    async with open_task_supervisor(max_children=2) as tasks:
        got: list[Ok[float] | Failed] = []
        with pytest.raises(ChildRefused):
            await read(tasks.map(nap, [2, 1, 3], max_concurrency=3), got)
    assert got == [Ok(2), Ok(1)]


async def test_a_reader_is_told_when_the_supervisor_stops(autojump_clock):
    async def hear(tasks):
        got: list[Ok[float] | Failed] = []
        with pytest.raises(SupervisorStopped):
            await read(tasks.map(nap, [1, 8, 9, 9], max_concurrency=2), got)
        assert got[0] == Ok(1)
        assert [type(result.error) for result in got[1:] if isinstance(result, Failed)] == [TaskStopped, TaskStopped]
        assert trio.current_time() == 2

    async with trio.open_nursery() as nursery, open_task_supervisor() as tasks:
        nursery.start_soon(hear, tasks)
        await trio.sleep(2)


@pytest.mark.parametrize("ordered", [True, False])
async def test_several_readers_share_the_results(ordered, tasks, autojump_clock):
    got: list[float] = []

    async def share(results):
        got.extend([result.unwrap() async for result in results])

    async with (
        tasks.map(nap, [3, 1, 2, 4], max_concurrency=2, ordered=ordered) as results,
        trio.open_nursery() as nursery,
    ):
        for _ in range(3):
            nursery.start_soon(share, results)
    assert sorted(got) == [1, 2, 3, 4]


async def test_results_are_there_in_their_block_only(tasks, autojump_clock):
    results = tasks.map(nap, [1], max_concurrency=1)
    with pytest.raises(RuntimeError, match=r"async with tasks\.map"):
        await anext(results)
    async with results:
        pass
    with pytest.raises(RuntimeError, match=r"async with tasks\.map"):
        await anext(results)
    assert tasks.count == 0


async def test_results_tell_their_state_in_one_line(tasks, autojump_clock):
    async with tasks.map(nap, [1, 2, 9], max_concurrency=3) as results:
        await anext(results)
        await trio.sleep(1.5)
        assert repr(results) == "<Results 1 running, 1 to collect>"


@pytest.mark.parametrize(
    "options", [{"max_concurrency": 0}, {"max_concurrency": True}, {"timeout": -1}, {"on_timeout": "exit"}]
)
async def test_options_that_are_wrong_are_refused_by_name(options, tasks, autojump_clock):
    with pytest.raises(InvalidDefinition) as refused:
        tasks.map(nap, [1], **{"max_concurrency": 1, **options})
    assert refused.value.field == next(iter(options))

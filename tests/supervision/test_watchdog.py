"""The watchdog: a thread tells who blocks the event loop, while it is blocked. In real time, as that is what it is."""

import logging
import threading

import pytest
import trio

from jido_trio.errors import InvalidDefinition
from jido_trio.supervision import BlockedReport, Child, open_supervisor, watch_event_loop

LIMIT = 0.02


class Told(logging.Handler):
    """Sets an event at the first warning, from whatever thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.event = threading.Event()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage())
        self.event.set()


@pytest.fixture
def told():
    handler = Told()
    logger = logging.getLogger("jido_trio.supervision")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def keep_the_loop_busy(told: Told) -> None:
    assert told.event.wait(20)


async def test_whoever_blocks_the_loop_is_named_with_its_stack_while_it_blocks(told):
    async with open_supervisor([Child("watchdog", watch_event_loop, LIMIT)]):
        keep_the_loop_busy(told)
    assert "blocked for 0.02 s" in told.records[0]
    assert "in keep_the_loop_busy" in told.records[0]


async def test_a_task_is_named(told):
    async def busy() -> None:
        keep_the_loop_busy(told)

    async with open_supervisor([Child("watchdog", watch_event_loop, LIMIT)]), trio.open_nursery() as nursery:
        nursery.start_soon(busy, name="the busy one")
        await trio.to_thread.run_sync(told.event.wait, 20)
    assert "by task 'the busy one', in " in told.records[0]


async def test_the_report_is_given_in_the_loop_when_it_runs_again(told):
    reports: list[BlockedReport] = []
    threads = []
    arrived = trio.Event()

    def on_blocked(report: BlockedReport) -> None:
        reports.append(report)
        threads.append(threading.current_thread())
        arrived.set()

    async with open_supervisor([Child("watchdog", watch_event_loop, LIMIT, on_blocked)]):
        keep_the_loop_busy(told)
        await arrived.wait()
    assert threads == [threading.current_thread()]
    assert "keep_the_loop_busy" in [frame.function for frame in reports[0].stack]


async def test_one_block_is_told_once_however_long_it_is(told):
    async with open_supervisor([Child("watchdog", watch_event_loop, LIMIT)]):
        keep_the_loop_busy(told)
        threading.Event().wait(LIMIT * 10)
    assert len(told.records) == 1


async def test_an_on_blocked_that_raises_ends_nothing(told):
    def on_blocked(report: BlockedReport) -> None:
        raise ZeroDivisionError

    async with open_supervisor([Child("watchdog", watch_event_loop, LIMIT, on_blocked)]):
        keep_the_loop_busy(told)
        while len(told.records) < 2:
            await trio.lowlevel.checkpoint()
    assert told.records[1].startswith("on_blocked raised")


async def test_the_thread_ends_with_the_watch():
    async with open_supervisor([Child("watchdog", watch_event_loop, LIMIT)]):
        (thread,) = [each for each in threading.enumerate() if each.name == "jido_trio watchdog"]
    await trio.to_thread.run_sync(thread.join, 20)
    assert not thread.is_alive()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "1"])
async def test_what_is_no_time_is_refused(seconds):
    with pytest.raises(InvalidDefinition, match="seconds="):
        await watch_event_loop(seconds)

"""What is kept and told of crashes: the history, its bounds, and the log that folds repeats."""

import gc
import logging
import pickle
import sys
from collections.abc import Iterator
from types import CodeType, FrameType, FunctionType, ModuleType, TracebackType

import pytest
import trio

from jido_trio.supervision import Child, CrashReport, Failure, FoldedLog, PassiveLife, Report, open_supervisor
from tests.supervision._diary import crashing

MANY = 1_000_000
"""So many restarts that the window doesn't matter."""


def silent(_: object) -> None:
    """A sink for tests whose crashes are no news."""


def numbered(every: float = 1):
    """Return a function that crashes again and again, each time with a number of its own."""
    count = 0

    async def crash() -> None:
        nonlocal count
        await trio.sleep(every)
        count += 1
        raise ValueError(f"crash {count}")

    return crash


# ---- the history


async def test_the_last_hundred_crashes_are_kept_oldest_first(autojump_clock):
    async with open_supervisor([Child("a", numbered())], max_restarts=MANY, on_report=silent) as supervisor:
        await trio.sleep(150.5)
        kept = [report.failure.message for report in supervisor.history() if report.failure]
        assert kept == [f"crash {number}" for number in range(51, 151)]


async def test_the_history_of_one_child_is_its_own(autojump_clock):
    children = [Child("a", numbered(1)), Child("b", numbered(3))]
    async with open_supervisor(children, max_restarts=MANY, on_report=silent) as supervisor:
        await trio.sleep(6.5)
        assert [report.at for report in supervisor.history("b")] == [3, 6]
        assert len(supervisor.history()) == len(supervisor.history("a")) + 2
        assert supervisor.history("nobody") == ()


async def test_the_history_tells_who_when_and_how(autojump_clock):
    async with open_supervisor([Child("a", crashing(2))], name="top", on_report=silent) as supervisor:
        await trio.sleep(3)
        (report,) = supervisor.history()
    assert (report.supervisor, report.child, report.incarnation) == ("top", "a", 1)
    assert (report.during, report.exit, report.at) == ("running", "crash", 2)
    assert report.failure is not None
    assert (report.failure.type, report.failure.message) == ("ValueError", "boom")
    assert report.failure.frames[-1].function.endswith("crash")


async def test_the_history_keeps_no_exception_and_no_frame_alive(autojump_clock):
    async with open_supervisor([Child("a", crashing(1))], on_report=silent) as supervisor:
        await trio.sleep(1.5)
        (report,) = supervisor.history()

    assert pickle.loads(pickle.dumps(report)) == report
    assert isinstance(hash(report), int)
    assert [thing for thing in reachable(report) if isinstance(thing, BaseException | FrameType | TracebackType)] == []


def reachable(thing: object) -> Iterator[object]:
    """Yield all that an object keeps alive, but for code and classes, which live anyway."""
    seen, left = {id(thing)}, [thing]
    while left:
        yield (thing := left.pop())
        for other in gc.get_referents(thing):
            if id(other) not in seen and not isinstance(other, type | CodeType | ModuleType | FunctionType):
                seen.add(id(other))
                left.append(other)


async def test_the_history_survives_the_children_and_the_supervisor(autojump_clock):
    async with open_supervisor([Child("a", crashing(1), restart="temporary")], on_report=silent) as supervisor:
        await trio.sleep(2)
        assert supervisor.tree().children == ()
    assert [report.child for report in supervisor.history()] == ["a"]


async def test_a_report_is_sent_and_kept_before_the_restart_that_it_leads_to(autojump_clock):
    order: list[object] = []

    async def crash() -> None:
        order.append("start")
        await trio.sleep(1)
        raise ValueError("boom")

    def sink(report: Report) -> None:
        order.append(("kept", len(supervisor.history()), supervisor.tree().children[0].last_crash is not None))

    async with open_supervisor([Child("a", crash)], max_restarts=MANY, on_report=sink) as supervisor:
        await trio.sleep(2.5)
    assert order == ["start", ("kept", 1, True), "start", ("kept", 2, True), "start"]


@pytest.mark.parametrize("crashes", [2_000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_memory_is_flat_over_many_crashes(crashes, autojump_clock):
    class Row:
        def begin(self, life: PassiveLife) -> None:
            self.life = life

        def stop(self, life: PassiveLife) -> None:
            life.end()

        def kill(self, life: PassiveLife) -> None: ...

    blocks: list[int] = []
    row = Row()
    async with open_supervisor([Child("a", row)], max_restarts=100) as supervisor:
        for number in range(crashes):
            if number % (crashes // 10) == 0:
                gc.collect()
                blocks.append(sys.getallocatedblocks())
            if number % 100 == 0:
                await trio.sleep(10)  # the window is empty again
            row.life.crashed(ValueError(f"crash {number}"))
        assert supervisor.child("a").incarnation == crashes + 1
    assert blocks[-1] - blocks[1] < crashes, blocks


async def test_a_sink_that_raises_loses_nothing_and_stops_nothing(caplog, autojump_clock):
    def sink(report: Report) -> None:
        raise OSError("disk full")

    async with open_supervisor([Child("a", numbered())], max_restarts=MANY, on_report=sink) as supervisor:
        await trio.sleep(3.5)
        assert supervisor.child("a").incarnation == 4
        assert len(supervisor.history()) == 3
    assert [f"crash {number}" in caplog.text for number in (1, 2, 3)] == [True] * 3
    assert caplog.text.count("disk full") >= 3


# ---- the log that folds


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="jido_trio.supervision")
    return caplog


def failure(message: str = "boom") -> Failure:
    try:
        raise ValueError(message)
    except ValueError as error:
        return Failure.of(error)


def failure_elsewhere() -> Failure:
    try:
        raise ValueError("boom")
    except ValueError as error:
        return Failure.of(error)


BOOM = failure()


def crash(child: str = "a", failure: Failure = BOOM, at: float = 0, incarnation: int = 1) -> CrashReport:
    return CrashReport("top", child, incarnation, "running", "crash", at, failure)


def test_ten_thousand_crashes_of_a_kind_are_fourteen_lines_the_first_in_full(log):
    sink = FoldedLog()
    for number in range(10_000):
        sink(crash(at=number, incarnation=number + 1))
    messages = [record.getMessage() for record in log.records]
    assert len(messages) == 14
    assert "raise ValueError(message)" in messages[0]
    assert messages[1:3] == [f"{crash()} (2 times in 1 s)", f"{crash()} (4 times in 3 s)"]
    assert messages[-1].endswith("(8192 times in 8191 s)")
    assert not any("\n" in message for message in messages[1:])


def test_another_message_of_the_same_bug_is_a_repeat(log):
    sink = FoldedLog()
    sink(crash(failure=failure("row 1")))
    sink(crash(failure=failure("row 2")))
    assert "row 2 (2 times" in log.records[-1].getMessage()


@pytest.mark.parametrize("other", [crash(child="b"), crash(failure=failure_elsewhere())])
def test_another_child_or_another_place_is_no_repeat(log, other):
    sink = FoldedLog()
    sink(crash())
    sink(other)
    assert [("Traceback" in record.getMessage()) for record in log.records] == [True, True]


def test_repeats_are_logged_at_the_level_of_the_first(log):
    sink = FoldedLog()
    for number in range(2):
        sink(CrashReport("top", "a", number, "running", "killed", 0.0))
    assert [record.levelname for record in log.records] == ["INFO", "INFO"]


def test_of_too_many_kinds_the_one_not_seen_for_longest_is_new_again(log, monkeypatch):
    monkeypatch.setattr("jido_trio.supervision._report.MAX_KINDS", 2)
    sink = FoldedLog()
    for child in "abac" + "b":
        sink(crash(child))
    told = [(record.getMessage().split("'")[1], "Traceback" in record.getMessage()) for record in log.records]
    assert told == [("a", True), ("b", True), ("a", False), ("c", True), ("b", True)]


async def test_a_supervisor_without_a_sink_folds_its_log(log, autojump_clock):
    async with open_supervisor([Child("a", numbered(0.001))], max_restarts=MANY):
        await trio.sleep(1)
    assert 5 < len(log.records) < 15

"""What supervisors broken on purpose have taught to look at."""

import signal

import pytest
import trio
import trio.testing

from jido_trio.supervision import Child, CrashReport, OverrunReport, open_supervisor


@pytest.mark.parametrize(("clean_up", "exit"), [(1, None), (2, None), (3, "killed")])
async def test_a_child_whose_clean_up_outlasts_its_shutdown_seconds_counts_as_killed(clean_up, exit, autojump_clock):
    async def live():
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(clean_up)

    reports: list[object] = []
    async with open_supervisor([Child("a", live, shutdown=2)], on_report=reports.append):
        await trio.sleep(1)
    crashes = [report.exit for report in reports if isinstance(report, CrashReport)]
    assert crashes == ([exit] if exit else [])


async def test_a_child_that_crashes_while_it_stops_has_ended_only_once_it_has_cleaned_up(autojump_clock):
    async def live(life):
        asked = trio.Event()
        life.trap_stop(asked.set)
        await asked.wait()
        await trio.sleep(2)
        ends.append(("b", trio.current_time()))
        raise ValueError("boom")

    async def database():
        try:
            await trio.sleep_forever()
        finally:
            ends.append(("a", trio.current_time()))

    ends: list[tuple[str, float]] = []
    async with open_supervisor([Child("a", database), Child("b", live)], on_report=lambda report: None):
        await trio.sleep(1)
    assert ends == [("b", 3), ("a", 3)]


async def test_a_cancelled_block_has_the_limit_of_the_whole_supervisor_too(autojump_clock):
    async def live(life):
        life.trap_stop(lambda: None)
        await trio.sleep(1_000)

    with trio.move_on_after(1):
        async with open_supervisor([Child("a", live, shutdown=None)], shutdown=2, on_report=lambda report: None):
            await trio.sleep_forever()
    assert trio.current_time() == 3


async def test_in_a_cancelled_block_children_that_ignore_their_stop_are_named(autojump_clock):
    async def live():
        with trio.CancelScope(shield=True):
            await trio.sleep(15)

    reports: list[object] = []
    with trio.move_on_after(1):
        async with open_supervisor([Child("a", live, shutdown=2)], on_report=reports.append):
            await trio.sleep_forever()
    assert [report.seconds for report in reports if isinstance(report, OverrunReport)] == [2, 7, 12]


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
async def test_first_steps_come_in_the_order_of_the_children(strategy, autojump_clock):
    def stepping(id: int):
        async def live():
            steps.append(id)
            await trio.sleep(1)
            if id == 0 and len(steps) == 30:
                raise ValueError("boom")
            await trio.sleep_forever()

        return live

    steps: list[int] = []
    children = [Child(str(id), stepping(id)) for id in range(30)]
    async with open_supervisor(children, strategy=strategy, on_report=lambda report: None):
        await trio.sleep(5)
    again = range(30) if strategy == "one_for_all" else [0]
    assert steps == [*range(30), *again]


async def test_an_error_of_the_block_survives_a_cancellation_that_comes_while_the_children_stop(autojump_clock):
    async def live():
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)

    async def fail():
        with trio.move_on_after(2):
            async with open_supervisor([Child("a", live)]):
                await trio.sleep(1)
                raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await fail()
    assert trio.current_time() == 4


@pytest.fixture
def control_c():
    """Control-C is what it is at a terminal, however the tests were started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield trio.lowlevel.enable_ki_protection(lambda: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, before)


def test_a_second_control_c_while_the_children_stop_is_the_first_one_all_the_same(control_c):
    async def live(id: str):
        try:
            await trio.sleep_forever()
        finally:
            if id == "b":
                control_c()  # delivered to the main task, which waits for the end of the children
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
            ends.append(id)

    async def interrupted():
        async with open_supervisor([Child("a", live, "a"), Child("b", live, "b")]):
            await trio.sleep(1)
            raise KeyboardInterrupt

    async def main():
        with pytest.raises(KeyboardInterrupt):  # and no group with two of them
            await interrupted()

    ends: list[str] = []
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert ends == ["b", "a"]

"""What supervisors broken on purpose have taught to look at."""

import pytest
import trio

from jido_trio.supervision import Child, CrashReport, open_supervisor


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
        error = ValueError("boom")
        assert not life.renew(error)
        await trio.sleep(2)
        ends.append(("b", trio.current_time()))
        raise error

    async def database():
        try:
            await trio.sleep_forever()
        finally:
            ends.append(("a", trio.current_time()))

    ends: list[tuple[str, float]] = []
    async with open_supervisor([Child("a", database), Child("b", live)], on_report=lambda report: None):
        await trio.sleep(1)
    assert ends == [("b", 3), ("a", 3)]

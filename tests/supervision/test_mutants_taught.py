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

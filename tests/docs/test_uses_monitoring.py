"""The program for system monitoring, on a /proc of ours and real commands: what hangs, what crashes, who is called."""

import sys
from typing import Any

import pytest
import trio

from jido_trio import Jido
from jido_trio.core import StartSensor
from jido_trio.runtime import AgentRef, wait_state
from tests.docs._uses import USES, module_of

PROGRAM = USES / "monitoring.py"
FULL, FREE = "MemTotal: 100 kB\nMemAvailable: 2 kB\n", "MemTotal: 100 kB\nMemAvailable: 50 kB\n"


@pytest.fixture(scope="module")
def monitoring():
    """The program, as a module."""
    return module_of("monitoring.py")


def memory(monitoring, proc):
    return StartSensor("memory", monitoring.free_memory, {"proc": str(proc), "every": 0.01})


def operator_of(jido: Jido) -> AgentRef[Any]:
    operator = jido.whereis("operator")
    assert operator is not None
    return operator


async def until(ref, state):
    with trio.fail_after(10):
        while ref.agent.strategy_state.state != state:
            await wait_state(ref, lambda _: True)
            await trio.sleep(0.005)


def test_it_is_shorter_than_150_lines():
    assert len(PROGRAM.read_text().splitlines()) < 150


async def test_what_the_playbook_can_repair_is_repaired_and_nobody_is_called(monitoring, tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(FULL)
    repair = [sys.executable, "-c", f"open({str(meminfo)!r}, 'w').write({FREE!r})"]
    async with Jido() as jido:
        monitor = await monitoring.watch(jido, [memory(monitoring, tmp_path)], [repair])
        await wait_state(monitor, lambda state: state.repaired > 0, timeout=10)
        await until(monitor, "well")
        assert operator_of(jido).agent.state.known == []


async def test_a_check_that_hangs_is_trouble_and_the_operator_is_called_if_the_playbook_fails(monitoring):
    hangs = {"command": ["sleep", "1000"], "every": 0.01, "limit": 0.05}
    async with Jido() as jido:
        monitor = await monitoring.watch(jido, [StartSensor("check", monitoring.check, hangs)], [["false"]])
        await until(monitor, "escalated")
        operator = operator_of(jido)
        await wait_state(operator, lambda state: bool(state.known), timeout=10)
        assert operator.agent.state.known[0]["check"] == "hangs"


async def test_a_sensor_that_can_not_read_crashes_and_goes_on_when_it_can(monitoring, tmp_path):
    reports: list[Any] = []
    crashed = trio.Event()

    def on_report(report: Any) -> None:
        reports.append(report)
        crashed.set()

    async with Jido(on_report=on_report) as jido:
        monitor = await monitoring.watch(jido, [memory(monitoring, tmp_path)], [])
        with trio.fail_after(10):
            await crashed.wait()
        (tmp_path / "meminfo").write_text(FREE)
        await wait_state(monitor, lambda state: state.last.get("memory") == "50% free", timeout=10)
        assert monitor.incarnation == 1
    assert {report.child for report in reports} == {"monitor/sensor/memory"}

"""A crash report becomes a file for pytest, which fails as the agent did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Agent, Context, InvalidDefinition, Jido, Result, Signal
from jido_trio.core import Secret
from jido_trio.runtime import AgentCrash
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import CrashReport
from tests.runtime.durable import HOOKS, Order, Plain

ROOT = Path(__file__).resolve().parent.parent.parent


async def crash_at(agent, *signals: Signal) -> AgentCrash:
    reports: list[object] = []
    async with Jido("shop", storage=MemoryStorage(), on_report=reports.append) as jido:
        ref = await jido.start_agent(agent, id="o-1")
        for signal in signals:
            ref.cast_nowait(signal)
        await ref.call(Signal("add", {"price": 1}))
    (report,) = reports
    assert isinstance(report, CrashReport)
    assert isinstance(report.detail, AgentCrash)
    return report.detail


@pytest.mark.parametrize("agent", [Order, Plain])
def test_it_fails_the_same_way(agent, tmp_path):
    crash = trio.run(crash_at, agent, Signal("add", {"price": 5}), Signal("break"))
    test = tmp_path / "test_crash.py"
    test.write_text(crash.to_pytest())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(test)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60, env=environment
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "RuntimeError: a bug" in ran.stdout
    assert "1 failed" in ran.stdout


async def test_a_crash_of_an_effect_is_refused(autojump_clock):
    async def fails(_: object) -> None:
        raise RuntimeError("the bank is closed")

    HOOKS[:] = [fails]
    try:
        crash = await crash_at(Plain, Signal("pay", {"amounts": [1]}))
    finally:
        HOOKS.clear()
    with pytest.raises(InvalidDefinition, match="while an effect was under way"):
        crash.to_pytest()


@frozen
class Login:
    user: str = "ann"
    password: Secret[str] = "canary-of-the-state"
    pin: Secret[int] | None = None


class Enter(Action):
    password: Secret[str]

    def run(self, context: Context[Login]) -> Result:
        raise RuntimeError("a bug")


class Door(Agent[Login], routes={"enter": Enter}): ...


async def crash_of_a_door(**state: object) -> AgentCrash:
    reports: list[object] = []
    async with Jido("shop", on_report=reports.append) as jido:
        ref = await jido.start_agent(Door, id="door", state=state)
        await ref.cast(Signal("enter", {"password": "canary-of-the-signal"}))
    (report,) = reports
    assert isinstance(report, CrashReport)
    assert isinstance(report.detail, AgentCrash)
    return report.detail


async def test_it_has_no_secrets_unless_they_are_asked_for(autojump_clock):
    crash = await crash_of_a_door()

    assert "canary" not in crash.to_pytest()
    assert crash.to_pytest().count("***") == 2
    assert crash.to_pytest(secrets=True).count("canary") == 2


async def test_a_secret_that_cannot_be_left_out_is_refused(autojump_clock):
    crash = await crash_of_a_door(pin=123456)

    with pytest.raises(InvalidDefinition, match="say to_pytest\\(secrets=True\\)"):
        crash.to_pytest()

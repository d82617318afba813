"""A test that hangs fails, tells where, and the next one runs."""

import signal
import socket

import pytest
import trio

from jido_trio.testing import _time_limit

INI = """
[pytest]
trio_mode = true
filterwarnings = error
test_seconds = {seconds}
idle_seconds = {idle_seconds}
markers = long: a campaign
"""

AFTERWARDS = """
async def test_afterwards(autojump_clock):
    await trio.sleep(1)
"""

HANGS = {
    "no_deadline_in_virtual_time": """
async def waits_for_ever():
    await trio.Event().wait()

async def test_hangs(autojump_clock):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(waits_for_ever)
""",
    "shielded_and_cancelled": """
async def waits_for_ever():
    with trio.CancelScope(shield=True):
        await trio.Event().wait()

async def test_hangs(autojump_clock):
    with trio.move_on_after(1):
        await waits_for_ever()
""",
    "a_task_that_never_gives_way": """
async def waits_for_ever():
    while True:
        pass

async def test_hangs():
    await waits_for_ever()
""",
    "virtual_time_that_never_ends": """
async def waits_for_ever():
    while True:
        await trio.sleep(1)

async def test_hangs(autojump_clock):
    await waits_for_ever()
""",
    "no_trio": """
import threading

def waits_for_ever():
    threading.Event().wait()

def test_hangs():
    waits_for_ever()
""",
    "hypothesis": """
from hypothesis import given, settings, strategies as st

async def waits_for_ever():
    await trio.sleep_forever()

@given(st.integers())
@settings(deadline=None, database=None)
def test_hangs(n):
    trio.run(waits_for_ever)
""",
    "a_fixture": """
import pytest, threading

@pytest.fixture
def never():
    waits_for_ever()

def waits_for_ever():
    threading.Event().wait()

def test_hangs(never):
    pass
""",
}


def run(pytester, seconds, idle_seconds, **programs):
    """Run files of tests with the plugin, in a process of its own, within these limits."""
    pytester.makeini(INI.format(seconds=seconds, idle_seconds=idle_seconds))
    pytester.makepyfile(**{f"test_{name}": f"import trio\n{program}" for name, program in programs.items()})
    return pytester.runpytest_subprocess(
        "-p", "tests.time_limit", "-p", "no:cacheprovider", "-v", "--tb=long", timeout=50
    )


@pytest.fixture
def pytester(pytester, monkeypatch, request):
    """A place for tests whose plugin is this project's."""
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))
    return pytester


@pytest.mark.long
def test_a_hang_is_a_failure_that_tells_who_waits_and_the_next_test_runs(pytester):
    result = run(pytester, 2, 1, **{name: program + AFTERWARDS for name, program in HANGS.items()})
    result.assert_outcomes(failed=len(HANGS) - 1, passed=len(HANGS), errors=1)  # a fixture that fails is an error
    assert result.stdout.str().count("waits_for_ever\n") >= len(HANGS)
    assert "thread MainThread" in result.stdout.str()


@pytest.mark.long
def test_under_a_clock_that_jumps_a_standstill_is_told_before_the_time_is_over(pytester):
    output = run(pytester, 30, 1, some=HANGS["no_deadline_in_virtual_time"]).stdout.str()
    assert "no task has moved for 1 s, and no deadline is set" in output
    assert "has not ended after" not in output


@pytest.mark.long
def test_a_mark_gives_a_test_longer_and_a_campaign_has_no_limit(pytester):
    program = """
import pytest, time

@pytest.mark.seconds(30)
def test_marked():
    time.sleep(1.5)

@pytest.mark.long
def test_campaign():
    time.sleep(1.5)

@pytest.mark.seconds(1)
def test_too_slow():
    time.sleep(30)
"""
    run(pytester, 1, 1, some=program).assert_outcomes(passed=2, failed=1)


@pytest.mark.long
def test_a_thread_that_is_waited_for_for_a_moment_is_no_standstill(pytester):
    program = """
import time

async def test_waits_for_a_thread(autojump_clock):
    await trio.to_thread.run_sync(time.sleep, 0.6)
"""
    run(pytester, 30, 10, some=program).assert_outcomes(passed=1)


@pytest.mark.long
def test_a_tick_that_takes_longer_than_from_one_to_the_next_is_not_interrupted_by_it(pytester):
    program = """
import time

from jido_trio.testing import _time_limit

def test_slow_ticks(monkeypatch):
    monkeypatch.setattr(_time_limit, "TICK", 0.001)
    looks, nested = [], []

    def slowly():
        nested.append(len(looks))
        looks.append(1)
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            pass
        looks.pop()

    monkeypatch.setattr(_time_limit, "standstill", slowly)
    with _time_limit.watched(60, 60):
        while len(nested) < 3:
            pass
    assert set(nested) == {0}
"""
    run(pytester, 30, 10, some=program).assert_outcomes(passed=1)


def test_of_a_tick_while_a_run_of_trio_ends_nothing_is_said(capfd, monkeypatch):
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    close = socket.socket.close

    def ticks_and_closes(self):
        close(self)
        signal.raise_signal(signal.SIGALRM)

    with _time_limit.watched(30.0, 10.0), monkeypatch.context() as patched:
        patched.setattr(socket.socket, "close", ticks_and_closes)
        trio.run(trio.lowlevel.checkpoint)

    assert capfd.readouterr().err == ""
    assert signal.set_wakeup_fd(-1) == -1


def test_what_a_tick_has_interrupted_is_not_shown_beside_it(monkeypatch):
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    with pytest.raises(_time_limit.OutOfTime) as caught, _time_limit.watched(-1.0, 10.0):
        signal.raise_signal(signal.SIGALRM)
    assert caught.value.__suppress_context__

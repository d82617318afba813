"""A running supervisor: KeyboardInterrupt, SystemExit and their like are nothing to restart from."""

# ruff: noqa: PT012  # the block of a supervisor is what raises

from typing import Any

import pytest
import trio

from jido_trio.errors import RestartIntensityExceeded
from jido_trio.supervision import Child, Supervisor, dynamic_supervisor_child, open_supervisor, supervisor_child
from tests.supervision._diary import Diary, crashing


@pytest.fixture
def diary():
    return Diary()


class Odd(BaseException):
    """Neither an Exception nor one of Python's own."""


INTERRUPTS = [KeyboardInterrupt, SystemExit, Odd]


@pytest.mark.parametrize("interrupt", INTERRUPTS)
async def test_an_interrupt_of_a_child_takes_the_tree_down_in_order_and_is_raised_plainly(
    interrupt, diary, autojump_clock
):
    children = [diary.child("a"), diary.child("b", crashing(1, interrupt)), diary.child("c")]
    with pytest.raises(interrupt):
        async with open_supervisor(children):
            await trio.sleep(1_000)
    assert diary == ["+a", "+b", "+c", "-b", "-c", "-a"]


@pytest.mark.parametrize("interrupt", INTERRUPTS)
async def test_an_interrupt_deep_in_the_tree_takes_all_of_it_down_in_order(interrupt, diary, autojump_clock):
    inner = supervisor_child("inner", [diary.child("b"), diary.child("c", crashing(1, interrupt)), diary.child("d")])
    outer = supervisor_child("outer", [inner, diary.child("e")])
    with pytest.raises(interrupt):
        async with open_supervisor([diary.child("a"), outer, diary.child("f")]):
            await trio.sleep(1_000)
    assert diary[6:] == ["-c", "-d", "-b", "-f", "-e", "-a"] or diary[6:] == ["-c", "-d", "-b", "-e", "-f", "-a"]


async def test_an_interrupt_of_a_starting_child_takes_down_those_before_it(diary, autojump_clock):
    async def interrupted(task_status):
        await trio.sleep(1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        async with open_supervisor([diary.child("a")]) as supervisor:
            await supervisor.start_child(Child("b", interrupted))
    assert diary == ["+a", "-a"]


async def test_an_interrupt_while_stopping_stops_the_rest_all_the_same(diary, autojump_clock):
    async def interrupted():
        raise KeyboardInterrupt

    children = [diary.child("a"), diary.child("b", at_the_end=interrupted), diary.child("c")]
    with pytest.raises(KeyboardInterrupt):
        async with open_supervisor(children):
            await trio.sleep(1)
    assert diary == ["+a", "+b", "+c", "-c", "-a"]


async def test_an_interrupt_of_the_block_stops_the_children_first(diary, autojump_clock):
    with pytest.raises(KeyboardInterrupt):
        async with open_supervisor([diary.child("a"), diary.child("b")]):
            raise KeyboardInterrupt
    assert diary == ["+a", "+b", "-b", "-a"]


async def test_the_exit_code_of_a_child_is_that_of_the_program(diary, autojump_clock):
    with pytest.raises(SystemExit) as exit:
        async with open_supervisor([diary.child("a", crashing(1, lambda: SystemExit(3)))]):
            await trio.sleep(1_000)
    assert exit.value.code == 3


async def test_an_interrupt_is_never_counted_nor_restarted(diary, autojump_clock):
    with pytest.raises(KeyboardInterrupt):
        async with open_supervisor([diary.child("a", crashing(1, KeyboardInterrupt))], max_restarts=100):
            await trio.sleep(1_000)
    assert diary == ["+a", "-a"]


async def test_an_interrupt_in_a_pool_takes_it_down(diary, autojump_clock):
    with pytest.raises(KeyboardInterrupt):
        async with open_supervisor([dynamic_supervisor_child("pool")]) as supervisor:
            pool = supervisor.child("pool").value
            assert isinstance(pool, Supervisor)
            await pool.start_child(diary.child("a"))
            await pool.start_child(diary.child("b", crashing(1, KeyboardInterrupt)))
            await trio.sleep(1_000)
    assert diary == ["+a", "+b", "-b", "-a"]


async def test_a_crash_that_comes_with_an_interrupt_in_a_group_is_told_and_the_interrupt_is_raised(
    diary, autojump_clock
):
    def both():
        return BaseExceptionGroup("both", [ExceptionGroup("in", [ValueError("boom")]), SystemExit(3)])

    reports: list[Any] = []
    with pytest.raises(SystemExit) as exit:
        async with open_supervisor([diary.child("a", crashing(1, both))], on_report=reports.append):
            await trio.sleep(1_000)
    assert exit.value.code == 3
    assert diary == ["+a", "-a"]
    assert "ValueError: boom" in "\n".join(report.failure.render() for report in reports)


@pytest.mark.parametrize("interrupt", INTERRUPTS)
async def test_an_interrupt_of_a_child_survives_that_the_block_is_cancelled(interrupt, diary, autojump_clock):
    async def interrupted():
        raise interrupt

    children = [diary.child("a", at_the_end=interrupted)]
    with pytest.raises(interrupt), trio.move_on_after(1):
        async with open_supervisor(children):
            await trio.sleep(1_000)


@pytest.mark.parametrize("interrupt", INTERRUPTS)
async def test_an_interrupt_of_the_block_survives_that_the_supervisor_gives_up(interrupt, diary, autojump_clock):
    with pytest.raises(interrupt) as raised:
        async with open_supervisor([diary.child("a", crashing(1))], max_restarts=0, on_report=lambda report: None):
            try:
                await trio.sleep(1_000)
            finally:
                raise interrupt
    assert isinstance(raised.value.__context__, RestartIntensityExceeded)


@pytest.mark.parametrize("interrupt", INTERRUPTS)
async def test_an_interrupt_of_a_sink_takes_the_tree_down_and_is_raised(interrupt, diary, autojump_clock):
    def sink(report):
        raise interrupt

    with pytest.raises(interrupt):
        async with open_supervisor([diary.child("a"), diary.child("b", crashing(1))], on_report=sink):
            await trio.sleep(1_000)
    assert diary[:2] == ["+a", "+b"]
    assert diary.count("+a") == diary.count("-a")


@pytest.mark.parametrize("interrupt", INTERRUPTS)
async def test_an_interrupt_of_an_on_stop_takes_the_tree_down_and_is_raised(interrupt, diary, autojump_clock):
    def on_stop():
        raise interrupt

    async def trapping(life):
        life.trap_stop(on_stop)
        await trio.sleep_forever()

    with pytest.raises(interrupt):
        async with open_supervisor([diary.child("a"), Child("b", trapping)]):
            await trio.sleep(1)
    assert diary == ["+a", "-a"]

"""A running supervisor when what surrounds it misbehaves: it tells, and never waits for ever."""

# the block of a supervisor is what raises

import gc
import logging
import signal
import sys
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from jido_trio import supervision
from jido_trio.errors import ChildRefused, RestartIntensityExceeded, StartFailed, SupervisorStopped
from jido_trio.supervision import (
    Backoff,
    Child,
    Failure,
    PassiveLife,
    Shutdown,
    Supervisor,
    dynamic_supervisor_child,
    open_dynamic_supervisor,
    open_partition_supervisor,
    open_supervisor,
    open_task_supervisor,
    partition_supervisor_child,
    supervisor_child,
    task_supervisor_child,
)
from jido_trio.supervision._events import AnswerCall
from jido_trio.supervision._shell import Shell
from tests.supervision._diary import Diary, crashing


@pytest.fixture
def diary():
    return Diary()


def silent(report: object) -> None:
    pass


# ---- one deadline, one meaning


async def test_a_child_that_is_ready_after_it_was_asked_to_stop_has_its_time_to_stop_and_no_more(autojump_clock):
    async def stubborn(task_status: Any) -> None:
        task_status.trap_stop(lambda: None)
        await trio.sleep(1)
        task_status.started()
        await trio.sleep_forever()

    with trio.move_on_after(0.5):
        async with open_supervisor([Child("a", stubborn, shutdown=5)], on_report=silent):
            raise AssertionError("not reached")
    assert trio.current_time() == 5.5


async def test_a_child_that_is_killed_while_it_starts_has_failed_to_start(autojump_clock):
    async with open_supervisor([Child("other", trio.sleep_forever)], on_report=silent) as supervisor:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(killed_while_starting, supervisor)
            await trio.sleep(1)
            supervisor.kill_child("a")
        assert supervisor.child("other").running


async def killed_while_starting(supervisor: Supervisor) -> None:
    async def slow(task_status: Any) -> None:
        await trio.sleep(10)

    with pytest.raises(StartFailed, match="it was killed before it was ready"):
        await supervisor.start_child(Child("a", slow))


# ---- whoever waits for itself


async def test_a_child_that_traps_its_stop_and_awaits_it_is_told_that_it_waits_for_itself(autojump_clock):
    told: list[ChildRefused] = []

    async def waits(life: Any) -> None:
        life.trap_stop(lambda: None)
        with pytest.raises(ChildRefused) as refused:
            await supervisor.terminate_child("a")
        told.append(refused.value)
        supervisor.terminate_child_soon("a")

    async with open_supervisor() as supervisor:
        await supervisor.start_child(Child("a", waits, restart="temporary"))
        await trio.sleep(1)
    assert [(error.call, error.reason) for error in told] == [("terminate_child", "itself")]
    assert "terminate_child_soon" in str(told[0])


async def test_a_grandchild_that_awaits_the_stop_of_its_supervisor_is_told_that_it_waits_for_itself(autojump_clock):
    told: list[str] = []

    async def waits() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deeper)

    async def deeper() -> None:
        with pytest.raises(ChildRefused) as refused:
            await supervisor.terminate_child("group")
        told.append(refused.value.reason)

    group = dynamic_supervisor_child("group")
    async with open_supervisor([group]) as supervisor:
        pool = supervisor.child("group").value
        assert isinstance(pool, Supervisor)
        await pool.start_child(Child("a", waits, restart="temporary"))
        await trio.sleep(1)
    assert told == ["itself"]


async def test_a_child_that_waits_for_the_end_of_its_supervisor_is_told_that_it_waits_for_itself():
    told: list[str] = []

    async def waits() -> None:
        with pytest.raises(ChildRefused, match="wait") as refused:
            await supervisor.wait()
        told.append(refused.value.child)

    async with open_supervisor() as supervisor:
        await supervisor.start_child(Child("a", waits, restart="temporary"))
        await wait_all_tasks_blocked()
    assert told == ["a"]


# ---- errors that look alike


async def test_the_stop_of_another_supervisor_of_the_same_name_is_no_news_of_this_one():
    async with open_supervisor() as other:
        pass
    with pytest.raises(SupervisorStopped):
        async with open_supervisor([Child("a", trio.sleep_forever)]):
            await other.which_children()


# ---- what users give may raise


async def test_an_on_gone_that_raises_is_logged_and_changes_nothing(diary, autojump_clock, caplog):
    def gone(*how: object) -> None:
        raise ValueError("on_gone of mine")

    async with open_supervisor([dynamic_supervisor_child("pool", on_gone=gone)]) as supervisor:
        pool = supervisor.child("pool").value
        assert isinstance(pool, Supervisor)
        await pool.start_child(diary.child("a", partial(trio.sleep, 1), restart="temporary"))
        await pool.start_child(diary.child("b"))
        await trio.sleep(2)
        assert diary == ["+a", "+b", "-a"]
        assert supervisor.child("pool").incarnation == 1
    assert "on_gone of mine" in caplog.text


class Untellable(Exception):
    """An error of which no text can be made."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("no")


async def test_an_error_of_which_no_text_can_be_made_is_a_crash_as_any_other(autojump_clock, caplog):
    child = Child("a", crashing(1, Untellable))
    with pytest.raises(RestartIntensityExceeded):
        async with open_supervisor([child], max_restarts=0):
            await trio.sleep(10)
    assert "Untellable, whose str raised RuntimeError" in caplog.text


async def test_ids_and_names_may_be_any_text(autojump_clock, caplog):
    odd = "a\n\x1b[2J\udcff'\"{}%s"
    with pytest.raises(RestartIntensityExceeded, match="gave up"):
        async with open_supervisor([Child(odd, crashing(1))], max_restarts=0, name=odd):
            await trio.sleep(10)
    assert "\x1b" not in caplog.text


async def test_a_function_that_returns_no_coroutine_is_told_of_as_such():
    child = Child("a", lambda: 3)  # type: ignore[arg-type, return-value]  # the mistake
    with pytest.raises(RestartIntensityExceeded) as gave_up:
        async with open_supervisor([child], max_restarts=0, on_report=silent):
            await trio.sleep_forever()
    assert "must be an async function; its function returned 3" in str(gave_up.value.__cause__)


# ---- a bug of ours


class Bug(Exception):
    """Planted."""


class Idle:
    """A child without a task."""

    def begin(self, life: PassiveLife) -> None:
        self.life = life

    def stop(self, life: PassiveLife) -> None:
        life.end()

    def kill(self, life: PassiveLife) -> None: ...


async def a_long_story(diary: Diary, on_report: Callable[[object], None]) -> None:
    """A supervisor that meets every command."""
    idle = Idle()
    children = [
        diary.child("a"),
        Child("idle", idle),
        diary.child("b", crashing(1), ready_after=1, backoff=Backoff(first=1, jitter=0)),
        supervisor_child("inner", [diary.child("c")]),
    ]
    async with open_supervisor(children, max_restarts=100, on_report=on_report) as supervisor:
        await supervisor.start_child(diary.child("d", crashing(1), restart="temporary"))
        idle.life.crashed(ValueError())
        supervisor.start_child_soon(diary.child("slow", ready_after=1))
        idle.life.crashed(ValueError())
        await trio.sleep(5)
        await supervisor.terminate_child("a")
        await supervisor.delete_child("a")


@pytest.mark.parametrize("command", sorted(Shell.how, key=str))
async def test_a_bug_in_carrying_out_any_command_ends_the_tree_and_is_raised(
    command, diary, autojump_clock, monkeypatch
):
    how, calls = Shell.how[command], 0
    monkeypatch.setattr(Shell, "how", {**Shell.how, command: lambda shell, given: planted(shell, given)})

    def planted(shell: Shell, given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise Bug
        how(shell, given)

    nth = 0
    await a_long_story(diary, silent)
    assert calls > 0
    for nth in range(1, calls + 1):
        calls = 0
        diary.clear()
        with trio.fail_after(60):
            told = await told_by(diary)
        assert "Bug" in told or calls < nth  # how often it is commanded isn't the same in each order of the tasks
        assert diary.count("+a") + diary.count("+c") == diary.count("-a") + diary.count("-c")


async def told_by(diary: Diary) -> str:
    """What is raised, and what is reported: the bug of a nested supervisor is a crash of it."""
    reports: list[Any] = []
    try:
        await a_long_story(diary, reports.append)
    except Exception as error:
        return Failure.of(error).render()
    return "\n".join(report.failure.render() for report in reports if report.failure is not None)


async def test_a_bug_answers_every_caller_that_waits(diary, autojump_clock, monkeypatch):
    def planted(shell: Shell, given: object) -> None:
        raise Bug

    async def ask(supervisor: Supervisor, id: str) -> None:
        with pytest.raises(SupervisorStopped):
            await supervisor.start_child(diary.child(id, ready_after=1))
        diary.append(f"told {id}")

    async def asked_by_three(nursery: trio.Nursery) -> None:
        async with open_supervisor() as supervisor:
            for id in "abc":
                nursery.start_soon(ask, supervisor, id)
            await trio.sleep_forever()

    monkeypatch.setattr(Shell, "how", {**Shell.how, AnswerCall: planted})
    async with trio.open_nursery() as nursery:
        with pytest.raises(Bug):
            await asked_by_three(nursery)
    assert [line for line in sorted(diary) if line.startswith("told")] == ["told a", "told b", "told c"]


# ---- nothing is kept alive


class Held:
    """Something that a closure or a frame holds."""

    kept = True


@pytest.mark.parametrize("restart", ["temporary", "transient"])
@pytest.mark.parametrize("error", [None, Shutdown("enough"), ValueError("boom")])
async def test_what_an_ended_life_held_is_free(restart, error, autojump_clock):
    refs: list[weakref.ref[Held]] = []

    async def live() -> None:
        held = Held()
        refs.append(weakref.ref(held))
        await trio.sleep(1)
        if error is not None and len(refs) == 1:
            raise type(error)(held)
        if len(refs) > 1:
            await trio.sleep_forever()

    async with open_supervisor([Child("a", live, restart=restart)], on_report=silent):
        await trio.sleep(5)
        gc.collect()
        assert refs[0]() is None


async def test_what_the_function_of_a_forgotten_child_held_is_free(autojump_clock):
    def made() -> Child:
        held = Held()
        refs.append(weakref.ref(held))

        async def live() -> None:
            await trio.sleep(1)
            assert held.kept

        return Child(str(len(refs)), live, restart="temporary")

    refs: list[weakref.ref[Held]] = []
    async with open_dynamic_supervisor() as supervisor:
        for _ in range(3):
            await supervisor.start_child(made())
        await trio.sleep(2)
        gc.collect()
        assert [ref() for ref in refs] == [None] * 3


async def test_pauses_that_are_cut_short_do_not_pile_up(autojump_clock):
    hour = Backoff(first=3600, cap=3600)
    async with open_supervisor([Child("a", crashing(0), backoff=hour)], on_report=silent) as supervisor:
        before = trio.lowlevel.current_statistics().tasks_living
        for _ in range(100):
            await trio.sleep(0.01)
            await supervisor.restart_child("a")
        assert trio.lowlevel.current_statistics().tasks_living <= before + 2


# ---- what the root hears


class Group:
    """Each kind of nested supervisor, and how one of its children crashes."""

    @staticmethod
    async def plain(name: str) -> Child:
        return supervisor_child(name, [Child("a", crashing(1))], max_restarts=10)

    @staticmethod
    async def partitions(name: str) -> Child:
        return partition_supervisor_child(name, lambda index: Child(str(index), crashing(1)), 1, max_restarts=10)


@pytest.mark.parametrize("kind", ["plain", "partitions"])
async def test_a_nested_supervisor_without_a_sink_reports_to_the_one_above(kind, autojump_clock, caplog):
    reports: list[Any] = []
    child = await getattr(Group, kind)("inner")
    outer = supervisor_child("outer", [child])
    async with open_supervisor([outer], on_report=reports.append):
        await trio.sleep(1.5)
    assert [report.supervisor for report in reports] == ["inner"]
    assert caplog.records == []


async def test_tasks_of_a_nested_supervisor_without_a_sink_report_to_the_one_above(autojump_clock):
    reports: list[Any] = []
    async with open_supervisor([task_supervisor_child("tasks")], on_report=reports.append) as supervisor:
        tasks: Any = supervisor.child("tasks").value
        tasks.start_soon(crashing(1))
        await trio.sleep(2)
    assert [report.supervisor for report in reports] == ["tasks"]


async def test_a_nested_supervisor_with_a_sink_reports_there(autojump_clock):
    inner: list[Any] = []
    outer: list[Any] = []
    child = supervisor_child("inner", [Child("a", crashing(1))], max_restarts=10, on_report=inner.append)
    async with open_supervisor([child], on_report=outer.append):
        await trio.sleep(1.5)
    assert (len(inner), len(outer)) == (1, 0)


async def test_supervisors_that_give_up_one_after_the_other_log_lines_in_proportion_to_their_depth(
    autojump_clock, caplog
):
    def nest(depth: int) -> Child:
        below = nest(depth - 1) if depth else Child("leaf", crashing(1))
        return supervisor_child(f"level {depth}", [below], max_restarts=0)

    lines = []
    for depth in (10, 20, 40):
        caplog.clear()
        with pytest.raises(RestartIntensityExceeded):
            async with open_supervisor([nest(depth)], max_restarts=0):
                await trio.sleep(10)
        lines.append(caplog.text.count("\n"))
    assert lines[2] - lines[1] <= 2.2 * (lines[1] - lines[0])
    assert lines[2] < 6 * 40


async def test_a_permanent_child_that_returns_is_told_of(autojump_clock, caplog):
    with pytest.raises(RestartIntensityExceeded, match="returned") as gave_up:
        async with open_supervisor([Child("a", trio.lowlevel.checkpoint)]):
            await trio.sleep(10)
    assert 'restart="transient"' in str(gave_up.value)
    assert gave_up.value.__cause__ is None
    assert caplog.records[0].levelno == logging.WARNING
    assert "returned" in caplog.records[0].getMessage()


# ---- Control-C in our own lines


OURS = str(Path(supervision.__file__).parent)

OPENERS: dict[str, Callable[[], Any]] = {
    "supervisor": lambda: open_supervisor([Child("a", trio.sleep_forever)], on_report=silent),
    "pool": open_dynamic_supervisor,
    "partitions": lambda: open_partition_supervisor(lambda index: Child(str(index), trio.sleep_forever), 2),
    "tasks": open_task_supervisor,
}


@pytest.mark.parametrize("opener", OPENERS)
def test_control_c_at_any_line_of_ours_ends_the_block_and_comes_out(opener):
    """Said with the signal itself, at each line of the modules that open and close a supervisor."""

    async def main() -> None:
        async with OPENERS[opener]():
            await trio.lowlevel.checkpoint()

    def at_line(nth: int) -> Callable[..., Any]:
        seen = 0

        def local(frame: Any, event: str, arg: object) -> Any:
            nonlocal seen
            seen += event == "line"
            if event == "line" and seen == nth:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
            return local

        return lambda frame, event, arg: local if frame.f_code.co_filename.startswith(OURS) else None

    nth, interrupted = 0, True
    while interrupted:
        nth += 3
        sys.settrace(at_line(nth))
        try:
            trio.run(main)
            interrupted = sys.gettrace() is None
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert nth < 5_000
    assert nth > 50

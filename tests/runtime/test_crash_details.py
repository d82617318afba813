"""What a crash report tells of the agent: signal, states, directive, instruction."""

import pickle
from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import ABSENT, Action, Context, Difference, Emit, Instruction, Result, RunInstruction, Signal
from jido_trio.errors import AgentCrashed
from jido_trio.runtime import AgentCrash, Jido, Runtime, interpret
from jido_trio.supervision import CrashReport, Report
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, Work, WorkBadly, do, note, run, settle


@frozen
class Trip:
    """A directive whose interpreter has a bug, at once."""


@interpret.register
def _(directive: Trip, runtime: Runtime) -> None:
    raise ZeroDivisionError("a bug of an interpreter")


@frozen
class TripLater:
    """The same, after some seconds."""

    seconds: float = 1


@interpret.register
async def _(directive: TripLater, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)
    raise ZeroDivisionError("a bug of an interpreter")


@frozen
class Pause:
    """A directive that takes a second."""


@interpret.register
async def _(directive: Pause, runtime: Runtime) -> None:
    await trio.sleep(1)


@frozen
class Begin:
    """A directive that begins a task of the agent's life, which has a bug."""


@interpret.register
def _(directive: Begin, runtime: Runtime) -> None:
    async def task() -> None:
        raise ZeroDivisionError("a bug of a task")

    runtime.start_soon(task)


class NoteAndTrip(Action):
    word: str

    def run(self, context: Context[Notes]) -> Result:
        return {"seen": [*context.state.seen, self.word]}, [Trip()]


class BoomAtOutcome(Action):
    outcome: Any

    def run(self, context: Context[Notes]) -> Result:
        raise ZeroDivisionError("a bug")


class Tripping(Notebook, routes={**ROUTES, "both": NoteAndTrip}):
    """A notebook that can also note a word and crash at the directive that follows."""


async def crash_of(*signals: Any, seconds: float = 5) -> tuple[CrashReport, AgentCrash]:
    """Return the first report of an agent that is cast these signals."""
    reports: list[Report] = []
    async with Jido(on_report=reports.append, on_dead_letter=lambda _: None) as jido:
        ref = await jido.start_agent(Tripping, id="a")
        for signal in signals:
            await ref.cast(signal)
        await settle(seconds)
    report = reports[0]
    assert isinstance(report, CrashReport)
    assert isinstance(report.detail, AgentCrash)
    return report, report.detail


async def test_a_crash_report_has_the_signal_and_the_state_before(autojump_clock):
    report, crash = await crash_of(note("first"), BOOM)

    assert (report.child, report.incarnation) == ("a", 1)
    assert report.signal is crash.signal is BOOM
    assert crash.state == Notes(["first"])
    assert (crash.after, crash.directive, crash.index, crash.instruction, crash.changes) == (None, None, None, None, ())


async def test_a_caller_who_finds_the_agent_idle_makes_no_other_report(autojump_clock):
    reports: list[Report] = []
    async with Jido(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)

    (report,) = reports
    assert isinstance(report, CrashReport)
    assert report.detail == AgentCrash(Notebook("a", Notes()), BOOM)


@pytest.mark.parametrize("trip", [Trip(), TripLater(), TripLater(0)], ids=["at once", "later", "after a checkpoint"])
@pytest.mark.parametrize("before", [(), (Emit("heard.one"),), (Pause(), Emit("heard.one"))], ids=len)
async def test_a_directive_that_crashed_is_told_by_its_place_among_those_of_its_signal(autojump_clock, trip, before):
    directives = (*before, trip, Emit("heard.two"))
    _, crash = await crash_of(do(*directives))

    assert crash.signal.type == "do"
    assert (crash.index, crash.directive) == (len(before), trip)
    assert [type(each) for each in crash.directives] == [type(each) for each in directives]


async def test_what_the_signal_had_changed_before_its_directive_crashed_is_told(autojump_clock):
    _, crash = await crash_of(note("one"), Signal("both", {"word": "two"}))

    assert crash.state == Notes(["one"])
    assert crash.after is not None
    assert crash.after.state == Notes(["one", "two"])
    assert crash.changes == (Difference("seen[1]", ABSENT, "two"),)


async def test_an_async_action_that_crashed_is_told_with_the_signal_that_led_to_it(autojump_clock):
    _, crash = await crash_of(do(run(WorkBadly(seconds=2))))

    assert crash.signal.type == "do"
    assert crash.instruction is not None
    assert crash.instruction.action == WorkBadly(seconds=2)


async def test_the_first_of_two_tasks_that_crash_is_the_one_that_is_told_of(autojump_clock):
    _, crash = await crash_of(do(run(WorkBadly(seconds=2)), run(WorkBadly(seconds=1)), run(Work(seconds=9))))

    assert crash.instruction is not None
    assert crash.instruction.action == WorkBadly(seconds=1)


async def test_a_task_of_an_interpreter_that_crashed_is_told_with_the_signal(autojump_clock):
    _, crash = await crash_of(do(Begin()))

    assert (crash.signal.type, crash.instruction, crash.index) == ("do", None, None)


async def test_an_outcome_that_crashes_the_agent_is_told_by_its_instruction(autojump_clock):
    work = RunInstruction(Instruction(Work(seconds=1)), result_action=BoomAtOutcome)
    _, crash = await crash_of(do(work))

    assert crash.instruction is not None
    assert crash.instruction.action_class is BoomAtOutcome


async def test_a_life_that_is_killed_while_a_directive_takes_its_time_is_told_by_that(autojump_clock):
    reports: list[Report] = []
    async with Jido(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.cast(do(Emit("heard.one"), TripLater(60)))
        await settle(1)
        jido.kill_agent(ref)
        await settle(1)

    (report,) = reports
    assert isinstance(report, CrashReport)
    assert isinstance(report.detail, AgentCrash)
    assert (report.exit, report.failure, report.detail.directive) == ("killed", None, TripLater(60))


async def test_the_next_life_begins_with_nothing_of_what_the_last_one_was_at(autojump_clock):
    reports: list[Report] = []
    async with Jido(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.cast(BOOM)
        jido.kill_agent(ref)
        await settle(1)

    details = [report.detail for report in reports if isinstance(report, CrashReport)]
    assert [detail and type(detail) for detail in details] == [AgentCrash, None]


async def test_the_text_of_a_crash_is_short_in_a_repr_and_has_all_when_printed(autojump_clock):
    report, crash = await crash_of(note("one"), do(Emit("heard.one"), Trip()))

    assert repr(crash) == "<AgentCrash of 'a' at 'do', directive 1 of 2>"
    assert "AgentCrash" not in str(report)
    lines = str(crash).splitlines()
    assert lines[0].startswith("signal 'do' from ")
    assert lines[1].startswith("data: {'directives': (Emit(")
    assert lines[2:] == ["state before: Notes(seen=['one'])", "directive 2 of 2: Trip()"]


async def test_a_crash_survives_pickle(autojump_clock):
    report, _ = await crash_of(note("one"), BOOM)

    assert pickle.loads(pickle.dumps(report)) == report

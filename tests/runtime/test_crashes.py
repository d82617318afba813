"""Crashes: who is told, who is not touched, and what the next life finds. A hang is a failure: nobody has a timeout."""

from typing import Any

import pytest
import trio
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Action, Agent, Context, Direct, Result, Signal, Stop
from jido_trio.errors import AgentCrashed, AgentStopped, RestartIntensityExceeded, UnknownDirective
from jido_trio.runtime import DeadLetter, Jido, interpret
from jido_trio.supervision import CrashReport, Failure
from tests.runtime.agents import BOOM, Notebook, Notes, Work, WorkBadly, do, note, run, settle


@frozen
class Fall:
    """A directive whose interpreter has a bug."""


@interpret.register
async def _(directive: Fall, runtime: object) -> None:
    raise ZeroDivisionError("a bug of an interpreter")


@frozen
class Unheard:
    """A directive that nobody interprets."""


@frozen
class Pause:
    """A directive that takes a second."""


@interpret.register
async def _(directive: Pause, runtime: object) -> None:
    await trio.sleep(1)


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


async def crash(ref, signal=BOOM):
    with pytest.raises(AgentCrashed):
        await ref.call(signal, timeout=None)


CRASHES = {"in this task": (), "with tasks of its own": (run(Work(seconds=1e6)),)}
"""What the agent does first: a crash is then mended in place, or ends its task."""

with_and_without_tasks = pytest.mark.parametrize("first", CRASHES.values(), ids=CRASHES)


@with_and_without_tasks
async def test_the_caller_of_the_fatal_message_is_told_at_once(autojump_clock, first):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(*first))
        start = trio.current_time()
        with pytest.raises(AgentCrashed) as failure:
            await ref.call(BOOM, timeout=None)

    assert (failure.value.agent_id, failure.value.incarnation) == ("a", 1)
    assert failure.value.error == "ZeroDivisionError: a bug"
    assert trio.current_time() == start


@with_and_without_tasks
async def test_a_crashed_agent_comes_back_as_it_began(autojump_clock, first):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, state={"seen": ["initial"]})
        await ref.call(note("forgotten"))
        await ref.call(do(*first))
        await crash(ref)
        agent = await ref.call(note("new"))

    assert (agent.state.seen, ref.incarnation) == (["initial", "new"], 2)


@with_and_without_tasks
async def test_messages_behind_the_fatal_one_are_handled_by_the_next_life_in_order(autojump_clock, first):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(*first))
        ref.cast_nowait(note("before"))
        ref.cast_nowait(BOOM)
        for word in range(10):
            ref.cast_nowait(note(word))
        agent = await ref.call(note("last"), timeout=None)

    assert agent.state.seen == [*range(10), "last"]
    assert ref.incarnation == 2


@with_and_without_tasks
async def test_an_agent_that_crashes_leaves_the_others_alone(autojump_clock, first):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        sibling = await jido.start_agent(Notebook)
        await sibling.call(note("kept"))
        await ref.call(do(*first))
        for _ in range(5):
            await crash(ref)
        agent = await sibling.call(note("more"))

    assert (agent.state.seen, sibling.incarnation, ref.incarnation) == (["kept", "more"], 1, 6)


@with_and_without_tasks
async def test_each_crash_is_reported_once(autojump_clock, first):
    reports: list[Any] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(*first))
        await crash(ref)
        await crash(ref)
        await settle()

    assert [(report.child, report.incarnation, report.failure.message) for report in reports] == [
        ("a", 1, "a bug"),
        ("a", 2, "a bug"),
    ]


async def test_callers_behind_the_fatal_message_are_answered_by_the_next_life(autojump_clock):
    answers = []
    async with quiet() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Pause()))

        async def call(word):
            answers.append((await ref.call(note(word), timeout=None)).state.seen)

        ref.cast_nowait(BOOM)
        for word in range(3):
            nursery.start_soon(call, word)
            await wait_all_tasks_blocked()
        await trio.sleep(2)

    assert sorted(answers, key=len) == [[0], [0, 1], [0, 1, 2]]


@with_and_without_tasks
async def test_a_crash_while_a_directive_is_carried_out_is_a_crash_of_the_agent(autojump_clock, first):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(*first))
        before = await ref.call(do(Fall()))  # answered: the directives come afterwards
        agent = await ref.call(note("new"), timeout=None)

    assert (before.id, agent.state.seen, ref.incarnation) == (ref.id, ["new"], 2)


async def test_directives_behind_one_that_crashes_are_not_carried_out(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Fall(), Stop()))
        await settle()

        assert (ref.running, ref.incarnation) == (True, 2)


async def test_a_directive_nobody_interprets_crashes_the_agent_by_name(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Unheard()))
        await ref.call(note("alive"), timeout=None)

    (report,) = reports
    assert report.failure is not None
    assert report.failure.type.endswith(UnknownDirective.__name__)
    assert "Unheard" in report.failure.message


async def test_a_crash_of_a_task_is_a_crash_of_the_agent(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(note("forgotten"))
        await ref.call(do(run(WorkBadly(seconds=2))))
        await trio.sleep(3)
        agent = await ref.call(note("new"), timeout=None)

    assert (agent.state.seen, ref.incarnation) == (["new"], 2)
    assert [report.failure.message for report in reports if report.failure] == ["a bug of a task"]


class CleanUpBadly(Action):
    """Has a bug in what it does when it is cancelled."""

    async def run(self, context: Context[Notes]) -> Result:
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("a bug of the clean-up")


class NestCleanUpBadly(Action):
    """The same, within a nursery: what leaves it holds both, the bug and the cancellation."""

    async def run(self, context: Context[Notes]) -> Result:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            await CleanUpBadly().run(context)
        return None


def leaves(failure: Failure) -> list[str]:
    """The types of the exceptions that a group is about."""
    return [type for part in failure.parts for type in leaves(part)] or [failure.type]


@pytest.mark.parametrize("action", [CleanUpBadly(), NestCleanUpBadly()], ids=lambda action: action.name)
async def test_a_crash_is_not_hidden_by_one_while_cleaning_up(autojump_clock, action):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(run(action)))
        await settle()
        await crash(ref)
        await ref.call(note("alive"), timeout=None)

    (report,) = reports
    assert report.failure is not None
    assert sorted(leaves(report.failure)) == ["KeyError", "ZeroDivisionError"]


async def test_a_task_that_crashes_first_is_not_hidden_by_the_clean_up_of_another(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(run(CleanUpBadly()), run(WorkBadly(seconds=1))))
        await trio.sleep(2)
        await ref.call(note("alive"), timeout=None)

    (report,) = reports
    assert report.failure is not None
    assert sorted(leaves(report.failure)) == ["KeyError", "ZeroDivisionError"]


async def test_a_bug_while_it_is_stopped_is_reported_and_not_restarted(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(run(CleanUpBadly())))
        await settle()
        await jido.stop_agent(ref)

        assert not ref.running
    assert [(report.during, report.exit) for report in reports] == [("stopping", "crash")]


async def test_a_temporary_agent_stays_down_and_callers_are_told(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook, restart="temporary")
        ref.cast_nowait(BOOM)
        ref.cast_nowait(note("nobody hears"))
        with pytest.raises(AgentStopped) as failure:
            await ref.call(note("behind"), timeout=None)
        with pytest.raises(AgentStopped):
            await ref.call(note("later"), timeout=None)

    assert failure.value.reason == "crashed"
    assert [letter.signal for letter in letters] == [BOOM, letters[1].signal]
    assert letters[1].signal.data == {"word": "nobody hears"}


async def test_too_many_crashes_end_the_instance_and_the_last_one_is_the_cause(autojump_clock):
    async def give_up():
        async with quiet(max_restarts=2) as jido:
            await jido.start_agent(Notebook, id="sibling")
            ref = await jido.start_agent(Notebook, id="a", budget=None)
            for _ in range(3):
                ref.cast_nowait(BOOM)
            await trio.sleep_forever()

    with pytest.raises(RestartIntensityExceeded) as failure:
        await give_up()

    assert (failure.value.child, failure.value.restarts) == ("a", 3)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


async def test_crashes_that_are_rare_enough_go_on_for_ever(autojump_clock):
    async with quiet(max_restarts=2, max_seconds=5) as jido:
        ref = await jido.start_agent(Notebook, budget=None)
        for _ in range(20):
            await crash(ref)
            await trio.sleep(3)

    assert ref.incarnation == 21


@with_and_without_tasks
async def test_callers_of_an_instance_that_gives_up_are_answered(autojump_clock, first):
    told = []

    async def call_for_ever(ref):
        try:
            while True:
                await ref.call(note("more"), timeout=None)
        except AgentStopped as stopped:
            told.append(stopped.agent_id)

    async def give_up(outside):
        async with quiet(max_restarts=0) as jido:
            for id in ("a", "b"):
                ref = await jido.start_agent(Notebook, id=id, budget=None)
                await ref.call(do(*first))
                await ref.cast(do(Pause()))
                outside.start_soon(call_for_ever, ref)
            await wait_all_tasks_blocked()
            ref.cast_nowait(BOOM)
            await trio.sleep_forever()

    async with trio.open_nursery() as outside:
        with pytest.raises(RestartIntensityExceeded):
            await give_up(outside)

    assert sorted(told) == ["a", "b"]


class Leave(Action):
    """Ends the program."""

    def run(self, context: Context[Notes]) -> Result:
        raise SystemExit(3)


class Leaver(Agent[Notes], routes={"leave": Leave}): ...


async def test_who_asks_for_the_end_of_the_program_is_answered_too(autojump_clock):
    told = []

    async def call(ref):
        with pytest.raises(AgentCrashed) as failure:
            await ref.call(Signal("leave"), timeout=None)
        told.append(failure.value.error)

    async def live(outside):
        async with quiet() as jido:
            outside.start_soon(call, await jido.start_agent(Leaver))
            await trio.sleep_forever()

    async with trio.open_nursery() as outside:
        with pytest.raises(SystemExit):
            await live(outside)

    assert told == ["SystemExit: 3"]


async def test_a_stop_is_final_although_a_task_crashes_before_it_comes(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        slow = await jido.start_agent(Notebook)
        ref = await jido.start_agent(Notebook, id="a")
        await slow.cast(do(Pause(), Pause()))
        await ref.call(do(run(WorkBadly(seconds=1))))
        await settle()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.stop_agent, slow)  # keeps the supervisor for two seconds
            await settle()
            nursery.start_soon(jido.stop_agent, ref)
            for word in range(3):
                await ref.cast(note(word))

        assert jido.whereis("a") is None
        assert ref.agent.state.seen == [0, 1, 2]


class Doomed(Direct):
    """A strategy with a bug in what it does first."""

    def init(self, agent: Any) -> Any:
        return agent, (Fall(),)


class DoomedAgent(Agent[Notes], strategy=Doomed()): ...


async def test_an_agent_that_can_never_start_does_not_starve_the_others(autojump_clock):
    async with quiet(max_restarts=10**9) as jido:
        await jido.start_agent(DoomedAgent, id="doomed")
        sibling = await jido.start_agent(Notebook)
        for word in range(10):
            agent = await sibling.call(note(word), timeout=None)
        await jido.stop_agent("doomed")

    assert agent.state.seen == list(range(10))


@frozen
class Again:
    """A directive that comes again, for ever."""


@interpret.register
async def _(directive: Again, runtime: Any) -> None:
    runtime.emit(do(directive))


async def test_an_agent_that_always_has_something_to_do_does_not_starve_the_others(autojump_clock):
    async with quiet(max_restarts=10**9) as jido:
        busy = await jido.start_agent(Notebook)
        sibling = await jido.start_agent(Notebook)
        await busy.cast(do(Again()))
        agent = await sibling.call(note("alive"), timeout=None)
        await jido.stop_agent(busy)

    assert agent.state.seen == ["alive"]

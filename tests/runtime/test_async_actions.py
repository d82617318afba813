"""Async actions: run outside of cmd, in a task of the agent's life; what comes of them goes through cmd again."""

from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Action, Agent, Context, Direct, Instruction, Outcome, Result, RunInstruction, Signal
from jido_trio.errors import ActionError, AgentCrashed, Permanent, Transient
from jido_trio.runtime import DeadLetter, Jido, interpret
from jido_trio.runtime._tasks import UnderWay
from jido_trio.supervision import CrashReport
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, Work, WorkBadly, WorkInVain, do, note, run, settle, work


@frozen
class Fail:
    """A directive that crashes."""


@interpret.register
def _(directive: Fail, runtime: object) -> None:
    raise ZeroDivisionError("a bug of an interpreter")


def quiet(**options: Any) -> Jido:
    silent: dict[str, Any] = {"on_report": lambda _: None, "on_dead_letter": lambda _: None}
    return Jido(**(silent | options))


async def test_what_an_action_returns_goes_through_cmd_when_it_is_done(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        answer = await ref.call(work("a", seconds=2))
        await trio.sleep(1.9)
        before = ref.agent.state.seen
        await trio.sleep(0.2)

    assert (answer.state.seen, before, ref.agent.state.seen) == ([], [], [("a", "a")])


async def test_the_agent_handles_signals_while_its_action_runs(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(work("a", seconds=10))
        start = trio.current_time()
        agent = await ref.call(note("meanwhile"), timeout=None)

        assert (agent.state.seen, trio.current_time()) == (["meanwhile"], start)


async def test_each_action_is_told_the_signal_that_caused_it(autojump_clock):
    told = []
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for number, word in enumerate("abc"):
            ref.cast_nowait(work(word, seconds=number))
        ref.cast_nowait(note("in between"))
        for _ in range(3):
            await settle()
            told += ref.agent.state.seen  # an outcome replaces the list
            await trio.sleep(1)

    assert told == [("a", "a"), ("b", "b"), ("c", "c")]


class Log(Action):
    """Notes an outcome, and the signal it is about."""

    outcome: Outcome

    def run(self, context: Context[Notes]) -> Result:
        assert context.signal is not None
        error = self.outcome.error
        said = error.message if error is not None else self.outcome.result
        return {"seen": [*context.state.seen, (said, self.outcome.meta.get("tag"), context.signal.type)]}


class Answer(Action):
    """Answers after some seconds."""

    answer: Any
    seconds: float = 1

    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(self.seconds)
        return {"answer": self.answer}


def logged(action: Action, tag: str | None = None, **opts: object) -> RunInstruction:
    """Return the directive that runs an action and has its outcome logged."""
    return RunInstruction(Instruction(action, opts=opts), Log, {"tag": tag})


async def test_an_outcome_goes_to_the_action_that_asked_for_it(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Answer(answer=42), "t")))
        await trio.sleep(2)

    assert ref.agent.state.seen == [({"answer": 42}, "t", "do")]


async def test_an_outcome_is_about_the_signal_that_asked_for_it_whatever_came_since(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Answer(answer=42))))
        await ref.call(note("since"))
        await trio.sleep(2)

    assert ref.agent.state.seen == ["since", ({"answer": 42}, None, "do")]


async def test_outcomes_come_in_the_order_in_which_actions_are_done(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Answer(answer="slow", seconds=3)), logged(Answer(answer="quick", seconds=1))))
        await trio.sleep(5)

    assert [said["answer"] for said, _, _ in ref.agent.state.seen] == ["quick", "slow"]


async def test_a_declared_failure_is_an_error_directive(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(run(WorkInVain())))
        await trio.sleep(2)

    assert (ref.incarnation, ref.agent.state.seen) == (1, [])
    assert "agent 'a': instruction failed: nothing found" in caplog.text


async def test_a_declared_failure_goes_to_the_action_that_asked_for_the_outcome(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(WorkInVain())))
        await trio.sleep(2)

    assert ref.agent.state.seen == [("nothing found", None, "do")]


async def test_a_bug_crashes_the_agent_and_ends_its_other_actions(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(note("forgotten"))
        await ref.call(do(run(Work(seconds=5)), run(WorkBadly(seconds=1))))
        await trio.sleep(10)

    assert (ref.incarnation, ref.agent.state.seen) == (2, [])
    assert [(report.failure.type, report.failure.message) for report in reports if report.failure] == [
        ("ZeroDivisionError", "a bug of a task")
    ]


async def test_an_action_is_cancelled_at_its_timeout(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Answer(answer="late", seconds=10), timeout=2)))
        await trio.sleep(1.9)
        before = ref.agent.state.seen
        await trio.sleep(0.2)

    assert before == []
    assert ref.agent.state.seen == [("action 'answer' took longer than 2 s and was cancelled", None, "do")]


ATTEMPTS: list[float] = []


class Glitch(Action):
    """Fails some times, and says whether trying again may help."""

    times: int
    retryable: bool = True

    async def run(self, context: Context[Notes]) -> Result:
        ATTEMPTS.append(trio.current_time())
        if len(ATTEMPTS) <= self.times:
            raise ActionError("a glitch", retryable=self.retryable)
        return {"answer": "at last"}


@pytest.fixture
def attempts():
    ATTEMPTS.clear()
    return ATTEMPTS


async def test_a_retryable_failure_is_tried_again_ever_more_patiently(autojump_clock, attempts):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Glitch(times=3), max_retries=5, backoff=1)))
        await trio.sleep(100)

    assert [later - attempts[0] for later in attempts] == [0, 1, 3, 7]
    assert ref.agent.state.seen == [({"answer": "at last"}, None, "do")]


async def test_the_pause_between_attempts_has_an_end(autojump_clock, attempts):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Glitch(times=4), max_retries=5, backoff=20)))
        await trio.sleep(1000)

    assert [later - earlier for earlier, later in pairwise(attempts)] == [20, 30, 30, 30]


async def test_the_last_failure_is_told_when_retries_are_used_up(autojump_clock, attempts):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Glitch(times=9), max_retries=2)))
        await trio.sleep(100)

    assert len(attempts) == 3
    assert ref.agent.state.seen == [("a glitch", None, "do")]


async def test_a_failure_that_trying_again_does_not_help_is_told_at_once(autojump_clock, attempts):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Glitch(times=9, retryable=False), max_retries=2)))
        await trio.sleep(100)

    assert len(attempts) == 1
    assert ref.agent.state.seen == [("a glitch", None, "do")]


class Marked(Action):
    """Fails at first, by errors that say whether it may pass."""

    errors: tuple[Any, ...]

    async def run(self, context: Context[Notes]) -> Result:
        ATTEMPTS.append(trio.current_time())
        if len(ATTEMPTS) <= len(self.errors):
            raise self.errors[len(ATTEMPTS) - 1]
        return {"answer": "at last"}


class Busy(Transient, ConnectionError):
    """What a library of ours raises."""


async def test_what_may_pass_is_tried_again_and_what_will_not_is_told_at_once(autojump_clock, attempts):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Marked(errors=(Transient("a"), Busy("b"))), max_retries=9)))
        await trio.sleep(100)
        assert (len(attempts), ref.agent.state.seen) == (3, [({"answer": "at last"}, None, "do")])

        attempts.clear()
        await ref.call(do(logged(Marked(errors=(Transient("a"), Permanent("gone"), Busy("b"))), max_retries=9)))
        await trio.sleep(100)
        assert (len(attempts), ref.agent.state.seen[1]) == (2, ("gone", None, "do"))


async def test_a_timeout_is_tried_again(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Answer(answer="late", seconds=10), timeout=2, max_retries=1, backoff=1)))
        await trio.sleep(4.9)
        before = ref.agent.state.seen
        await trio.sleep(0.2)

    assert (before, len(ref.agent.state.seen)) == ([], 1)


ENDS: list[str] = []


class Tidy(Action):
    """Notes that it was ended."""

    async def run(self, context: Context[Notes]) -> Result:
        try:
            await trio.sleep_forever()
        finally:
            ENDS.append("ended")


@pytest.mark.parametrize("end", ["stop", "crash", "leave"])
async def test_no_action_outlives_the_life_it_belongs_to(autojump_clock, end):
    ENDS.clear()
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(run(Tidy()), run(Tidy())))
        await wait_all_tasks_blocked()
        if end == "stop":
            await jido.stop_agent(ref)
            assert ENDS == ["ended"] * 2
        elif end == "crash":
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM)
            assert (await ref.call(note("alive"), timeout=None)).state.seen == ["alive"]
            assert ENDS == ["ended"] * 2

    assert ENDS == ["ended"] * 2


@frozen
class Hold:
    """A directive that keeps the agent busy."""

    seconds: float


@interpret.register
async def _(directive: Hold, runtime: object) -> None:
    await trio.sleep(directive.seconds)


async def test_an_outcome_nobody_came_to_is_no_dead_letter_of_a_signal_that_was_handled(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(run(Work(seconds=1)), Hold(3)))
        await trio.sleep(2)
        await jido.stop_agent(ref)

    assert letters == []


class Preparing(Direct):
    """A strategy that has an action run first."""

    def init(self, agent: Any) -> Any:
        return agent, (logged(Answer(answer="ready", seconds=0)),)


class Prepared(Agent[Notes], routes=ROUTES, strategy=Preparing()): ...


async def test_a_strategy_may_have_an_action_run_when_a_life_begins(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Prepared)
        await settle()

    assert ref.agent.state.seen == [({"answer": "ready"}, None, "jido.agent.started")]


async def test_an_action_sees_the_agent_that_asked_for_it(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        ref.cast_nowait(note("before"))
        ref.cast_nowait(do(logged(Look())))
        ref.cast_nowait(note("after"))
        await settle()

    assert ref.agent.state.seen[-1][0] == {"looked": ["before"]}


class Look(Action):
    """Returns what the agent had noted when it was asked."""

    async def run(self, context: Context[Notes]) -> Result:
        await trio.lowlevel.checkpoint()
        return {"looked": context.state.seen}


async def test_a_call_is_answered_before_the_action_runs(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        agent = await ref.call(Signal("work", {"word": "a", "seconds": 0}))

    assert agent.state.seen == []


class Report(Action):
    """Returns what its instruction's context says."""

    async def run(self, context: Context[Notes]) -> Result:
        await trio.lowlevel.checkpoint()
        return {"answer": context["asked_by"]}


async def test_an_async_action_finds_the_context_of_its_instruction(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        directive = RunInstruction(Instruction(Report, context={"asked_by": "ann"}), Log)
        await ref.call(do(directive))
        await settle()

    assert ref.agent.state.seen == [({"answer": "ann"}, None, "do")]


async def test_the_pauses_between_very_many_attempts_stay_finite(autojump_clock, attempts):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(logged(Glitch(times=1500), max_retries=2000, backoff=1)))
        await trio.sleep(1600 * 30)

    assert ref.agent.state.seen == [({"answer": "at last"}, None, "do")]


# ---- which life it was


class WhichLife(Action):
    async def run(self, context: Context[Notes]) -> Result:
        await trio.lowlevel.checkpoint()
        return {"answer": context.incarnation}


class Told(Action):
    """Notes which life asked for what came out."""

    outcome: Outcome

    def run(self, context: Context[Notes]) -> Result:
        return {"seen": [*context.state.seen, (self.outcome.result, self.outcome.incarnation, context.incarnation)]}


async def test_an_action_and_its_outcome_know_which_life_asked_and_a_pure_action_does_not(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await ref.call(do(RunInstruction(Instruction(WhichLife()), result_action=Told)))
        await settle()

    assert ref.agent.state.seen == [({"answer": 2}, 2, 0)]


class HearInterrupted(Action):
    """Notes what was interrupted."""

    action: str
    incarnation: int
    outcome: Outcome | None
    meta: dict[str, Any]
    instruction: Instruction
    id: str | None
    signal: str
    begun: bool

    def run(self, context: Context[Notes]) -> Result:
        result = self.outcome.result if self.outcome is not None else None
        return {"seen": [*context.state.seen, (self.action, self.incarnation, result, dict(self.meta), self.begun)]}


class Anew(Action):
    """Asks for the same once more."""

    def run(self, context: Context[Notes]) -> Result:
        assert context.signal is not None
        return RunInstruction(context.signal.data["instruction"])


class Careful(Agent[Notes], routes={**ROUTES, "jido.instruction.interrupted": HearInterrupted}): ...


class Stubborn(Agent[Notes], routes={**ROUTES, "jido.instruction.interrupted": Anew()}): ...


async def test_the_next_life_is_told_first_of_all_which_actions_died_in_order(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Careful)
        first = RunInstruction(Instruction(Work(seconds=5)), meta={"order": 7})
        await ref.call(do(first, run(WorkBadly(seconds=3)), run(Work(seconds=1))))
        await trio.sleep(2.5)  # the third is done and told of
        ref.cast_nowait(do(Hold(1)))
        ref.cast_nowait(note("waited"))
        await trio.sleep(5)

    assert ref.agent.state.seen == [("work", 1, None, {"order": 7}, True), ("work_badly", 1, None, {}, True), "waited"]


async def test_an_action_that_was_killed_before_its_first_step_is_told_of(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Careful)
        ref.cast_nowait(do(run(Work())))
        ref.cast_nowait(BOOM)
        await trio.sleep(5)

    assert ref.agent.state.seen == [("work", 1, None, {}, False)]


async def test_an_outcome_that_nobody_came_to_read_is_told_to_the_next_life(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Careful)
        await ref.call(do(RunInstruction(Instruction(Work(seconds=1)), result_action=Told)))
        ref.cast_nowait(do(Hold(2), Fail()))
        await trio.sleep(5)

    assert ref.agent.state.seen == [("work", 1, {"seen": [("worked", None)]}, {}, True)]


async def test_what_was_interrupted_can_be_asked_for_again(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Stubborn)
        await ref.call(work("once", seconds=2))
        await trio.sleep(1)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await trio.sleep(5)

    assert ref.agent.state.seen == [("once", None)]


async def test_what_is_done_is_kept_no_longer(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(*(run(Work()) for _ in range(10))))
        await trio.sleep(2)
        kept = ref._cell.kept(UnderWay)
        assert kept is not None
        assert not kept._jobs

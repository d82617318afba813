"""Lanes: async actions of an agent that run one at a time, in order, each lane for itself."""

from contextvars import ContextVar
from typing import Any

import attrs
import pytest
import trio
from attrs import field

from jido_trio.core import Action, Agent, Context, Durable, Instruction, Outcome, Result, RunInstruction, Signal
from jido_trio.errors import ActionCrashed, ActionError, AgentCrashed, InvalidDefinition, LaneBroken, LaneFull
from jido_trio.runtime import DeadDirective, DeadLetter, Jido
from jido_trio.storage import open_memory
from jido_trio.supervision import CrashReport, Shutdown
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, do, note, settle
from tests.runtime.test_async_actions import quiet

BEGUN: list[tuple[float, str]] = []
COLOUR = ContextVar("COLOUR", default="white")


@pytest.fixture(autouse=True)
def nothing_begun():
    BEGUN.clear()


class Step(Action):
    """Notes when it began, and takes its time."""

    word: str
    seconds: float = 1
    fails: Any = None

    async def run(self, context: Context[Notes]) -> Result:
        BEGUN.append((trio.current_time(), self.word))
        await trio.sleep(self.seconds)
        if self.fails is not None:
            raise self.fails(f"{self.word} failed")
        return {"word": self.word}


class Told(Action):
    """Notes an outcome: the word, or the class of the error."""

    outcome: Outcome

    def run(self, context: Context[Notes]) -> Result:
        error = self.outcome.error
        what = self.outcome.result["word"] if error is None else error
        return {"seen": [*context.state.seen, what]}


def step(word: str, lane: str | None = "chat", seconds: float = 1, fails: object = None) -> RunInstruction:
    return RunInstruction(Instruction(Step(word=word, seconds=seconds, fails=fails)), Told, lane=lane)


def begun(since: float = 0) -> list[tuple[float, str]]:
    return [(at - since, word) for at, word in BEGUN]


async def test_actions_of_a_lane_run_one_after_the_other_in_the_order_they_were_asked_for(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("a", seconds=3), step("b", seconds=1)))
        await ref.call(do(step("c", seconds=2)))
        await trio.sleep(10)

    assert begun() == [(0, "a"), (3, "b"), (4, "c")]
    assert ref.agent.state.seen == ["a", "b", "c"]


async def test_lanes_and_actions_without_one_run_side_by_side(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("a1", "a"), step("a2", "a"), step("b1", "b"), step("free", None), step("b2", "b")))
        await trio.sleep(10)

    assert sorted(begun()) == [(0, "a1"), (0, "b1"), (0, "free"), (1, "a2"), (1, "b2")]


async def test_two_agents_have_lanes_of_the_same_name_apart(autojump_clock):
    async with quiet() as jido:
        for _ in range(2):
            ref = await jido.start_agent(Notebook)
            await ref.call(do(step("a")))
        await trio.sleep(10)

    assert begun() == [(0, "a"), (0, "a")]


async def test_a_declared_failure_leaves_its_lane_going(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("a", fails=ActionError), step("b")))
        await trio.sleep(10)

    assert ref.agent.state.seen == [ActionError("a failed"), "b"]


async def test_a_bug_ends_its_lane_and_no_other_and_not_the_life(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("bad", fails=ZeroDivisionError), step("behind"), step("other", "b", seconds=5)))
        await ref.call(do(step("free", None, seconds=4)))
        await trio.sleep(10)

    assert ref.agent.state.seen == [
        ActionCrashed("step", "chat", "ZeroDivisionError: bad failed"),
        LaneBroken("step", "chat"),
        "free",
        "other",
    ]
    [report] = reports
    assert (ref.incarnation, report.incarnation, report.during, report.ended) == (1, 1, "running", False)
    assert str(report) == f"a part of child '{ref.id}' of supervisor 'agents' crashed: ZeroDivisionError: bad failed"
    assert report.detail.instruction.action.word == "bad"  # type: ignore[attr-defined]


async def test_a_lane_that_ended_by_a_bug_begins_anew(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("bad", fails=ZeroDivisionError)))
        await trio.sleep(2)
        await ref.call(do(step("next"), step("last")))
        await trio.sleep(10)

    assert ref.agent.state.seen[1:] == ["next", "last"]


async def test_an_outcome_of_a_bug_goes_to_the_error_policy_where_nobody_else_asks_for_it(autojump_clock, caplog):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(RunInstruction(Instruction(Step(word="bad", fails=ZeroDivisionError)), lane="chat")))
        await trio.sleep(2)

    assert "instruction failed: action 'step' crashed in lane 'chat': ZeroDivisionError: bad failed" in caplog.text


async def test_a_shutdown_in_a_lane_ends_the_life_as_elsewhere(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, restart="transient")
        await ref.call(do(step("bye", fails=Shutdown)))
        await trio.sleep(2)

    assert not ref.running


async def test_who_waits_is_seen_and_counted(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("a"), step("b"), step("c"), step("d", "other")))
        await settle()
        view, tasks = ref.inspect().lanes, ref.inspect().tasks
        await trio.sleep(10)

        assert (view, tasks) == ({"chat": 2, "other": 0}, 2)
        assert (ref.inspect().lanes, ref.inspect().tasks) == ({}, 0)


async def test_as_many_may_wait_in_a_lane_as_the_mailbox_has_places(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=2)
        await ref.call(do(*(step(word) for word in "abcd")))
        await trio.sleep(10)

    assert ref.agent.state.seen == [LaneFull("step", "chat", 2), "a", "b", "c"]


async def test_who_waits_until_all_is_settled_waits_for_those_in_lanes_too(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=2)
        settled = await ref.call(do(*(step(word) for word in "abcd")), until="settled", timeout=60)
        at = trio.current_time()
        broken = await ref.call(do(step("bad", fails=ZeroDivisionError), step("behind")), until="settled")

    assert at == 3
    assert [outcome.error for outcome in settled.outcomes] == [LaneFull("step", "chat", 2), None, None, None]
    assert [type(outcome.error) for outcome in broken.outcomes] == [ActionCrashed, LaneBroken]


class Interrupted(Action):
    """Notes which action of a former life was interrupted, and whether it had begun."""

    def run(self, context: Context[Notes]) -> Result:
        assert context.signal is not None
        data = context.signal.data
        return {"seen": [*context.state.seen, (data["instruction"].action.word, data["begun"])]}


class Careful(Agent[Notes], routes={**ROUTES, "jido.instruction.interrupted": Interrupted()}): ...


async def test_those_that_wait_end_with_the_life_and_are_told_of_one_by_one(autojump_clock):
    dead: list[DeadDirective] = []
    async with quiet(on_dead_directive=dead.append) as jido:
        ref = await jido.start_agent(Careful, id="ann")
        await ref.call(do(step("a", seconds=5), step("b"), step("c")))
        await trio.sleep(1)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await trio.sleep(10)
        lanes = ref.inspect().lanes

    assert begun() == [(0, "a")]
    assert ref.agent.state.seen == [("a", True), ("b", False), ("c", False)]
    lost = [(each.agent_id, each.directive, each.reason, each.begun) for each in dead]
    why = "the life that gave it was ended"
    assert lost == [("ann", step("b"), why, False), ("ann", step("c"), why, False)]
    assert lanes == {}


async def test_those_that_wait_when_the_agent_is_stopped_are_told_of_one_by_one(autojump_clock):
    dead: list[DeadDirective] = []
    async with quiet(on_dead_directive=dead.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("a", seconds=5), step("b"), step("c")))
        await jido.stop_agent(ref)

    assert [(each.directive, each.reason) for each in dead] == [
        (step("b"), "the agent has ended"),
        (step("c"), "the agent has ended"),
    ]


async def test_the_next_life_has_lanes_of_its_own(autojump_clock):
    async with quiet(on_dead_directive=lambda _: None) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("a", seconds=5), step("b")))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await ref.call(do(step("new")))
        await trio.sleep(10)

    assert ref.agent.state.seen == ["new"]


class Paint(Action):
    """Notes the colour it finds, and paints it over."""

    async def run(self, context: Context[Notes]) -> Result:
        found = COLOUR.get()
        COLOUR.set("red")
        await trio.lowlevel.checkpoint()
        return {"word": found}


async def test_actions_of_a_lane_do_not_see_the_context_variables_of_those_before(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        paint = RunInstruction(Instruction(Paint()), Told, lane="chat")
        await ref.call(do(paint, paint, paint))
        await trio.sleep(1)

    assert ref.agent.state.seen == ["white", "white", "white"]


async def test_the_agent_hears_others_while_its_lane_is_busy(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(step("a", seconds=5), step("b")))
        answer = await ref.call(note("meanwhile"))

    assert answer.state.seen == ["meanwhile"]


@pytest.mark.parametrize("lane", ["", 7, b"chat"], ids=["empty", "number", "bytes"])
def test_a_lane_that_is_no_text_is_refused(lane):
    with pytest.raises(InvalidDefinition, match="of RunInstruction must be a text that is not empty"):
        RunInstruction(Instruction(Step(word="a")), lane=lane)


# ---- durable agents


@attrs.frozen
class Words:
    seen: list[str] = field(factory=list)


class Ask(Action):
    words: list[str]

    def run(self, context: Context[Words]) -> Result:
        return [RunInstruction(Instruction(Say(word=word)), Heard, lane="chat") for word in self.words]


class Say(Action):
    word: str

    async def run(self, context: Context[Words]) -> Result:
        BEGUN.append((trio.current_time(), self.word))
        await trio.sleep(1)
        if self.word == "bad":
            raise ZeroDivisionError("a bug")
        return {"word": self.word}


class Heard(Action):
    outcome: Outcome

    def run(self, context: Context[Words]) -> Result:
        error = self.outcome.error
        word = self.outcome.result["word"] if error is None else type(error).__name__
        return {"seen": [*context.state.seen, word]}


class Crash(Action):
    def run(self, context: Context[Words]) -> Result:
        raise ZeroDivisionError("a bug")


class Diary(Agent[Words], durable=Durable(), routes={"ask": Ask, "crash": Crash}): ...


def keeping(storage: Any) -> Jido:
    return Jido("d", storage=storage, on_report=lambda _: None, on_dead_letter=lambda _: None)


async def test_a_durable_agent_has_lanes_too(autojump_clock):
    async with keeping(open_memory()) as jido:
        ref = await jido.start_agent(Diary, id="ann")
        start = trio.current_time()
        await ref.call(Signal("ask", {"words": ["a", "bad", "c"]}))
        await trio.sleep(10)
        await ref.call(Signal("ask", {"words": ["d"]}))
        await trio.sleep(10)

    assert begun(start)[:2] == [(0, "a"), (1, "bad")]
    assert list(ref.agent.state.seen) == ["a", "ActionCrashed", "LaneBroken", "d"]
    assert ref.incarnation == 1


async def test_the_next_life_of_a_durable_agent_goes_on_with_those_that_waited(autojump_clock):
    dead: list[DeadDirective] = []
    letters: list[DeadLetter] = []
    async with Jido(
        "d",
        storage=open_memory(),
        on_report=lambda _: None,
        on_dead_letter=letters.append,
        on_dead_directive=dead.append,
    ) as jido:
        ref = await jido.start_agent(Diary, id="ann")
        await ref.call(Signal("ask", {"words": ["a", "b", "c"]}))
        await trio.sleep(0.5)
        with pytest.raises(AgentCrashed):
            await ref.call(Signal("crash"))
        await trio.sleep(10)

    assert list(ref.agent.state.seen) == ["Interrupted", "b", "c"]
    assert (dead, letters) == ([], [])


class Tidy(Action):
    """Shields itself from its cancellation, and so is done when its life is over."""

    async def run(self, context: Context[Notes]) -> Result:
        BEGUN.append((trio.current_time(), "tidy"))
        with trio.CancelScope(shield=True):
            await trio.sleep(2)
        return None


@pytest.mark.parametrize("end", ["kill", "stop", "bug"])
async def test_what_waits_in_a_lane_isnt_begun_by_one_that_is_done_after_its_life(autojump_clock, end):
    lost: list[DeadDirective] = []
    async with quiet(on_dead_directive=lost.append) as jido:
        ref = await jido.start_agent(Notebook)
        behind = step("behind"), step("last")
        bug = [step("bug", None, 1, ValueError)] if end == "bug" else []
        await ref.call(do(RunInstruction(Instruction(Tidy()), lane="chat"), *behind, *bug))
        await trio.sleep(0.5)
        if end == "kill":
            jido.kill_agent(ref)
        elif end == "stop":
            await jido.stop_agent(ref)
        await trio.sleep(10)
        assert [word for _, word in BEGUN if word != "bug"] == ["tidy"]
        assert [dead.directive for dead in lost] == list(behind)

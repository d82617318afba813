"""Calls that wait until all is done that follows from a message."""

from typing import Any

import pytest
import trio

from jido_trio.core import Action, Agent, Context, Instruction, Outcome, Result, RunInstruction, Schedule, Signal, Stop
from jido_trio.errors import ActionError, AgentCrashed, AgentStopped, CallTimeout, NotSettled
from jido_trio.runtime import Jido, Settled
from jido_trio.runtime._ref import cell_of
from jido_trio.storage import MemoryStorage
from tests.runtime.agents import REFUSE, ROUTES, Note, Notebook, Notes, Work, WorkBadly, WorkInVain, do, note, run, work
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


class Worked(Action):
    """Notes an outcome; with a word to go on with, it asks for more work."""

    outcome: Outcome

    def run(self, context: Context[Notes]) -> Result:
        seen = {"seen": [*context.state.seen, "worked"]}
        left = self.outcome.meta.get("left", 0)
        return (seen, [again(left - 1)]) if left else seen


def again(left: int) -> RunInstruction:
    return RunInstruction(Instruction(Work(seconds=1)), result_action=Worked, meta={"left": left})


class Stopping(Action):
    """Ends the agent, in its own time."""

    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(1)
        return Stop()


class Lasting(Notebook, durable=True):
    """A notebook that outlives its process."""


both = pytest.mark.parametrize("kind", [Notebook, Lasting])


def room(**options: Any) -> Jido:
    return quiet(storage=MemoryStorage(), **options)


@both
async def test_a_message_that_nothing_follows_from_is_settled_when_it_is_answered(kind, autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(kind)
        settled = await ref.call(note("a"), until="settled")

        assert settled == Settled(ref.agent, (), 1)
        assert settled.agent.state.seen == ["a"]
        assert fates(jido) == {"accepted": 1, "handled": 1}


@both
async def test_it_waits_for_directives_and_for_an_async_action_and_for_what_its_outcome_changes(kind, autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(kind)
        settled = await ref.call(work("sum", seconds=3), until="settled")

        assert 3 <= trio.current_time() < 3.5
        [outcome] = settled.outcomes
        assert outcome.error is None
        assert outcome.incarnation == 1
        assert settled.agent.state.seen == [("sum", "sum")]

        began = trio.current_time()
        await ref.call(do(Pause(), Pause()), until="settled")
        assert 2 <= trio.current_time() - began < 2.5


@both
async def test_what_outcomes_lead_to_in_turn_is_waited_for_too(kind, autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(kind)
        settled = await ref.call(do(again(left=2), again(left=0)), until="settled")

        assert 3 <= trio.current_time() < 3.5
        assert settled.agent.state.seen == ["worked"] * 4
        assert len(settled.outcomes) == 4


async def test_actions_in_a_lane_are_waited_for_in_their_order(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        asked = [RunInstruction(Instruction(Work(word=word)), result_action=Worked, lane="one") for word in "ab"]
        settled = await ref.call(do(*asked), until="settled")

        assert trio.current_time() == 2
        assert [outcome.instruction.action.word for outcome in settled.outcomes] == ["a", "b"]  # type: ignore[union-attr]


async def test_what_other_messages_lead_to_is_not_waited_for(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(run(Work(seconds=100))))
        settled = await ref.call(work("mine", seconds=1), until="settled")
        assert (trio.current_time(), len(settled.outcomes)) == (1, 1)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ref.call, do(*[Pause()] * 50))
            await trio.sleep(0.5)
            with pytest.raises(CallTimeout):
                await ref.call(note("too late"), until="settled", timeout=2)


async def test_what_is_scheduled_is_a_message_of_its_own(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(50, note("later"))), until="settled")

        assert trio.current_time() == 0


@both
async def test_a_failure_that_an_async_action_declares_is_an_outcome(kind, autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(kind)
        settled = await ref.call(do(run(WorkInVain())), until="settled")

        [outcome] = settled.outcomes
        assert outcome.error == ActionError("nothing found")


@both
async def test_a_crash_of_what_follows_is_told_to_the_caller(kind, autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(kind)
        with pytest.raises(AgentCrashed, match="a bug of a task") as crash:
            await ref.call(do(run(WorkBadly())), until="settled")

        assert crash.value.incarnation == 1
        assert trio.current_time() < 1.5


async def test_a_kill_and_a_stop_are_told_to_the_caller(autojump_clock):
    async with room() as jido:
        killed, stopped = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        told: list[Exception] = []

        async def ask(ref: Any) -> None:
            try:
                await ref.call(work("long", seconds=100), until="settled", timeout=None)
            except (AgentCrashed, AgentStopped) as error:
                told.append(error)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, killed)
            nursery.start_soon(ask, stopped)
            await trio.sleep(1)
            jido.kill_agent(killed)
            await trio.sleep(1)
            await jido.stop_agent(stopped)

    assert [type(error) for error in told] == [AgentCrashed, AgentStopped]
    assert "killed" in str(told[0])


async def test_an_agent_that_stops_itself_has_settled(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        settled = await ref.call(do(Pause(), Stop()), until="settled")

        assert settled.incarnation == 1
        assert trio.current_time() == 1


async def test_a_message_that_waits_is_not_cut_off_with_the_life_before(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Pause(), run(WorkBadly(seconds=0.5)), Pause()))
        settled = await ref.call(work("next", seconds=1), until="settled", timeout=None)

        assert settled.incarnation == 2
        assert len(settled.outcomes) == 1


@both
async def test_who_has_waited_too_long_is_told_what_is_under_way_and_that_goes_on(kind, autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(kind)
        with pytest.raises(NotSettled, match="under way: 'work'") as late:
            await ref.call(work("long", seconds=8), until="settled")

        assert (late.value.seconds, late.value.under_way) == (5, ("work",))
        assert cell_of(ref).settling is None
        await trio.sleep(5)
        assert len(ref.agent.state.seen) == 1


@both
@pytest.mark.parametrize(
    "directives", [(Stop(),), (Pause(), Stop()), (run(Stopping()),)], ids=["at once", "later", "by an outcome"]
)
async def test_the_id_of_an_agent_that_has_settled_by_a_stop_is_free(kind, directives, autojump_clock):
    async with room() as jido:
        for _ in range(2):
            ref = await jido.start_agent(kind, id="a")
            await ref.call(do(*directives), until="settled")
            assert jido.whereis("a") is None


async def test_an_action_that_says_no_raises_that_and_unchecked_it_is_settled(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(ActionError, match="no"):
            await ref.call(REFUSE, until="settled")
        settled = await ref.call(REFUSE, until="settled", check=False)

        assert settled.agent.state.seen == []
        assert cell_of(ref).settling is None


async def test_an_action_is_settled_like_a_signal(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        settled = await ref.call(Note(word="x"), until="settled")

        assert settled.agent.state.seen == ["x"]


async def test_several_callers_each_wait_for_their_own(autojump_clock):
    async with room(debug="verbose") as jido:
        ref = await jido.start_agent(Patient)
        times: dict[int, float] = {}

        async def ask(seconds: int) -> None:
            await ref.call(work(str(seconds), seconds), until="settled")
            times[seconds] = trio.current_time()

        async with trio.open_nursery() as nursery:
            for seconds in (3, 1, 2):
                nursery.start_soon(ask, seconds)

        assert times == {1: 1, 2: 2, 3: 3}
        assert jido.ledger().balanced


class Patient(Agent[Notes], routes=ROUTES): ...


async def test_who_is_cancelled_waits_no_more(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        with trio.move_on_after(1):
            await ref.call(work("long", seconds=3), until="settled")

        assert (trio.current_time(), cell_of(ref).settling) == (1, None)


async def test_there_is_one_thing_to_wait_until(autojump_clock):
    async with room() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(ValueError, match="until='done' must be 'settled'"):
            await ref.call(Signal("note", {"word": 1}), until="done")  # type: ignore[call-overload]

        assert fates(jido) == {}

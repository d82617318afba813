"""What instances broken on purpose have taught to look at."""

import sys
from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import Action, AdoptChild, Agent, Context, Result, Signal, SpawnAgent, Stop, StopChild, emit_to
from jido_trio.errors import AgentCrashed, RestartIntensityExceeded
from jido_trio.runtime import DeadLetter, Jido, Runtime, interpret
from jido_trio.supervision import CrashReport
from tests.runtime.agents import Notebook, Notes, do, note, run, settle

SEEN: list[Any] = []
"""What was noted outside of any agent."""


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


def quiet(**options: Any) -> Jido:
    silent: dict[str, Any] = {"on_report": lambda _: None, "on_dead_letter": lambda _: None}
    return Jido(**(silent | options))


@frozen
class Nap:
    """A directive that takes its time."""

    seconds: float


@interpret.register
async def _(directive: Nap, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)


# ---- turns


async def test_the_program_has_a_turn_after_a_millisecond_however_few_messages_that_were(autojump_clock):
    class Plod(Action):
        def run(self, context: Context[Notes]) -> Result:
            autojump_clock.jump(0.01)
            SEEN.append(context.agent.id)
            return None

    class Plodder(Agent[Notes], routes={"plod": Plod}): ...

    async with quiet() as jido:
        for ref in [await jido.start_agent(Plodder) for _ in range(20)]:
            ref.cast_nowait(Signal("plod"))
        counts = [0]
        while counts[-1] < 20:
            await trio.lowlevel.checkpoint()
            counts.append(len(SEEN))

    assert max(after - before for before, after in pairwise(counts)) <= 2  # Trio may run a task twice in a row


async def test_an_agent_that_is_asked_to_stop_while_it_handles_a_signal_handles_no_other(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref, parent = [await jido.start_agent(Notebook, id=id) for id in ("a", "parent")]
        await parent.call(do(AdoptChild("a", tag="child")))
        await ref.call(do(AdoptChild("parent", tag="parent")))
        await settle()
        ref.cast_nowait(do(StopChild("parent")))  # with it goes its child, which is the agent
        for word in range(3):
            ref.cast_nowait(note(word))
        await settle()

    assert not ref.running
    assert [letter.signal.data["word"] for letter in letters if letter.signal.type == "note"] == [0, 1, 2]


# ---- the end of a life with tasks


class FallAfterACast(Action):
    """Casts to its own agent, and fails in the same breath."""

    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(1)
        context.resources["refs"][0].cast_nowait(note("at the crash"))
        raise ZeroDivisionError("a bug of a task")


class CleanUp(Action):
    async def run(self, context: Context[Notes]) -> Result:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(5)


async def test_what_comes_while_a_crashed_life_cleans_up_is_for_the_next_one(autojump_clock):
    refs: list[Any] = []
    async with quiet(resources={"refs": refs}) as jido:
        refs.append(await jido.start_agent(Notebook))
        await refs[0].call(do(run(CleanUp()), run(FallAfterACast())))
        await trio.sleep(3)
        refs[0].cast_nowait(note("while it cleans up"))
        await trio.sleep(1)
        meanwhile = refs[0].incarnation, refs[0].agent.state.seen
        await trio.sleep(10)

        assert meanwhile == (1, [])
        assert (refs[0].incarnation, refs[0].agent.state.seen) == (2, ["at the crash", "while it cleans up"])


class Begin(Action):
    async def run(self, context: Context[Notes]) -> Result:
        SEEN.append("begun")
        await trio.sleep(1)
        return None


async def test_an_action_that_has_not_begun_when_its_life_is_killed_never_begins(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(run(Begin())))
        jido.kill_agent(ref)
        await ref.call(note("alive"))
        await trio.sleep(5)

    assert (SEEN, ref.incarnation) == ([], 2)


@pytest.mark.parametrize("first", [(), (Nap(1),)], ids=["at once", "after a directive that takes time"])
async def test_directives_behind_a_stop_are_dropped(autojump_clock, first):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="other")
        await ref.call(do(*first, emit_to("other", note("before")), Stop(), emit_to("other", note("behind"))))
        await trio.sleep(3)

        assert (ref.running, other.agent.state.seen) == (False, ["before"])


# ---- deadlines


async def test_calls_with_a_time_of_their_own_that_had_to_wait_leave_no_timers(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for number in range(1000):
            ref.cast_nowait(note(number))
            await ref.call(do(), timeout=1e6)

        assert len(jido._instance.timers) < 200


# ---- who is gone


async def test_what_is_emitted_for_an_agent_that_has_ended_is_a_dead_letter(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Lend()))
        await jido.stop_agent(ref)
        SEEN[0].emit(note("late"))
        assert jido.ledger().balanced

    assert [(letter.agent_id, letter.signal.data["word"], letter.reason) for letter in letters] == [
        (ref.id, "late", "stopped")
    ]


async def test_what_waits_for_an_agent_that_is_being_replaced_still_waits(autojump_clock):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook, id="parent")
        spawn = SpawnAgent(Notebook, tag="t", id="child")
        await parent.call(do(spawn))
        child: Any = jido.whereis("child")
        await child.call(do(Nap(2)))
        for word in range(3):
            child.cast_nowait(note(word))
        await parent.call(do(StopChild("t"), spawn))
        ledger = jido.ledger()

        assert child.running
        assert (ledger.waiting >= 3, ledger.balanced) == (True, True)


@frozen
class Lend:
    """A directive whose interpreter gives the runtime away."""


@interpret.register
def _(directive: Lend, runtime: Runtime) -> None:
    SEEN.append(runtime)


@frozen
class DieAndFail:
    """A directive whose interpreter has its life ended on the spot, and then fails."""


@interpret.register
def _(directive: DieAndFail, runtime: Runtime) -> None:
    supervisor = runtime.cell.instance.supervisor
    assert supervisor is not None
    supervisor.kill_child(runtime.agent.id)
    raise ZeroDivisionError("a bug of an interpreter")


@pytest.mark.parametrize("how", ["call", "cast_nowait"])
async def test_a_life_that_was_killed_while_it_acted_does_not_crash_the_next_one(autojump_clock, how):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        sent = getattr(ref, how)(do(DieAndFail()))
        if sent is not None:
            await sent
        agent = await ref.call(note("alive"))

        assert (agent.state.seen, ref.incarnation) == (["alive"], 2)
    assert [report.exit for report in reports] == ["killed"]


class FellAnother(Action):
    """Has the instance give up, which ends the agents that are stopped brutally on the spot."""

    def run(self, context: Context[Notes]) -> Result:
        SEEN[0].kill_agent("other")
        return {"seen": ["handled"]}


class Feller(Agent[Notes], routes={"fell": FellAnother}): ...


async def test_the_caller_of_an_agent_that_was_ended_while_it_handled_the_signal_is_told_so(autojump_clock):
    async def live() -> None:
        async with quiet(max_restarts=0) as jido:
            SEEN.append(jido)
            ref = await jido.start_agent(Feller, shutdown="brutal")
            await jido.start_agent(Notebook, id="other", budget=None)
            with pytest.raises(AgentCrashed, match="it was killed meanwhile"):
                await ref.call(Signal("fell"))
            assert ref.agent.state.seen == []
            await trio.sleep_forever()

    with pytest.raises(RestartIntensityExceeded):
        await live()


# ---- the end of the program


class Exit(Action):
    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(1)
        sys.exit(3)


class FailAlongside(Action):
    async def run(self, context: Context[Notes]) -> Result:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("a bug of the clean-up")


async def test_a_crash_beside_the_end_of_the_program_is_reported(autojump_clock):
    reports: list[CrashReport] = []

    async def live() -> None:
        async with quiet(on_report=reports.append) as jido:
            ref = await jido.start_agent(Notebook)
            await ref.call(do(run(FailAlongside()), run(Exit())))
            await trio.sleep_forever()

    with pytest.raises(SystemExit):
        await live()
    [failure] = [report.failure for report in reports]
    assert failure is not None
    assert [part.message for part in failure.parts] == ["a bug of the clean-up"]

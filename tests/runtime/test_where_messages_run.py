"""Where a message runs: in the caller's task or in the run queue, and that nothing of it shows."""

import contextvars
import signal
import sys
import traceback
from itertools import pairwise
from typing import Any

import pytest
import trio
from attrs import frozen
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from jido_trio.core import Action, Agent, Context, Emit, Instruction, Result, RunInstruction, Signal, ToAgent, emit_to
from jido_trio.errors import AgentCrashed, NoRoute
from jido_trio.runtime import DeadLetter, Jido, Runtime, interpret
from jido_trio.storage import MemoryStorage
from tests.runtime.agents import BOOM, Notebook, Notes, do, note, run, settle, work

VAR: contextvars.ContextVar[str] = contextvars.ContextVar("VAR", default="nothing")


SEEN: list[Any] = []
"""What actions and interpreters noted, outside of any agent."""


@frozen
class LookAround:
    """A directive that notes the task that it is carried out in, and a context variable, which it sets."""

    waits: bool = False


@interpret.register
def _(directive: LookAround, runtime: Runtime) -> None:
    SEEN.append((trio.lowlevel.current_task(), VAR.get()))
    VAR.set("set by an interpreter")


class Look(Action):
    """Notes the task that it is run in, and a context variable, which it sets."""

    def run(self, context: Context[Notes]) -> Result:
        SEEN.append((trio.lowlevel.current_task(), VAR.get()))
        VAR.set("set by an action")
        return [LookAround()]


class Onlooker(Agent[Notes], routes={"look": Look, "note": Notebook.router.routes[0].target}): ...


LOOK = Signal("look")


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


def tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


async def test_an_idle_agent_is_called_in_the_callers_task(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Onlooker)
        await ref.call(LOOK)
        await ref.cast(LOOK)

    assert [task for task, _ in SEEN] == [trio.lowlevel.current_task()] * 4


async def test_what_is_cast_without_waiting_is_handled_later_and_elsewhere(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Onlooker)
        ref.cast_nowait(LOOK)
        before = list(SEEN)
        await settle()

    assert before == []
    assert trio.lowlevel.current_task() not in [task for task, _ in SEEN]


@pytest.mark.parametrize("send", ["call", "cast", "cast_nowait"])
async def test_neither_side_sees_the_context_variables_of_the_other(autojump_clock, send):
    async with quiet() as jido:
        ref = await jido.start_agent(Onlooker)
        VAR.set("set by a caller")
        for _ in range(2):
            sent = getattr(ref, send)(LOOK)
            if sent is not None:
                await sent
            await settle()

        assert VAR.get() == "set by a caller"
    # An action and an interpreter share one message, but nothing outlives it.
    assert [value for _, value in SEEN] == ["nothing", "set by an action"] * 2


async def test_agents_see_the_context_variables_of_when_the_instance_was_made(autojump_clock):
    VAR.set("when it was made")
    jido = quiet()
    VAR.set("since")
    async with jido:
        ref = await jido.start_agent(Onlooker)
        await ref.call(LOOK)

    assert SEEN[0][1] == "when it was made"


async def test_idle_agents_have_no_tasks(autojump_clock):
    async with quiet() as jido:
        before = tasks()
        refs = [await jido.start_agent(Notebook) for _ in range(100)]
        for ref in refs:
            await ref.call(note("a"))
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM)

        assert tasks() == before


@frozen
class Nap:
    """A directive that takes its time."""

    seconds: float


@interpret.register
async def _(directive: Nap, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)
    SEEN.append("woke")


@pytest.mark.parametrize("busy", [do(Nap(1)), work("a"), do(run(Notebook.router.routes[4].target.bind()), Nap(1))])
async def test_a_life_has_tasks_only_while_something_takes_time(autojump_clock, busy):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        before = tasks()
        for _ in range(3):
            ref.cast_nowait(busy)
            await trio.sleep(0.5)
            meanwhile = tasks()
            await trio.sleep(1)
            agent = await ref.call(note("quick"))

            assert meanwhile > before
            assert tasks() == before
        assert agent.state.seen[-1] == "quick"
        assert ref.incarnation == 1


async def test_directives_after_one_that_takes_time_come_after_it_and_before_the_next_signal(autojump_clock):
    async with quiet() as jido:
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="other")
        await ref.call(
            do(emit_to("other", note(1)), Nap(1), emit_to("other", note(2)), Nap(1), emit_to("other", note(3)))
        )
        ref.cast_nowait(do(emit_to("other", note(4))))
        halfway = []
        for _ in range(3):
            await trio.sleep(0.9)
            halfway.append(len(other.agent.state.seen))

    assert (halfway, other.agent.state.seen) == ([1, 2, 4], [1, 2, 3, 4])


# ---- cancellation


async def test_a_caller_that_is_cancelled_already_changes_nothing(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for send in (ref.call, ref.cast):
            with trio.CancelScope() as scope:
                scope.cancel()
                await send(note("lost"))
            assert scope.cancelled_caught

        assert (await ref.call(note("alive"))).state.seen == ["alive"]


@frozen
class CancelCaller:
    """A directive that cancels what is at `SCOPES`."""


SCOPES: list[trio.CancelScope] = []


@interpret.register
def _(directive: CancelCaller, runtime: Runtime) -> None:
    SCOPES[-1].cancel()


async def test_the_answer_isnt_lost_if_the_caller_is_cancelled_while_the_agent_handles_its_signal(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with trio.CancelScope() as scope:
            SCOPES.append(scope)
            agent = await ref.call(do(CancelCaller(), Emit(note("done"))))
        await settle()

    assert agent.id == ref.id
    assert ref.agent.state.seen == ["done"]


async def test_an_agent_isnt_cancelled_with_its_caller(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with trio.move_on_after(1):
            await ref.call(do(Nap(5), Emit(note("done"))))
            await trio.sleep_forever()
        await trio.sleep(10)

    assert SEEN == ["woke"]
    assert ref.agent.state.seen == ["done"]


async def test_every_way_to_speak_to_an_agent_is_a_checkpoint(autojump_clock):
    async with quiet() as jido:
        with assert_checkpoints():
            ref = await jido.start_agent(Notebook)
        with assert_checkpoints():
            await ref.call(note("idle"))
        with assert_checkpoints():
            await ref.cast(note("idle"))
        ref.cast_nowait(note("queued"))
        with assert_checkpoints():
            await ref.cast(note("busy"))
        ref.cast_nowait(note("queued"))
        with assert_checkpoints():
            await ref.call(note("busy"))
        with pytest.raises(NoRoute), assert_checkpoints():
            await ref.call(Signal("unheard.of"))
        with pytest.raises(AgentCrashed), assert_checkpoints():
            await ref.call(BOOM)
        with assert_checkpoints():
            await jido.stop_agent(ref)
        for send in (ref.call, ref.cast):
            with pytest.raises(Exception, match="not running"), assert_checkpoints():
                await send(note("late"))


# ---- turns


async def test_a_loop_of_calls_starves_nobody(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        turns = []

        async def other():
            for number in range(3):
                await trio.lowlevel.checkpoint()
                turns.append(number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            for _ in range(10):
                await ref.call(do())
            assert turns == [0, 1, 2]


class Count(Action):
    def run(self, context: Context[Notes]) -> Result:
        SEEN.append(context.agent.id)
        return None


class Counter(Agent[Notes], routes={"count": Count}): ...


COUNT = Signal("count")


async def test_a_flood_to_one_agent_delays_another_by_one_turn_only(autojump_clock):
    async with quiet() as jido:
        flooded, calm = await jido.start_agent(Counter, id="flooded"), await jido.start_agent(Counter, id="calm")
        for _ in range(1000):
            flooded.cast_nowait(COUNT)
        calm.cast_nowait(COUNT)
        await settle()

    assert SEEN.index("calm") == 16
    assert len(SEEN) == 1001


async def test_the_program_has_a_turn_after_so_many_messages(autojump_clock):
    async with quiet() as jido:
        refs = [await jido.start_agent(Counter) for _ in range(10)]
        for ref in refs:
            for _ in range(100):
                ref.cast_nowait(COUNT)
        counts = [0]
        while counts[-1] < 1000:
            await trio.lowlevel.checkpoint()
            counts.append(len(SEEN))

    assert max(after - before for before, after in pairwise(counts)) <= 2 * (
        64 + 16
    )  # Trio may give the run queue two turns in a row


async def test_agents_have_turns_in_the_order_of_their_messages(autojump_clock):
    async with quiet() as jido:
        refs = {id: await jido.start_agent(Counter, id=id) for id in "abc"}
        for id in "cabca":
            refs[id].cast_nowait(COUNT)
        await settle()

    assert SEEN == ["c", "c", "a", "a", "b"]


class Pass(Action):
    """Passes the signal on to the next of many agents."""

    def run(self, context: Context[Notes]) -> Result:
        SEEN.append(len(traceback.extract_stack()))
        return Emit(Signal("pass"), dispatch=ToAgent(str(int(context.agent.id) + 1)))


class Passer(Agent[Notes], routes={"pass": Pass}): ...


async def test_a_signal_that_is_passed_on_by_a_thousand_agents_recurses_nowhere(autojump_clock):
    async with quiet() as jido:
        refs = [await jido.start_agent(Passer, id=str(number)) for number in range(1000)]
        await refs[0].call(Signal("pass"))
        await settle()

    assert len(SEEN) == 1000
    assert len(set(SEEN[1:])) == 1


@frozen
class CastToSelf:
    """A directive that casts to the agent at `REFS`, which is the very one."""


REFS: list[Any] = []


@interpret.register
def _(directive: CastToSelf, runtime: Runtime) -> None:
    REFS[-1].cast_nowait(note("from within"))
    SEEN.append(len(REFS[-1].agent.state.seen))


async def test_an_interpreter_that_speaks_to_its_own_agent_is_heard_after_it(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        REFS.append(ref)
        await ref.call(do(CastToSelf()))
        agent = await ref.call(note("later"))

    assert SEEN == [0]
    assert agent.state.seen == ["from within", "later"]


async def test_a_sink_that_speaks_to_the_agent_that_crashed_is_heard_by_its_next_life(autojump_clock):
    refs: list[Any] = []

    def report(_: object) -> None:
        refs[0].cast_nowait(note("get well"))

    async with quiet(on_report=report) as jido:
        refs.append(await jido.start_agent(Notebook))
        with pytest.raises(AgentCrashed):
            await refs[0].call(BOOM)
        agent = await refs[0].call(note("thanks"))

    assert agent.state.seen == ["get well", "thanks"]


# ---- crashes


@pytest.mark.parametrize("busy", [False, True], ids=["in the caller's task", "in the run queue"])
async def test_nothing_of_the_agents_traceback_is_in_what_the_caller_gets(autojump_clock, busy):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        if busy:
            ref.cast_nowait(note("first"))
        try:
            await ref.call(BOOM)
        except AgentCrashed as crash:
            frames = [frame.name for frame in traceback.extract_tb(crash.__traceback__)]
            chained = crash.__cause__, crash.__context__

    assert "run" not in frames
    assert chained == (None, None)


class Interrupt(Action):
    """Is where Control-C strikes."""

    def run(self, context: Context[Notes]) -> Result:
        raise KeyboardInterrupt


class Interrupted(Agent[Notes], routes={"interrupt": Interrupt, "note": Notebook.router.routes[0].target}): ...


async def test_an_interrupt_in_the_callers_task_is_the_callers_and_nobodys_crash(autojump_clock):
    reports: list[Any] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Interrupted)
        await ref.call(note("kept"))
        with pytest.raises(KeyboardInterrupt):
            await ref.call(Signal("interrupt"))
        agent = await ref.call(note("more"))

    assert (agent.state.seen, ref.incarnation, reports) == (["kept", "more"], 1, [])


async def test_an_interrupt_in_the_run_queue_ends_the_instance_plainly(autojump_clock):
    reports: list[Any] = []

    async def live() -> None:
        async with quiet(on_report=reports.append) as jido:
            ref = await jido.start_agent(Interrupted)
            ref.cast_nowait(Signal("interrupt"))
            await trio.sleep_forever()

    with pytest.raises(KeyboardInterrupt):
        await live()
    assert reports == []


class Compute(Action):
    """Is at it when somebody presses Control-C."""

    def run(self, context: Context[Notes]) -> Result:
        signal.raise_signal(signal.SIGINT)
        SEEN.append("computes on")
        return None


class Patient(Notebook, durable=True): ...


@pytest.mark.parametrize(
    ("kind", "how"), [(Notebook, "call"), (Notebook, "cast"), (Notebook, "cast_nowait"), (Patient, "call")]
)
def test_control_c_interrupts_an_action_that_computes(kind, how):
    async def live() -> None:
        async with quiet(storage=MemoryStorage()) as jido:
            ref = await jido.start_agent(kind, id="a")
            if how == "cast_nowait":
                ref.cast_nowait(Compute())
            else:
                await getattr(ref, how)(Compute())
            await wait_all_tasks_blocked()

    SEEN.clear()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            trio.run(live)
    finally:
        signal.signal(signal.SIGINT, before)
    assert SEEN == []


class Exit(Action):
    """Ends the program from a task."""

    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(1)
        sys.exit(3)


class FailAlongside(Action):
    async def run(self, context: Context[Notes]) -> Result:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("a bug of the clean-up")


@pytest.mark.parametrize("others", [(), (FailAlongside(),), (FailAlongside(), FailAlongside())], ids=len)
async def test_an_exit_from_an_async_action_leaves_plainly_whatever_else_fails(autojump_clock, others):
    async def live() -> None:
        async with quiet() as jido:
            ref = await jido.start_agent(Notebook)
            await ref.call(do(*(RunInstruction(Instruction(action)) for action in (*others, Exit()))))
            await trio.sleep_forever()

    with pytest.raises(SystemExit) as left:
        await live()
    assert left.value.code == 3


async def test_a_cast_to_an_idle_agent_that_nobody_routes_is_a_dead_letter(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(Signal("unheard.of"))
        ref.cast_nowait(Signal("unheard.of"))
        await wait_all_tasks_blocked()

    assert [letter.reason for letter in letters] == ["no route matches"] * 2

"""Directives that are not carried out: each is told of. Effects that say no."""

from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import AdoptChild, Agent, Direct, Emit, Error, Signal, SpawnAgent, Stop
from jido_trio.errors import ActionError, AgentCrashed
from jido_trio.runtime import DeadDirective, Jido, Runtime, interpret
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, WorkBadly, do, note, run, settle

CRASHED = "the agent crashed at one before it"
CUT_OFF = "the life that gave it was ended"
STOPS = "the agent stops itself"
LATE = Emit(note("late"))


@frozen
class Hold:
    """A directive that keeps the agent busy."""

    seconds: float


@interpret.register
async def _(directive: Hold, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)


@frozen
class Fail:
    """A directive that crashes."""


@interpret.register
def _(directive: Fail, runtime: Runtime) -> None:
    raise ZeroDivisionError("a bug of an interpreter")


@frozen
class Die:
    """A directive that has its life killed on the spot, or that of another."""

    id: str = ""


@interpret.register
def _(directive: Die, runtime: Runtime) -> None:
    supervisor = runtime.cell.instance.supervisor
    assert supervisor is not None
    supervisor.kill_child(directive.id or runtime.agent.id)


def quiet(dead: list[DeadDirective], **options: Any) -> Jido:
    silent = {"on_report": lambda _: None, "on_dead_letter": lambda _: None, "on_dead_directive": dead.append}
    return Jido(**(silent | options))


def told(dead: list[DeadDirective]) -> list[tuple[object, str, bool]]:
    return [(each.directive, each.reason, each.begun) for each in dead]


@pytest.mark.parametrize("first", [(), (Hold(1),)], ids=["at once", "in a task"])
async def test_those_behind_one_that_crashed_are_told_of_in_order(autojump_clock, first):
    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        signal = do(*first, Emit(note("done")), Fail(), LATE, Hold(9))
        await ref.cast(signal)
        await trio.sleep(3)

        assert ref.agent.state.seen == ["done"]
    assert dead == [DeadDirective("a", LATE, signal, CRASHED), DeadDirective("a", Hold(9), signal, CRASHED)]


async def test_one_that_was_cut_short_may_have_acted(autojump_clock):
    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(run(WorkBadly(seconds=1)), Hold(5), LATE))
        await trio.sleep(3)
        assert told(dead) == [(Hold(5), CUT_OFF, True), (LATE, CUT_OFF, False)]

        dead.clear()
        await ref.cast(do(Hold(5), LATE))
        await trio.sleep(1)
        jido.kill_agent(ref)
        await settle()
        assert told(dead) == [(Hold(5), CUT_OFF, True), (LATE, CUT_OFF, False)]


async def test_a_life_that_is_killed_before_its_task_begins_has_done_none_of_them(autojump_clock):
    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref, other = await jido.start_agent(Notebook, id="a"), await jido.start_agent(Notebook)
        ref.cast_nowait(do(Hold(5), LATE))
        other.cast_nowait(do(Die("a")))  # has its turn before any task has
        await settle()

    assert told(dead) == [(Hold(5), CUT_OFF, False), (LATE, CUT_OFF, False)]


async def test_those_behind_one_that_had_the_agent_killed_or_stopped_are_told_of(autojump_clock):
    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Die(), LATE))
        await ref.cast(do(Stop(), LATE))
        await settle()

    assert told(dead) == [(LATE, CUT_OFF, False), (LATE, STOPS, False)]


async def test_handling_that_took_too_long_is_the_crash_of_one(autojump_clock):
    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Notebook, max_handle_time=1)
        await ref.cast(do(Hold(5), LATE))
        await trio.sleep(3)

    assert told(dead) == [(LATE, CRASHED, False)]


@frozen
class Greeting(Direct):
    def init(self, agent: Any) -> Any:
        return agent, (LATE,)


async def test_those_of_a_beginning_that_never_had_its_turn_are_told_of(autojump_clock):
    class Greeter(Agent[Notes], routes=ROUTES, strategy=Greeting()): ...

    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(SpawnAgent(Greeter, "t", id="child"), Die("child")))
        await settle()
        child = jido.whereis("child")
        assert child is not None

        assert child.agent.state.seen == ["late"]  # of the next life
    assert told(dead) == [(LATE, CUT_OFF, False)]


async def test_an_agent_that_carries_out_all_of_them_has_none_to_tell_of(autojump_clock):
    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Hold(1), LATE))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await ref.cast(do(Hold(1), LATE))
        await jido.stop_agent(ref)

    assert dead == []


async def test_without_a_box_they_are_logged_and_a_box_that_raises_is_too(autojump_clock, caplog):
    async with Jido(on_report=lambda _: None) as jido:
        await (await jido.start_agent(Notebook, id="a")).cast(do(Fail(), LATE))
        await settle()
    assert "directive Emit of agent 'a', for signal 'do', is not carried out: the agent crashed" in caplog.text

    def refuse(dead: DeadDirective) -> None:
        raise ValueError("full")

    async with Jido(on_report=lambda _: None, on_dead_directive=refuse) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.cast(do(Fail(), LATE))
        assert (await ref.call(note("alive"))).state.seen == ["alive"]
    assert "on_dead_directive raised for agent 'a'" in caplog.text


# ---- effects that say no


@frozen
class Decline:
    """A directive whose interpreter says no, at once or after a while."""

    seconds: float = 0


@interpret.register
def _(directive: Decline, runtime: Runtime) -> Any:
    if directive.seconds:
        return decline(directive.seconds)
    raise ActionError("the printer is off")


async def decline(seconds: float) -> None:
    await trio.sleep(seconds)
    raise ActionError("the printer is off")


@pytest.mark.parametrize("seconds", [0, 1])
async def test_an_effect_that_says_no_is_an_error_and_those_behind_it_are_carried_out(autojump_clock, caplog, seconds):
    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.cast(do(Decline(seconds), LATE, Decline(seconds)))
        await trio.sleep(5)

        assert (ref.incarnation, ref.agent.state.seen, dead) == (1, ["late"], [])
    assert caplog.text.count("agent 'a': directive failed: the printer is off") == 2


@pytest.mark.parametrize("seconds", [0, 1])
async def test_the_policy_may_make_a_crash_of_it(autojump_clock, seconds):
    class Strict(Agent[Notes], routes=ROUTES, error_policy="crash"): ...

    dead: list[DeadDirective] = []
    async with quiet(dead) as jido:
        ref = await jido.start_agent(Strict)
        await ref.cast(do(Decline(seconds), LATE))
        await trio.sleep(5)

        assert (ref.incarnation, told(dead)) == (2, [(LATE, CRASHED, False)])


@frozen
class Around:
    """A directive whose interpreter carries out others."""

    directive: Any
    seconds: int = 0


@interpret.register
def _(directive: Around, runtime: Runtime) -> Any:
    async def later() -> None:
        await trio.sleep(directive.seconds)
        runtime.do(directive.directive)

    return later() if directive.seconds else runtime.do(directive.directive)


DECLARED = Error(ActionError("the printer is off"), context="directive")


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize(
    "directive",
    [DECLARED, AdoptChild("nobody", "t"), SpawnAgent(Notebook, "t", state={"no": "such field"}), Around(DECLARED)],
    ids=["an error", "an adoption", "a child", "an error further in"],
)
async def test_a_failing_effect_is_judged_once_however_deep_it_is(autojump_clock, caplog, directive, seconds):
    class Strict(Agent[Notes], routes=ROUTES, error_policy="crash"): ...

    async with quiet([]) as jido:
        ref = await jido.start_agent(Strict, id="a")
        await ref.cast(do(Around(directive, seconds)))
        await trio.sleep(5)

        assert ref.incarnation == 2
    assert caplog.text.count(" failed: ") == 1


def leave(_: object) -> None:
    raise SystemExit(3)


@pytest.mark.parametrize("box", ["on_dead_directive", "on_dead_letter"])
async def test_who_is_told_may_end_the_program_and_whoever_sent_the_signal_goes_on(autojump_clock, box):
    went_on: list[object] = []

    async def live() -> None:
        options: dict[str, Any] = {box: leave}
        async with Jido("a", **options) as jido:
            ref = await jido.start_agent(Notebook)
            await ref.cast(do(Stop(), LATE) if box == "on_dead_directive" else Signal("unheard.of"))
            went_on.append(ref)
            await trio.sleep_forever()

    with pytest.raises(SystemExit):
        await live()
    assert went_on


async def test_what_is_told_while_the_instance_ends_ends_it_too(autojump_clock):
    async def live() -> None:
        async with Jido("a", on_dead_letter=leave) as jido:
            ref = await jido.start_agent(Notebook)
            ref.cast_nowait(do(Hold(1)))
            await trio.sleep(0.5)
            ref.cast_nowait(note("unread"))

    with pytest.raises(SystemExit):
        await live()

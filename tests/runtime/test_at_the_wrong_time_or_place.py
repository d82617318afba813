"""What comes from another thread, too early, too late, or means an agent that is no more: refused, and nothing done."""

import asyncio
import threading
from typing import Any

import pytest
import trio
import trio.testing
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Agent, Direct, SpawnAgent, Stop, StopChild
from jido_trio.errors import (
    AgentCrashed,
    AgentNotFound,
    AgentStopped,
    CallError,
    CallTimeout,
    InvalidDefinition,
    StartFailed,
    SupervisorStopped,
)
from jido_trio.runtime import Jido, Runtime, interpret, wait_state
from jido_trio.supervision import Backoff, CrashReport
from tests.runtime.agents import BOOM, Notebook, Notes, do, note, settle


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


# ---- place


async def in_a_thread(fn: Any) -> BaseException | None:
    """Call `fn` in a thread that knows nothing of Trio, and return what it raised."""
    raised: list[BaseException | None] = []

    def call() -> None:
        try:
            fn()
        except BaseException as error:
            raised.append(error)
        else:
            raised.append(None)

    thread = threading.Thread(target=call)
    thread.start()
    await trio.to_thread.run_sync(thread.join)
    return raised[0]


@pytest.mark.parametrize(
    "attempt",
    [
        lambda jido, ref: ref.cast_nowait(note("lost")),
        lambda jido, ref: trio.run(ref.cast, note("lost")),
        lambda jido, ref: trio.run(ref.call, note("lost")),
        lambda jido, ref: jido.kill_agent(ref),
        lambda jido, ref: trio.run(jido.stop_agent, ref),
        lambda jido, ref: trio.run(jido.start_agent, Notebook),
        lambda jido, ref: asyncio.run(ref.call(note("lost"))),
        lambda jido, ref: jido.inspect(),
        lambda jido, ref: jido.tree(),
    ],
    ids=["cast_nowait", "cast", "call", "kill", "stop", "start", "call in asyncio", "inspect", "tree"],
)
async def test_from_another_thread_everything_is_refused_and_the_agent_hears_well_ever_after(attempt):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(note("before"))
        refused = await in_a_thread(lambda: attempt(jido, ref))
        agent = await ref.call(note("after"), timeout=5)

        assert (agent.state.seen, ref.incarnation, len(jido.list_agents())) == (["before", "after"], 1, 1)
    assert isinstance(refused, RuntimeError)
    assert "trio.from_thread" in str(refused)


async def test_a_partition_is_not_looked_at_from_another_thread_either():
    async with quiet() as jido:
        partition = await jido.partition("berlin")
        refused = await in_a_thread(partition.inspect)
        looked = await trio.to_thread.run_sync(lambda: trio.from_thread.run_sync(partition.inspect))

    assert looked.phase == "up"
    assert isinstance(refused, RuntimeError)
    assert "trio.from_thread.run_sync(jido.inspect)" in str(refused)


async def test_an_agent_that_pauses_is_looked_at_through_trio_and_who_does_not_is_told_so():
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, backoff=Backoff(first=1000, cap=1000))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        refused = await in_a_thread(ref.inspect)
        assert ref.inspect().next_restart is not None

    assert isinstance(refused, RuntimeError)
    assert "trio.from_thread.run_sync(supervisor.tree)" in str(refused)


def test_after_its_run_an_instance_is_looked_at_anywhere():
    async def program() -> Jido:
        async with quiet() as jido:
            await jido.start_agent(Notebook)
        return jido

    jido = trio.run(program)
    assert (jido.inspect().phase, jido.tree().phase, jido.tree().restarts) == ("ended", "ended", 0)


async def test_a_thread_of_trio_may_speak_to_agents_through_trio():
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)

        def speak() -> Any:
            trio.from_thread.run_sync(ref.cast_nowait, note("a"))
            return trio.from_thread.run(ref.call, note("b"))

        agent = await trio.to_thread.run_sync(speak)

    assert agent.state.seen == ["a", "b"]


def test_under_asyncio_an_instance_says_what_it_needs():
    async def enter() -> None:
        async with Jido("mine"):
            pass

    with pytest.raises(RuntimeError, match=r"'mine'.*trio\.run.*guest"):
        asyncio.run(enter())


# ---- time


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_instance_that_does_not_run_says_so(autojump_clock, when):
    jido = quiet(name="mine")
    if when == "after":
        async with jido:
            ref: Any = await jido.start_agent(Notebook)
        with pytest.raises(AgentStopped):
            await ref.call(note("late"))
        with pytest.raises(AgentStopped):
            ref.cast_nowait(note("late"))

    told = r"'mine' is not running yet: use it inside of `async with" if when == "before" else "'mine' is not running$"
    for attempt in (jido.start_agent(Notebook), jido.stop_agent("a"), jido.resume_agent("a")):
        with pytest.raises(SupervisorStopped, match=told):
            await attempt
    with pytest.raises(SupervisorStopped, match=told):
        jido.kill_agent("a")
    assert (jido.whereis("a"), jido.list_agents()) == (None, ())


# ---- names of instances


@pytest.mark.parametrize("name", ["my app", "café", "50%", "a#b", "[x]", "\ud800", "line\nbreak"])
async def test_an_instance_may_be_called_anything(autojump_clock, name):
    async with quiet(name=name) as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Notebook, tag="t", id="child")))
        await parent.call(do(StopChild("t")))
        await settle()

        assert (parent.incarnation, jido.whereis("child")) == (1, None)
    assert [type for type, _ in parent.agent.state.seen] == ["jido.agent.child.started", "jido.agent.child.exit"]


@pytest.mark.parametrize("name", ["", None, 3], ids=repr)
def test_an_instance_whose_name_is_no_text_is_refused(name):
    with pytest.raises(InvalidDefinition, match="name"):
        Jido(name)


# ---- refs of agents that are no more


async def maybe(fn: Any, *args: Any) -> None:
    """Call a function that may be async."""
    done = fn(*args)
    if done is not None:
        await done


@pytest.mark.parametrize("do_it", ["kill_agent", "stop_agent", "resume_agent"])
async def test_what_is_done_through_an_old_ref_is_not_done_to_another_with_its_id(autojump_clock, do_it):
    async with quiet() as jido:
        old = await jido.start_agent(Notebook, id="a")
        await jido.stop_agent(old)
        new = await jido.start_agent(Notebook, id="a")
        with pytest.raises(AgentNotFound):
            await maybe(getattr(jido, do_it), old)
        await settle()

        assert (new.incarnation, new.running) == (1, True)


async def test_a_kill_means_a_life_and_one_that_crashes_before_it_is_one_end(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        ref.cast_nowait(BOOM)
        jido.kill_agent(ref)
        await settle()
        after_crash = ref.incarnation
        jido.kill_agent(ref)
        await settle()

    assert (after_crash, ref.incarnation) == (2, 3)


async def test_a_kill_doesnt_wait_behind_a_flood(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for word in range(100):
            ref.cast_nowait(note(word))
        jido.kill_agent(ref)
        await settle()

    assert ref.agent.state.seen == list(range(16, 100))


@frozen
class Hold:
    """A directive that keeps the agent busy."""

    seconds: float


@interpret.register
async def _(directive: Hold, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)


async def test_a_kill_reaches_an_agent_that_waits_at_once(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Hold(100)))
        start = trio.current_time()
        jido.kill_agent(ref)
        await ref.call(note("alive"), timeout=None)

        assert (trio.current_time(), ref.incarnation) == (start, 2)
    assert [report.exit for report in reports] == ["killed"]


async def test_an_agent_that_is_killed_before_a_directive_begins_doesnt_carry_it_out(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Deaf(100)))
        jido.kill_agent(ref)
        begin = trio.current_time()
        await ref.call(note("alive"), timeout=None)

        assert (trio.current_time(), ref.incarnation) == (begin, 2)


async def test_the_kill_of_an_agent_that_stops_is_its_stop(autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook, shutdown=None)
        await ref.call(do(Hold(3)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.stop_agent, ref)
            await settle()
            jido.kill_agent(ref)

        assert (ref.running, ref.incarnation, reports) == (False, 1, [])


@frozen
class KillMe:
    """A directive that kills its own agent."""


KILLERS: list[Any] = []


@interpret.register
def _(directive: KillMe, runtime: Runtime) -> None:
    KILLERS[-1].kill_agent(runtime.agent.id)


async def test_an_agent_may_have_itself_killed(autojump_clock):
    async with quiet() as jido:
        KILLERS.append(jido)
        ref = await jido.start_agent(Notebook)
        await ref.call(do(KillMe()))
        agent = await ref.call(note("new"))

    assert (agent.state.seen, ref.incarnation) == (["new"], 2)


# ---- deadlines


@frozen
class Deaf:
    """A directive that ignores cancellation."""

    seconds: float


@interpret.register
async def _(directive: Deaf, runtime: Runtime) -> None:
    with trio.CancelScope(shield=True):
        await trio.sleep(directive.seconds)


async def test_a_call_is_answered_in_time_although_the_time_of_the_instance_is_over(autojump_clock):
    waited: list[float] = []

    async def call(ref: Any) -> None:
        await trio.sleep(11)
        begin = trio.current_time()
        with pytest.raises(CallError):
            await ref.call(note("late"), timeout=5)
        waited.append(trio.current_time() - begin)

    async with trio.open_nursery() as outside, quiet(shutdown=2) as jido:
        ref = await jido.start_agent(Notebook, shutdown=None)
        outside.start_soon(call, ref)
        await ref.call(do(Deaf(100)))
        await trio.sleep(8)

    assert waited[0] <= 5


async def test_a_call_is_answered_in_time_although_its_agent_pauses(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Deaf(100)))
        await settle()
        jido.kill_agent(ref)
        begin = trio.current_time()
        with pytest.raises(CallTimeout):
            await ref.call(note("late"))

        assert trio.current_time() == begin + 5


# ---- agents that are over at once


class Opening(Direct):
    """A strategy that begins with some directives."""

    def __init__(self, *directives: Any) -> None:
        object.__setattr__(self, "directives", directives)

    def init(self, agent: Any) -> Any:
        return agent, self.directives  # type: ignore[attr-defined]


@frozen
class Unheard:
    """A directive that nobody interprets."""


class Brief(Agent[Notes], strategy=Opening(Stop())): ...


class Broken(Agent[Notes], strategy=Opening(Unheard())): ...


@pytest.mark.parametrize(("cls", "restart"), [(Brief, "permanent"), (Broken, "temporary")])
async def test_an_agent_that_is_over_before_its_starter_looks_is_a_ref_all_the_same(autojump_clock, cls, restart):
    async with quiet() as jido:
        for number in range(30):
            ref = await jido.start_agent(cls, id=f"a{number}", restart=restart)
            assert ref.id == f"a{number}"
        await settle()

        assert jido.list_agents() == ()


class Refusing(Direct):
    """A strategy that can't begin."""

    def init(self, agent: Any) -> Any:
        if agent.id == "made already":
            return agent, ()
        raise LookupError("nothing to begin with")


async def test_an_agent_whose_first_life_cant_begin_is_not_started(autojump_clock):
    class Never(Agent[Notes], strategy=Refusing()): ...

    made = Never("other", Notes())
    async with quiet() as jido:
        with pytest.raises(StartFailed) as failed:
            await jido.start_agent(made)

        assert (jido.list_agents(), jido.whereis("other")) == ((), None)
    assert isinstance(failed.value.__cause__, LookupError)


async def test_a_child_is_replaced_in_one_go_however_long_the_old_one_takes(autojump_clock):
    for busy in ((), (Hold(2),)):
        async with quiet() as jido:
            parent = await jido.start_agent(Notebook, id="parent")
            spawn = SpawnAgent(Notebook, tag="t", id="child")
            await parent.call(do(spawn))
            old: Any = jido.whereis("child")
            await old.cast(do(*busy))
            await wait_all_tasks_blocked()
            await parent.call(do(StopChild("t"), spawn))
            await trio.sleep(3)
            new = jido.whereis("child")
            assert new is not None
            assert (await new.call(note("new"))).state.seen == ["new"]
            await parent.call(do(StopChild("t", "done")))
            await settle()

            assert (old.running, new.running, jido.list_agents()) == (False, False, (parent,))
            assert [type.removeprefix("jido.agent.child.") for type, _ in parent.agent.state.seen] == [
                "started",
                "exit",
                "started",
                "exit",
            ]


async def test_crashed_callers_of_one_life_are_told_of_that_life(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        lives = []
        for _ in range(3):
            with pytest.raises(AgentCrashed) as crash:
                await ref.call(BOOM)
            lives.append(crash.value.incarnation)

    assert lives == [1, 2, 3]


# ---- who waits for itself


@frozen
class WaitForMyself:
    """A directive that waits for its own agent, in a way."""

    how: str


@interpret.register
async def _(directive: WaitForMyself, runtime: Runtime) -> None:
    jido = KILLERS[-1]
    ref = jido.whereis(runtime.agent.id)
    async with trio.open_nursery() as nursery:
        match directive.how:
            case "call":
                await ref.call(note("myself"), timeout=None)
            case "call from a task of it":
                nursery.start_soon(ref.call, note("myself"))
            case "cast":
                await ref.cast(note("myself"))  # the only place is taken by then
            case "stop":
                await jido.stop_agent(ref)
            case "wait for its state":
                await wait_state(ref, lambda state: state.seen == ["never"], timeout=None)


@pytest.mark.parametrize("how", ["call", "call from a task of it", "cast", "stop", "wait for its state"])
async def test_an_interpreter_that_waits_for_its_own_agent_is_told_so_at_once(autojump_clock, how):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        KILLERS.append(jido)
        ref = await jido.start_agent(Notebook, id="me", mailbox_size=1, shutdown=None)
        start = trio.current_time()
        await ref.call(do(WaitForMyself(how)))
        await ref.call(note("alive"), timeout=None)

        assert (trio.current_time(), ref.incarnation) == (start, 2)
    assert "would wait for itself: 'me' -> 'me'" in reports[0].failure.render()  # type: ignore[union-attr]


@frozen
class CallAnother:
    """A directive that calls the agent of that id."""

    id: str


@interpret.register
async def _(directive: CallAnother, runtime: Runtime) -> None:
    await KILLERS[-1].whereis(directive.id).call(note("hello"), timeout=None)


async def test_an_interpreter_may_wait_for_another_agent(autojump_clock):
    async with quiet() as jido:
        KILLERS.append(jido)
        ref, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="other")
        await other.call(do(Hold(3)))
        await ref.call(do(CallAnother("other")))
        await trio.sleep(5)

    assert (ref.incarnation, other.agent.state.seen) == (1, ["hello"])

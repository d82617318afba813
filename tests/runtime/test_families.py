"""Families: how children are started, and what their parents hear; orphans and adoption."""

from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field, frozen

from jido_trio.core import AdoptChild, Agent, Direct, Emit, Spawn, SpawnAgent, StopChild, emit_to_parent
from jido_trio.errors import AgentCrashed, DuplicateAgent, MailboxFull
from jido_trio.runtime import AgentRef, Jido, Runtime, get_children, interpret
from jido_trio.supervision import Backoff, Budget, Child
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, do, note, settle


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


async def with_child(jido: Jido, **options: Any) -> tuple[AgentRef[Any], AgentRef[Any]]:
    """Start a parent with one child."""
    child: dict[str, Any] = {"agent": Notebook, "tag": "t", "id": "child"} | options
    parent = await jido.start_agent(Notebook, id="parent")
    await parent.call(do(SpawnAgent(**child)))
    await settle()
    ref = jido.whereis("child")
    assert ref is not None
    return parent, ref


async def crash(ref: AgentRef[Any]) -> None:
    with pytest.raises(AgentCrashed):
        await ref.call(BOOM)


# ---- options of a spawn


async def test_a_child_has_a_budget_as_all_agents_have(autojump_clock):
    async with quiet() as jido:
        _, child = await with_child(jido)
        for _ in range(101):
            await crash(child)

        assert state_of(jido, "child") == "parked"


async def test_a_child_may_be_given_a_budget_of_its_own(autojump_clock):
    async with quiet() as jido:
        _, child = await with_child(jido, budget=Budget(max_restarts=1, exhausted="park"))
        await crash(child)
        await crash(child)

        assert state_of(jido, "child") == "parked"


async def test_a_child_whose_budget_is_spent_may_be_stopped_and_its_parent_hears_it(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido, budget=Budget(max_restarts=0, exhausted="stop"))
        await crash(child)
        await settle()

        assert not child.running
    assert parent.agent.state.seen[-1] == ("jido.agent.child.exit", {"tag": "t", "id": "child", "reason": "crash"})


async def test_a_child_may_pause_before_it_comes_back(autojump_clock):
    async with quiet() as jido:
        _, child = await with_child(jido, backoff=Backoff(first=3))
        await crash(child)
        await trio.sleep(2)
        early = child.incarnation
        await trio.sleep(2)

        assert (early, child.incarnation) == (1, 2)


async def test_a_child_may_have_a_small_mailbox(autojump_clock):
    async with quiet() as jido:
        _, child = await with_child(jido, mailbox_size=1)
        child.cast_nowait(note("a"))
        with pytest.raises(MailboxFull):
            child.cast_nowait(note("b"))


def state_of(jido: Jido, id: str) -> str:
    agents = jido.tree().children[-1].supervisor
    assert agents is not None
    return next(child.state for child in agents.children if child.id == id)


@pytest.mark.parametrize(
    ("option", "value"),
    [("budget", 3), ("budget", "defualt"), ("backoff", 1), ("mailbox_size", 0), ("mailbox", 3), ("shutdown", "soon")],
)
async def test_an_option_that_is_wrong_is_an_error_of_the_parent(autojump_clock, caplog, option, value):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook, id="parent")
        await parent.call(do(SpawnAgent(Notebook, "t", **{option: value})))
        await parent.call(do(SpawnAgent(Notebook, "t", id="child")))  # the tag is free

        assert [ref.id for ref in jido.list_agents()] == ["parent", "child"]
    assert "agent 'parent': spawn failed: agent 'parent' can't have the child 't'" in caplog.text
    assert option in caplog.text


# ---- a first life that can't begin


@frozen
class Stillborn(Direct):
    """A strategy with a bug, that shows from the so-maniest call of `init`: the first is made by `new`."""

    at: int
    calls: list[object] = field(factory=list)

    def init(self, agent: Any) -> Any:
        self.calls.append(agent)
        if len(self.calls) >= self.at:
            raise ValueError("no life")
        return agent, ()


def stillborn(at: int) -> type[Agent[Notes]]:
    class StillbornAgent(Agent[Notes], routes=ROUTES, strategy=Stillborn(at)): ...

    return StillbornAgent


async def test_a_child_that_cant_be_made_is_an_error_and_no_crash_of_its_parent(autojump_clock, caplog):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(stillborn(1), tag="t"), Emit(note("more"))))
        await settle()

        assert (parent.incarnation, parent.agent.state.seen) == (1, ["more"])
        assert get_children(parent) == {}
    assert "can't have the child 't': ValueError: no life" in caplog.text


@pytest.mark.parametrize("busy", [False, True], ids=["at once", "in its turn"])
async def test_a_child_that_never_lived_has_an_end_and_is_no_error(autojump_clock, caplog, busy):
    reports: list[Any] = []
    async with quiet(on_report=reports.append) as jido:
        parent = await jido.start_agent(Notebook)
        async with trio.open_nursery() as nursery:
            if busy:
                await keep_supervisor_busy(jido, nursery)
            await parent.call(do(SpawnAgent(stillborn(2), tag="t", id="child")))
        await settle()
        assert jido.whereis("child") is None

    assert parent.agent.state.seen == [("jido.agent.child.exit", {"tag": "t", "id": "child", "reason": "crash"})]
    assert [report.child for report in reports] == ["child"]
    assert "spawn failed" not in caplog.text


@frozen
class Linger:
    """A directive that takes two seconds, and isn't cut short."""


@interpret.register
async def _(directive: Linger, runtime: Runtime) -> None:
    with trio.CancelScope(shield=True):
        await trio.sleep(2)


async def keep_supervisor_busy(jido: Jido, nursery: trio.Nursery) -> None:
    """Have it stop an agent that takes its time."""
    slow = await jido.start_agent(Notebook, id="slow")
    await slow.cast(do(Linger()))
    await trio.testing.wait_all_tasks_blocked()
    nursery.start_soon(jido.stop_agent, slow)
    await trio.testing.wait_all_tasks_blocked()


# ---- children that are no agents


@define(eq=False)
class Diary:
    """What workers do, and when."""

    lines: list[tuple[float, str]] = field(factory=list)

    def write(self, line: str) -> None:
        self.lines.append((trio.current_time(), line))

    async def watch(self) -> None:
        self.write("begins")
        try:
            await trio.sleep_forever()
        finally:
            self.write("ends")

    async def fall(self) -> None:
        self.write("begins")
        await trio.sleep(1)
        raise ValueError("fell")


async def test_a_worker_runs_under_its_agent_and_stops_with_it(autojump_clock):
    diary = Diary()
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Spawn(diary.watch), Spawn(diary.watch)))
        await trio.sleep(5)
        await jido.stop_agent(ref)
        await trio.sleep(5)

    assert diary.lines == [(0, "begins"), (0, "begins"), (5, "ends"), (5, "ends")]


async def test_a_worker_outlives_a_crash_of_its_agent(autojump_clock):
    diary = Diary()
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Spawn(diary.watch, "w")))
        await crash(ref)
        await trio.sleep(5)
        before = list(diary.lines)
        await ref.call(do(StopChild("w")))
        await trio.sleep(1)

    assert before == [(0, "begins")]
    assert diary.lines == [(0, "begins"), (5, "ends")]


async def test_a_worker_that_crashes_is_restarted_and_is_no_crash_of_its_agent(autojump_clock):
    reports: list[Any] = []
    diary = Diary()
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(Spawn(diary.fall, "w")))
        await trio.sleep(2.5)

        assert (ref.incarnation, ref.agent.state.seen) == (1, [])
    assert [(report.child, report.incarnation) for report in reports] == [("a/w", 1), ("a/w", 2)]
    assert diary.lines == [(0, "begins"), (1, "begins"), (2, "begins")]


@pytest.mark.parametrize(("restart", "lives"), [("permanent", 5), ("transient", 1), ("temporary", 1)])
async def test_a_worker_has_the_restart_type_of_its_spec(autojump_clock, restart, lives):
    begun: list[float] = []

    async def work(seconds: float) -> None:
        begun.append(trio.current_time())
        await trio.sleep(seconds)

    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Spawn(Child("work", work, 1, restart=restart))))
        await trio.sleep(4.5)

    assert len(begun) == lives


async def test_a_worker_that_always_crashes_is_parked_and_ends_nobody_else(autojump_clock):
    async def fall() -> None:
        raise ValueError("fell")

    async with quiet(max_restarts=0) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.call(do(Spawn(fall)))
        await trio.sleep(1)

        assert (state_of(jido, "a/fall"), state_of(jido, "a")) == ("parked", "running")


async def test_a_tag_is_free_once_its_worker_has_ended_or_is_stopped(autojump_clock, caplog):
    diary = Diary()

    async def pass_by() -> None:
        diary.write("passed")

    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Spawn(pass_by, "t")))
        await settle()
        await ref.call(do(Spawn(diary.watch, "t"), StopChild("t"), SpawnAgent(Notebook, "t"), StopChild("t")))
        await ref.call(do(Spawn(diary.watch, "t"), Spawn(pass_by, "t"), SpawnAgent(Notebook, "t")))
        await settle()

    assert [line for _, line in diary.lines] == ["passed", "begins", "ends", "begins", "ends"]
    assert caplog.text.count("has a child with tag 't' already") == 2


async def test_a_worker_and_an_agent_never_have_the_same_id(autojump_clock):
    diary = Diary()
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await jido.start_agent(Notebook, id="a/w")
        await ref.call(do(Spawn(diary.watch, "w")))
        await settle()
        with pytest.raises(DuplicateAgent):
            await jido.start_agent(Notebook, id="a/w-2")
        agents = jido.tree().children[-1].supervisor
        assert agents is not None
        assert [child.id for child in agents.children] == ["a", "a/w", "a/w-2"]
        assert [each.id for each in jido.list_agents()] == ["a", "a/w"]


async def test_a_worker_that_is_no_async_function_is_an_error_of_its_agent(autojump_clock, caplog):
    def plain() -> None: ...

    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Spawn(plain, "t"), Spawn(trio.sleep_forever, "t")))  # the tag is free
        await settle()

        assert ref.incarnation == 1
    assert caplog.text.count("spawn failed") == 1
    assert "must be an async function" in caplog.text


async def test_workers_end_with_their_instance(autojump_clock):
    diary = Diary()
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Spawn(diary.watch, "w")))
        await trio.sleep(3)

    assert diary.lines == [(0, "begins"), (3, "ends")]


# ---- families over restarts of either side


@pytest.mark.parametrize("who", ["parent", "child", "both"])
async def test_a_family_outlives_restarts_of_either_side(autojump_clock, who):
    async with quiet() as jido:
        parent, child = await with_child(jido)
        for each in {"parent": [parent], "child": [child], "both": [parent, child]}[who]:
            await crash(each)
        await child.call(do(emit_to_parent(note("hello"))))
        await settle()
        assert "hello" in parent.agent.state.seen
        assert get_children(parent) == {"t": child}

        await jido.stop_agent(parent)
        await settle()
        assert not child.running


@pytest.mark.parametrize("who", ["orphan", "adopter"])
async def test_an_orphan_stays_one_over_a_crash_and_its_adoption_outlives_restarts(autojump_clock, who):
    async with quiet() as jido:
        parent, child = await with_child(jido, on_parent_death="emit_orphan", restart="permanent")
        adopter = await jido.start_agent(Notebook)
        await jido.stop_agent(parent)
        await crash(child)
        await child.call(do(emit_to_parent(note("to nobody"))))
        await adopter.call(do(AdoptChild("child", "mine")))
        await crash(child if who == "orphan" else adopter)
        await child.call(do(emit_to_parent(note("to you"))))
        await settle()
        assert adopter.agent.state.seen[-1] == "to you"
        assert get_children(adopter) == {"mine": child}

        await jido.stop_agent(child, "grown up")
        await settle()
        assert adopter.agent.state.seen[-1] == (
            "jido.agent.child.exit",
            {"tag": "mine", "id": "child", "reason": "grown up"},
        )


async def test_a_parked_child_stays_a_child_and_is_stopped_with_its_parent(autojump_clock):
    async with quiet() as jido:
        parent, child = await with_child(jido, budget=Budget(max_restarts=0, exhausted="park"))
        await crash(child)
        assert get_children(parent) == {"t": child}

        await jido.stop_agent(parent)
        await settle()
        assert jido.list_agents() == ()

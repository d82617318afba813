"""Neighbours: what agents do to each other by being busy, crashing, leaving; services and resources beside them."""

from typing import Any

import pytest
import trio
from attrs import define, frozen
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Action, AdoptChild, Agent, Context, Direct, Emit, Resources, Result, Signal, SpawnAgent
from jido_trio.errors import AgentCrashed, InvalidDefinition, RestartIntensityExceeded, StartFailed
from jido_trio.runtime import Jido, Runtime, interpret
from jido_trio.supervision import Backoff, Budget, Child
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, do, note, settle


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


@frozen
class Hold:
    """A directive that keeps the agent busy."""

    seconds: float


@interpret.register
async def _(directive: Hold, runtime: Runtime) -> None:
    await trio.sleep(directive.seconds)


# ---- places


class Chunk(Action):
    """Goes on, chunk by chunk, for ever."""

    def run(self, context: Context[Notes]) -> Result:
        return [Emit("chunk"), Hold(1)]


class Reader(Agent[Notes], routes={**ROUTES, "chunk": Chunk}): ...


@pytest.mark.parametrize("size", [1, 3])
async def test_an_agent_that_feeds_itself_keeps_nobody_from_being_heard(autojump_clock, size):
    async with quiet() as jido:
        reader = await jido.start_agent(Reader, mailbox_size=size)
        for _ in range(size):
            reader.cast_nowait(Signal("chunk"))
        await trio.sleep(0.5)
        for word in range(3):
            await reader.cast(note(word))
        agent = await reader.call(note("asked"), timeout=100)

    assert agent.state.seen == [0, 1, 2, "asked"]


async def test_senders_that_wait_for_room_all_get_in_in_order(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=3)
        await ref.call(do(Hold(1)))
        async with trio.open_nursery() as nursery:
            for word in range(20):
                nursery.start_soon(ref.cast if word % 2 else ref.call, note(word))
                await wait_all_tasks_blocked()
            await trio.sleep(2)

    assert ref.agent.state.seen == list(range(20))


async def test_callers_that_lose_patience_while_they_wait_for_room_leave_nothing(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.call(do(Hold(10)))
        ref.cast_nowait(note("first"))
        for _ in range(50):
            with trio.move_on_after(0.1):
                await ref.call(note("impatient"))
            with trio.move_on_after(0.01):
                await ref.cast(note("impatient"))
        parked = ref._cell.mailbox._parked
        agent = await ref.call(note("patient"), timeout=None)

    assert not parked
    assert agent.state.seen == ["first", "patient"]


# ---- crashes


class Doomed(Direct):
    """A strategy with a bug in what it does first."""

    def init(self, agent: Any) -> Any:
        return agent, (Hold("no time"),)  # type: ignore[arg-type]


class DoomedAgent(Agent[Notes], strategy=Doomed()): ...


async def test_an_agent_that_crashes_at_the_start_of_each_life_ends_nobody_else(autojump_clock):
    async with quiet() as jido:
        sibling = await jido.start_agent(Notebook)
        doomed = await jido.start_agent(DoomedAgent, id="doomed")
        for word in range(10):
            await trio.sleep(1)
            agent = await sibling.call(note(word))
        agents = jido.tree().children[-1].supervisor
        assert agents is not None
        states = {child.id: child.state for child in agents.children}

    assert agent.state.seen == list(range(10))
    assert states["doomed"] == "parked"
    assert doomed.incarnation == 101


async def test_a_thousand_rude_requests_to_one_agent_end_nobody_else(autojump_clock):
    async with quiet() as jido:
        rude, sibling = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        for _ in range(1000):
            rude.cast_nowait(BOOM)
        await settle()
        agent = await sibling.call(note("fine"))

        assert (agent.state.seen, sibling.incarnation, rude.running) == (["fine"], 1, True)


async def test_a_thousand_agents_that_crash_at_once_end_nobody_else(autojump_clock):
    async with quiet(max_restarts=0) as jido:
        sibling = await jido.start_agent(Notebook)
        for _ in range(1100):  # a web server with an agent for each request
            (await jido.start_agent(Notebook)).cast_nowait(BOOM)
        await settle()
        agent = await sibling.call(note("fine"))

        assert (agent.state.seen, sibling.incarnation) == (["fine"], 1)
        assert {ref.incarnation for ref in jido.list_agents() if ref != sibling} == {2}


async def test_ten_thousand_neighbours_of_a_crash_loop_handle_all_they_are_sent(autojump_clock):
    parked: list[Any] = []
    async with quiet(on_report=parked.append) as jido:
        neighbours = [await jido.start_agent(Notebook) for _ in range(10_000)]
        doomed = await jido.start_agent(DoomedAgent, id="doomed")
        rude = await jido.start_agent(Notebook)
        for word in range(3):
            for neighbour in neighbours:
                neighbour.cast_nowait(note(word))
            for _ in range(100):
                rude.cast_nowait(BOOM)
        await settle()

        assert {tuple(neighbour.agent.state.seen) for neighbour in neighbours} == {(0, 1, 2)}
        assert {neighbour.incarnation for neighbour in neighbours} == {1}
        assert (doomed.incarnation, rude.incarnation) == (101, 101)
    assert len(parked) == 202


async def test_a_parked_agent_keeps_its_messages_until_it_is_resumed(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, budget=Budget(max_restarts=1, exhausted="park"))
        for _ in range(2):
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM)
        ref.cast_nowait(note("kept"))
        await trio.sleep(100)
        before = ref.agent.state.seen
        await jido.resume_agent(ref)
        await jido.resume_agent(ref)
        agent = await ref.call(note("new"))

    assert (before, agent.state.seen, ref.incarnation) == ([], ["kept", "new"], 3)


async def test_a_parked_agent_can_be_stopped(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, budget=Budget(max_restarts=0, exhausted="park"))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await jido.stop_agent(ref)

        assert (ref.running, jido.list_agents()) == (False, ())


async def test_an_agent_that_pauses_can_be_resumed_at_once(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, backoff=Backoff(first=50))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        start = trio.current_time()
        await jido.resume_agent(ref.id)
        await ref.call(note("a"))

        assert trio.current_time() == start


async def test_without_a_budget_only_the_instance_has_a_limit(autojump_clock):
    async def live() -> None:
        async with quiet(max_restarts=200) as jido:
            ref = await jido.start_agent(Notebook, budget=None)
            for _ in range(1000):
                ref.cast_nowait(BOOM)
            await trio.sleep_forever()

    with pytest.raises(RestartIntensityExceeded) as gave_up:
        await live()
    assert gave_up.value.restarts == 201


# ---- adoption


async def test_an_orphan_can_be_adopted(autojump_clock):
    async with quiet() as jido:
        parent, other = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Notebook, tag="t", id="child", on_parent_death="continue")))
        await jido.stop_agent(parent)
        await other.call(do(AdoptChild("child", "mine", {"why": "alone"})))
        await jido.stop_agent("child", "grown up")
        await settle()

    assert other.agent.state.seen == [
        ("jido.agent.child.started", {"tag": "mine", "id": "child", "meta": {"why": "alone"}}),
        ("jido.agent.child.exit", {"tag": "mine", "id": "child", "reason": "grown up"}),
    ]


@pytest.mark.parametrize(
    ("child", "tag", "says"),
    [
        ("nobody", "t", "no agent has the id"),
        ("child", "t", "has a parent"),
        ("a", "t", "is itself"),
        ("b", "c", "tag"),
    ],
)
async def test_what_cant_be_adopted_is_an_error_of_who_tried(autojump_clock, caplog, child, tag, says):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await jido.start_agent(Notebook, id="b")
        await ref.call(do(SpawnAgent(Notebook, tag="c", id="child")))
        await ref.call(do(AdoptChild(child, tag)))
        await settle()

        assert ref.incarnation == 1
    assert "agent 'a': adopt failed:" in caplog.text
    assert says in caplog.text


# ---- services


def service(name: str, log: list[str]) -> Child:
    async def serve(*, task_status: trio.TaskStatus[None]) -> None:
        await trio.sleep(1)
        task_status.started()
        log.append(f"{name} up")
        try:
            await trio.sleep_forever()
        finally:
            log.append(f"{name} down")

    return Child(name, serve)


@frozen
class Tell:
    """A directive that writes at its agent's end into the log that is a resource."""


@define(eq=False)
class TellAtTheEnd:
    log: list[str]

    def up(self) -> None:
        """Say nothing."""

    def again(self) -> None:
        """Say nothing."""

    def gone(self, exit: str) -> None:
        self.log.append("agent down")


@interpret.register
def _(directive: Tell, runtime: Runtime) -> None:
    runtime.cell.keep(TellAtTheEnd(runtime.resources["log"]))


async def test_services_are_up_before_the_first_agent_and_stopped_after_the_last(autojump_clock):
    log: list[str] = []
    async with quiet(services=[service("a", log), service("b", log)], resources={"log": log}) as jido:
        assert log == ["a up", "b up"]
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Tell()))

    assert log == ["a up", "b up", "agent down", "b down", "a down"]


async def test_a_service_that_crashes_is_restarted_and_agents_dont_notice(autojump_clock):
    reports: list[Any] = []

    async def fall() -> None:
        await trio.sleep(3)
        raise ValueError("fell")

    async with quiet(services=[Child("fall", fall)], on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(note("kept"))
        await trio.sleep(10)
        agent = await ref.call(note("more"))

    assert [report.child for report in reports] == ["fall"] * 3
    assert (agent.state.seen, ref.incarnation) == (["kept", "more"], 1)


async def test_services_that_crash_too_often_end_the_instance(autojump_clock):
    async def fall() -> None:
        raise ValueError("fell")

    async def live() -> None:
        async with quiet(services=[Child("fall", fall)]):
            await trio.sleep_forever()

    with pytest.raises(RestartIntensityExceeded) as gave_up:
        await live()
    assert gave_up.value.child == "fall"
    assert isinstance(gave_up.value.__cause__, ValueError)


async def test_a_service_that_cant_start_is_told_of_on_entering(autojump_clock):
    async def fail(*, task_status: trio.TaskStatus[None]) -> None:
        raise ValueError("no port")

    with pytest.raises(StartFailed) as failed:
        async with quiet(services=[Child("mail", fail)]):
            raise AssertionError("not reached")
    assert failed.value.child == "mail"
    assert isinstance(failed.value.__cause__, ValueError)


# ---- resources


@frozen
class Database:
    """Stands for a connection."""

    rows: tuple[str, ...]


class Query(Action):
    async def run(self, context: Context[Notes]) -> Result:
        await trio.lowlevel.checkpoint()
        return {"seen": [*context.resources[Database].rows, context.resources["limit"]]}


class Peek(Action):
    """A pure action, which finds no resources."""

    def run(self, context: Context[Notes]) -> Result:
        return {"seen": list(context.resources)}


class Client(Agent[Notes], routes={"query": Query, "peek": Peek}): ...


async def test_async_actions_find_the_resources_of_the_instance(autojump_clock):
    async with quiet(resources={Database: Database(("row",)), "limit": 3}) as jido:
        ref = await jido.start_agent(Client)
        await ref.call(Signal("query"))
        await settle()

        assert ref.agent.state.seen == ["row", 3]
        assert (await ref.call(Signal("peek"))).state.seen == []


async def test_a_resource_that_isnt_there_is_named_with_those_that_are(autojump_clock):
    reports: list[Any] = []
    async with quiet(resources={"limit": 3}, on_report=reports.append) as jido:
        ref = await jido.start_agent(Client)
        await ref.call(Signal("query"))
        await settle()

    assert "there is no resource" in str(reports[0])
    assert "Database" in str(reports[0])
    assert "'limit'" in str(reports[0])


def test_a_name_that_is_nearly_right_is_hinted_at():
    with pytest.raises(KeyError, match="did you mean 'limit'"):
        Resources({"limit": 3})["limt"]


@pytest.mark.parametrize(
    ("given", "says"),
    [({Database: "no database"}, "Database"), ({3: 4}, "3"), ({"": 4}, "name or a class"), ([1], "mapping")],
    ids=str,
)
def test_resources_that_are_wrong_are_refused(given, says):
    with pytest.raises(InvalidDefinition, match=says):
        Jido(resources=given)

"""Jido: agents by id, what their start takes and refuses, and the end of the instance, however it comes."""

from typing import Any

import pytest
import trio
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

from jido_trio.core import Agent, Signal, SpawnAgent
from jido_trio.errors import (
    AgentCrashed,
    AgentNotFound,
    AgentStopped,
    DuplicateAgent,
    InvalidDefinition,
    SupervisorStopped,
)
from jido_trio.runtime import DeadLetter, Jido, interpret
from tests.runtime.agents import BOOM, Notebook, Notes, Work, do, note, run, settle


@frozen
class Hold:
    """A directive that keeps the agent busy, also when it is asked to stop."""

    seconds: float


@interpret.register
async def _(directive: Hold, runtime: object) -> None:
    await trio.sleep(directive.seconds)


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


async def test_agents_are_found_by_id_and_listed_in_the_order_they_were_started(autojump_clock):
    async with quiet() as jido:
        refs = [await jido.start_agent(Notebook, id=id) for id in ("b", "a", "c")]

        assert jido.list_agents() == tuple(refs)
        assert jido.whereis("a") == refs[1]
        assert jido.whereis("nobody") is None


async def test_a_stopped_agent_is_found_no_more_and_its_id_is_free(autojump_clock):
    async with quiet() as jido:
        await jido.start_agent(Notebook, id="a")
        await jido.stop_agent("a")
        assert jido.whereis("a") is None

        again = await jido.start_agent(Notebook, id="a")
        assert jido.list_agents() == (again,)


async def test_an_id_is_taken_while_its_agent_lives(autojump_clock):
    async with quiet() as jido:
        first = await jido.start_agent(Notebook, id="a")
        with pytest.raises(DuplicateAgent) as failure:
            await jido.start_agent(Notebook, id="a")

        assert failure.value.agent_id == "a"
        assert jido.list_agents() == (first,)
        assert (await first.call(note("alive"))).state.seen == ["alive"]


async def test_of_two_that_start_the_same_id_at_once_one_wins(autojump_clock):
    won, lost = [], []
    async with quiet() as jido:

        async def start():
            try:
                won.append(await jido.start_agent(Notebook, id="a"))
            except DuplicateAgent as duplicate:
                lost.append(duplicate.agent_id)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(start)
            nursery.start_soon(start)

        assert jido.list_agents() == tuple(won)
    assert (len(won), lost) == (1, ["a"])


async def test_an_agent_without_id_gets_one_of_its_own(autojump_clock):
    async with quiet() as jido:
        a, b = await jido.start_agent(Notebook), await jido.start_agent(Notebook)

        assert a.id != b.id
        assert jido.whereis(a.id) == a


async def test_a_state_is_laid_over_the_defaults(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, state={"seen": ["given"]})

        assert ref.agent.state == Notes(["given"])


async def test_an_agent_made_before_is_started_as_it_is(autojump_clock):
    made = Notebook.new("mine", {"seen": ["made"]})
    async with quiet() as jido:
        ref = await jido.start_agent(made)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)

        assert (await ref.call(note("b"))).state.seen == ["made", "b"]
    assert made.state.seen == ["made"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"state": {"sene": []}}, "sene"),
        ({"state": {"seen": 3}}, "seen"),
        ({"restart": "permanet"}, "did you mean 'permanent'"),
        ({"shutdown": -1}, "shutdown=-1"),
        ({"mailbox_size": 0}, "mailbox_size=0"),
        ({"mailbox_size": True}, "mailbox_size=True"),
    ],
    ids=str,
)
async def test_an_option_that_is_wrong_is_refused_and_nothing_is_started(autojump_clock, options, says):
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition, match=says):
            await jido.start_agent(Notebook, id="a", **options)

        assert jido.list_agents() == ()
        await jido.start_agent(Notebook, id="a")


@pytest.mark.parametrize("what", ["notebook", Notes, None, Notes()], ids=repr)
async def test_what_is_no_agent_is_not_started(autojump_clock, what):
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition, match="neither an agent class nor an agent"):
            await jido.start_agent(what)


@pytest.mark.parametrize("options", [{"id": "other"}, {"state": {}}], ids=str)
async def test_an_agent_made_before_takes_neither_id_nor_state(autojump_clock, options):
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition, match="has its id and state already"):
            await jido.start_agent(Notebook.new("mine"), **options)


async def told(_: object) -> None: ...


SINKS = ["on_report", "on_dead_letter", "on_dead_directive", "on_event", "on_shadow"]


@pytest.mark.parametrize(
    "options",
    [
        {"mailbox_size": 0},
        {"max_restarts": -1},
        {"max_seconds": 0},
        {"world": 5},
        {"services": 5},
        {"services": [5]},
        {"services": "mail"},
        *({sink: 5} for sink in SINKS),
        *({sink: told} for sink in SINKS),
    ],
    ids=lambda options: "-".join(f"{name}={getattr(value, '__name__', value)}" for name, value in options.items()),
)
def test_an_instance_refuses_options_that_are_wrong(options):
    (name,) = options
    with pytest.raises(InvalidDefinition, match=name):
        Jido(**options)


async def test_stopping_an_agent_nobody_knows_is_an_error(autojump_clock):
    async with quiet() as jido:
        gone = await jido.start_agent(Notebook, id="a")
        await jido.stop_agent(gone)
        await jido.start_agent(Notebook, id="a")

        with pytest.raises(AgentNotFound):
            await jido.stop_agent(gone)
        with pytest.raises(AgentNotFound):
            await jido.stop_agent("b")
        assert jido.whereis("a") is not None


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
async def test_a_stopped_agent_is_never_restarted(autojump_clock, restart):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a", restart=restart)
        await jido.stop_agent("a")
        await trio.sleep(10)

        assert (jido.list_agents(), ref.running, ref.incarnation) == ((), False, 1)


async def test_several_may_stop_the_same_agent_at_once(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Hold(2)))
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(jido.stop_agent, ref)

        assert not ref.running


async def test_stopping_waits_for_what_the_agent_is_at(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Hold(2)))
        await wait_all_tasks_blocked()
        start = trio.current_time()
        await jido.stop_agent(ref)

        assert trio.current_time() == start + 2


@pytest.mark.parametrize(("shutdown", "waits"), [(1, 1), ("brutal", 0), (None, 60)])
async def test_stopping_waits_no_longer_than_shutdown_says(autojump_clock, shutdown, waits):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, shutdown=shutdown)
        await ref.cast(do(Hold(60)))
        await wait_all_tasks_blocked()
        start = trio.current_time()
        await jido.stop_agent(ref)

        assert trio.current_time() == start + waits


async def test_an_agent_that_crashes_while_another_is_stopping_comes_back_afterwards(autojump_clock):
    async with quiet() as jido:
        slow, ref = await jido.start_agent(Notebook), await jido.start_agent(Notebook)
        await slow.cast(do(Hold(2)))
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.stop_agent, slow)
            await wait_all_tasks_blocked()
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM, timeout=None)
            agent = await ref.call(note("back"), timeout=None)

    assert (agent.state.seen, ref.incarnation) == (["back"], 2)


async def test_a_temporary_agent_that_crashes_while_another_is_stopping_is_gone_afterwards(autojump_clock):
    async with quiet() as jido:
        slow, ref = await jido.start_agent(Notebook), await jido.start_agent(Notebook, restart="temporary")
        await slow.cast(do(Hold(2)))
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(jido.stop_agent, slow)
            await wait_all_tasks_blocked()
            with pytest.raises(AgentCrashed):
                await ref.call(BOOM, timeout=None)
            with pytest.raises(AgentStopped):
                await ref.call(note("never"), timeout=None)

        assert jido.whereis(ref.id) is None


async def test_leaving_the_block_stops_all_agents_and_tells_their_callers(autojump_clock):
    told: list[str] = []
    letters: list[DeadLetter] = []

    async def call(ref):
        with pytest.raises(AgentStopped):
            await ref.call(note("never"), timeout=None)
        told.append(ref.id)

    async with trio.open_nursery() as outside, quiet(on_dead_letter=letters.append) as jido:
        refs = [await jido.start_agent(Notebook, id=id) for id in "ab"]
        for ref in refs:
            await ref.cast(do(Hold(1), run(Work(seconds=1000))))
            await wait_all_tasks_blocked()
            await ref.cast(note("unread"))
            outside.start_soon(call, ref)
        await wait_all_tasks_blocked()

    assert sorted(told) == ["a", "b"]
    assert sorted(letter.agent_id for letter in letters) == ["a", "b"]
    assert not any(ref.running for ref in refs)


async def test_cancelling_the_block_stops_all_agents(autojump_clock):
    with trio.CancelScope() as scope:
        async with quiet() as jido:
            ref = await jido.start_agent(Notebook)
            await ref.call(do(run(Work(seconds=1000))))
            await wait_all_tasks_blocked()
            scope.cancel()
            await trio.sleep_forever()

    assert scope.cancelled_caught
    assert not ref.running


async def test_an_error_in_the_block_stops_all_agents_and_is_raised_plainly(autojump_clock):
    refs = []

    async def fail():
        async with quiet() as jido:
            refs.append(await jido.start_agent(Notebook))
            raise LookupError("of the block")

    with pytest.raises(LookupError, match="of the block"):
        await fail()
    assert not refs[0].running


async def test_leaving_takes_no_longer_than_the_instance_is_given(autojump_clock):
    async with quiet(shutdown=3) as jido:
        ref = await jido.start_agent(Notebook, shutdown=None)
        await ref.cast(do(Hold(1000)))
        await wait_all_tasks_blocked()
        start = trio.current_time()

    assert trio.current_time() == start + 3


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_instance_that_does_not_run_starts_no_agent(autojump_clock, when):
    jido = quiet()
    if when == "after":
        async with jido:
            pass

    with pytest.raises(SupervisorStopped):
        await jido.start_agent(Notebook, id="a")
    assert jido.list_agents() == ()


async def stop_slowly(jido: Jido) -> None:
    """Keep the supervisor busy until the instance ends."""
    slow = await jido.start_agent(Notebook)
    await slow.cast(do(Hold(2)))
    await wait_all_tasks_blocked()
    with pytest.raises(SupervisorStopped):
        await jido.stop_agent(slow)


async def test_messages_to_an_agent_that_could_not_be_started_are_not_lost(autojump_clock):
    letters: list[DeadLetter] = []
    told = []

    async def start(jido):
        with pytest.raises(SupervisorStopped):
            await jido.start_agent(Notebook, id="late")

    async def call(jido):
        with pytest.raises(AgentStopped):
            await jido.whereis("late").call(note("never"), timeout=None)
        told.append("late")

    async with trio.open_nursery() as outside, quiet(on_dead_letter=letters.append) as jido:
        outside.start_soon(stop_slowly, jido)
        await wait_all_tasks_blocked()
        outside.start_soon(start, jido)
        await wait_all_tasks_blocked()
        outside.start_soon(call, jido)
        await wait_all_tasks_blocked()
        late = jido.whereis("late")
        assert late is not None
        await late.cast(note("unread"))

    assert told == ["late"]
    assert [(letter.agent_id, letter.signal.data) for letter in letters] == [("late", {"word": "unread"})]


async def test_callers_of_a_child_that_never_came_to_run_are_answered(autojump_clock):
    told = []

    async def call(ref):
        with pytest.raises(AgentStopped):
            await ref.call(note("never"), timeout=None)
        told.append(ref.id)

    async with trio.open_nursery() as outside, quiet() as jido:
        parent = await jido.start_agent(Notebook)
        outside.start_soon(stop_slowly, jido)
        await settle()
        await parent.call(do(SpawnAgent(Notebook, tag="child", id="child")))
        await settle()
        outside.start_soon(call, jido.whereis("child"))
        await wait_all_tasks_blocked()

    assert told == ["child"]


async def test_an_instance_is_entered_once(autojump_clock):
    async with quiet(name="mine") as jido:
        pass

    with pytest.raises(RuntimeError, match="'mine' can be entered once"):
        await jido.__aenter__()


async def test_the_tree_shows_agents_and_their_lives(autojump_clock):
    async with quiet(name="mine") as jido:
        ref = await jido.start_agent(Notebook, id="a")
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        tree = jido.tree()

    agents = next(child.supervisor for child in tree.children if child.id == "agents")
    assert tree.name == "mine"
    assert agents is not None
    assert [(child.id, child.incarnation, child.state) for child in agents.children] == [("a", 2, "running")]


async def test_a_dead_letter_box_that_fails_harms_nobody(autojump_clock, caplog):
    def fail(letter):
        raise ValueError("the box is broken")

    async with quiet(on_dead_letter=fail) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do())
        ref.cast_nowait(note("a").caused_by(note("b")))
        ref.cast_nowait(Signal("unheard.of"))

        assert (await ref.call(note("c"))).state.seen == ["a", "c"]
    assert "on_dead_letter raised" in caplog.text


async def test_dead_letters_are_logged_unless_told_otherwise(autojump_clock, caplog):
    async with Jido() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        ref.cast_nowait(note("a"))
        await jido.stop_agent(ref)

    assert "signal 'note' to agent 'a' is not handled: stopped" in caplog.text


def test_its_repr_tells_how_many_agents_there_are():
    assert repr(Jido("mine")) == "<Jido 'mine', 0 agents>"


class Stateless(Agent): ...


async def test_an_agent_needs_neither_state_nor_routes(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Stateless)

        assert ref.running

"""Partitions: tenants of one instance, whose ids, lookups, limits and counts are apart."""

from typing import Any

import pytest
import trio

from jido_trio.core import AdoptChild, Agent, SpawnAgent, emit_to
from jido_trio.errors import (
    AgentCrashed,
    AgentStopped,
    ChildRefused,
    DuplicateAgent,
    InvalidDefinition,
    SupervisorStopped,
)
from jido_trio.groups import open_pool
from jido_trio.runtime import AgentRef, DeadLetter, Jido
from jido_trio.storage import MemoryStorage
from tests.runtime.agents import BOOM, ROUTES, Notebook, Notes, do, note, settle
from tests.runtime.test_crashes import Pause


def quiet(**options: Any) -> Jido:
    return Jido(**({"on_report": lambda _: None, "on_dead_letter": lambda _: None} | options))


async def crash(ref: AgentRef[Any]) -> None:
    with pytest.raises(AgentCrashed):
        await ref.call(BOOM)


async def test_an_id_is_unique_within_its_partition_only(autojump_clock):
    async with quiet() as jido:
        ada, bob = await jido.partition("ada"), await jido.partition("bob")
        refs = [await each.start_agent(Notebook, id="a") for each in (jido, ada, bob)]
        with pytest.raises(DuplicateAgent):
            await ada.start_agent(Notebook, id="a")
        for word, ref in enumerate(refs):
            await ref.call(note(word))

        assert [each.whereis("a") for each in (jido, ada, bob)] == refs
        assert [each.list_agents() for each in (jido, ada, bob)] == [(ref,) for ref in refs]
        assert [ref.agent.state.seen for ref in refs] == [[0], [1], [2]]
        assert bob.whereis("b") is None


async def test_a_partition_is_opened_once_and_whoever_asks_for_it_gets_it(autojump_clock):
    async with quiet() as jido:
        found: list[object] = []

        async def find() -> None:
            found.append(await jido.partition("ada"))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(find)
        assert found == [await jido.partition("ada")] * 3
        assert [child.id for child in jido.tree().children] == ["run_queue", "agents", "partition ada"]


async def test_signals_by_id_and_children_stay_in_their_partition(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet() as jido:
        ada = await jido.partition("ada", on_dead_letter=letters.append)
        outside = await jido.start_agent(Notebook, id="outside")
        inside, other = await ada.start_agent(Notebook, id="a"), await ada.start_agent(Notebook, id="b")
        await inside.call(do(emit_to("b", note("hello")), emit_to("outside", note("hello"))))
        await inside.call(do(SpawnAgent(Notebook, "t", id="child")))
        await settle()

        assert other.agent.state.seen == ["hello"]
        assert outside.agent.state.seen == []
        assert [(letter.agent_id, letter.reason) for letter in letters] == [("outside", "no agent has that id")]
        assert ada.dead_letters() == tuple(letters)
        assert jido.dead_letters() == ()
        assert (ada.whereis("child") is not None, jido.whereis("child")) == (True, None)


async def test_an_orphan_is_adopted_by_id_within_its_partition_only(autojump_clock, caplog):
    async with quiet() as jido:
        ada = await jido.partition("ada")
        await ada.start_agent(Notebook, id="orphan")
        outside, inside = await jido.start_agent(Notebook), await ada.start_agent(Notebook)
        await outside.call(do(AdoptChild("orphan", "t")))
        await inside.call(do(AdoptChild("orphan", "t")))
        await settle()

        assert outside.agent.state.seen == []
        assert [type for type, _ in inside.agent.state.seen] == ["jido.agent.child.started"]
    assert "no agent has the id 'orphan'" in caplog.text


async def test_refs_speak_across_partitions(autojump_clock):
    async with quiet() as jido:
        ada = await jido.partition("ada")
        ref = await ada.start_agent(Notebook)
        ref.cast_nowait(note("a"))

        assert (await ref.call(note("b"))).state.seen == ["a", "b"]


async def test_messages_are_counted_apart(autojump_clock):
    async with quiet() as jido:
        ada = await jido.partition("ada")
        await (await ada.start_agent(Notebook)).call(note("a"))

        assert (ada.ledger().handled, jido.ledger().handled) == (1, 0)
        assert ada.ledger().balanced


async def test_a_partition_whose_agents_crash_too_often_ends_alone(autojump_clock):
    reports: list[Any] = []
    async with quiet(max_restarts=0) as jido:
        ada = await jido.partition("ada", max_restarts=1, on_report=reports.append)
        bob = await jido.partition("bob", max_restarts=1)
        ours, theirs = await jido.start_agent(Notebook), await bob.start_agent(Notebook)
        sick = await ada.start_agent(Notebook, id="sick", budget=None)
        healthy = await ada.start_agent(Notebook)
        await crash(sick)
        await crash(sick)
        await trio.sleep(1)

        assert (ada.ended, ada.list_agents(), healthy.running) == (True, (), False)
        with pytest.raises(SupervisorStopped):
            await ada.start_agent(Notebook)
        with pytest.raises(AgentStopped):
            await healthy.call(note("late"))
        for ref in (ours, theirs):
            assert (await ref.call(note("fine"))).state.seen == ["fine"]

        anew = await jido.partition("ada")
        assert (await (await anew.start_agent(Notebook, id="sick")).call(note("new"))).state.seen == ["new"]
    assert [report.child for report in reports] == ["sick", "sick"]


async def test_a_partition_may_have_so_many_agents_and_no_more(autojump_clock, caplog):
    async with quiet() as jido:
        ada = await jido.partition("ada", max_agents=2)
        await ada.start_agent(Notebook, id="a")
        second = await ada.start_agent(Notebook, id="b")
        with pytest.raises(ChildRefused, match="max_children"):
            await ada.start_agent(Notebook, id="c")
        await second.call(do(SpawnAgent(Notebook, "t", id="d")))
        await settle()
        assert [ref.id for ref in ada.list_agents()] == ["a", "b"]

        await ada.stop_agent("a")
        await ada.start_agent(Notebook, id="c")
    assert "can't have the child 't'" in caplog.text


async def test_a_partition_has_a_size_of_mailboxes_of_its_own(autojump_clock):
    async with quiet(mailbox_size=7) as jido:
        ada, bob = await jido.partition("ada", mailbox_size=3), await jido.partition("bob")
        refs = [await each.start_agent(Notebook) for each in (jido, ada, bob)]

        assert [ref.inspect().mailbox.capacity for ref in refs] == [7, 3, 7]


async def test_a_partition_that_is_stopped_takes_its_agents_along_and_nobody_else(autojump_clock):
    async with quiet() as jido:
        ada = await jido.partition("ada")
        ref, ours = await ada.start_agent(Notebook), await jido.start_agent(Notebook)
        await ada.stop()
        await ada.stop()

        assert (ref.running, ada.ended, ours.running) == (False, True, True)
        assert [child.id for child in jido.tree().children] == ["run_queue", "agents"]
        assert not (await jido.partition("ada")).ended


async def test_partitions_end_with_their_instance(autojump_clock):
    async with quiet() as jido:
        ada = await jido.partition("ada")
        ref = await ada.start_agent(Notebook)
        ref.cast_nowait(note("late"))

    assert (ref.running, ada.ended) == (False, True)
    assert ada.ledger().balanced
    with pytest.raises(SupervisorStopped):
        await jido.partition("ada")


async def test_a_pool_may_be_a_partitions(autojump_clock):
    async with quiet() as jido:
        ada = await jido.partition("ada")
        async with open_pool(ada, Notebook, name="pool", size=2) as pool, pool.agent() as worker:
            await worker.call(note("a"))

            assert ada.list_agents()
            assert jido.list_agents() == ()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("", {}),
        (3, {}),
        ("a", {"mailbox_size": 0}),
        ("a", {"max_agents": -1}),
        ("a", {"max_agents": True}),
        ("a", {"max_restarts": "3"}),
    ],
)
async def test_what_is_wrong_is_refused_before_anything_is_opened(autojump_clock, name, options):
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition):
            await jido.partition(name, **options)

        assert [child.id for child in jido.tree().children] == ["run_queue", "agents"]


class Lasting(Agent[Notes], routes=ROUTES, durable=True): ...


async def test_durable_agents_of_one_id_are_kept_apart_by_partition(autojump_clock):
    storage = MemoryStorage()
    for words in ([], ["ours"]):
        async with quiet(storage=storage) as jido:
            ada = await jido.partition("ada")
            ours, theirs = await jido.start_agent(Lasting, id="a"), await ada.start_agent(Lasting, id="a")
            assert (list(ours.agent.state.seen), list(theirs.agent.state.seen)) == (words, words and ["theirs"])
            if not words:
                await ours.call(note("ours"))
                await theirs.call(note("theirs"))


async def test_who_asks_for_a_partition_that_is_being_stopped_gets_another(autojump_clock):
    async with quiet() as jido:
        old = await jido.partition("t")
        slow = await old.start_agent(Notebook)
        await slow.cast(do(Pause(), Pause()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(old.stop)
            await trio.sleep(0.5)
            new = await jido.partition("t")
            assert new is not old
            assert old.ended
            assert (await (await new.start_agent(Notebook)).call(note("a"))).state.seen == ["a"]


async def test_a_partition_that_has_given_up_is_opened_anew_though_its_agents_take_long_to_stop(autojump_clock):
    async with quiet() as jido:
        old = await jido.partition("t", max_restarts=0)
        slow = await old.start_agent(Notebook)
        await slow.cast(do(Pause(), Pause()))
        bad = await old.start_agent(Notebook, budget=None)
        await bad.cast(BOOM)
        new = await jido.partition("t")
        assert new is not old
        await new.start_agent(Notebook)

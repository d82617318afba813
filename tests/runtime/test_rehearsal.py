"""Rehearsal: what new code would make of the journals on disk."""

import pytest

from jido_trio import Jido, Signal
from jido_trio.core import Difference, Divergence, Durable, rehearsal
from jido_trio.errors import MigrationFailed
from jido_trio.runtime import Rehearsed, read_journal, rehearse
from jido_trio.storage import Delete, MemoryStorage, Put
from tests.runtime import upgrades
from tests.runtime.durable import Careful, Large, Order
from tests.runtime.upgrades import Broken, Cents, Few, Item, Loud, Rounded, Stranded, deployed, to_cents


async def ordered(cls, *prices: int, storage: MemoryStorage | None = None, id: str = "o-1") -> MemoryStorage:
    storage = storage or MemoryStorage()
    async with Jido("shop", storage=storage) as jido:
        order = await jido.start_agent(cls, id=id, state={"total": 100})
        for price in prices:
            await order.call(Signal("add", {"price": price}))
    return storage


async def one(storage, old, new, **options):
    (rehearsed,) = (await rehearse(storage, old, new, **options)).agents
    return rehearsed


async def test_a_class_that_does_the_same_in_its_own_way_differs_nowhere(autojump_clock):
    rehearsed = await one(await ordered(Order, 1, 2, 3), Order, Cents)
    assert (rehearsed.is_well, rehearsed.inputs, rehearsed.diverged, rehearsed.vsn) == (True, 3, 0, None)
    assert str(rehearsed) == "shop  o-1  3 inputs, no difference"


async def test_the_first_difference_is_told_by_agent_and_field(autojump_clock):
    rehearsed = await one(await ordered(Order, 1, 2, 3), Order, Rounded)
    assert (rehearsed.agent_id, rehearsed.diverged) == ("o-1", 2)
    assert rehearsed.first == Divergence(2, "state", (Difference("cents", 10300, 10301),))


async def test_something_else_that_would_be_done_is_a_difference(autojump_clock):
    rehearsed = await one(await ordered(Order, 1), Order, Loud)
    assert rehearsed.first is not None
    assert (rehearsed.first.number, rehearsed.first.why) == (1, "directives")


async def test_code_that_raises_where_the_old_did_not_is_told_of(autojump_clock):
    rehearsed = await one(await ordered(Order, 1, 2, 3), Order, Broken)
    assert (rehearsed.first, rehearsed.inputs) == (Divergence(2, "error", error="ZeroDivisionError"), 2)


async def test_a_migration_that_fails_for_a_state_of_the_past_is_told_of(autojump_clock):
    rehearsed = await one(await ordered(Order, 1, 1, 1), Order, Few)
    assert rehearsed.first is not None
    assert rehearsed.first.number == 3
    assert "ValueError: too much: 103" in str(rehearsed.first)


async def test_an_agent_that_cannot_go_over_is_told_of_and_the_others_are_rehearsed(autojump_clock):
    storage = await ordered(Order, 1)
    async with Jido("shop", storage=storage) as jido:
        await jido.start_agent(Order, id="o-2", state={"total": 500})
    found = (await rehearse(storage, Order, Few)).agents
    assert [(each.agent_id, each.is_well) for each in found] == [("o-1", True), ("o-2", False)]
    assert "ValueError: too much: 500" in str(found[1].problem)
    (first, second) = (await rehearse(storage, Order, Stranded)).agents
    assert "its state is a OrderState, and Stranded has a CentsState, with migrations from: none" in str(first.problem)
    assert second.problem is not None


async def test_a_migration_may_be_given_by_hand(autojump_clock):
    storage = await ordered(Order, 1)
    rehearsed = await one(storage, Order, Stranded, migrate=to_cents)
    assert rehearsed.first is not None  # it has no routes
    assert rehearsed.first.differences == (Difference("cents", 10100, 10000),)
    journal = await read_journal(storage, "shop", "o-1")
    with pytest.raises(MigrationFailed):
        rehearsal(journal.begin, Stranded)


async def test_only_agents_of_the_class_and_the_instance_are_rehearsed(autojump_clock):
    storage = await ordered(Order, 1)
    await ordered(Careful, 1, storage=storage, id="c-1")
    async with Jido("other", storage=storage) as jido:
        await jido.start_agent(Order, id="o-3")
    assert [each.agent_id for each in (await rehearse(storage, Order, Cents)).agents] == ["o-3", "o-1"]
    assert [each.agent_id for each in (await rehearse(storage, Order, Cents, instance="other")).agents] == ["o-3"]
    assert (await rehearse(storage, Cents, Cents)).agents == ()


async def test_the_old_class_must_be_the_code_that_wrote_the_journal(autojump_clock):
    storage = await ordered(Order, 1, 2)
    record = await storage.get("shop/agent/o-1/past/0000000000000002")
    assert record is not None
    await storage.commit([Put(record.key, record.value.replace(b'"price":2', b'"price":7'))])
    rehearsed = await one(storage, Order, Cents)
    assert rehearsed.problem is not None
    assert "input 2: Order doesn't come to the state that was recorded" in rehearsed.problem


async def test_records_that_cannot_be_read_are_a_problem_of_their_agent(autojump_clock):
    storage = await ordered(Order, 1, 2)
    await ordered(Order, 1, storage=storage, id="o-2")
    await ordered(Order, 1, storage=storage, id="o-3")
    await storage.commit([Delete("shop/agent/o-1/past/0000000000000001"), Put("shop/agent/o-2/now/agent", b"{}")])
    problems = [each.problem for each in (await rehearse(storage, Order, Cents)).agents]
    assert problems[2] is None
    assert "has a gap" in str(problems[0])
    assert "now/agent" in str(problems[1])


async def test_nothing_is_changed_and_who_is_interested_is_told(autojump_clock):
    storage = await ordered(Order, 1, 2)
    before = dict(storage._records)
    told: list[Rehearsed] = []
    pages: list[tuple[str, int]] = []
    await rehearse(storage, Order, Cents, on_agent=told.append, on_page=lambda *at: pages.append(at))
    assert ([each.agent_id for each in told], pages) == (["o-1"], [("o-1", 2)])
    assert storage._records == before


# Code that was changed in place


async def test_in_place_the_fold_comes_to_the_snapshot_migrated(autojump_clock):
    storage = await ordered(Item, 1, 2, 3)
    with deployed(upgrades.NEXT["same"]) as new:
        rehearsed = await one(storage, new, new)
    assert (rehearsed.is_well, rehearsed.inputs, rehearsed.vsn) == (True, 3, "1")


async def test_in_place_a_difference_is_found_at_the_snapshot(autojump_clock):
    storage = await ordered(Item, 1, 2, 3)
    with deployed(upgrades.NEXT["rounded"]) as new:
        rehearsed = await one(storage, new, new)
    assert rehearsed.first == Divergence(3, "state", (Difference("cents", 10600, 10601),))


async def test_in_place_code_that_raises_is_found_at_its_input(autojump_clock):
    storage = await ordered(Item, 1, 2, 3)
    with deployed(upgrades.NEXT["broken"]) as new:
        rehearsed = await one(storage, new, new)
    assert rehearsed.first == Divergence(2, "error", error="ZeroDivisionError")


async def test_in_place_under_the_same_version_each_mark_is_compared(autojump_clock):
    storage = await ordered(Item, 1, 2, 3)
    assert (await one(storage, Item, Item)).is_well

    class Other(Order, vsn="1", routes={"add": upgrades.AddDouble}): ...

    with deployed(Other) as new:
        rehearsed = await one(storage, new, new)
    assert str(rehearsed.first) == (
        "input 1: it comes to another state than was recorded, having changed total: 100 -> 102"
    )


async def test_in_place_inputs_after_the_snapshot_need_the_version_before(autojump_clock):
    class Big(Large, vsn="1"): ...

    class Bigger(Large, vsn="2", durable=Durable(migrations={"1": dict})): ...

    with deployed(Big):
        storage = MemoryStorage()
        async with Jido("shop", storage=storage) as jido:
            order = await jido.start_agent(Big, id="o-1", state={"notes": ["x" * 5000]})
            for price in (1, 2):  # the state is large, and not written with each
                await order.call(Signal("add", {"price": price}))
            left = MemoryStorage(dict(storage._records), list(storage._keys))  # an orderly stop would write it
    with deployed(Bigger):
        rehearsed = await one(left, Bigger, Bigger)
    assert "start the agent with the version before, once" in str(rehearsed.problem)


async def test_a_migration_in_place_that_fails_is_a_problem(autojump_clock):
    storage = await ordered(Item, 1)

    class Failing(Cents, vsn="2", durable=Durable(migrations={"1": lambda fields: {"cents": fields["price"]}})): ...

    with deployed(Failing):
        rehearsed = await one(storage, Failing, Failing)
    assert "the migration from version '1' failed: KeyError: 'price'" in str(rehearsed.problem)

"""Determinism: in a seeded world the same program gives the same ids and signals again."""

from typing import Any

import trio

from jido_trio.core import Emit, SpawnAgent
from jido_trio.runtime import Jido
from jido_trio.world import seeded
from tests.runtime.agents import Notebook, do, settle


async def story(seed: int) -> tuple[list[str], list[Any]]:
    """Return the ids of some agents, and the signals of the family that the first of them noted."""
    async with Jido(world=seeded(seed)) as jido:
        refs = [await jido.start_agent(Notebook) for _ in range(3)]
        await refs[0].call(do(SpawnAgent(Notebook, tag="a"), SpawnAgent(Notebook, tag="b")))
        await settle()
        return [ref.id for ref in jido.list_agents()], list(refs[0].agent.state.seen)


async def test_the_same_seed_gives_the_same_ids_and_news_again(autojump_clock):
    assert await story(1) == await story(1)


async def test_another_seed_gives_other_ids(autojump_clock):
    (ids, _), (others, _) = await story(1), await story(2)

    assert len({*ids, *others}) == 10


async def test_an_agent_lives_in_the_world_of_its_instance(autojump_clock):
    async def first_id(seed: int) -> str:
        async with Jido(world=seeded(seed)) as jido, trio.open_nursery():
            ref = await jido.start_agent(Notebook)
            await ref.call(do(Emit("heard.something")))
            await settle()
            return ref.id

    assert await first_id(7) == await first_id(7) == seeded(7).ids()

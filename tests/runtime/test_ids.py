"""Ids of agents: which are refused, which are taken as they are, and how an agent is found by its id."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from jido_trio.core import Schedule, SpawnAgent
from jido_trio.errors import AgentNotFound, InvalidDefinition
from jido_trio.runtime import Jido
from jido_trio.storage import open_memory
from tests.runtime.agents import Notebook, note


class Kept(Notebook, name="kept", durable=True):
    """An agent that is kept."""


@pytest.mark.parametrize("agent", [Notebook, Kept])
async def test_an_empty_id_is_no_fresh_one(agent):
    async with Jido(storage=open_memory()) as jido:
        with pytest.raises(InvalidDefinition, match=r"id='' of agent '\w+' is empty: give a text, or None"):
            await jido.start_agent(agent, id="")
        assert jido.list_agents() == ()


@pytest.mark.parametrize("id", [" ", "a\nb", "a\0b", "ä/ö", "x" * 200], ids=ascii)
@pytest.mark.parametrize("agent", [Notebook, Kept])
async def test_an_odd_id_is_the_id_and_finds_the_agent(agent, id):
    async with Jido(storage=open_memory()) as jido:
        ref = await jido.start_agent(agent, id=id)
        await ref.call(note("a"))
        assert (ref.id, jido.whereis(id)) == (id, ref)
        await jido.stop_agent(id)


async def test_a_number_is_the_id_that_it_is_written_as():
    async with Jido() as jido:
        number: Any = 0
        assert await jido.start_agent(Notebook, id=number) == jido.whereis("0")


@pytest.mark.parametrize("id", ["x" * 1000, "\ud800"], ids=["long", "half a letter"])
async def test_what_a_storage_can_not_keep_is_no_id_of_a_durable_agent(id):
    async with Jido(storage=open_memory()) as jido:
        with pytest.raises(InvalidDefinition, match="id"):
            await jido.start_agent(Kept, id=id)
        assert jido.list_agents() == ()


async def test_an_agent_whose_id_was_taken_away_is_not_started():
    async with Jido() as jido:
        with pytest.raises(InvalidDefinition, match="id='' of an agent must be a text that is not empty"):
            await jido.start_agent(attrs.evolve(Notebook.new("a"), id=""))


BY_ID: list[Callable[[Jido, Any], Awaitable[object]]] = [
    lambda jido, who: jido.stop_agent(who),
    lambda jido, who: jido.hibernate(who),
    lambda jido, who: jido.resume_agent(who),
    lambda jido, who: jido.rewind(who, to=0),
    lambda jido, who: jido.forget(who),
    lambda jido, who: jido.export_agent(who, Path("never")),
    lambda jido, who: _now(jido.kill_agent, who),
    lambda jido, who: _now(jido.whereis, who),
    lambda jido, who: _now(lambda one: jido.recent(agent=one), who),
]


async def _now(fn: Callable[[Any], object], *args: Any) -> object:
    return fn(*args)


@pytest.mark.parametrize("by_id", BY_ID)
@pytest.mark.parametrize("id", [0, b"a", ["a"], Notebook], ids=repr)
async def test_what_is_neither_a_ref_nor_a_text_finds_nobody_and_is_told_so(by_id, id):
    async with Jido(storage=open_memory()) as jido:
        await jido.start_agent(Kept, id="a")
        with pytest.raises(
            TypeError, match="is no ref of an agent and no id: give what start_agent returned, or a text"
        ):
            await by_id(jido, id)
        assert jido.whereis("a") is not None


@pytest.mark.parametrize("id", ["", " ", "a\0"], ids=ascii)
async def test_a_text_that_nobody_has_as_id_finds_nobody(id):
    async with Jido() as jido:
        assert jido.whereis(id) is None
        with pytest.raises(AgentNotFound):
            await jido.stop_agent(id)


@pytest.mark.parametrize(
    "declare",
    [
        lambda text: SpawnAgent(Notebook, "tag", id=text),
        lambda text: SpawnAgent(Notebook, text),
        lambda text: Schedule(1, "late", key=text),
    ],
)
@pytest.mark.parametrize("id", ["", 0, b""], ids=repr)
def test_a_directive_takes_no_id_that_says_nothing(declare, id):
    with pytest.raises(InvalidDefinition):
        declare(id)

"""Options that are yes or no: what counts as true by chance, as "no" does, is refused wherever it is given."""

from typing import Any

import pytest
import trio

from jido_trio import Jido
from jido_trio.actions import Add
from jido_trio.ai import ChatAgent, Model, Models, ask, teammate
from jido_trio.core import StartSensor, tool_of
from jido_trio.discovery import discover
from jido_trio.errors import AgentCrashed, InvalidDefinition
from jido_trio.groups import open_pool
from jido_trio.runtime import forget_agent
from jido_trio.sensors import Heartbeat
from jido_trio.storage import MemoryStorage, open_sqlite
from jido_trio.supervision import open_task_supervisor
from jido_trio.testing import ScriptedModel
from tests.runtime.agents import BOOM, Notebook, note

NO: Any = "no"


MODELS = Models(default=Model("m", ScriptedModel([])))


class Helper(ChatAgent, models=MODELS):
    """An agent that speaks with a model."""


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: StartSensor("tag", Heartbeat(seconds=1), replace=NO), "replace='no' of StartSensor"),
        (lambda: StartSensor("tag", Heartbeat(seconds=1), link=NO), "link='no' of StartSensor"),
        (lambda: tool_of(Add, strict=NO), "strict='no' of tool 'add'"),
        (lambda: teammate(Helper, hand_over=NO), "hand_over='no' of teammate Helper"),
        (lambda: teammate(Helper, approve=NO), "approve='no' of tool"),
        (lambda: discover(installed=NO), "installed='no' of discover"),
    ],
)
def test_what_is_declared_says_yes_or_no(declare, told):
    with pytest.raises(InvalidDefinition, match=f"{told}.* must be True or False"):
        declare()


async def test_a_file_is_not_made_power_safe_by_a_no(tmp_path):
    with pytest.raises(InvalidDefinition, match="power_safe='no' of open_sqlite must be True or False"):
        async with open_sqlite(tmp_path / "shop.db", power_safe=NO):
            pytest.fail("the option is wrong")


async def test_nothing_is_sent_with_a_check_that_is_neither():
    async with Jido() as jido, open_pool(jido, Notebook, size=1, name="pool") as pool:
        ref = await jido.start_agent(Notebook)
        for attempt in (
            lambda: ref.call(note("a"), check=NO),
            lambda: ref.call(note("a"), check=NO, until="settled"),
            lambda: ref.call_many([note("a")], check=NO),
            lambda: pool.call(note("a"), check=NO),
        ):
            with pytest.raises(InvalidDefinition, match=r"check='no' of call.* must be True or False"):
                await attempt()
        with pytest.raises(InvalidDefinition, match="check='no' of pool 'pool' must be True or False"):
            pool.map([note("a")], check=NO)
        assert jido.ledger().accepted == 0


async def test_an_agent_is_not_forgotten_by_a_no():
    with pytest.raises(InvalidDefinition, match="force='no' of forget_agent must be True or False"):
        await forget_agent(MemoryStorage(), "jido", "a", force=NO)


async def test_secrets_are_not_written_by_a_no():
    reports: list[Any] = []
    async with Jido(on_report=reports.append) as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(InvalidDefinition, match="secrets='no' of to_pytest must be True or False"):
        reports[0].detail.to_pytest(secrets=NO)


async def test_nothing_is_asked_that_is_pinned_by_a_no():
    async with Jido(services=[MODELS]) as jido:
        helper = await jido.start_agent(Helper)
        with pytest.raises(InvalidDefinition, match="pinned='no' of a request must be True or False"):
            await ask(helper, "Hello", pinned=NO)
        assert jido.ledger().accepted == 0


async def test_results_are_not_ordered_by_a_no():
    async with open_task_supervisor(name="tasks") as tasks:
        with pytest.raises(InvalidDefinition, match="ordered='no' of map must be True or False"):
            tasks.map(trio.sleep, [1], max_concurrency=1, ordered=NO)


async def test_what_is_no_several_messages_is_mapped_to_nothing():
    async with Jido() as jido, open_pool(jido, Notebook, size=1, name="pool") as pool:
        with pytest.raises(
            TypeError, match=r"messages=.* must be several signals and actions; call sends a single one"
        ):
            pool.map(note("a"))  # type: ignore[arg-type]

"""The sensor that ticks by a cron expression."""

from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from attrs import field, frozen

from jido_trio import Action, Agent, Context, Jido, Result
from jido_trio.errors import InvalidDefinition
from jido_trio.sensors import CronTicks
from jido_trio.world import clocked


@frozen
class Heard:
    due: list[str] = field(factory=list)


class Hear(Action):
    due: str

    def run(self, context: Context[Heard]) -> Result:
        return {"due": [*context.state.due, self.due]}


class Listener(
    Agent[Heard], routes={"tick": Hear}, sensors={"clock": CronTicks(cron="30 2 * * *", timezone="Europe/Berlin")}
): ...


async def test_it_ticks_by_the_clock_of_its_zone_when_that_is_changed_too(autojump_clock):
    saturday = datetime(2026, 3, 28, tzinfo=UTC)
    async with Jido(world=clocked(1, trio.current_time, start=saturday)) as jido:
        ref = await jido.start_agent(Listener)
        await trio.sleep(3 * 24 * 3600)
        assert ref.agent.state.due == [
            "2026-03-28T01:30:00+00:00",
            "2026-03-29T01:00:00+00:00",  # 02:30 is left out there
            "2026-03-30T00:30:00+00:00",
        ]


@pytest.mark.parametrize("config", [{"cron": "61 * * * *"}, {"cron": ""}, {"cron": "@daily", "timezone": "Berlin!"}])
def test_what_is_no_expression_and_no_zone_is_refused(config: dict[str, Any]):
    with pytest.raises(InvalidDefinition):
        CronTicks(**config)

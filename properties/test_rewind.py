"""Going back and forth: an agent is always where its journal says, however often it went back, died or was started."""

from collections.abc import Mapping
from typing import Any

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from jido_trio import Jido, Signal
from jido_trio.runtime import AgentRef, read_journal
from jido_trio.storage import MemoryStorage
from tests.runtime.durable import Large, Order

STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 9)),
    st.tuples(st.just("add"), st.integers(1, 9)),
    st.tuples(st.just("rewind"), st.floats(0, 1)),
    st.tuples(st.sampled_from(["kill", "start"]), st.none()),
)


async def played(cls: type[Order], steps: list[Any], begin: Mapping[str, object]) -> None:
    """Play the steps; the totals after each input are those of a list that is as simple as can be."""
    storage, totals = MemoryStorage(), [0]
    while True:
        async with Jido("shop", storage=storage, on_report=lambda _: None) as jido:
            order: AgentRef[Any] = await jido.start_agent(cls, id="o-1", state=begin)
            assert order.agent.state.total == totals[-1]
            while steps:
                what, value = steps.pop(0)
                if what == "add":
                    totals.append(totals[-1] + value)
                    assert (await order.call(Signal("add", {"price": value}))).state.total == totals[-1]
                elif what == "rewind":
                    to = round(value * (len(totals) - 1))
                    totals.append(totals[to])
                    assert (await jido.rewind(order, to=to)).state.total == totals[-1]
                elif what == "kill":
                    jido.kill_agent(order)
                else:
                    break
            else:
                break
    journal = await read_journal(storage, "shop", "o-1")
    assert [journal.at(number).state.total for number in range(len(totals))] == totals


@given(st.lists(STEPS, max_size=15))
def test_each_input_leads_to_where_it_led_however_often_an_agent_goes_back(steps):
    trio.run(played, Order, steps, {}, clock=trio.testing.MockClock(autojump_threshold=0))


@given(st.lists(STEPS, max_size=15))
def test_so_it_does_where_the_state_is_too_large_to_be_written_each_time(steps):
    trio.run(played, Large, steps, {"notes": ["x" * 5000]}, clock=trio.testing.MockClock(autojump_threshold=0))

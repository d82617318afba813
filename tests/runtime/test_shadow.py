"""Shadow runs: some messages are received twice, and a difference names the field and where it likely comes from."""

import gc
import logging
import random
import time

import pytest
import trio
from attrs import frozen

from jido_trio import Action, Agent, AgentCrashed, Emit, Jido, Signal
from jido_trio.errors import InvalidDefinition
from jido_trio.redact import Secret
from jido_trio.runtime import ShadowDifference
from jido_trio.runtime._server import Server
from jido_trio.runtime._shadow import ShadowedServer, Shadows
from jido_trio.storage import open_memory

CALLS: list[int] = []


@frozen
class Kept:
    value: object = None
    other: object = None
    words: tuple[str, ...] = ()
    code: Secret[str] = "hush"


class Pure(Action):
    def run(self, context):
        return {"value": float("nan"), "words": ("a", "b")}, Emit("told", {"id": "x"})


class Clock(Action):
    def run(self, context):
        return {"value": time.time_ns(), "other": "same"}


class Chance(Action):
    def run(self, context):
        return None, Emit("told", {"number": random.random()})


class Global(Action):
    def run(self, context):
        CALLS.append(1)
        return {"value": len(CALLS), "other": -len(CALLS)}


class Order(Action):
    def run(self, context):
        words = sorted(["a", "b", "c"], reverse=len(CALLS) % 2 == 1)
        CALLS.append(1)
        return {"words": tuple(words)}


class Once(Action):
    def run(self, context):
        CALLS.append(1)
        if len(CALLS) > 1:
            raise KeyError("gone already")
        return {"value": 1}


class Fresh(Action):
    def run(self, context):
        return {"value": lambda: None}


class Count(Action):
    def run(self, context):
        CALLS.append(1)
        return {"value": 1}


class Explode(Action):
    def run(self, context):
        CALLS.append(1)
        raise RuntimeError("a bug")


class Tell(Action):
    def run(self, context):
        CALLS.append(1)
        return {"code": f"hush {len(CALLS)}"}


ROUTES = {action.name: action for action in (Pure, Clock, Chance, Global, Order, Once, Fresh, Count, Explode, Tell)}


class Subject(Agent[Kept], routes=ROUTES): ...


class Durable(Agent[Kept], routes={"global": Global, "count": Count}, durable=True): ...


@pytest.fixture(autouse=True)
def _fresh():
    CALLS.clear()


async def told_of(signal, *, shadow=1.0, cls=Subject, door="call", **options):
    """The differences that one signal makes known."""
    differences: list[ShadowDifference] = []
    storage = open_memory() if cls.durable else None
    async with Jido(shadow=shadow, on_shadow=differences.append, storage=storage, **options) as jido:
        agent = await jido.start_agent(cls, id="subject")
        if door == "call":
            await agent.call(Signal(signal))
        else:
            agent.cast_nowait(Signal(signal))
            await trio.sleep(1)
    return differences


@pytest.mark.parametrize("door", ["call", "cast"])
@pytest.mark.parametrize("debug", ["off", "on"])
@pytest.mark.parametrize("cls", [Subject, Durable])
async def test_what_code_keeps_is_told_with_the_field_and_both_values(autojump_clock, door, debug, cls):
    [difference] = await told_of("global", door=door, debug=debug, cls=cls)

    assert (difference.field, difference.first, difference.again) == ("state.value", "1", "2")
    assert (difference.agent_id, difference.signal_type, difference.fields) == ("subject", "global", 2)
    assert "what its code keeps from call to call" in difference.sources[0]
    assert "state.value was 1 and then 2 (and 1 more)" in str(difference)


async def test_who_listens_to_the_collector_is_not_taken_for_the_agent(autojump_clock):
    gc.callbacks.append(looks_at_the_clock)
    usual = gc.get_threshold()
    gc.set_threshold(1)
    try:
        [difference] = await told_of("global", door="cast")
    finally:
        gc.set_threshold(*usual)
        gc.callbacks.remove(looks_at_the_clock)

    assert not any("clock" in source for source in difference.sources)


def looks_at_the_clock(phase, info):
    time.perf_counter()


async def test_the_clock_is_named_with_its_line(autojump_clock):
    [difference] = await told_of("clock")

    assert difference.field == "state.value"
    assert len(difference.sources) == 1
    assert difference.sources[0].startswith("looks at the clock (time.time_ns), test_shadow.py:")


async def test_chance_is_named_and_the_place_in_a_directive(autojump_clock):
    [difference] = await told_of("chance")

    assert difference.field == "directives[0].signal.data['number']"
    assert any(source.startswith("draws a random number (random.random)") for source in difference.sources)


async def test_another_order_of_the_same_is_told_as_such(autojump_clock):
    [difference] = await told_of("order")

    assert difference.field == "state.words[0]"
    assert "order" in difference.sources[0]


async def test_that_it_raises_the_second_time_is_a_difference(autojump_clock):
    [difference] = await told_of("once")

    assert (difference.field, difference.first, difference.again) == ("raises", "nothing", "KeyError: 'gone already'")


@pytest.mark.parametrize("signal", ["pure", "fresh", "count"])
async def test_what_gives_the_same_is_not_accused(autojump_clock, signal):
    assert await told_of(signal) == []


async def test_a_secret_that_differs_is_told_without_its_text(autojump_clock):
    [difference] = await told_of("tell")

    assert difference.field == "state.code"
    assert "hush" not in str(difference)


async def test_the_agent_is_what_the_first_run_made_it_and_nothing_is_done_twice(autojump_clock):
    letters: list[object] = []
    async with Jido(shadow=1.0, on_shadow=lambda _: None, on_dead_letter=letters.append) as jido:
        agent = await jido.start_agent(Subject)
        assert (await agent.call(Signal("global"))).state.value == 1
        await agent.call(Signal("pure"))
        await trio.sleep(1)

    assert len(letters) == 1
    assert jido.ledger().balanced


async def test_a_crash_is_not_tried_again(autojump_clock):
    async with Jido(shadow=1.0, on_report=lambda _: None, on_dead_letter=lambda _: None) as jido:
        agent = await jido.start_agent(Subject)
        with pytest.raises(AgentCrashed):
            await agent.call(Signal("explode"))
    assert len(CALLS) == 1


async def test_about_as_many_messages_are_tried_as_was_asked_for(autojump_clock):
    async with Jido(shadow=0.1) as jido:
        agent = await jido.start_agent(Subject)
        for _ in range(1000):
            await agent.call(Signal("count"))
    assert 1060 < len(CALLS) < 1140


async def test_true_means_one_in_a_hundred():
    async with Jido(shadow=True) as jido:
        assert isinstance(jido._instance.new_cell, Shadows)
        assert jido._instance.new_cell._share == 0.01


@pytest.mark.parametrize("shadow", [False, 0, 0.0])
async def test_an_instance_without_it_has_plain_agents(shadow):
    async with Jido(shadow=shadow) as jido:
        agent = await jido.start_agent(Subject)
        assert type(jido._directory.cell(agent)) is Server


async def test_an_agent_that_is_watched_for_a_while_is_tried_all_the_time(autojump_clock):
    async with Jido(shadow=1.0, on_shadow=lambda _: CALLS.append(0)) as jido:
        agent = await jido.start_agent(Subject)
        jido.debug("on")
        await agent.call(Signal("global"))
        assert [event.kind for event in jido.recent()] == ["signal"]
        jido.debug("off")
        assert type(jido._directory.cell(agent)) is ShadowedServer
        await agent.call(Signal("global"))
    assert CALLS.count(0) == 2


async def test_the_agents_of_a_partition_are_tried_too(autojump_clock):
    differences: list[ShadowDifference] = []
    async with Jido(shadow=1.0, on_shadow=differences.append) as jido:
        agent = await (await jido.partition("tenant")).start_agent(Subject)
        await agent.call(Signal("global"))
    assert len(differences) == 1


async def test_without_a_sink_a_difference_is_logged_and_a_sink_that_raises_too(autojump_clock, caplog):
    async with Jido(shadow=1.0) as jido:
        await (await jido.start_agent(Subject, id="s")).call(Signal("global"))
    assert "agent 's' of class tests.runtime.test_shadow.Subject isn't pure" in caplog.text

    def broken(_: ShadowDifference) -> None:
        raise ValueError("full")

    caplog.clear()
    async with Jido(shadow=1.0, on_shadow=broken) as jido:
        await (await jido.start_agent(Subject, id="s")).call(Signal("global"))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "ValueError: full" in caplog.text


async def test_the_source_of_one_kind_of_difference_is_looked_for_once(autojump_clock):
    async with Jido(shadow=1.0, on_shadow=lambda _: None) as jido:
        agent = await jido.start_agent(Subject)
        await agent.call(Signal("global"))
        assert len(CALLS) == 3
        await agent.call(Signal("global"))
        assert len(CALLS) == 5


@pytest.mark.parametrize("shadow", [-0.1, 1.5, "often"])
def test_a_share_that_is_none_is_refused(shadow):
    with pytest.raises(InvalidDefinition, match="shadow=") as caught:
        Jido("shop", shadow=shadow)
    assert caught.value.field == "shadow"

"""Where the signals of an agent go that name no target."""

from typing import Any

import pytest
import trio
from attrs import field, frozen

from jido_trio.core import (
    Action,
    Agent,
    Context,
    Durable,
    Emit,
    Result,
    Schedule,
    Signal,
    SpawnAgent,
    ToAgent,
    ToParent,
)
from jido_trio.errors import InvalidDefinition
from jido_trio.runtime import DeadLetter, Jido
from jido_trio.storage import open_memory
from tests.runtime.agents import REFUSE, ROUTES, Notebook, Notes, do, note
from tests.runtime.test_async_actions import quiet
from tests.runtime.test_progress import tell


class Teller(Agent[Notes], routes=ROUTES, default_dispatch=ToAgent("audit")): ...


class SubTeller(Teller, routes=ROUTES): ...


SAY = Emit("note", {"word": "said"})


async def heard(agent: type[Agent[Any]], *directives: object, **options: Any) -> list[list[Any]]:
    """Return what the agent, `audit` and `bank` have heard, once the agent was told to return directives."""
    async with quiet() as jido:
        refs: list[Any] = [await jido.start_agent(agent, id="me", **options)]
        refs += [await jido.start_agent(Notebook, id=id) for id in ("audit", "bank")]
        await refs[0].call(do(*directives))
        await trio.sleep(5)
        return [list(ref.agent.state.seen) for ref in refs]


@pytest.mark.parametrize("agent", [Teller, SubTeller])
async def test_a_signal_that_names_no_target_goes_where_the_class_says(agent, autojump_clock):
    assert await heard(agent, SAY) == [[], ["said"], []]


async def test_a_signal_that_names_its_target_goes_there(autojump_clock):
    there = Emit("note", {"word": "there"}, dispatch=ToAgent("bank"))
    back = Emit("note", {"word": "back"}, dispatch=ToAgent("me"))
    assert await heard(Teller, there, back) == [["back"], [], ["there"]]


@pytest.mark.parametrize("agent", [Teller, Notebook])
async def test_a_start_says_otherwise(agent, autojump_clock):
    assert await heard(agent, SAY, default_dispatch=ToAgent("bank")) == [[], [], ["said"]]


async def test_several_may_be_told_the_agent_itself_included(autojump_clock):
    several = [None, ToAgent("audit"), ToAgent("bank")]
    assert await heard(Notebook, SAY, default_dispatch=several) == [["said"], ["said"], ["said"]]


async def test_schedules_still_come_to_the_agent_itself(autojump_clock):
    assert await heard(Teller, Schedule(1, note("later"))) == [["later"], [], []]


async def test_what_an_action_with_effects_emits_goes_there_too(autojump_clock):
    assert await heard(Teller, tell(["a"])) == [[], ["a"], []]


async def test_a_child_may_tell_its_parent_by_default(autojump_clock):
    async with quiet() as jido:
        parent = await jido.start_agent(Notebook)
        await parent.call(do(SpawnAgent(Notebook, "kid", id="kid", default_dispatch=ToParent())))
        await trio.sleep(1)
        kid = jido.whereis("kid")
        assert kid is not None
        await kid.call(do(SAY))
        await trio.sleep(1)

        assert (parent.agent.state.seen[-1], kid.agent.state.seen) == ("said", [])


class Telling(Agent[Notes], routes=ROUTES, error_policy="emit", default_dispatch=ToParent()): ...


async def test_what_the_error_policy_sends_comes_to_the_agent_itself(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Telling)
        await ref.cast(REFUSE)
        await trio.sleep(1)

    [(kind, _)] = ref.agent.state.seen
    assert kind == "jido.agent.error"


@frozen
class Kept:
    seen: list[str] = field(factory=list)


class Say(Action):
    def run(self, context: Context[Kept]) -> Result:
        return Emit("said", when_full="wait")


class Hear(Action):
    def run(self, context: Context[Kept]) -> Result:
        return {"seen": [*context.state.seen, context.agent.id]}


class Diary(
    Agent[Kept],
    durable=Durable(),
    routes={"say": Say, "said": Hear},
    default_dispatch=[None, ToAgent("other"), ToAgent("plain")],
): ...


class Plain(Agent[Kept], routes={"said": Hear}): ...


async def test_signals_of_a_durable_agent_go_there_too(autojump_clock):
    letters: list[DeadLetter] = []
    async with Jido("d", storage=open_memory(), on_dead_letter=letters.append) as jido:
        refs: list[Any] = [await jido.start_agent(Diary, id=id) for id in ("me", "other")]
        refs.append(await jido.start_agent(Plain, id="plain"))
        await refs[0].call(Signal("say"))
        await trio.sleep(1)
        seen = [list(each.agent.state.seen) for each in refs]

    assert (seen, letters) == ([["me"], ["other"], ["plain"]], [])


@pytest.mark.parametrize("wrong", ["audit", 7, [ToAgent("a"), "b"]], ids=["text", "number", "list"])
async def test_what_is_no_target_is_refused(wrong, autojump_clock):
    with pytest.raises(InvalidDefinition, match="must be ToAgent"):

        class Wrong(Agent[Notes], default_dispatch=wrong): ...

    with pytest.raises(InvalidDefinition, match="must be ToAgent"):
        SpawnAgent(Notebook, "kid", default_dispatch=wrong)
    async with quiet() as jido:
        with pytest.raises(InvalidDefinition, match="must be ToAgent"):
            await jido.start_agent(Notebook, id="a", default_dispatch=wrong)
        assert jido.whereis("a") is None

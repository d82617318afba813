"""Actions that say what a call of them returns."""

import pytest
import trio

from jido_trio.core import Action, Agent, Context, Instruction, Result, Signal
from jido_trio.errors import ActionError, InvalidDefinition
from jido_trio.groups import Answer, open_pool
from jido_trio.runtime import Jido
from tests.runtime.agents import Note, Notebook, Notes, do
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


class Count(Action):
    """Notes a word, and answers with how many there are."""

    word: str
    times: int = 1

    def run(self, context: Context[Notes]) -> Result:
        if self.word == "no":
            raise ActionError("not that")
        return {"seen": [*context.state.seen, self.word]}

    def reply(self, agent: Agent[Notes]) -> int:
        return len(agent.state.seen) * self.times


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_a_call_of_an_action_with_a_reply_returns_that(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        if busy:
            ref.cast_nowait(do(Pause()))

        assert await ref.call(Count(word="one")) == 1
        assert await ref.call(Count(word="two", times=10)) == 20


async def test_the_reply_is_about_the_agent_as_the_action_left_it_whatever_comes_after(autojump_clock):
    async with Jido() as jido:
        ref = await jido.start_agent(Notebook)
        ref.cast_nowait(do(Pause()))
        told: list[int] = []

        async def ask(word: str) -> None:
            told.append(await ref.call(Count(word=word)))

        async with trio.open_nursery() as nursery:
            for word in "abc":
                nursery.start_soon(ask, word)

    assert sorted(told) == [1, 2, 3]


async def test_an_action_with_a_reply_that_says_no_raises_what_it_said(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(ActionError, match="not that"):
            await ref.call(Count(word="no"))


async def test_an_unchecked_call_returns_the_agent(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)

        assert await ref.call(Count(word="one"), check=False) is ref.agent


async def test_an_instruction_is_answered_with_the_agent(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)

        assert await ref.call(Instruction(Count(word="one"))) is ref.agent


async def test_many_calls_are_answered_with_replies_where_there_are_any(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        one, agent, no, unheard = await ref.call_many(
            [Count(word="one"), Note(word="two"), Count(word="no"), Signal("unheard")]
        )

        assert one == 1
        assert isinstance(agent, Notebook)
        assert isinstance(no, ActionError)
        assert isinstance(unheard, Exception)


async def test_a_worker_of_a_pool_replies_and_its_map_has_the_agents(autojump_clock):
    async with Jido() as jido, open_pool(jido, Notebook, name="notes", size=1) as pool:
        assert await pool.call(Count(word="one")) == 1
        async with pool.map([Count(word="two")]) as results:
            [answer] = [result async for result in results]

        assert isinstance(answer, Answer)
        assert answer.agent.state.seen == ["one", "two"]
        assert answer.message == Count(word="two")


async def test_a_bug_of_a_reply_is_its_callers_and_the_agent_lives(autojump_clock):
    class Odd(Count):
        def reply(self, agent: Agent[Notes]) -> int:
            raise ZeroDivisionError

    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(ZeroDivisionError):
            await ref.call(Odd(word="one"))

        assert (ref.incarnation, ref.agent.state.seen) == (1, ["one"])
        assert fates(jido) == {"accepted": 1, "handled": 1}


@pytest.mark.parametrize("default", [{}, {"reply": "hello"}], ids=["given", "default"])
async def test_a_parameter_may_be_called_reply(default, autojump_clock):
    if default:

        class Greet(Action):
            reply: str = "hello"

            def run(self, context: Context[Notes]) -> Result:
                return {"seen": [self.reply]}
    else:

        class Greet(Action):  # type: ignore[no-redef]
            reply: str

            def run(self, context: Context[Notes]) -> Result:
                return {"seen": [self.reply]}

    async with Jido() as jido:
        ref = await jido.start_agent(Notebook)
        agent = await ref.call(Greet(reply="hello"))

        assert agent.state.seen == ["hello"]


def test_a_reply_is_a_plain_method():
    with pytest.raises(InvalidDefinition, match=r"Later\.reply must be a plain `def`"):

        class Later(Action):
            async def reply(self, agent: Agent[Notes]) -> int:
                return 1

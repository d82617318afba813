"""Many messages in one go: each has what it came to, in order."""

from typing import Any

import pytest
import trio

from jido_trio.core import Action, Agent, Signal
from jido_trio.errors import (
    ActionError,
    AgentCrashed,
    AgentStopped,
    CallTimeout,
    MailboxFull,
    NoRoute,
    Unstorable,
)
from jido_trio.runtime import Jido, MailboxRules
from jido_trio.storage import MemoryStorage
from tests.runtime.agents import BOOM, REFUSE, Do, Note, Notebook, do, note, settle
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


class Lasting(Notebook, durable=True):
    """A notebook that outlives its process."""


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("kind", [Notebook, Lasting])
async def test_many_calls_are_answered_in_order_each_with_what_it_came_to(kind, busy, autojump_clock):
    async with quiet(storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(kind, mailbox_size=20)
        if busy:
            ref.cast_nowait(do(Pause()))
        messages: list[Signal | Action] = [note(1), REFUSE, Note(word=2), Signal("unheard"), note(3), BOOM]
        first, no, second, unheard, third, crashed = await ref.call_many(messages)

        assert [agent.state.seen for agent in (first, second, third)] == [[1], [1, 2], [1, 2, 3]]  # type: ignore[union-attr]
        assert [type(each) for each in (no, unheard, crashed)] == [ActionError, NoRoute, AgentCrashed]
        assert fates(jido) == {"accepted": 6 + busy, "handled": 3 + busy, "failed": 3}


async def test_many_calls_find_room_in_turn_however_small_the_mailbox(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=2)
        answers = await ref.call_many([do(Pause()), *(note(n) for n in range(20))])

        assert [agent.state.seen[-1] for agent in answers[1:]] == list(range(20))  # type: ignore[union-attr]


async def test_after_a_crash_the_next_life_answers_the_rest(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        first, crashed, last = await ref.call_many([note(1), BOOM, note(2)])

        assert isinstance(first, Agent)
        assert isinstance(crashed, AgentCrashed)
        assert isinstance(last, Agent)
        assert last.state.seen == [2]


async def test_unchecked_calls_come_to_the_agent_when_an_action_says_no(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        (agent,) = await ref.call_many([REFUSE], check=False)

        assert agent is ref.agent


async def test_many_calls_have_one_time_together(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=2)
        answers = await ref.call_many([note(1), do(Pause(), Pause()), note(2), note(3), note(4)], timeout=1)

        assert trio.current_time() == 1
        assert [type(answer) for answer in answers] == [Notebook, Notebook, *[CallTimeout] * 3]
        assert fates(jido) == {"accepted": 4, "handled": 2, "expired": 2}
        await trio.sleep(2)
        assert ref.agent.state.seen == [1]


async def test_many_calls_that_are_cancelled_are_withdrawn(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with trio.move_on_after(1):
            await ref.call_many([do(Pause(), Pause()), note(1), note(2)])
        await trio.sleep(2)

        assert fates(jido) == {"accepted": 3, "handled": 1, "withdrawn": 2}


async def test_many_calls_to_an_agent_that_has_ended_are_all_refused(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await jido.stop_agent(ref)

        assert [type(answer) for answer in await ref.call_many([note(1), note(2)])] == [AgentStopped] * 2


async def test_calls_that_a_mailbox_refuses_come_to_that(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1, mailbox=MailboxRules(when_full="reject"))
        answers = await ref.call_many([do(Pause()), note(1), note(2)])

        assert [type(answer) for answer in answers] == [Notebook, Notebook, MailboxFull]


async def test_no_messages_have_no_answers(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)

        assert await ref.call_many([]) == []
        await ref.cast_many([])


@pytest.mark.parametrize("kind", [Notebook, Lasting])
async def test_many_casts_come_in_order_however_small_the_mailbox(kind, autojump_clock):
    async with quiet(storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(kind, mailbox_size=3)
        await ref.cast_many([note(1), Do(directives=[Pause()]), Note(word=2), *(note(n) for n in range(3, 20))])
        await settle(3)

        assert ref.agent.state.seen == list(range(1, 20))
        assert fates(jido) == {"accepted": 20, "handled": 20}


async def test_many_casts_tell_how_many_were_sent_before_one_was_refused(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1, mailbox=MailboxRules(when_full="reject"))
        with pytest.raises(MailboxFull) as refused:
            await ref.cast_many([do(Pause()), note(1), note(2), note(3)])

        assert refused.value.__notes__ == ["2 of 4 messages were sent before"]


@pytest.mark.parametrize("what", [None, Note(word="a")])
async def test_a_single_message_is_not_several(what, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for send_many in (ref.call_many, ref.cast_many):
            with pytest.raises(TypeError, match="must be several signals and actions"):
                await send_many(what)


@pytest.mark.parametrize("what", [None, Note, "note"])
async def test_nothing_is_sent_if_one_of_them_can_not_be_sent(what, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for send_many in (ref.call_many, ref.cast_many):
            with pytest.raises(TypeError, match="signals and actions"):
                await send_many([note(1), what])

        assert fates(jido) == {}


async def test_other_tasks_have_their_turn_while_many_messages_are_handled(autojump_clock):
    turns: list[Any] = []

    async def other(ref):
        while len(turns) < 3:
            await trio.lowlevel.checkpoint()
            turns.append(len(ref.agent.state.seen))

    async with Jido() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Notebook)
        nursery.start_soon(other, ref)
        await ref.call_many([note(n) for n in range(300)])

    assert 0 < turns[-1] < 300


async def test_many_casts_to_a_durable_agent_tell_how_many_were_sent_before_one_that_cant_be_kept(autojump_clock):
    async with quiet(storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(Lasting)
        with pytest.raises(Unstorable) as refused:
            await ref.cast_many([note("a"), note("b"), note(object()), note("c")])
        await settle()
        assert refused.value.__notes__ == ["2 of 4 messages were sent before"]
        assert ref.agent.state.seen == ["a", "b"]

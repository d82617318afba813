"""Agents are sent actions: they are run as signals are handled, through the same gate."""

from typing import Any

import pytest
import trio

from jido_trio.core import Action, Agent, Context, Instruction, Result, Secret, Signal
from jido_trio.errors import ActionError, InvalidInstruction, MailboxFull, Unstorable
from jido_trio.groups import open_pool
from jido_trio.runtime import Jido, MailboxRules
from jido_trio.storage import MemoryStorage
from tests.runtime.agents import Boom, Do, Note, Notes, Refuse, note, settle
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


class Unrouted(Agent[Notes]):
    """An agent without routes."""


class Lasting(Agent[Notes], durable=True):
    """The same, and durable."""


async def busy_with(ref: Any, busy: bool) -> None:
    if busy:
        await ref.cast(Do(directives=[Pause()]))


both_ways = pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])


@both_ways
async def test_an_action_can_be_called_though_no_route_leads_to_it(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        await busy_with(ref, busy)
        agent = await ref.call(Note(word="hello"))
        again = await ref.call(Instruction(Note, {"word": "world"}))

        assert agent.state.seen == ["hello"]
        assert again.state.seen == ["hello", "world"]
        assert fates(jido) == {"accepted": 2 + busy, "handled": 2 + busy}


async def test_actions_can_be_cast_and_keep_their_place_in_the_order(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        await ref.cast(Note(word=1))
        ref.cast_nowait(Do(directives=[Pause()]))
        ref.cast_nowait(Note(word=2))
        await ref.cast(Note(word=3))
        await settle(2)

        assert ref.agent.state.seen == [1, 2, 3]
        assert fates(jido) == {"accepted": 4, "handled": 4}


class Look(Action):
    word: str

    def run(self, context: Context[Notes]) -> Result:
        assert context.signal is not None
        return {"seen": [(context.signal.type, context.signal.source)]}


async def test_an_action_is_told_of_by_a_signal(autojump_clock):
    async with Jido("app") as jido:
        ref = await jido.start_agent(Unrouted)
        agent = await ref.call(Look(word="x"))

    assert agent.state.seen == [("jido.action.look", "/jido/app")]


@both_ways
async def test_an_action_that_says_no_tells_its_caller(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        await busy_with(ref, busy)
        with pytest.raises(ActionError, match="not that"):
            await ref.call(Refuse(word="not that"))


class Bare(Action):
    """Has no run."""


async def test_an_action_without_run_is_told_to_the_caller(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        with pytest.raises(InvalidInstruction, match="has no run"):
            await ref.call(Bare())


async def test_an_async_action_runs_beside_the_agent(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        agent = await ref.call(Later(seconds=2))
        assert (agent.state.seen, trio.current_time()) == ([], 0)
        await settle(3)

        assert ref.agent.state.seen == ["later"]


class Later(Action):
    seconds: float

    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(self.seconds)
        return {"seen": ["later"]}


@both_ways
async def test_an_action_that_crashed_the_agent_is_a_dead_letter_and_can_be_sent_again(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        await busy_with(ref, busy)
        await ref.cast(Boom())
        await settle(2)
        [letter] = jido.dead_letters()
        jido.resend(letter)
        await settle()
        [again] = jido.dead_letters()

    assert (letter.signal.data, again.signal.data) == (Boom(), Boom())
    assert ref.incarnation == 3


async def test_rules_of_the_mailbox_hold_for_actions(autojump_clock):
    async with quiet() as jido:
        rules = MailboxRules(when_full="reject", coalesce=lambda signal: signal.type)
        ref = await jido.start_agent(Unrouted, mailbox=rules, mailbox_size=1)
        await busy_with(ref, busy=True)
        await ref.cast(Note(word=1))
        await ref.cast(Note(word=2))
        with pytest.raises(MailboxFull):
            await ref.cast(Look(word="x"))
        await settle(2)

        assert ref.agent.state.seen == [2]


@pytest.mark.parametrize(
    "what", ["note", None, Note, {"word": 1}, [Note(word=1)]], ids=lambda what: type(what).__name__
)
async def test_what_is_neither_signal_nor_action_is_refused(what, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        for send in (ref.call, ref.cast):
            with pytest.raises(TypeError, match="signals and actions"):
                await send(what)
        with pytest.raises(TypeError, match="signals and actions"):
            ref.cast_nowait(what)

        assert fates(jido) == {}


async def test_an_action_from_another_thread_is_refused(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        with pytest.raises(RuntimeError, match="another thread"):
            await trio.to_thread.run_sync(ref.cast_nowait, Note(word=1))


async def test_a_durable_agent_keeps_the_actions_it_was_sent(autojump_clock):
    storage = MemoryStorage()
    async with Jido(storage=storage) as jido:
        ref = await jido.start_agent(Lasting, id="a")
        await ref.cast(Note(word=1))
        agent = await ref.call(Note(word=2))
        assert agent.state.seen == [1, 2]
    async with Jido(storage=storage) as jido:
        ref = await jido.start_agent(Lasting, id="a")
        agent = await ref.call(Instruction(Note, {"word": 3}))

        assert agent.state.seen == [1, 2, 3]


async def test_a_durable_agent_refuses_an_action_that_cannot_be_kept(autojump_clock):
    async with Jido(storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(Lasting, id="a")
        with pytest.raises(Unstorable):
            await ref.cast(Note(word=object()))

        assert ref.incarnation == 1


async def test_a_worker_of_a_pool_is_sent_actions(autojump_clock):
    async with Jido() as jido, open_pool(jido, Unrouted, name="notes", size=1) as pool:
        assert (await pool.call(Note(word=1))).state.seen == [1]
        await pool.cast(Note(word=2))
        async with pool.map([Note(word=3), note(4)]) as results:
            seen = [(result.message, type(result).__name__) async for result in results]

        assert [kind for _, kind in seen] == ["Answer", "NoAnswer"]
        assert seen[0][0] == Note(word=3)


class Login(Action):
    password: Secret[str]

    def run(self, context: Context[Notes]) -> Result:
        raise ValueError(f"{self.password} is wrong")


@pytest.mark.parametrize(
    "message",
    [Login(password="hunter2-canary"), Instruction(Login, {"password": "hunter2-canary"})],
    ids=["value", "class"],
)
async def test_secrets_of_an_action_without_a_route_are_told_to_nobody(message, autojump_clock):
    reports: list[Any] = []
    async with Jido(debug="verbose", on_report=reports.append) as jido:
        ref = await jido.start_agent(Unrouted)
        with pytest.raises(Exception, match="is wrong") as crash:
            await ref.call(message)
        told = [str(crash.value), str(reports), *map(str, reports), str(reports[0].detail), str(jido.recent(50))]

    assert "hunter2-canary" not in "".join(told)
    assert "***" in str(crash.value)


async def test_what_came_from_outside_runs_no_action(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Unrouted)
        await ref.cast(Signal("jido.action.note", {"word": 1}))

        assert ref.agent.state.seen == []
        assert [letter.reason for letter in jido.dead_letters()] == ["no route matches"]

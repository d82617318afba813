"""Calls whose action says no: the caller is told what it said, and the agent stays as it was."""

import pytest
import trio
from attrs import define

from jido_trio.core import Action, Agent, Context, Error, Result, Signal
from jido_trio.errors import ActionError, AgentCrashed, InvalidInstruction, InvalidParams, InvalidResult, UnknownField
from jido_trio.runtime import Jido, MailboxRules
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import CrashReport
from tests.runtime.agents import REFUSE, ROUTES, Do, Note, Notebook, Notes, Refuse, do, note, settle
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


class Lasting(Notebook, durable=True):
    """A notebook that outlives its process."""


async def busy_with(ref, busy):
    if busy:
        await ref.cast(do(Pause()))


both_ways = pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])


@both_ways
async def test_a_call_whose_action_said_no_raises_what_it_said(busy, autojump_clock, caplog):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await ref.cast(note("before"))
        await busy_with(ref, busy)
        with pytest.raises(ActionError, match="not that") as said_no:
            await ref.call(Signal("refuse", {"word": "not that"}))

        assert ref.agent.state.seen == ["before"]
        assert fates(jido) == {"accepted": 2 + busy, "handled": 1 + busy, "failed": 1}
    assert type(said_no.value) is ActionError
    assert "agent 'a': instruction failed: not that" in caplog.text


@both_ways
async def test_an_unchecked_call_returns_the_agent_when_the_action_says_no(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await busy_with(ref, busy)
        agent = await ref.call(REFUSE, check=False)

        assert agent is ref.agent
        assert fates(jido) == {"accepted": 1 + busy, "handled": 1 + busy}


async def test_a_durable_agent_tells_its_caller_too_and_handles_the_message_once(autojump_clock):
    storage = MemoryStorage()
    async with Jido(storage=storage) as jido:
        ref = await jido.start_agent(Lasting, id="a")
        await ref.call(note("before"))
        with pytest.raises(ActionError, match="no"):
            await ref.call(REFUSE)
        agent = await ref.call(REFUSE, check=False)

        assert agent.state.seen == ["before"]
        assert fates(jido) == {"accepted": 3, "handled": 2, "failed": 1}
    async with Jido(storage=storage) as jido:
        ref = await jido.start_agent(Lasting, id="a")
        await settle()

        assert fates(jido) == {}


async def test_parameters_that_do_not_fit_are_told_to_the_caller(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        with pytest.raises(InvalidParams):
            await ref.call(Signal("do", {"wrong": 1}))


class Wrong(Action):
    def run(self, context: Context[Notes]) -> Result:
        return {"seen": 3}


class Misspelt(Action):
    def run(self, context: Context[Notes]) -> Result:
        return {"sene": [3]}


class Careless(Agent[Notes], routes={**ROUTES, "wrong": Wrong, "misspelt": Misspelt}):
    """An agent of actions with faults."""


@both_ways
async def test_a_result_that_does_not_fit_is_told_to_the_caller(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Careless)
        await busy_with(ref, busy)
        with pytest.raises(InvalidResult):
            await ref.call(Signal("wrong"))

        assert ref.incarnation == 1


@both_ways
async def test_a_result_with_a_key_that_the_state_has_no_field_for_crashes_the_agent(busy, autojump_clock):
    reports: list[CrashReport] = []
    async with quiet(on_report=reports.append) as jido:
        ref = await jido.start_agent(Careless)
        await busy_with(ref, busy)
        with pytest.raises(AgentCrashed, match=r"UnknownField: .*'misspelt'.*did you mean 'seen'"):
            await ref.call(Signal("misspelt"))

        assert ref.incarnation == 2
    assert len(reports) == 1


async def test_a_cast_whose_action_says_no_is_handled(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(REFUSE)

        assert fates(jido) == {"accepted": 1, "handled": 1}


async def test_each_caller_is_raised_an_error_of_its_own(autojump_clock):
    told: list[ActionError] = []

    async def ask(ref):
        try:
            await ref.call(Signal("refuse.always"))
        except ActionError as error:
            told.append(error)

    class Always(Action):
        def run(self, context: Context[Notes]) -> Result:
            raise NO

    NO = ActionError("never")

    class Stubborn(Agent[Notes], routes={**ROUTES, "refuse.always": Always}): ...

    async with quiet() as jido, trio.open_nursery() as nursery:
        ref = await jido.start_agent(Stubborn)
        for _ in range(2):
            nursery.start_soon(ask, ref)
        await trio.sleep(1)

    assert told == [NO, NO]
    assert len({id(error) for error in (*told, NO)}) == 3


@define(slots=False, eq=False)
class Overdrawn(ActionError):
    balance: int


class Withdraw(Action):
    def run(self, context: Context[Notes]) -> Result:
        raise Overdrawn(-5)


class Account(Agent[Notes], routes={"withdraw": Withdraw}): ...


async def test_an_error_of_the_users_own_comes_with_its_class_and_fields(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Account)
        with pytest.raises(Overdrawn) as said_no:
            await ref.call(Signal("withdraw"))

    assert said_no.value.balance == -5


class TellOnly(Action):
    """Returns an error beside its changes, with a context of its own."""

    def run(self, context: Context[Notes]) -> Result:
        return {"seen": ["done"]}, [Error(ActionError("by the way"), context="advice")]


class Telling(Agent[Notes], routes={"tell": TellOnly}): ...


async def test_an_error_that_an_action_tells_of_in_other_words_is_no_refusal(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Telling)
        agent = await ref.call(Signal("tell"))

    assert agent.state.seen == ["done"]


class Both(Agent[Notes], routes={"both": [Refuse(word="first"), Note(word="noted"), Refuse(word="second")]}): ...


async def test_of_several_actions_the_first_that_said_no_is_heard_and_the_others_have_acted(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Both)
        with pytest.raises(ActionError, match="first"):
            await ref.call(Signal("both"))

        assert ref.agent.state.seen == ["noted"]


class Confused(Agent[Notes], routes={"do": Do}):
    """An agent whose hook asks for what is no action."""

    def on_before_cmd(self, action):
        return self, 42


async def test_a_command_that_is_no_action_is_told_to_the_caller(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Confused)
        with pytest.raises(InvalidInstruction):
            await ref.call(do())


class Strict(Agent[Notes], routes={"refuse": Refuse, "note": Note}, error_policy="crash"): ...


@both_ways
async def test_a_caller_is_told_what_was_said_although_the_policy_crashes_the_agent_for_it(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Strict)
        if busy:
            ref.cast_nowait(note("first"))
        with pytest.raises(ActionError, match="no"):
            await ref.call(REFUSE)
        await settle()

        assert ref.incarnation == 2
        assert jido.ledger().balanced


async def test_a_call_that_comes_again_after_a_crash_keeps_to_what_its_caller_asked_for(autojump_clock):
    class Stumble(Action):
        def run(self, context: Context[Notes]) -> Result:
            lives.append(0)
            if len(lives) == 1:
                raise ZeroDivisionError
            raise ActionError("no")

    class Unsteady(Agent[Notes], routes={"stumble": Stumble}): ...

    lives: list[int] = []
    async with quiet() as jido:
        ref = await jido.start_agent(Unsteady, mailbox=MailboxRules(redeliver=1))
        agent = await ref.call(Signal("stumble"), check=False)
        assert agent.state.seen == []
        lives.clear()
        with pytest.raises(ActionError, match="no"):
            await ref.call(Signal("stumble"))

        assert fates(jido) == {"accepted": 2, "handled": 1, "failed": 1}


def test_a_field_that_is_unknown_is_no_declared_failure():
    assert not issubclass(UnknownField, ActionError)

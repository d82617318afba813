"""What becomes of messages: the ledger, and dead letters that are kept and sent again."""

import pytest
import trio

from jido_trio.core import (
    Action,
    CancelSchedule,
    Context,
    Emit,
    Instruction,
    Outcome,
    Result,
    RunInstruction,
    Schedule,
    Signal,
    ToAgent,
)
from jido_trio.errors import (
    AgentCrashed,
    AgentNotFound,
    AgentStopped,
    CallTimeout,
    InvalidDefinition,
    MailboxFull,
    NoRoute,
    SupervisorStopped,
)
from jido_trio.runtime import DeadLetter, Jido, Ledger
from tests.runtime.agents import BOOM, Notebook, Notes, Work, do, note, run, settle, work
from tests.runtime.test_crashes import Pause, quiet


def fates(jido: Jido) -> dict[str, int]:
    """What the ledger says, without the zeros."""
    ledger = jido.ledger()
    assert ledger.balanced
    names = ("accepted", "handled", "failed", "dead_lettered", "expired", "withdrawn", "dropped", "waiting")
    return {name: getattr(ledger, name) for name in names if getattr(ledger, name)}


class BadOutcome(Action):
    outcome: Outcome

    def run(self, context: Context[Notes]) -> Result:
        raise ZeroDivisionError("a bug")


async def test_calls_and_casts_that_went_well_are_handled(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(note(1))
        await ref.cast(note(2))
        ref.cast_nowait(note(3))
        await ref.call(note(4))

        assert fates(jido) == {"accepted": 4, "handled": 4}


async def test_what_waits_is_counted_as_waiting(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Pause()))
        for word in range(3):
            ref.cast_nowait(note(word))

        assert fates(jido) == {"accepted": 4, "handled": 1, "waiting": 3}


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
async def test_calls_that_got_an_error_have_failed(busy, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        if busy:
            await ref.cast(do(Pause()))
        with pytest.raises(NoRoute):
            await ref.call(Signal("unheard"))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)

        assert fates(jido) == {"accepted": 2 + busy, "failed": 2} | ({"handled": 1} if busy else {})
        assert jido.dead_letters() == ()


async def test_callers_of_an_agent_that_stops_have_failed(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Pause()))
        async with trio.open_nursery() as nursery:

            async def call():
                with pytest.raises(AgentStopped):
                    await ref.call(note(1))

            nursery.start_soon(call)
            await settle()
            await jido.stop_agent(ref)

        assert fates(jido) == {"accepted": 2, "handled": 1, "failed": 1}


async def test_calls_that_ran_out_of_time_have_expired(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Pause()))
        with pytest.raises(CallTimeout):
            await ref.call(note(1), timeout=0.1)

        assert fates(jido) == {"accepted": 2, "handled": 1, "expired": 1}


async def test_calls_whose_callers_were_cancelled_are_withdrawn(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Pause()))
        with trio.move_on_after(0.1):
            await ref.call(note(1))

        assert fates(jido) == {"accepted": 2, "handled": 1, "withdrawn": 1}


async def test_what_waited_for_room_in_vain_was_never_accepted(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.cast(do(Pause()))
        await ref.cast(note(1))
        with pytest.raises(MailboxFull):
            ref.cast_nowait(note(2))
        with pytest.raises(CallTimeout):
            await ref.call(note(3), timeout=0.1)
        with trio.move_on_after(0.1):
            await ref.cast(note(4))

        assert fates(jido) == {"accepted": 2, "handled": 1, "waiting": 1}


async def test_a_call_that_ran_out_of_time_makes_room_at_once(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.cast(do(Pause(), Pause()))
        with pytest.raises(CallTimeout):
            await ref.call(note("late"), timeout=0.1)
        ref.cast_nowait(note("next"))
        agent = await ref.call(note("last"), timeout=None)

    assert agent.state.seen == ["next", "last"]


async def test_an_outcome_for_a_life_that_has_ended_is_dropped(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(work("late", seconds=0.5))
        await ref.cast(do(Pause()))
        await trio.sleep(0.7)
        jido.kill_agent(ref)
        await trio.sleep(3)

    # With the news of it for the next life, which routes none.
    assert fates(jido) == {"accepted": 4, "handled": 2, "dropped": 2}


async def test_a_signal_that_crashed_its_agent_is_a_dead_letter_with_the_crash(autojump_clock):
    letters: list[DeadLetter] = []
    async with quiet(on_dead_letter=letters.append) as jido:
        ref = await jido.start_agent(Notebook, id="a")
        await trio.sleep(7)
        await ref.cast(BOOM)
        ref.cast_nowait(BOOM)
        await settle()

        assert fates(jido) == {"accepted": 2, "dead_lettered": 2}

    assert letters == [DeadLetter("a", BOOM, "the agent crashed at it", crash="ZeroDivisionError: a bug")] * 2
    assert [(letter.id, letter.at) for letter in letters] == [(1, 7), (2, 7)]


async def test_an_outcome_that_crashed_its_agent_is_a_dead_letter(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(RunInstruction(Instruction(Work()), result_action=BadOutcome)))
        await trio.sleep(2)

        [letter] = jido.dead_letters()
        assert (letter.signal.type, letter.crash) == ("do", "ZeroDivisionError: a bug")


async def test_the_last_dead_letters_are_kept(autojump_clock):
    async with quiet(dead_letters=2) as jido:
        ref = await jido.start_agent(Notebook)
        for number in range(3):
            await ref.cast(Signal("unheard", number))

        assert [letter.signal.data for letter in jido.dead_letters()] == [1, 2]
        assert fates(jido) == {"accepted": 3, "dead_lettered": 3}
    assert [letter.signal.data for letter in jido.dead_letters()] == [1, 2]


async def test_an_instance_may_keep_no_dead_letters(autojump_clock):
    async with quiet(dead_letters=0) as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(Signal("unheard"))

        assert jido.dead_letters() == ()


@pytest.mark.parametrize("size", [-1, 1.5, "many"])
def test_how_many_dead_letters_are_kept_must_be_a_number(size):
    with pytest.raises(InvalidDefinition, match="dead_letters"):
        Jido("app", dead_letters=size)


async def test_a_dead_letter_can_be_sent_again(autojump_clock):
    async with quiet() as jido:
        sender = await jido.start_agent(Notebook)
        await sender.cast(do(Emit(note("hello"), dispatch=ToAgent("late"))))
        await settle()
        late = await jido.start_agent(Notebook, id="late")
        jido.resend(jido.dead_letters()[0])
        await settle()

        assert late.agent.state.seen == ["hello"]
        assert jido.dead_letters() == ()
        assert fates(jido) == {"accepted": 3, "handled": 2, "dead_lettered": 1}


async def test_a_dead_letter_that_cant_be_sent_again_is_kept(autojump_clock):
    async with quiet() as jido:
        sender = await jido.start_agent(Notebook)
        await sender.cast(do(Emit(note("hello"), dispatch=ToAgent("nobody"))))
        await settle()
        with pytest.raises(AgentNotFound):
            jido.resend(jido.dead_letters()[0])

        assert len(jido.dead_letters()) == 1
    with pytest.raises(SupervisorStopped):
        jido.resend(jido.dead_letters()[0])


async def test_the_ledger_is_a_value(autojump_clock):
    async with quiet() as jido:
        before = jido.ledger()

    assert before == jido.ledger() == Ledger(0, 0, 0, 0, 0, 0, 0, 0)


async def test_a_schedule_that_is_cancelled_when_it_is_due_is_withdrawn(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(Schedule(1, note("late"), key="k")))
        await ref.cast(do(Pause(), Pause(), CancelSchedule("k")))
        await trio.sleep(5)

        assert fates(jido) == {"accepted": 3, "handled": 2, "withdrawn": 1}


async def test_what_is_told_of_interrupted_actions_has_its_fate(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.call(do(run(Work(seconds=5)), run(Work(seconds=5))))
        with pytest.raises(AgentCrashed):
            await ref.call(BOOM)
        await settle()

        assert fates(jido) == {"accepted": 4, "handled": 1, "failed": 1, "dropped": 2}


async def test_a_letter_of_another_instance_is_sent_and_takes_out_none(autojump_clock):
    async with quiet() as jido:
        tenant = await jido.partition("tenant")
        for agents in (jido, tenant):
            ref = await agents.start_agent(Notebook, id="a")
            await ref.cast(Signal("unknown"))
        [ours], [theirs] = jido.dead_letters(), tenant.dead_letters()
        assert ours.id == theirs.id
        jido.resend(theirs)
        await settle()
        assert ours in jido.dead_letters()
        assert tenant.dead_letters() == (theirs,)
        with pytest.raises(TypeError, match="5 is no dead letter"):
            jido.resend(5)  # type: ignore[arg-type]

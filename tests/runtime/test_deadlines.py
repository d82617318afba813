"""Deadlines that travel with messages: what comes too late is passed over, and calls that are made for it end then."""

import math

import pytest
import trio
from attrs import frozen

from jido_trio.core import Action, Context, Instruction, Outcome, Result, RunInstruction, Signal
from jido_trio.errors import CallTimeout, InvalidDefinition
from jido_trio.runtime import Jido, MailboxRules, Runtime, interpret
from jido_trio.storage import MemoryStorage
from tests.runtime.agents import Note, Notebook, Notes, do, note, settle, work
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


class Lasting(Notebook, durable=True):
    """A notebook that outlives its process."""


class Room:
    """What the actions of these tests have to do with."""

    def __init__(self) -> None:
        self.jido: Jido = quiet(resources={Room: self}, storage=MemoryStorage())
        self.late: list[float] = []


async def test_a_cast_that_comes_to_its_turn_too_late_is_passed_over(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(Pause(), Pause()))
        await ref.cast(note("late"), deadline=1)
        ref.cast_nowait(note("late, too"), deadline=1.5)
        await ref.cast(Note(word="in time"), deadline=3)
        await ref.cast(note("patient"))
        await settle(3)

        assert ref.agent.state.seen == ["in time", "patient"]
        assert fates(jido) == {"accepted": 5, "handled": 3, "expired": 2}
        assert jido.dead_letters() == ()


async def test_a_cast_with_a_deadline_waits_for_room_no_longer(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, mailbox_size=1)
        await ref.cast(do(Pause(), Pause()))
        ref.cast_nowait(note("takes the place"))
        with pytest.raises(CallTimeout) as late:
            await ref.cast(note("late"), deadline=1)

        assert (trio.current_time(), late.value.seconds) == (1, 1)
        await settle(3)
        assert fates(jido) == {"accepted": 2, "handled": 2}


async def test_what_is_late_already_is_not_sent(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await trio.sleep(2)
        for send in (ref.call, ref.cast):
            with pytest.raises(CallTimeout):
                await send(note("late"), deadline=1)
        with pytest.raises(CallTimeout):
            ref.cast_nowait(note("late"), deadline=1)
        assert [type(each) for each in await ref.call_many([note(1), note(2)], deadline=1)] == [CallTimeout] * 2

        assert fates(jido) == {}


@pytest.mark.parametrize("kind", [Notebook, Lasting])
async def test_a_call_waits_until_its_deadline_instead_of_the_default_time(kind, autojump_clock):
    async with quiet(storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(kind)
        await ref.cast(do(*[Pause()] * 8))
        agent = await ref.call(note("in time"), deadline=20)
        assert agent.state.seen == ["in time"]

        began = trio.current_time()
        await ref.cast(do(*[Pause()] * 8))
        with pytest.raises(CallTimeout):
            await ref.call(note("late"), deadline=began + 2)
        with pytest.raises(CallTimeout):
            await ref.call(note("late"), deadline=began + 20, timeout=3)
        assert 3 <= trio.current_time() - began - 2 <= 3.5
        assert fates(jido)["expired"] == 2


class CallOther(Action):
    """Calls another agent, and has all the time in the world."""

    id: str
    timeout: float | None = None

    async def run(self, context: Context[Notes]) -> Result:
        room = context.resources[Room]
        ref = room.jido.whereis(self.id)
        assert ref is not None
        try:
            await ref.call(note("from an action"), timeout=self.timeout)
        except CallTimeout:
            room.late.append(trio.current_time())
        return None


@frozen
class CallFrom:
    """A directive that calls another agent."""

    id: str


@interpret.register
async def _(directive: CallFrom, runtime: Runtime) -> None:
    room = runtime.resources[Room]
    ref = room.jido.whereis(directive.id)
    assert ref is not None
    try:
        await ref.call(note("from an interpreter"), timeout=None)
    except CallTimeout:
        room.late.append(trio.current_time())


class CallLater(Action):
    """Makes a call of the outcome of an action."""

    outcome: Outcome

    def run(self, context: Context[Notes]) -> Result:
        return RunInstruction(Instruction(CallOther(id="busy")))


class Slow(Action):
    async def run(self, context: Context[Notes]) -> Result:
        await trio.sleep(1)
        return None


ways = {
    "an action": RunInstruction(Instruction(CallOther(id="busy"))),
    "an interpreter": CallFrom("busy"),
    "an outcome": RunInstruction(Instruction(Slow()), result_action=CallLater),
    "an action in a lane": RunInstruction(Instruction(CallOther(id="busy")), lane="one"),
}


@pytest.mark.parametrize("way", ways.values(), ids=ways)
@pytest.mark.parametrize("how", ["call", "cast", "busy call", "busy cast"])
async def test_a_call_made_for_a_message_ends_with_its_deadline(way, how, autojump_clock):
    room = Room()
    async with room.jido as jido:
        ref, busy = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="busy")
        await busy.cast(do(*[Pause()] * 30))
        if how.startswith("busy"):
            await ref.cast(do(Pause()))
        if how.endswith("call"):
            await ref.call(do(way), deadline=4)
        else:
            await ref.cast(do(way), deadline=4)
        await ref.cast(do(way))
        await trio.sleep(20)

        assert room.late == [4]
        assert fates(jido)["expired"] == 1


async def test_a_shorter_time_of_a_call_within_a_deadline_counts(autojump_clock):
    room = Room()
    async with room.jido as jido:
        ref, busy = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="busy")
        await busy.cast(do(*[Pause()] * 30))
        await ref.cast(do(RunInstruction(Instruction(CallOther(id="busy", timeout=2)))), deadline=10)
        await trio.sleep(5)

        assert room.late == [2]


async def test_a_deadline_travels_on_with_the_calls_that_are_made_for_it(autojump_clock):
    room = Room()
    async with room.jido as jido:
        first, busy = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="busy")
        await busy.cast(do(*[Pause()] * 30))
        await jido.start_agent(Forwarder, id="second")
        await first.cast(do(RunInstruction(Instruction(Forward()))), deadline=3)
        await trio.sleep(10)

        assert room.late == [3]


class Forward(Action):
    async def run(self, context: Context[Notes]) -> Result:
        ref = context.resources[Room].jido.whereis("second")
        assert ref is not None
        await ref.call(CallOther(id="busy"), timeout=None)
        return None


class Forwarder(Notebook): ...


async def test_a_message_without_a_deadline_is_not_limited_by_the_one_before(autojump_clock):
    room = Room()
    async with room.jido as jido:
        ref, busy = await jido.start_agent(Notebook), await jido.start_agent(Notebook, id="busy")
        await busy.cast(do(*[Pause()] * 6))
        await ref.cast(do(RunInstruction(Instruction(Slow())), Pause()), deadline=3)
        await ref.cast(do(ways["an action"], ways["an interpreter"]))
        await trio.sleep(10)

        assert room.late == []
        assert sorted(busy.agent.state.seen) == ["from an action", "from an interpreter"]


async def test_rules_of_the_mailbox_hold_for_messages_with_deadlines(autojump_clock):
    async with quiet() as jido:
        rules = MailboxRules(coalesce=lambda signal: signal.type, redeliver=1)
        ref = await jido.start_agent(Notebook, mailbox=rules)
        await ref.cast(do(Pause()))
        await ref.cast(note(1), deadline=0.5)
        await ref.cast(note(2), deadline=5)
        await settle(2)

        assert ref.agent.state.seen == [2]


async def test_a_dead_letter_keeps_its_deadline_and_is_sent_again_as_what_it_was(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(Signal("boom"), deadline=5)
        [letter] = jido.dead_letters()
        jido.resend(letter)
        await settle()

        assert ref.incarnation == 3


async def test_many_calls_have_one_deadline(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        answers = await ref.call_many([note(1), do(*[Pause()] * 9), note(2)], deadline=7)

        assert [type(answer) for answer in answers] == [Notebook, Notebook, CallTimeout]
        assert trio.current_time() == 7


async def test_a_call_until_all_is_settled_has_a_deadline_too(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        settled = await ref.call(work("long", seconds=9), deadline=10, until="settled")

        assert len(settled.outcomes) == 1


async def test_a_durable_agent_handles_what_was_cast_however_late(autojump_clock):
    async with quiet(storage=MemoryStorage()) as jido:
        ref = await jido.start_agent(Lasting)
        with pytest.raises(InvalidDefinition, match="is durable, and handles what was cast"):
            await ref.cast(note(1), deadline=5)
        with pytest.raises(InvalidDefinition, match="is durable, and handles what was cast"):
            ref.cast_nowait(note(1), deadline=5)

        assert fates(jido) == {}


@pytest.mark.parametrize("deadline", ["soon", math.nan, True])
async def test_a_deadline_is_a_time(deadline, autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        for send in (ref.call, ref.cast):
            with pytest.raises(InvalidDefinition, match="must be a time of Trio's clock"):
                await send(note(1), deadline=deadline)
        with pytest.raises(InvalidDefinition, match="must be a time"):
            ref.cast_nowait(note(1), deadline=deadline)

        assert fates(jido) == {}


async def test_without_end_is_a_deadline_too(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook)
        await ref.cast(do(*[Pause()] * 30))
        await ref.call(note("patient"), deadline=math.inf)

        assert trio.current_time() == 30

"""Agents that would wait for each other: whoever would close the circle is told so at once, and nobody else is."""

from typing import Any

import pytest
import trio
from attrs import frozen

from jido_trio.core import Action, Context, Emit, Instruction, Result, RunInstruction, ToAgent
from jido_trio.errors import CallTimeout, NotSettled, WouldDeadlock
from jido_trio.runtime import AgentRef, Jido, Runtime, interpret, wait_state
from jido_trio.storage import MemoryStorage
from jido_trio.supervision import Budget
from tests.runtime.agents import BOOM, Notebook, Notes, do, note, settle
from tests.runtime.test_crashes import Pause, quiet
from tests.runtime.test_fates import fates


class Lasting(Notebook, durable=True):
    """A notebook that outlives its process."""


class Room:
    """What the directives of these tests have to do with: the instance, and what they were told."""

    def __init__(self) -> None:
        self.told: dict[str, WouldDeadlock] = {}
        self.jido: Jido = quiet(resources={Room: self}, storage=MemoryStorage())

    def ref(self, id: str) -> AgentRef[Notebook]:
        ref = self.jido.whereis(id)
        assert ref is not None
        return ref

    async def start(self, kind: type[Notebook] = Notebook, **options: Any) -> list[AgentRef[Notebook]]:
        return [await self.jido.start_agent(kind, id=id, **options) for id in "abc"]


@frozen
class WaitFor:
    """A directive that waits for an agent, after so many seconds."""

    how: str
    id: str
    then: tuple[Any, ...] = ()
    seconds: float = 1


@interpret.register
async def _(directive: WaitFor, runtime: Runtime) -> None:
    room = runtime.resources[Room]
    await trio.sleep(directive.seconds)
    ref = room.ref(directive.id)
    try:
        match directive.how:
            case "call":
                await ref.call(do(*directive.then), timeout=None)
            case "cast":
                await ref.cast(note("cast"))
            case "stop":
                await room.jido.stop_agent(ref)
            case "wait":
                await wait_state(ref, lambda state: "x" in state.seen, timeout=None)
    except WouldDeadlock as error:
        room.told[runtime.agent.id] = error


@pytest.mark.parametrize("kind", [Notebook, Lasting])
async def test_who_closes_a_circle_is_told_who_waits_for_whom_and_the_others_go_on(kind, autojump_clock):
    room = Room()
    async with room.jido as jido:
        a, b, c = await room.start(kind)
        for ref, to in ((a, "b"), (b, "c"), (c, "a")):
            await ref.cast(do(WaitFor("call", to)))
            await trio.sleep(0.2)
        await trio.sleep(3)

        assert all(ref.running and ref.incarnation == 1 for ref in (a, b, c))
        assert jido.ledger().balanced
    assert {id: error.path for id, error in room.told.items()} == {"c": ("c", "a", "b", "c")}
    assert room.told["c"].agent_id == "a"
    assert "'c' -> 'a' -> 'b' -> 'c'" in str(room.told["c"])


@pytest.mark.parametrize("how", ["call", "cast", "stop", "wait"])
@pytest.mark.parametrize("kind", [Notebook, Lasting])
async def test_every_way_to_wait_closes_a_circle_and_is_seen_in_one(how, kind, autojump_clock):
    for first, second in ((how, "call"), ("call", how)):
        room = Room()
        async with room.jido:
            a, b, _ = await room.start(kind, mailbox_size=1, shutdown=None)
            await a.cast(do(WaitFor(first, "b")))
            await b.cast(do(WaitFor(second, "a", seconds=2)))
            await settle(0.1)
            for ref in (a, b):
                await ref.cast(note("takes the place"))
            await settle(3)
            room.jido.kill_agent(a)
        assert {id: error.path for id, error in room.told.items()} == {"b": ("b", "a", "b")}


async def test_a_row_of_agents_that_wait_is_no_circle(autojump_clock):
    room = Room()
    async with room.jido as jido:
        a, b, c = await room.start()
        await c.cast(do(Pause(), Pause(), Pause()))
        await b.cast(do(WaitFor("call", "c")))
        await a.cast(do(WaitFor("call", "b")))
        await trio.sleep(5)

        assert fates(jido) == {"accepted": 5, "handled": 5}
    assert room.told == {}


@pytest.mark.parametrize("how", ["call", "wait"])
@pytest.mark.parametrize("kind", [Notebook, Lasting])
async def test_who_was_answered_already_is_waited_for_by_nobody_though_it_has_not_run_since(kind, how, autojump_clock):
    for _ in range(20):  # Trio draws which of two tasks runs first
        room = Room()
        async with room.jido:
            a, b, _ = await room.start(kind)
            back = (WaitFor("call", "a", seconds=0),)
            await b.cast(do(Pause()))
            await a.cast(do(WaitFor(how, "b", then=back, seconds=0)))
            if how == "wait":
                await settle(0.1)
                await b.cast(do_after_noting("x", *back))
            await trio.sleep(3)
        assert room.told == {}


class NoteAnd(Action):
    word: str
    directives: Any

    def run(self, context: Context[Notes]) -> Result:
        return {"seen": [self.word]}, list(self.directives)


def do_after_noting(word: str, *directives: Any) -> NoteAnd:
    return NoteAnd(word=word, directives=directives)


class CallMe(Action):
    """Calls the agent that runs it."""

    async def run(self, context: Context[Notes]) -> Result:
        await context.resources[Room].ref(context.agent.id).call(note("from an action"))
        return None


async def test_an_async_action_may_call_its_own_agent_which_goes_on_meanwhile(autojump_clock):
    room = Room()
    async with room.jido:
        a, _, _ = await room.start()
        await a.call(do(RunInstruction(Instruction(CallMe())), Pause()))
        await trio.sleep(3)

        assert (a.incarnation, a.agent.state.seen) == (1, ["from an action"])


class EndMe(Action):
    """Have its own agent end, and wait for that."""

    how: str

    async def run(self, context: Context[Notes]) -> Result:
        room = context.resources[Room]
        try:
            match self.how:
                case "stop":
                    await room.jido.stop_agent(context.agent.id)
                case "hibernate":
                    await room.jido.hibernate(context.agent.id)
                case "stop its partition":
                    await (await room.jido.partition("p")).stop()
        except WouldDeadlock as error:
            room.told[context.agent.id] = error
        return None


@pytest.mark.parametrize("how", ["stop", "hibernate", "stop its partition"])
async def test_an_async_action_that_waits_for_the_end_of_its_own_agent_is_told_so_at_once(how, autojump_clock):
    room = Room()
    async with room.jido as jido:
        agents = await jido.partition("p") if "partition" in how else jido
        a = await agents.start_agent(Lasting, id="a")
        await a.call(EndMe(how=how), until="settled")
        assert trio.current_time() == 0
        assert a.running

    assert room.told["a"].path == ("a", "a")
    assert "return Stop()" in str(room.told["a"])


@frozen
class StartTalking:
    """A directive that starts a task which calls the agent, and doesn't wait for it."""


@interpret.register
async def _(_: StartTalking, runtime: Runtime) -> None:
    ref = runtime.resources[Room].ref(runtime.agent.id)
    runtime.start_soon(ref.call, note("from a task"))
    await trio.sleep(1)


async def test_a_task_that_an_interpreter_only_started_may_call_the_agent(autojump_clock):
    room = Room()
    async with room.jido:
        a, _, _ = await room.start()
        await a.call(do(StartTalking()))
        await trio.sleep(2)

        assert (a.incarnation, a.agent.state.seen) == (1, ["from a task"])


async def test_agents_that_would_wait_for_room_at_each_other_give_up_a_signal(autojump_clock):
    room = Room()
    async with room.jido as jido:
        a, b, _ = await room.start(mailbox_size=1)
        for ref, to in ((a, "b"), (b, "a")):
            await ref.cast(do(Pause(), *[Emit(note(n), dispatch=ToAgent(to), when_full="wait") for n in range(3)]))
            ref.cast_nowait(note("fills it"))
        await trio.sleep(5)

        assert len(jido.dead_letters()) >= 1
        assert all("it waits for the sender: " in letter.reason for letter in jido.dead_letters())
        assert fates(jido)["accepted"] == 10
        assert a.agent.state.seen
        assert b.agent.state.seen


async def test_a_wait_that_was_given_up_is_no_part_of_a_circle(autojump_clock):
    room = Room()
    async with room.jido as jido:
        a, b, _ = await room.start()
        await b.cast(do(Pause(), Pause(), WaitFor("call", "a", seconds=0)))
        await a.cast(do(CallBriefly("b"), Pause(), Pause()))
        await trio.sleep(10)

        assert fates(jido) == {"accepted": 4, "handled": 3, "expired": 1}
    assert room.told == {}


@frozen
class CallBriefly:
    """A directive that calls an agent and has no patience."""

    id: str


@interpret.register
async def _(directive: CallBriefly, runtime: Runtime) -> None:
    with trio.move_on_after(1):
        await runtime.resources[Room].ref(directive.id).call(note("brief"), timeout=0.5)


def test_the_error_of_a_circle_is_a_value():
    error = WouldDeadlock("a", ("b", "a", "b"))

    assert (error.agent_id, error.path) == ("a", ("b", "a", "b"))
    assert "'b' -> 'a' -> 'b'" in str(error)


# ---- what only a time-out ends


async def test_who_calls_a_parked_agent_waits_until_it_is_resumed_or_the_time_is_over(autojump_clock):
    async with quiet() as jido:
        ref = await jido.start_agent(Notebook, budget=Budget(max_restarts=0, exhausted="park"))
        await ref.cast(BOOM)
        with pytest.raises(CallTimeout):
            await ref.call(note("too early"), timeout=3)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ref.call, note("resumed"))
            await trio.sleep(1)
            await jido.resume_agent(ref)

        assert ref.agent.state.seen == ["resumed"]


class AskForMore(Action):
    """Waits until what it has asked for is done, which has to wait behind it."""

    async def run(self, context: Context[Notes]) -> Result:
        ref = context.resources[Room].ref(context.agent.id)
        more = RunInstruction(Instruction(CallMe()), lane="chat")
        try:
            await ref.call(do(more), until="settled", timeout=3)
        except NotSettled as error:
            return {"seen": [*context.state.seen, *error.under_way]}
        return None


async def test_an_action_that_waits_for_what_is_behind_it_in_its_lane_waits_until_the_time_is_over(autojump_clock):
    room = Room()
    async with room.jido:
        a, _, _ = await room.start()
        began = trio.current_time()
        settled = await a.call(do(RunInstruction(Instruction(AskForMore()), lane="chat")), until="settled")

        assert trio.current_time() == began + 3
        assert settled.outcomes[0].result == {"seen": ["call_me"]}
        await settle()
        assert "from an action" in a.agent.state.seen
